"""The SLO study gives one table, whether its samples come from the archive or from a real server."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.live.demo_slice import DAY_MS, DemoServers
from workbench.archive import ArchiveSource
from workbench.catalog import load_catalog
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, from_ms
from workbench.query import PrometheusSource
from workbench.studies import Context
from workbench.studies.slo import slo_compliance

pytestmark = [pytest.mark.live, pytest.mark.slow]

SYSTEM = "counterfactual-lab"


def context(source: MetricSource, as_of_ms: int) -> Context:
    return Context(sources={source.name: source}, catalog=load_catalog(), clock=lambda: from_ms(as_of_ms))


def spans(held: DemoServers) -> dict[str, TimeRange]:
    """Whole slice but its first day (counts look a day back), one day, an odd piece."""
    return {
        "a week": TimeRange.from_ms(held.start_ms + DAY_MS, held.end_ms),
        "a day": TimeRange.from_ms(held.end_ms - 2 * DAY_MS, held.end_ms - DAY_MS),
        "an odd piece": TimeRange.from_ms(held.end_ms - 3 * DAY_MS + 12_345_000, held.end_ms - DAY_MS - 54_321_000),
    }


@pytest.mark.parametrize("semantics", ["v2", "v3"])
@pytest.mark.parametrize("piece", ["a week", "a day", "an odd piece"])
def test_archive_and_server_give_the_same_tables(piece: str, semantics: str, demo_servers: DemoServers) -> None:
    span = spans(demo_servers)[piece]
    sources = (
        ArchiveSource("held", demo_servers.archive, semantics=semantics),
        PrometheusSource("held", demo_servers.servers[semantics].url),
    )
    ours, theirs = (
        slo_compliance(context(source, span.end_ms), system=SYSTEM, range=span, as_of=span.end) for source in sources
    )
    assert len(ours.results["compliance"].frame) == 5
    assert (ours.results["compliance"].frame["total"] > 0).all()
    for name, result in ours.results.items():
        pd.testing.assert_frame_equal(result.to_frame(), theirs.results[name].to_frame(), check_exact=True, obj=name)
    assert (ours.status, ours.coverage) == (theirs.status, theirs.coverage)
