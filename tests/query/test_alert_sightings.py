"""Episodes from messages and from looks at Alertmanager: overlaps, ends that nobody gives, and what nobody saw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.timerange import MINUTE_MS, TimeRange, from_ms
from workbench.query.alerts.lines import Look, Sighting
from workbench.query.alerts.records import AlertRecords
from workbench.query.alerts.sightings import APART_MS, endings, episodes_of, observed, watchers

T0 = 1_793_000_000_000
DAY = TimeRange.from_ms(T0 - 3_600_000, T0 + 86_400_000)
KEY = (("alertname", "Slow"), ("severity", "page"))


def at(minutes: float) -> int:
    return T0 + round(minutes * MINUTE_MS)


def minutes(frame: pd.DataFrame) -> list[tuple[float, float | None, bool]]:
    def since(time: pd.Timestamp) -> float | None:
        return None if pd.isna(time) else (time - from_ms(T0)).total_seconds() / 60

    return [
        (since(start), since(end), bool(lost))
        for start, end, lost in zip(frame["starts_at"], frame["ends_at"], frame["right_censored"], strict=True)
    ]


def webhook(status: str, starts: float, ends: float | None = None, received: float | None = None) -> dict[str, Any]:
    def text(minute: float | None) -> str:
        return "0001-01-01T00:00:00Z" if minute is None else f"{from_ms(at(minute)):%Y-%m-%dT%H:%M:%SZ}"

    alert = {"status": status, "labels": dict(KEY), "startsAt": text(starts), "endsAt": text(ends)}
    more = {} if received is None else {"received_at": text(received)}
    return {"version": "4", "groupKey": "g", "status": status, "alerts": [alert], **more}


def told(folder: Path, *lines: dict[str, Any]) -> list[tuple[float, float | None, bool]]:
    (folder / "lines.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    return minutes(AlertRecords("hooks", folder / "lines.jsonl").episodes(DAY))


def test_two_servers_that_give_two_starts_of_one_alert_make_one_episode(tmp_path: Path) -> None:
    """Replica b evaluates 10 s before a; Alertmanager then gives the earlier start, and the end for that one alone."""
    lines = [
        webhook("firing", 10, received=10.5),
        webhook("firing", 9.8, received=15.5),
        webhook("resolved", 9.8, 40, received=40.5),
    ]
    assert told(tmp_path, *lines) == [(9.8, 40, False)]


def test_two_alertmanagers_that_tell_one_alert_apart_make_one_episode(tmp_path: Path) -> None:
    lines = [webhook("resolved", 10, 40, received=40.5), webhook("resolved", 10.2, 40.2, received=40.7)]
    assert told(tmp_path, *lines) == [(10, 40.2, False)]


def test_an_alert_that_fires_again_since_the_same_start_is_open(tmp_path: Path) -> None:
    """Alertmanager let it go after resolve_timeout while Prometheus was away; Prometheus came back with it."""
    lines = [
        webhook("firing", 10, received=10.5),
        webhook("resolved", 10, 20, received=20.5),
        webhook("firing", 10, received=26),
    ]
    assert told(tmp_path, *lines) == [(10, None, True)]
    assert told(tmp_path, *lines, webhook("resolved", 10, 50, received=50.5)) == [(10, 50, False)]


@pytest.mark.parametrize(
    ("received", "end"), [(None, (10, True)), (14, (14, False)), (90, (10.5, True))], ids=["never", "soon", "late"]
)
def test_resolved_without_an_end_is_not_firing(tmp_path: Path, received: float | None, end: tuple[float, bool]) -> None:
    lines = [webhook("firing", 10, received=10.5 if received else None), webhook("resolved", 10, None, received)]
    assert told(tmp_path, *lines) == [(10, *end)]


def snapshot(minute: float, *starts: float) -> dict[str, Any]:
    alerts = [
        {"labels": {**dict(KEY), "pod": str(begun)}, "startsAt": f"{from_ms(at(begun)):%Y-%m-%dT%H:%M:%SZ}"}
        for begun in starts
    ]
    return {"time": at(minute) / 1000, "alerts": alerts, "silences": []}


def test_an_alert_that_is_in_no_later_snapshot_is_over(tmp_path: Path) -> None:
    lines = [snapshot(1), snapshot(6, 4), snapshot(11, 4, 9), snapshot(16, 9), snapshot(200, 9), snapshot(400)]
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, lines)))
    frame = AlertRecords("looks", tmp_path / "lines.jsonl").episodes(DAY)
    assert minutes(frame) == [(4, 16, False), (9, 200, True)]  # the second ended at an unknown time after the last look
    assert frame["unknown_s"].tolist() == [300, 0]


def test_snapshots_say_nothing_of_messages(tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text(json.dumps(snapshot(1, 0)))
    recorded = AlertRecords("looks", tmp_path / "lines.jsonl").recorded()
    assert (recorded.sends, recorded.mutes) == (False, True)


def test_files_of_two_watchers_are_not_mixed() -> None:
    """Two Alertmanagers with an alert each, looked at in turns: neither alert ends at every second look."""
    other = (("alertname", "Full"),)
    ours = [Look(at(minute), {KEY: at(0)}) for minute in (1, 3, 5)]
    theirs = [Look(at(minute), {other: at(0)}) for minute in (2, 4, 6)]
    later = [Look(at(7), {KEY: at(0)}), Look(at(9), {})]
    chains = watchers([ours, theirs, later])
    assert [len(chain) for chain in chains] == [3, 5] or [len(chain) for chain in chains] == [5, 3]
    assert watchers([later, ours]) == [[*ours, *later]]


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 600), st.integers(1, 200)), min_size=1, max_size=6),
    st.integers(1, 14),
    st.integers(0, 3),
)
def test_looks_give_back_the_truth_to_within_one_look(runs: list[tuple[int, int]], every: int, offset: int) -> None:
    """Episodes of one label set, one after another; those that no look met are not there, all others are, once."""
    truth: list[tuple[int, int]] = []
    clock = 0
    for quiet, length in runs:
        truth.append((clock + quiet, clock + quiet + length))
        clock += quiet + length + 1
    looks = []
    for minute in range(offset, clock + 3 * every, every):
        fires = [at(start) for start, end in truth if start <= minute < end]
        looks.append(Look(at(minute), dict(zip([KEY], fires, strict=False))))
    seen = [Sighting(key, look.seen_ms, start, None) for look in looks for key, start in look.alerts.items()]
    frame = episodes_of([*seen, *endings([looks])], TimeRange.from_ms(at(-1), at(clock + 1_000)))
    met = [(start, end) for start, end in truth if any(at(start) in look.alerts.values() for look in looks)]
    assert [(start, lost) for start, _, lost in minutes(frame)] == [(start, False) for start, _ in met]
    for (_, end), (_, found, _) in zip(met, minutes(frame), strict=True):
        assert found is not None
        assert 0 <= found - end < every + 1


def test_time_without_looks_is_not_observed() -> None:
    span = TimeRange.from_ms(at(0), at(100))
    looks = [(at(-5), at(10)), (at(12), at(12)), (at(50), at(60)), (at(90), at(90))]
    assert observed(looks, span).tolist() == [[at(0), at(12)], [at(50), at(60)]]
    assert observed([], span).shape == (0, 2)
    assert APART_MS == 15 * MINUTE_MS


@pytest.mark.parametrize("value", [["x"], {"y": 1}, None, 5])
@pytest.mark.parametrize("event", [True, False])
def test_a_label_that_is_no_text_spoils_its_line_alone(tmp_path: Path, value: object, event: bool) -> None:
    odd = webhook("firing", 1)
    odd["alerts"][0]["labels"] = {"alertname": "Odd", "x": value}
    line = {"timestamp": at(1) / 1000, "data": {"alertCreated": {"alert": odd["alerts"][0]}}} if event else odd
    read = told(tmp_path, line, webhook("firing", 3))
    assert read == [(1, None, True), (3, None, True)] if isinstance(value, int | None) else [(3, None, True)]
