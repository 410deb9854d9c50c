"""Native histograms side by side with Prometheus 3, pushed into it by remote write."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.live.compare import Grid
from tests.servers.fixtures import Omit, release_or_omit
from tests.servers.native_samples import END_MS, START_MS, native_sample_set
from tests.servers.programs import Server
from tests.servers.prometheus import prometheus
from tests.servers.remote_write import RECEIVES, push
from workbench.archive import Archive
from workbench.core.errors import WorkbenchError
from workbench.core.histograms import Histogram, Histograms, is_mark, marked_rows
from workbench.core.mixed import concatenated
from workbench.core.series import LabelKey, SeriesSet, label_key
from workbench.core.timerange import TimeRange
from workbench.promql import MemoryStore, SampleStore, evaluate_range
from workbench.promql.native.operations import edges
from workbench.promql.native.statistics import visible
from workbench.query import PrometheusSource

pytestmark = pytest.mark.live

#: A number, or count, sum and buckets (lower end, upper end, observations) of a histogram.
Point = float | tuple[float, float, tuple[tuple[float, float, float], ...]]
Rows = dict[LabelKey, dict[int, Point]]

GRIDS = (
    Grid(START_MS, END_MS, 240_000),
    Grid(START_MS + 1_800_123, START_MS + 2_400_000, 7_000),
    Grid(START_MS + 7_123, END_MS + 300_000, 397_000),
)


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return MemoryStore(native_sample_set())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, omit: Omit) -> Iterator[Server]:
    with prometheus(release_or_omit("v3", omit), tmp_path_factory.mktemp("native"), flags=RECEIVES) as running:
        push(running.url, concatenated([native_sample_set(), in_whole_numbers()]))
        yield running


def in_whole_numbers() -> SeriesSet:
    """The same histograms under other names, which are pushed as whole numbers."""
    series = native_sample_set()
    return replace(series, labels=tuple({**each, "__name__": f"whole_{each['__name__']}"} for each in series.labels))


def theirs(url: str, query: str, grid: Grid) -> Rows | None:
    """Answer of the server; None when it refuses."""
    form = {"query": query, "start": grid.start_ms / 1000, "end": grid.end_ms / 1000, "step": grid.step_ms / 1000}
    request = urllib.request.Request(f"{url}/api/v1/query_range", urllib.parse.urlencode(form).encode())
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            result = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError:
        return None
    rows: Rows = {}
    for row in result:
        points = {round(float(time) * 1000): float(value) for time, value in row.get("values", ())}
        for time, one in row.get("histograms", ()):
            buckets = tuple(tuple(float(part) for part in bucket[1:]) for bucket in one.get("buckets", ()))
            points[round(float(time) * 1000)] = (float(one["count"]), float(one["sum"]), buckets)
        rows[label_key(row["metric"])] = points
    return rows


def ours(store: SampleStore, query: str, grid: Grid) -> Rows | None:
    try:
        answer = evaluate_range(query, store, start_ms=grid.start_ms, end_ms=grid.end_ms, step_ms=grid.step_ms)
    except WorkbenchError:
        return None
    rows: Rows = {}
    for row, labels in enumerate(answer.labels):
        steps = np.flatnonzero(answer.present[row])
        rows[label_key(labels)] = {
            int(answer.times[step]): shown(answer.histogram(row, step)) or float(answer.values[row, step])
            for step in steps
        }
    return rows


def shown(one: Histogram | None) -> Point | None:
    if one is None:
        return None
    block = visible(Histograms.of([one]))
    lower, upper = edges(block, block.keys, np.zeros(len(block.keys), np.intp))
    return one.count, one.sum, tuple(zip(lower.tolist(), upper.tolist(), block.populations.tolist(), strict=True))


def flat(point: Point) -> list[float]:
    if isinstance(point, float):
        return [point]
    count, total, buckets = point
    return [count, total, *(number for bucket in buckets for number in bucket)]


def differs(store: SampleStore, url: str, query: str, grid: Grid) -> str:
    wanted, found = theirs(url, query, grid), ours(store, query, grid)
    where = f"{query}\n  start {grid.start_ms} end {grid.end_ms} step {grid.step_ms}\n"
    if wanted is None or found is None:
        return (
            "" if wanted is found else f"{where}  refused by {'the server' if wanted is None else 'the engine'} alone"
        )
    if wanted.keys() != found.keys():
        return f"{where}  server {sorted(wanted)[:4]}\n  engine {sorted(found)[:4]}"
    for key, points in wanted.items():
        if points.keys() != found[key].keys():
            return f"{where}  {key}: steps {sorted(points.keys() ^ found[key].keys())[:5]}"
        for time, point in points.items():
            mine = found[key][time]
            here, there = flat(point), flat(mine)
            scale = max((abs(x) for x in here if np.isfinite(x)), default=0.0)
            if len(here) != len(there) or not np.allclose(here, there, rtol=1e-9, atol=1e-9 * scale, equal_nan=True):
                return f"{where}  {key} at {time}:\n  server {point}\n  engine {mine}"
    return ""


LISTED = """
wait_seconds
drift
queue_age
size_bytes
turned
rate(wait_seconds[5m])
increase(wait_seconds[10m])
irate(wait_seconds[2m])
delta(queue_age[5m])
idelta(queue_age[2m])
rate(size_bytes[5m])
rate(turned[5m])
sum_over_time(queue_age[3m])
avg_over_time(wait_seconds[2m])
last_over_time(turned[1h])
count_over_time(turned[7m])
resets(wait_seconds[1h])
resets(turned[2h])
max_over_time(turned[2h])
deriv(turned[1h])
sum(rate(wait_seconds[5m]))
sum by (method) (rate(wait_seconds[5m]))
avg by (instance) (wait_seconds)
sum({__name__=~"wait_seconds|size_bytes"})
sum by (instance) ({__name__=~"wait_seconds|level"})
count by (instance) ({__name__=~"wait_seconds|level"})
max({__name__=~"wait_seconds|level"})
stddev({__name__=~"wait_seconds|level"})
topk(2, {__name__=~"wait_seconds|level"})
histogram_quantile(0.9, rate(wait_seconds[5m]))
histogram_quantile(0.1, drift)
histogram_quantile(0.5, sum by (method) (rate(wait_seconds[5m])))
histogram_quantile(0.99, size_bytes)
histogram_fraction(0.1, 1.5, rate(wait_seconds[5m]))
histogram_fraction(-1, 0.2, drift)
histogram_fraction(0.02, 0.7, size_bytes)
histogram_fraction(-3, 3, size_bytes)
histogram_fraction(0, +Inf, size_bytes)
histogram_count(rate(wait_seconds[5m]))
histogram_sum(wait_seconds)
histogram_avg(rate(wait_seconds[5m]))
histogram_stddev(drift)
histogram_stdvar(size_bytes)
wait_seconds + on(instance, method) wait_seconds
wait_seconds - on(method) group_left wait_seconds{instance="b:80"}
wait_seconds * on(instance) group_left level
wait_seconds / 3
wait_seconds / 0
-drift
wait_seconds == wait_seconds
wait_seconds != wait_seconds offset 15s
wait_seconds > 1
wait_seconds == bool wait_seconds offset 15s
size_bytes + on(instance) group_right wait_seconds
level or wait_seconds
wait_seconds and on(instance) level
scalar(wait_seconds{instance="a:80",method="GET"})
abs(turned)
absent(wait_seconds{instance="x"})
timestamp(wait_seconds)
label_replace(drift, "copy", "$1", "instance", "(.).*")
sort(turned)
increase(wait_seconds[10m:1m])
sum_over_time(rate(wait_seconds[5m])[10m:1m])
rate(wait_seconds[5m] offset 7m)
histogram_quantile(0.5, wait_seconds @ end())
count_values("value", round(histogram_avg(wait_seconds)))
""".strip().splitlines()


@pytest.mark.parametrize("query", LISTED)
def test_native_histograms_give_what_prometheus_gives(query: str, server: Server, store: MemoryStore) -> None:
    for grid in GRIDS:
        assert not differs(store, server.url, query, grid)


_NAMES = ("wait_seconds", "drift", "queue_age", "size_bytes", "turned", "level", 'wait_seconds{instance!="b:80"}')


@st.composite
def composed(draw: st.DrawFn) -> str:
    """Compose a range function, an aggregation, an operator and a reader of histograms, each as it comes.

    Without changes(): a server counts equal histograms as different where it began a new chunk between them.
    """
    name, window = draw(st.sampled_from(_NAMES)), draw(st.sampled_from(("40s", "2m", "7m", "1h")))
    over = ("rate", "increase", "delta", "irate", "idelta", "resets", "sum_over_time", "avg_over_time")
    inner = name + draw(st.sampled_from(("", " offset 3m")))
    if draw(st.booleans()):
        ranged = draw(st.sampled_from((f"{name}[{window}]", f"({name})[{window}:25s]", f"{name}[{window}] offset 1m")))
        inner = f"{draw(st.sampled_from((*over, 'last_over_time', 'max_over_time', 'stddev_over_time')))}({ranged})"
    if draw(st.booleans()):
        grouping = draw(st.sampled_from(("", "by (method)", "without (instance)")))
        inner = f"{draw(st.sampled_from(('sum', 'avg', 'count', 'min', 'group')))} {grouping} ({inner})"
    joined = (
        "{}",
        "({}) * 2",
        "1 / ({})",
        "({0}) + ({0})",
        "({0}) - ({0} offset 1m)",
        "-({})",
        "({0}) == ({0})",
        "({}) > 0",
    )
    template = draw(st.sampled_from(joined))
    if "offset" in template and not inner.replace(" offset 3m", "").isidentifier():
        template = "{}"
    inner = template.format(inner)
    q = draw(st.sampled_from(("0", "0.2", "0.5", "0.75", "1")))
    read = ("{}", "histogram_count({})", "histogram_avg({})", "histogram_stddev({})", "histogram_stdvar({})")
    read += (f"histogram_quantile({q}, {{}})", "histogram_fraction(-1, 0.3, {})", "histogram_fraction(0.2, Inf, {})")
    return draw(st.sampled_from(read)).format(inner)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(query=composed(), grid=st.sampled_from(GRIDS))
def test_composed_queries_of_native_histograms_give_what_prometheus_gives(
    query: str, grid: Grid, server: Server, store: MemoryStore
) -> None:
    assert not differs(store, server.url, query, grid)


def test_remote_read_gives_back_every_histogram_and_the_archive_answers_like_the_server(
    server: Server, tmp_path: Path
) -> None:
    pushed = concatenated([native_sample_set(), in_whole_numbers()])
    source = PrometheusSource("prod", server.url)
    pulled = source.history('{__name__!=""}', TimeRange.from_ms(START_MS, END_MS).left_open())
    assert pulled.way == "remote read"
    assert points(pulled.series) == points(pushed)
    hints = {one.hint for one in points(pulled.series, hints=True).values() if isinstance(one, Histogram)}
    assert {"not_reset", "gauge"} <= hints
    archive = Archive.open(tmp_path, create=True)
    archive.append_samples(pulled.series)
    for query in ("histogram_quantile(0.9, rate(whole_wait_seconds[5m]))", "sum(increase(size_bytes[10m]))", "turned"):
        assert not differs(archive, server.url, query, GRIDS[0])
    floats = source.raw('{__name__!=""}', TimeRange.from_ms(START_MS, END_MS).left_open())
    assert floats.samples == int((~is_mark(pushed.values)).sum())


def points(series: SeriesSet, *, hints: bool = False) -> dict[tuple[LabelKey, int], float | Histogram]:
    """Samples by series and time; a server makes its own hints."""
    found: dict[tuple[LabelKey, int], float | Histogram] = {}
    for labels, times, values in series:
        for time, value, native in zip(times.tolist(), values, is_mark(values), strict=True):
            found[label_key(labels), time] = float(value)
            if native and series.histograms is not None:
                one = series.histograms.at(int(marked_rows(np.array([value]))[0]))
                found[label_key(labels), time] = one if hints else replace(one, hint="unknown")
    return found
