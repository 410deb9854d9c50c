"""Pyrra's definitions (``pyrra.dev/v1alpha1``) as OpenSLO documents."""

from __future__ import annotations

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
)
from workbench.catalog.yaml_lines import Document
from workbench.core.errors import ParameterError
from workbench.core.timerange import DAY_MS, HOUR_MS, MINUTE_MS, duration_ms

API = "pyrra.dev/v1alpha1"
_UNITS = {"d": DAY_MS, "h": HOUR_MS, "m": MINUTE_MS}
_INSIDE = ("spec", "indicator")


def is_pyrra(document: Document) -> bool:
    """Say whether a document is one of Pyrra's."""
    return bool(value_at(document, "apiVersion") == API)


def pyrra_slos(document: Document, *, system: str) -> Imported:
    """Turn one document of Pyrra into OpenSLO.

    Parameters
    ----------
    document : Document
        The parsed file, with its lines.
    system : str
        System of the catalog whose objective this is.

    Returns
    -------
    Imported

    Raises
    ------
    CatalogError
        Something that Pyrra needs is missing, or the target is 100 %.

    Notes
    -----
    ``ratio`` and ``latency`` are counters and are counted exactly. ``latencyNative`` is asked of a native histogram by
    ``histogram_fraction``; ``bool_gauge`` is a share of samples, so each five minutes weigh the same.
    """
    if value_at(document, "kind") != "ServiceLevelObjective":
        raise refused(document, ("kind",), "only ServiceLevelObjective is read")
    name = text_at(document, "metadata", "name")
    imported = Imported()
    ratio, method = _ratio(document, imported, name)
    for part in ("alerting", "performanceOverAccuracy"):
        if value_at(document, "spec", part) is not None:
            imported.notes.append(f"{name}: its {part} is left out; workbench slo rules writes alerts.")
    labels = {key.rpartition("/")[2]: value for key, value in labels_at(document, "metadata", "labels").items()}
    namespace = value_at(document, "metadata", "namespace")
    imported.documents.append(
        slo_document(
            f"{namespace}-{name}" if namespace else name,
            system=system,
            service=system,
            title=name,
            description=str(value_at(document, "spec", "description") or ""),
            percent=percent_at(document, "spec", "target"),
            window=_window(document),
            ratio=ratio,
            labels=labels,
            method=method,
        )
    )
    return imported


def _ratio(document: Document, imported: Imported, name: str) -> tuple[dict[str, Any], str]:
    for kind in ("ratio", "latency", "latencyNative", "bool_gauge"):
        if value_at(document, *_INSIDE, kind) is not None:
            if grouping := held_at(document, list, *_INSIDE, kind, "grouping"):
                imported.notes.append(
                    f"{name}: its grouping by {', '.join(map(str, grouping))} is one objective over all groups."
                )
            break
    else:
        raise refused(document, _INSIDE, "ratio, latency, latencyNative or bool_gauge is needed")
    if kind == "bool_gauge":
        text = text_at(document, *_INSIDE, kind, "metric")
        query = f"sum(sum_over_time({text}[5m])) / sum(count_over_time({text}[5m]))"
        return {"counter": False, "raw": metric(query), "rawType": "success"}, "RatioTimeslices"
    total = text_at(document, *_INSIDE, kind, "total", "metric")
    if kind == "latencyNative":
        seconds = _milliseconds(document, *_INSIDE, kind, "latency") / 1000
        whole = f"histogram_count(sum(rate({total}[5m])))"
        good = f"histogram_fraction(0, {seconds:g}, sum(rate({total}[5m]))) * {whole}"
        return {"counter": True, "good": metric(good), "total": metric(whole)}, "Occurrences"
    ours, theirs = ("bad", "errors") if kind == "ratio" else ("good", "success")
    part = text_at(document, *_INSIDE, kind, theirs, "metric")
    return {"counter": True, ours: metric(f"sum({part})"), "total": metric(f"sum({total})")}, "Occurrences"


def _window(document: Document) -> str:
    length_ms = _milliseconds(document, "spec", "window")
    for unit, ms in _UNITS.items():
        if length_ms and length_ms % ms == 0:
            return f"{length_ms // ms}{unit}"
    raise refused(document, ("spec", "window"), "a window has whole minutes")


def _milliseconds(document: Document, *place: str) -> int:
    try:
        return duration_ms(text_at(document, *place))
    except ParameterError as error:
        raise refused(document, place, error.message) from None
