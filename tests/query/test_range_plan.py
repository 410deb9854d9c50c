from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import ParameterError, QueryTooExpensive
from workbench.query.metrics import plan


@settings(deadline=None)
@given(
    start=st.integers(0, 10**13),
    length=st.integers(0, 10**9),
    step=st.integers(1, 10**7),
    series=st.none() | st.integers(0, 5_000),
    points=st.integers(10_000, 11_000),
)
def test_slices_hold_every_step_once_in_order_and_under_the_limits(start, length, step, series, points) -> None:
    step = max(step, length // 200_000 + 1)
    parts = plan.slices(start, start + length, step, series=series, max_points=points)
    evaluated = [t for part in parts for t in range(part.start_ms, part.end_ms + 1, step)]
    assert evaluated == list(range(start, start + length + 1, step))
    assert [part.first for part in parts] == [(part.start_ms - start) // step for part in parts]
    assert all(1 <= part.steps <= points for part in parts)
    assert all(part.steps * (series or 0) <= max(plan.REQUEST_SAMPLES, series or 0) + (series or 0) for part in parts)


def test_eleven_thousand_points_are_one_request_and_one_more_is_two() -> None:
    assert len(plan.slices(0, 10_999_000, 1_000)) == 1
    assert [part.steps for part in plan.slices(0, 11_000_000, 1_000)] == [5500, 5501]


def test_a_step_of_nothing_is_refused() -> None:
    with pytest.raises(ParameterError):
        plan.slices(0, 1000, 0)


def test_bounds_of_the_whole_range_are_written_into_slices() -> None:
    text, whole = plan.pinned('a @ start() + b{x="@ end()"} @ end ( ) # @ end()\n', 1_500, 60_000)
    assert text == 'a @ 1.500 + b{x="@ end()"} @ 60 # @ end()\n'
    assert whole


@pytest.mark.parametrize("query", ["rate(a[range()])", "end() - start()", "a + (start ())"])
def test_a_query_that_uses_its_bounds_as_values_is_not_cut(query: str) -> None:
    assert plan.pinned(query, 0, 1)[1] is False


@pytest.mark.parametrize("query", ['a{b="range()"}', "my_start()", "a:end()", "`end()`", "'start()'", "start_time"])
def test_names_and_texts_that_look_like_bounds_are_left_alone(query: str) -> None:
    assert plan.pinned(query, 0, 1) == (query, True)


def test_the_cost_is_said_in_words_and_held_against_the_limits() -> None:
    cost = plan.cost_of(200, 11_000, 6)
    assert cost.points == 2_200_000
    assert cost.text == "about 200 series x 11,000 steps = 2,200,000 points (55.0 MB) in 6 requests"
    plan.affordable(cost, max_samples=2_200_000, max_series=200)
    with pytest.raises(QueryTooExpensive, match="2,200,000 points"):
        plan.affordable(cost, max_samples=2_199_999, max_series=200)
    with pytest.raises(QueryTooExpensive, match="limit is 199 series"):
        plan.affordable(cost, max_samples=2_200_000, max_series=199)
