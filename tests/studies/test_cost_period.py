"""Export and scenario of a period that a dead server, no data or a part of the data stands behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.studies.test_cost_study import BEGIN, END, GATEWAY, gateway_series
from workbench.analysis.cost.prices.book import PriceBook
from workbench.analysis.cost.what_if import Scenario
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.charts.cost.what_if_tables import what_if_sentence
from workbench.core.money import total
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange
from workbench.studies import Context
from workbench.studies.cost.focus import focus_charges
from workbench.studies.cost.what_if import cost_what_if
from workbench.studies.sources.unavailable import UnavailableSource

DAYS = TimeRange(END - timedelta(days=2), END)
BOOK, SCENARIO = PriceBook({}), Scenario(cached=Decimal("0.5"))


@pytest.fixture
def dead(context_over: Callable[..., Context]) -> Context:
    return context_over(UnavailableSource("none", "refuses the connection", ""))


@pytest.fixture
def gateway(dead: Context, tmp_path: Path, context_over: Callable[..., Context]) -> Context:
    archive = Archive.open(tmp_path / "gateway", create=True)
    archive.append_samples(SeriesSet.of(gateway_series(dead.catalog.profile(GATEWAY).scope)))
    return context_over(ArchiveSource("gateway", archive))


def test_a_dead_server_is_a_status_of_both(dead: Context) -> None:
    assert focus_charges(dead, system=GATEWAY, range=DAYS, as_of=END).status == "unavailable"
    priced = cost_what_if(dead, system=GATEWAY, range=DAYS, as_of=END, book=BOOK, scenario=SCENARIO)
    assert priced.status == "unavailable"


@pytest.mark.slow
def test_a_period_without_data_says_so_and_claims_no_figure(gateway: Context) -> None:
    empty = TimeRange(BEGIN - timedelta(days=9), BEGIN - timedelta(days=7))
    charges = focus_charges(gateway, system=GATEWAY, range=empty, as_of=END)
    priced = cost_what_if(gateway, system=GATEWAY, range=empty, as_of=END, book=BOOK, scenario=SCENARIO)
    for study in (charges, priced):
        assert study.status == "no_data"
        assert "No counter of money was observed in this period." in study.warnings
    said = what_if_sentence(priced.results["what_if"])
    assert said == "No spend of a model with tokens was observed, so nothing can be priced."


def test_a_period_that_is_observed_in_part_says_how_much(gateway: Context) -> None:
    longer = TimeRange(END - timedelta(days=2), END + timedelta(days=2))
    study = focus_charges(gateway, system=GATEWAY, range=longer, as_of=longer.end)
    assert total(study.results["charges"].frame["BilledCost"]) == Decimal(108)
    assert study.coverage == pytest.approx(0.5, abs=0.01)
    assert any("of the period was observed" in warning for warning in study.warnings)
    assert not focus_charges(gateway, system=GATEWAY, range=DAYS, as_of=END).warnings
