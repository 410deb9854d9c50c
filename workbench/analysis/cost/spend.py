"""What was spent and used: by whatever labels it was counted with, by day, against the period before.

All amounts come from a ledger, see :mod:`workbench.analysis.cost.ledger`. Every total here is an exact sum of its
rows, a
Decimal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.cost.ledger import (
    Account,
    Periods,
    Split,
    evident,
    inside,
    known_amount,
    measures,
    observed,
    splits,
    unlike,
    within,
)
from workbench.analysis.counting.amounts import summed
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
    ledger: pd.DataFrame, seen: pd.DataFrame, accounts: Sequence[Account], periods: Periods
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

    Notes
    -----
    The projection is the simplest there is: the spend so far, continued in a straight line to the end of the month. It
    knows no week-ends and no growth. A change is stated only where nine tenths of both periods were observed.
    """
    rows: list[dict[str, Any]] = []
    for measure, unit in measures(accounts):
        added = [
            account for account in accounts if (account.measure, account.unit) == (measure, unit) and account.added
        ]
        part = ledger[ledger["role"].isin([account.role for account in added])]
        amount, before = (known_amount(part, seen, span) for span in (periods.now, periods.before))
        coverage, base = (
            min(observed(seen, account.role, span) for account in added) for span in (periods.now, periods.before)
        )
        change = _change(amount, before)
        row: dict[str, Any] = {"measure": measure, "unit": unit, "amount": amount, "before": before, "change": change}
        row["change_ratio"] = _ratio(change, before) if min(coverage, base) >= COVERAGE_FLOOR else np.nan
        rows.append(row | {"coverage": coverage, "before_coverage": base} | _running_month(part, seen, periods))
    columns = ["measure", "unit", "amount", "before", "change", "change_ratio", "coverage", "before_coverage"]
    columns += ["month_to_date", "projected"]
    frame = pd.DataFrame(rows, columns=columns)
    return SpendTotals(
        frame, period=periods.now, before=periods.before, notes=_remarks(frame, ledger, accounts, periods)
    )


def spend_groups(
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    periods: Periods,
    *,
    top: int = TOP,
    parts: Sequence[Split] | None = None,
) -> SpendGroups:
    """Split each total by every dimension it was counted with.

    Parameters
    ----------
    ledger, seen, accounts, periods
        As for :func:`spend_totals`.
    top : int
        Groups named one by one. [count]
    parts : sequence of Split, optional
        What :func:`workbench.analysis.cost.ledger.splits` made of ledger and accounts, where that was done before.

    Notes
    -----
    A dimension that only some counters have gives the rest of the money a group of its own, so that every dimension
    adds up to the same total. A dimension of a view alone (spend by key beside spend by model) adds up to the view's
    total.
    """
    rows: list[dict[str, Any]] = []
    for measure, unit, dimension, part in splits(ledger, accounts) if parts is None else parts:
        now, before = (_by_group(part, span) for span in (periods.now, periods.before))
        shares = [
            [observed(seen, role, span) for role in part["role"].unique()] for span in (periods.now, periods.before)
        ]
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
                    "measure": measure,
                    "unit": unit,
                    "dimension": dimension,
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
    parts: Sequence[Split] | None = None,
) -> DailySpend:
    """Follow the groups of a breakdown day by day in a named zone; the days add up to the groups, in their order.

    Parameters
    ----------
    ledger, seen, accounts, parts
        As for :func:`spend_groups`.
    groups : SpendGroups
        Of the same ledger.
    zone : str
        IANA zone of the days.
    """
    span, frames = groups.period, []
    for measure, unit, dimension, part in splits(ledger, accounts) if parts is None else parts:
        mine = groups.frame[groups.frame[["measure", "unit", "dimension"]].eq([measure, unit, dimension]).all(axis=1)]
        rest = next(iter(mine.loc[mine["rest"], "group"]), "")
        named = set(mine.loc[~mine["rest"], "group"])
        rows = inside(part, span)
        known = rows["group"].isin(named)
        rows = rows.assign(group=rows["group"].where(known, rest), rest=~known, day=_local_days(rows["start"], zone))
        ends = rows.groupby("day").agg(start=("start", "min"), end=("end", "max"))
        midnights = [ends[name].dt.tz_convert(zone) for name in ("start", "end")]
        ends["whole"] = (midnights[0] == midnights[0].dt.normalize()) & (midnights[1] == midnights[1].dt.normalize())
        ends["covered"] = _observed_days(inside(seen[seen["role"].isin(part["role"].unique())], span), zone)
        days = summed(rows, ["group", "rest", "day"]).join(ends, on="day")
        places = dict(zip(mine["group"], range(len(mine)), strict=True))
        days = days.assign(place=days["group"].map(places)).sort_values(["place", "day"], ignore_index=True)
        unknown = (days["covered"] == 0) & (days["amount"] == 0)
        frames.append(
            days.assign(
                measure=measure,
                unit=unit,
                dimension=dimension,
                amount=days["amount"].astype(object).where(~unknown, None),
            )
        )
    columns = ["measure", "unit", "dimension", "group", "rest", "day", "start", "end", "whole", "amount", "covered"]
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    return DailySpend(frame[columns], zone=zone)


def _observed_days(seen: pd.DataFrame, zone: str) -> pd.Series[float]:
    """Observed share of each day in a zone, of the role that was seen least. [ratio]"""
    length = (seen["end"] - seen["start"]).dt.total_seconds()
    keys = [_local_days(seen["start"], zone).rename("day"), seen["role"].astype("str")]
    parts = (seen["covered"] * length).groupby(keys).sum() / length.groupby(keys).sum()
    return parts.groupby(level="day").min()


def _local_days(instants: pd.Series[Any], zone: str) -> pd.Series[str]:
    """Return the day of each instant in a zone, ISO 8601; many rows share few instants, and each is written once."""
    places, distinct = pd.factorize(instants)
    days = pd.Series(distinct, dtype=instants.dtype).dt.tz_convert(zone).dt.strftime("%Y-%m-%d")
    return days.take(places).set_axis(instants.index)


def _change(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if now is None or before is None else total((now, before.copy_negate()))


def _running_month(part: pd.DataFrame, seen: pd.DataFrame, periods: Periods) -> dict[str, Decimal | None]:
    month, until = periods.month, periods.now.end
    spent = None
    if month is not None and until > month.start:
        spent = known_amount(part, seen, TimeRange(month.start, until))
    if month is None or spent is None:
        return {"month_to_date": None, "projected": None}
    if min(observed(seen, role, TimeRange(month.start, until)) for role in part["role"].unique()) < COVERAGE_FLOOR:
        return {"month_to_date": spent, "projected": None}
    whole, elapsed = (Decimal(end_ms - month.start_ms) for end_ms in (month.end_ms, periods.now.end_ms))
    return {"month_to_date": spent, "projected": quantised(_CONTEXT.divide(_CONTEXT.multiply(spent, whole), elapsed))}


def _by_group(part: pd.DataFrame, span: TimeRange) -> dict[str, Decimal]:
    sums = summed(inside(part, span), ["group"])
    return dict(zip(sums["group"], sums["amount"], strict=True))


def _named(now: dict[str, Decimal], before: dict[str, Decimal], top: int) -> list[str]:
    """Return the largest groups; one more than ``top`` is named too, as a rest of one would only hide its name."""
    names = sorted(
        {**now, **before}, key=lambda name: (-now.get(name, Decimal(0)), -before.get(name, Decimal(0)), name)
    )
    return names if len(names) <= top + 1 else names[:top]


def _ratio(part: Decimal | None, whole: Decimal | None) -> float:
    return float(part / whole) if part is not None and whole else np.nan


def _remarks(
    totals: pd.DataFrame, ledger: pd.DataFrame, accounts: Sequence[Account], periods: Periods
) -> tuple[str, ...]:
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
        own = within(ledger[ledger["role"] == account.role], periods.now)
        if account.view_of in titles:
            wholes = [role for role in (account.view_of, *account.view_with) if role in titles]
            base = total(within(ledger[ledger["role"] == role], periods.now) for role in wholes)
            if abs(total((own, base.copy_negate()))) > base * NOTICED:
                notes.append(
                    f"{account.title} adds up to {own:,.2f} {account.unit}, "
                    f"{' and '.join(titles[role] for role in wholes)} to {base:,.2f}: "
                    "counters of the system that differ. The total is the latter."
                )
        if account.inside in titles:
            whole = within(ledger[ledger["role"] == account.inside], periods.now)
            if own > whole:
                notes.append(
                    f"{account.title} adds up to {own:,.2f} {account.unit}, more than {titles[account.inside]} "
                    f"({whole:,.2f}) that should contain it: an error of the counters, or of inside in the profile."
                )
    return tuple(notes)
