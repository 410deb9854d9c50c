"""The deepest failing span: hand-made traces, and a slow walk as the judge of random ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.traces.origin import failure_origins, parent_rows


def frame(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["trace_id", "span_id", "parent_id"])


def origins(failed: list[bool], parents: list[int], ends: list[int] | None = None) -> list[int]:
    given_ends = ends or list(range(len(failed), 0, -1))
    return failure_origins(
        np.array(failed, np.bool_), np.array(parents, np.int64), np.array(given_ends, np.int64)
    ).tolist()


def test_parents_are_found_inside_their_own_trace_only() -> None:
    spans = frame(("t1", "b", "a"), ("t2", "a", ""), ("t1", "a", ""), ("t2", "b", "a"))
    assert parent_rows(spans).tolist() == [2, -1, -1, 1]


def test_a_missing_parent_and_a_span_that_names_itself_have_no_row() -> None:
    assert parent_rows(frame(("t", "a", "gone"), ("t", "b", "b"), ("t", "", ""))).tolist() == [-1, -1, -1]


def test_no_spans_have_no_parents() -> None:
    assert parent_rows(frame()).tolist() == []
    assert origins([], []) == []


def test_the_root_inherits_from_the_query_below_two_calls() -> None:
    assert origins([True, True, True, True, False], [-1, 0, 1, 2, 2]) == [3, 3, 3, 3, -1]


def test_a_handled_failure_is_nobody_elses_origin() -> None:
    assert origins([True, False, True], [-1, 0, 1]) == [0, -1, 2]


def test_of_two_failing_children_the_first_to_end_is_followed() -> None:
    assert origins([True, True, True], [-1, 0, 0], [100, 60, 50])[0] == 2
    assert origins([True, True, True], [-1, 0, 0], [100, 40, 50])[0] == 1


def test_spans_in_a_circle_are_their_own_origins() -> None:
    assert origins([True, True], [1, 0]) == [0, 1]


def test_a_chain_of_a_hundred_thousand_spans_ends_at_its_last() -> None:
    count = 100_000
    found = failure_origins(np.ones(count, np.bool_), np.arange(count) - 1, np.arange(count, 0, -1, dtype=np.int64))
    assert set(found.tolist()) == {count - 1}


@pytest.mark.slow
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50), st.integers(0, 3)), min_size=1, max_size=40))
def test_the_answer_is_that_of_a_walk_down_the_tree(rows: list[tuple[bool, int, int]]) -> None:
    failed = [row[0] for row in rows]
    parents = [min(row[1], number - 1) if number else -1 for number, row in enumerate(rows)]
    ends = [row[2] for row in rows]
    answer = origins(failed, parents, ends)
    for row, origin in enumerate(answer):
        at = row
        while True:
            below = [child for child, parent in enumerate(parents) if parent == at and failed[child]]
            if not below:
                break
            at = min(below, key=lambda child: (ends[child], child))
        assert origin == (at if failed[row] else -1)
