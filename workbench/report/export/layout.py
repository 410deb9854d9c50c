"""What stands where on a page: first what matters this period, method last, and nothing that is empty."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.charts.overview.first_page import FINDINGS_TYPE
from workbench.charts.tables import EMPTY
from workbench.report.export.figures import is_empty
from workbench.report.run.jupyter import jupyter_library

PLOTLY = "application/vnd.plotly.v1+json"

#: Tag of a section's cells that say how its numbers were made.
METHOD = "method"

_SECTION = re.compile(r"\d\d-([a-z_]+)-\d\d")


def findings_of(notebook: Any) -> Mapping[str, Any] | None:
    """Return the findings that stand in the outputs of a notebook that was run; None where it has none."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if FINDINGS_TYPE in output.get("data", {}):
                findings: Mapping[str, Any] = output["data"][FINDINGS_TYPE]
                return findings
    return None


def arranged(notebook: Any) -> Any:
    """Return an executed notebook in the order of a reader.

    Notes
    -----
    The sections follow the order of the findings, those that matter most first; without findings they stay where they
    are. Cells of the template that stand behind the sections stay there. Cells tagged ``method`` go last. Outputs
    without rows or points go, then headings with nothing below them; the headings that went are named at the end, so
    that nobody takes them for forgotten.
    """
    nbformat = jupyter_library("nbformat")
    order = (findings_of(notebook) or {}).get("order", [])
    head, sections, tail, method = list[Any](), dict[str, list[Any]](), list[Any](), list[Any]()
    for cell in notebook.cells:
        match = _SECTION.fullmatch(str(cell.get("id", "")))
        if METHOD in cell.metadata.get("tags", []):
            method.append(cell)
        elif match:
            sections.setdefault(match[1], []).append(cell)
        else:
            (tail if sections else head).append(cell)
    names = sorted(sections, key=lambda name: order.index(name) if name in order else len(order))
    gone: list[str] = []
    body = [cell for name in names for cell in _filled(sections[name], gone)]
    body += _filled(tail, gone)
    method = _filled(method, [], texts=True)
    if method:
        title = nbformat.v4.new_markdown_cell("## Method, sources and queries", id="method")
        method = [title, *method]
    if gone:
        text = "Nothing to show in this period:\n\n" + "\n".join(f"- {heading}" for heading in gone)
        method.append(nbformat.v4.new_markdown_cell(text, id="nothing-to-show"))
    arranged = nbformat.v4.new_notebook(metadata=notebook.metadata, cells=[*_filled(head, gone), *body, *method])
    return arranged


def _filled(cells: Iterable[Any], gone: list[str], *, texts: bool = False) -> list[Any]:
    """Leave out outputs without content, then headings below which nothing is left; with ``texts`` text is enough."""
    kept: list[Any] = []
    for cell in cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.get("outputs", []) if not _bare(output)]
            if cell.outputs:
                kept.append(cell)
        elif cell.source.strip():
            kept.append(cell)
    for place in reversed(range(len(kept))):
        level = _level(kept[place])
        below = kept[place + 1 : place + 2]
        alone = not below or 0 < _level(below[0]) <= level
        if level > 1 and alone and not (texts and len(kept[place].source.splitlines()) > 1):
            gone.append(kept[place].source.splitlines()[0].lstrip("# "))
            del kept[place]
    return kept


def _level(cell: Any) -> int:
    """Depth of the heading that a cell begins with; 0 without one."""
    match = re.match(r"(#+) ", cell.source) if cell.cell_type == "markdown" else None
    return len(match[1]) if match else 0


def _bare(output: Any) -> bool:
    data = output.get("data", {})
    if output.output_type == "stream":
        return output.name != "stdout" or not output.text.strip()
    if PLOTLY in data:
        return is_empty(data[PLOTLY])
    return data.get("text/html", "") == EMPTY or not data
