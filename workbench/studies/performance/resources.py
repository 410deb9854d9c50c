"""From the roles of a profile to the use of its resources, limits, caches and what answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.analysis.performance.resources import Aspect, MeasuredResource, group_text
from workbench.catalog import Profile, Role
from workbench.core.timerange import TimeRange, duration_text
from workbench.studies.counting.ledger import PROCESS_LABELS
from workbench.studies.sources.reader import QueryReader

#: Gauges that are shown as they are, with the aspect they tell.
_GAUGES: Mapping[str, Aspect] = {
    "cpu": "utilisation",
    "memory": "utilisation",
    "disk": "utilisation",
    "connections": "utilisation",
    "threads": "utilisation",
    "open_files": "utilisation",
    "in_flight": "saturation",
    "queue": "saturation",
}

#: Labels that are added up, as there may be very many of them.
_SUMMED = ("cpu", "mode", "key", "user", "tag")


@dataclass(frozen=True)
class _ResourceQuery:
    resource: str
    title: str
    aspect: Aspect
    unit: str
    query: str


def resources_of(profile: Profile, step_ms: int) -> list[_ResourceQuery]:
    """Return a query for each resource of a profile, a mean over each step.

    A resource with a total is a share of it; processor time with a mode is the share that was not idle; any other
    processor time is processors in use; a gauge is its mean. Percentages become shares.
    """
    window, resources = duration_text(step_ms), []
    for word in ("memory", "disk"):
        for name, role in profile.variants(f"{word}_left").items():
            variant = name.removeprefix(f"{word}_left")
            whole = profile.roles.get(f"{word}_total{variant}")
            if whole is not None:
                by = _by(role)
                parts = (f"avg by ({by}) (avg_over_time({resource.select}[{window}]))" for resource in (role, whole))
                title = f"{word.capitalize()} in use{f' ({variant[1:]})' if variant else ''}"
                resources.append(_ResourceQuery(word, title, "utilisation", "ratio", f"1 - {' / '.join(parts)}"))
    for word, aspect in _GAUGES.items():
        for name, role in profile.variants(word).items():
            resources.append(_resource_query(word, aspect, name, role, window))
    for name, role in profile.variants("network").items():
        if role.kind == "counter":
            query = f"sum by ({_by(role)}) (rate({role.select}[{window}]))"
            resources.append(_ResourceQuery("network", role.title or name, "utilisation", f"{role.unit}/s", query))
    return resources


def measured_resources(
    query_reader: QueryReader, profile: Profile, span: TimeRange, step_ms: int
) -> list[MeasuredResource]:
    """Ask for the use of each resource over time."""
    return [
        MeasuredResource(
            resource.resource,
            resource.title,
            resource.aspect,
            resource.unit,
            query_reader.matrix(resource.query, span, step_ms),
        )
        for resource in resources_of(profile, step_ms)
    ]


def stated_availability(
    query_reader: QueryReader, profile: Profile, span: TimeRange
) -> list[tuple[str, str, str, dict[str, float]]]:
    """Ask for the share of the time in which targets were up and providers available, as their gauges say."""
    stated = []
    for word, basis in (("available", "probes"), ("up", "scrapes")):
        for name, role in profile.variants(word).items():
            labels = {str(key): label for key, label in role.labels.items()}
            kept = {key: label for key, label in labels.items() if basis == "scrapes" or key not in PROCESS_LABELS}
            shares = _over_period(query_reader, "avg", role, kept or labels, span)
            stated.append((basis, role.title or name, ", ".join(kept or labels), shares))
    return stated


def amounts_left(
    query_reader: QueryReader, profile: Profile, span: TimeRange
) -> list[tuple[str, str, dict[str, tuple[float, float]]]]:
    """Ask for what is left under limits: the newest and the least of the period."""
    amounts = []
    for name, role in profile.variants("limit_left").items():
        labels = {str(key): label for key, label in role.labels.items() if key not in PROCESS_LABELS}
        least, newest = (_over_period(query_reader, how, role, labels, span) for how in ("min", "last"))
        pairs = {group: (newest.get(group, np.nan), value) for group, value in least.items()}
        amounts.append((role.title or name, role.unit, pairs))
    return amounts


def stated_caches(query_reader: QueryReader, profile: Profile, span: TimeRange) -> list[tuple[str, dict[str, float]]]:
    """Ask for the mean share of answers from caches that a system states itself."""
    caches = []
    for name, role in profile.variants("cache_ratio").items():
        labels = {str(key): label for key, label in role.labels.items() if key not in PROCESS_LABELS}
        scale = 100 if role.unit == "percent" else 1
        shares = _over_period(query_reader, "avg", role, labels, span)
        title = f"{role.title or name} (as stated)"
        caches.append((title, {group: share / scale for group, share in shares.items()}))
    return caches


def _over_period(
    query_reader: QueryReader, how: str, role: Role, labels: Mapping[str, str], span: TimeRange
) -> dict[str, float]:
    outer = "min" if how == "min" else "avg"
    window = duration_text(span.end_ms - span.start_ms)
    value = f"{how}_over_time(({role.select})[{window}:1m])" if role.kind == "expr" else ""
    query = f"{outer} by ({', '.join(labels.values())}) ({value or f'{how}_over_time({role.select}[{window}])'})"
    return {
        group_text(series): amount for series, amount in query_reader.values(query, span.end) if not np.isnan(amount)
    }


def _resource_query(word: str, aspect: Aspect, name: str, role: Role, window: str) -> _ResourceQuery:
    title, unit, by = role.title or name, role.unit, _by(role)
    if role.kind == "expr":
        return _ResourceQuery(word, title, aspect, unit, role.select)
    if role.kind == "counter":
        mode = role.labels.get("mode")
        rates = f"rate({role.select}[{window}])"
        if mode is None:
            rate_unit = "cores" if unit == "s" else f"{unit}/s"
            return _ResourceQuery(word, title, aspect, rate_unit, f"sum by ({by}) ({rates})")
        idle, busy = (f"sum by ({by}) ({text})" for text in (_with(role.select, mode, "idle", window), rates))
        return _ResourceQuery(word, f"{title} in use", aspect, "ratio", f"1 - {idle} / {busy}")
    summed = "avg" if unit in ("percent", "ratio") else "sum"
    query = f"{summed} by ({by}) (avg_over_time({role.select}[{window}]))"
    return (
        _ResourceQuery(word, title, aspect, "ratio", f"{query} / 100")
        if unit == "percent"
        else _ResourceQuery(word, title, aspect, unit, query)
    )


def _with(select: str, label: str, value: str, window: str) -> str:
    """Return the rate of a selector narrowed to one value of a label."""
    inside = (
        select[:-1] + ", " if select.endswith("}") and not select.endswith("{}") else select.removesuffix("{}") + "{"
    )
    return f'rate({inside}{label}="{value}"}}[{window}])'


def _by(role: Role) -> str:
    """Return the labels to keep; the mount point alone names a file system."""
    left_out = (*_SUMMED, "device", "filesystem") if "mount" in role.labels else _SUMMED
    return ", ".join(label for name, label in role.labels.items() if name not in left_out)
