"""Alertmanager keeps no history: the collector looks at it, and what no look saw is said."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.query.served import Asked, Says, says, serving
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.settings import SourceSettings
from workbench.core.timerange import TimeRange
from workbench.query.alerts.alertmanager import AlertmanagerSource, opened
from workbench.studies import Context, alert_load
from workbench.studies.alerts.polled import PolledAlerts
from workbench.studies.alerts.silences import alert_suppression
from workbench.studies.upkeep.collect import parts_of

SYSTEM = "counterfactual-lab"
START = datetime(2026, 10, 31, 12, tzinfo=UTC)


class Server:
    """An Alertmanager whose alerts and silences a test sets."""

    def __init__(self) -> None:
        self.alerts: dict[str, tuple[float, dict[str, Any]]] = {}
        self.silences: list[dict[str, Any]] = []
        self.down = False

    def answer(self, asked: Asked) -> Says:
        if self.down:
            return says({"error": "gone"}, status=503)
        if asked.path == "/api/v2/silences":
            return says(self.silences)
        rows = [
            {
                "labels": {"alertname": name, "severity": "critical", "cluster": "eu"},
                "startsAt": stamp(minute),
                "endsAt": stamp(minute + 10_000),
                "updatedAt": datetime.now(UTC).isoformat(),
                "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], **status},
            }
            for name, (minute, status) in self.alerts.items()
        ]
        return says(rows)


def stamp(minute: float) -> str:
    return f"{START + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def polled(tmp_path: Path, context_over: Callable[..., Context]) -> Iterator[tuple[Server, Context]]:
    server = Server()
    empty = ArchiveSource("empty", Archive.open(tmp_path / "archive", create=True))
    with serving(server.answer, versioned=False) as served:
        source = opened("am", SourceSettings(kind="alertmanager", url=served.url))
        yield server, context_over(empty, episode_sources={"am": source}, serves={"am": (SYSTEM,), "empty": (SYSTEM,)})


def at(ctx: Context, minute: float) -> Context:
    now = START + timedelta(minutes=minute)
    source = ctx.episode_sources["am"]
    assert isinstance(source, AlertmanagerSource)
    clocked = AlertmanagerSource("am", source.web, clock=lambda: now)
    return replace(ctx, clock=lambda: now, episode_sources={"am": clocked})


def look(ctx: Context, minute: float | None) -> None:
    ctx = ctx if minute is None else at(ctx, minute)
    (part,) = [part for part in parts_of(ctx, as_of=ctx.clock()) if part.subject == "am"]
    part.run()


def load(ctx: Context, minute: float) -> Any:
    ctx = at(ctx, minute)
    return alert_load(ctx, system=SYSTEM, range=TimeRange(START, START + timedelta(minutes=minute)), as_of=ctx.clock())


def rows(study: Any) -> list[tuple[str, float, bool, bool]]:
    frame = study.results["episodes"].frame
    return [(row.alertname, row.duration_s / 60, row.open, row.right_censored) for row in frame.itertuples(index=False)]


@pytest.mark.slow
def test_looks_become_episodes_and_say_what_was_observed(polled: tuple[Server, Context]) -> None:
    server, ctx = polled
    for minute in range(0, 31, 5):
        server.alerts = {"Slow": (7, {})} if 10 <= minute < 20 else {}
        look(ctx, minute)
    server.alerts = {"Full": (31, {})}
    study = load(ctx, 33)
    assert rows(study) == [("Slow", 13, False, False)]  # the newest look was 3 minutes ago: nothing is asked again
    assert study.results["episodes"].observed_s == 30 * 60
    assert any("began and ended between two looks is not seen" in warning for warning in study.warnings)
    look(ctx, 35)
    assert rows(load(ctx, 36)) == [("Slow", 13, False, False), ("Full", 5, True, True)]


@pytest.mark.slow
def test_a_collector_that_stopped_leaves_an_end_unknown_and_its_time_unobserved(
    polled: tuple[Server, Context],
) -> None:
    server, ctx = polled
    server.alerts = {"Slow": (0, {})}
    for minute in (0, 5, 10):
        look(ctx, minute)
    server.alerts = {}
    look(ctx, 300)
    look(ctx, 305)
    study = load(ctx, 306)
    assert rows(study) == [("Slow", 10, False, True)]
    assert study.results["episodes"].observed_s == 15 * 60


@pytest.mark.slow
def test_looks_that_are_too_old_are_deleted_and_their_episodes_stay(polled: tuple[Server, Context]) -> None:
    server, ctx = polled
    for minute in range(0, 41, 5):
        server.alerts = {"Slow": (7, {})} if 10 <= minute < 20 else {}
        look(ctx, minute)
    before = rows(load(ctx, 40))
    for day in (101, 102):
        look(ctx, day * 1440)
    assert ctx.store is not None
    assert [row.first_seen for row in ctx.store.observed("am", "alertmanager", limit=None)] == [
        START + timedelta(days=day) for day in (102, 101)
    ]
    study = load(ctx, 40)
    assert rows(study) == before == [("Slow", 13, False, False)]
    assert study.results["episodes"].observed_s > 0


@pytest.mark.slow
def test_a_pause_between_equal_looks_is_not_observed(polled: tuple[Server, Context]) -> None:
    _, ctx = polled
    for minute in (0, 5, 10, 300, 305):
        look(ctx, minute)
    study = load(ctx, 306)
    assert rows(study) == []
    assert study.results["episodes"].observed_s == 15 * 60


@pytest.mark.slow
def test_a_standing_alert_fires_over_a_pause_since_alertmanager_gives_its_start(
    polled: tuple[Server, Context],
) -> None:
    server, ctx = polled
    server.alerts = {"Slow": (-2_880, {})}
    for minute in (0, 5, 300):
        look(ctx, minute)
    assert rows(load(ctx, 301)) == [("Slow", 2_880 + 301, True, True)]


@pytest.mark.slow
def test_an_alertmanager_that_stopped_answering_fires_nothing_now(polled: tuple[Server, Context]) -> None:
    server, ctx = polled
    server.alerts = {"Slow": (0, {})}
    look(ctx, 0)
    look(ctx, 5)
    server.down = True
    study = load(ctx, 600)
    assert rows(study) == [("Slow", 5, False, True)]
    assert any("does not answer now" in warning for warning in study.warnings)


@pytest.mark.slow
def test_equal_looks_are_one_row(polled: tuple[Server, Context]) -> None:
    server, ctx = polled
    server.alerts = {"Slow": (0, {})}
    for minute in range(0, 60, 5):
        look(ctx, minute)
    assert ctx.store is not None
    (row,) = ctx.store.observed("am", "alertmanager")
    assert row.last_seen - row.first_seen == timedelta(minutes=55)


@pytest.mark.slow
def test_silenced_at_the_first_look_counts_and_messages_are_not_measured(polled: tuple[Server, Context]) -> None:
    server, ctx = polled
    silence = {"id": "s", "startsAt": stamp(8), "endsAt": stamp(600), "createdBy": "ana", "comment": "c",
               "matchers": [{"name": "alertname", "value": "Quiet", "isRegex": False, "isEqual": True}]}  # fmt: skip
    for minute in range(0, 41, 5):
        server.silences = [silence] if minute >= 10 else []
        muted = {"silencedBy": ["s"]} if minute >= 10 else {}
        server.alerts = {"Quiet": (12, muted), "Loud": (2, muted)} if 15 <= minute < 30 else {}
        if 5 <= minute < 15:
            server.alerts = {"Loud": (2, {})}
        look(ctx, minute)
    ctx = at(ctx, 41)
    span = TimeRange(START, START + timedelta(minutes=41))
    study = alert_suppression(ctx, system=SYSTEM, range=span, as_of=ctx.clock())
    stages = study.results["stages"].frame.set_index("stage")["count"]
    assert stages["alerts begun"] == 2
    assert stages["not silenced"] == 1  # Loud was told of before somebody silenced it
    assert stages[["alerts that a message reported", "messages sent, with repeats and all clears"]].isna().all()
    (row,) = study.results["silences"].frame.to_dict(orient="records")
    assert (row["owner"], row["alerts"]) == ("ana", 1)


@pytest.mark.live
def test_a_real_alertmanager_is_looked_at_until_its_alert_is_over(
    alertmanager: Any, tmp_path: Path, context_over: Callable[..., Context]
) -> None:
    empty = ArchiveSource("empty", Archive.open(tmp_path / "archive", create=True))
    source = opened("am", SourceSettings(kind="alertmanager", url=alertmanager.url))
    ctx = context_over(empty, episode_sources={"am": source}, serves={"am": (SYSTEM,)}, clock=lambda: datetime.now(UTC))
    began = datetime.now(UTC).replace(microsecond=0)
    alert = {"labels": {"alertname": "Slow", "severity": "page"}, "startsAt": began.isoformat()}

    with httpx.Client(base_url=alertmanager.url, trust_env=False) as client:
        client.post("/api/v2/alerts", json=[alert]).raise_for_status()
        look(ctx, None)
        recorder = ctx.episodes_for(SYSTEM)
        assert isinstance(recorder, PolledAlerts)
        (row,) = recorder.episodes(TimeRange(began - timedelta(hours=1), ctx.clock())).to_dict(orient="records")
        assert row["starts_at"] == began
        assert row["right_censored"]
        over = datetime.now(UTC)
        client.post("/api/v2/alerts", json=[{**alert, "endsAt": over.isoformat()}]).raise_for_status()
        time.sleep(1)
        look(ctx, None)
    (row,) = recorder.episodes(TimeRange(began - timedelta(hours=1), ctx.clock())).to_dict(orient="records")
    assert not row["right_censored"]
    assert over - timedelta(milliseconds=1) <= row["ends_at"] <= ctx.clock()
    assert 0 < row["unknown_s"] < 60
