"""A latency objective over native histograms, counted on a real Prometheus."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.servers.fixtures import Omit, release_or_omit
from tests.servers.native_samples import END_MS, START_MS, native_sample_set
from tests.servers.prometheus import prometheus
from tests.servers.remote_write import RECEIVES, push
from workbench.catalog import Catalog, RatioIndicator, load_catalog
from workbench.core.timerange import TimeRange
from workbench.query import PrometheusSource
from workbench.studies import Context, slo_compliance

pytestmark = pytest.mark.live

SYSTEM = "counterfactual-lab"
WAITS = 'increase(wait_seconds{method="GET"}[5m])'
ALL = f"sum(histogram_count({WAITS}))"
FAST = f"sum(histogram_fraction(-Inf, 1, {WAITS}) * histogram_count({WAITS}))"


def answered(url: str, query: str, span: TimeRange) -> float:
    """Sum of a query over the ends of all slices, as the server answers it."""
    form = {"query": query, "start": span.start_ms / 1000 + 300, "end": span.end_ms / 1000, "step": 300}
    with urllib.request.urlopen(f"{url}/api/v1/query_range?{urllib.parse.urlencode(form)}", timeout=60) as answer:
        (row,) = json.load(answer)["data"]["result"]
    return sum(float(value) for _, value in row["values"])


def test_waits_in_native_histograms_are_judged_as_the_server_counts_them(tmp_path: Path, omit: Omit) -> None:
    catalog = load_catalog()
    shipped = catalog.objective(SYSTEM, "availability")
    indicator = RatioIndicator(total=ALL, good=FAST, counter=False)
    asked = replace(shipped, indicator=indicator, target=Decimal("0.5"))
    profile = catalog.profile(SYSTEM).model_copy(update={"scope": {}})
    span = TimeRange.from_ms(START_MS, END_MS)
    with prometheus(release_or_omit("v3", omit), tmp_path, flags=RECEIVES) as server:
        push(server.url, native_sample_set())
        ctx = Context(
            {"server": PrometheusSource("server", server.url)}, Catalog({SYSTEM: profile}, {SYSTEM: (asked,)})
        )
        study = slo_compliance(ctx, system=SYSTEM, range=span, as_of=span.end)
        good, total = (answered(server.url, query, span) for query in (FAST, ALL))
    row = study.results["compliance"].frame.iloc[0]
    assert (row.good, row.total) == (pytest.approx(good, rel=1e-12), pytest.approx(total, rel=1e-12))
    assert row.sli == pytest.approx(0.05 + 0.95 / 2, abs=0.02)  # of lognormal(0, 1) waits half are under 1, 5 % are 0
    assert (row.method, row.coverage) == ("extrapolated", 1.0)
