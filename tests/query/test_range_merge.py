from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import AnswerUnreadable, QueryTooExpensive
from workbench.core.series import SeriesSet
from workbench.query.metrics.merge import Grid
from workbench.query.metrics.plan import slices

START, STEP = 1_000, 250


@pytest.mark.slow
@settings(deadline=None)
@given(st.data(), st.integers(1, 40), st.integers(1, 6), st.integers(1, 15))
def test_any_order_of_slices_gives_the_same_matrix(data, steps: int, count: int, points: int) -> None:
    present = np.array(
        data.draw(st.lists(st.lists(st.booleans(), min_size=steps, max_size=steps), min_size=count, max_size=count))
    )
    values = np.where(present, np.arange(count * steps).reshape(count, steps) / 8, np.nan)
    parts = slices(START, START + (steps - 1) * STEP, STEP, max_points=points)
    grid = Grid(START, STEP, steps, rows=data.draw(st.integers(0, 8)), max_rows=count)
    for number in data.draw(st.permutations(range(len(parts)))):
        part, sink = parts[number], grid.slice(number)
        told = []
        for row in range(count):
            at = np.flatnonzero(present[row, part.first : part.first + part.steps]) + part.first
            told.append(({"row": str(row)}, START + STEP * at, values[row, at]))
        for first, last in pairwise(sorted({0, count, *data.draw(st.lists(st.integers(0, count)))})):
            sink(SeriesSet.of(told[first:last]))
    metrics = grid.metrics({})
    assert metrics.times.tolist() == list(range(START, START + steps * STEP, STEP))
    rows = [int(labels["row"]) for labels in metrics.labels]
    firsts = [next(n for n, p in enumerate(parts) if present[row, p.first : p.first + p.steps].any()) for row in rows]
    assert sorted(rows) == np.flatnonzero(present.any(axis=1)).tolist()
    assert list(zip(firsts, rows, strict=True)) == sorted(zip(firsts, rows, strict=True))
    np.testing.assert_array_equal(metrics.present, present[rows])
    np.testing.assert_array_equal(metrics.values, values[rows])


@pytest.mark.parametrize("times", [[1_001], [750], [1_000 + 4 * 250], [1_250, 1_000], [1_000, 1_000], [1_000, 1_125]])
def test_moments_that_were_not_asked_for_are_refused(times: list[int]) -> None:
    grid = Grid(START, STEP, 4, rows=1, max_rows=5)
    with pytest.raises(AnswerUnreadable):
        grid.slice(0)(SeriesSet.of([({}, times, [0.0] * len(times))]))


def test_more_rows_than_allowed_are_refused() -> None:
    sink = Grid(START, STEP, 1, rows=0, max_rows=2).slice(0)
    for row in range(2):
        sink(SeriesSet.of([({"row": str(row)}, [START], [0.0])]))
    with pytest.raises(QueryTooExpensive):
        sink(SeriesSet.of([({"row": "2"}, [START], [0.0])]))
