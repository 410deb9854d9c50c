"""What spent the budgets is found again in scenarios that nobody chose: seeds, magnitudes, durations by chance."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.demo_home import END
from tests.soak.budget_scenarios import write_scenario
from tests.studies.spending_truth import injected, tellable, wrong
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import load_catalog
from workbench.core.timerange import TimeRange, parse_instant
from workbench.demo import build_demo
from workbench.studies import Context, slo_attribution

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("seed", [101, 303, 606, 909])
def test_every_event_of_a_drawn_scenario_is_attributed(seed: int, tmp_path: Path) -> None:
    build_demo(tmp_path / "demo", scenario=write_scenario(tmp_path / "drawn.yaml", seed), seed=seed, end=END)
    truth = json.loads((tmp_path / "demo" / "truth.json").read_text())
    ctx = Context(
        sources={"demo": ArchiveSource("demo", Archive.open(tmp_path / "demo"))},
        catalog=load_catalog(),
        clock=lambda: END,
    )
    whole = TimeRange(parse_instant(truth["range"]["start"]), END)
    faults = []
    for system in ctx.catalog.profiles:
        study = slo_attribution(ctx, system=system, range=whole, as_of=END, records=False)
        events = [one for one in injected(truth, system) if tellable(study, one)]
        assert events
        faults += [text for one in events if (text := wrong(study, one))]
    assert faults == []
