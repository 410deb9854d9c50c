"""A sentence names a system by its title, not by the id that a person types on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog.load import read_catalog
from workbench.core.timerange import TimeRange
from workbench.studies import (
    Context,
    alert_load,
    capacity_forecast,
    delivery_performance,
    overview,
    product_activity,
    quality_drift,
    security_and_access,
)

END = datetime(2026, 10, 3, tzinfo=UTC)
SPAN = TimeRange(END - timedelta(days=1), END)
NAMING = (alert_load, capacity_forecast, product_activity, quality_drift, security_and_access)


@pytest.fixture
def bare(tmp_path: Path) -> Context:
    (tmp_path / "shop.yaml").write_text("schema: 1\nsystem: shop-x\ntitle: Shop front\n")
    source = ArchiveSource("made", Archive.open(tmp_path / "archive", create=True))
    return Context(sources={"made": source}, catalog=read_catalog([tmp_path / "shop.yaml"]), clock=lambda: END)


@pytest.mark.parametrize("study", [*NAMING, delivery_performance], ids=lambda study: study.__name__)
def test_what_a_system_has_no_signal_for_is_said_of_its_title(study, bare: Context):
    text = "\n".join(study(bare, system="shop-x", range=SPAN, as_of=END).warnings)
    assert "shop-x" not in text
    assert "Shop front" in text or study not in NAMING


def test_an_overview_names_titles(bare: Context):
    seen = overview(bare, as_of=END)
    assert "shop-x" not in "\n".join(seen.warnings)
    assert list(seen.results["alerts"].frame.columns)[:2] == ["system", "system_title"]
