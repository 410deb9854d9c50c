from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from tests.query.served import Asked, Says, says, serving
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.errors import SettingsError, WorkbenchError
from workbench.core.series import SeriesSet
from workbench.core.settings import SystemSettings
from workbench.core.timerange import TimeRange
from workbench.query import PrometheusSource
from workbench.studies import Context, overview
from workbench.studies.upkeep.backfill import backfill, backfill_days
from workbench.studies.upkeep.collect import collect, collection_states, health_urls
from workbench.studies.upkeep.lease import held

pytestmark = pytest.mark.slow

SYSTEM = "counterfactual-lab"
END = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def lab_only(lab_archive: Archive, context_over: Callable[..., Context]) -> Context:
    return context_over(ArchiveSource("demo", lab_archive), serves={"demo": (SYSTEM,)})


def errors(ctx: Context, at: datetime = END, **more: object) -> dict[tuple[str, str], str]:
    return {(part.subject, part.kind): error for part, error in collect(ctx, as_of=at, **more)}


def test_after_a_turn_the_overview_reads_no_samples(lab_only: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    assert errors(lab_only) == {(SYSTEM, "episodes"): "", (SYSTEM, "counts"): ""}
    monkeypatch.setattr(ArchiveSource, "raw", lambda *_: pytest.fail("samples were read"))
    monkeypatch.setattr(ArchiveSource, "range", lambda *_, **__: pytest.fail("a range was evaluated"))
    month = TimeRange(END - timedelta(days=30), END)
    assert overview(lab_only, range=month, as_of=END).results["today"].frame["subject"].iloc[0] == "availability"


def test_a_second_turn_reads_hours_not_weeks_and_changes_no_number(
    lab_only: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors(lab_only, END - timedelta(minutes=10))
    asked: list[TimeRange] = []
    read = ArchiveSource.raw

    def raw(source: ArchiveSource, selector: str, span: TimeRange) -> SeriesSet:
        if "http_requests_total" in selector:
            asked.append(span)
        return read(source, selector, span)

    monkeypatch.setattr(ArchiveSource, "raw", raw)
    errors(replace(lab_only, clock=lambda: END + timedelta(minutes=1)))
    assert asked
    assert all(span.start >= END - timedelta(days=2) for span in asked)  # six hours, and a day to start from
    monkeypatch.undo()
    month = TimeRange(END - timedelta(days=30), END)
    kept = overview(lab_only, range=month, as_of=END).results["board"].frame
    anew = overview(replace(lab_only, store=None), range=month, as_of=END).results["board"].frame
    pd.testing.assert_frame_equal(kept, anew)


def test_after_a_day_everything_is_read_again(lab_only: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    errors(lab_only, END - timedelta(minutes=10))
    asked: list[TimeRange] = []
    read = ArchiveSource.raw
    monkeypatch.setattr(ArchiveSource, "raw", lambda *of: asked.append(of[2]) or read(*of))
    errors(replace(lab_only, clock=lambda: END + timedelta(hours=25)))
    assert min(span.start for span in asked) <= END - timedelta(days=30)


def test_counts_of_the_last_turn_are_fresh_until_the_next_one(lab_only: Context) -> None:
    errors(lab_only, every=timedelta(minutes=20))
    later = replace(lab_only, clock=lambda: END + timedelta(minutes=22), sources={})
    month = TimeRange(END - timedelta(days=30), END)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ArchiveSource, "raw", lambda *_: pytest.fail("samples were read"))
        ctx = replace(later, sources=lab_only.sources)
        assert overview(ctx, range=month, as_of=END).status == "spent"


def test_a_dead_server_is_told_part_by_part_and_becomes_late(context_over: Callable[..., Context]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = PrometheusSource("prod", f"http://127.0.0.1:{taken.getsockname()[1]}", timeout_s=2)
        ctx = context_over(dead, serves={"prod": (SYSTEM,)})
        told = errors(ctx)
    assert set(told) == {("prod", "targets"), ("prod", "rules"), ("prod", "alerts"),
                         (SYSTEM, "episodes"), (SYSTEM, "counts")}  # fmt: skip
    assert all(told.values())
    study = collection_states(ctx, as_of=END)
    assert study.status == "unavailable"
    assert study.results["collection"].frame["stale"].all()
    assert "never collected" in study.warnings[0]


@pytest.fixture
def choreo() -> Iterator[tuple[str, dict[str, Says]]]:
    told = {"/health": says({"status": "healthy"})}

    def answer(asked: Asked) -> Says:
        return told[asked.path]

    with serving(answer, versioned=False) as server:
        yield server.url, told


def test_an_endpoint_that_turns_bad_is_a_matter_of_the_day(
    choreo: tuple[str, dict[str, Says]], lab_archive: Archive, context_over: Callable[..., Context]
) -> None:
    url, told = choreo
    ctx = context_over(
        ArchiveSource("demo", lab_archive),
        serves={"demo": ("choreoai",)},
        reached={"choreoai": SystemSettings(health=url)},
    )
    errors(ctx, END - timedelta(minutes=10))
    told["/health"] = says({"status": "unhealthy", "checks": [{"name": "redis", "status": "down"}]})
    for minutes in (5, 0):
        errors(ctx, END - timedelta(minutes=minutes))
    frame = overview(ctx, as_of=END).results["today"].frame
    row = frame[frame["kind"] == "health"].iloc[0]
    assert (row["owner"], row["title"]) == ("Platform team", "Health endpoint docker is unhealthy")
    assert row["evidence"] == ("unhealthy for 5 min, last asked 1 Nov 2026 00:00 UTC; says unhealthy; not well: redis")


def test_one_address_is_that_of_the_endpoints_beside_the_first_one(lab_only: Context) -> None:
    ctx = replace(lab_only, reached={"conduit": SystemSettings(health="http://conduit:8080/")})
    profile = ctx.catalog.profile("conduit")
    assert health_urls(ctx, profile) == {"core-metrics": ("http://conduit:8080/metrics", 5.0)}
    named = {"prometheus-targets": "http://prom:9090", "core-metrics": "http://conduit/own"}
    own = replace(ctx, reached={"conduit": SystemSettings(health=named)})
    urls = {name: url for name, (url, _) in health_urls(own, profile).items()}
    assert urls == {"prometheus-targets": "http://prom:9090/api/v1/targets", "core-metrics": "http://conduit/own"}
    assert health_urls(lab_only, profile) == {}
    wrong = replace(ctx, reached={"conduit": SystemSettings(health={"nowhere": "http://x"})})
    with pytest.raises(SettingsError, match="no health endpoint 'nowhere'"):
        health_urls(wrong, profile)


def test_a_backfill_counts_every_day_and_says_what_was_observed(lab_only: Context) -> None:
    days = backfill_days(timedelta(days=3), as_of=END)
    assert [day.start.day for day in days] == [31, 30, 29]
    filled = list(backfill(lab_only, days))
    assert [one.error for one in filled] == ["", "", ""]
    assert all(0 < one.coverage <= 1 for one in filled)
    assert filled[1].coverage < filled[0].coverage  # an hour of the 30th was not scraped


def test_no_backfill_of_nothing_and_a_part_of_a_day() -> None:
    assert backfill_days(timedelta(0), as_of=END) == []
    noon = END + timedelta(hours=12)
    assert backfill_days(timedelta(hours=13), as_of=noon) == [
        TimeRange(END, noon),
        TimeRange(END - timedelta(hours=1), END),
    ]


def test_a_turn_ends_between_two_parts(lab_only: Context) -> None:
    stop = threading.Event()
    seen = []
    for part, _ in collect(lab_only, as_of=END, stop=stop.is_set):
        seen.append(part.kind)
        stop.set()
    assert seen == ["episodes"]


def test_a_second_collector_is_refused_while_the_first_holds_the_lease(lab_only: Context) -> None:
    assert lab_only.store is not None
    with held(lab_only.store, "collect", clock=lab_only.clock) as lost:
        with (
            pytest.raises(WorkbenchError, match="Another process does this job"),
            held(lab_only.store, "collect", clock=lab_only.clock),
        ):
            pytest.fail("two held one lease")
        assert not lost.is_set()
    with held(lab_only.store, "collect", clock=lab_only.clock):
        pass


def test_nothing_collected_is_no_alarm(lab_only: Context) -> None:
    study = collection_states(lab_only, as_of=END)
    assert (study.status, len(study.results["collection"].frame)) == ("no_data", 0)
