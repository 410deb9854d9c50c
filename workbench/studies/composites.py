"""Composite objectives measured: each member by itself, then all as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.attribution import LabelledCounts
from workbench.analysis.composite import CompositeMembers, composite_events, member_counts
from workbench.analysis.events import joined_events
from workbench.analysis.exclusions import Exclusion, without_excluded
from workbench.analysis.promise import Promise
from workbench.analysis.slo import compliance
from workbench.catalog import CompositeIndicator, Objective
from workbench.core.result import Status
from workbench.core.timerange import TimeRange

_FIGURES = ("target", "status", "sli", "bad", "total", "coverage")


def member_id(objective: str, member: str) -> str:
    """Name a member as an objective; no objective of a catalog has a slash in its name."""
    return f"{objective}/{member}"


def members_of(objective: Objective) -> tuple[Objective, ...]:
    """Return what is measured for an objective: the members of a composite, else the objective itself."""
    if not isinstance(objective.indicator, CompositeIndicator):
        return (objective,)
    return tuple(
        replace(
            objective,
            id=member_id(objective.id, one.name),
            title=one.title,
            target=one.target,
            indicator=one.indicator,
            slice_target=one.slice_target,
        )
        for one in objective.indicator.members
    )


def composed(objective: Objective, members: Mapping[str, pd.DataFrame], span: TimeRange, slice_ms: int) -> pd.DataFrame:
    """EVENTS of a composite from those of its members, by their ids."""
    assert isinstance(objective.indicator, CompositeIndicator)
    return composite_events(
        objective.id,
        [
            (one.weight, members[member_id(objective.id, one.name)])
            for one in objective.indicator.members
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
            one.name: (one.weight, members[member_id(objective.id, one.name)])
            for one in objective.indicator.members
        },
        span,
        slice_ms=slice_ms,
        budgeting=objective.method,
        meaning=objective.indicator.weights,
    )  # fmt: skip


def judged_members(
    objectives: Sequence[Objective],
    promises: Sequence[Promise],
    members: Mapping[str, Mapping[str, pd.DataFrame]],
    exclusions: Mapping[str, Sequence[Exclusion]],
    failed: Mapping[str, Status],
    *,
    as_of: datetime,
) -> CompositeMembers:
    """Judge each member of each composite by itself, less what is excluded for the composite.

    Parameters
    ----------
    objectives : sequence of Objective
    promises : sequence of Promise
        Of the objectives, in their order.
    members : mapping
        EVENTS by composite, then by member id.
    exclusions : mapping of str to sequence of Exclusion
        By objective.
    failed : mapping of str to Status
        What could not be measured, composites and members.
    as_of : datetime
    """
    rows = []
    for objective, promise in zip(objectives, promises, strict=True):
        if not isinstance(objective.indicator, CompositeIndicator):
            continue
        agreed = exclusions.get(objective.id, ())
        counted: dict[str, pd.DataFrame] = {}
        own = {one.id: replace(promise, objective=one.id, title=one.title, target=one.target)
               for one in members_of(objective)}  # fmt: skip
        for name, events in members.get(objective.id, {}).items():
            counted[name], (own[name],) = without_excluded(events, [own[name]], {name: agreed})
        shares = _shares(objective, counted, promise, as_of)
        for place, one in enumerate(objective.indicator.members):
            name = member_id(objective.id, one.name)
            told = compliance(counted.get(name, joined_events([])), [own[name]], as_of=as_of, unanswered=failed)
            (row,) = told.frame.to_dict("records")
            rows.append(
                (objective.id, one.name, one.title, float(one.weight), *(row[key] for key in _FIGURES), shares[place])
            )
    columns = ["objective", "member", "title", "weight", *_FIGURES, "spent_share"]
    return CompositeMembers(pd.DataFrame(rows, columns=columns), as_of=as_of)


def _shares(
    objective: Objective, members: Mapping[str, pd.DataFrame], promise: Promise, as_of: datetime
) -> NDArray[np.float64]:
    """Share of the composite's bad ones that came through each member."""
    own = members_of(objective)
    unknown = np.full(len(own), np.nan)
    if len(members) < len(own):
        return unknown
    counts = counts_by_member(objective, members, promise.elapsed(as_of), promise.slice_ms)
    bad = unknown if counts is None else counts.part.sum(axis=1)
    return bad / bad.sum() if np.nansum(bad) else unknown
