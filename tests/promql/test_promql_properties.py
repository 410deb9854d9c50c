"""Properties that hold for any samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.core.series import SeriesSet
from workbench.promql import MemoryStore, evaluate_range
from workbench.promql.engine.sums import settled, window_totals
from workbench.promql.parser.prefix import Overlapping

END = 3_600_000


@st.composite
def counters(draw: st.DrawFn, series: int = 4) -> MemoryStore:
    """Counters with resets, gaps and their own scrape times."""
    triples = []
    for i in range(draw(st.integers(1, series))):
        steps = draw(st.lists(st.integers(1, 400_000), min_size=1, max_size=40))
        times = np.cumsum(steps)
        jumps = draw(arrays(np.float64, len(steps), elements=st.integers(-50, 100).map(float)))
        values = np.maximum.accumulate(np.zeros(len(steps)))
        for k, jump in enumerate(jumps):
            values[k] = max(0.0, (values[k - 1] if k else 0.0) + jump)
        triples.append(({"__name__": "x_total", "i": str(i), "g": str(i % 2)}, times, values))
    return MemoryStore(SeriesSet.of(triples))


def matrix(text: str, store: MemoryStore, *, step_ms: int = 60_000, **options: object) -> dict[str, np.ndarray]:
    answer = evaluate_range(text, store, start_ms=0, end_ms=END, step_ms=step_ms, **options)
    return {str(sorted(labels.items())): row for labels, row in zip(answer.labels, answer.values, strict=True)}


def same(left: dict[str, np.ndarray], right: dict[str, np.ndarray], tolerance: float = 0.0) -> None:
    assert left.keys() == right.keys()
    for key, row in left.items():
        np.testing.assert_allclose(row, right[key], rtol=tolerance, atol=tolerance)


@pytest.mark.slow
@settings(deadline=None)
@given(counters(), st.sampled_from(["rate", "increase", "delta", "sum_over_time", "changes"]))
def test_the_sum_over_groups_adds_up_to_the_sum_over_all(store: MemoryStore, function: str) -> None:
    same(
        matrix(f"sum({function}(x_total[10m]))", store),
        matrix(f"sum(sum by (g) ({function}(x_total[10m])))", store),
        tolerance=1e-12,
    )


@pytest.mark.slow
@settings(deadline=None)
@given(counters(), st.sampled_from(["v2", "v3"]))
def test_increase_is_rate_times_the_length_of_the_range(store: MemoryStore, semantics: str) -> None:
    left = matrix("increase(x_total[7m])", store, semantics=semantics)
    same(left, matrix("rate(x_total[7m]) * 420", store, semantics=semantics), tolerance=1e-12)


@pytest.mark.slow
@settings(deadline=None)
@given(counters(), st.integers(1, 1000))
def test_moving_all_samples_and_steps_moves_the_answer(store: MemoryStore, minutes: int) -> None:
    shift = minutes * 60_000
    samples = store.samples
    moved = MemoryStore(SeriesSet(samples.labels, samples.offsets, samples.times + shift, samples.values))
    text = "deriv(x_total[10m]) + rate(x_total[5m]) + x_total"
    here = evaluate_range(text, store, start_ms=0, end_ms=END, step_ms=97_000)
    there = evaluate_range(text, moved, start_ms=shift, end_ms=END + shift, step_ms=97_000)
    assert here.present.tolist() == there.present.tolist()
    np.testing.assert_array_equal(here.values, there.values)


@pytest.mark.slow
@settings(deadline=None)
@given(counters(), st.integers(1, 30))
def test_a_range_answer_is_its_steps_one_by_one(store: MemoryStore, step: int) -> None:
    text = "sum by (g) (rate(x_total[9m])) / on(g) count by (g) (x_total)"
    whole = evaluate_range(text, store, start_ms=0, end_ms=END, step_ms=step * 60_000)
    for column, time in enumerate(whole.times.tolist()):
        single = evaluate_range(text, store, start_ms=time, end_ms=time, step_ms=1)
        here = {str(labels): row[column] for labels, row in zip(whole.labels, whole.values, strict=True) if row.size}
        for labels, row in zip(single.labels, single.values, strict=True):
            np.testing.assert_array_equal(here[str(labels)], row[0])


@pytest.mark.slow
@settings(deadline=None)
@given(counters())
def test_prometheus_2_windows_hold_at_least_what_prometheus_3_windows_hold(store: MemoryStore) -> None:
    open_left = matrix("count_over_time(x_total[5m])", store)
    closed = matrix("count_over_time(x_total[5m])", store, semantics="v2")
    for key, row in open_left.items():
        assert (np.nan_to_num(row) <= np.nan_to_num(closed[key])).all()
        assert (np.nan_to_num(closed[key]) - np.nan_to_num(row) <= 1).all()


@pytest.mark.slow
@settings(deadline=None)
@given(counters())
def test_the_order_of_series_in_the_store_changes_nothing(store: MemoryStore) -> None:
    turned = MemoryStore(SeriesSet.of(list(store.samples)[::-1]))
    text = "sum by (g) (rate(x_total[5m])) > 0 or max by (g) (x_total)"
    same(matrix(text, store), matrix(text, turned), tolerance=1e-12)


FLOATS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e200, max_value=1e200)
BOUNDS = st.tuples(st.integers(0, 1000), st.integers(0, 1000)).map(sorted)


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(st.lists(FLOATS, min_size=1, max_size=1000), st.lists(BOUNDS, min_size=1, max_size=20))
def test_sums_of_windows_are_exact_to_the_size_of_their_terms(values: list[float], bounds: list[list[int]]) -> None:
    lo = np.array([min(low, len(values)) for low, _ in bounds])
    hi = np.array([min(high, len(values)) for _, high in bounds])
    array = np.array(values)
    for total, error in (window_totals(array, lo, hi), Overlapping(array).totals_of(lo, hi)):
        found = settled(total, error)
        for low, high, ours in zip(lo, hi, found, strict=True):
            exact = math.fsum(values[low:high])
            size = math.fsum(abs(value) for value in values[low:high])
            assert abs(ours - exact) <= 4e-16 * abs(exact) + 1e-28 * size


def test_overlapping_windows_see_values_that_are_not_finite_only_inside() -> None:
    values = np.array([1.0, np.nan, 2.0, np.inf, 3.0, -np.inf])
    lo, hi = np.array([0, 0, 2, 2, 4, 3]), np.array([1, 2, 3, 4, 5, 6])
    np.testing.assert_array_equal(Overlapping(values).totals_of(lo, hi)[0], [1.0, np.nan, 2.0, np.inf, 3.0, np.nan])


@pytest.mark.parametrize("function", ["avg", "sum", "min", "max", "stddev", "quantile"])
def test_long_overlapping_windows_give_what_single_windows_give(function: str) -> None:
    rng = np.random.default_rng(5)
    store = MemoryStore(
        SeriesSet.of(
            ({"__name__": "g", "i": str(i)}, np.arange(2_000) * 1_800, rng.normal(10.0**i, 1, 2_000)) for i in range(8)
        )
    )
    text = f"{function}_over_time({'0.9, ' * (function == 'quantile')}g[50m])"
    whole = evaluate_range(text, store, start_ms=0, end_ms=END, step_ms=20_000)
    for column in (0, 1, 90, 180):
        time = int(whole.times[column])
        single = evaluate_range(text, store, start_ms=time, end_ms=time, step_ms=1)
        np.testing.assert_allclose(whole.values[:, column], single.values[:, 0], rtol=1e-14)
