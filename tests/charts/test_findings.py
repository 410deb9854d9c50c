"""The first sentence of questions 2 to 6 with nothing to say: down, empty and not measured are three things."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.questions import QUESTIONS
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import load_catalog
from workbench.charts.alerts.tables import alerts_finding
from workbench.charts.capacity.tables import capacity_finding
from workbench.charts.cost.tables import cost_finding
from workbench.charts.performance.tables import performance_finding
from workbench.charts.quality.tables import quality_finding
from workbench.charts.tables import Sentence
from workbench.core.result import Study
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange
from workbench.studies import Context
from workbench.studies.sources.unavailable import UnavailableSource

END = datetime(2026, 11, 1, tzinfo=UTC)
CATALOG = load_catalog()
FINDINGS: dict[str, Callable[[Study], Sentence]] = {
    "performance": performance_finding,
    "cost": cost_finding,
    "quality": quality_finding,
    "capacity": capacity_finding,
    "alerts": alerts_finding,
}


def said(question: str, source: MetricSource, system: str) -> str:
    ask, finding = QUESTIONS[question], FINDINGS[question]
    ctx = Context({source.name: source}, CATALOG, clock=lambda: END)
    return finding(ask(ctx, system=system, range=TimeRange(END - timedelta(days=1), END), as_of=END)).text


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_source_that_is_down_is_unavailable_and_never_not_measured(question: str) -> None:
    text = said(question, UnavailableSource("down", "http://x", "It is down."), "counterfactual-lab")
    assert "unavailable" in text
    assert "not measured" not in text


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
def test_an_empty_archive_has_no_data_and_nothing_is_called_good(question: str, tmp_path: Path) -> None:
    text = said(question, ArchiveSource("a", Archive.open(tmp_path / "a", create=True)), "counterfactual-lab")
    assert "no data" in text.lower()
    assert not any(word in text for word in ("not measured", "were broken", "No alert", "0.00"))


def test_what_a_profile_has_no_signal_for_is_not_measured(tmp_path: Path) -> None:
    source = ArchiveSource("a", Archive.open(tmp_path / "a", create=True))
    assert said("quality", source, "conduit") == "Quality is not measured."
    assert said("capacity", source, "choreoai") == "Capacity is not measured."
