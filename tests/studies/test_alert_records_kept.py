"""Episodes that were written down stand in where samples are gone: out of an archive, and out of the store."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.series import SeriesSet
from workbench.core.settings import load_settings
from workbench.core.timerange import TimeRange
from workbench.studies import Context, alert_load, open_context
from workbench.studies.overview.state import read_system_state

SYSTEM = "counterfactual-lab"
START = datetime(2026, 10, 1, tzinfo=UTC)
SPAN = TimeRange(START, START + timedelta(days=14))
BASE = SPAN.start_ms
HOUR = 3_600_000


def kept(count: int, *replicas: str) -> pd.DataFrame:
    rows = [(number, replica) for number in range(count) for replica in replicas or ("",)]
    begins = np.array([BASE + number * 12 * HOUR for number, _ in rows], np.int64)

    def instants(marks: np.ndarray) -> pd.Series:
        return pd.Series(pd.to_datetime(marks, unit="ms", utc=True)).dt.as_unit("ms")

    return pd.DataFrame(
        {
            "alertname": pd.Series([f"Rule{number}" for number, _ in rows], dtype="str"),
            "severity": pd.Series(["warning"] * len(rows), dtype="str"),
            "labels": [{"system": SYSTEM, **({"replica": replica} if replica else {})} for _, replica in rows],
            "active_at": instants(begins),
            "starts_at": instants(begins),
            "ends_at": instants(begins + HOUR),
            "left_censored": False,
            "right_censored": False,
            "unknown_s": 0.0,
        }
    )


def sample(at_ms: int, name: str) -> SeriesSet:
    labels = {"__name__": "ALERTS", "alertname": name, "alertstate": "firing", "severity": "warning", "system": SYSTEM}
    return SeriesSet.of([(labels, [at_ms], [1.0])])


def begun(ctx: Context, **more: object) -> int:
    study = alert_load(ctx, system=SYSTEM, range=SPAN, as_of=SPAN.end, **more)
    assert any("come from" in warning for warning in study.warnings)
    return int(study.results["episodes"].frame["started"].sum())


@pytest.mark.slow
@pytest.mark.parametrize("at", [0, 5, 27])
def test_one_sample_does_not_hide_what_the_archive_wrote_down(
    at: int, tmp_path: Path, context_over: Callable[..., Context]
) -> None:
    archive = Archive.open(tmp_path / "archive", create=True)
    archive.append_episodes(kept(28))
    archive.append_samples(sample(BASE + at * 12 * HOUR + HOUR // 2, f"Rule{at}"))
    assert begun(context_over(ArchiveSource("kept", archive))) == 28


@pytest.mark.slow
def test_servers_are_merged_in_what_was_written_down(tmp_path: Path, context_over: Callable[..., Context]) -> None:
    archive = Archive.open(tmp_path / "archive", create=True)
    archive.append_episodes(kept(27, "a", "b"))
    ctx = context_over(ArchiveSource("kept", archive))
    assert begun(ctx) == 54
    assert begun(ctx, without=("replica",)) == 27


@pytest.mark.slow
def test_what_the_collector_wrote_down_is_read_back(tmp_path: Path, context_over: Callable[..., Context]) -> None:
    archive = Archive.open(tmp_path / "archive", create=True)
    ctx = context_over(ArchiveSource("empty", archive))
    assert ctx.store is not None
    ctx.store.put_episodes(SYSTEM, kept(9))
    assert begun(ctx) == 9


@pytest.mark.slow
@pytest.mark.parametrize("beside", ["nothing", "a server without ALERTS"])
def test_a_file_of_webhooks_is_enough_to_know_episodes_and_what_fires(beside: str, tmp_path: Path) -> None:
    instants = [START + timedelta(hours=hours) for hours in (10, 11, 30)]

    def sent(instance: str, start: datetime, end: datetime | None) -> str:
        status = "resolved" if end else "firing"
        ended = end.isoformat() if end else "0001-01-01T00:00:00Z"
        labels = {"alertname": "HighErrors", "severity": "critical", "instance": instance}
        alert = {"status": status, "labels": labels, "annotations": {}, "startsAt": start.isoformat()}
        message = {"version": "4", "groupKey": "{}", "status": status, "receiver": "hook", "groupLabels": {}}
        return json.dumps(message | {"alerts": [alert | {"endsAt": ended, "fingerprint": instance}]})

    lines = [sent("a", instants[0], None), sent("a", instants[0], instants[1]), sent("b", instants[2], None)]
    (tmp_path / "hook.jsonl").write_text("\n".join(lines) + "\n")
    text = f'home = "home"\n[sources.alerts]\nkind = "alertmanager"\npath = "hook.jsonl"\nsystems = ["{SYSTEM}"]\n'
    if beside != "nothing":
        Archive.open(tmp_path / "archive", create=True).append_samples(
            SeriesSet.of([({"__name__": "up", "system": SYSTEM}, [BASE, SPAN.end_ms], [1.0, 1.0])])
        )
        text += f'[sources.arc]\nkind = "archive"\npath = "archive"\nsystems = ["{SYSTEM}"]\n'
    (tmp_path / "workbench.toml").write_text(text)
    ctx = open_context(load_settings(tmp_path / "workbench.toml"))
    study = alert_load(ctx, system=SYSTEM, range=SPAN, as_of=SPAN.end)
    assert len(study.results["episodes"].frame) == 2
    assert int(study.results["episodes"].frame["open"].sum()) == 1
    assert study.status == "at_risk"
    state = read_system_state(ctx, SYSTEM, as_of=instants[2] + timedelta(hours=1))
    assert [(row["alertname"], row["labels"]) for row in state.firing] == [("HighErrors", "instance=b")]
    if beside == "nothing":
        assert (state.read["alert"], state.known["alert"] > 0) == (0, True)
