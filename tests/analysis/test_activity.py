"""Counts add up over days and groups; what was not observed is no zero; a level is a mean."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis.operations.activity import Activity, activity_days, activity_totals
from workbench.core.timerange import TimeRange

DAYS = pd.date_range("2026-10-01", periods=4, freq="D", tz="UTC")
BEFORE, NOW = TimeRange(DAYS[0], DAYS[2]), TimeRange(DAYS[2], DAYS[3] + pd.Timedelta("1D"))
ASKED = [Activity("sessions", "Sessions", "sessions", dimensions=("plan",)), Activity("users", "Users", "users", True)]


def counts(covered: float = 1.0) -> pd.DataFrame:
    rows = [("sessions", plan, day, amount) for plan, amount in (("free", 30.0), ("pro", 10.0)) for day in DAYS]
    return pd.DataFrame(rows, columns=["role", "plan", "start", "amount"]).assign(covered=covered)


LEVELS = {"users": pd.DataFrame({"start": DAYS, "mean": [10.0, 20.0, 30.0, 50.0], "peak": [15.0, 25.0, 60.0, 55.0]})}


def test_groups_add_up_to_the_whole_and_stand_against_the_period_before():
    frame = activity_totals(counts(), LEVELS, ASKED, period=NOW, before=BEFORE).frame
    whole = frame[(frame["role"] == "sessions") & (frame["dimension"] == "")].iloc[0]
    groups = frame[frame["dimension"] == "plan"]
    assert whole["amount"] == 80
    assert groups["amount"].sum() == 80
    assert groups["group"].tolist() == ["free", "pro"]
    assert groups["share"].tolist() == [0.75, 0.25]
    assert whole["change_ratio"] == 0


def test_a_level_is_its_mean_and_its_peak():
    frame = activity_totals(counts(), LEVELS, ASKED, period=NOW, before=BEFORE).frame
    (users,) = frame[frame["role"] == "users"].to_dict(orient="records")
    assert (users["amount"], users["peak"], users["before"]) == (40, 60, 15)


def test_what_was_not_observed_has_no_amount():
    totals = activity_totals(counts(0.0), {}, ASKED, period=NOW, before=BEFORE).frame
    assert totals.loc[totals["dimension"] == "", "amount"].isna().all()
    days = activity_days(counts(0.0), {}, ASKED, period=NOW).frame
    assert np.isnan(days["amount"]).all()


def test_a_period_that_was_hardly_observed_is_not_compared_with_a_whole_one():
    seen = counts().assign(covered=lambda rows: rows["start"].isin(DAYS[:3]).astype(float))
    frame = activity_totals(seen, LEVELS, ASKED, period=NOW, before=BEFORE).frame
    sessions = frame[frame["role"] == "sessions"]
    assert sessions.loc[sessions["dimension"] == "", "amount"].item() == 40
    assert sessions["change_ratio"].isna().all()
