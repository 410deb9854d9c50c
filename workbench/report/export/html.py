"""An executed notebook as one HTML file: no code, no network, no script unless interactive figures are wanted."""

from __future__ import annotations

import base64
import os
import re
import secrets
from pathlib import Path
from typing import Any

from workbench.core.shipped import shipped
from workbench.report.export.figures import alternative_text, drawn, script_json
from workbench.report.export.layout import PLOTLY, arranged
from workbench.report.run.jupyter import jupyter_library

SVG = "image/svg+xml"

#: Shortest report that gets a table of contents. [headings]
_LEAST_HEADINGS = 3

_HEADING = re.compile(r'<h2 id="([^"]+)">(.*?)<a class="anchor-link"', re.DOTALL)

_CONTENTS = "<!--contents-->"


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of either."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sibling = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        sibling.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(sibling, path)
    finally:
        sibling.unlink(missing_ok=True)


def to_html(notebook: Any, *, title: str, footer: dict[str, str], interactive: bool = False) -> str:
    """Render an executed notebook with the house template.

    Parameters
    ----------
    notebook : NotebookNode
        Executed, with outputs; it is not changed.
    title : str
        Heading, as readers see it.
    footer : dict
        Facts for the last lines: run id, version, period, sources.
    interactive : bool
        Inline the chart library once and let it draw, instead of figures as SVG.

    Returns
    -------
    str
        A page that asks nothing of the network and, unless interactive, runs nothing.

    Raises
    ------
    ReportError
        The browser that draws the figures fails.

    Notes
    -----
    Without a browser on this machine the figures are interactive; the footer says so.
    """
    from plotly.offline import get_plotlyjs

    HTMLExporter = jupyter_library("nbconvert").HTMLExporter
    nbformat = jupyter_library("nbformat")
    page = arranged(nbformat.reads(nbformat.writes(notebook), as_version=4))
    static = not interactive and _draw(page)
    charts = not static and bool(_figures(page))
    if charts and not interactive:
        footer = footer | {"figures": "drawn by a script: no browser was found to draw them as SVG"}
    _mark_contents(page)
    exporter = HTMLExporter(
        template_name="_tearsheet",
        extra_template_basedirs=[str(shipped("reports"))],
        filters={"script_json": script_json, "data_uri": _data_uri, "alternative_text": alternative_text},
        mathjax_url="",
        require_js_url="",
        jquery_url="",
        mermaid_js_url="",
    )
    body, _ = exporter.from_notebook_node(
        page,
        resources={
            "title": title,
            "footer": footer,
            "style": shipped("reports", "_tearsheet", "tearsheet.css").read_text(encoding="utf-8"),
            "plotly": get_plotlyjs() if charts else "",
            "contents": _CONTENTS,
        },
    )
    return _with_contents(str(body))


def _figures(notebook: Any) -> list[Any]:
    return [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if PLOTLY in output.get("data", {}) and SVG not in output["data"]
    ]


def _draw(notebook: Any) -> bool:
    """Put an SVG and its alternative text in the place of every figure; False where nothing can draw."""
    outputs = _figures(notebook)
    pictures = drawn([output["data"][PLOTLY] for output in outputs])
    if pictures is None:
        return False
    for output, picture in zip(outputs, pictures, strict=True):
        output["data"] = {SVG: picture, "text/plain": alternative_text(output["data"][PLOTLY])}
    return True


def _data_uri(picture: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()}"


def _mark_contents(notebook: Any) -> None:
    """Mark the place of the table of contents: before the first heading of a section."""
    nbformat = jupyter_library("nbformat")
    places = [
        place
        for place, cell in enumerate(notebook.cells)
        if cell.cell_type == "markdown" and cell.source.startswith("## ")
    ]
    if len(places) >= _LEAST_HEADINGS:
        notebook.cells.insert(places[0], nbformat.v4.new_markdown_cell("", id="contents"))


def _with_contents(page: str) -> str:
    """Fill the table of contents from the headings, which nbconvert gave their anchors."""
    if _CONTENTS not in page:
        return page
    entries = [(anchor, re.sub(r"<[^>]*>", "", text)) for anchor, text in _HEADING.findall(page)]
    items = "".join(f"<li><a href='#{anchor}'>{text}</a></li>" for anchor, text in entries)
    return page.replace(_CONTENTS, f"<nav class='contents' aria-label='Contents'><ul>{items}</ul></nav>", 1)
