"""An identity that sees one system gets nothing of another: from no study, the store, free queries, logs or spans."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from workbench import studies
from workbench.core.access.identity import Grant, Identity
from workbench.core.errors import AccessRefused, WorkbenchError
from workbench.core.filters import LogFilter, Native, SpanFilter
from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.store import Annotation
from workbench.studies import Context
from workbench.studies.logs.lines import find_logs
from workbench.studies.operations.ask import explain_query, find_spans, query_metrics

OWN, OTHER = "counterfactual-lab", "conduit"
END = datetime(2026, 11, 1, tzinfo=UTC)
DAY = TimeRange(END - timedelta(days=1), END)
ANA = Identity("ana", (Grant("editor", (OWN,)),))

GIVEN: dict[str, Any] = {
    "range": DAY, "span": DAY, "as_of": END, "at": END, "start": END, "slo": "availability", "path": Path("rules.yml"),
    "tag": "useful", "kind": "comment", "text": "x", "reason": "x", "duration": "1h", "score": "quality", "note": "x",
    "promql": "up", "source": None, "step_ms": None, "wanted": LogFilter(), "fresh": timedelta(0), "id": "0" * 12,
    "trace_id": "0" * 32, "against": TimeRange(END - timedelta(days=3), END - timedelta(days=2)), "by": "service",
    "episode": "availability", "alert": "X", "holds": "incidents", "told": lambda finding: True, "why": "x",
}  # fmt: skip


def questions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function of the studies that takes a context and a system, and needs nothing but plain values."""
    for found in pkgutil.walk_packages(studies.__path__, "workbench.studies."):
        module = importlib.import_module(found.name)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            parameters = inspect.signature(function).parameters
            needed = {key for key, one in parameters.items() if one.default is one.empty} - {"ctx", "system"}
            own = function.__module__ == found.name and not name.startswith("_")
            if own and {"ctx", "system"} <= set(parameters) and needed <= set(GIVEN):
                yield f"{found.name}.{name}", function


QUESTIONS = dict(questions())


@pytest.fixture
def context(demo_context: Context) -> Context:
    return replace(demo_context, clock=lambda: END, identity=ANA)


def test_there_are_studies_to_look_at():
    asked = {name.rpartition(".")[2] for name in QUESTIONS}
    assert {"slo_compliance", "spend_and_tokens", "alert_load", "overview", "add_exclusion", "find_logs"} <= asked


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_about_another_system_is_refused_and_says_nothing(name: str, context: Context, tmp_path: Path):
    (tmp_path / "rules.yml").write_text("groups: []\n")
    question = QUESTIONS[name]
    parameters = inspect.signature(question).parameters
    values = {**GIVEN, "path": tmp_path / "rules.yml"}
    needed = {key: values[key] for key, one in parameters.items() if one.default is one.empty and key in values}
    try:
        answer = question(context, system=OTHER, **needed)
        answer = list(answer) if isinstance(answer, Iterator) else answer
    except AccessRefused:
        return
    except WorkbenchError as error:
        pytest.fail(f"{name} says something else of another system: {error}")
    held = getattr(answer, "by_objective", answer)
    parts = held if isinstance(held, tuple) else (held,)
    assert not any(part is not None and len(part) for part in parts), f"{name} answers about another system"


def test_a_system_that_is_not_there_is_refused_in_the_same_words(context: Context):
    with pytest.raises(AccessRefused) as absent:
        studies.slo_compliance(context, system="nowhere", as_of=END)
    with pytest.raises(AccessRefused) as others:
        studies.slo_compliance(context, system=OTHER, as_of=END)
    assert absent.value.message.replace("nowhere", OTHER) == others.value.message


def test_the_overview_has_only_the_systems_of_the_reader(context: Context):
    study = studies.overview(context, range=DAY, as_of=END)
    text = json.dumps(study.to_dict(), default=str)
    assert set(study.results["board"].frame["system"]) == {OWN}
    for foreign in ("conduit", "choreoai", "llm-ab-testing"):
        assert foreign not in text.lower().replace(OWN, "")


def test_what_may_be_seen_is_the_same_as_the_local_admin_sees(context: Context, demo_context: Context):
    everything = replace(demo_context, clock=lambda: END)
    for question in (studies.slo_compliance, studies.spend_and_tokens):
        mine, all_ = (question(one, system=OWN, range=DAY, as_of=END) for one in (context, everything))
        assert isinstance(mine, Study)
        for name, result in all_.results.items():
            assert mine.results[name].frame.equals(result.frame), name


def test_an_identity_is_never_widened(context: Context):
    wider = context.for_identity(Identity("ana", (Grant("admin"),)))
    with pytest.raises(AccessRefused):
        wider.catalog.profile(OTHER)
    assert OTHER not in wider.systems


def test_free_promql_stays_within_the_system_whatever_its_matchers_say(context: Context, demo_context: Context):
    everything = replace(demo_context, clock=lambda: END)
    foreign = f'{{__name__=~".+",system="{OTHER}"}}'
    assert len(query_metrics(everything, f"count({foreign})", system=None, at=END, range=DAY).frame.columns)
    assert not len(query_metrics(context, foreign, system=OWN, at=END, range=DAY).frame.columns)
    assert explain_query(context, foreign, source=None, system=OWN, range=DAY, step_ms=None).points == 0
    for system in (None, OTHER):
        with pytest.raises(AccessRefused):
            query_metrics(context, "up", system=system, at=END, range=DAY)
        with pytest.raises(AccessRefused):
            query_metrics(context, "up", source="demo", system=system, at=END, range=DAY)


def test_the_answer_to_free_promql_has_series_of_the_system_only(context: Context):
    answer = query_metrics(context, f'{{system=~".*",__name__=~"up|ALERTS"}} or {{system="{OTHER}"}}', system=OWN,
                           at=END, range=DAY)  # fmt: skip
    assert len(answer.frame.columns)
    assert {labels["system"] for labels in answer.labels} == {OWN}


def test_log_lines_and_spans_of_a_shared_archive_stay_with_their_services(context: Context, demo_context: Context):
    others = demo_context.services_of(OTHER)
    own = context.services_of(OWN)
    assert others
    assert not set(others) & set(own)
    for wanted in (LogFilter(services=others), LogFilter(native=Native("loki", "{}"))):
        with pytest.raises(WorkbenchError):
            find_logs(context, system=OWN, range=DAY, wanted=wanted, source="demo")
    with pytest.raises(AccessRefused):
        find_spans(context, system=OWN, range=DAY, wanted=SpanFilter(services=others))
    lines = find_logs(context, system=OWN, range=DAY, wanted=LogFilter(services=(*others, *own)), limit=500)
    assert {row["service"] for row in lines.rows} <= set(own)
    rows, _, _ = find_spans(context, system=OWN, range=DAY, wanted=SpanFilter(services=(*others, *own)))
    assert {row["service"] for row in rows} <= set(own)


def test_a_trace_of_another_team_is_not_found_by_its_id(context: Context, demo_context: Context):
    everything = replace(demo_context, clock=lambda: END)
    rows, _, _ = find_spans(everything, system=OTHER, range=DAY, wanted=SpanFilter(), limit=1)
    trace = rows[0]["trace_id"]
    found, count, _ = find_spans(context, system=OWN, range=DAY, wanted=SpanFilter(trace_id=trace))
    assert not any(row["service"] in demo_context.services_of(OTHER) for row in found)
    assert count == len(found)


def test_the_store_gives_and_takes_nothing_of_another_system(context: Context, demo_context: Context):
    whole, part = demo_context.store, context.store
    assert whole is not None
    assert part is not None
    record = Annotation(OTHER, "comment", END, "secret plan", END, "ben")
    added = whole.add_annotation(record)
    run = whole.start_run(
        report="monthly", system=OTHER, period="2026-10", parameters={}, started_at=END, version="0", identity="ben"
    )
    assert part.annotations(OTHER) == []
    assert part.audit(OTHER) == []
    assert part.runs() == []
    assert part.issues() == []
    with pytest.raises(WorkbenchError, match="no report run"):
        part.run(run.id)
    with pytest.raises(WorkbenchError, match="no annotation"):
        part.revoke_annotation(added.id, at=END, who="ana", why="x")
    with pytest.raises(AccessRefused):
        part.add_annotation(record)
    assert [one.id for one in whole.annotations(OTHER)] == [added.id]
    assert part.within(None) is part
    assert part.within((OTHER,)).annotations(OTHER) == []
