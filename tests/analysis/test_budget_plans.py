"""Budgets from tables: their windows, what is spent of them, where they land, and what cannot be known of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.cost.finance.budget_plans import BudgetPlan, BudgetPlans, budget_plans, read_plans
from workbench.analysis.cost.ledger import Account, Periods
from workbench.core.timerange import TimeRange, calendar_range

NOW = datetime(2026, 10, 21, 12, tzinfo=UTC)
ACCOUNTS = [Account("cost", "Spend", "USD", ("key", "owner"))]

#: What each key costs in half a day, and whose it is.
KEYS = {"k1": ("ada", "5"), "k2": ("bob", "1.25"), "k3": ("", "0.50")}


def plans_of(*plans: BudgetPlan, now: datetime = NOW, covered: float = 1.0) -> BudgetPlans:
    """Half days from August on; each costs what its key says."""
    starts = [datetime(2026, 8, 1, tzinfo=UTC) + timedelta(hours=12 * n) for n in range(400)]
    starts = [start for start in starts if start + timedelta(hours=12) <= now]
    slices = pd.DataFrame({"start": starts}).assign(end=lambda frame: frame["start"] + timedelta(hours=12))
    parts = [
        slices.assign(
            role="cost", key=key, owner=owner,
            amount=[Decimal(each)] * len(slices),
        )
        for key, (owner, each) in KEYS.items()
    ]  # fmt: skip
    seen = slices.assign(role="cost", covered=covered)
    month = calendar_range("this-month", zone="UTC", now=now - timedelta(milliseconds=1))
    periods = Periods(TimeRange(month.start, now), TimeRange(month.start - timedelta(days=1), month.start))
    return budget_plans(pd.concat(parts), seen, ACCOUNTS, periods, plans, zone="UTC")


def plan(group: str, limit: str, window: str = "month", **more: Any) -> BudgetPlan:
    return BudgetPlan("owner" if group else "", group, Decimal(limit), "USD", window, **more)


def only(result: BudgetPlans) -> Any:
    (row,) = result.frame.itertuples()
    return row


def test_a_budget_of_an_owner_is_what_its_keys_spent_and_lands_on_a_day() -> None:
    row = only(plans_of(plan("ada", "300")))
    assert (row.spent, row.left, row.status) == (Decimal(205), Decimal(95), "at_risk")
    assert row.expected == pytest.approx(310, rel=1e-6)
    assert row.probability >= 0.5
    assert row.overrun == "2026-10-30", "95 left at 10 a day is the tenth day from noon of the 21st"


def test_a_budget_that_is_large_enough_is_on_track_and_one_that_is_used_up_is_spent() -> None:
    result = plans_of(plan("ada", "1000"), plan("bob", "51"), plan("", "270"))
    assert dict(zip(result.frame["group"], result.frame["status"], strict=True)) == {
        "ada": "ok", "bob": "spent", "": "spent",
    }  # fmt: skip
    assert result.frame.set_index("group")["spent"].to_dict() == {
        "ada": Decimal(205), "bob": Decimal("51.25"), "": Decimal("276.75"),
    }  # fmt: skip
    assert result.notes == ("20.50 USD of this month have no budget by owner: spend without owner.",)


@pytest.mark.parametrize(
    ("window", "since", "first", "last", "spent"),
    [
        ("24h", None, 21, 22, 5),
        ("7d", None, 19, 26, 25),
        ("7d", date(2026, 9, 2), 21, 28, 5),
        ("30d", date(2026, 9, 30), 30, 30, 215),
    ],
)
def test_windows_of_days_begin_at_their_first_day_or_on_a_monday(
    window: str, since: date | None, first: int, last: int, spent: int
) -> None:
    row = only(plans_of(plan("ada", "1000", window, since=since)))
    assert (row.start.day, row.end.day, row.spent) == (first, last, Decimal(spent))


def test_a_window_that_is_over_is_held_against_its_budget_and_not_forecast() -> None:
    row = only(plans_of(plan("ada", "300"), now=datetime(2026, 10, 1, tzinfo=UTC)))
    assert (row.spent, row.status, row.basis) == (Decimal(300), "spent", "over")
    assert np.isnan(row.probability)


def test_what_was_not_observed_is_no_data_unless_the_rest_spent_it_already() -> None:
    assert only(plans_of(plan("ada", "1000"), covered=0.5)).status == "no_data"
    assert only(plans_of(plan("ada", "200"), covered=0.5)).status == "spent"


@pytest.mark.slow
def test_a_budget_of_nothing_is_kept_by_who_spends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KEYS, "k4", ("idle", "0"))
    row = only(plans_of(plan("idle", "0")))
    assert (row.status, row.overrun) == ("ok", "")
    assert np.isnan(row.probability)
    assert only(plans_of(plan("bob", "0"))).status == "spent"


def test_an_owner_that_no_counter_knows_has_no_data_and_is_named() -> None:
    result = plans_of(plan("Ada", "1000"))
    assert only(result).status == "no_data"
    assert only(result).spent is None
    assert result.notes[0] == "No spend of owner Ada in USD is counted, so its budget has no data."


def test_a_budget_holds_between_its_dates_only() -> None:
    held = plans_of(plan("ada", "100", until=date(2026, 10, 1)), plan("ada", "400", since=date(2026, 10, 1)))
    assert held.frame["limit"].tolist() == [Decimal(400)]


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.sampled_from(["month", "24h", "7d", "30d"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
    st.one_of(st.none(), st.dates(date(2025, 1, 1), date(2026, 1, 1))),
)
def test_an_instant_lies_in_its_window_and_the_next_begins_where_it_ends(
    at: datetime, window: str, zone: str, since: date | None
) -> None:
    moment = at.replace(tzinfo=UTC)
    held = plan("ada", "1", window, since=since)
    span = held.at(moment, zone)
    if span is None:
        assert since is not None
        return
    assert span.start < moment <= span.end
    following = held.at(span.end + timedelta(hours=1), zone)
    assert following is not None
    assert following.start == span.end
    assert span.start.astimezone(ZoneInfo(zone)).time() == time()


def test_rows_that_cannot_be_used_are_named() -> None:
    table = pd.DataFrame({
        "owner": ["ada", "ada", "bob", "cy", "", "dee"],
        "key": ["", "k1", "", "", "", ""],
        "amount": [Decimal(value) for value in (1, 1, 1, -1, 1, 1)],
        "currency": ["usd", "USD", "", "USD", "EUR", "USD"],
        "window": ["1mo", "", "", "", "7 d", "fortnight"],
    })  # fmt: skip
    plans, notes = read_plans(table, ["owner", "key"])
    assert plans == [BudgetPlan("owner", "ada", Decimal(1), "USD"), BudgetPlan("", "", Decimal(1), "EUR", "7d")]
    assert [note.partition(" is left out: ")[2] for note in notes] == [
        "it names owner and key; a budget is for one of them.",
        "it has no currency.",
        "-1 is negative.",
        "'fortnight' is no window: write month, 24h, 7d, 30d.",
    ]
    assert read_plans(table.iloc[:1], ["key"])[1] == [
        "Row 1 is left out: spend is not counted by owner (ada).",
        "Spend is not counted by owner: add a table of labels that gives it to keys.",
    ]


def test_a_budget_of_a_part_is_never_taken_for_one_of_the_whole() -> None:
    whole = {"amount": Decimal(900), "currency": "USD"}
    table = pd.DataFrame([
        {**whole, "ownr": "ada", "cost_center": "", "note": ""},
        {**whole, "ownr": "", "cost_center": "4711", "note": ""},
        {**whole, "ownr": "", "cost_center": "", "note": "agreed with the board"},
    ])  # fmt: skip
    plans, notes = read_plans(table, ["owner", "key"])
    assert plans == [BudgetPlan("", "", Decimal(900), "USD")]
    assert [note.partition(" is left out: ")[2] for note in notes[:2]] == [
        "spend is not counted by ownr (ada); do you mean owner?",
        "spend is not counted by cost_center (4711).",
    ]


def test_a_budget_that_never_holds_is_named_and_those_of_other_systems_are_passed_over() -> None:
    row = {"amount": Decimal(1), "currency": "USD", "since": "2026-12-01", "until": "2026-11-01", "system": "lab"}
    assert read_plans(pd.DataFrame([row]), [], system="lab")[1] == [
        "Row 1 is left out: it ends on 2026-11-01, before it begins (2026-12-01)."
    ]
    assert read_plans(pd.DataFrame([row]), [], system="conduit") == ([], [])
