"""Composite objectives: the counts of several indicators made one objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.events import slice_events
from workbench.analysis.counting.history import Events, History, histories
from workbench.analysis.slo.attribution import LabelledCounts
from workbench.analysis.slo.objective import Goal
from workbench.analysis.slo.verdict import Verdict, judge
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

Budgeting = Literal["occurrences", "timeslices", "ratio_timeslices"]
Weights = Literal["sum", "share"]
Floats = NDArray[np.float64]

#: The label that tells members apart where the spending of a composite is shared out.
MEMBER = "member"

_FIGURES = ("target", "status", "sli", "bad", "total", "coverage")


@dataclass(frozen=True)
class Member:
    """What one member of a composite is called, what it weighs, and what it has as its own target."""

    name: str
    title: str
    weight: Decimal
    target: Decimal


@dataclass(frozen=True)
class Composite:
    """Members of a composite in the order of its document, and what their weights mean."""

    members: tuple[Member, ...]
    weights: Weights = "sum"


def member_id(objective: str, member: str) -> str:
    """Name a member as an objective; no objective of a catalog has a slash in its name."""
    return f"{objective}/{member}"


@dataclass(frozen=True, eq=False, repr=False)
class CompositeMembers(Result):
    """What each composite objective is made of; one row per member, in the order of the document.

    Columns of ``frame``:

    ================== ====================================================================================
    objective          the composite (str)
    member, title      identity and title of the member (str)
    weight             as the document gives it [x]
    target, status     of the member by itself
    sli                good / total of the member [ratio]
    bad, total         its counts [events or slices]
    coverage           observed share of the elapsed slices [ratio]
    spent_share        part of the composite's bad ones that came through it; NaN where they cannot be shared out,
                       as a slice of Timeslices that several members spoil [ratio]
    ================== ====================================================================================
    """

    as_of: datetime


def composite_events(
    objective: str,
    members: Sequence[tuple[Decimal, Events]],
    span: TimeRange,
    *,
    slice_ms: int,
    budgeting: Budgeting,
    meaning: Weights = "sum",
) -> pd.DataFrame:
    """EVENTS of a composite objective from those of its members.

    Parameters
    ----------
    objective : str
        Identity of the composite.
    members : sequence of (Decimal, DataFrame or mapping of str to History)
        Weight and EVENTS of each member, counted in its own way of the same budgeting. [events/slice]
    span : TimeRange
        Elapsed part of the window, on slice edges.
    slice_ms : int
        [ms]
    budgeting : {"occurrences", "timeslices", "ratio_timeslices"}
        Whether events or slices of time are counted.
    meaning : {"sum", "share"}
        Of the weights of RatioTimeslices.

    Returns
    -------
    DataFrame
        ``covered`` is the least of the members'.

    Notes
    -----
    Occurrences: one pool, in which an event of a member counts as often as its weight says; a bad one burns as much.
    Timeslices: a slice is bad when any member is bad in it, whatever the weights. RatioTimeslices: a slice is
    1 - sum w (1 - m) good over the shares m of its members (OpenSLO, ``sum``), but never worse than all bad; or
    sum w m / sum w (Nobl9, ``share``). A member without events in a slice has no say in it.

    Examples
    --------
    >>> seen = {"total": np.ones(1), "covered": np.ones(1)}
    >>> pair = [(Decimal(1), slice_events(name, [0, 300_000], good=np.array([0.95]), **seen)) for name in "ab"]
    >>> day = TimeRange.from_ms(0, 300_000)
    >>> made = composite_events("both", pair, day, slice_ms=300_000, budgeting="ratio_timeslices")
    >>> round(made["good"].item(), 12)
    0.9
    """
    weights, shares = _members(members, span, slice_ms)
    good, total = _combined(weights, shares, budgeting, meaning)
    bounds = None
    if any(share.low is not None for share in shares):
        low, high = zip(*(share.bounds() for share in shares), strict=True)
        bounds = _combined(weights, low, budgeting, meaning)[0], _combined(weights, high, budgeting, meaning)[0]
    covered = np.min([share.covered for share in shares], axis=0).astype(np.float64)
    return slice_events(objective, span.edges_ms(slice_ms), good=good, total=total, covered=covered, bounds=bounds)


def member_counts(
    members: Mapping[str, tuple[Decimal, Events]],
    span: TimeRange,
    *,
    slice_ms: int,
    budgeting: Budgeting,
    meaning: Weights = "sum",
) -> LabelledCounts | None:
    """Bad ones of a composite by member, adding up to those of :func:`composite_events`.

    Returns
    -------
    LabelledCounts or None
        With the label ``member``; None for Timeslices, where several members may spoil one slice.
    """
    if budgeting == "timeslices":
        return None
    weights, shares = _members(list(members.values()), span, slice_ms)
    good, total = _combined(weights, shares, budgeting, meaning)
    bad = np.array([weight * (member.total - member.good) for weight, member in zip(weights, shares, strict=True)])
    if budgeting == "ratio_timeslices":
        active = np.array([share.total > 0 for share in shares])
        bad = np.array([weight * _lost(member) for weight, member in zip(weights, shares, strict=True)])
        if meaning == "share":
            present = (np.asarray(weights)[:, None] * active).sum(axis=0)
            bad /= np.where(present > 0, present, 1.0)
        summed = bad.sum(axis=0)
        bad *= np.divide(total - good, summed, out=np.zeros(len(summed)), where=summed > 0)
    labels = tuple({MEMBER: name} for name in members)
    counted = np.array([weight * member.total for weight, member in zip(weights, shares, strict=True)])
    return LabelledCounts(span.start_ms, slice_ms, labels, counted, labels, bad, "bad")


def judged_members(composites: Mapping[str, Composite], verdict: Verdict) -> CompositeMembers:
    """Judge each member of each composite by itself, less what is excluded for the composite.

    Parameters
    ----------
    composites : mapping of str to Composite
        What composites are made of, by objective.
    verdict : Verdict
        On the composites; other objectives in it are passed over.
    """
    rows = []
    for goal in verdict.bound:
        composite = composites.get(goal.objective)
        if composite is None:
            continue
        excluded = verdict.exclusions.get(goal.objective, ())
        members = {member_id(goal.objective, member.name): member for member in composite.members}
        alone = [
            replace(goal, objective=name, title=member.title, target=member.target) for name, member in members.items()
        ]
        counts = verdict.counts[goal.objective].members if goal.objective in verdict.counts else ()
        judged = judge(counts, alone, dict.fromkeys(members, excluded), as_of=verdict.as_of)
        shares = _spent_shares(composite, judged, goal)
        lines = judged.compliance.frame.to_dict("records")
        for member, line, share in zip(members.values(), lines, shares, strict=True):
            figures = (line[figure] for figure in _FIGURES)
            rows.append((goal.objective, member.name, member.title, float(member.weight), *figures, share))
    columns = ["objective", "member", "title", "weight", *_FIGURES, "spent_share"]
    return CompositeMembers(pd.DataFrame(rows, columns=columns), as_of=verdict.as_of)


def _spent_shares(composite: Composite, judged: Verdict, goal: Goal) -> Floats:
    """Share of the composite's bad ones that came through each member; NaN where it cannot be told."""
    unknown = np.full(len(composite.members), np.nan)
    if any(part.failure is not None for part in judged.counts.values()) or len(judged.counts) < len(unknown):
        return unknown
    pairs = {}
    for member in composite.members:
        name = member_id(goal.objective, member.name)
        pairs[member.name] = (member.weight, {name: judged.history.get(name, History.empty())})
    counts = member_counts(
        pairs,
        goal.elapsed(judged.as_of),
        slice_ms=goal.slice_ms,
        budgeting=goal.budgeting,
        meaning=composite.weights,
    )
    bad: Floats = unknown if counts is None else counts.part.sum(axis=1)
    return bad / bad.sum() if np.nansum(bad) else unknown


def _members(
    members: Sequence[tuple[Decimal, Events]], span: TimeRange, slice_ms: int
) -> tuple[list[float], list[History]]:
    counted = [next(iter(histories(events).values()), History.empty()) for _, events in members]
    return [float(weight) for weight, _ in members], [member.regular(span, slice_ms) for member in counted]


def _combined(
    weights: Sequence[float], members: Sequence[History], budgeting: Budgeting, meaning: Weights
) -> tuple[Floats, Floats]:
    if budgeting == "occurrences":
        pairs = list(zip(weights, members, strict=True))
        pools = np.array([[weight * counts.good, weight * counts.total] for weight, counts in pairs])
        return pools[:, 0].sum(axis=0), pools[:, 1].sum(axis=0)
    active = np.array([member.total > 0 for member in members])
    total = np.asarray(active.any(axis=0), np.float64)
    if budgeting == "timeslices":
        bad = np.array([member.good < member.total for member in members]).any(axis=0)
        return np.where(bad, 0.0, total), total
    lost: Floats = np.array([weight * _lost(member) for weight, member in zip(weights, members, strict=True)]).sum(
        axis=0
    )
    if meaning == "share":
        present = (np.asarray(weights)[:, None] * active).sum(axis=0)
        lost = lost / np.where(present > 0, present, 1.0)
    return np.maximum(0.0, total - lost), total


def _lost(member: History) -> Floats:
    """Share that was bad of each slice; 0 without events."""
    active = member.total > 0
    return np.divide(member.total - member.good, member.total, out=np.zeros(len(member)), where=active)
