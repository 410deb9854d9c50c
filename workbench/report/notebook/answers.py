"""An answer in a notebook: what it cost, a figure, the first rows, and a file to download."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.core.foreign_text import markup, spreadsheet

#: Rows that are shown, series that are drawn, and the largest file that stands in a notebook. [count, count, bytes]
_ROWS, _SERIES, _LARGEST = 20, 12, 2_000_000


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """Rows with what is to be known about them; renders itself.

    Attributes
    ----------
    frame : DataFrame
    name : str
        Of the variable, and of the file.
    notes : tuple of str
        Cost, source, warnings.
    """

    frame: pd.DataFrame
    name: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "\n".join([*self.notes, f"{len(self.frame):,} rows in {self.name}", self.frame.head(_ROWS).to_string()])

    def _repr_html_(self) -> str:
        notes = "".join(f"<div>{markup(note)}</div>" for note in self.notes)
        shown = self.frame.head(_ROWS).map(lambda value: markup(str(value)) if isinstance(value, str) else value)
        table = shown.to_html(escape=False, index=not isinstance(self.frame.index, pd.RangeIndex), border=0)
        more = f"; the first {_ROWS} are shown" if len(self.frame) > _ROWS else ""
        count = (
            f"<div>{len(self.frame):,} rows in <code>{html.escape(self.name)}</code>{more}. {self._download()}</div>"
        )
        return f"{notes}{table}{count}"

    def _download(self) -> str:
        plain = not isinstance(self.frame.index, pd.RangeIndex)
        safe = self.frame.map(lambda value: spreadsheet(value) if isinstance(value, str) else value)
        text = safe.to_csv(index=plain).encode("utf-8", "replace")
        if len(text) > _LARGEST:
            return f"Too large for a link: <code>{html.escape(self.name)}.to_csv(...)</code> writes it."
        data = base64.b64encode(text).decode()
        return f'<a download="{html.escape(self.name)}.csv" href="data:text/csv;base64,{data}">Download CSV</a>'


def series_figure(frame: pd.DataFrame) -> Any:
    """Return a line for each series of a METRICS frame, the largest first; None where nothing can be drawn.

    Parameters
    ----------
    frame : DataFrame
        Index of times, one column a series.
    """
    import plotly.graph_objects as go

    from workbench.charts.theme import plain, template

    if len(frame) < 2 or not frame.shape[1] or not isinstance(frame.index, pd.DatetimeIndex):
        return None
    order = frame.mean().sort_values(ascending=False, na_position="last").index[:_SERIES]
    figure = go.Figure(layout={"template": template("light"), "height": 320, "margin": {"t": 30}})
    for column in order:
        figure.add_scatter(x=frame.index, y=frame[column], mode="lines", name=plain(_label(column, frame.columns)))
    if frame.shape[1] > _SERIES:
        figure.update_layout(title={"text": f"The {_SERIES} largest of {frame.shape[1]} series", "font": {"size": 12}})
    return figure


def _label(column: Any, columns: pd.Index) -> str:
    values = column if isinstance(column, tuple) else (column,)
    pairs = zip(columns.names, values, strict=False)
    return ", ".join(f"{name}={value}" for name, value in pairs if value not in ("", None)) or "value"
