"""Figures of a report as SVG, drawn once by a found browser, so that a page needs no script to be read."""

from __future__ import annotations

import base64
import html
import json
import re
import struct
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.charts.theme import DATES
from workbench.core.errors import ReportError
from workbench.report.export.browser import browser, run_browser

#: Width of a figure of a report. [px]
WIDTH = 920

#: Virtual time that a browser gives to the drawing; it passes as fast as the drawing does. [ms]
_BUDGET_MS = 120_000

_PAGE = """<!doctype html><html><head><meta charset="utf-8"><script>{library}</script></head><body>
<script type="application/json" id="figures">{figures}</script><pre id="drawn"></pre><script>
(async () => {{
  const drawn = [];
  for (const figure of JSON.parse(document.getElementById("figures").textContent)) {{
    const height = figure.layout.height || 300;
    drawn.push(await Plotly.toImage(figure, {{format: "svg", width: {width}, height, imageDataOnly: true}}));
  }}
  document.getElementById("drawn").textContent = JSON.stringify(drawn);
}})();
</script></body></html>"""

_DRAWN = re.compile(r'<pre id="drawn">(.*?)</pre>', re.DOTALL)


def script_json(value: Any) -> str:
    r"""JSON that may stand inside a ``<script>`` element whatever text it holds.

    Examples
    --------
    >>> script_json("</script>")
    '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def drawn(figures: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """Draw plotly figures as SVG texts; None where no browser is found.

    Parameters
    ----------
    figures : sequence of mapping
        ``data`` and ``layout`` of each.

    Raises
    ------
    ReportError
        The browser fails, or does not draw every figure.
    """
    program = browser()
    if program is None:
        return None
    if not figures:
        return []
    from plotly.offline import get_plotlyjs

    with tempfile.TemporaryDirectory(prefix="figures-") as folder:
        page = Path(folder) / "figures.html"
        dated = script_json([{**figure, "config": DATES} for figure in figures])
        page.write_text(_PAGE.format(library=get_plotlyjs(), figures=dated, width=WIDTH), encoding="utf-8")
        text = run_browser(program, page, f"--virtual-time-budget={_BUDGET_MS}", "--dump-dom")
    match = _DRAWN.search(text)
    pictures: list[str] = json.loads(html.unescape(match[1])) if match and match[1] else []
    if len(pictures) != len(figures):
        raise ReportError(f"{program} drew {len(pictures)} of {len(figures)} figures.")
    return pictures


def is_empty(figure: Mapping[str, Any]) -> bool:
    """Whether a figure holds no point at all: only axes would be drawn."""
    traces = [[trace[name] for name in ("y", "x", "z", "values") if name in trace] for trace in figure.get("data", ())]
    return not any(values and all(map(_filled, values)) for values in traces)


def _filled(values: Any) -> bool:
    """Whether a list, or an array as plotly writes it, holds a value; NaN and None are none."""
    if isinstance(values, Mapping):
        content = base64.b64decode(values.get("bdata", ""))
        kind = {"f8": "d", "f4": "f"}.get(values.get("dtype", ""))
        return any(number == number for (number,) in struct.iter_unpack(f"<{kind}", content)) if kind else bool(content)
    return isinstance(values, Sequence) and any(value is not None and value == value for value in values)


def alternative_text(figure: Mapping[str, Any]) -> str:
    """Say in words what a figure shows: what is on its axes, and its series by name.

    Examples
    --------
    >>> alternative_text({"data": [{"name": "p95", "y": [1]}], "layout": {"yaxis": {"title": {"text": "Seconds"}}}})
    'Chart of Seconds: p95.'
    """
    layout = figure.get("layout", {})
    axes = [_title(layout[name]) for name in sorted(layout) if re.fullmatch(r"yaxis\d*", name)]
    axes += [_title(layout[name]) for name in sorted(layout) if re.fullmatch(r"xaxis\d*", name)]
    names = list(dict.fromkeys(str(trace["name"]) for trace in figure.get("data", ()) if trace.get("name")))
    what = ", ".join(dict.fromkeys(filter(None, axes))) or "the numbers of this section"
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return html.unescape(re.sub(r"<[^>]*>", " ", f"Chart of {what}: {shown}." if shown else f"Chart of {what}."))


def _title(axis: Any) -> str:
    title = axis.get("title", "") if isinstance(axis, Mapping) else ""
    return str(title.get("text", "") if isinstance(title, Mapping) else title)
