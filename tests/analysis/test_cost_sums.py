"""Sums of a ledger by counter, label and period: exact, whatever the order of its rows, and the same when shared."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.cost.days import day_of, local_days, times_of_days
from workbench.analysis.cost.jumps import spend_jumps
from workbench.analysis.cost.ledger import Account, Periods, inside, known_amount, observed
from workbench.analysis.cost.spend import daily_spend, spend_groups, spend_totals
from workbench.analysis.cost.sums import Sums
from workbench.analysis.counting.amounts import AMOUNT, added, float_sums, floats_of, summed
from workbench.core.money import quantised
from workbench.core.timerange import TimeRange, to_ms

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
ACCOUNTS = [
    Account("cost", "Models", "USD", ("model",)),
    Account("cost.storage", "Storage", "USD"),
    Account("cost.key", "By key", "USD", ("key",), view_of="cost"),
]
PERIODS = Periods(
    TimeRange(BEGIN + timedelta(days=3), BEGIN + timedelta(days=6)), TimeRange(BEGIN, BEGIN + timedelta(days=3))
)
SERIES = [("cost", "a", ""), ("cost", "b", ""), ("cost.storage", "", ""), ("cost.key", "", "k1"), ("cost.key", "", "")]

amounts = st.lists(st.decimals(0, 10**9, places=12), min_size=len(SERIES) * 12, max_size=len(SERIES) * 12)


def book(values: list[Decimal]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Half days of each series, and how much of each was observed."""
    slices = [(BEGIN + n * timedelta(hours=12), BEGIN + (n + 1) * timedelta(hours=12)) for n in range(12)]
    rows = [
        {"role": role, "model": model, "key": key, "start": start, "end": end}
        for role, model, key in SERIES
        for start, end in slices
    ]
    times = {"start": "datetime64[ms, UTC]", "end": "datetime64[ms, UTC]"}
    ledger = pd.DataFrame(rows).assign(amount=pd.Series(values, dtype=pd.ArrowDtype(AMOUNT))).astype(times)
    seen = [
        {"role": account.role, "start": start, "end": end, "covered": 0.75 if n == 5 else 1.0}
        for account in ACCOUNTS
        for n, (start, end) in enumerate(slices)
    ]
    return ledger, pd.DataFrame(seen).astype(times)


@settings(max_examples=30, deadline=None)
@given(amounts)
def test_sums_are_those_of_the_rows(values: list[Decimal]) -> None:
    ledger, seen = book(values)
    sums = Sums(ledger, seen, ACCOUNTS)
    for span in (PERIODS.now, PERIODS.before):
        for roles in (["cost"], ["cost", "cost.storage"], ["cost.key"], ["unknown"]):
            rows = ledger[ledger["role"].isin(roles)]
            assert sums.within(roles, span) == added(inside(rows, span)["amount"])
            assert sums.known(roles, span) == known_amount(rows, seen, span)
        by = summed(inside(ledger[ledger["role"] == "cost"], span), ["model"])
        expected = {(name,): amount for name, amount in zip(by["model"], by["amount"], strict=True)}
        assert sums.by(["model"], sums.rows(["cost"], span)) == expected
        assert sums.observed("cost", span) == observed(seen, "cost", span)


@settings(max_examples=20, deadline=None)
@given(amounts, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(values: list[Decimal], random: Any) -> None:
    ledger, seen = book(values)
    order = random.sample(range(len(ledger)), len(ledger))
    mixed = ledger.iloc[order].reset_index(drop=True)
    groups = [spend_groups(rows, seen, ACCOUNTS, PERIODS) for rows in (ledger, mixed)]
    pd.testing.assert_frame_equal(groups[0].frame, groups[1].frame)
    days = [
        daily_spend(rows, seen, ACCOUNTS, part, zone="Europe/Berlin").frame
        for rows, part in zip((ledger, mixed), groups, strict=True)
    ]
    pd.testing.assert_frame_equal(*days)


def test_results_are_the_same_with_sums_made_before() -> None:
    ledger, seen = book([quantised(n / 7) for n in range(len(SERIES) * 12)])
    held = {"sums": Sums(ledger, seen, ACCOUNTS)}
    groups = spend_groups(ledger, seen, ACCOUNTS, PERIODS)
    for shared, alone in (
        (spend_groups(ledger, seen, ACCOUNTS, PERIODS, **held), groups),
        (spend_totals(ledger, seen, ACCOUNTS, PERIODS, **held), spend_totals(ledger, seen, ACCOUNTS, PERIODS)),
        (
            daily_spend(ledger, seen, ACCOUNTS, groups, zone="UTC", **held),
            daily_spend(ledger, seen, ACCOUNTS, groups, zone="UTC"),
        ),
        (
            spend_jumps(ledger, seen, ACCOUNTS, PERIODS, zone="UTC", **held),
            spend_jumps(ledger, seen, ACCOUNTS, PERIODS, zone="UTC"),
        ),
    ):
        pd.testing.assert_frame_equal(alone.frame, shared.frame)
        assert alone.notes == shared.notes


def test_days_of_a_zone_are_as_long_as_its_clocks_say() -> None:
    begin = datetime(2026, 10, 24, 22, tzinfo=UTC)  # midnight in Berlin, on the day that has 25 hours
    hours = np.array([to_ms(begin + timedelta(hours=n)) for n in range(-1, 26)])
    days = local_days(hours, "Europe/Berlin") - day_of(begin, "Europe/Berlin")
    assert days.tolist() == [-1, *[0] * 25, 1]
    midnights = times_of_days(day_of(begin, "Europe/Berlin") + np.arange(2), "Europe/Berlin")
    assert (midnights - to_ms(begin)).tolist() == [0, 25 * 3_600_000]


@pytest.mark.parametrize("text", ["0.1", "1234567890123456.789012345678", "-0.000000000001", "9007199254740993"])
def test_an_amount_as_a_float_is_the_nearest_one(text: str) -> None:
    assert floats_of(pa.array([Decimal(text)], AMOUNT)).tolist() == [float(Decimal(text))]


def test_sums_of_floats_carry_what_rounding_lost() -> None:
    values, places = np.array([1.0, *[1e-16] * 11]), np.zeros(12, np.int64)
    assert float_sums(values, places, places + 1, (1, 2)).tolist() == [[0.0, math.fsum(values)]]
