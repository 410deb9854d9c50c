"""What to know when a role is forecast against its limit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LimitChange(BaseModel):
    """A change of a limit that is planned: from ``at`` on (a day, UTC) it is ``factor`` times that of now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: date
    factor: float = Field(gt=0)


class RoleCapacity(BaseModel):
    """Terms of a limit that no metric tells.

    ``window`` and ``zone`` say when a budget restarts, ``lead_days`` how long people need to act, ``hold_hours`` how
    long a limit must be reached in a row, ``limit`` a limit that no metric holds, in the unit of the role. ``signal``
    is false where being full says nothing, as of a cache that fills by design. ``limit_changes`` says from when on the
    limit is another, ``monthly_cost`` what the resource costs a month at its size of now, in ``currency``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: Literal["month", "24h", "7d", "30d"] | None = None
    zone: str = "UTC"
    lead_days: float | None = Field(default=None, gt=0, le=365)
    hold_hours: int | None = Field(default=None, ge=1, le=168)
    limit: float | None = Field(default=None, gt=0)
    signal: bool = True
    limit_changes: tuple[LimitChange, ...] = ()
    monthly_cost: Decimal | None = Field(default=None, gt=0)
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
