"""Decisions taken back: with a role, a reason and a line of the audit trail; they stay in the store."""

from __future__ import annotations

from workbench.core.errors import ParameterError
from workbench.store import Annotation, ExclusionRecord
from workbench.studies.decisions.exclusions import written
from workbench.studies.sources.context import Context


def revoke_exclusion(ctx: Context, *, id: str, why: str, seen: int | None = None) -> ExclusionRecord:
    """Take an exclusion back, so that it counts no more.

    Parameters
    ----------
    ctx : Context
        With a store; ``identity`` is who takes it back.
    id : str
        Id of the exclusion.
    why : str
        Reason of the withdrawal.
    seen : int, optional
        What :meth:`workbench.store.Store.newest_change` gave when the writer last looked.

    Raises
    ------
    ParameterError
        There is none of the id, it was revoked before, or no reason is given.
    AccessRefused
        The identity is no editor of its system.
    ChangedMeanwhile
        Somebody changed something of the system since ``seen``.
    """
    store = written(ctx)
    _may_revoke(ctx, store.decided_system("exclusion", id), why)
    return store.revoke_exclusion(id, at=ctx.clock(), who=ctx.identity.name, why=why.strip(), seen=seen)


def revoke_annotation(ctx: Context, *, id: str, why: str, seen: int | None = None) -> Annotation:
    """Take an annotation, or an acceptance of a level, back: as :func:`revoke_exclusion`."""
    store = written(ctx)
    _may_revoke(ctx, store.decided_system("annotation", id), why)
    return store.revoke_annotation(id, at=ctx.clock(), who=ctx.identity.name, why=why.strip(), seen=seen)


def _may_revoke(ctx: Context, system: str, why: str) -> None:
    if not why.strip():
        raise ParameterError("A decision is taken back for a reason.", hint="Say why.")
    if system:  # without one the store says that there is none
        ctx.identity.require("editor", system)
