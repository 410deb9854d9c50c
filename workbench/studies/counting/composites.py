"""Composite objectives measured: each member by itself, then all as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from workbench.analysis.counting.counts import Counts, least_exact
from workbench.analysis.counting.events import joined_events
from workbench.analysis.slo.attribution import LabelledCounts
from workbench.analysis.slo.composite import Composite, Member, composite_events, member_counts, member_id
from workbench.catalog import CompositeIndicator, Objective
from workbench.core.result import worst
from workbench.core.timerange import TimeRange


def members_of(objective: Objective) -> tuple[Objective, ...]:
    """Return what is measured for an objective: the members of a composite, else the objective itself."""
    if not isinstance(objective.indicator, CompositeIndicator):
        return (objective,)
    return tuple(
        replace(
            objective,
            id=member_id(objective.id, member.name),
            title=member.title,
            target=member.target,
            indicator=member.indicator,
            slice_target=member.slice_target,
        )
        for member in objective.indicator.members
    )


def composed(objective: Objective, members: Mapping[str, pd.DataFrame], span: TimeRange, slice_ms: int) -> pd.DataFrame:
    """EVENTS of a composite from those of its members, by their ids."""
    assert isinstance(objective.indicator, CompositeIndicator)
    return composite_events(
        objective.id,
        [
            (member.weight, members[member_id(objective.id, member.name)])
            for member in objective.indicator.members
        ],
        span,
        slice_ms=slice_ms,
        budgeting=objective.method,
        meaning=objective.indicator.weights,
    )  # fmt: skip


def counts_by_member(
    objective: Objective, members: Mapping[str, pd.DataFrame], span: TimeRange, slice_ms: int
) -> LabelledCounts | None:
    """Bad ones of a composite by member; None where they cannot be shared out."""
    assert isinstance(objective.indicator, CompositeIndicator)
    return member_counts(
        {
            member.name: (member.weight, members[member_id(objective.id, member.name)])
            for member in objective.indicator.members
        },
        span,
        slice_ms=slice_ms,
        budgeting=objective.method,
        meaning=objective.indicator.weights,
    )  # fmt: skip


def terms_of(objectives: Sequence[Objective]) -> dict[str, Composite]:
    """Say what the composites among objectives are made of."""
    return {
        objective.id: Composite(
            tuple(
                Member(member.name, member.title, member.weight, member.target)
                for member in objective.indicator.members
            ),
            objective.indicator.weights,
        )
        for objective in objectives
        if isinstance(objective.indicator, CompositeIndicator)
    }


def composed_counts(objective: Objective, span: TimeRange, slice_ms: int, members: Sequence[Counts]) -> Counts:
    """Make one of the members of a composite; one that could not be measured leaves the whole unmeasured."""
    failed = {member.objective: member.failure for member in members if member.failure is not None}
    events = joined_events([])
    if not failed and all(len(member.events) for member in members):
        events = composed(objective, {member.objective: member.events for member in members}, span, slice_ms)
    newest = [member.newest_ms for member in members if member.newest_ms is not None]
    return Counts(
        objective=objective.id,
        span=span,
        slice_ms=slice_ms,
        events=events,
        method=least_exact(member.method for member in members),
        failure=worst(list(failed.values())) if failed else None,
        warnings=(f"{objective.id} is not judged: it is made of {', '.join(failed)} too.",) if failed else (),
        newest_ms=max(newest, default=None),
        queries=tuple(dict.fromkeys(query for member in members for query in member.queries)),
        engines=tuple(sorted({engine for member in members for engine in member.engines})),
        members=tuple(members),
    )
