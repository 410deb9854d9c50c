"""Every budget event the simulator injected is found again: when, how much, and where."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.demo_home import END
from tests.studies.spending_truth import injected, tellable, wrong
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.timerange import TimeRange, parse_instant
from workbench.studies import Context, slo_attribution

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("system", ["counterfactual-lab", "conduit", "llm-ab-testing", "choreoai"])
def test_every_injected_event_is_attributed(system: str, demo_home: Path, context_over: Callable[..., Context]) -> None:
    truth = json.loads((demo_home / "demo" / "truth.json").read_text())
    ctx = context_over(ArchiveSource("demo", Archive.open(demo_home / "demo")))
    begun: datetime = parse_instant(truth["range"]["start"])
    study = slo_attribution(ctx, system=system, range=TimeRange(begun, END), as_of=END, records=system == "conduit")
    events = injected(truth, system)
    assert events
    assert all(tellable(study, one) for one in events)
    assert [text for one in events if (text := wrong(study, one))] == []
    assert study.warnings == ()
    frame = study.results["spending"].frame
    kept = study.results["compliance"].frame.set_index("objective")
    for objective, part in frame.groupby("objective"):
        assert part["bad"].sum() == kept.loc[objective, "bad"]
