"""Against real servers that hold the shared sample set: what comes back is what was loaded."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from prometheus_api_client import MetricRangeDataFrame, PrometheusConnect

from tests.servers.samples import END_MS, START_MS, sample_set
from workbench.core.errors import QueryRejected, QueryTooExpensive
from workbench.core.series import is_stale, label_key
from workbench.core.timerange import TimeRange, from_ms
from workbench.query import PrometheusSource
from workbench.query.checks import details as check
from workbench.query.metrics.api_client import source_of

pytestmark = pytest.mark.live

SPAN = TimeRange.from_ms(START_MS, END_MS)


@pytest.fixture(params=["v2", "v3"])
def source(request) -> PrometheusSource:
    server = request.getfixturevalue(f"prometheus_{request.param}")
    found = PrometheusSource(request.param, server.url)
    assert found.semantics == request.param
    return found


def expected(name: str, after_ms: int, upto_ms: int) -> dict:
    kept = {}
    for labels, times, values in sample_set():
        inside = (times > after_ms) & (times <= upto_ms) & ~is_stale(values)
        if labels["__name__"] == name and inside.any():
            kept[label_key(labels)] = (times[inside].tolist(), values[inside])
    return kept


@pytest.mark.parametrize("name", sorted({labels["__name__"] for labels in sample_set().labels}))
def test_raw_samples_are_those_that_were_loaded(source: PrometheusSource, name: str, monkeypatch) -> None:
    monkeypatch.setattr("workbench.query.metrics.raw.REQUEST_SAMPLES", 2_000)
    after, upto = START_MS + 3_600_000, END_MS - 1_800_000
    found = source.raw(
        f'{{"{name}"}}' if source.semantics == "v3" else name, TimeRange.from_ms(after, upto).left_open()
    )
    wanted = expected(name, after, upto)
    assert {label_key(labels) for labels in found.labels} == set(wanted)
    for labels, times, values in found:
        wanted_times, wanted_values = wanted[label_key(labels)]
        assert times.tolist() == wanted_times
        np.testing.assert_array_equal(values, wanted_values)


@pytest.mark.parametrize("query", ["requests_total", "sum by (job) (rate(requests_total[5m]))", "time()", "up @ end()"])
def test_slices_give_what_one_request_gives(source: PrometheusSource, query: str) -> None:
    whole = source.range(query, SPAN, step_ms=4_000)
    cut = source.range(query, SPAN, step_ms=1_000)
    assert len(cut.times) > 11_000 > len(whole.times)
    order = {label_key(labels): row for row, labels in enumerate(cut.labels)}
    rows = [order[label_key(labels)] for labels in whole.labels]
    np.testing.assert_array_equal(cut.present[rows, ::4], whole.present)
    np.testing.assert_array_equal(cut.values[rows, ::4], whole.values)


@pytest.mark.filterwarnings("ignore:The inplace keyword in MetricRangeDataFrame")
def test_ranges_equal_those_of_the_client(source: PrometheusSource) -> None:
    start, end = from_ms(START_MS), from_ms(START_MS + 3_600_000)
    theirs = MetricRangeDataFrame(
        PrometheusConnect(source.location, timeout=60).custom_query_range("requests_total", start, end, "60")
    )
    for ours in (source, source_of(PrometheusConnect(source.location))):
        long = ours.range("requests_total", TimeRange(start, end), step_ms=60_000).long()
        names = ["instance", "job", "method", "status"]
        left = long.astype(dict.fromkeys(names, str)).sort_values([*names, "time"])
        right = theirs.reset_index().sort_values([*names, "timestamp"])
        assert left["value"].tolist() == right["value"].tolist()
        assert left[names].values.tolist() == right[names].values.tolist()


def test_errors_of_real_servers(source: PrometheusSource) -> None:
    at = datetime(2026, 11, 1, 3, tzinfo=UTC)
    with pytest.raises(QueryRejected) as caught:
        source.instant("sum(rate(up[5m])", at)
    assert caught.value.position == 16
    with pytest.raises(QueryRejected):
        source.instant("up + on(job) up", at)
    with pytest.raises(QueryTooExpensive, match="maximum resolution"):
        source._api.samples(
            "/api/v1/query_range",
            [("query", "up"), ("start", "0"), ("end", "11001"), ("step", "1")],
            lambda *_: None,
        )


def test_the_catalogue_of_real_servers(source: PrometheusSource) -> None:
    assert {"api"} <= set(source.label_values("job", SPAN))
    assert all(labels["__name__"] == "up" for labels in source.series(["up"], SPAN))
    assert source.cost("requests_total", SPAN, step_ms=60_000).series == len(
        source.instant("requests_total", from_ms(END_MS)).labels
    )
    details = check.details(source)
    assert details.state.engine.startswith("Prometheus ")
    assert not details.notes or "scraped" in details.notes[0]
