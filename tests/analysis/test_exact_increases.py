from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.counting.increase import Sightings, born_while_up, exact_increases
from workbench.core.errors import ParameterError
from workbench.core.series import STALE, SeriesSet

EDGES = [0, 60, 120, 180, 240]


def one(times: list[int], values: list[float], **labels: str) -> SeriesSet:
    return SeriesSet.of([({"__name__": "requests_total", **labels}, times, values)])


def increases(times: list[int], values: list[float], *, born: bool = False) -> list[float]:
    return exact_increases(one(times, values), EDGES, np.array([born])).tolist()[0]


def test_a_slice_counts_from_the_last_sample_before_it_to_the_last_sample_in_it() -> None:
    assert increases([-10, 50, 70, 130, 200], [5, 7, 10, 11, 20]) == [2, 3, 1, 9]


def test_a_sample_on_an_edge_belongs_to_the_slice_that_ends_there() -> None:
    assert increases([0, 60, 61], [0, 4, 9]) == [4, 5, 0, 0]


def test_a_reset_counts_on_from_zero() -> None:
    assert increases([0, 50, 100, 150, 200], [100, 110, 3, 5, 1]) == [10, 3, 2, 1]


def test_a_reset_inside_a_slice_loses_nothing_that_was_seen() -> None:
    assert increases([0, 10, 20, 30], [10, 14, 2, 6]) == [4 + 2 + 4, 0, 0, 0]


def test_what_is_counted_during_a_gap_appears_in_the_slice_of_the_next_sample() -> None:
    assert increases([0, 30, 190], [0, 4, 10]) == [4, 0, 0, 6]


def test_a_series_counts_from_its_first_sample_unless_it_was_born_at_zero() -> None:
    assert increases([70, 100, 130], [5, 6, 9]) == [0, 1, 3, 0]
    assert increases([70, 100, 130], [5, 6, 9], born=True) == [0, 6, 3, 0]


def test_stale_marks_and_nan_and_infinity_are_not_counts() -> None:
    assert increases([0, 30, 40, 90, 110, 130], [1, 5, STALE, np.nan, np.inf, 7]) == [4, 0, 2, 0]


def test_a_series_that_ends_and_comes_back_lower_was_reset() -> None:
    assert increases([0, 50, 55, 130], [1, 9, STALE, 4]) == [8, 0, 4, 0]


def test_a_series_without_a_single_count_increases_by_nothing() -> None:
    assert increases([10, 20], [STALE, np.nan], born=True) == [0, 0, 0, 0]
    assert exact_increases(SeriesSet.empty(), EDGES).shape == (0, 4)


def test_resets_are_corrected_before_series_are_summed() -> None:
    two = SeriesSet.of([({"i": "a"}, [0, 60], [100, 2]), ({"i": "b"}, [0, 60], [10, 150])])
    assert exact_increases(two, [0, 60]).sum() == 2 + 140  # the sum of the two would have shown 42


@pytest.mark.parametrize("edges", [[0], [0, 0], [60, 0], []])
def test_edges_that_make_no_slice_are_refused(edges: list[int]) -> None:
    with pytest.raises(ParameterError, match="slice edges"):
        exact_increases(SeriesSet.empty(), edges)


def test_a_series_was_born_while_up_when_the_scrape_before_it_was_good() -> None:
    up = SeriesSet.of(
        [
            ({"job": "web", "instance": "a"}, [0, 60, 120], [1, 0, 1]),
            ({"job": "web", "instance": "b"}, [60], [1]),
        ]
    )
    series = SeriesSet.of(
        [
            ({"job": "web", "instance": "a", "n": "after a good scrape"}, [60], [1.0]),
            ({"job": "web", "instance": "a", "n": "after a failed scrape"}, [120], [1.0]),
            ({"job": "web", "instance": "a", "n": "there from the first scrape"}, [0], [1.0]),
            ({"job": "web", "instance": "b", "n": "with its target"}, [60], [1.0]),
            ({"job": "web", "instance": "c", "n": "of an unknown target"}, [60], [1.0]),
            ({"job": "web", "instance": "a", "n": "never counted"}, [60], [STALE]),
        ]
    )
    assert born_while_up(series, up).tolist() == [True, False, False, False, False, False]


def test_a_rare_series_does_not_make_its_target_look_unseen() -> None:
    seen = SeriesSet.of(
        [
            ({"job": "web", "instance": "a", "code": "200"}, list(range(0, 300, 10)), [1.0] * 30),
            ({"job": "web", "instance": "a", "code": "503"}, [70, 210], [1.0, 2.0]),
        ]
    )
    assert Sightings(EDGES).share(seen).tolist() == [1, 1, 1, 1]


def test_time_before_the_first_and_after_the_last_sample_is_not_observed() -> None:
    assert Sightings(EDGES).share(one([70, 130], [1, 2])).tolist() == [0, 1, 1, 0]
    assert Sightings(EDGES).share(SeriesSet.empty()).tolist() == [0, 0, 0, 0]


def test_what_was_seen_of_one_scrape_is_not_taken_for_another() -> None:
    sightings, parts = Sightings(EDGES), [one([10, 70], [1, 2]), one([70, 130], [1, 2]), one([10, 70], [3, 4])]
    assert [sightings.share(part).tolist() for part in parts] == [
        Sightings(EDGES).share(part).tolist() for part in parts
    ]


def test_a_stale_mark_is_no_observation() -> None:
    assert Sightings(EDGES).share(one([10, 70, 130], [1, STALE, 2])).tolist() == [1, 0, 1, 0]


counters = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 1_000)), min_size=1, max_size=40)


@pytest.mark.slow
@settings(deadline=None)
@given(counters, st.lists(st.integers(0, 900), min_size=3, max_size=12, unique=True), st.booleans())
def test_splitting_a_window_changes_nothing(steps: list[tuple[int, int]], cuts: list[int], born: bool) -> None:
    times = np.cumsum([gap for gap, _ in steps]).tolist()
    series = one(times, [float(value) for _, value in steps])
    edges = sorted(cuts)
    parts = exact_increases(series, edges, np.array([born])).sum()
    assert parts == exact_increases(series, [edges[0], edges[-1]], np.array([born])).sum()


@pytest.mark.slow
@settings(deadline=None)
@given(counters, st.integers(2, 1_000))
def test_shifting_and_scaling_a_counter_shifts_and_scales_its_increases(steps: list[tuple[int, int]], by: int) -> None:
    times = np.cumsum([gap for gap, _ in steps])
    values = np.array([float(value) for _, value in steps])
    plain = exact_increases(one(times.tolist(), values.tolist()), [0, 100, 500, 2_000])
    changed = exact_increases(one((times + by).tolist(), (values * by).tolist()), [by, 100 + by, 500 + by, 2_000 + by])
    assert (changed == plain * by).all()
    assert (plain >= 0).all()


@settings(deadline=None)
@given(st.permutations(range(4)))
def test_the_order_of_the_series_changes_nothing(order: list[int]) -> None:
    items = [({"i": str(i)}, [0, 60, 130, 200], np.array([i, 3, 1, 7.5 * i])) for i in range(4)]
    plain = exact_increases(SeriesSet.of(items), EDGES)
    assert (exact_increases(SeriesSet.of([items[i] for i in order]), EDGES) == plain[order]).all()
