"""Days on which a group spent or used far more or less than it usually does, joined to jumps with their impact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.cost import Account, Periods, splits
from workbench.core.result import Result
from workbench.core.timerange import named_zone

Floats = NDArray[np.float64]

#: Days that say what is usual: so many before, fewer say nothing, and so many of them set the level. [d]
USUAL_DAYS, LEAST_DAYS, LEVEL_DAYS = 28, 21, 14

#: A day stands out by this many deviations, by this share of what is usual, and by this share of the whole.
DEVIATIONS, LEAST_CHANGE, LEAST_SHARE = 5.0, 0.1, 0.01

#: Smallest deviation, as a share of the level: counters that repeat to the cent would let every cent stand out.
SMALLEST_DEVIATION = 0.02

#: Observed share of a day below which it is not judged.
LEAST_COVERED = 0.9

#: Change from which a jump is major, and critical.
MAJOR, CRITICAL = 0.2, 0.5


@dataclass(frozen=True, eq=False, repr=False)
class SpendJumps(Result):
    """Runs of days that stand out; one row a group and run, the largest impact first.

    Columns of ``frame``:

    ============= =====================================================================================
    measure, unit, dimension, group   as in :class:`workbench.analysis.cost.SpendGroups`
    direction     ``up`` or ``down`` (str)
    first, last   days in the zone, ISO 8601 (str)
    days          that stand out [count]
    ongoing       whether it reaches the last whole day of the period (bool)
    expected      usual amount of these days [``unit``]
    actual        their amount [``unit``]
    impact        actual - expected [``unit``]
    change_ratio  impact / expected; inf for a group that is new [ratio]
    severity      ``minor`` below 20 %, ``major`` below 50 %, else ``critical`` (str)
    deviations    of the day that stands out most [sd]
    ============= =====================================================================================
    """

    zone: str


def spend_jumps(
    ledger: pd.DataFrame, seen: pd.DataFrame, accounts: Sequence[Account], periods: Periods, *, zone: str
) -> SpendJumps:
    """Find the days of a period on which a group of money or tokens left its usual level.

    Parameters
    ----------
    ledger, seen, accounts, periods
        As for :func:`workbench.analysis.cost.spend_totals`; all days before the period that the ledger holds count.
    zone : str
        IANA zone of the days.

    Notes
    -----
    What is usual on a day is the median of the last fortnight that did not stand out, times the median share of its
    weekday. Its deviation is 1.4826 times the median absolute deviation of the last four weeks [1]_, widened by what
    the medians themselves err, at least 2 % of the level. A day stands out when it is more than five deviations away,
    by 10 % of what is usual or more, and by 1 % of the usual day of the whole system or more: cost monitors ask for a
    relative and an absolute floor both [2]_. The days that stand out do not change what is usual, so a step stays one
    jump until it is taken back. Days observed to less than nine tenths, days cut by the period and days with fewer than
    three weeks before them are not judged.

    References
    ----------
    .. [1] F. R. Hampel, The influence curve and its role in robust estimation, J. Am. Stat. Assoc. 69, 1974.
    .. [2] FinOps Foundation, Managing Cloud Cost Anomalies, 2023.
    """
    rows: list[dict[str, Any]] = []
    for measure, unit, dimension, part in splits(ledger, accounts):
        table = _daily(part, dimension, seen, zone)
        inside = (table.columns >= periods.now.start) & (table.columns < periods.now.end)
        if table.empty or not inside.any():
            continue
        days = table.columns.tz_convert(named_zone(zone))
        weekdays = days.day_of_week.to_numpy()
        whole = table.to_numpy(np.float64).sum(axis=0)
        for group, values in zip(table.index, table.to_numpy(np.float64), strict=True):
            usual, deviations = _against_usual(values, whole, weekdays, np.asarray(inside, np.bool_))
            stands_out = np.abs(deviations) > DEVIATIONS
            for run in _runs(stands_out, np.sign(deviations)):
                head = {"measure": measure, "unit": unit, "dimension": dimension, "group": str(group)}
                rows.append(head | _jump(values[run], usual[run], deviations[run], days[run], run[-1] == len(days) - 1))
    columns = ["measure", "unit", "dimension", "group", "direction", "first", "last", "days", "ongoing", "expected",
               "actual", "impact", "change_ratio", "severity", "deviations"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    order = frame.assign(size=frame["impact"].abs()).sort_values(
        ["measure", "size", "dimension"], ascending=[True, False, True], kind="stable", ignore_index=True
    )
    return SpendJumps(order[columns].astype({"ongoing": bool}), zone=zone)


def _daily(part: pd.DataFrame, dimension: str, seen: pd.DataFrame, zone: str) -> pd.DataFrame:
    """Amounts by group and by day (its start, UTC); only whole days that were observed."""
    tz = named_zone(zone)
    own = seen[seen["role"].isin(part["role"].unique())]
    covered = own.groupby(["start", "end"])["covered"].min()
    good = []
    for (start, end), share in covered.items():
        local = start.tz_convert(tz)
        whole = local == local.normalize() and end.tz_convert(tz) == (local.normalize() + timedelta(days=1)).normalize()
        if whole and share >= LEAST_COVERED:
            good.append(start)
    rows = part.loc[part["start"].isin(good), [dimension, "start", "amount"]]
    rows = rows.assign(amount=rows["amount"].astype(np.float64))
    table = rows.pivot_table(index=dimension, columns="start", values="amount", aggfunc="sum", fill_value=0.0)
    return table.sort_index(axis=1)


def _against_usual(
    values: Floats, whole: Floats, weekdays: NDArray[np.int32], judged: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Usual amount of each day, and how many deviations the day is away from it; 0 for one within the floors."""
    usual, away = np.full(len(values), np.nan), np.zeros(len(values))
    calm = np.ones(len(values), np.bool_)
    for day in np.flatnonzero(judged).tolist():
        base = np.flatnonzero(calm[:day])[-USUAL_DAYS:]
        if len(base) < LEAST_DAYS:
            continue
        shares = _weekday_shares(values[base], weekdays[base])
        plain = values[base] / shares[weekdays[base]]
        level = float(np.median(plain[-LEVEL_DAYS:]))
        usual[day] = level * shares[weekdays[day]]
        seen = float(np.median(np.abs(plain - np.median(plain))))
        spread = max(1.4826 * seen * _inflation(len(base)), SMALLEST_DEVIATION * abs(level))
        off = values[day] - usual[day]
        floor = max(LEAST_CHANGE * usual[day], LEAST_SHARE * float(np.median(whole[base])))
        if abs(off) >= floor and abs(off) > 0:
            away[day] = off / spread if spread > 0 else np.sign(off) * np.inf
            calm[day] = abs(away[day]) <= DEVIATIONS
    return usual, away


def _inflation(days: int) -> float:
    """How much wider errors of the coming days are than those of the days that the medians were taken from.

    Seven shares and a level are taken from ``days`` values; a median of n values errs by pi / 2n of their variance.
    """
    fitted = days / max(days - 8, 1)
    ahead = 1 + np.pi / 2 * (7 / days + 1 / LEVEL_DAYS)
    return float(np.sqrt(fitted * ahead))


def _weekday_shares(values: Floats, weekdays: NDArray[np.int32]) -> Floats:
    """Median of each weekday over the median of all; 1 for one seen less than three times.

    Examples
    --------
    >>> _weekday_shares(np.array([4.0, 4, 4, 4, 4, 1, 1] * 3), np.arange(21) % 7)[4:6].tolist()
    [1.0, 0.25]
    """
    shares, level = np.ones(7), float(np.median(values))
    for weekday in range(7):
        own = values[weekdays == weekday]
        if len(own) >= 3 and level > 0 and (middle := float(np.median(own))) > 0:
            shares[weekday] = middle / level
    return shares


def _runs(stands_out: NDArray[np.bool_], signs: Floats) -> list[NDArray[np.int64]]:
    """Places of each run of one direction; a single calm day does not part one."""
    runs: list[list[int]] = []
    for place in np.flatnonzero(stands_out).tolist():
        if runs and place - runs[-1][-1] <= 2 and signs[place] == signs[runs[-1][-1]]:
            runs[-1].append(place)
        else:
            runs.append([place])
    return [np.array(run, np.int64) for run in runs]


def _jump(values: Floats, usual: Floats, away: Floats, days: pd.DatetimeIndex, to_the_end: bool) -> dict[str, Any]:
    expected, actual = float(usual.sum()), float(values.sum())
    ratio = (actual - expected) / expected if expected > 0 else np.inf
    size = abs(ratio)
    return {
        "direction": "up" if actual > expected else "down",
        "first": f"{days[0]:%Y-%m-%d}",
        "last": f"{days[-1]:%Y-%m-%d}",
        "days": len(values),
        "ongoing": to_the_end,
        "expected": expected,
        "actual": actual,
        "impact": actual - expected,
        "change_ratio": ratio,
        "severity": "minor" if size < MAJOR else "major" if size < CRITICAL else "critical",
        "deviations": float(away[np.argmax(np.abs(away))]),
    }
