"""What to know when a role is forecast against its limit, or judged against a reference."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

#: Fewest days of a frozen reference. [d]
LEAST_REFERENCE = 21


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


class FrozenReference(BaseModel):
    """Days that a score is compared with whatever the day: ``first`` to ``last``, both whole, in the settings' zone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: date
    last: date
    name: str = ""

    @model_validator(mode="after")
    def _holds_three_weeks(self) -> Self:
        days = (self.last - self.first).days + 1
        if days < LEAST_REFERENCE:
            raise PydanticCustomError(
                "short_reference", "a reference has {least} days or more, this one {days}",
                {"least": LEAST_REFERENCE, "days": max(days, 0), "at": "last"},
            )  # fmt: skip
        return self
