"""What was spent and used: by whatever labels it was counted with, by day, against the period before.

All amounts come from a ledger, see :mod:`workbench.analysis.cost.ledger`. Every total here is an exact sum of its
rows, a
Decimal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.cost.days import date_of, local_days, times_of_days
from workbench.analysis.cost.ledger import Account, Periods, evident, measures, unlike
from workbench.analysis.cost.sums import Bools, Floats, Ints, Split, Sums
from workbench.analysis.counting.amounts import float_sums, group_sums
from workbench.core.money import PRECISION, quantised, total
from workbench.core.result import Result
from workbench.core.timerange import TimeRange
from workbench.core.units import ratio_text

#: Below this observed share of either period no change is stated.
COVERAGE_FLOOR = 0.9

#: Two counters of the same money differ when they are farther apart than this share of it.
NOTICED = Decimal("0.000001")

#: Groups named one by one; the rest is one row that keeps the total whole.
TOP = 10

_CONTEXT = Context(prec=PRECISION)


@dataclass(frozen=True, eq=False, repr=False)
class SpendTotals(Result):
    """Total of each measure; one row per measure and unit, money first.

    Columns of ``frame``:

    ================= ===================================================================================
    measure           ``cost`` or ``tokens`` (str)
    unit              currency, or ``tokens`` (str)
    amount            total of the period; None where nothing of it was observed (Decimal) [``unit``]
    before            the same of the period compared with (Decimal) [``unit``]
    change            amount - before; None where one is (Decimal) [``unit``]
    change_ratio      change / before; NaN where either period was observed too little [ratio]
    coverage          observed share of the period [ratio]
    before_coverage   observed share of the period compared with [ratio]
    month_to_date     total of the running calendar month so far; None when none runs (Decimal) [``unit``]
    projected         month_to_date * length of the month / elapsed part, a straight line; None where less than nine
                      tenths of the elapsed part were observed (Decimal) [``unit``]
    ================= ===================================================================================
    """

    period: TimeRange
    before: TimeRange


@dataclass(frozen=True, eq=False, repr=False)
class SpendGroups(Result):
    """Parts of each total; for every dimension the groups add up to ``whole`` exactly, largest first.

    Columns of ``frame``:

    ============= =======================================================================================
    measure, unit as in :class:`SpendTotals` (str)
    dimension     ``kind`` (which counter), ``model``, ``provider``, ``key``, ``service``, ... (str)
    group         value of the label, or title of the counter (str)
    rest          whether this row is the sum of all groups that are not named (bool)
    amount        None where nothing of the period was observed (Decimal) [``unit``]
    whole         sum of the groups of this dimension (Decimal) [``unit``]
    share         amount / whole; NaN when nothing was counted [ratio]
    before        amount of the period compared with; None where nothing of it was observed (Decimal) [``unit``]
    change        amount - before; None where one is (Decimal) [``unit``]
    change_ratio  change / before; NaN without a base, or where either period was observed too little [ratio]
    ============= =======================================================================================
    """

    period: TimeRange
    before: TimeRange


@dataclass(frozen=True, eq=False, repr=False)
class DailySpend(Result):
    """The groups of :class:`SpendGroups` day by day, in a named zone; one row per dimension, group and day.

    Columns of ``frame``:

    ============= ======================================================================================
    measure, unit, dimension, group, rest   as in :class:`SpendGroups`
    day           date in the zone, ISO 8601 (str)
    start, end    what of the day lies in the period [UTC]
    whole         whether that is the whole day, from midnight to midnight (bool)
    amount        None where nothing of the day was observed (Decimal) [``unit``]
    covered       observed share of what of the day lies in the period [ratio]
    ============= ======================================================================================
    """

    zone: str


def spend_totals(
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    periods: Periods,
    *,
    sums: Sums | None = None,
) -> SpendTotals:
    """Add up each measure over the period, the one before and the running month.

    Parameters
    ----------
    ledger : DataFrame
        See the module. [unit of the account]
    seen : DataFrame
        ``role, start, end, covered``: observed share of each slice. [ratio]
    accounts : sequence of Account
        Measures of money and tokens of the profile.
    periods : Periods
        The period, the one before and the running month.
    sums : Sums, optional
        Those of ledger, seen and accounts, where they were made before.

    Notes
    -----
    The projection is the simplest there is: the spend so far, continued in a straight line to the end of the month. It
    knows no week-ends and no growth. A change is stated only where nine tenths of both periods were observed.
    """
    sums = sums or Sums(ledger, seen, accounts)
    rows: list[dict[str, Any]] = []
    for measure, unit in measures(accounts):
        added = [
            account.role for account in accounts if (account.measure, account.unit) == (measure, unit) and account.added
        ]
        amount, before = (sums.known(added, span) for span in (periods.now, periods.before))
        coverage, base = (min(sums.observed(role, span) for role in added) for span in (periods.now, periods.before))
        change = _change(amount, before)
        row: dict[str, Any] = {"measure": measure, "unit": unit, "amount": amount, "before": before, "change": change}
        row["change_ratio"] = _ratio(change, before) if min(coverage, base) >= COVERAGE_FLOOR else np.nan
        rows.append(row | {"coverage": coverage, "before_coverage": base} | _running_month(sums, added, periods))
    columns = ["measure", "unit", "amount", "before", "change", "change_ratio", "coverage", "before_coverage"]
    columns += ["month_to_date", "projected"]
    frame = pd.DataFrame(rows, columns=columns)
    return SpendTotals(frame, period=periods.now, before=periods.before, notes=_remarks(frame, sums, accounts, periods))


def spend_groups(
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    periods: Periods,
    *,
    top: int = TOP,
    sums: Sums | None = None,
) -> SpendGroups:
    """Split each total by every dimension it was counted with.

    Parameters
    ----------
    ledger, seen, accounts, periods, sums
        As for :func:`spend_totals`.
    top : int
        Groups named one by one. [count]

    Notes
    -----
    A dimension that only some counters have gives the rest of the money a group of its own, so that every dimension
    adds up to the same total. A dimension of a view alone (spend by key beside spend by model) adds up to the view's
    total.
    """
    sums = sums or Sums(ledger, seen, accounts)
    rows: list[dict[str, Any]] = []
    for split in sums.splits:
        now, before = (split.by_group(sums.inside(span)) for span in (periods.now, periods.before))
        shares = [[sums.observed(role, span) for role in split.roles] for span in (periods.now, periods.before)]
        comparable = all(min(share, default=0.0) >= COVERAGE_FLOOR for share in shares)
        whole = total(now.values())
        named = _named(now, before, top)
        for group, rest in [(name, False) for name in named] + [("", True)]:
            members = [name for name in {**now, **before} if name not in named] if rest else [group]
            if not members:
                continue
            amount, base = (
                evident(total(amounts.get(name, Decimal(0)) for name in members), share)
                for amounts, share in zip((now, before), shares, strict=True)
            )
            change = _change(amount, base)
            rows.append(
                {
                    "measure": split.measure,
                    "unit": split.unit,
                    "dimension": split.dimension,
                    "group": unlike(f"{len(members)} others", named) if rest else group,
                    "rest": rest,
                    "amount": amount,
                    "whole": whole,
                    "share": _ratio(amount, whole),
                    "before": base,
                    "change": change,
                    "change_ratio": _ratio(change, base) if comparable else np.nan,
                }
            )
    columns = ["measure", "unit", "dimension", "group", "rest", "amount", "whole", "share", "before", "change"]
    return SpendGroups(
        pd.DataFrame(rows, columns=[*columns, "change_ratio"]), period=periods.now, before=periods.before
    )


def daily_spend(
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    groups: SpendGroups,
    *,
    zone: str,
    sums: Sums | None = None,
) -> DailySpend:
    """Follow the groups of a breakdown day by day in a named zone; the days add up to the groups, in their order.

    Parameters
    ----------
    ledger, seen, accounts, sums
        As for :func:`spend_groups`.
    groups : SpendGroups
        Of the same ledger.
    zone : str
        IANA zone of the days.
    """
    sums = sums or Sums(ledger, seen, accounts)
    inside, days = sums.inside(groups.period), local_days(sums.start, zone)
    covered = cache(lambda roles: _observed_days(sums, roles, inside, days))
    named = dict(iter(groups.frame.groupby(["measure", "unit", "dimension"], sort=False)))
    parts: list[dict[str, Any]] = []
    for split in sums.splits:
        if not inside[split.slice].any():
            continue
        head = {"measure": split.measure, "unit": split.unit, "dimension": split.dimension}
        part = _days_of(sums, split, named[tuple(head.values())], inside, days, covered(split.roles), zone)
        parts.append({name: np.full(len(part["day"]), text, object) for name, text in head.items()} | part)
    columns = ["measure", "unit", "dimension", "group", "rest", "day", "start", "end", "whole", "amount", "covered"]
    if not parts:
        return DailySpend(pd.DataFrame(columns=columns), zone=zone)
    frame = pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in columns})
    spans = {name: frame[name].dt.tz_localize("UTC") for name in ("start", "end")}
    return DailySpend(frame.assign(**spans), zone=zone)


def _days_of(
    sums: Sums, split: Split, named: pd.DataFrame, inside: Bools, days: Ints, covered: Floats, zone: str
) -> dict[str, Any]:
    """Columns of the days of a split, by group and day; groups without a row of their own are the rest, the last."""
    kept = inside[split.slice]
    places = {group: place for place, group in enumerate(named["group"])}
    place = np.array([places.get(group, len(named) - 1) for group in split.groups])[split.group[kept]]
    slices = np.unique(split.slice[kept])
    dates, first = np.unique(days[slices], return_index=True)
    start, end = sums.start[slices][first], np.maximum.reduceat(sums.end[slices], first)
    whole = (start == times_of_days(dates, zone)) & (end == times_of_days(local_days(end, zone), zone))
    day = np.searchsorted(dates, days[split.slice[kept]])
    numbers, amounts = group_sums(place * len(dates) + day, split.amounts.filter(kept))
    order = np.argsort(numbers)
    place, day = np.divmod(numbers[order], len(dates))
    share = covered[dates - days[0]][day]
    known = zip(amounts.take(order).to_pylist(), share.tolist(), strict=True)
    return {
        "group": named["group"].to_numpy(object)[place],
        "rest": named["rest"].to_numpy(np.bool_)[place],
        "day": np.array([date_of(date).isoformat() for date in dates.tolist()], object)[day],
        "start": start[day].astype("datetime64[ms]"),
        "end": end[day].astype("datetime64[ms]"),
        "whole": whole[day],
        "amount": np.array([amount if amount or part else None for amount, part in known], object),
        "covered": share,
    }


def _observed_days(sums: Sums, roles: Sequence[str], inside: Bools, days: Ints) -> Floats:
    """Observed share of each day from the first on, of the counter that was seen least; NaN outside. [ratio]"""
    shares = np.array([sums.covered.get(role, np.full(len(days), np.nan)) for role in roles])
    role, at = np.nonzero(np.isfinite(shares) & inside)
    shape = len(shares), int(days[-1] - days[0]) + 1
    seen, lasted = (
        float_sums(values, role, days[at] - days[0], shape)
        for values in (shares[role, at] * sums.lengths[at], sums.lengths[at])
    )
    return np.asarray(np.fmin.reduce(np.divide(seen, lasted, out=np.full(shape, np.nan), where=lasted > 0)))


def _change(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if now is None or before is None else total((now, before.copy_negate()))


def _running_month(sums: Sums, roles: Sequence[str], periods: Periods) -> dict[str, Decimal | None]:
    month, until = periods.month, periods.now.end
    if month is None or until <= month.start:
        return {"month_to_date": None, "projected": None}
    passed = TimeRange(month.start, until)
    spent = sums.known(roles, passed)
    if spent is None or min(sums.observed(role, passed) for role in sums.counted(roles)) < COVERAGE_FLOOR:
        return {"month_to_date": spent, "projected": None}
    whole, elapsed = (Decimal(end_ms - month.start_ms) for end_ms in (month.end_ms, periods.now.end_ms))
    return {"month_to_date": spent, "projected": quantised(_CONTEXT.divide(_CONTEXT.multiply(spent, whole), elapsed))}


def _named(now: dict[str, Decimal], before: dict[str, Decimal], top: int) -> list[str]:
    """Return the largest groups; one more than ``top`` is named too, as a rest of one would only hide its name."""
    names = sorted(
        {**now, **before}, key=lambda name: (-now.get(name, Decimal(0)), -before.get(name, Decimal(0)), name)
    )
    return names if len(names) <= top + 1 else names[:top]


def _ratio(part: Decimal | None, whole: Decimal | None) -> float:
    return float(part / whole) if part is not None and whole else np.nan


def _remarks(totals: pd.DataFrame, sums: Sums, accounts: Sequence[Account], periods: Periods) -> tuple[str, ...]:
    notes = []
    for row in totals.itertuples():
        for share, span in ((row.coverage, periods.now), (row.before_coverage, periods.before)):
            if share < COVERAGE_FLOOR:
                much = f"only {ratio_text(share, digits=1)}" if share else "nothing"
                notes.append(f"{row.measure}: {much} of {span} was observed; no change is stated.")
    titles = {account.role: account.title for account in accounts}
    for account in accounts:
        if account.measure not in ("cost", "tokens"):
            continue
        own = sums.within([account.role], periods.now)
        if account.view_of in titles:
            wholes = [role for role in (account.view_of, *account.view_with) if role in titles]
            base = total(sums.within([role], periods.now) for role in wholes)
            if abs(total((own, base.copy_negate()))) > base * NOTICED:
                notes.append(
                    f"{account.title} adds up to {own:,.2f} {account.unit}, "
                    f"{' and '.join(titles[role] for role in wholes)} to {base:,.2f}: "
                    "counters of the system that differ. The total is the latter."
                )
        if account.inside in titles:
            whole = sums.within([account.inside], periods.now)
            if own > whole:
                notes.append(
                    f"{account.title} adds up to {own:,.2f} {account.unit}, more than {titles[account.inside]} "
                    f"({whole:,.2f}) that should contain it: an error of the counters, or of inside in the profile."
                )
    return tuple(notes)
