"""Definitions of objectives: their fingerprints, and since when each has held."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from workbench.catalog import Objective
from workbench.catalog.slo.documents import objectives_of, read_object
from workbench.catalog.slo.export import openslo_document
from workbench.catalog.yaml_lines import Document
from workbench.core.errors import ArchiveError, CatalogError, Fault
from workbench.core.result import jsonable
from workbench.core.timerange import TimeRange, duration_text
from workbench.store import Definition
from workbench.studies.sources.context import Context


def definition_of(objective: Objective) -> dict[str, Any]:
    """Return what an objective says, as plain JSON values of an OpenSLO document."""
    document: dict[str, Any] = jsonable(openslo_document(objective))
    return document


def revision_of(objective: Objective) -> str:
    """Fingerprint of a definition: it changes with the target, the window, the queries and the way of budgeting."""
    document = definition_of(objective)
    facts = {"spec": {name: value for name, value in document["spec"].items() if name != "description"}}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def note_definitions(ctx: Context, system: str, *, at: datetime) -> tuple[str, ...]:
    """Write down how the objectives of a system are defined now; returns those that changed."""
    objectives: Sequence[Objective] = ctx.catalog.objectives.get(system, ())
    if ctx.store is None:
        return ()
    changed = [
        objective.id
        for objective in objectives
        if ctx.store.note_definition(
            Definition(system, objective.id, at, revision_of(objective), definition_of(objective)),
            who=ctx.identity.name,
        )
    ]
    return tuple(changed)


def promised_rows(ctx: Context, *, system: str | None = None) -> list[dict[str, str]]:
    """Return the definitions of objectives as rows of text; of all systems, or of one.

    Raises
    ------
    ParameterError
        Unknown system.
    """
    if system is not None:
        ctx.catalog.profile(system)
    return [
        {
            "system": name,
            "objective": objective.id,
            "title": objective.title,
            "target": f"{(100 * objective.target).normalize():f} %",
            "window": duration_text(objective.window_ms) if objective.window_ms else _calendar_text(objective),
            "budgeting": objective.method,
            "slices": duration_text(objective.slice_ms) if objective.slice_ms else "",
            "derived": "yes" if objective.derived else "",
            "definition": revision_of(objective)[:12],
            "place": f"{objective.file}:{objective.line}",
        }
        for name in ([system] if system is not None else ctx.systems)
        for objective in ctx.catalog.objectives.get(name, ())
    ]


def _calendar_text(objective: Objective) -> str:
    calendar = objective.calendar
    return "" if calendar is None else f"{calendar.count} {calendar.unit}, {calendar.zone}"


@dataclass(frozen=True)
class Part:
    """A part of a period in which one definition held; ``before`` is the definition it replaced, if in this period."""

    objective: Objective
    revision: str
    span: TimeRange
    before: Objective | None = None


@dataclass(frozen=True)
class Changes:
    """Parts by objective, for those whose definition changed within their period."""

    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)


def definition_changes(ctx: Context, objectives: Sequence[Objective], spans: Mapping[str, TimeRange]) -> Changes:
    """Return the parts into which changes of definition split the period of each objective.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    objectives : sequence of Objective
        As they are defined now.
    spans : mapping of str to TimeRange
        Elapsed part of the period of each.
    """
    changes: dict[str, tuple[Part, ...]] = {}
    if ctx.store is None:
        return Changes()
    for objective in objectives:
        span = spans[objective.id]
        try:
            known = ctx.store.definitions(objective.system, objective.id)
        except ArchiveError:
            return Changes()  # said already where exclusions are read
        inside = [definition for definition in known[1:] if span.start < definition.since < span.end]
        if not inside:
            continue
        first = known[known.index(inside[0]) - 1]
        edges = [span.start, *(definition.since for definition in inside), span.end]
        meant = [defined_by(definition, objective) for definition in (first, *inside)]
        changes[objective.id] = tuple(
            Part(own, definition.revision, TimeRange(begin, end), before)
            for own, before, definition, (begin, end) in zip(
                meant, (None, *meant[:-1]), (first, *inside), pairwise(edges), strict=True
            )
        )
    return Changes(changes)


def defined_by(definition: Definition, now: Objective) -> Objective:
    """Return an objective as a definition of the store says it.

    Raises
    ------
    CatalogError
        The document of the store is no OpenSLO.
    """
    if definition.revision == revision_of(now):
        return now
    faults: list[Fault] = []
    document = Document("the store", definition.document, {}, ())
    read = objectives_of([read_object(document)], [definition.system], faults)
    if faults:
        raise CatalogError(tuple(faults))
    return replace(read[definition.system][0], id=now.id)


def change_text(part: Part) -> str:
    """Say in words what a change of definition changed."""
    now, before = part.objective, part.before
    if before is None:
        return ""
    phrase = [f"target {100 * before.target:f} % to {100 * now.target:f} %"] if before.target != now.target else []
    phrase += ["queries"] if before.indicator != now.indicator else []
    phrase += ["window"] if (before.window_ms, before.calendar) != (now.window_ms, now.calendar) else []
    budgeting = [(definition.method, definition.slice_ms, definition.slice_target) for definition in (before, now)]
    phrase += ["budgeting"] if budgeting[0] != budgeting[1] else []
    return f"Definition changed: {', '.join(phrase) or 'words'}"
