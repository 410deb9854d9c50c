"""The SLO study over a slice of the demo: one table from the archive and from real servers."""

from __future__ import annotations

from datetime import UTC, timedelta

import pandas as pd
import pytest

from tests.live.demo_slice import DemoServers
from workbench.archive.source import ArchiveSource
from workbench.catalog import load_catalog
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, from_ms
from workbench.query import PrometheusSource
from workbench.studies import Context, slo_compliance

pytestmark = pytest.mark.live


@pytest.mark.parametrize("semantics", ["v2", "v3"])
def test_the_demo_gives_one_slo_table_from_archive_and_server(semantics: str, demo_servers: DemoServers) -> None:
    end = from_ms(demo_servers.end_ms).astimezone(UTC)
    week = TimeRange(end - timedelta(days=7), end)
    catalog = load_catalog()

    def study(source: MetricSource) -> dict[str, pd.DataFrame]:
        asked = slo_compliance(
            Context({source.name: source}, catalog), system="counterfactual-lab", range=week, as_of=end
        )
        assert asked.warnings == ()
        return {name: result.frame for name, result in asked.results.items()}

    mine = study(ArchiveSource("archive", demo_servers.archive, semantics=semantics))
    theirs = study(PrometheusSource("server", demo_servers.servers[semantics].url))
    assert (mine["compliance"]["total"] > 0).all()
    for name, frame in mine.items():
        pd.testing.assert_frame_equal(theirs[name], frame, check_exact=True)
