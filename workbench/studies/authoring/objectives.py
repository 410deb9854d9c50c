"""Starter objectives of a system that has none, from the counters of requests and failures in its profile."""

from __future__ import annotations

from workbench.catalog import Profile, Role
from workbench.catalog.draft.families import Family
from workbench.catalog.draft.roles import DraftRole
from workbench.catalog.draft.text import objective_text
from workbench.core.errors import ParameterError
from workbench.studies.sources.context import Context


def draft_objectives(ctx: Context, *, system: str) -> str:
    """Return OpenSLO documents, one for each counter of requests whose failures are counted.

    Raises
    ------
    ParameterError
        Unknown system, or its profile has no such pair.
    """
    profile = ctx.catalog.profile(system)
    texts = [
        objective_text(system, _drafted(name, role), _drafted(failed, profile.roles[failed]))
        for word in ("requests", "tasks")
        for name, role in profile.variants(word).items()
        if role.kind == "counter" and not role.view_of and (failed := _failures(profile, name)) in profile.roles
    ]
    if not texts:
        raise ParameterError(
            f"The profile of {system} has no counter of requests with one of their failures.",
            hint=f"Add the roles requests and errors to {profile.file or 'its profile'}; see docs/profiles.md.",
        )
    return "---\n".join(texts)


def _failures(profile: Profile, name: str) -> str:
    word, _, variant = name.partition(".")
    suffix = variant or ("" if word == "requests" else word)
    return f"errors.{suffix}" if suffix else "errors"


def _drafted(name: str, role: Role) -> DraftRole:
    return DraftRole(name, (Family(role.metric, "counter"),), role.kind, role.select, role.unit, title=role.title)
