"""Silences that were collected, held against alerts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.studies.test_alert_records_kept import SPAN, START, SYSTEM, kept
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.studies import Context, alert_suppression


def silence(identity: str, *, start: str, end: str, owner: str = "ana", comment: str = "Move", value: str = "Rule1"):
    matcher = {"name": "alertname", "value": value, "regex": ".*" in value, "equal": True}
    return {"id": identity, "startsAt": start, "endsAt": end, "createdBy": owner, "comment": comment,
            "matchers": [matcher]}  # fmt: skip


@pytest.mark.slow
def test_silences_are_counted_and_those_without_an_owner_named(
    tmp_path: Path, context_over: Callable[..., Context]
) -> None:
    archive = Archive.open(tmp_path / "archive", create=True)
    archive.append_episodes(kept(10))
    ctx = context_over(ArchiveSource("kept", archive))
    study = alert_suppression(ctx, system=SYSTEM, range=SPAN, as_of=SPAN.end)
    assert study.results["stages"].frame["count"].isna().tolist() == [False, True, True, True, True, True]
    assert any("No silences were collected" in warning for warning in study.warnings)
    assert ctx.store is not None
    told = [
        silence("1", start="2026-10-01T06:00:00.000Z", end="2026-10-02T06:00:00.000Z", value="Rule.*"),
        silence("2", start="2026-10-01T00:00:00Z", end="2027-10-01T00:00:00Z", owner="", comment="", value="Gone"),
    ]
    ctx.store.observe("kept", "silences", told, at=START)
    study = alert_suppression(ctx, system=SYSTEM, range=SPAN, as_of=SPAN.end)
    frame = study.results["silences"].frame.set_index("id")
    assert frame.index[0] == "2"
    assert frame["alerts"].to_dict() == {"2": 0, "1": 2}
    assert frame.loc["2", "faults"] == "no owner, no comment, longer than 30 days, matches nothing"
    assert study.results["stages"].frame["count"].tolist()[:2] == [10, 8]


@pytest.mark.slow
def test_a_silence_that_was_removed_keeps_nothing_quiet_afterwards(
    tmp_path: Path, context_over: Callable[..., Context]
) -> None:
    """Set for a week over all ten rules, removed after 30 hours: two alerts a day began in that time."""
    archive = Archive.open(tmp_path / "archive", create=True)
    archive.append_episodes(kept(10))
    ctx = context_over(ArchiveSource("kept", archive))
    assert ctx.store is not None
    week = silence("1", start="2026-10-01T06:00:00Z", end="2026-10-08T06:00:00Z", value="Rule.*")
    for hours, there in ((7, [week]), (35, [week]), (36, []), (60, [])):
        ctx.store.observe("kept", "silences", there, at=START + timedelta(hours=hours))
    study = alert_suppression(ctx, system=SYSTEM, range=SPAN, as_of=SPAN.end)
    (row,) = study.results["silences"].frame.to_dict(orient="records")
    assert (row["end"], row["alerts"]) == (START + timedelta(hours=36), 2)
    assert study.results["stages"].frame["count"].tolist()[:2] == [10, 8]
