"""Episodes that were written down stand in where samples are gone: out of an archive, and out of the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange
from workbench.studies import Context, alert_load

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


def test_servers_are_merged_in_what_was_written_down(tmp_path: Path, context_over: Callable[..., Context]) -> None:
    archive = Archive.open(tmp_path / "archive", create=True)
    archive.append_episodes(kept(27, "a", "b"))
    ctx = context_over(ArchiveSource("kept", archive))
    assert begun(ctx) == 54
    assert begun(ctx, without=("replica",)) == 27


def test_what_the_collector_wrote_down_is_read_back(tmp_path: Path, context_over: Callable[..., Context]) -> None:
    archive = Archive.open(tmp_path / "archive", create=True)
    ctx = context_over(ArchiveSource("empty", archive))
    assert ctx.store is not None
    ctx.store.put_episodes(SYSTEM, kept(9))
    assert begun(ctx) == 9
