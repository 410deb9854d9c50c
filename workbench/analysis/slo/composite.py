"""Composite objectives: the counts of several indicators made one promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.events import joined_events, slice_events
from workbench.analysis.counting.history import History, histories
from workbench.analysis.slo.attribution import LabelledCounts
from workbench.analysis.slo.compliance import compliance
from workbench.analysis.slo.exclusions import Exclusion, without_excluded
from workbench.analysis.slo.objective import Promise
from workbench.core.result import Result, Status
from workbench.core.timerange import TimeRange

Budgeting = Literal["occurrences", "timeslices", "ratio_timeslices"]
Weights = Literal["sum", "share"]
Floats = NDArray[np.float64]

#: The label that tells members apart where the spending of a composite is shared out.
MEMBER = "member"

_FIGURES = ("target", "status", "sli", "bad", "total", "coverage")


@dataclass(frozen=True)
class Member:
    """What one member of a composite is called, what it weighs, and what it would promise by itself."""

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
    """What each composite promise is made of; one row per member, in the order of the document.

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
    members: Sequence[tuple[Decimal, pd.DataFrame]],
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
    members : sequence of (Decimal, DataFrame)
        Weight and EVENTS of each member, counted in its own way of the same budgeting. [events/slice]
    span : TimeRange
        Elapsed part of the window, on slice edges.
    slice_ms : int
        [ms]
    budgeting : {"occurrences", "timeslices", "ratio_timeslices"}
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
    covered = np.min([one.covered for one in shares], axis=0)
    return slice_events(objective, span.edges_ms(slice_ms), good=good, total=total, covered=covered)


def member_counts(
    members: Mapping[str, tuple[Decimal, pd.DataFrame]],
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
    bad = np.array([weight * (one.total - one.good) for weight, one in zip(weights, shares, strict=True)])
    if budgeting == "ratio_timeslices":
        happened = np.array([one.total > 0 for one in shares])
        bad = np.array([weight * _lost(one) for weight, one in zip(weights, shares, strict=True)])
        if meaning == "share":
            present = (np.asarray(weights)[:, None] * happened).sum(axis=0)
            bad /= np.where(present > 0, present, 1.0)
        summed = bad.sum(axis=0)
        bad *= np.divide(total - good, summed, out=np.zeros(len(summed)), where=summed > 0)
    labels = tuple({MEMBER: name} for name in members)
    counted = np.array([weight * one.total for weight, one in zip(weights, shares, strict=True)])
    return LabelledCounts(span.start_ms, slice_ms, labels, counted, labels, bad, "bad")


def judged_members(
    composites: Mapping[str, Composite],
    promises: Sequence[Promise],
    events: Mapping[str, pd.DataFrame],
    exclusions: Mapping[str, Sequence[Exclusion]],
    unanswered: Mapping[str, Status],
    *,
    as_of: datetime,
) -> CompositeMembers:
    """Judge each member of each composite by itself, less what is excluded for the composite.

    Parameters
    ----------
    composites : mapping of str to Composite
        By objective.
    promises : sequence of Promise
        Of the composites; others are passed over.
    events : mapping of str to DataFrame
        EVENTS of what could be measured, by :func:`member_id`. [events/slice]
    exclusions : mapping of str to sequence of Exclusion
        By objective.
    unanswered : mapping of str to Status
        What could not be measured, by objective and :func:`member_id`.
    as_of : datetime
    """
    rows = []
    for promise in promises:
        composite = composites.get(promise.objective)
        if composite is None:
            continue
        agreed, counted = exclusions.get(promise.objective, ()), dict[str, pd.DataFrame]()
        own = {member_id(promise.objective, one.name): one for one in composite.members}
        alone = {
            name: replace(promise, objective=name, title=one.title, target=one.target) for name, one in own.items()
        }
        for name in own:
            if name in events:
                counted[name], (alone[name],) = without_excluded(events[name], [alone[name]], {name: agreed})
        shares = _spent_shares(composite, counted, promise, as_of)
        for (name, one), share in zip(own.items(), shares, strict=True):
            told = compliance(
                counted.get(name, joined_events([])), [alone[name]], as_of=as_of, unanswered=unanswered
            )  # fmt: skip
            (row,) = told.frame.to_dict("records")
            figures = (row[figure] for figure in _FIGURES)
            rows.append((promise.objective, one.name, one.title, float(one.weight), *figures, share))
    columns = ["objective", "member", "title", "weight", *_FIGURES, "spent_share"]
    return CompositeMembers(pd.DataFrame(rows, columns=columns), as_of=as_of)


def _spent_shares(
    composite: Composite, events: Mapping[str, pd.DataFrame], promise: Promise, as_of: datetime
) -> Floats:
    """Share of the composite's bad ones that came through each member; NaN where it cannot be told."""
    unknown = np.full(len(composite.members), np.nan)
    if len(events) < len(composite.members):
        return unknown
    pairs = {
        one.name: (one.weight, events[member_id(promise.objective, one.name)]) for one in composite.members
    }  # fmt: skip
    counts = member_counts(
        pairs,
        promise.elapsed(as_of),
        slice_ms=promise.slice_ms,
        budgeting=promise.budgeting,
        meaning=composite.weights,
    )
    bad: Floats = unknown if counts is None else counts.part.sum(axis=1)
    return bad / bad.sum() if np.nansum(bad) else unknown


def _members(
    members: Sequence[tuple[Decimal, pd.DataFrame]], span: TimeRange, slice_ms: int
) -> tuple[list[float], list[History]]:
    counted = [next(iter(histories(events).values()), History.empty()) for _, events in members]
    return [float(weight) for weight, _ in members], [one.regular(span, slice_ms) for one in counted]


def _combined(
    weights: Sequence[float], members: Sequence[History], budgeting: Budgeting, meaning: Weights
) -> tuple[Floats, Floats]:
    if budgeting == "occurrences":
        pairs = list(zip(weights, members, strict=True))
        pools = np.array([[weight * one.good, weight * one.total] for weight, one in pairs])
        return pools[:, 0].sum(axis=0), pools[:, 1].sum(axis=0)
    happened = np.array([one.total > 0 for one in members])
    total = np.asarray(happened.any(axis=0), np.float64)
    if budgeting == "timeslices":
        bad = np.array([one.good < one.total for one in members]).any(axis=0)
        return np.where(bad, 0.0, total), total
    lost: Floats = np.array([weight * _lost(one) for weight, one in zip(weights, members, strict=True)]).sum(axis=0)
    if meaning == "share":
        present = (np.asarray(weights)[:, None] * happened).sum(axis=0)
        lost = lost / np.where(present > 0, present, 1.0)
    return np.maximum(0.0, total - lost), total


def _lost(member: History) -> Floats:
    """Share that was bad of each slice; 0 without events."""
    happened = member.total > 0
    return np.divide(member.total - member.good, member.total, out=np.zeros(len(member)), where=happened)
