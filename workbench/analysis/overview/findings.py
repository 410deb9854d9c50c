"""From results to findings: which rows of what is known ask for action, with the evidence in words and units."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from workbench.analysis.operations.sources import SourceStates
from workbench.analysis.overview.today import Finding
from workbench.core.result import Result
from workbench.core.units import (
    factor_text,
    instant_text,
    part_text,
    ratio_text,
    rule_text,
    span_text,
    target_text,
    value_text,
)

#: Burn rates over a look-back that empty a budget of 30 days in two days or sooner (SRE Workbook, ch. 5).
FAST_BURN = {"1h": 14.4, "6h": 6.0}


@dataclass(frozen=True)
class Duty:
    """Who answers for a system, and where its instructions are; ``rules`` gives those of single alerts."""

    system: str
    title: str
    owner: str = ""
    runbook: str = ""
    rules: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, repr=False)
class OpenAlerts(Result):
    """Alerts that fire at ``as_of``, longest first.

    Columns of ``frame``: ``system``, ``system_title``, ``alertname``, ``severity``, ``labels`` (its other labels, str),
    ``since`` (when it began to fire: its condition became true and held for the rule's ``for``; NaT where unknown)
    [UTC].
    """

    as_of: datetime


@dataclass(frozen=True, eq=False, repr=False)
class OpenLimits(Result):
    """Thresholds broken at ``as_of``; a row a series that breaks one.

    Columns of ``frame``: ``system``, then those of :class:`workbench.analysis.counting.limits.LimitBreaches` that are
    kept, with ``rule`` and ``value`` of the threshold.
    """

    as_of: datetime


@dataclass(frozen=True, eq=False, repr=False)
class MonthSpend(Result):
    """Spend of the running calendar month; a row a system and currency, and one without unit where none is measured.

    Columns of ``frame``: ``system``, ``system_title``, ``status`` (``ok``, ``no_data`` where the profile measures no
    spend, ``unavailable``), ``unit`` (currency, empty where there is no amount) (str),
    ``spent`` (so far), ``projected`` (by the end of the month, a straight line) [``unit``], ``change_ratio`` (against
    the same part of the month before) and ``coverage`` [ratio].
    """

    as_of: datetime


def objective_findings(board: pd.DataFrame, burns: pd.DataFrame, duty: Duty) -> Iterator[Finding]:
    """Find objectives that are broken, at risk, or that burn fast although budget is left.

    Parameters
    ----------
    board : DataFrame
        Columns of :class:`workbench.analysis.slo.compliance.ComplianceResult`.
    burns : DataFrame
        Columns of :class:`workbench.analysis.slo.burn.BurnRates`.
    duty : Duty
        Who answers for the system, and where its instructions are.
    """
    rates = {(str(row.objective), str(row.lookback)): float(row.burn_rate) for row in burns.itertuples()}
    for row in board[board["status"].isin(["ok", "at_risk", "spent"])].itertuples():
        recent = {lookback: rates.get((str(row.objective), lookback), math.nan) for lookback in FAST_BURN}
        fast = [lookback for lookback, limit in FAST_BURN.items() if recent[lookback] >= limit]
        if row.status == "ok" and not fast:
            continue
        known = {lookback: rate for lookback, rate in recent.items() if math.isfinite(rate)}
        shown = max(known, key=known.__getitem__, default="")
        left = float(row.period_left_ratio)
        clauses = [
            f"budget overspent by {ratio_text(-left, digits=0)}"
            if left < 0
            else f"{ratio_text(left, digits=1)} of budget left",
            f"{ratio_text(float(row.sli))} against {target_text(float(row.target))} over {row.period}",
        ]
        if row.elapsed < 1:
            clauses.append(f"{ratio_text(float(row.budget_left_ratio), digits=0)} left of what is allowed so far")
        if known.get(shown, 0.0) > 0:
            clauses.append(f"burn rate {factor_text(known[shown])} in the last {shown}")
        yield Finding(
            kind="objective",
            system=duty.system,
            system_title=duty.title,
            subject=str(row.objective),
            title=str(row.title),
            owner=duty.owner,
            runbook=duty.runbook,
            evidence="; ".join(clauses),
            severity="critical" if row.status == "spent" or fast else "warning",
            urgency=known.get(shown, math.nan),
        )


def alert_findings(firing: pd.DataFrame, duty: Duty, *, as_of: datetime) -> Iterator[Finding]:
    """Find alerts that fire now: one finding a rule and severity, however many of its alerts fire.

    Parameters
    ----------
    firing : DataFrame
        Columns of :class:`OpenAlerts`.
    duty : Duty
        Who answers for the system, and where its instructions are.
    as_of : datetime
        Instant up to which data is read.
    """
    for (name, severity), rows in firing.groupby(["alertname", "severity"], sort=True):
        owner, runbook = duty.rules.get(str(name), ("", ""))
        since = rows["since"].min()
        age_s = (pd.Timestamp(as_of) - since).total_seconds() if pd.notna(since) else math.nan
        first = next(iter(rows["labels"]))
        clauses = [f"{len(rows)} alerts firing" if len(rows) > 1 else "Firing"]
        if math.isfinite(age_s):
            clauses.append(f"for {span_text(age_s)}, since {instant_text(since)}")
        yield Finding(
            kind="alert",
            system=duty.system,
            system_title=duty.title,
            subject=str(name),
            title=str(name),
            owner=owner or duty.owner,
            runbook=runbook or duty.runbook,
            evidence=" ".join(clauses) + (f"; {first}" if first else ""),
            severity=str(severity) or "warning",
            urgency=age_s / 3600,
            about=_about(rows["labels"]),
        )


def _about(labels: Iterable[str]) -> frozenset[frozenset[str]]:
    """Return the values of each text of labels, ``device=sda1, job=node``, without its job; none where one has none."""
    pairs = ([pair.partition("=") for pair in str(text).split(", ")] for text in labels)
    series = frozenset(frozenset(value for name, _, value in row if value and name != "job") for row in pairs)
    return series if all(series) else frozenset()


def limit_findings(breaches: pd.DataFrame, duty: Duty, *, looked_back_s: float) -> Iterator[Finding]:
    """Find thresholds broken at this moment: one finding a threshold.

    Parameters
    ----------
    breaches : DataFrame
        Columns of :class:`workbench.analysis.counting.limits.LimitBreaches`, with ``rule`` and ``value`` of the limit.
    duty : Duty
        Who answers for the system, and where its instructions are.
    looked_back_s : float
        How far back breaches were looked for. [s]
    """
    for name, rows in breaches[breaches["ongoing"]].groupby("limit", sort=True):
        longest = rows.sort_values("seconds", ascending=False, kind="stable").iloc[0]
        held_s, worst, value = float(longest["seconds"]), float(longest["worst"]), float(longest["value"])
        least = "at least " if held_s >= looked_back_s else ""
        where = f" ({longest['group']})" if longest["group"] else ""
        more = f"; {len(rows)} series" if len(rows) > 1 else ""
        unit = str(longest["unit"])
        rule = rule_text(str(longest["rule"]), value_text(value, unit))
        over = worst / value if value > 0 and str(longest["rule"]).startswith(">") else math.nan
        yield Finding(
            kind="limit",
            system=duty.system,
            system_title=duty.title,
            subject=str(name),
            title=str(longest["title"]),
            owner=duty.owner,
            runbook=duty.runbook,
            evidence=f"{value_text(worst, unit)}{where}, limit {rule}, for {least}{span_text(held_s)}{more}",
            severity=str(longest["severity"]),
            urgency=over,
            about=_about(rows["group"]),
        )


def budget_findings(budgets: pd.DataFrame, duty: Duty) -> Iterator[Finding]:
    """Find budgets of keys, teams and users that are used up or nearly so.

    Parameters
    ----------
    budgets : DataFrame
        Columns of :class:`workbench.analysis.cost.budgets.BudgetUse`.
    duty : Duty
        Who answers for the system, and where its instructions are.
    """
    for row in budgets[budgets["status"].isin(["at_risk", "spent"])].itertuples():
        of = f" of {value_text(float(row.limit), str(row.unit))}" if np.isfinite(row.limit) else ""
        yield Finding(
            kind="budget",
            system=duty.system,
            system_title=duty.title,
            subject=str(row.group),
            title=f"Budget of {part_text(str(row.dimension), str(row.group))}",
            owner=duty.owner,
            runbook=duty.runbook,
            evidence=f"{ratio_text(float(row.used), digits=1)}{of} used",
            severity="critical" if row.status == "spent" else "warning",
            urgency=float(row.used),
            about=frozenset({frozenset({str(row.group)})}),
        )


def health_findings(health: pd.DataFrame, duty: Duty) -> Iterator[Finding]:
    """Find endpoints whose newest answer, as the collector has it, is not a healthy one.

    Parameters
    ----------
    health : DataFrame
        ``endpoint``, ``status``, ``detail``, ``since`` (first answer of this kind in a row) and ``at`` [UTC].
    duty : Duty
        Who answers for the system, and where its instructions are.
    """
    for row in health[health["status"] != "healthy"].itertuples():
        held_s = (row.at - row.since).total_seconds()
        yield Finding(
            kind="health",
            system=duty.system,
            system_title=duty.title,
            subject=str(row.endpoint),
            title=f"Health endpoint {row.endpoint} is {row.status}",
            owner=duty.owner,
            runbook=duty.runbook,
            evidence=f"{row.status} for {span_text(held_s)}, last asked {instant_text(row.at)}"
            + (f"; {row.detail}" if row.detail else ""),
            severity="warning" if row.status == "degraded" else "critical",
            urgency=held_s / 3600,
        )


def source_findings(states: SourceStates, duties: dict[str, Duty]) -> Iterator[Finding]:
    """Find sources that do not answer or whose data is old: whatever rests on them is not known.

    Parameters
    ----------
    states : SourceStates
        Whether each source answers, and how old its data is.
    duties : dict of str to Duty
        Of the first system that each source answers for, by the name of the source.
    """
    for row in states.frame.itertuples():
        if row.status == "ok" and not row.stale:
            continue
        duty = duties.get(str(row.name), Duty(str(row.name), str(row.name)))
        newest = f"newest sample {span_text(row.age_s)} old" if math.isfinite(row.age_s) else "no sample known"
        what = "is stale" if row.status == "ok" else "has no data" if row.status == "no_data" else "does not answer"
        yield Finding(
            kind="source",
            system=duty.system,
            system_title=duty.title,
            subject=str(row.name),
            title=f"Source {row.name} {what}",
            owner=duty.owner,
            runbook="workbench sources check",
            evidence="; ".join(filter(None, [newest, str(row.detail)])),
            severity="warning" if row.status == "ok" else "critical",
            urgency=row.age_s / 3600,
        )
