from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from workbench.archive import Archive, ArchiveSource
from workbench.core.errors import ParameterError, QueryRejected, QueryTooExpensive, SourceUnavailable
from workbench.core.series import STALE, SeriesSet, label_key
from workbench.core.settings import Limits
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, from_ms
from workbench.promql import MemoryStore, evaluate_range

NOVEMBER = 1_793_491_200_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def written() -> SeriesSet:
    """Two days over a month's edge: counters with a reset, a gap and stale marks, and float gauges."""
    times = NOVEMBER - DAY + np.arange(0, 2 * DAY, MINUTE)
    rng = np.random.default_rng(3)
    series = []
    for code in ("200", "404", "500"):
        values = np.cumsum(rng.poisson(20, len(times))).astype(float)
        values[1000:] -= values[1000]
        kept = np.ones(len(times), bool)
        kept[500:600] = code == "404"
        series.append(({"__name__": "http_requests_total", "job": "api", "code": code}, times[kept], values[kept]))
    for host in ("a", "b"):
        values = rng.normal(50, 5, len(times))
        values[700] = STALE
        values[701] = np.nan
        series.append(({"__name__": "temperature", "job": "node", "host": host}, times, values))
    return SeriesSet.of(series)


@pytest.fixture(scope="module")
def samples() -> SeriesSet:
    return written()


@pytest.fixture(scope="module")
def source(tmp_path_factory, samples: SeriesSet) -> ArchiveSource:
    archive = Archive.open(tmp_path_factory.mktemp("source") / "archive", create=True)
    archive.append_samples(samples)
    archive.update_families({"http_requests": {"type": "counter", "help": "Requests.", "unit": ""}})
    return ArchiveSource("demo", archive)


SPAN = TimeRange.from_ms(NOVEMBER - 6 * HOUR, NOVEMBER + 6 * HOUR)


def test_the_archive_is_a_metric_source(source):
    assert isinstance(source, MetricSource)


@pytest.mark.parametrize("semantics", ["v2", "v3"])
@pytest.mark.parametrize(
    "query",
    [
        "temperature",
        "sum by (job) (rate(http_requests_total[5m]))",
        "increase(http_requests_total[1h] offset 30m)",
        "max_over_time(temperature[30m:5m])",
        'http_requests_total{code=~"5..|404"} @ end()',
        "avg_over_time(temperature[10m]) > 50 or absent(nothing)",
    ],
)
def test_a_query_over_the_archive_equals_the_one_over_memory(source, samples, query, semantics):
    found = ArchiveSource("demo", source.archive, semantics).range(query, SPAN, step_ms=5 * MINUTE)
    bounds = {"start_ms": SPAN.start_ms, "end_ms": SPAN.end_ms, "step_ms": 5 * MINUTE}
    expected = evaluate_range(query, MemoryStore(samples), semantics=semantics, **bounds)
    assert list(map(label_key, found.labels)) == list(map(label_key, expected.labels))
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_array_equal(found.present, expected.present)
    assert found.meta["semantics"] == semantics


def test_every_answer_names_source_engine_tier_and_range(source):
    meta = source.range("temperature", SPAN, step_ms=HOUR).meta
    assert (meta["source"], meta["tier"], meta["semantics"], meta["range"]) == ("demo", "raw", "v3", SPAN)
    assert meta["engine"].startswith("workbench 0.")
    assert source.instant("temperature", from_ms(NOVEMBER)).meta["tier"] == "raw"


def test_an_instant_query_has_one_step(source):
    found = source.instant("count(http_requests_total)", from_ms(NOVEMBER))
    assert found.values.tolist() == [[3.0]]
    assert found.times.tolist() == [NOVEMBER]


def test_raw_samples_lie_after_the_start_and_up_to_the_end_without_stale_marks(source):
    found = source.raw('temperature{host="a"}', TimeRange.from_ms(NOVEMBER, NOVEMBER + 3 * MINUTE).left_open())
    assert (found.times - NOVEMBER).tolist() == [MINUTE, 2 * MINUTE, 3 * MINUTE]
    marked = NOVEMBER - DAY + 700 * MINUTE
    found = source.raw("temperature", TimeRange.from_ms(marked - 2 * MINUTE, marked + MINUTE).left_open())
    assert (found.times - marked).tolist() == [-MINUTE, MINUTE] * 2
    assert found.offsets.tolist() == [0, 2, 4]
    assert np.isnan(found.values[1])
    assert source.raw("temperature", TimeRange.from_ms(marked - 1, marked).left_open()).samples == 0


@pytest.mark.parametrize("query", ["rate(temperature[5m])", "temperature[5m]", "temperature offset 5m", "1"])
def test_only_a_plain_selector_has_raw_samples(source, query):
    with pytest.raises(QueryRejected, match="Only a plain selector"):
        source.raw(query, SPAN.left_open())


def test_series_and_label_values_know_the_range(source):
    assert len(source.series(["http_requests_total", '{job="api"}', "temperature"], SPAN)) == 5
    gap = TimeRange.from_ms(NOVEMBER - DAY + 510 * MINUTE, NOVEMBER - DAY + 590 * MINUTE)
    assert source.label_values("code", gap) == ("404",)
    assert source.label_values("code", SPAN) == ("200", "404", "500")
    assert source.label_values("nothing", SPAN) == ()
    assert source.label_values("job", TimeRange.from_ms(0, 1)) == ()


def test_metadata_are_the_families_that_were_archived(source):
    assert source.metadata() == {"http_requests": {"type": "counter", "help": "Requests.", "unit": ""}}


def test_cost_is_near_what_is_read(source):
    cost = source.cost("rate(temperature[5m])", SPAN, step_ms=MINUTE)
    read = source.archive.select([], SPAN.start_ms - 5 * MINUTE, SPAN.end_ms).samples * 2 / 5
    assert (cost.series, cost.steps, cost.requests) == (2, 721, 0)
    assert cost.points == pytest.approx(read, rel=0.05)
    assert "2 series" in cost.text
    twice = source.cost("temperature / temperature", SPAN, step_ms=MINUTE)
    assert twice.points == source.cost("temperature", SPAN, step_ms=MINUTE).points


def test_a_query_beyond_the_limits_is_refused_before_anything_is_read(source):
    narrow = ArchiveSource("demo", source.archive, limits=Limits(samples=1000))
    with pytest.raises(QueryTooExpensive, match="the limit is 1,000") as refused:
        narrow.range("temperature", SPAN, step_ms=HOUR)
    assert (refused.value.source, refused.value.query) == ("demo", "temperature")
    with pytest.raises(QueryTooExpensive, match=r"about 3 series; the limit is 2"):
        ArchiveSource("demo", source.archive, limits=Limits(series=2)).instant("http_requests_total", from_ms(NOVEMBER))
    with pytest.raises(QueryTooExpensive):
        narrow.raw("temperature", SPAN.left_open())


def test_a_wrong_query_names_the_source(source):
    with pytest.raises(QueryRejected) as rejected:
        source.range("sum(", SPAN, step_ms=HOUR)
    assert rejected.value.source == "demo"
    with pytest.raises(QueryRejected):
        source.series(['up{job=~"(?=a)"}'], SPAN)


def test_semantics_are_v2_or_v3(source):
    with pytest.raises(ParameterError, match="'v4' is not a range semantics"):
        ArchiveSource("demo", source.archive, "v4")


def test_the_state_tells_engine_semantics_and_newest_sample(source):
    state = source.state()
    assert (state.status, state.kind, state.semantics, state.name) == ("ok", "archive", "v3", "demo")
    assert state.engine.startswith("workbench ")
    assert state.newest == datetime(2026, 11, 1, 23, 59, tzinfo=UTC)
    assert state.location == str(source.archive.root)


def test_the_state_of_an_empty_or_broken_archive_is_said_and_not_raised(tmp_path: Path):
    archive = Archive.open(tmp_path / "archive", create=True)
    assert ArchiveSource("demo", archive).state().status == "no_data"
    for path in (archive.root / "samples" / "_delta_log").iterdir():
        path.unlink()
    broken = ArchiveSource("demo", Archive.open(archive.root))
    assert broken.state().status == "unavailable"
    assert "table" in broken.state().detail
    with pytest.raises(SourceUnavailable, match="There is no table"):
        broken.range("up", SPAN, step_ms=HOUR)


def test_an_empty_archive_answers_without_series(tmp_path: Path):
    source = ArchiveSource("demo", Archive.open(tmp_path / "archive", create=True))
    assert source.range("up", SPAN, step_ms=HOUR).values.shape == (0, 13)
    assert source.raw("up", SPAN.left_open()).samples == 0
    assert source.series(["up"], SPAN) == ()
    assert source.cost("up", SPAN, step_ms=HOUR).points == 0
