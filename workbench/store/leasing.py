"""Whether the one who holds a lease still does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from workbench.core.processes import boot_seconds, read_process
from workbench.core.timerange import to_ms


def holds(held: Row[Any], now: datetime, lasts: timedelta) -> bool:
    """Whether the ``holder`` of a row with ``until_ms`` and ``renewed_s`` still holds it.

    Of a process of this host it is known whether it lives, and by the seconds since the boot when it last renewed: no
    clock that is set counts. Another one loses the lease at its end, or when that end is so far ahead that the clock
    must have gone back.
    """
    process = read_process(held.holder.rpartition("/")[0])
    lives = process.lives() if process is not None else None
    if lives is not None:
        return lives and bool(boot_seconds() - held.renewed_s < lasts.total_seconds())
    return bool(to_ms(now) < held.until_ms <= to_ms(now + lasts))


def leased(holder: str, now: datetime, lasts: timedelta) -> dict[str, Any]:
    """Values of the columns of a lease that begins now."""
    return {"holder": holder, "until_ms": to_ms(now + lasts), "renewed_s": boot_seconds()}


#: Values of the columns of a row at which nobody works.
FREE: dict[str, Any] = {"holder": "", "until_ms": 0, "renewed_s": 0.0}
