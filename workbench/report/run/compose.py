"""A report made of sections: one notebook per question, put where the template says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.core.errors import ReportError
from workbench.core.shipped import shipped
from workbench.report.run.jupyter import jupyter_library

#: Tag of the template's cell that the sections replace, and of a section's cells that only stand-alone runs need.
PLACE, ALONE = "sections", "standalone"


def _tagged(cell: Any, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def composed(template: Path) -> Any:
    """Return a template with its sections in place, in the order in which its cell names them.

    Parameters
    ----------
    template : Path
        A notebook; one without a cell tagged ``sections`` is returned as it is. The metadata ``sections`` of that
        cell names them, e.g. ``["10-slo", "60-alerts"]``.

    Returns
    -------
    NotebookNode

    Raises
    ------
    ReportError
        Two cells are tagged ``sections``, or a section is not there.
    """
    nbformat = jupyter_library("nbformat")

    notebook = nbformat.read(template, as_version=4)
    places = [number for number, cell in enumerate(notebook.cells) if _tagged(cell, PLACE)]
    if not places:
        return notebook
    if len(places) > 1:
        raise ReportError(f"{template.name} has {len(places)} cells tagged {PLACE!r}; one marks where sections go.")
    cells = []
    for path in _sections(template, notebook.cells[places[0]].metadata.get("sections")):
        for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
            if not _tagged(cell, ALONE):
                cell["id"] = f"{path.stem}-{number:02d}"
                cells.append(cell)
    notebook.cells[places[0] : places[0] + 1] = cells
    return notebook


def _sections(template: Path, names: Sequence[str] | None) -> list[Path]:
    """Find the sections that a template names, beside it or among the shipped; all shipped where it names none."""
    folders = [template.parent / "sections", shipped("reports", "sections")]
    if names is None:
        return sorted(folders[-1].glob("*.ipynb"))
    paths = []
    for name in names:
        path = next((folder / f"{name}.ipynb" for folder in folders if (folder / f"{name}.ipynb").is_file()), None)
        if path is None:
            known = sorted({path.stem for folder in folders for path in folder.glob("*.ipynb")})
            raise ReportError(f"{template.name} names the section {name!r}.", hint=f"Sections: {', '.join(known)}.")
        paths.append(path)
    return paths
