"""Composite objectives: numbers of their sources, and what must hold for any of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.analysis.counting.events import slice_events
from workbench.analysis.slo.compliance import compliance
from workbench.analysis.slo.composite import Budgeting, Weights, composite_events, member_counts
from workbench.analysis.slo.objective import Goal
from workbench.core.timerange import TimeRange

START = datetime(2026, 10, 1, tzinfo=UTC)
SLICE_MS = 300_000


def counted(good: list[float] | NDArray[np.float64], total: list[float] | NDArray[np.float64]) -> pd.DataFrame:
    edges = TimeRange(START, START + timedelta(milliseconds=SLICE_MS * len(good))).edges_ms(SLICE_MS)
    totals = np.asarray(total, np.float64)
    return slice_events(
        "member", edges, good=np.asarray(good, np.float64), total=totals, covered=np.ones(len(totals))
    )  # fmt: skip


def composed(members: list[tuple[str, pd.DataFrame]], budgeting: Budgeting, meaning: Weights = "sum") -> pd.DataFrame:
    span = TimeRange(START, START + timedelta(milliseconds=SLICE_MS * len(members[0][1])))
    weighed = [(Decimal(weight), events) for weight, events in members]
    return composite_events("all", weighed, span, slice_ms=SLICE_MS, budgeting=budgeting, meaning=meaning)


def sli(events: pd.DataFrame) -> float:
    return float(events["good"].sum() / events["total"].sum())


def test_openslo_two_members_at_95_percent_make_90() -> None:
    member = counted([0.95] * 10, [1.0] * 10)
    assert sli(composed([("1", member), ("1", member)], "ratio_timeslices")) == pytest.approx(0.90, abs=1e-12)


def test_nobl9_five_weighted_members_make_99_8985_percent_untruncated() -> None:
    shares = {"99.94": "35", "99.87": "25", "99.91": "20", "99.72": "10", "99.98": "10"}
    slices = [(weight, counted([float(Decimal(share) / 100)] * 4, [1.0] * 4)) for share, weight in shares.items()]
    events = [(weight, counted([float(share) * 100], [10_000.0])) for share, weight in shares.items()]
    assert sli(composed(slices, "ratio_timeslices", "share")) == pytest.approx(0.998985, abs=1e-12)
    assert sli(composed(events, "occurrences")) == pytest.approx(0.998985, abs=1e-12)


def test_the_gateway_of_the_handbook() -> None:
    """docs/slo.md: 2 failed and 30 late of 1,000 requests, 5 failed of 800 model requests, weights 3, 1 and 2."""
    members = [("3", counted([998], [1000])), ("1", counted([970], [1000])), ("2", counted([795], [800]))]
    assert sli(composed(members, "occurrences")) == pytest.approx(1 - 46 / 5600, abs=1e-15)


def test_a_time_slice_is_bad_when_any_member_is() -> None:
    one, two = counted([1, 0, 1, 0], [1, 1, 1, 0]), counted([1, 1, 0, 0], [1, 1, 1, 0])
    made = composed([("1", one), ("5", two)], "timeslices")
    assert made[["good", "total"]].to_numpy().tolist() == [[1, 1], [0, 1], [0, 1], [0, 0]]


def test_a_slice_is_never_worse_than_all_bad_and_a_silent_member_has_no_say() -> None:
    down, up, silent = counted([0.0], [9.0]), counted([5.0], [5.0]), counted([0.0], [0.0])
    assert sli(composed([("1", down), ("1", down)], "ratio_timeslices")) == 0.0
    assert sli(composed([("3", down), ("1", up)], "ratio_timeslices", "share")) == 0.25
    for meaning in ("sum", "share"):
        assert sli(composed([("1", up), ("9", silent)], "ratio_timeslices", meaning)) == 1.0


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, pd.DataFrame]]:
    length = draw(st.integers(1, 12))
    members = []
    for _ in range(draw(st.integers(2, 4))):
        total = np.array(draw(st.lists(st.integers(0, 50), min_size=length, max_size=length)), np.float64)
        bad = np.array(draw(st.lists(st.integers(0, 50), min_size=length, max_size=length)), np.float64)
        members.append((str(draw(st.integers(1, 9))), counted(total - np.minimum(bad, total), total)))
    return members


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    histories(), st.sampled_from([("occurrences", "sum"), ("ratio_timeslices", "sum"), ("ratio_timeslices", "share")])
)
def test_members_add_up_to_what_the_composite_spent(members: list, how: tuple[Budgeting, Weights]) -> None:
    made = composed(members, *how)
    span = TimeRange(START, START + timedelta(milliseconds=SLICE_MS * len(made)))
    named = {str(place): (Decimal(weight), events) for place, (weight, events) in enumerate(members)}
    shared = member_counts(named, span, slice_ms=SLICE_MS, budgeting=how[0], meaning=how[1])
    assert shared is not None
    bad = (made["total"] - made["good"]).to_numpy()
    np.testing.assert_allclose(shared.part.sum(axis=0), bad, atol=1e-9)
    assert (made["good"] >= 0).all()


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(histories(), st.data())
def test_more_bad_events_of_a_member_never_lower_the_burn(members: list, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(members) - 1))
    weight, events = members[place]
    worse = events.assign(good=np.maximum(0.0, events["good"] - 1))
    changed = [*members[:place], (weight, worse), *members[place + 1 :]]
    for budgeting in ("occurrences", "ratio_timeslices"):
        assert composed(changed, budgeting)["good"].sum() <= composed(members, budgeting)["good"].sum() + 1e-9


def test_the_budget_of_a_composite_is_spent_as_any_other() -> None:
    member = counted([0.95] * 12, [1.0] * 12)
    events = composed([("1", member), ("1", member)], "ratio_timeslices")
    span = TimeRange(START, START + timedelta(hours=1))
    goal = Goal("all", "All", Decimal("0.9"), span, budgeting="ratio_timeslices")
    row = compliance(events, [goal], as_of=span.end).frame.iloc[0]
    assert row.burn_rate == pytest.approx(1.0)
    assert row.unit == "slices"
