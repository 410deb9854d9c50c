"""Answers are computed once for all readers, and never given for other data, settings, decisions or identities."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from workbench.archive import Archive
from workbench.catalog import Catalog
from workbench.core.access.identity import Grant, Identity
from workbench.core.result import Study
from workbench.core.series import SeriesSet
from workbench.core.settings import load_settings
from workbench.core.timerange import TimeRange, to_ms
from workbench.store.decided.decisions import Annotation, ExclusionRecord
from workbench.studies import Context, open_context
from workbench.studies.answers.asking import answer, answer_unless_begun, ask, newest_answer
from workbench.studies.answers.document import study_bytes, study_of
from workbench.studies.answers.keys import Question, data_of, key_of
from workbench.studies.answers.parts import joined, parts_of
from workbench.studies.answers.values import NotKeptError
from workbench.studies.capacity.forecast import HISTORY_DAYS
from workbench.studies.upkeep.lease import held

NOW = datetime(2026, 10, 3, tzinfo=UTC)
LAB = "counterfactual-lab"
SPAN = TimeRange(NOW - timedelta(days=2), NOW)


def samples(until: datetime, step: float = 1.0) -> SeriesSet:
    times = np.arange(to_ms(NOW - timedelta(days=4)), to_ms(until) + 1, 60_000)
    scope = open_context().catalog.profile(LAB).scope
    labels = {"job": "lab", "instance": "lab-1", **scope}
    up = ({"__name__": "up", **labels}, times, np.ones(len(times)))
    requests = {"__name__": "http_requests_total", **labels, "status_code": "200", "endpoint": "/generate"}
    return SeriesSet.of([up, (requests, times, np.arange(len(times)) * step)])


@pytest.fixture
def ctx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    (tmp_path / "workbench.toml").write_text(
        f'home = "home"\n[sources.kept]\nkind = "archive"\npath = "{tmp_path / "archive"}"\n'
    )
    monkeypatch.setenv("WORKBENCH_CONFIG", str(tmp_path / "workbench.toml"))
    archive = Archive.open(tmp_path / "archive", create=True)
    archive.append_samples(samples(NOW))
    return replace(open_context(load_settings()), clock=lambda: NOW)


class Counted:
    def __init__(self, slow_s: float = 0.0) -> None:
        self.times, self.slow_s = 0, slow_s

    def __call__(self, ctx: Context, question: Question) -> Study:
        self.times += 1
        time.sleep(self.slow_s)
        return ask(ctx, question)


def question(**changes: object) -> Question:
    return replace(Question("service_performance", LAB, SPAN, NOW), **changes)


def requests(study: Study) -> list[float]:
    return study.results["flows"].frame["requests"].dropna().tolist()


def settled(ctx: Context, what: Question, compute: Callable[[Context, Question], Study]) -> Study:
    for _ in range(200):
        given = answer(ctx, what, compute=compute)
        if given.age_s is None:
            return given
        time.sleep(0.05)
    raise AssertionError("no new answer came")


@pytest.mark.slow
def test_a_second_reader_gets_the_answer_of_the_first_to_the_last_digit(ctx):
    compute = Counted()
    first, second = (answer(ctx, question(), compute=compute) for _ in range(2))
    assert compute.times == 1
    assert first.age_s is None
    assert second.age_s is None
    assert study_bytes(first) == study_bytes(second)
    assert second.to_dict() == first.to_dict()


@pytest.mark.slow
def test_a_forecast_is_made_once_for_all_periods_with_one_end_and_says_the_period_that_is_asked_about(ctx):
    compute = Counted()
    for days in (1, 2, HISTORY_DAYS):
        asked = question(study="capacity_forecast", span=TimeRange(NOW - timedelta(days=days), NOW))
        assert answer(ctx, asked, compute=compute).to_dict() == ask(ctx, asked).to_dict()
    assert compute.times == 1
    for other in (
        TimeRange(NOW - timedelta(days=HISTORY_DAYS + 1), NOW),
        TimeRange(NOW - timedelta(hours=2), NOW - timedelta(hours=1)),
    ):
        answer(ctx, question(study="capacity_forecast", span=other), compute=compute)
    assert compute.times == 3


@pytest.mark.slow
def test_a_fresh_process_has_the_same_key(ctx, tmp_path):
    program = (
        "from dataclasses import replace; from datetime import *; from workbench.studies import open_context;"
        "from workbench.studies.answers.keys import *; from workbench.core.timerange import TimeRange;"
        "now = datetime(2026, 10, 3, tzinfo=UTC); span = TimeRange(now - timedelta(days=2), now);"
        "ctx = replace(open_context(), clock=lambda: now);"
        f"print(key_of(ctx, Question('service_performance', '{LAB}', span, now)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == key_of(ctx, question())


CHANGES: dict[str, Callable[[Context], Context]] = {
    "a limit": lambda ctx: replace(ctx, limits=ctx.limits.model_copy(update={"samples": ctx.limits.samples + 1})),
    "the zone": lambda ctx: replace(ctx, zone="Europe/Berlin"),
    "the profile": lambda ctx: replace(ctx, catalog=changed_profile(ctx.catalog)),
    "an objective": lambda ctx: replace(ctx, catalog=changed_objective(ctx.catalog)),
    "the scope": lambda ctx: ctx.for_identity(Identity("ana", (Grant("viewer", (LAB,)),))),
    "the role": lambda ctx: ctx.for_identity(Identity("bo", (Grant("viewer"),))),
    "an exclusion": lambda ctx: decided(ctx, exclusion=True),
    "an annotation": lambda ctx: decided(ctx, exclusion=False),
}  # fmt: skip


def changed_profile(catalog: Catalog) -> Catalog:
    profile = catalog.profiles[LAB]
    return replace(catalog, profiles={**catalog.profiles, LAB: profile.model_copy(update={"owner": "another team"})})


def changed_objective(catalog: Catalog) -> Catalog:
    first, *rest = catalog.objectives[LAB]
    other = replace(first, target=first.target / 2)
    return replace(catalog, objectives={**catalog.objectives, LAB: (other, *rest)})


def decided(ctx: Context, *, exclusion: bool) -> Context:
    assert ctx.store is not None
    if exclusion:
        ctx.store.add_exclusion(
            ExclusionRecord(LAB, "removed", NOW - timedelta(hours=2), NOW - timedelta(hours=1), "move", NOW, "ana")
        )
    else:
        ctx.store.add_annotation(Annotation(LAB, "deploy", NOW - timedelta(hours=2), "v2", NOW, "ana"))
    return ctx


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_no_answer_is_given_for_other_contents(ctx, change):
    compute = Counted()
    answer(ctx, question(), compute=compute)
    given = answer(CHANGES[change](ctx), question(), compute=compute)
    assert compute.times == 2
    assert given.age_s is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"study": "alert_load"},
        {"system": "conduit"},
        {"span": TimeRange(NOW - timedelta(days=1), NOW)},
        {"options": (("flow", "requests"),)},
    ],
)
def test_every_part_of_a_question_is_in_its_key(ctx, changes):
    assert key_of(ctx, question(**changes)) != key_of(ctx, question())


@pytest.mark.slow
def test_changed_data_gives_a_new_answer_and_an_older_one_says_its_age(ctx, tmp_path):
    compute = Counted()
    before = answer(ctx, question(), compute=compute)
    Archive.open(tmp_path / "archive").append_samples(samples(NOW, step=2.0))
    later = replace(ctx, clock=lambda: NOW + timedelta(seconds=90))
    given = answer(later, question(), compute=compute)
    assert given.age_s == 90
    assert given.warnings[0].startswith("This answer is 1 min 30 s old")
    assert requests(given) == requests(before)
    assert requests(settled(later, question(), compute)) == [2 * count for count in requests(before)]


@pytest.mark.slow
def test_what_is_added_after_a_period_leaves_its_answer_true_and_what_is_added_to_it_does_not(ctx, tmp_path):
    compute, archive = Counted(), Archive.open(tmp_path / "archive")
    later = replace(ctx, clock=lambda: NOW + timedelta(days=1))
    before = answer(later, question(), compute=compute)
    grown = samples(NOW + timedelta(days=1))
    archive.append_samples(grown)
    another = {**dict(grown.labels[1]), "status_code": "500"}
    archive.append_samples(SeriesSet.of([(another, [to_ms(NOW) + 60_000], [7.0])]))
    assert answer(later, question(), compute=compute).age_s is None
    assert compute.times == 1
    assert study_bytes(answer(later, question(), compute=compute)) == study_bytes(before)
    present = replace(ctx, clock=lambda: NOW + timedelta(minutes=30))
    assert data_of(present, question()) != data_of(later, question())
    archive.append_samples(samples(NOW, step=2.0))
    assert answer(later, question(), compute=compute).age_s == 0
    assert requests(settled(later, question(), compute)) == [2 * count for count in requests(before)]


def test_periods_that_are_over_are_never_taken_for_one_another(ctx):
    ctx = replace(ctx, clock=lambda: NOW + timedelta(days=60))
    earlier = TimeRange(SPAN.start - timedelta(days=2), SPAN.start)
    assert key_of(ctx, question()) != key_of(ctx, question(span=earlier, as_of=earlier.end))


@pytest.mark.slow
def test_an_answer_that_is_too_old_is_waited_for(ctx):
    compute = Counted()
    answer(ctx, question(), compute=compute)
    later = NOW + timedelta(hours=1)
    moved = question(span=TimeRange(SPAN.start + timedelta(hours=1), later), as_of=later)
    assert moved.period(later) == question().period(NOW)
    given = answer(replace(ctx, clock=lambda: later), moved, compute=compute)
    assert given.age_s is None
    assert compute.times == 2


@pytest.mark.slow
def test_readers_at_once_wait_for_one_computation(ctx):
    compute = Counted(slow_s=0.5)
    given: list[Study] = []
    threads = [
        threading.Thread(target=lambda: given.append(answer(ctx, question(), compute=compute))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert compute.times == 1
    assert len(given) == 6


def test_an_answer_without_a_source_is_not_kept(ctx):
    compute = Counted()
    gone = replace(ctx, sources={})
    assert answer(gone, question(), compute=compute).status == "unavailable"
    answer(gone, question(), compute=compute)
    assert compute.times == 2


@pytest.mark.slow
def test_damaged_or_foreign_bytes_are_no_answer(ctx):
    content = study_bytes(ask(ctx, question()))
    for broken in (
        b"",
        content[:40],
        content[:-7],
        b"WBSTUDY1" + content[9:],
        content.replace(b"WBSTUDY1", b"WBSTUDY2"),
    ):
        with pytest.raises(NotKeptError):
            study_of(broken)


@pytest.mark.slow
def test_older_answers_are_renewed_one_after_the_other_and_one_that_comes_too_late_not_at_all(ctx):
    day, week = SPAN, TimeRange(NOW - timedelta(days=3), NOW)
    for span in (day, week):
        answer(ctx, question(span=span))
    running, most, asked = 0, 0, list[Question]()
    clock = [NOW + timedelta(minutes=5)]
    later = replace(ctx, clock=lambda: clock[0])

    def compute(given: Context, what: Question) -> Study:
        nonlocal running, most
        running += 1
        most = max(most, running)
        asked.append(what)
        time.sleep(0.3)
        clock[0] += timedelta(minutes=11)  # the other one is about another time by now
        running -= 1
        return ask(given, what)

    for span in (day, week):
        moved = TimeRange(span.start + timedelta(minutes=5), span.end + timedelta(minutes=5))
        given = answer(later, question(span=moved, as_of=clock[0]), compute=compute)
        assert given.age_s is not None
    for thread in [each for each in threading.enumerate() if each.name == "answer"]:
        thread.join(30)
    assert most == 1
    assert len(asked) == 1


@pytest.mark.slow
def test_the_overview_of_parts_is_that_of_one_process(ctx):
    whole = Question("overview", "", None, NOW)
    parts = parts_of(ctx, whole)
    assert [part.system for part in parts] == list(ctx.systems)
    answers = [study_of(study_bytes(ask(ctx, part))) for part in parts]
    assert study_bytes(joined(ctx, whole, answers)) == study_bytes(ask(ctx, whole))
    assert not parts_of(ctx, question())


@pytest.mark.slow
def test_who_waits_for_another_process_takes_its_answer(ctx):
    waited, begun = Counted(), threading.Event()

    def other() -> None:
        key = key_of(ctx, question())
        with held(ctx.store, f"answer/{key[:40]}", clock=ctx.clock):
            begun.set()
            time.sleep(0.5)
            content = study_bytes(ask(ctx, question()))
            data = data_of(ctx, question()).version
            ctx.store.keep_study(key, content, study="service_performance", system=LAB, as_of=NOW, made=NOW, data=data)

    thread = threading.Thread(target=other)
    thread.start()
    assert begun.wait(20)
    answer_unless_begun(ctx, question())
    assert newest_answer(ctx, question(), compute=waited).age_s is None
    thread.join()
    assert waited.times == 0
