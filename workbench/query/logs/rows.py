"""Records of any backend as rows of LOGS, with the count of what was wrong with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import frames
from workbench.query.logs.levels import scale_of, severity_of
from workbench.query.logs.shape import LogShape, flattened
from workbench.query.logs.times import time_of

#: Columns that leave the attributes; what a level or a service was called stays there too.
MOVED = ("time_ns", "message", "trace_id", "span_id", "event_type")


class LogRows:
    """Collects rows.

    Parameters
    ----------
    shape : LogShape
        Where the records keep what the columns want.

    Attributes
    ----------
    naive, undated, unknown_levels : int
        Records whose time had no zone, that had no time, and whose level nobody knows. [count]
    """

    def __init__(self, shape: LogShape) -> None:
        self._shape = shape
        self._places = {column: shape.places(column) for column in frames.LOGS.columns if column != "attributes"}
        self._columns: dict[str, list[Any]] = {column: [] for column in frames.LOGS.columns}
        self.naive = self.undated = self.unknown_levels = 0

    def __len__(self) -> int:
        return len(self._columns["time_ns"])

    def add(self, record: Mapping[str, Any], *, time_ns: int | None = None, otherwise_ns: int | None = None) -> None:
        """Add a record.

        Parameters
        ----------
        record : mapping
            As the backend gives it, objects inside or flattened.
        time_ns : int, optional
            Time of the backend, which counts more than one in the record. [ns]
        otherwise_ns : int, optional
            Time of a record that has none, e.g. that of the line before; the record is counted as undated. [ns]
        """
        flat = flattened(record)
        found = {column: self._place(flat, column) for column in self._places}
        if time_ns is None:
            read = time_of(flat[found["time_ns"]]) if found["time_ns"] else None
            if read is None:
                self.undated += 1
                time_ns = otherwise_ns or 0
            else:
                time_ns = read[0]
                self.naive += read[1]
        level = flat.get(found["severity"] or "")
        scale = scale_of(found["severity"] or "")
        severity = "" if level is None else severity_of(level, self._shape.levels, scale=scale)
        self.unknown_levels += level is not None and not severity
        texts = {name: text_of(flat[place]) if (place := found[name]) else "" for name in _TEXTS}
        texts["service"] = texts["service"] or self._shape.service
        texts["event_type"] = texts["event_type"] or self._shape.events.get(texts["message"], "")
        moved = {found[column] for column in MOVED}
        attributes = {name: text_of(value) for name, value in flat.items() if value is not None and name not in moved}
        row = {"time_ns": time_ns, "severity": severity, "attributes": attributes, **texts}
        for column, value in row.items():
            self._columns[column].append(value)

    def extend_message(self, text: str) -> None:
        """Append a line to the message of the row added last."""
        self._columns["message"][-1] += f"\n{text}"

    def last_ns(self) -> int | None:
        """Time of the row added last. [ns]"""
        return self._columns["time_ns"][-1] if len(self) else None

    def frame(self) -> pd.DataFrame:
        """Return the rows by time, and begin anew."""
        columns, self._columns = self._columns, {column: [] for column in frames.LOGS.columns}
        dtypes = {"int": "int64", "str": "str", "map": "object"}
        made = pd.DataFrame(
            {name: pd.Series(columns[name], dtype=dtypes[kind]) for name, kind in frames.LOGS.columns.items()}
        )
        order = np.argsort(made["time_ns"].to_numpy(), kind="stable")
        return made.take(order).reset_index(drop=True)

    def _place(self, flat: Mapping[str, Any], column: str) -> str | None:
        for place in self._places[column]:
            if flat.get(place) not in (None, ""):
                return place
        return None


_TEXTS = tuple(name for name, kind in frames.LOGS.columns.items() if kind == "str" and name != "severity")


def text_of(value: Any) -> str:
    """Text of a value in a record; what is no plain text is written as JSON, half characters as question marks."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    return json.dumps(value) if isinstance(value, bool | dict | list) else str(value)


def no_rows() -> pd.DataFrame:
    """Return a LOGS frame without rows."""
    return LogRows(LogShape()).frame()
