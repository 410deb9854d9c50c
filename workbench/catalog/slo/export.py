"""Objectives written back as OpenSLO v1 documents, which our own loader, and any other, reads."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import yaml

from workbench.catalog.slo.indicators import (
    CompositeIndicator,
    RatioIndicator,
    RawIndicator,
    RecordsIndicator,
    SimpleIndicator,
    ThresholdIndicator,
)
from workbench.catalog.slo.objective import CalendarUnit, Method, Objective
from workbench.core.errors import ParameterError
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.timerange import DAY_MS, HOUR_MS, MINUTE_MS, duration_text

_METHODS: dict[Method, str] = {
    "occurrences": "Occurrences",
    "timeslices": "Timeslices",
    "ratio_timeslices": "RatioTimeslices",
}
_OPS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_UNITS: dict[CalendarUnit, str] = {"day": "d", "week": "w", "month": "M", "quarter": "Q", "year": "Y"}
_LENGTHS = {"d": DAY_MS, "h": HOUR_MS, "m": MINUTE_MS}


def openslo_document(objective: Objective) -> dict[str, Any]:
    """Return one objective as an OpenSLO v1 document of kind SLO, its indicator inside.

    Parameters
    ----------
    objective : Objective
        The objective to read.

    Returns
    -------
    dict
        Plain values; targets are Decimal, so that 0.9995 stays 0.9995.

    Raises
    ------
    ParameterError
        OpenSLO v1 has no way to say it: a window or slice that is no whole number of minutes, another indicator.
    """
    name = f"{objective.system}-{objective.id}"[:63].rstrip("-")
    metadata: dict[str, Any] = {"name": name, "displayName": objective.title}
    metadata["labels"] = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in {**objective.labels, "system": objective.system}.items()
    }
    annotations = {"derived": "true"} if objective.derived else {}
    if objective.assumptions:
        annotations["assumption"] = " ".join(objective.assumptions)
    if objective.absence != "ignore":
        annotations["absence"] = objective.absence
    annotations |= _marks(objective)
    if annotations:
        metadata["annotations"] = annotations
    spec: dict[str, Any] = {"description": objective.description, "service": objective.service}
    if not isinstance(objective.indicator, CompositeIndicator):
        spec["indicator"] = {"metadata": {"name": name}, "spec": _indicator(objective.indicator)}
    spec |= {
        "timeWindow": [_window(objective)],
        "budgetingMethod": _METHODS[objective.method],
        "objectives": _targets(objective),
    }
    policies = [{"alertPolicyRef": policy} for policy in objective.alert_policies if policy != "inline"]
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": metadata,
        "spec": spec | ({"alertPolicies": policies} if policies else {}),
    }


def openslo_text(objectives: Iterable[Objective]) -> str:
    """Return objectives as one YAML stream."""
    return yaml_text(openslo_document(objective) for objective in objectives)


def yaml_text(documents: Iterable[Any]) -> str:
    """Write plain values as a YAML stream: keys in their order, decimals as they are.

    Examples
    --------
    >>> print(yaml_text([{"target": Decimal("0.9990"), "query": "up"}]), end="")
    target: 0.9990
    query: up
    """
    return yaml.dump_all(
        list(documents), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False
    )


class _Plain(yaml.SafeDumper):
    """Writes decimals, and never anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Plain.add_representer(
    Decimal, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", format(value, "f"))
)


def _marks(objective: Objective) -> dict[str, str]:
    """Annotations that say what OpenSLO has no field for."""
    match objective.indicator:
        case CompositeIndicator(weights=weights):
            return {"composite-target": f"{objective.target:f}", "composite-weights": weights}
        case ThresholdIndicator(samples=True):
            return {"judged": "samples"}
    return {}


def _metric(query: str | LogFilter | SpanFilter) -> dict[str, Any]:
    if isinstance(query, str):
        return {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}
    spec: dict[str, Any] = {
        "services": list(query.services),
        "attributes": [
            {"attribute": attribute.attribute, "op": attribute.op}
            | ({"values": list(attribute.values)} if attribute.op == "in" else {"value": attribute.value})
            for attribute in query.attributes
        ],
    }
    if isinstance(query, LogFilter):
        kind = "logs"
        spec |= {"severity": query.severity, "events": list(query.events), "contains": query.contains}
    else:
        kind, least = "spans", query.min_duration_ns // 1_000_000
        spec |= {"operations": list(query.operations), "status": query.status}
        spec |= {"minDuration": duration_text(least) if least else ""}
    return {"metricSource": {"type": kind, "spec": {key: value for key, value in spec.items() if value}}}


def _indicator(indicator: SimpleIndicator) -> dict[str, Any]:
    match indicator:
        case ThresholdIndicator(query=query):
            return {"thresholdMetric": _metric(query)}
        case RawIndicator(query=query, kind=kind):
            return {"ratioMetric": {"counter": False, "raw": _metric(query), "rawType": kind}}
        case RatioIndicator() | RecordsIndicator():
            queries = {"good": indicator.good, "bad": indicator.bad, "total": indicator.total}
            parts = {name: _metric(query) for name, query in queries.items() if query is not None}
            return {"ratioMetric": {"counter": getattr(indicator, "counter", True), **parts}}


def _window(objective: Objective) -> dict[str, Any]:
    if objective.calendar is None:
        return {"duration": _duration(objective.window_ms or 0, objective.id), "isRolling": True}
    calendar = objective.calendar
    return {
        "duration": f"{calendar.count}{_UNITS[calendar.unit]}",
        "isRolling": False,
        "calendar": {"startTime": calendar.start, "timeZone": calendar.zone},
    }


def _targets(objective: Objective) -> list[dict[str, Any]]:
    if not isinstance(objective.indicator, CompositeIndicator):
        return [_target(objective, objective.indicator, objective.title, objective.target, objective.slice_target)]
    targets = []
    for member in objective.indicator.members:
        shape = _target(objective, member.indicator, member.title, member.target, member.slice_target)
        inner = {"metadata": {"name": f"{objective.id}-{member.name}"[:63]}, "spec": _indicator(member.indicator)}
        targets.append(shape | {"indicator": inner, "compositeWeight": member.weight})
    return targets


def _target(
    objective: Objective, indicator: SimpleIndicator, title: str, target: Decimal, slice_target: Decimal | None
) -> dict[str, Any]:
    spec: dict[str, Any] = {"displayName": title, "target": target}
    if isinstance(indicator, ThresholdIndicator):
        spec |= {"op": _OPS[indicator.op], "value": indicator.value}
    if slice_target is not None:
        spec["timeSliceTarget"] = slice_target
    if objective.slice_ms is not None:
        spec["timeSliceWindow"] = _duration(objective.slice_ms, objective.id)
    return spec


def _duration(ms: int, name: str) -> str:
    for unit, length in _LENGTHS.items():
        if ms and ms % length == 0:
            return f"{ms // length}{unit}"
    raise ParameterError(f"{ms} ms, of {name!r}, is no OpenSLO duration.", hint="It has whole minutes, hours or days.")
