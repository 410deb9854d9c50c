"""Definitions of objectives: their fingerprints, and since when each has held."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from workbench.catalog import Objective
from workbench.catalog.openslo_export import openslo_document
from workbench.core.result import jsonable
from workbench.store import Definition
from workbench.studies.context import Context


def definition_of(objective: Objective) -> dict[str, Any]:
    """Return what a promise says, as plain JSON values of an OpenSLO document."""
    document: dict[str, Any] = jsonable(openslo_document(objective))
    return document


def revision_of(objective: Objective) -> str:
    """Fingerprint of a definition: it changes with the target, the window, the queries and the way of budgeting."""
    document = definition_of(objective)
    promised = {"spec": {name: value for name, value in document["spec"].items() if name != "description"}}
    return hashlib.sha256(json.dumps(promised, sort_keys=True).encode()).hexdigest()


def note_definitions(ctx: Context, system: str, *, at: datetime) -> tuple[str, ...]:
    """Write down how the objectives of a system are defined now; returns those that changed."""
    objectives: Sequence[Objective] = ctx.catalog.objectives.get(system, ())
    if ctx.store is None:
        return ()
    changed = [
        one.id
        for one in objectives
        if ctx.store.note_definition(
            Definition(system, one.id, at, revision_of(one), definition_of(one)), who=ctx.identity
        )
    ]
    return tuple(changed)
