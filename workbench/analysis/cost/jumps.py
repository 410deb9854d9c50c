"""Days on which a group spent or used far more or less than it usually does, joined to jumps with their impact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.cost.ledger import Account, Periods, splits
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
    """Runs of days that stand out; one row per group and run, the largest impact first.

    Columns of ``frame``:

    ============= =====================================================================================
    measure, unit, dimension, group   as in :class:`workbench.analysis.cost.spend.SpendGroups`
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
        As for :func:`workbench.analysis.cost.spend.spend_totals`; all days before the period that the ledger holds
        count.
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
        table = _daily(part, seen, zone)
        inside = (table.columns >= periods.now.start) & (table.columns < periods.now.end)
        if table.empty or not inside.any():
            continue
        days, values = table.columns.tz_convert(named_zone(zone)), table.to_numpy(np.float64)
        usual, deviations = _against_usual(values, days.day_of_week.to_numpy(), np.asarray(inside, np.bool_))
        stands_out = np.abs(deviations) > DEVIATIONS
        for row in np.flatnonzero(stands_out.any(axis=1)).tolist():
            head = {"measure": measure, "unit": unit, "dimension": dimension, "group": str(table.index[row])}
            for run in _runs(stands_out[row], np.sign(deviations[row])):
                parts = (values[row, run], usual[row, run], deviations[row, run], days[run])
                rows.append(head | _jump(*parts, run[-1] == len(days) - 1))
    columns = ["measure", "unit", "dimension", "group", "direction", "first", "last", "days", "ongoing", "expected",
               "actual", "impact", "change_ratio", "severity", "deviations"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    order = frame.assign(size=frame["impact"].abs()).sort_values(
        ["measure", "size", "dimension"], ascending=[True, False, True], kind="stable", ignore_index=True
    )
    return SpendJumps(order[columns].astype({"ongoing": bool}), zone=zone)


def _daily(part: pd.DataFrame, seen: pd.DataFrame, zone: str) -> pd.DataFrame:
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
    rows = part.loc[part["start"].isin(good), ["group", "start", "amount"]]
    rows = rows.assign(amount=rows["amount"].astype(np.float64))
    table = rows.pivot_table(index="group", columns="start", values="amount", aggfunc="sum", fill_value=0.0)
    return table.sort_index(axis=1)


def _against_usual(values: Floats, weekdays: NDArray[np.int32], judged: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Usual amounts of each group (row) and day, and how many deviations it is away from them; 0 within the floors."""
    whole = np.broadcast_to(values.sum(axis=0), values.shape)
    usual, away = np.full(values.shape, np.nan), np.zeros(values.shape)
    calm = np.ones(values.shape, np.bool_)
    for day in (LEAST_DAYS + np.flatnonzero(judged[LEAST_DAYS:])).tolist():
        age = np.cumsum(calm[:, day - 1 :: -1], axis=1)[:, ::-1]
        known, recent = (calm[:, :day] & (age <= days) for days in (USUAL_DAYS, LEVEL_DAYS))
        past = slice(int(known.any(axis=0).argmax()), day)
        known, recent = known[:, past], recent[:, past]
        shares = _weekday_shares(values[:, past], known, weekdays[past])
        plain = values[:, past] / shares[:, weekdays[past]]
        level = _medians(plain, recent)
        usual[:, day] = level * shares[:, weekdays[day]]
        seen = _medians(np.abs(plain - _medians(plain, known)[:, None]), known)
        spread = np.maximum(1.4826 * seen * _inflation(known.sum(axis=1)), SMALLEST_DEVIATION * np.abs(level))
        off = values[:, day] - usual[:, day]
        floor = np.maximum(LEAST_CHANGE * usual[:, day], LEAST_SHARE * _medians(whole[:, past], known))
        far = (np.abs(off) >= floor) & (off != 0)
        away[far, day] = np.divide(off, spread, out=np.copysign(np.inf, off), where=spread > 0)[far]
        calm[:, day] = np.abs(away[:, day]) <= DEVIATIONS
    return usual, away


def _inflation(days: NDArray[np.int64]) -> Floats:
    """How much wider errors of the coming days are than those of the days that the medians were taken from.

    Seven shares and a level are taken from ``days`` values; a median of n values errs by pi / 2n of their variance.
    """
    fitted = days / np.maximum(days - 8, 1)
    ahead = 1 + np.pi / 2 * (7 / days + 1 / LEVEL_DAYS)
    return np.asarray(np.sqrt(fitted * ahead), np.float64)


def _weekday_shares(values: Floats, known: NDArray[np.bool_], weekdays: NDArray[np.int32]) -> Floats:
    """Median of each weekday over the median of all, by row; 1 for one known less than three times.

    Examples
    --------
    >>> weeks = np.array([[4.0, 4, 4, 4, 4, 1, 1] * 3])
    >>> _weekday_shares(weeks, weeks > 0, np.arange(21) % 7)[0, 4:6].tolist()
    [1.0, 0.25]
    """
    shares, level = np.ones((len(values), 7)), _medians(values, known)
    for weekday in range(7):
        own = known & (weekdays == weekday)
        middle = _medians(values, own)
        stated = (own.sum(axis=1) >= 3) & (level > 0) & (middle > 0)
        np.divide(middle, level, out=shares[:, weekday], where=stated)
    return shares


def _medians(values: Floats, known: NDArray[np.bool_]) -> Floats:
    """Median of what is known in each row; infinite where nothing is."""
    ordered = np.sort(np.where(known, values, np.inf), axis=1)
    count, row = known.sum(axis=1), np.arange(len(values))
    return np.asarray((ordered[row, (count - 1) // 2] + ordered[row, count // 2]) / 2, np.float64)


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
