"""OpenSLO v2alpha, as its reference implementation reads it, turned into v1."""

from __future__ import annotations

from typing import Any

from workbench.catalog.slo.imported import Imported, held_at, refused, value_at
from workbench.catalog.yaml_lines import Document

#: Versions that were published under this name while the second version is drafted.
VERSIONS = ("openslo.com/v2alpha", "openslo.com/v2alpha1", "openslo/v2alpha1", "openslo/v2alpha")
_NOT_READ = ("AlertPolicy", "AlertCondition", "AlertNotificationTarget", "BudgetAdjustment")


def is_openslo_v2(document: Document) -> bool:
    """Say whether a document is of the second version."""
    return value_at(document, "apiVersion") in VERSIONS


def openslo_v1(document: Document, *, system: str) -> Imported:
    """Turn one v2alpha document into v1: ``sli`` to ``indicator``, ``dataSourceRef`` to ``metricSourceRef``.

    Parameters
    ----------
    document : Document
        The parsed file, with its lines.
    system : str
        System of the catalog; put into the labels of SLOs that name none.

    Raises
    ------
    CatalogError
        Not the shape of a v2alpha document.
    """
    data, imported = document.data, Imported()
    kind, metadata, spec = (value_at(document, name) for name in ("kind", "metadata", "spec"))
    if not isinstance(metadata, dict) or not isinstance(spec, dict):
        raise refused(document, (), "metadata and spec are needed")
    name = str(metadata.get("name", ""))
    if kind in _NOT_READ:
        imported.notes.append(f"{kind} {name} is left out; workbench slo rules writes alerts.")
        return imported
    annotations = metadata.get("annotations")
    metadata = {key: value for key, value in metadata.items() if key in ("name", "displayName", "labels")}
    if isinstance(annotations, dict):
        metadata["annotations"] = {str(key): str(value) for key, value in annotations.items()}
    if kind == "SLO":
        metadata["labels"] = {"system": system, **held_at(document, dict, "metadata", "labels")}
        spec = _slo(document, name, imported)
    elif kind == "SLI":
        spec = _sli(spec)
    elif kind == "DataSource" and not isinstance(spec.get("connectionDetails"), dict):
        spec = {key: value for key, value in spec.items() if key != "connectionDetails"}
    imported.documents.append({**data, "apiVersion": "openslo/v1", "metadata": metadata, "spec": spec})
    return imported


def _slo(document: Document, name: str, imported: Imported) -> dict[str, Any]:
    spec = held_at(document, dict, "spec")
    renamed = {"sli": "indicator", "sliRef": "indicatorRef", "serviceRef": "service"}
    made = {renamed.get(key, key): value for key, value in spec.items()}
    if made.pop("alertPolicies", None):
        imported.notes.append(f"{name}: its alert policies are left out; workbench slo rules writes alerts.")
    indicator = made.get("indicator")
    ratio = False
    if isinstance(indicator, dict):
        at = ("spec", "sli" if "sli" in spec else "indicator")
        inner = _sli(held_at(document, dict, *at, "spec"))
        ratio = "ratioMetric" in inner
        kept = {"name": held_at(document, dict, *at, "metadata").get("name", name)}
        made["indicator"] = {"metadata": kept, "spec": inner}
    objectives = []
    for index in range(len(held_at(document, list, "spec", "objectives"))):
        objective = held_at(document, dict, "spec", "objectives", index)
        shape = {renamed.get(key, key): value for key, value in objective.items() if key != "labels"}
        if ratio and shape.keys() & {"op", "value"}:
            imported.notes.append(f"{name}: op and value mean nothing beside a ratio and are left out.")
            shape = {key: value for key, value in shape.items() if key not in ("op", "value")}
        objectives.append(shape)
    return {**made, "objectives": objectives}


def _sli(spec: dict[str, Any]) -> dict[str, Any]:
    made = dict(spec)
    if isinstance(made.get("thresholdMetric"), dict):
        made["thresholdMetric"] = _metric(made["thresholdMetric"])
    if isinstance(made.get("ratioMetric"), dict):
        made["ratioMetric"] = {
            part: _metric(value) if isinstance(value, dict) else value for part, value in made["ratioMetric"].items()
        }
    return made


def _metric(value: dict[str, Any]) -> dict[str, Any]:
    source: dict[str, Any] = {"spec": value.get("spec") or {}}
    if value.get("dataSourceRef"):
        source["metricSourceRef"] = value["dataSourceRef"]
    inline = value.get("dataSourceSpec")
    if isinstance(inline, dict) and inline.get("type"):
        source["type"] = inline["type"]
    return {"metricSource": source}
