"""Composite objectives measured: each member by itself, then all as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from workbench.analysis.slo.attribution import LabelledCounts
from workbench.analysis.slo.composite import Composite, Member, composite_events, member_counts, member_id
from workbench.catalog import CompositeIndicator, Objective
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
