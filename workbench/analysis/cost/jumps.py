"""Episodes in which a group spent or used far more or less than usual, each with its smallest cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.cost.days import date_of, day_of, local_days, times_of_days
from workbench.analysis.cost.ledger import Account, Periods
from workbench.analysis.cost.sums import Bools, Floats, Ints, Split, Sums
from workbench.analysis.cost.usual import HISTORY_DAYS, LEAST_DAYS, SETTLED_DAYS, Judged, judged_days
from workbench.analysis.counting.amounts import float_sums
from workbench.core.result import Result
from workbench.core.timerange import named_zone, to_ms
from workbench.core.units import part_text

__all__ = ["HISTORY_DAYS", "SpendJumps", "spend_jumps"]

#: Smallest impact of a day, as a share of the usual day of the whole system. [ratio]
LEAST_SHARE = 0.01

#: Observed share of a day below which it is not judged.
LEAST_COVERED = 0.9

#: Change from which a jump is major, and critical.
MAJOR, CRITICAL = 0.2, 0.5

#: Groups of different labels are the same jump when they overlap and their impacts agree to within this share.
SAME_IMPACT = 0.25

#: Hours of the running day below which it is not judged. [h]
LEAST_HOURS = 1.0

_COLUMNS = ["measure", "unit", "dimension", "group", "direction", "first", "last", "days", "ongoing", "settled",
            "expected", "actual", "impact", "change_ratio", "severity", "deviations", "hours", "also"]  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class SpendJumps(Result):
    """Episodes that stand out; one row an episode and its smallest cause, the largest impact first.

    Columns of ``frame``:

    ============= =====================================================================================
    measure, unit, dimension, group   as in :class:`workbench.analysis.cost.spend.SpendGroups`
    direction     ``up`` or ``down`` (str)
    first, last   days in the zone, ISO 8601 (str)
    days          that stand out [count]
    ongoing       whether it reaches the last judged day of the period (bool)
    settled       whether it lasted a fortnight, and is the usual level since (bool)
    expected      usual amount of these days [``unit``]
    actual        their amount [``unit``]
    impact        actual - expected [``unit``]
    change_ratio  impact / expected; inf for a group that is new [ratio]
    severity      ``minor`` below 20 %, ``major`` below 50 %, else ``critical`` (str)
    deviations    largest error over the error from which a day stands out [ratio]
    hours         of the running day that were judged; NaN for whole days [h]
    also          other labels under which the same jump shows, e.g. ``provider p1, model large`` (str)
    ============= =====================================================================================
    """

    zone: str
    judged: int = 0
    days: int = 0


def spend_jumps(
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    periods: Periods,
    *,
    zone: str,
    sums: Sums | None = None,
) -> SpendJumps:
    """Find the days of a period on which a group of money or tokens left its usual level.

    Parameters
    ----------
    ledger, seen, accounts, periods
        As for :func:`workbench.analysis.cost.spend.spend_totals`; all days before the period that the ledger holds
        count. [unit of the account]
    zone : str
        IANA zone of the days.
    sums : Sums, optional
        Those of ledger, seen and accounts, where they were made before.

    Returns
    -------
    SpendJumps
        ``judged`` of ``days`` in the period could be judged, for the measure with the fewest; a note says why others
        were not. [d]

    Notes
    -----
    The rule is that of :func:`workbench.analysis.cost.usual.judged_days`; beside it, a jump must be 1 % of the usual
    day of the whole system: cost monitors ask for a relative and an absolute floor both [1]_. The running day is
    compared up to now with the same part of the days before. Days observed to less than nine tenths and days with fewer
    than three weeks before them are not judged. An episode of one cause shows under every label that the cause touches:
    of those with the same impact the smallest one (the key, not its provider) is the row, the others are ``also``.

    References
    ----------
    .. [1] FinOps Foundation, Managing Cloud Cost Anomalies, 2023.
    """
    sums = sums or Sums(ledger, seen, accounts)
    first_day, running = day_of(periods.now.start, zone), _running_day(periods.now.end, zone)
    last_day = day_of(periods.now.end - timedelta(milliseconds=1), zone)
    length = last_day - first_day + 1 if periods.now.end > periods.now.start else 0
    days = _Days(sums, zone)
    tables = []
    for split in sums.splits:
        tables.append(days.table(split, None, first_day))
        if running is not None:
            tables.append(days.table(split, running, day_of(periods.now.end, zone), _hours(periods.now.end, zone)))
    rows: list[dict[str, Any]] = []
    judged: dict[tuple[str, str, str], int] = {}
    for table, verdicts in zip(tables, _verdicts(tables), strict=True):
        known, jumps = _judged(table, verdicts)
        rows += jumps
        head = (table.split.measure, table.split.unit, table.split.dimension)
        judged[head] = judged.get(head, 0) + known
    least = min((min(known, length) for known in judged.values()), default=0)
    frame = pd.DataFrame(_smallest_causes(rows), columns=_COLUMNS)
    order = frame.assign(size=frame["impact"].abs()).sort_values(
        ["measure", "size", "dimension"], ascending=[True, False, True], kind="stable", ignore_index=True
    )
    notes: tuple[str, ...] = ()
    if judged and least < length:
        notes = (
            f"Jumps: {least} of {length} days were judged; a day needs {LEAST_DAYS} observed days before it, and nine "
            "tenths of itself.",
        )
    return SpendJumps(
        order[_COLUMNS].astype({"ongoing": bool, "settled": bool}), zone=zone, judged=least, days=length, notes=notes
    )


def _running_day(now: datetime, zone: str) -> time | None:
    """Wall-clock time up to which the running day is known; None at midnight and in its first hour."""
    return now.astimezone(named_zone(zone)).time() if _hours(now, zone) >= LEAST_HOURS else None


def _hours(now: datetime, zone: str) -> float:
    """Hours of the running day that have passed. [h]"""
    midnight = times_of_days(np.array([day_of(now, zone)]), zone)[0]
    return float((to_ms(now) - midnight) / 1000 / 3600)


@dataclass(frozen=True, eq=False)
class _Table:
    """Amounts of a split by group and day, judged from a day on; ``hours`` of the running day where it is one."""

    split: Split
    groups: list[str]
    days: Ints
    amounts: Floats
    first_day: int
    hours: float

    @property
    def is_judged(self) -> bool:
        return bool(self.amounts.size and self.days[-1] >= self.first_day)


class _Days:
    """The slices of each local day, for the counters of a split; splits of the same counters share them."""

    def __init__(self, sums: Sums, zone: str) -> None:
        self._sums, self._zone = sums, zone
        self._days = local_days(sums.start, zone)
        self._slices = cache(self._of)

    def table(self, split: Split, until: time | None, first_day: int, hours: float = np.nan) -> _Table:
        """Amounts by group and local day, up to a time of the day if given; NaN where not observed in full."""
        slices, good = self._slices(frozenset(split.roles), until)
        kept = slices[split.slice]
        if not kept.any():
            return _Table(split, [], np.zeros(0, np.int64), np.zeros((0, 0)), first_day, hours)
        day, group = self._days[split.slice[kept]], split.group[kept]
        days = np.arange(day.min(), day.max() + 1)
        groups = sorted(np.unique(group).tolist(), key=lambda number: split.groups[number])
        rank = np.zeros(len(split.groups), np.int64)
        rank[groups] = np.arange(len(groups))
        amounts = float_sums(split.floats[kept], rank[group], day - days[0], (len(groups), len(days)))
        amounts = np.where(np.isin(days, np.intersect1d(good, day)), amounts, np.nan)
        return _Table(split, [split.groups[number] for number in groups], days, amounts, first_day, hours)

    def _of(self, roles: frozenset[str], until: time | None) -> tuple[Bools, Ints]:
        """Which slices lie in the part of the days, and which days were observed in full."""
        kept, clock = np.isfinite(self._sums.least(roles)), partial(times_of_days, zone=self._zone)
        if until is not None:
            kept &= self._sums.end <= clock(self._days, at=until)
        days, lasted, seen = self._sums.watched(roles, kept, self._days)
        wanted = ((clock(days + 1) if until is None else clock(days, at=until)) - clock(days)) / 1000
        return kept, days[(lasted >= wanted - 300) & (seen >= LEAST_COVERED * lasted)]


def _verdicts(tables: Sequence[_Table]) -> list[Judged | None]:
    """Judge tables, those of the same days at once; None for one that has no day to be judged."""
    same: dict[tuple[int, int], list[int]] = {}
    for number, table in enumerate(tables):
        if table.is_judged:
            same.setdefault((int(table.days[0]), len(table.days)), []).append(number)
    verdicts: list[Judged | None] = [None] * len(tables)
    for numbers in same.values():
        weekdays = (tables[numbers[0]].days + date_of(0).weekday()) % 7
        judged = judged_days([tables[number].amounts for number in numbers], weekdays)
        for number, verdict in zip(numbers, judged, strict=True):
            verdicts[number] = verdict
    return verdicts


def _judged(table: _Table, verdicts: Judged | None) -> tuple[int, list[dict[str, Any]]]:
    """Return the number of judged days from a day on, and a row an episode in them."""
    if verdicts is None:
        return 0, []
    values, days, hours = table.amounts, table.days, table.hours
    inside = days >= table.first_day
    head = {name: getattr(table.split, name) for name in ("measure", "unit", "dimension")}
    judged = np.isfinite(verdicts.usual).any(axis=0) & inside
    usual_day = float(np.nanmedian(np.nansum(values, axis=0)))
    rows = []
    for row in range(len(values)):
        for number in np.unique(verdicts.episode[row, inside]).tolist():
            places = np.flatnonzero(verdicts.episode[row] == number)
            if not number or (not np.isnan(hours) and places[-1] != len(inside) - 1):
                continue
            if not np.isnan(hours):
                places = places[-1:]
            jump = _jump(values[row], verdicts, row, places, days, judged)
            if abs(jump["impact"]) >= LEAST_SHARE * usual_day * len(places):
                rows.append({**head, "group": table.groups[row], **jump, "hours": hours, "also": ""})
    return int(judged.sum()), rows


def _jump(
    values: Floats,
    verdicts: Judged,
    row: int,
    places: NDArray[np.int64],
    days: Ints,
    judged: NDArray[np.bool_],
) -> dict[str, Any]:
    expected, actual = float(verdicts.usual[row, places].sum()), float(values[places].sum())
    ratio = (actual - expected) / expected if expected > 0 else np.inf
    size = abs(ratio)
    last_judged = int(np.flatnonzero(judged)[-1]) if judged.any() else -1
    settled = places[-1] - places[0] + 1 >= SETTLED_DAYS
    return {
        "direction": "up" if actual > expected else "down",
        "first": date_of(int(days[places[0]])).isoformat(),
        "last": date_of(int(days[places[-1]])).isoformat(),
        "days": len(places),
        "ongoing": bool(places[-1] >= last_judged),
        "settled": bool(settled),
        "expected": expected,
        "actual": actual,
        "impact": actual - expected,
        "change_ratio": ratio,
        "severity": "minor" if size < MAJOR else "major" if size < CRITICAL else "critical",
        "deviations": float(np.abs(verdicts.deviations[row, places]).max()),
    }


def _smallest_causes(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep of the rows that show one jump under several labels the one whose group is smallest."""
    open_ = sorted(rows, key=lambda row: -abs(row["impact"]))
    kept = []
    while open_:
        largest = open_[0]
        same = [row for row in open_ if _same(row, largest)]
        cause = min(same, key=lambda row: (row["expected"], row["dimension"] == "kind", -row["days"]))
        others = [row for row in same if row is not cause and row["dimension"] != cause["dimension"]]
        also = ", ".join(part_text(str(row["dimension"]), str(row["group"])) for row in others)
        kept.append({**cause, "also": also})
        gone = {id(cause), *(id(row) for row in others)}
        open_ = [row for row in open_ if id(row) not in gone]
    return kept


def _same(row: dict[str, Any], largest: dict[str, Any]) -> bool:
    keys = ("measure", "unit", "direction")
    return (
        all(row[key] == largest[key] for key in keys)
        and np.isnan(row["hours"]) == np.isnan(largest["hours"])
        and row["first"] <= largest["last"]
        and largest["first"] <= row["last"]
        and abs(row["impact"] - largest["impact"]) <= SAME_IMPACT * abs(largest["impact"])
    )
