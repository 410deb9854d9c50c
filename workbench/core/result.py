"""What an analysis returns and what a study returns; a screen, a report and a notebook all show these."""

from __future__ import annotations

import html
import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, get_args

import pandas as pd

from workbench.core.timerange import TimeRange

Status = Literal["ok", "at_risk", "spent", "no_data", "no_traffic", "unavailable", "refused"]

#: All statuses, best first; ``spent`` and worse ask for action.
STATUSES: tuple[Status, ...] = get_args(Status)

_SEVERITY: dict[Status, int] = {
    "ok": 0,
    "no_traffic": 1,
    "no_data": 2,
    "refused": 3,
    "unavailable": 4,
    "at_risk": 5,
    "spent": 6,
}


def worst(statuses: list[Status]) -> Status:
    """Return the status that asks most of the reader; ``no_data`` when there is none.

    Examples
    --------
    >>> worst(["ok", "at_risk", "no_data"])
    'at_risk'
    """
    return max(statuses, key=_SEVERITY.__getitem__, default="no_data")


def jsonable(value: Any) -> Any:
    """Return plain JSON values: NaN as None, times as ISO 8601, Decimal as text."""
    kind = type(value)  # most values are one of these, and the questions below take ten times as long
    if kind is str or kind is int or kind is bool:
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if value is pd.NaT or value is None:
        return None
    if isinstance(value, (datetime, pd.Timestamp)):
        return value.isoformat()
    if isinstance(value, (pd.Timedelta, Decimal)):
        return str(value)
    if isinstance(value, TimeRange):
        return {"start": jsonable(value.start), "end": jsonable(value.end)}
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (str, bool, int)):
        return value
    return str(value)


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """A tidy frame, the parameters that made it (fields of the subclass) and what to know when reading it.

    Subclasses are module-level frozen dataclasses; each lists its columns with units in its docstring.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = field(default=(), kw_only=True)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the tidy frame."""
        return self.frame.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return parameters, notes and rows as plain JSON values."""
        parameters = {name: jsonable(value) for name, value in vars(self).items() if name not in ("frame", "notes")}
        rows = [jsonable(row) for row in self.frame.reset_index(drop=True).to_dict(orient="records")]
        return {"parameters": parameters, "notes": list(self.notes), "rows": rows}

    def plot(self) -> Any:
        """Return the plotly figure of this result."""
        return importlib.import_module("workbench.charts").figure(self)

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        table = self.frame.to_html(max_rows=20, border=0, escape=True)
        return f"{table}<ul>{notes}</ul>" if notes else table

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__} ({len(self.frame)} rows)\n{self.frame.to_string(max_rows=10)}\n"
            "Use .plot() to plot the data and .to_frame() to access all of it."
        )


@dataclass(frozen=True)
class Provenance:
    """Where a study's numbers came from: enough to ask the same question again."""

    source: str
    engine: str
    semantics: str
    method: str
    queries: tuple[str, ...] = ()
    tier: str = "raw"
    version: str = ""


@dataclass(frozen=True, eq=False)
class Study:
    """An answered question: results by name, and how far to trust them.

    A failing source is a ``status`` (``unavailable``, ``refused``) with a sentence in ``warnings``, never an exception.
    ``age_s`` is the age of an answer that was kept while a newer one is made; None for one that is true now. [s]
    """

    name: str
    system: str
    range: TimeRange
    as_of: datetime
    results: Mapping[str, Result]
    status: Status
    freshness: datetime | None
    coverage: float
    provenance: Provenance
    warnings: tuple[str, ...] = ()
    age_s: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "study": self.name,
            "system": self.system,
            "range": jsonable(self.range),
            "as_of": jsonable(self.as_of),
            "status": self.status,
            "freshness": jsonable(self.freshness),
            "coverage": jsonable(self.coverage),
            "provenance": jsonable(vars(self.provenance)),
            "warnings": list(self.warnings),
            "results": {name: result.to_dict() for name, result in self.results.items()},
        }

    def _repr_html_(self) -> str:
        head = f"<p><b>{html.escape(self.name)}</b> of {html.escape(self.system)}, {self.range}: {self.status}</p>"
        return head + "".join(result._repr_html_() for result in self.results.values())
