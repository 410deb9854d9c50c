"""Findings that people are told of between reports: what crossed a line, and what could be looked at at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.core.units import (
    amount_text,
    count_text,
    day_text,
    instant_text,
    part_text,
    ratio_text,
    target_text,
    value_text,
)

#: Shares of an error budget at which people are told. [ratio]
STEPS = (0.5, 0.75, 1.0)

#: A budget must fall so far below a step before the step counts as left again. [ratio]
BACK = 0.05

#: Statuses of an objective whose budget was not counted.
_UNKNOWN = {"no_data", "no_traffic", "unavailable", "refused"}


@dataclass(frozen=True)
class Notice:
    """Something that holds now.

    Attributes
    ----------
    finding : str
        Stable id in the docs: ``notice/budget``, ``notice/forecast``, ``notice/drift``, ``notice/limit``.
    system : str
    subject : str
        Identity within the system and finding.
    text : str
        A sentence with the numbers that speak for it.
    """

    finding: str
    system: str
    subject: str
    text: str


@dataclass(frozen=True)
class Notices:
    """What holds, and what was looked at.

    Attributes
    ----------
    notices : tuple of Notice
    looked : frozenset of (str, str, str)
        Finding, system and subject of what was measured: only that can be said to hold no longer.
    """

    notices: tuple[Notice, ...]
    looked: frozenset[tuple[str, str, str]]


def budget_notices(system: str, compliance: pd.DataFrame, announced: Callable[[str], bool]) -> Notices:
    """Say which objectives have used half, three quarters or all of their error budget.

    Parameters
    ----------
    system : str
        Id of the system, as its profile names it.
    compliance : DataFrame
        Of :class:`workbench.analysis.slo.compliance.ComplianceResult`.
    announced : callable
        Whether people were told of a subject: it holds until the budget is :data:`BACK` below its step.
    """
    notices, looked = [], set()
    for row in compliance.itertuples():
        if row.status in _UNKNOWN or math.isnan(row.budget_left_ratio):
            continue
        used = 1 - row.budget_left_ratio
        for step in STEPS:
            subject = f"{row.objective} {step:.0%}"
            looked.add(("notice/budget", system, subject))
            if used >= step or (announced(subject) and used >= step - BACK):
                text = (
                    f"{row.title}: {ratio_text(used, digits=1)} of the error budget is used (line {step:.0%}; "
                    f"{count_text(row.budget_spent)} of {count_text(row.budget_total)} {row.unit}, target "
                    f"{target_text(row.target)} over {row.period}, coverage {ratio_text(row.coverage, digits=1)})."
                )
                notices.append(Notice("notice/budget", system, subject, text))
    return Notices(tuple(notices), frozenset(looked))


def forecast_notices(system: str, forecast: pd.DataFrame) -> Notices:
    """Say which budgets of money are expected to be overrun in the running month.

    Parameters
    ----------
    system : str
        Id of the system, as its profile names it.
    forecast : DataFrame
        Of :class:`workbench.analysis.cost.landing.SpendForecast`.
    """
    notices, looked = [], set()
    for row in forecast.itertuples():
        if row.verdict == "refused" or not _is_number(row.probability):
            continue
        subject = f"{row.dimension} {row.group} {row.unit}".replace("  ", " ")
        looked.add(("notice/forecast", system, subject))
        if row.overrun:
            who = "The system" if row.dimension == "all" else f"The {part_text(str(row.dimension), str(row.group))}"
            text = (
                f"{who} is expected to pass its budget on {day_text(row.overrun)}: "
                f"{amount_text(row.so_far, row.unit)} spent this month, {amount_text(row.left, row.unit)} left "
                f"(probability {ratio_text(float(row.probability), digits=0)})."
            )
            notices.append(Notice("notice/forecast", system, subject, text))
    return Notices(tuple(notices), frozenset(looked))


def drift_notices(system: str, states: pd.DataFrame, drifts: pd.DataFrame) -> Notices:
    """Say which scores have left their reference and not come back.

    Parameters
    ----------
    system : str
        Id of the system, as its profile names it.
    states, drifts : DataFrame
        Of :class:`workbench.analysis.quality.states.QualityStates` and of its drifts.
    """
    measured = states[~states["status"].isin(_UNKNOWN)]
    looked = {("notice/drift", system, f"{row.role} {row.series}") for row in measured.itertuples()}
    notices = [
        Notice(
            "notice/drift",
            system,
            f"{row.role} {row.series}",
            f"{row.title}, {row.series}: {row.direction} than the reference by {abs(row.difference):.3g} since "
            f"{instant_text(row.onset)} ({count_text(row.samples)} samples).",
        )
        for row in drifts.itertuples()
        if row.open
    ]
    return Notices(tuple(notices), frozenset(looked))


def limit_notices(system: str, limits: pd.DataFrame) -> Notices:
    """Say which resources are above a limit, or reach it within their lead time.

    Parameters
    ----------
    system : str
        Id of the system, as its profile names it.
    limits : DataFrame
        Of :class:`workbench.analysis.capacity.levels.CapacityLimits`.
    """
    notices, looked = [], set()
    for row in limits.itertuples():
        subject = f"{row.resource} {row.series} {row.limit}"
        if row.status in _UNKNOWN or not row.signal:
            continue
        looked.add(("notice/limit", system, subject))
        if row.status == "at_risk":
            notices.append(Notice("notice/limit", system, subject, _limit_text(row)))
    return Notices(tuple(notices), frozenset(looked))


def joined(parts: Collection[Notices]) -> Notices:
    """Return the notices of several questions as one."""
    return Notices(
        tuple(notice for part in parts for notice in part.notices),
        frozenset[tuple[str, str, str]]().union(*(part.looked for part in parts)),
    )


def lines(notices: Collection[Notice]) -> Iterator[str]:
    """Yield one line for each thing that is said: of several steps of one budget only the highest."""
    highest = {(each.system, each.subject.rpartition(" ")[0]): each for each in notices if _is_budget(each)}
    for each in notices:
        if not _is_budget(each) or highest[each.system, each.subject.rpartition(" ")[0]] is each:
            yield each.text


def _is_budget(notice: Notice) -> bool:
    return notice.finding == "notice/budget"


def _limit_text(row: Any) -> str:
    now, value = value_text(row.now, row.unit), value_text(row.value, row.unit)
    where = f"{row.title}, {row.series}"
    if pd.isna(row.reached_at) or row.now >= row.value:
        return f"{where}: {now} now, limit {value} ({row.limit})."
    return (
        f"{where}: reaches {value} ({row.limit}) about {instant_text(row.reached_at)}, within the lead time of "
        f"{row.lead_days:g} days ({now} now)."
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not math.isnan(value)
