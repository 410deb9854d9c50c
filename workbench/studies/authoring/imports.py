"""Definitions of other tools read in, checked by our own loader, and ours written out."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.catalog import Catalog, Objective
from workbench.catalog.load import read_catalog
from workbench.catalog.slo.export import openslo_text, yaml_text
from workbench.catalog.slo.imported import Imported
from workbench.catalog.slo.openslo_v2 import is_openslo_v2, openslo_v1
from workbench.catalog.slo.pyrra import is_pyrra, pyrra_slos
from workbench.catalog.slo.sloth import is_sloth, sloth_slos
from workbench.catalog.yaml_lines import Document, read_documents
from workbench.core.errors import CatalogError, Fault, ParameterError
from workbench.core.shipped import shipped
from workbench.promql import exact_ratio
from workbench.studies.sources.context import Context


@dataclass(frozen=True)
class ImportedSlos:
    """OpenSLO v1 text, the objectives that our loader reads from it, what was left out, and definitions refused."""

    text: str
    objectives: tuple[Objective, ...]
    notes: tuple[str, ...]
    faults: tuple[Fault, ...] = ()


def import_slos(path: Path, *, system: str, period: str = "30d", profiles: tuple[Path, ...] = ()) -> ImportedSlos:
    """Read a file of Sloth, Pyrra, OpenSLO v2alpha or v1 and return it as OpenSLO v1.

    Parameters
    ----------
    path : Path
        File to import.
    system : str
        System of the catalog whose objectives these are.
    period : str
        Period of Sloth's SLOs, whose files do not say it. [time]
    profiles : tuple of Path
        Folders of a user's own profiles.

    Raises
    ------
    CatalogError
        A definition is wrong, with file and line. An SLO of Sloth whose queries are no ratio of events is left out
        and listed in ``faults``, unless there is no other.
    ParameterError
        The file holds none of these definitions, or the system is unknown.
    """
    parts = [_imported(slo, system, period) for document in read_documents(path) for slo in _each(document)]
    documents = [item for part in parts for item in part.documents]
    refused = tuple(fault for part in parts for fault in part.faults)
    if refused and not documents:
        raise CatalogError(refused)
    if not documents:
        raise ParameterError(f"{path} holds no SLO.", hint="Sloth, Pyrra, OpenSLO v2alpha and v1 are read.")
    text = yaml_text(documents)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / path.name
        made.write_text(text, encoding="utf-8")
        layers = [shipped("data", "systems"), shipped("data", "slos"), *profiles]
        read_catalog(layers).profile(system)
        try:
            read = read_catalog([*layers, made])
        except CatalogError as error:
            faults = tuple(
                replace(fault, file=str(path)) if fault.file == str(made) else fault for fault in error.faults
            )
            raise CatalogError(faults, hint="Lines are those of the OpenSLO made of it.") from None
    objectives = tuple(
        objective for group in read.objectives.values() for objective in group if Path(objective.file).name == path.name
    )
    return ImportedSlos(text, objectives, tuple(dict.fromkeys(note for part in parts for note in part.notes)), refused)


def export_slos(ctx: Context, *, system: str, slo: str | None = None) -> str:
    """Write a system's objectives as OpenSLO v1.

    Raises
    ------
    ParameterError
        Unknown system or objective, or one that OpenSLO cannot say.
    """
    catalog: Catalog = ctx.catalog
    catalog.profile(system)
    objectives = [catalog.objective(system, slo)] if slo else list(catalog.objectives.get(system, ()))
    if not objectives:
        raise ParameterError(f"{system} has no objectives.", hint="Nothing was written.")
    return openslo_text(objectives)


def _each(document: Document) -> list[Document]:
    """Return the documents of a list, as OpenSLO's own tools write them; else the document itself."""
    if not isinstance(document.data, list):
        return [document]
    return [
        replace(
            document,
            data=item,
            lines={path[1:]: line for path, line in document.lines.items() if path[:1] == (index,)},
        )
        for index, item in enumerate(document.data)
    ]


def _imported(document: Document, system: str, period: str) -> Imported:
    if is_sloth(document):
        return sloth_slos(document, system=system, counting=exact_ratio, period=period)
    if is_pyrra(document):
        return pyrra_slos(document, system=system)
    if is_openslo_v2(document):
        return openslo_v1(document, system=system)
    data: Any = document.data
    if isinstance(data, dict) and data.get("apiVersion") == "openslo/v1":
        return Imported([data])
    raise CatalogError(
        (document.fault((), "this is no definition of Sloth, Pyrra or OpenSLO"),),
        hint="Known: version: prometheus/v1, sloth.slok.dev/v1, pyrra.dev/v1alpha1, openslo.com/v2alpha, openslo/v1.",
    )
