"""Episodes in which a group spent or used far more or less than usual, each with its smallest cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.cost.ledger import Account, Periods, Split, splits
from workbench.analysis.cost.usual import HISTORY_DAYS, LEAST_DAYS, SETTLED_DAYS, Judged, judged_days
from workbench.core.result import Result
from workbench.core.timerange import named_zone, to_ms

__all__ = ["HISTORY_DAYS", "SpendJumps", "spend_jumps"]

Floats = NDArray[np.float64]

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
    parts: Sequence[Split] | None = None,
) -> SpendJumps:
    """Find the days of a period on which a group of money or tokens left its usual level.

    Parameters
    ----------
    ledger, seen, accounts, periods
        As for :func:`workbench.analysis.cost.spend.spend_totals`; all days before the period that the ledger holds
        count. [unit of the account]
    zone : str
        IANA zone of the days.
    parts : sequence of Split, optional
        What :func:`workbench.analysis.cost.ledger.splits` made of ledger and accounts, where that was done before.

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
    first_day, running = _midnight(periods.now.start, zone), _running_day(periods, zone)
    last_day = _midnight(periods.now.end - timedelta(milliseconds=1), zone)
    length = (last_day.date() - first_day.date()).days + 1 if periods.now.end > periods.now.start else 0
    days = _Days(seen, zone)
    tables = []
    for measure, unit, dimension, part in splits(ledger, accounts) if parts is None else parts:
        head = {"measure": measure, "unit": unit, "dimension": dimension}
        tables.append(_Table(head, days.amounts(part, None), first_day, np.nan))
        if running is not None:
            hours = (periods.now.end - _midnight(periods.now.end, zone)).total_seconds() / 3600
            tables.append(_Table(head, days.amounts(part, running), _midnight(periods.now.end, zone), hours))
    rows: list[dict[str, Any]] = []
    judged: dict[tuple[str, str, str], int] = {}
    for table, verdicts in zip(tables, _verdicts(tables), strict=True):
        known, jumps = _judged(table, verdicts)
        rows += jumps
        split = (table.head["measure"], table.head["unit"], table.head["dimension"])
        judged[split] = judged.get(split, 0) + known
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


def _midnight(at: datetime, zone: str) -> pd.Timestamp:
    day = pd.Timestamp(at).tz_convert(zone).date()
    return pd.Timestamp(datetime.combine(day, time(), named_zone(zone)))


def _running_day(periods: Periods, zone: str) -> time | None:
    """Wall-clock time up to which the running day is known; None at midnight and in its first hour."""
    passed = pd.Timestamp(periods.now.end) - _midnight(periods.now.end, zone)
    return pd.Timestamp(periods.now.end).tz_convert(zone).time() if passed >= timedelta(hours=LEAST_HOURS) else None


@dataclass(frozen=True)
class _Table:
    """Amounts of a split by group and day, judged from a day on; ``hours`` of the running day where it is one."""

    head: dict[str, Any]
    amounts: pd.DataFrame
    first_day: pd.Timestamp
    hours: float

    @property
    def is_judged(self) -> bool:
        return not self.amounts.empty and bool((self.amounts.columns >= self.first_day).any())


class _Days:
    """The slices of each local day, for the roles of a split; splits of the same roles share them."""

    def __init__(self, seen: pd.DataFrame, zone: str) -> None:
        self._seen, self._zone = seen, zone
        self._held: dict[tuple[tuple[str, ...], time | None], tuple[pd.DataFrame, pd.Series]] = {}

    def amounts(self, part: pd.DataFrame, until: time | None) -> pd.DataFrame:
        """Amounts by group and local day, up to a time of the day if given; NaN where not observed in full."""
        key = tuple(sorted(part["role"].unique())), until
        if key not in self._held:
            self._held[key] = self._slices(key[0], until)
        slices, good = self._held[key]
        if slices.empty:
            return pd.DataFrame()
        rows = part.merge(slices, on=["start", "end"])
        rows = rows.assign(amount=rows["amount"].astype(np.float64))
        table = rows.pivot_table(index="group", columns="day", values="amount", aggfunc="sum", fill_value=0.0)
        table = table.sort_index(axis=1)
        table.loc[:, ~good.reindex(table.columns).fillna(False).to_numpy(np.bool_)] = np.nan
        return table.reindex(columns=pd.date_range(table.columns[0], table.columns[-1], freq="D"))

    def _slices(self, roles: tuple[str, ...], until: time | None) -> tuple[pd.DataFrame, pd.Series]:
        """Slices with their local day, and whether each day was observed in full."""
        tz = named_zone(self._zone)
        own = self._seen[self._seen["role"].isin(roles)]
        slices = own.groupby(["start", "end"])["covered"].min().reset_index()
        day = slices["start"].dt.tz_convert(self._zone).dt.normalize()
        if until is not None:
            cuts = [pd.Timestamp(datetime.combine(name.date(), until, tz)) for name in day]
            cut = pd.Series(cuts, index=day.index)
            kept = (slices["end"] <= cut.dt.tz_convert("UTC")).to_numpy(np.bool_) if len(cut) else np.zeros(0, np.bool_)
            slices, day = slices[kept], day[kept]
        if slices.empty:
            return slices, pd.Series(dtype=bool)
        length = (slices["end"] - slices["start"]).dt.total_seconds()
        sums = pd.DataFrame({"day": day, "length": length, "covered": length * slices["covered"]}).groupby("day").sum()
        wanted = [_length(day.date(), until, tz) for day in sums.index]
        good = (sums["length"] >= np.array(wanted) - 300) & (sums["covered"] >= LEAST_COVERED * sums["length"])
        return slices.assign(day=day)[["start", "end", "day"]], good


def _length(day: Any, until: time | None, tz: Any) -> float:
    """Length of a local day, or of its part up to a time, clock changes included. [s]"""
    begin = datetime.combine(day, time(), tz)
    end = datetime.combine(day, until, tz) if until else datetime.combine(day + timedelta(days=1), time(), tz)
    return (to_ms(end) - to_ms(begin)) / 1000


def _verdicts(tables: Sequence[_Table]) -> list[Judged | None]:
    """Judge tables, those of the same days at once; None for one that has no day to be judged."""
    same: dict[tuple[pd.Timestamp, int], list[int]] = {}
    for number, table in enumerate(tables):
        if table.is_judged:
            columns = table.amounts.columns
            same.setdefault((columns[0], len(columns)), []).append(number)
    verdicts: list[Judged | None] = [None] * len(tables)
    for numbers in same.values():
        weekdays = tables[numbers[0]].amounts.columns.day_of_week.to_numpy().astype(np.int64)
        values = [tables[number].amounts.to_numpy(np.float64) for number in numbers]
        for number, verdict in zip(numbers, judged_days(values, weekdays), strict=True):
            verdicts[number] = verdict
    return verdicts


def _judged(table: _Table, verdicts: Judged | None) -> tuple[int, list[dict[str, Any]]]:
    """Return the number of judged days from a day on, and a row an episode in them."""
    if verdicts is None:
        return 0, []
    values, days, hours = table.amounts.to_numpy(np.float64), table.amounts.columns, table.hours
    inside = np.asarray(days >= table.first_day, np.bool_)
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
                group = str(table.amounts.index[row])
                rows.append({**table.head, "group": group, **jump, "hours": hours, "also": ""})
    return int(judged.sum()), rows


def _jump(
    values: Floats,
    verdicts: Judged,
    row: int,
    places: NDArray[np.int64],
    days: pd.DatetimeIndex,
    judged: NDArray[np.bool_],
) -> dict[str, Any]:
    expected, actual = float(verdicts.usual[row, places].sum()), float(values[places].sum())
    ratio = (actual - expected) / expected if expected > 0 else np.inf
    size = abs(ratio)
    last_judged = int(np.flatnonzero(judged)[-1]) if judged.any() else -1
    settled = places[-1] - places[0] + 1 >= SETTLED_DAYS
    return {
        "direction": "up" if actual > expected else "down",
        "first": f"{days[places[0]]:%Y-%m-%d}",
        "last": f"{days[places[-1]]:%Y-%m-%d}",
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
        also = ", ".join(f"{row['dimension']} {row['group']}" for row in others)
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
