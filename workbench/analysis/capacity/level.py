"""The use of one resource up to now, and the limits it must not reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.forecast.cycles import BudgetWindow

Floats = NDArray[np.float64]

#: Time that people need to act, where a resource sets none. [d]
LEAD_DAYS = 14.0


@dataclass(frozen=True)
class CapacityLimit:
    """A limit of a level: what it is called, and where it stands on the scale of the level.

    Attributes
    ----------
    name : str
    value : float
        As it is now. [as the level]
    documented : bool
        Whether the document names it.
    changes : tuple of (datetime, float)
        When it will be another, aware instants, e.g. after an order is delivered. [as the level]
    """

    name: str
    value: float
    documented: bool = True
    changes: tuple[tuple[datetime, float], ...] = ()


@dataclass(frozen=True)
class Level:
    """Hourly use of one resource up to now.

    Attributes
    ----------
    resource, title, series : str
        Role or threshold of the profile, in words, and the labels.
    unit : str
        ``ratio`` for shares.
    hourly : float64 array
        Highest value of each hour, the last one at now; NaN is missing. [``unit``]
    limits : tuple of CapacityLimit
    accumulates : bool, optional
        Whether it is a store that fills; without a statement that is seen from the values.
    hold : int
        Hours in a row for which a limit must be reached. [h]
    lead_days : float
        Time that people need to act. [d]
    window : BudgetWindow, optional
        When a budget restarts.
    budget : bool, optional
        Whether it is one; by default where the resource is called so.
    signal : bool
        False where being full says nothing, as of a cache that fills by design.
    markers : tuple of datetime
        When something was deployed or configured.
    monthly_cost : Decimal, optional
        What the resource costs a month at its size of now. [``currency``/month]
    currency : str
    """

    resource: str
    title: str
    series: str
    unit: str
    hourly: Floats
    limits: tuple[CapacityLimit, ...]
    accumulates: bool | None = None
    hold: int = 1
    lead_days: float = LEAD_DAYS
    window: BudgetWindow | None = None
    budget: bool | None = None
    signal: bool = True
    markers: tuple[datetime, ...] = ()
    monthly_cost: Decimal | None = None
    currency: str = ""

    @property
    def is_budget(self) -> bool:
        """Whether the level is a budget, as stated or as its name says."""
        return self.resource.startswith("budget") if self.budget is None else self.budget
