"""Slices say of whole windows what the samples say, and answers from them are told by their tier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.archive import Archive, ArchiveSource
from workbench.archive.tiers.columns import Slices
from workbench.archive.tiers.retention import Policy, expire, roll_up
from workbench.archive.tiers.rollup import in_arrays, rollup
from workbench.archive.tiers.rollup_fast import compiled
from workbench.archive.tiers.slices import as_series
from workbench.core.errors import QueryRejected
from workbench.core.series import STALE, SeriesSet
from workbench.core.timerange import TimeRange, from_ms

DAY = 86_400_000
START = 1_790_812_800_000  # 2026-10-01T00:00Z
STEP = 300_000

SAMPLES = st.lists(
    st.tuples(
        st.integers(1, 400_000),
        st.one_of(st.integers(0, 50), st.just(0), st.sampled_from([STALE, -3.5, 1e9, np.inf])),
    ),
    max_size=60,
)


def series_of(steps: list[tuple[int, float]]) -> SeriesSet:
    times = START + np.cumsum([step for step, _ in steps]).astype(np.int64)
    return SeriesSet.of([({"__name__": "x_total"}, times, [float(value) for _, value in steps])])


def increase(times: np.ndarray, values: np.ndarray, after: int, upto: int) -> float:
    """Reset-aware increase from the last sample at or before one instant to the last at or before another."""
    held = [(t, v) for t, v in zip(times, values, strict=True) if t <= upto and v.view(np.int64) != STALE_BITS]
    total, before = 0.0, None
    for time, value in held:
        if before is not None and time > after:
            total += value - before if value >= before else value
        before = value
    return total


def without_misreads(steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Hold a value over falls of at most a tenth: these are misreads, which count nothing, and no restarts."""
    held = steps[:1]
    for step, value in steps[1:]:
        before = held[-1][1]
        held.append((step, before if 0.9 * before <= value < before else value))
    return held


STALE_BITS = np.float64(STALE).view(np.int64)


@settings(max_examples=80, deadline=None)
@given(st.lists(SAMPLES, max_size=3))
def test_both_forms_cut_the_same_slices(parts) -> None:
    rows = [next(iter(series_of(part))) for part in parts if part]
    series = SeriesSet.of(({"n": str(n)}, times, values) for n, (_, times, values) in enumerate(rows))
    ours, fast = in_arrays(series, STEP), compiled(series, STEP)
    for name in Slices.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(ours, name), getattr(fast, name), err_msg=name)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 400_000), st.integers(0, 50)), min_size=1, max_size=60),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_increases_over_any_whole_slices_are_those_of_the_samples(steps, first, length) -> None:
    series = series_of(without_misreads(steps))
    after = (START // STEP + first) * STEP
    upto = after + length * STEP
    found = as_series(rollup(series, STEP), series.labels, "counter")
    assert increase(found.times, found.values, after, upto) == increase(series.times, series.values, after, upto)


def test_a_last_value_a_tenth_lower_in_the_next_slice_is_a_misread_and_no_restart() -> None:
    series = series_of([(1, 12), (STEP, 11)])
    assert as_series(rollup(series, STEP), series.labels, "counter").values.tolist() == [12, 12]


def month() -> SeriesSet:
    times = START + np.arange(1, 12 * 1440 + 1) * 60_000
    rng = np.random.default_rng(4)
    total = np.cumsum(rng.poisson(3, len(times))).astype(float)
    total[9000:] -= total[9000]
    rows = [
        ({"__name__": "x_total", "n": "0"}, times, total),
        ({"__name__": "g"}, times, rng.normal(50, 9, len(times))),
    ]
    return SeriesSet.of([*rows, ({"__name__": "x_total", "n": "1"}, times[::7], np.arange(len(times[::7])) * 2.0)])


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[ArchiveSource, ArchiveSource]:
    """The same twelve days: whole, and with only the last two left as samples."""
    kept = Archive.open(tmp_path_factory.mktemp("tiers") / "kept", create=True)
    cut = Archive.open(tmp_path_factory.mktemp("tiers") / "cut", create=True)
    for archive in (kept, cut):
        archive.append_samples(month())
    told = expire(cut, Policy(raw_ms=2 * DAY, five_minutes_ms=None), START + 12 * DAY)
    assert told.days == 10
    assert told.rows["samples"] == int((month().times <= START + 10 * DAY).sum())
    assert cut.oldest_ms() == START + 10 * DAY + 60_000
    return ArchiveSource("kept", kept), ArchiveSource("cut", cut)


SPAN = TimeRange.from_ms(START + DAY, START + 9 * DAY)


@pytest.mark.parametrize(
    "query",
    [
        "max_over_time(g[1h])",
        "min_over_time(g[30m])",
        "count_over_time(g[1h])",
        "sum_over_time(g[1h])",
        "avg_over_time(g[1h])",
        "sum by (n) (max_over_time(x_total[2h]))",
        "last_over_time(g[1h])",
        "g > 40",
    ],
)
def test_whole_windows_are_answered_exactly(both, query) -> None:
    raw, tier = (source.range(query, SPAN, step_ms=3_600_000) for source in both)
    assert (raw.meta["tier"], tier.meta["tier"]) == ("raw", "5m")
    assert tier.meta["query"] == query
    assert tier.labels == raw.labels
    np.testing.assert_array_equal(tier.present, raw.present)
    np.testing.assert_allclose(tier.values, raw.values, rtol=1e-12)


@pytest.mark.parametrize("query", ["rate(x_total[1h])", "sum(increase(x_total[6h]))"])
def test_rates_come_from_stored_increases_to_a_slice(both, query) -> None:
    raw, tier = (source.range(query, SPAN, step_ms=3_600_000) for source in both)
    np.testing.assert_allclose(tier.values, raw.values, rtol=0.12)
    assert np.median(np.abs(tier.values / raw.values - 1)) < 0.03


@pytest.mark.parametrize(
    "query", ["rate(x_total[5m])", "quantile_over_time(0.9, g[1h])", "changes(g[1d])", "irate(x_total[1h])"]
)
def test_what_slices_cannot_say_is_refused_with_the_reason(both, query) -> None:
    with pytest.raises(QueryRejected, match="samples are gone"):
        both[1].range(query, SPAN, step_ms=3_600_000)


def test_recent_times_are_answered_from_samples(both) -> None:
    recent = TimeRange.from_ms(START + 11 * DAY, START + 12 * DAY)
    found = both[1].range("rate(x_total[5m])", recent, step_ms=60_000)
    assert found.meta["tier"] == "raw"
    np.testing.assert_array_equal(found.values, both[0].range("rate(x_total[5m])", recent, step_ms=60_000).values)


@pytest.mark.slow
def test_exact_increases_of_days_cross_the_border_of_the_samples(both) -> None:
    whole = TimeRange.from_ms(START, START + 12 * DAY)
    for labels, times, values in both[0].raw("x_total", whole.left_open()):
        kept = {row[0]["n"]: row for row in both[1].raw("x_total", whole.left_open())}[labels["n"]]
        for day in range(12):
            edges = (START + day * DAY, START + (day + 1) * DAY)
            assert increase(kept[1], kept[2], *edges) == increase(times, values, *edges)


@pytest.mark.slow
def test_rolling_up_again_changes_nothing_and_late_samples_change_their_day(tmp_path) -> None:
    archive = Archive.open(tmp_path / "a", create=True)
    archive.append_samples(month())
    assert roll_up(archive, START + 12 * DAY) == 12
    before = archive.versions()
    assert roll_up(archive, START + 12 * DAY) == 0
    assert archive.versions() == before
    archive.append_samples(SeriesSet.of([({"__name__": "g"}, [START + 5 * DAY + 30_000], [1e6])]))
    assert roll_up(archive, START + 12 * DAY) >= 1
    expire(archive, Policy(raw_ms=2 * DAY, five_minutes_ms=None), START + 12 * DAY)
    found = ArchiveSource("a", archive).instant("max_over_time(g[1d])", from_ms(START + 6 * DAY))
    assert found.values.tolist() == [[1e6]]


@pytest.mark.slow
def test_slices_are_let_go_by_their_own_age(tmp_path) -> None:
    archive = Archive.open(tmp_path / "a", create=True)
    archive.append_samples(month())
    now = START + 12 * DAY
    told = expire(archive, Policy(raw_ms=2 * DAY, five_minutes_ms=6 * DAY, hours_ms=None), now)
    assert told.rows["samples_5m"] > 0
    source = ArchiveSource("a", archive)
    early, late = (datetime(2026, 10, day, tzinfo=UTC) + timedelta(hours=12) for day in (3, 8))
    assert source.instant("sum(increase(x_total[6h]))", early).meta["tier"] == "1h"
    assert source.instant("sum(increase(x_total[6h]))", late).meta["tier"] == "5m"


@pytest.mark.slow
@pytest.mark.parametrize("at", [1_202, 1_204, 1_205, 1_259, 1_260, 1_438, 1_439, 1_440])
@pytest.mark.parametrize("misread", [[7_299_999.0], [0.0], [7_000_000.0], [7_299_990.0] * 3])
def test_a_counter_that_was_misread_keeps_its_count_in_every_tier(tmp_path, at, misread) -> None:
    times = START + np.arange(1, 3 * 1_440 + 1) * 60_000
    values = 7_300_000.0 + np.arange(len(times)) * 60
    values[at : at + len(misread)] = np.array(misread) + at * 60 * (np.array(misread) > 0)
    archive = Archive.open(tmp_path / "a", create=True)
    archive.append_samples(SeriesSet.of([({"__name__": "x_total", "job": "j", "instance": "i"}, times, values)]))
    expire(archive, Policy(raw_ms=DAY, five_minutes_ms=None), START + 3 * DAY)
    source, span = ArchiveSource("a", archive), TimeRange.from_ms(START, START + 3 * DAY)
    ((_, kept_times, kept),) = source.raw("x_total", span.left_open())
    truth = values[-1] - values[0]
    fallen = 60 * len(misread)
    assert abs(increase(kept_times, kept, START, START + 3 * DAY) - truth) <= fallen
    span = TimeRange.from_ms(START + 18 * 3_600_000, START + 30 * 3_600_000)
    answer = source.range("increase(x_total[2h])", span, step_ms=3_600_000)
    assert answer.meta["tier"] != "raw"
    assert answer.values.max() <= 7_200 + 300 + fallen
