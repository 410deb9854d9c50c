"""Native histograms: blocks, their algebra, what is read from them, and answers that hold them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import FrameError, QueryTooExpensive
from workbench.core.histograms import CUSTOM, Histogram, Histograms, is_mark, marked_rows, marks
from workbench.core.series import STALE, SeriesSet, is_stale
from workbench.promql import EvaluationLimits, MemoryStore, evaluate_instant, evaluate_range
from workbench.promql.native.operations import combined, equal, resets, upper_bounds
from workbench.promql.native.statistics import fractions, quantiles, variances

COUNTS = st.integers(1, 50).map(float)


@st.composite
def exponential(draw: st.DrawFn, low: int = -4, high: int = 8) -> Histogram:
    schema = draw(st.integers(low, high))
    buckets = st.dictionaries(st.integers(-12, 12), COUNTS, max_size=6)
    positive, negative, zeros = draw(buckets), draw(buckets), draw(st.integers(0, 9))
    count = zeros + sum(positive.values()) + sum(negative.values())
    return Histogram(schema, count, draw(st.integers(-99, 99)), 2.0**-80, zeros, positive, negative)


def store_of(*points: float | Histogram, hints: bool = False) -> MemoryStore:
    block = Histograms.of([point for point in points if isinstance(point, Histogram)])
    numbers = iter(marks(np.arange(len(block))))
    values = [next(numbers) if isinstance(point, Histogram) else point for point in points]
    times = np.arange(len(points)) * 60_000
    series = SeriesSet.of([({"__name__": "h"}, times, np.array(values))])
    return MemoryStore(SeriesSet(series.labels, series.offsets, series.times, series.values, block))


def added(*histograms: Histogram) -> Histogram:
    block = Histograms.of(histograms)
    return combined(block, np.arange(len(block)), np.zeros(len(block), np.int64), 1).at(0)


def test_marks_are_neither_numbers_nor_stale_and_survive_copies() -> None:
    values = np.array([1.0, np.nan, STALE, -np.nan, np.inf, *marks(np.array([0, 5, 2**40]))])
    kept = np.where(np.ones(8, np.bool_), values, 0.0)[::1].copy()
    assert is_mark(kept).tolist() == [False] * 5 + [True] * 3
    assert marked_rows(kept[5:]).tolist() == [0, 5, 2**40]
    assert is_stale(kept).tolist() == [False, False, True, False, False, False, False, False]
    assert np.isnan(kept[5:]).all()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(exponential(), min_size=1, max_size=5))
def test_a_block_gives_back_what_it_took_in(histograms: list[Histogram]) -> None:
    block = Histograms.joined([Histograms.of(histograms[:2]), Histograms.of(histograms[2:])])
    assert [block.at(row) for row in range(len(block))] == histograms
    assert block.take(np.arange(len(block))[::-1]).at(0) == histograms[-1]


@pytest.mark.parametrize("wrong", [Histogram(9), Histogram(-5), Histogram(CUSTOM, custom_bounds=(2.0, 1.0))])
def test_a_layout_that_does_not_exist_is_refused(wrong: Histogram) -> None:
    with pytest.raises(FrameError):
        Histograms.of([wrong])


def test_bounds_are_powers_of_two_and_end_at_the_largest_float() -> None:
    number, schema = np.array([0, 1, -3, 1024, 2048, 4096, 4097, 1]), np.array([0, 0, 0, 0, 1, 2, 2, -4])
    largest = np.finfo(np.float64).max
    assert upper_bounds(number, schema).tolist() == [1, 2, 0.125, largest, largest, largest, math.inf, 65536]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(exponential(), exponential(), exponential())
def test_addition_does_not_depend_on_the_order_and_loses_nothing(a: Histogram, b: Histogram, c: Histogram) -> None:
    total = added(a, b, c)
    assert total == added(c, a, b)
    assert total.schema == min(a.schema, b.schema, c.schema)
    inside = total.zero_count + sum(total.positive.values()) + sum(total.negative.values())
    assert inside == total.count == a.count + b.count + c.count


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(exponential(), st.integers(0, 3))
def test_a_lower_resolution_holds_the_same_observations_between_its_bounds(one: Histogram, steps: int) -> None:
    lower = max(-4, one.schema - steps)
    coarse = added(one, Histogram(lower, zero_threshold=one.zero_threshold))
    assert coarse.schema == lower
    for number, value in coarse.positive.items():
        fine = [v for i, v in one.positive.items() if number - 1 < i / 2 ** (one.schema - lower) <= number]
        assert value == sum(fine)


def test_a_zero_bucket_widens_to_the_next_bound_that_no_bucket_straddles() -> None:
    wide = Histogram(0, 1, zero_threshold=0.3, zero_count=1)
    narrow = Histogram(0, 6, zero_threshold=0.01, zero_count=1, positive={-3: 1, -1: 2, 0: 2})
    total = added(wide, narrow)
    assert (total.zero_threshold, total.zero_count, total.positive) == (0.5, 5, {0: 2})


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(exponential(), exponential(-4, 3))
def test_more_observations_are_no_reset_and_fewer_are(one: Histogram, more: Histogram) -> None:
    grown = added(one, more)
    block = Histograms.of([one, grown])
    assert not resets(block, np.array([0]), np.array([1]))[0]
    shrinks = grown.count > one.count or grown.schema < one.schema
    assert resets(block, np.array([1]), np.array([0]))[0] == shrinks
    assert equal(block, np.array([0, 0]), np.array([0, 1])).tolist() == [True, grown == one]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(exponential(-2, 3), st.floats(0, 1))
def test_the_fraction_below_a_quantile_is_the_quantile(one: Histogram, q: float) -> None:
    if one.count == 0:
        return
    block = Histograms.of([one])
    (value,), lost, skewed = quantiles(block, np.array([q]))
    (share,), _ = fractions(block, np.array([-np.inf]), np.array([value]))
    assert not (lost | skewed).any()
    # Where a quantile lies on a bound, or in a gap, the fraction may be that of either side.
    (above,), _ = fractions(block, np.array([-np.inf]), np.array([np.nextafter(value, np.inf)]))
    assert share - 1e-9 <= q <= max(share, above) + 1e-9 or q <= share + 1e-9


def test_variance_of_one_bucket_is_the_distance_of_its_middle_from_the_mean() -> None:
    block = Histograms.of(
        [Histogram(0, 4, 4 * 1.5, positive={1: 4}), Histogram(CUSTOM, 2, 4, positive={1: 2}, custom_bounds=(1, 3))]
    )
    assert variances(block).tolist() == pytest.approx([(math.sqrt(2) - 1.5) ** 2, 0.0])


def test_an_answer_holds_histograms_beside_numbers() -> None:
    one = Histogram(0, 3, 4.0, positive={0: 1, 1: 2})
    answer = evaluate_range("h", store_of(1.5, one), start_ms=0, end_ms=120_000, step_ms=60_000)
    assert answer.present.all()
    assert (answer.histogram(0, 0), answer.histogram(0, 1), answer.histogram(0, 2)) == (None, one, one)
    assert answer.values[0, 0] == 1.5
    assert np.isnan(answer.frame.iloc[1:, 0]).all()


def test_a_nan_that_looks_like_a_mark_is_a_nan() -> None:
    store = store_of(Histogram(0, 1, 1.0), 1.0)
    store.samples.values[1] = marks(np.array([10**9]))[0]
    answer = evaluate_instant("h", store, time_ms=60_000)
    assert answer.histogram(0, 0) is None
    assert np.isnan(answer.values[0, 0])


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.lists(exponential(0, 2), min_size=2, max_size=12), st.integers(1, 6))
def test_increase_adds_up_what_came_between_resets(parts: list[Histogram], minutes: int) -> None:
    """Counters grow by known parts, so the rate of every window is known too."""
    totals = [parts[0]]
    for part in parts[1:]:
        totals.append(added(totals[-1], part))
    store, end = store_of(*totals), (len(parts) - 1) * 60_000
    answer = evaluate_range(f"increase(h[{minutes}m])", store, start_ms=end, end_ms=end, step_ms=60_000)
    inside = totals[-minutes:]
    if len(inside) < 2:
        assert not answer.labels
        return
    grown = inside[-1].count - inside[0].count
    sampled = len(inside) - 1
    first = (len(parts) - len(inside)) * 60_000
    before = (first - (end - minutes * 60_000)) / 60_000
    wanted = grown * (sampled + (before if before < 1.1 else 0.5)) / sampled
    assert answer.histogram(0, 0).count == pytest.approx(wanted)


def test_buckets_count_against_the_limit_of_samples() -> None:
    store = store_of(*[Histogram(8, 200, 1.0, positive=dict.fromkeys(range(200), 1.0)) for _ in range(20)])
    with pytest.raises(QueryTooExpensive, match="max_samples = 1,000"):
        evaluate_instant("sum_over_time(h[1h])", store, time_ms=1_200_000, limits=EvaluationLimits(max_samples=1_000))
