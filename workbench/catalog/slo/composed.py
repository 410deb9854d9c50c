"""What an OpenSLO document makes of several values: the target of a composite, a filter of log lines or spans."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Literal

from workbench.catalog.slo.indicators import Member
from workbench.catalog.slo.openslo import ConditionSpec, QuerySpec
from workbench.core.errors import ParameterError
from workbench.core.filters import Condition, LogFilter, SpanFilter
from workbench.core.timerange import duration_ms

Weights = Literal["sum", "share"]

#: Digits of a mean of targets.
_SHARE = Decimal("1e-12")


def members_target(members: Sequence[Member], method: str, meaning: Weights) -> Decimal:
    """Target of a composite that names none: what is left when every member just keeps its own.

    Parameters
    ----------
    members : sequence of Member
        Objectives that form the composite, with their weights.
    method : {"occurrences", "timeslices", "ratio_timeslices"}
        Whether events or slices of time are counted.
    meaning : {"sum", "share"}
        Of the weights.

    Raises
    ------
    ParameterError
        The objective would ask for nothing: the members' budgets add up to everything.

    Notes
    -----
    RatioTimeslices with ``sum``: 1 - sum w (1 - T). Timeslices: 1 - sum (1 - T), as in the worst case no two members
    are bad at once. Else the weighted mean.
    """
    budgets = [1 - member.target for member in members]
    weights = [member.weight for member in members]
    weighted = sum((weight * each for weight, each in zip(weights, budgets, strict=True)), Decimal(0))
    if method == "timeslices":
        budget = sum(budgets, Decimal(0))
    elif method == "ratio_timeslices" and meaning == "sum":
        budget = weighted
    else:
        budget = (weighted / sum(weights, Decimal(0))).quantize(_SHARE)
    if budget >= 1:
        raise ParameterError(
            f"The budgets of the members add up to {budget}, so the composite would have no target; lower the weights"
        )
    return 1 - budget


def composite_mark(text: str) -> Decimal | None:
    """Read the target that a document names for a composite; None when it names none.

    Raises
    ------
    ParameterError
        No share inside (0, 1).
    """
    if not text:
        return None
    try:
        target = Decimal(text)
    except InvalidOperation:
        target = Decimal(0)
    if not 0 < target < 1:
        raise ParameterError(f"composite-target is {text!r}; write a share below 1, e.g. '0.995'")
    return target


def records_filter(kind: str, spec: QuerySpec) -> LogFilter | SpanFilter:
    """Return the filter of a source of type ``logs`` or ``spans``.

    Raises
    ------
    ParameterError
        A condition or duration is wrong, or a key belongs to another type of source.
    """
    conditions = tuple(_condition(attribute) for attribute in spec.attributes)
    if kind == "logs":
        return LogFilter(
            services=spec.services,
            severity=spec.severity or "",
            events=spec.events,
            attributes=conditions,
            contains=spec.contains,
        )
    return SpanFilter(
        services=spec.services,
        operations=spec.operations,
        status=spec.status or "",
        min_duration_ns=duration_ms(spec.minDuration) * 1_000_000 if spec.minDuration else 0,
        attributes=conditions,
    )


def _condition(condition: ConditionSpec) -> Condition:
    return Condition(condition.attribute, condition.op, condition.values or (condition.value or "",))
