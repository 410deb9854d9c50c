"""Slices without data count as the objective says, and coverage tells the same whatever they count as."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.counting.absence import ABSENCES, filled
from workbench.analysis.counting.events import slice_events
from workbench.analysis.slo.compliance import compliance
from workbench.analysis.slo.objective import Goal
from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange

START = datetime(2026, 10, 1, tzinfo=UTC)
DAY = TimeRange(START, START + timedelta(days=1))


def day(seen: np.ndarray, share: float = 1.0) -> pd.DataFrame:
    total = np.where(seen > 0, 10.0, 0.0)
    return slice_events("x", DAY.edges_ms(300_000), good=total * share, total=total, covered=seen)


@pytest.mark.parametrize(("policy", "bad", "total"), [
    ("ignore", 0, 2760), ("bad", 120, 2880), ("good", 0, 2880), ("hold", 0, 2880),
])  # fmt: skip
def test_an_hour_without_data(policy: str, bad: float, total: float) -> None:
    seen = np.ones(288)
    seen[100:112] = 0
    events, absent = filled(day(seen), DAY, 300_000, policy, slices=False)
    row = compliance(events, [Goal("x", "X", Decimal("0.99"), DAY)], as_of=DAY.end).frame.iloc[0]
    assert (row["bad"], row["total"], absent) == (bad, total, 0 if policy == "ignore" else 12)
    assert row["coverage"] == pytest.approx(276 / 288)


def test_slices_that_may_be_late_are_left_alone_and_an_outage_of_all_series_is_not() -> None:
    late, gone = np.ones(288), np.ones(288)
    late[-3:], gone[-12:] = 0, 0
    counts = [filled(day(seen), DAY, 300_000, "bad", slices=True)[1] for seen in (late, gone)]
    assert counts == [0, 12]


def test_without_any_data_nothing_is_made_up() -> None:
    events, absent = filled(day(np.zeros(288)), DAY, 300_000, "bad", slices=True)
    assert absent == 0
    assert compliance(events, [Goal("x", "X", Decimal("0.99"), DAY)], as_of=DAY.end).frame["status"][0] == "no_data"


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ParameterError, match="no policy"):
        filled(day(np.ones(288)), DAY, 300_000, "maybe", slices=True)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=288, max_size=288), st.floats(0, 1))
def test_policies_are_ordered(seen: list[bool], share: float) -> None:
    events = day(np.array(seen, float), share)
    slis = {}
    for policy in ABSENCES:
        counts = filled(events, DAY, 300_000, policy, slices=False)[0]
        slis[policy] = counts["good"].sum() / max(counts["total"].sum(), 1)
    assert slis["bad"] <= slis["ignore"] + 1e-12 <= slis["good"] + 2e-12
    assert slis["hold"] == pytest.approx(slis["ignore"])
