"""What if: more customers, more tokens per request, a node less, another limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from workbench.analysis.capacity.level import Level
from workbench.analysis.capacity.levels import CapacityLimits, capacity
from workbench.analysis.forecast.growth import accumulates
from workbench.core.errors import ParameterError
from workbench.core.result import Result

_COMPARED = ("status", "value", "at_lead", "at_horizon", "reached_at")


@dataclass(frozen=True)
class Change:
    """What is assumed to be different from now on.

    Attributes
    ----------
    demand : float
        More customers or requests; -0.1 for a tenth less. [ratio]
    per_request : float
        More tokens, bytes or time for each. [ratio]
    nodes, lost : int
        Nodes that carry the load now, and those of them that are gone. [count]
    limit : float or None
        Factor on every limit. [ratio]
    resource : str
        Only levels whose resource or title holds this text; all by default.
    """

    demand: float = 0.0
    per_request: float = 0.0
    nodes: int = 1
    lost: int = 0
    limit: float | None = None
    resource: str = ""

    def __post_init__(self) -> None:
        if self.demand <= -1 or self.per_request <= -1:
            raise ParameterError("Demand cannot fall by 100 % or more.", hint="Give a change above -100 %.")
        if not 0 <= self.lost < self.nodes:
            raise ParameterError(
                f"{self.lost} of {self.nodes} nodes cannot be lost.", hint="Leave at least one: --nodes 4 --lose 1."
            )
        if self.limit is not None and self.limit <= 0:
            raise ParameterError(f"A limit times {self.limit:g} is no limit.", hint="Give a factor above 0.")

    @property
    def use(self) -> float:
        """Factor on the use of each resource that is left. [ratio]"""
        return (1 + self.demand) * (1 + self.per_request) * self.nodes / (self.nodes - self.lost)


@dataclass(frozen=True, eq=False, repr=False)
class CapacityWhatIf(Result):
    """Each limit as it is and as it would be; one row per limit that the change touches, the highest risk first.

    Columns of ``frame``: ``resource``, ``title``, ``series``, ``limit``, ``unit``, ``lead_days`` as in
    :class:`~workbench.analysis.capacity.levels.CapacityLimits`, and with ``_before`` and ``_after`` behind their name
    ``status``, ``value``, ``at_lead``, ``at_horizon`` and ``reached_at``.
    """

    as_of: datetime
    horizon_days: int


def capacity_what_if(
    levels: Sequence[Level], change: Change, limits: CapacityLimits, *, as_of: datetime, horizon_days: int
) -> CapacityWhatIf:
    """Forecast the levels as they would be, and put each limit beside what it is.

    Parameters
    ----------
    levels : sequence of Level
        All end at ``as_of``.
    change : Change
        What is assumed to change.
    limits : CapacityLimits
        Of the levels as they are.
    as_of : datetime
        Aware instant.
    horizon_days : int
        How far ahead. [d]

    Raises
    ------
    ParameterError
        No level has a resource or title of that name.

    Notes
    -----
    The use of a load is multiplied over its whole history, so that its season and spread grow with it. Of what
    accumulates the growth is multiplied and the present level stays. A limit is multiplied where it is.
    """
    text = change.resource.lower()
    chosen = [level for level in levels if text in level.resource.lower() or text in level.title.lower()]
    if levels and not chosen:
        known = ", ".join(sorted({level.resource for level in levels}))
        raise ParameterError(f"No level is called {change.resource!r}.", hint=f"Known: {known}.")
    after, _ = capacity([changed(level, change) for level in chosen], as_of=as_of, horizon_days=horizon_days)
    keys = ["resource", "series", "limit"]
    shown = [*keys, "title", "unit", "lead_days", *_COMPARED]
    both = limits.frame[shown].merge(after.frame[[*keys, *_COMPARED]], on=keys, suffixes=("_before", "_after"))
    order = both.sort_values(["at_lead_after", "at_horizon_after"], ascending=False, kind="stable")
    return CapacityWhatIf(order.reset_index(drop=True), as_of=as_of, horizon_days=horizon_days)


def changed(level: Level, change: Change) -> Level:
    """Return a level as it would have been.

    Examples
    --------
    >>> level = Level("cpu", "CPU", "a", "ratio", np.tile([0.2, 0.4], 24), ())
    >>> float(changed(level, Change(demand=0.5)).hourly.max().round(6))
    0.6
    """
    known = level.hourly[np.isfinite(level.hourly)]
    limits = tuple(
        replace(limit, value=limit.value * (change.limit or 1.0), changes=()) if change.limit else limit
        for limit in level.limits
    )
    if not len(known):
        return replace(level, limits=limits)
    stores = level.accumulates or (level.accumulates is None and not level.is_budget and accumulates(level.hourly))
    base = float(known[-1]) if stores else 0.0
    return replace(level, hourly=base + (level.hourly - base) * change.use, limits=limits)
