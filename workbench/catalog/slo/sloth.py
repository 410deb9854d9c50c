"""Sloth's definitions (``prometheus/v1`` and the Kubernetes form) as OpenSLO documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.catalog.slo.imported import (
    Imported,
    held_at,
    labels_at,
    metric,
    percent_at,
    refused,
    slo_document,
    text_at,
    value_at,
    windowed,
)
from workbench.catalog.yaml_lines import Document
from workbench.core.errors import QueryRejected

KUBERNETES = "sloth.slok.dev/v1"


def is_sloth(document: Document) -> bool:
    """Say whether a document is one of Sloth's."""
    return bool(value_at(document, "version") == "prometheus/v1" or value_at(document, "apiVersion") == KUBERNETES)


#: From a query of bad events and one of all events to the parts of an OpenSLO ratio.
Counting = Callable[[str, str], Mapping[str, str]]


def sloth_slos(document: Document, *, system: str, counting: Counting, period: str = "30d") -> Imported:
    """Turn one document of Sloth into OpenSLO.

    Parameters
    ----------
    document : Document
        The parsed file, with its lines.
    system : str
        System of the catalog whose objectives these are.
    counting : callable
        From the error and the total query to the parts of a ratio of counters; it raises QueryRejected for a pair
        that is no ratio of events, and this SLO is refused at its line while the others are imported.
    period : str
        Sloth's period is an option of its command, not of its files. [time]

    Returns
    -------
    Imported

    Raises
    ------
    CatalogError
        Something that Sloth needs is missing, or the objective is 100 %.

    Notes
    -----
    Where both queries reduce to counters these are counted exactly, in both; else both are kept with a window of five
    minutes. Sloth's own 30 days weigh every five minutes alike; we count events.
    """
    inside: tuple[str | int, ...] = ("spec",) if value_at(document, "apiVersion") == KUBERNETES else ()
    camel = bool(inside)
    service = text_at(document, *inside, "service")
    shared = labels_at(document, *inside, "labels")
    imported = Imported()
    for index in range(len(held_at(document, list, *inside, "slos"))):
        at = (*inside, "slos", index)
        name = text_at(document, *at, "name")
        events, raw = (*at, "sli", "events"), (*at, "sli", "raw")
        method = "Occurrences"
        if value_at(document, *events) is not None:
            bad_at = (*events, "errorQuery" if camel else "error_query")
            bad = windowed(document, *bad_at)
            total = windowed(document, *events, "totalQuery" if camel else "total_query")
            try:
                parts = counting(bad, total)
            except QueryRejected as error:
                imported.faults.append(document.fault(bad_at, f"{name}: {error.message}"))
                continue
            ratio: dict[str, Any] = {"counter": True, **{part: metric(text) for part, text in parts.items()}}
        elif value_at(document, *raw) is not None:
            query = windowed(document, *raw, "errorRatioQuery" if camel else "error_ratio_query")
            ratio = {"counter": False, "raw": metric(query), "rawType": "failure"}
            method = "RatioTimeslices"
            imported.notes.append(f"{name}: a ratio has no events to count, so each five minutes weigh the same.")
        else:
            raise refused(document, (*at, "sli"), "events or raw is needed; plugins are not run")
        if value_at(document, *at, "alerting") is not None:
            imported.notes.append(f"{name}: its alerting is left out; workbench slo rules writes alerts.")
        imported.documents.append(
            slo_document(
                f"{service}-{name}",
                system=system,
                service=service,
                title=name,
                description=str(value_at(document, *at, "description") or ""),
                percent=percent_at(document, *at, "objective"),
                window=period,
                ratio=ratio,
                labels={**shared, **labels_at(document, *at, "labels")},
                method=method,
            )
        )
    return imported
