"""Where the running month lands: spend in all and by key, with an interval, and budgets that it would overrun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.cost.days import day_of, local_days, times_of_days
from workbench.analysis.cost.forecast import Floats, PeriodEnd, period_ends
from workbench.analysis.cost.ledger import Account, Periods
from workbench.analysis.cost.sums import Sums
from workbench.analysis.counting.amounts import float_sums, floats_of
from workbench.core.money import quantised
from workbench.core.result import Result
from workbench.core.timerange import DAY_MS, TimeRange, named_zone, to_ms

#: Observed share of a stretch of 24 hours below which it is not used, and of the month so far without a forecast.
LEAST_COVERED = 0.9

#: Groups forecast one by one, the largest of the month so far. [count]
TOP = 10

#: An overrun is expected from this probability on. [ratio]
LIKELY = 0.5

_COLUMNS = ["unit", "dimension", "group", "so_far", "expected", "low", "high", "verdict", "left", "probability",
            "overrun"]  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class SpendForecast(Result):
    """Spend of the running month at its end; one row for all and one a key, team or user, by currency.

    Columns of ``frame``:

    ============= ====================================================================================
    unit          currency (str)
    dimension     ``all``, ``key``, ``team``, ``user`` or ``owner`` (str)
    group         which one (str)
    so_far        spend of the month up to now, exact (Decimal) [``unit``]
    expected      so_far and the forecast of the rest [``unit``]
    low, high     80 % interval of the month [``unit``]
    verdict       as of :class:`workbench.analysis.cost.forecast.PeriodEnd` (str)
    left          what the system says is left of the budget; NaN without one [``unit``]
    probability   that more than that is spent until the budget starts again, where the system says when, else in
                  the rest of the month; NaN without a budget [ratio]
    overrun       day in the zone on which the expected spend passes it; empty when it does not (str)
    ============= ====================================================================================

    ``path`` is the course of the month's spend in all: ``unit, day, expected, low, high``, one row a day ahead.
    """

    path: pd.DataFrame
    month: TimeRange | None
    as_of: datetime
    zone: str

    @property
    def overruns(self) -> pd.DataFrame:
        """Rows of budgets that still have money and are overrun with probability :data:`LIKELY`, likeliest first."""
        rows = self.frame[(self.frame["left"] > 0) & (self.frame["probability"] >= LIKELY)]
        return rows.sort_values("probability", ascending=False, kind="stable")


def spend_forecast(
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    periods: Periods,
    budgets: pd.DataFrame,
    *,
    zone: str,
    top: int = TOP,
    sums: Sums | None = None,
) -> SpendForecast:
    """Forecast the running calendar month.

    Parameters
    ----------
    ledger, seen, accounts, periods
        As for :func:`workbench.analysis.cost.spend.spend_totals`, the slices cut at the wall-clock time of now.
    budgets : DataFrame
        As of :class:`workbench.analysis.cost.budgets.BudgetUse`. [unit]
    zone : str
        IANA zone of the days.
    top : int
        Groups forecast one by one. [count]
    sums : Sums, optional
        Those of ledger, seen and accounts, where they were made before.

    Returns
    -------
    SpendForecast
        Without rows when no month runs, or when less than nine tenths of it so far were observed: a note says so.
    """
    sums = sums or Sums(ledger, seen, accounts)
    rows: list[dict[str, Any]] = []
    course: list[pd.DataFrame] = []
    notes: list[str] = []
    now, month, stated = periods.now.end, periods.month, _stated(budgets)
    for unit in dict.fromkeys(account.unit for account in accounts if account.measure == "cost" and account.added):
        if month is None or now <= month.start:
            break
        ahead = (month.end_ms - periods.now.end_ms) / DAY_MS
        for dimension, counted in _ways(accounts, unit):
            roles, span = [account.role for account in counted], TimeRange(month.start, now)
            if sums.known(roles, span) is None or covered_share(sums, sums.counted(roles), span) < LEAST_COVERED:
                if dimension == "all":
                    notes.append(f"The month end in {unit} is not forecast: too little of the month was observed.")
                continue
            days = stretches(sums, roles, dimension, now, zone)
            so_far = _so_far(sums, roles, dimension, span)
            largest = sorted(so_far, key=lambda name: -so_far[name])[:top]
            for group in largest:
                history = days.get(group, np.zeros(0))
                left, hours = stated.get((dimension, group, unit), (np.nan, np.nan))
                # What is left is for the budget's own window; one that says no end is taken as of the month.
                ends = period_ends(history, [ahead, hours / 24] if hours > 0 else [ahead])
                end, window = ends[0], ends[-1]
                rows.append(_row(unit, dimension, group, so_far[group], end, left, window, now, zone))
                if dimension == "all" and end.verdict != "refused":
                    course.append(_course(unit, so_far[group], end, now, zone))
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    columns = ["unit", "day", "expected", "low", "high"]
    path = pd.concat(course, ignore_index=True) if course else pd.DataFrame(columns=columns)
    if (frame["verdict"] == "short").any():
        notes.append("Less than two weeks of history: the last day is repeated to the end of the month.")
    return SpendForecast(frame, path=path, month=month, as_of=now, zone=zone, notes=tuple(notes))


def _ways(accounts: Sequence[Account], unit: str) -> list[tuple[str, list[Account]]]:
    """Return the whole, and each kind of owner by the counters that have it."""
    money = [account for account in accounts if (account.measure, account.unit) == ("cost", unit)]
    ways: list[tuple[str, list[Account]]] = [("all", [account for account in money if account.added])]
    for name in ("key", "team", "user", "owner"):
        having = [account for account in money if name in account.dimensions and account.added]
        having = having or [account for account in money if name in account.dimensions][:1]
        ways += [(name, having)] if having else []
    return ways


def _so_far(sums: Sums, roles: Sequence[str], dimension: str, span: TimeRange) -> dict[str, Decimal]:
    if dimension == "all":
        return {"": sums.within(roles, span)}
    return {name: amount for (name,), amount in sums.by([dimension], sums.rows(roles, span)).items() if name}


def stretches(sums: Sums, roles: Sequence[str], dimension: str, now: datetime, zone: str) -> dict[str, Floats]:
    """Return the spend of each stretch of 24 hours up to now by group, the oldest first; NaN where not observed.

    Parameters
    ----------
    sums : Sums
        Of a ledger that is cut at the wall-clock time of now.
    roles : sequence of str
        Counters that are added up.
    dimension : str
        Label of the groups; ``all`` for one group with an empty name.
    now : datetime
        End of the last stretch.
    zone : str
        IANA zone of the wall clock.
    """
    counted = sums.counted(roles)
    slices = np.isfinite(sums.least(counted)) & (sums.end <= to_ms(now))
    if not slices.any():
        return {}
    dates = np.arange(int(local_days(sums.start[slices][:1], zone)[0]), day_of(now, zone) + 1)
    place = np.searchsorted(times_of_days(dates, zone, now.astimezone(named_zone(zone)).time()), sums.end)
    places, lasted, seen = sums.watched(counted, slices, place)
    good = places[(seen >= LEAST_COVERED * lasted) & (lasted >= 82_000)]
    rows = sums.rows(counted) & slices[sums.slice]
    group, names = (np.zeros(len(rows), np.int64), [""]) if dimension == "all" else sums.labels(dimension)
    places, own = np.arange(places[0], places[-1] + 1), place[sums.slice[rows]]
    table = float_sums(floats_of(sums.amounts.filter(rows)), group[rows], own - places[0], (len(names), len(places)))
    table = np.where(np.isin(places, np.intersect1d(good, own)), table, np.nan)
    return {names[number]: table[number] for number in np.unique(group[rows]).tolist()}


def covered_share(sums: Sums, roles: Sequence[str], span: TimeRange) -> float:
    """Return the observed share of a range, of the counter that was seen least. [ratio]"""
    slices, places = sums.inside(span), np.zeros(len(sums.start), np.int64)
    seen = [float(sums.watched([role], slices, places)[2].sum()) for role in roles]
    return min(seen, default=0.0) / span.seconds if span.seconds else 0.0


def _stated(budgets: pd.DataFrame) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Return what is left of each budget [currency] and the time until it starts again [h] by whose it is."""
    rows = budgets[["dimension", "group", "unit", "left", "resets"]].itertuples(index=False)
    return {(row.dimension, row.group, row.unit): (float(row.left), float(row.resets)) for row in reversed(list(rows))}


def _row(
    unit: str,
    dimension: str,
    group: str,
    so_far: Decimal,
    end: PeriodEnd,
    left: float,
    window: PeriodEnd,
    now: datetime,
    zone: str,
) -> dict[str, Any]:
    known = float(so_far)
    day = window.overrun_day(left) if np.isfinite(left) and window.verdict != "refused" else None
    overrun = "" if day is None else f"{(pd.Timestamp(now).tz_convert(zone) + timedelta(days=day)):%Y-%m-%d}"
    chance = window.overrun_probability(left) if np.isfinite(left) else float("nan")
    sums = (known + end.rest, known + end.low, known + end.high)
    values = (unit, dimension, group, quantised(so_far), *sums, end.verdict, left, chance, overrun)
    return dict(zip(_COLUMNS, values, strict=True))


def _course(unit: str, so_far: Decimal, end: PeriodEnd, now: datetime, zone: str) -> pd.DataFrame:
    """Spend of the month at the end of each day ahead; the interval widens with what is still to be spent."""
    summed_up = np.cumsum(end.path)
    days = [f"{pd.Timestamp(now).tz_convert(zone) + timedelta(days=n + 1):%Y-%m-%d}" for n in range(len(summed_up))]
    wide = (end.high - end.rest) / end.rest if end.rest else 0.0
    expected = float(so_far) + summed_up
    low = float(so_far) + np.maximum(summed_up * (1 - wide), 0)
    return pd.DataFrame(
        {"unit": unit, "day": days, "expected": expected, "low": low, "high": expected + summed_up * wide}
    )
