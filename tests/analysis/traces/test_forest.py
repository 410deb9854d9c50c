"""Trees of spans: hostile shapes, no recursion, identities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.traces.golden import tree
from workbench.analysis.traces.forest import call_paths, forest, path_text
from workbench.analysis.traces.health import trace_health
from workbench.analysis.traces.path import critical_path, path_sections, path_without
from workbench.analysis.traces.population import population
from workbench.analysis.traces.self_time import self_times
from workbench.analysis.traces.single import trace_sections, trace_spans
from workbench.analysis.traces.skew import repaired


def chain(count: int) -> pd.DataFrame:
    """One trace in which every span has one child, an ns later and two shorter."""
    number = np.arange(count)
    ids = [f"{each:x}" for each in range(count)]
    texts = {"trace_id": ["t"] * count, "span_id": ids, "parent_id": ["", *ids[:-1]], "service": ["web"] * count,
             "operation": ["op"] * count, "kind": ["internal"] * count, "status": ["error"] * count}  # fmt: skip
    return pd.DataFrame(texts, dtype="str").assign(
        start_ns=number, duration_ns=3 * count - 2 * number, weight=1.0, attributes=[{}] * count
    )


@pytest.mark.slow
def test_a_chain_of_100_000_spans_is_analysed() -> None:
    of = population(chain(100_000).sample(frac=1, random_state=1))
    assert of.forest.depth.max() == 99_999
    assert of.path.on.all()
    assert of.path.exclusive.sum() == 300_000
    spans = trace_spans(of).frame
    assert spans["depth"].tolist() == list(range(100_000))
    assert spans["origin"].sum() == 1, "the failure began in the last of the chain"
    assert len(trace_sections(of).frame) == 2 * 100_000 - 1
    paths, above, operations = call_paths(of.forest)
    assert "(99,988 more)" in path_text(int(paths.max()), above, operations)


def test_a_circle_of_parents_is_cut_above_its_earliest_span_and_counted() -> None:
    of = population(tree(("a", "c", 5, 90), ("b", "a", 10, 80), ("c", "b", 20, 70), ("d", "c", 30, 60)))
    assert of.forest.circular.tolist() == [True, False, False, False]
    assert of.forest.depth.tolist() == [0, 1, 2, 3]
    assert of.path.exclusive.sum() == 85
    found = trace_health(of).frame.set_index("fault")["found"]
    assert found["circles"] == 1
    assert found["rootless"] == 0


def test_a_span_that_is_its_own_parent_is_a_root() -> None:
    assert forest(tree(("a", "a", 0, 10))).depth.tolist() == [0]


def test_orphans_duplicates_and_clocks_are_counted_and_their_time_is_on_no_path() -> None:
    rows = tree(("a", "", 0, 100), ("b", "gone", 10, 60), ("c", "a", 50, 130))
    of = population(pd.concat([rows, rows.iloc[[0]]], ignore_index=True))
    found = trace_health(of).frame.set_index("fault")["found"]
    assert (found["orphans"], found["duplicates"], found["partial"], found["outside"]) == (1, 1, 1, 1)
    assert of.path.on.tolist() == [True, False, True]
    assert of.path.exclusive.tolist() == [50, 0, 50]


def test_spans_of_one_service_that_name_no_host_are_never_moved() -> None:
    one = forest(tree(("a", "", 10, 110), ("b", "a", 0, 50)))
    assert repaired(one).shift.tolist() == [0, 0]
    two = forest(tree(("a", "", 10, 110), ("b", "a", 0, 50), service={"b": "db"}))
    assert repaired(two).shift.tolist() == [0, 35]
    assert two.start.tolist() == [10, 0], "the raw clock stays as it was"


def test_a_consumer_is_not_waited_for_and_its_clock_not_repaired() -> None:
    one = forest(tree(("a", "", 0, 10), ("b", "a", 5, 9), kind={"a": "producer", "b": "consumer"}))
    assert critical_path(one).on.tolist() == [True, False]


def test_equal_siblings_have_no_drag_and_a_chosen_one_has_its_lead() -> None:
    path = critical_path(forest(tree(("a", "", 0, 100), ("b", "a", 10, 90), ("c", "a", 10, 90))))
    assert path.drag.tolist() == [100, 0, 0]
    path = critical_path(forest(tree(("a", "", 0, 100), ("b", "a", 10, 90), ("c", "a", 10, 60))))
    assert path.drag.tolist() == [100, 30, 0]


@st.composite
def trees(draw: st.DrawFn) -> pd.DataFrame:
    count = draw(st.integers(1, 12))
    nodes = []
    for number in range(count):
        parent = "" if number == 0 else str(draw(st.integers(-1, number - 1))).replace("-1", "gone")
        start = draw(st.integers(0, 60))
        nodes.append((str(number), parent, start, start + draw(st.integers(0, 60))))
    return tree(*nodes)


@pytest.mark.slow
@given(trees())
@settings(max_examples=200, deadline=None)
def test_paths_tile_their_root_and_self_times_stay_inside(spans: pd.DataFrame) -> None:
    one = forest(spans)
    path = critical_path(one)
    roots = one.entries()
    assert path.exclusive.sum() == one.duration[roots].sum()
    assert (path.exclusive >= 0).all()
    assert (path.drag >= 0).all()
    sections = path_sections(one, path)
    assert (sections["end_ns"] - sections["start_ns"]).sum() == one.duration[roots].sum()
    per_row = (sections["end_ns"] - sections["start_ns"]).groupby(sections["row"]).sum()
    assert per_row.to_dict() == {row: time for row, time in enumerate(path.exclusive.tolist()) if time}
    own = self_times(one)
    assert (own >= 0).all()
    assert (own <= one.duration).all()
    nothing = np.zeros(len(own), np.bool_)
    assert path_without(one, nothing).sum() == path.exclusive.sum()
    assert path_without(one, ~nothing).sum() == 0
