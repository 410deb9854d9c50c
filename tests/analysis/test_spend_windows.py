"""Windows that end now: each against one of the same length, the running day against the same hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.cost.ledger import Account, Periods
from workbench.analysis.cost.windows import SpendWindows, spend_windows, window_pairs
from workbench.core.timerange import TimeRange

NOW = datetime(2026, 10, 21, 6, tzinfo=UTC)


def windows(days: int = 70, quiet: int = -1) -> SpendWindows:
    """Spend of quarters of days: the n-th day costs n a quarter; one day may be unobserved."""
    begin = NOW.replace(hour=0) - timedelta(days=days)
    starts = [begin + timedelta(hours=6 * n) for n in range(4 * days + 1)]
    slices = pd.DataFrame({"start": starts}).assign(end=lambda frame: frame["start"] + timedelta(hours=6))
    day = [n // 4 for n in range(len(starts))]
    ledger = slices.assign(role="cost", amount=[Decimal(number) for number in day])
    seen = slices.assign(role="cost", covered=[0.0 if number == quiet else 1.0 for number in day])
    periods = Periods(TimeRange(begin, NOW), TimeRange(begin - timedelta(days=1), begin))
    return spend_windows(ledger, seen, [Account("cost", "Spend", "USD")], periods, zone="UTC")


def test_each_window_is_compared_with_one_of_the_same_length() -> None:
    rows = [(row.window, row.against, row.amount, row.before) for row in windows().frame.itertuples()]
    assert rows == [
        ("today", "yesterday to 06:00", Decimal(70), Decimal(69)),
        ("today", "a week ago to 06:00", Decimal(70), Decimal(63)),
        ("24 h", "the 24 h before", Decimal(69 * 3 + 70), Decimal(68 * 3 + 69)),
        ("7 d", "the 7 d before", sum(Decimal(n * 3 + n + 1) for n in range(63, 70)),
         sum(Decimal(n * 3 + n + 1) for n in range(56, 63))),
        ("30 d", "the 30 d before", sum(Decimal(n * 3 + n + 1) for n in range(40, 70)),
         sum(Decimal(n * 3 + n + 1) for n in range(10, 40))),
    ]  # fmt: skip
    lengths = windows().frame
    assert ((lengths["end"] - lengths["start"]) == (lengths["before_end"] - lengths["before_start"])).all()


def test_no_change_is_stated_where_a_tenth_or_more_was_not_observed() -> None:
    frame = windows(quiet=69).frame.set_index("against")
    assert frame.loc["yesterday to 06:00", "before"] is None
    assert np.isnan(frame.loc["the 24 h before", "change_ratio"])
    assert np.isnan(frame.loc["the 7 d before", "change_ratio"])
    assert frame.loc["a week ago to 06:00", "change_ratio"] == pytest.approx(70 / 63 - 1)
    assert windows(days=20).frame.set_index("window").loc["30 d", "coverage"] == pytest.approx(20.25 / 30)


def test_at_midnight_no_day_runs() -> None:
    pairs = window_pairs(datetime(2026, 10, 21, 22, tzinfo=UTC), "Europe/Berlin")
    assert [name for name, *_ in pairs] == ["24 h", "7 d", "30 d"]


def test_the_day_of_a_change_of_the_clocks_is_compared_on_the_wall_clock() -> None:
    now = datetime(2026, 10, 25, 11, tzinfo=UTC)
    today, week = window_pairs(now, "Europe/Berlin")[:2]
    assert today[2].seconds == 13 * 3600
    assert today[3].seconds == 12 * 3600
    assert week[3] == TimeRange(datetime(2026, 10, 17, 22, tzinfo=UTC), datetime(2026, 10, 18, 10, tzinfo=UTC))
