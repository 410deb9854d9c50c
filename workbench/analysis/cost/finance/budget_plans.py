"""Budgets that a table gives to owners, teams, keys or the whole system: what is spent of each, and where it lands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.cost.budgets import AT_RISK_FROM
from workbench.analysis.cost.forecast import PeriodEnd, period_end
from workbench.analysis.cost.landing import LEAST_COVERED, LIKELY, covered_share, stretches
from workbench.analysis.cost.ledger import Account, Periods, inside
from workbench.analysis.cost.sums import Sums
from workbench.analysis.counting.amounts import summed
from workbench.core.errors import ParameterError
from workbench.core.money import total
from workbench.core.result import Result, Status
from workbench.core.timerange import DAY_MS, TimeRange, calendar_range, named_zone
from workbench.core.units import label_text, part_text

#: Windows of a budget by the words of a table; all but the month have a length in days. [d]
WINDOW_DAYS: dict[str, int | None] = {"month": None, "24h": 1, "7d": 7, "30d": 30}

#: Columns that say nothing of whose budget it is; any other that has a value names an owner of some kind.
_PLAIN = {"amount", "currency", "window", "since", "until", "system", "note", "notes", "comment", "description", "name",
          "title", "id"}  # fmt: skip

#: A Monday: windows without a first day of their own begin on one.
_MONDAY = date(1970, 1, 5)

_COLUMNS = ["dimension", "group", "unit", "window", "start", "end", "status", "limit", "spent", "used", "left",
            "coverage", "expected", "low", "high", "probability", "overrun", "basis"]  # fmt: skip


@dataclass(frozen=True)
class BudgetPlan:
    """A row of a table of budgets.

    Attributes
    ----------
    dimension, group : str
        Label and its value; both empty for all spend.
    limit : Decimal
        Per window. [``unit``]
    unit : str
        Currency.
    window : str
        One of :data:`WINDOW_DAYS`.
    since, until : date, optional
        First day, and the first day no longer. Windows of days are counted from ``since``, else from a Monday.
    """

    dimension: str
    group: str
    limit: Decimal
    unit: str
    window: str = "month"
    since: date | None = None
    until: date | None = None

    def at(self, now: datetime, zone: str) -> TimeRange | None:
        """Return the window that runs just before an instant; None where the budget is not in force then."""
        moment = now - timedelta(milliseconds=1)
        today = moment.astimezone(named_zone(zone)).date()
        if (self.since and today < self.since) or (self.until and today >= self.until):
            return None
        days = WINDOW_DAYS[self.window]
        if days is None:
            return calendar_range("this-month", zone=zone, now=moment)
        anchor = self.since or _MONDAY
        first = anchor + timedelta(days=(today - anchor).days // days * days)
        edges = (datetime.combine(first + timedelta(days=after), time(), named_zone(zone)) for after in (0, days))
        return TimeRange(*(edge.astimezone(now.tzinfo) for edge in edges))


@dataclass(frozen=True, eq=False, repr=False)
class BudgetPlans(Result):
    """Budgets of tables in their running windows; one row a budget, most used first.

    Columns of ``frame``:

    ================ =====================================================================================
    dimension, group what has the budget, e.g. ``owner`` and its name; both empty for all spend (str)
    unit, window     currency; ``month``, ``24h``, ``7d`` or ``30d`` (str)
    start, end       of the window [UTC]
    status           ok, at_risk (80 % used, or an overrun is likely), spent, or no_data
    limit            (Decimal) [``unit``]
    spent            from the begin of the window up to now; None where nothing was observed (Decimal) [``unit``]
    used             spent / limit; NaN where it is not known [ratio]
    left             limit - spent (Decimal) [``unit``]
    coverage         observed share of the window so far [ratio]
    expected         spend at the end of the window; NaN where it is not forecast [``unit``]
    low, high        its 80 % interval [``unit``]
    probability      that the window ends above the limit; NaN where it is not forecast [ratio]
    overrun          day in the zone on which the expected spend passes the limit; empty when it does not (str)
    basis            as of :class:`workbench.analysis.cost.forecast.PeriodEnd`; ``over`` for a window that is (str)
    ================ =====================================================================================
    """

    as_of: datetime
    zone: str


def read_plans(
    table: pd.DataFrame, dimensions: Collection[str], *, system: str = ""
) -> tuple[list[BudgetPlan], list[str]]:
    """Read a table of budgets: ``amount``, ``currency``, one column named as a dimension or none, ``window`` and dates.

    Parameters
    ----------
    table : DataFrame
        Text, ``amount`` Decimal. [currency]
    dimensions : collection of str
        Labels that spend is counted by, those of tables of labels included.
    system : str
        Rows whose column ``system`` names another one are passed over.

    Returns
    -------
    plans : list of BudgetPlan
    notes : list of str
        Rows that cannot be used, and why.

    Examples
    --------
    >>> table = pd.DataFrame({"owner": ["ada", ""], "amount": [Decimal(50), Decimal(900)], "currency": ["usd", "USD"]})
    >>> [(plan.dimension, plan.group, plan.unit) for plan in read_plans(table, ["owner", "key"])[0]]
    [('owner', 'ada', 'USD'), ('', '', 'USD')]
    """
    plans, notes = [], []
    known = [str(name) for name in table.columns if name in dimensions]
    for number, row in enumerate(table.to_dict(orient="records"), start=1):
        if system and _text(row.get("system")) not in ("", system):
            continue
        try:
            plans.append(_plan({str(name): value for name, value in row.items()}, known, dimensions))
        except (ParameterError, ValueError) as error:
            reason = error.message if isinstance(error, ParameterError) else f"{error}."
            notes.append(f"Row {number} is left out: {reason}")
    others = [name for name in table.columns if name not in known and name not in _PLAIN]
    unknown = sorted(str(name) for name in others if table[name].map(_text).any())
    if unknown:
        notes.append(f"Spend is not counted by {', '.join(unknown)}: add a table of labels that gives it to keys.")
    return plans, notes


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value).strip()


def _plan(row: dict[str, Any], known: Sequence[str], dimensions: Collection[str]) -> BudgetPlan:
    texts = {name: _text(value) for name, value in row.items()}
    named = [name for name in known if texts[name]]
    if len(named) > 1:
        raise ParameterError(f"it names {' and '.join(named)}; a budget is for one of them.")
    # A budget of a part that is taken for one of the whole would be kept when it is not, or the other way about.
    unlabelled = [name for name, text in texts.items() if text and name not in known and name not in _PLAIN]
    if unlabelled:
        near = get_close_matches(unlabelled[0], [*dimensions, "since", "until", "window"], 1, 0.75)
        meant = f"; do you mean {near[0]}?" if near else "."
        raise ParameterError(f"spend is not counted by {unlabelled[0]} ({texts[unlabelled[0]][:40]}){meant}")
    window = texts.get("window", "").lower().replace(" ", "").replace("1mo", "month").replace("1d", "24h") or "month"
    if window not in WINDOW_DAYS:
        raise ParameterError(f"{texts['window']!r} is no window: write {', '.join(WINDOW_DAYS)}.")
    if not texts["currency"]:
        raise ParameterError("it has no currency.")
    if row["amount"] < 0:
        raise ParameterError(f"{row['amount']} is negative.")
    since, until = (date.fromisoformat(texts[name]) if texts.get(name) else None for name in ("since", "until"))
    if since and until and until <= since:
        raise ParameterError(f"it ends on {until}, before it begins ({since}).")
    dimension = named[0] if named else ""
    return BudgetPlan(
        dimension, texts.get(dimension, ""), row["amount"], texts["currency"].upper(), window, since, until
    )


def budget_plans(
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    periods: Periods,
    plans: Sequence[BudgetPlan],
    *,
    zone: str,
    notes: Sequence[str] = (),
) -> BudgetPlans:
    """Hold the spend of each budget's running window against it, and forecast its end.

    Parameters
    ----------
    ledger, seen, accounts, periods
        As for :func:`workbench.analysis.cost.landing.spend_forecast`. [unit of the account]
    plans : sequence of BudgetPlan
        As :func:`read_plans` returns them.
    zone : str
        IANA zone of the windows.
    notes : sequence of str
        Said before those of this function.

    Returns
    -------
    BudgetPlans
        Budgets that are not in force at the end of the period have no row.

    Notes
    -----
    The window is the one that runs at the end of the period. What was spent is exact; a budget is spent as soon as what
    was observed says so, and anything else needs nine tenths of the window so far. An owner that never spent anything
    in the time that was read has no data: the name may be spelled in another way.
    """
    rows: list[dict[str, Any]] = []
    remarks = list(notes)
    now = periods.now.end
    for plan in plans:
        window = plan.at(now, zone)
        if window is None:
            continue
        roles = [account.role for account in _counted(accounts, plan)]
        part = ledger[ledger["role"].isin(roles)]
        if plan.dimension and len(part):
            part = part[part[plan.dimension].astype("str") == plan.group]
        if part.empty:
            of = part_text(plan.dimension, plan.group) if plan.dimension else "the system"
            remarks.append(f"No spend of {of} in {plan.unit} is counted, so its budget has no data.")
        rows.append(_row(plan, window, Sums(part, seen), roles, now, zone))
    remarks += _without(ledger, accounts, plans, periods, zone)
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    frame = frame.sort_values("used", ascending=False, kind="stable", ignore_index=True)
    return BudgetPlans(frame, notes=tuple(remarks), as_of=now, zone=zone)


def _counted(accounts: Sequence[Account], plan: BudgetPlan) -> list[Account]:
    """Counters of money that have the label of a budget; a view of spend where no other has it."""
    money = [account for account in accounts if account.measure == "cost" and account.unit.upper() == plan.unit]
    having = [account for account in money if not plan.dimension or plan.dimension in account.dimensions]
    return [account for account in having if account.added] or having[:1]


def _row(
    plan: BudgetPlan, window: TimeRange, sums: Sums, roles: Sequence[str], now: datetime, zone: str
) -> dict[str, Any]:
    until = min(now, window.end)
    span = TimeRange(window.start, until)
    coverage = covered_share(sums, roles, span)
    spent = sums.known(roles, span)
    used = float(spent / plan.limit) if spent is not None and plan.limit else np.nan
    left = None if spent is None else total((plan.limit, spent.copy_negate()))
    end, over = None, until == window.end
    if spent is not None and coverage >= LEAST_COVERED and not over:
        days = stretches(sums, roles, "all", now, zone).get("", np.zeros(0))
        end = period_end(days, (window.end_ms - span.end_ms) / DAY_MS)
    known = end is not None and end.verdict != "refused"
    chance, day = np.nan, ""
    if known and end is not None and left is not None and (left or end.rest):
        chance = end.overrun_probability(float(left))
        after = end.overrun_day(float(left))
        day = "" if after is None else f"{(now.astimezone(named_zone(zone)) + timedelta(days=after)):%Y-%m-%d}"
    ends = _ends(spent, end) if known else [np.nan] * 3
    basis = "over" if over else end.verdict if end is not None else ""
    head = (plan.dimension, plan.group, plan.unit, plan.window, window.start, window.end)
    status = _status(spent, plan.limit, coverage, chance)
    values = (*head, status, plan.limit, spent, used, left, coverage, *ends, chance, day, basis)
    return dict(zip(_COLUMNS, values, strict=True))


def _ends(spent: Decimal | None, end: PeriodEnd | None) -> list[float]:
    if spent is None or end is None:
        return [np.nan] * 3
    return [float(spent) + part for part in (end.rest, end.low, end.high)]


def _status(spent: Decimal | None, limit: Decimal, coverage: float, chance: float) -> Status:
    if spent is not None and spent and spent >= limit:
        return "spent"
    if spent is None or coverage < LEAST_COVERED:
        return "no_data"
    if not limit:
        return "ok"
    return "at_risk" if spent >= limit * Decimal(str(AT_RISK_FROM)) or chance >= LIKELY else "ok"


def _without(
    ledger: pd.DataFrame, accounts: Sequence[Account], plans: Sequence[BudgetPlan], periods: Periods, zone: str
) -> list[str]:
    """Say what the groups of a budgeted label spend in the running month that no budget is for."""
    notes = []
    month = calendar_range("this-month", zone=zone, now=periods.now.end - timedelta(milliseconds=1))
    span = TimeRange(month.start, periods.now.end)
    for dimension, unit in dict.fromkeys((plan.dimension, plan.unit) for plan in plans if plan.dimension):
        counted = _counted(accounts, BudgetPlan(dimension, "", Decimal(0), unit))
        part = inside(ledger[ledger["role"].isin([account.role for account in counted])], span)
        if part.empty:
            continue
        having = {plan.group for plan in plans if (plan.dimension, plan.unit) == (dimension, unit)}
        sums = summed(part, [dimension])
        rest = {
            str(name): amount
            for name, amount in zip(sums[dimension], sums["amount"], strict=True)
            if str(name) not in having and amount
        }
        if rest:
            names = sorted(filter(None, rest), key=lambda name: -rest[name])
            some = ", ".join(names[:3]) + (f" and {len(names) - 3} others" if len(names) > 3 else "")
            unnamed = f"spend without {label_text(dimension)}" if "" in rest else ""
            who = " and ".join(filter(None, (some, unnamed)))
            notes.append(
                f"{total(rest.values()):,.2f} {unit} of this month have no budget by {label_text(dimension)}: {who}."
            )
    return notes
