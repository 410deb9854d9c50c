"""What to know when a role is forecast against its limit."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RoleCapacity(BaseModel):
    """Terms of a limit that no metric tells.

    ``window`` and ``zone`` say when a budget begins anew, ``lead_days`` how long people need to act, ``hold_hours`` how
    long a limit must be reached in a row, ``limit`` a limit that no metric holds, in the unit of the role. ``signal``
    is false where being full says nothing, as of a cache that fills by design.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: Literal["month", "24h", "7d", "30d"] | None = None
    zone: str = "UTC"
    lead_days: float | None = Field(default=None, gt=0, le=365)
    hold_hours: int | None = Field(default=None, ge=1, le=168)
    limit: float | None = Field(default=None, gt=0)
    signal: bool = True
