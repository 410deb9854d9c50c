"""An executed notebook as one HTML file: no code, no network, one copy of the chart library."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from workbench.core.shipped import shipped
from workbench.report.run.jupyter import jupyter_library

PLOTLY = "application/vnd.plotly.v1+json"


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of either."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sibling = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        sibling.write_text(text, encoding="utf-8")
        os.replace(sibling, path)
    finally:
        sibling.unlink(missing_ok=True)


def script_json(value: Any) -> str:
    r"""JSON that may stand inside a ``<script>`` element whatever text it holds.

    Examples
    --------
    >>> script_json("</script>")
    '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def to_html(notebook: Any, *, title: str, footer: dict[str, str]) -> str:
    """Render an executed notebook with the house template.

    Parameters
    ----------
    notebook : NotebookNode
        Executed, with outputs.
    title : str
    footer : dict
        Facts for the last lines: run id, version, period, sources.

    Returns
    -------
    str
        A page that asks nothing of the network; charts are drawn by the one inlined library.
    """
    HTMLExporter = jupyter_library("nbconvert").HTMLExporter
    from plotly.offline import get_plotlyjs

    charts = any(PLOTLY in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))
    exporter = HTMLExporter(
        template_name="_tearsheet",
        extra_template_basedirs=[str(shipped("reports"))],
        filters={"script_json": script_json},
        mathjax_url="",
        require_js_url="",
        jquery_url="",
        mermaid_js_url="",
    )
    body, _ = exporter.from_notebook_node(
        notebook,
        resources={
            "title": title,
            "footer": footer,
            "style": shipped("reports", "_tearsheet", "tearsheet.css").read_text(encoding="utf-8"),
            "plotly": get_plotlyjs() if charts else "",
        },
    )
    return str(body)
