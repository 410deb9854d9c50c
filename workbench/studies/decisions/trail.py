"""The audit trail, for who may see it."""

from __future__ import annotations

from datetime import datetime

from workbench.store import AuditEntry
from workbench.studies.decisions.exclusions import written
from workbench.studies.sources.context import Context


def audit_trail(
    ctx: Context,
    *,
    system: str | None = None,
    who: str | None = None,
    since: datetime | None = None,
    limit: int = 1000,
) -> list[AuditEntry]:
    """Return who decided what, newest first.

    Parameters
    ----------
    ctx : Context
        With a store.
    system : str, optional
        One system; all of them ask for the role admin.
    who : str, optional
        One person.
    since : datetime, optional
        Aware instant.
    limit : int
        Entries at most. [count]

    Raises
    ------
    ParameterError
        Unknown system.
    AccessRefused
        The identity may not see the system, or not all systems.
    """
    if system is None:
        ctx.identity.require("admin")
    else:
        ctx.catalog.profile(system)
    return written(ctx).audit(system, who=who, since=since, limit=limit)
