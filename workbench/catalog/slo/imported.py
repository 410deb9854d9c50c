"""What an import makes of definitions of other tools: OpenSLO v1 documents, and notes on what they could not say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from workbench.catalog.yaml_lines import Document, Place
from workbench.core.errors import CatalogError, Fault

Held = TypeVar("Held", dict[Any, Any], list[Any])

#: A percentage with more digits before or behind its point would fill the memory, written out. [count]
_DIGITS = 40

_WINDOW = re.compile(r"\{\{-?\s*\.window\s*-?\}\}")


@dataclass(frozen=True)
class Imported:
    """Documents ready to be written, what was left out or changed (one sentence each), and definitions refused."""

    documents: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def refused(document: Document, place: Place, why: str) -> CatalogError:
    """Refuse a definition at its line."""
    return CatalogError((document.fault(place, why),))


def value_at(document: Document, *place: str | int) -> Any:
    """Return the value at a place of a document; None where there is none."""
    value: Any = document.data
    for part in place:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def held_at(document: Document, kind: type[Held], *place: str | int) -> Held:
    """Return the mapping or list at a place, an empty one where there is none, or refuse the document at it."""
    value = value_at(document, *place)
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise refused(document, place, f"a {'mapping' if kind is dict else 'list'} is needed, not {value!r:.40}")
    return value


def text_at(document: Document, *place: str | int) -> str:
    """Return the text at a place, or refuse the document."""
    value = value_at(document, *place)
    if not isinstance(value, str) or not value.strip():
        raise refused(document, place, f"{'.'.join(map(str, place))} is needed")
    return value


def windowed(document: Document, *place: str | int, window: str = "5m") -> str:
    """Return the query at a place with its window filled in, or refuse the document at it."""
    query = _WINDOW.sub(window, text_at(document, *place)).strip()
    if "{{" in query:
        raise refused(document, place, "only {{.window}} is filled in; write other templates out")
    return query


def slo_document(
    name: str, *, system: str, service: str, title: str, description: str, percent: Decimal, window: str,
    ratio: dict[str, Any], labels: dict[str, str], method: str = "Occurrences",
) -> dict[str, Any]:  # fmt: skip
    """Return an OpenSLO v1 document of one objective with its ratio metric inside."""
    slices = {} if method == "Occurrences" else {"timeSliceWindow": "5m"}
    name = slug(name)
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": name, "displayName": title, "labels": {**labels, "system": system}},
        "spec": {
            "description": description[:1050],
            "service": slug(service),
            "indicator": {"metadata": {"name": name}, "spec": {"ratioMetric": ratio}},
            "timeWindow": [{"duration": window, "isRolling": True}],
            "budgetingMethod": method,
            "objectives": [{"displayName": title, "targetPercent": percent, **slices}],
        },
    }


def metric(query: str) -> dict[str, Any]:
    """Return a metric of an indicator that asks Prometheus."""
    return {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}


def slug(text: str) -> str:
    """Make a name that OpenSLO allows."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].rstrip("-") or "slo"


def percent_at(document: Document, *place: str | int) -> Decimal:
    """Return a target in percent, exact, or refuse the document."""
    value = value_at(document, *place)
    try:
        percent = Decimal(str(value))
        if not percent.is_finite() or abs(percent.adjusted()) > _DIGITS:
            raise InvalidOperation
    except ArithmeticError:
        raise refused(document, place, f"{value!r} is not a percentage") from None
    if not 0 <= percent < 100:
        raise refused(document, place, f"a target of {percent} % leaves no error budget; it is below 100")
    if 0 < percent <= 1:
        why = f"a target of {percent} % is at most 1 %; write {percent * 100:f} for the ratio {percent}"
        raise refused(document, place, why)
    return percent


def labels_at(document: Document, *place: str | int) -> dict[str, str]:
    """Return labels as text."""
    labels = value_at(document, *place) or {}
    return {str(name): str(value) for name, value in labels.items()} if isinstance(labels, dict) else {}
