"""Objectives written back as OpenSLO v1 documents, which our own loader, and any other, reads."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import yaml

from workbench.catalog.slo import CalendarUnit, Method, Objective, RatioIndicator, RawIndicator, ThresholdIndicator
from workbench.core.errors import ParameterError

_METHODS: dict[Method, str] = {
    "occurrences": "Occurrences",
    "timeslices": "Timeslices",
    "ratio_timeslices": "RatioTimeslices",
}
_OPS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_UNITS: dict[CalendarUnit, str] = {"day": "d", "week": "w", "month": "M", "quarter": "Q", "year": "Y"}
_LENGTHS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000}


def openslo_document(objective: Objective) -> dict[str, Any]:
    """Return one objective as an OpenSLO v1 document of kind SLO, its indicator inside.

    Parameters
    ----------
    objective : Objective

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
    if annotations:
        metadata["annotations"] = annotations
    spec = {
        "description": objective.description,
        "service": objective.service,
        "indicator": {"metadata": {"name": name}, "spec": _indicator(objective)},
        "timeWindow": [_window(objective)],
        "budgetingMethod": _METHODS[objective.method],
        "objectives": [_target(objective)],
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


def _metric(query: str) -> dict[str, Any]:
    return {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}


def _indicator(objective: Objective) -> dict[str, Any]:
    match objective.indicator:
        case ThresholdIndicator(query=query):
            return {"thresholdMetric": _metric(query)}
        case RawIndicator(query=query, kind=kind):
            return {"ratioMetric": {"counter": False, "raw": _metric(query), "rawType": kind}}
        case RatioIndicator(counter=counter):
            parts = {name: _metric(query) for name, query in objective.queries().items()}
            return {"ratioMetric": {"counter": counter, **parts}}
    raise ParameterError(
        f"The indicator of {objective.id!r} cannot be written as OpenSLO v1.", hint="Export the others with --slo."
    )


def _window(objective: Objective) -> dict[str, Any]:
    if objective.calendar is None:
        return {"duration": _duration(objective.window_ms or 0, objective.id), "isRolling": True}
    calendar = objective.calendar
    return {
        "duration": f"{calendar.count}{_UNITS[calendar.unit]}",
        "isRolling": False,
        "calendar": {"startTime": calendar.start, "timeZone": calendar.zone},
    }


def _target(objective: Objective) -> dict[str, Any]:
    found: dict[str, Any] = {"displayName": objective.title, "target": objective.target}
    if isinstance(objective.indicator, ThresholdIndicator):
        found |= {"op": _OPS[objective.indicator.op], "value": objective.indicator.value}
    if objective.slice_target is not None:
        found["timeSliceTarget"] = objective.slice_target
    if objective.slice_ms is not None:
        found["timeSliceWindow"] = _duration(objective.slice_ms, objective.id)
    return found


def _duration(ms: int, name: str) -> str:
    for unit, length in _LENGTHS.items():
        if ms and ms % length == 0:
            return f"{ms // length}{unit}"
    raise ParameterError(f"{ms} ms, of {name!r}, is no OpenSLO duration.", hint="It has whole minutes, hours or days.")
