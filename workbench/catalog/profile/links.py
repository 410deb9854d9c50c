"""Names inside a profile that point at other entries: each must be there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from workbench.catalog.profile.containment import container_of, views_of
from workbench.catalog.profile.model import Profile
from workbench.catalog.profile.words import nearest
from workbench.catalog.slo.objective import Objective
from workbench.catalog.yaml_lines import Document, Place
from workbench.core.errors import Fault


def link_faults(profile: Profile, objectives: Iterable[Objective] | None, document: Document) -> list[Fault]:
    """Return a fault for each name that points at nothing, and for each name given twice.

    ``objectives`` is None when a user's own objectives replaced those the profile was written with: then the names of
    objectives are not checked.
    """
    faults = (*_twice(profile, document), *_metrics(profile, document), *_pointers(profile, objectives, document))
    return [replace(fault, id="catalog/link") for fault in faults]


def _twice(profile: Profile, document: Document) -> Iterator[Fault]:
    lists: dict[str, tuple[str, ...]] = {
        "queries": tuple(item.name for item in profile.queries),
        "recording_rules": tuple(item.name for item in profile.recording_rules),
        "thresholds": tuple(item.name for item in profile.thresholds),
        "slos": tuple(item.name for item in profile.slos),
        "components": tuple(item.name for item in profile.components),
        "health": tuple(item.name for item in profile.health),
        "logs": tuple(item.name for item in profile.logs),
        "not_measured": tuple(item.name for item in profile.not_measured),
        "alert_rules": tuple(f"{item.name} ({item.severity})" for item in profile.alert_rules),
    }
    for key, names in lists.items():
        for index, name in enumerate(names):
            if name in names[:index]:
                first = document.line((key, names.index(name)))
                yield document.fault((key, index, "name"), f"{name} stands here twice, first in line {first}")


def _metrics(profile: Profile, document: Document) -> Iterator[Fault]:
    """Roles take metrics and labels the profile lists; a profile that lists none is not checked."""
    known = {name: name for name in profile.metrics}
    known |= {alias: name for name, family in profile.metrics.items() for alias in family.aliases}
    for name, role in profile.roles.items() if known else ():
        if not role.metric:
            continue
        if role.metric not in known:
            why = f"{role.metric} is not listed under metrics"
            yield document.fault(("roles", name, "select"), why, nearest(role.metric, known))
            continue
        family = profile.metrics[known[role.metric]]
        if family.kind in ("counter", "gauge", "histogram") and role.kind != family.kind:
            yield document.fault(
                ("roles", name, "kind"), f"{role.metric} is a {family.kind} under metrics", family.kind
            )
        labels = {*family.labels, "job", "instance", *profile.scope}
        for dimension, label in role.labels.items():
            if label not in labels:
                why = f"{role.metric} has no label {label!r} under metrics"
                yield document.fault(("roles", name, "labels", dimension), why, nearest(label, labels))


def _pointers(profile: Profile, objectives: Iterable[Objective] | None, document: Document) -> Iterator[Fault]:
    known: dict[str, set[str]] = {
        "objective": {objective.id for objective in objectives or ()},
        "recording rule": {rule.name for rule in profile.recording_rules},
        "alert rule": {rule.name for rule in profile.alert_rules},
    }
    shown = {
        *profile.metrics,
        *profile.roles,
        *(query.name for query in profile.queries),
        *set().union(*known.values()),
    }
    wanted: list[tuple[Place, str, str, set[str]]] = []
    for index, alert in enumerate(profile.alert_rules):
        for at, name in enumerate(alert.objectives):
            wanted.append((("alert_rules", index, "objectives", at), "objective", name, known["objective"]))
    for name, role in profile.roles.items():
        others = {other: own for other, own in profile.roles.items() if other != name}
        for viewed in views_of(role):
            whole = {other for other, own in others.items() if not views_of(own)}
            wanted.append((("roles", name, "view_of"), "role that is no view itself", viewed, whole))
        if role.classes and "token_class" not in {str(label) for label in role.labels}:
            yield document.fault(("roles", name, "classes"), f"{name} has no label token_class, so it has no classes")
        if container_of(role):
            outer = {other for other, own in others.items() if not views_of(own) and not container_of(own)}
            wanted.append((("roles", name, "inside"), "role that contains it", container_of(role), outer))
    for index, slo in enumerate(profile.slos):
        for key, kind, names in (
            ("objectives", "objective", slo.objectives),
            ("monitoring", "recording rule", slo.monitoring),
            ("alerts", "alert rule", slo.alerts),
        ):
            wanted.extend((("slos", index, key, at), kind, name, known[kind]) for at, name in enumerate(names))
    for index, dashboard in enumerate(profile.dashboards):
        for number, panel in enumerate(dashboard.panels):
            for at, name in enumerate(panel.shows):
                at_name: Place = ("dashboards", index, "panels", number, "shows", at)
                wanted.append((at_name, "role, query, rule or objective", name, shown))
    if objectives is None:
        wanted = [want for want in wanted if "objective" not in want[1]]
    for place, kind, name, valid in wanted:
        if name not in valid:
            yield document.fault(place, f"this profile has no {kind} {name!r}", nearest(name, valid))
