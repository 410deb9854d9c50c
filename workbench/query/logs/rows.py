"""Records of any backend as rows of LOGS, with the count of what was wrong with them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import frames
from workbench.query.logs.dates import Order, in_24_hours, in_figures
from workbench.query.logs.levels import scale_of, severity_of
from workbench.query.logs.shape import LogShape, flattened
from workbench.query.logs.times import LEAST_EPOCH_S, partial_time, time_of

#: Parser (``json``, ``logfmt``, ``text``) -> ``records``, of these ``understood`` and ``with_level``. [count]
Parsers = dict[str, Counter[str]]

#: Columns that leave the attributes; what a level or a service was called stays there too.
MOVED = ("time_ns", "message", "trace_id", "span_id", "event_type")


class LogRows:
    """Collects rows.

    Parameters
    ----------
    shape : LogShape
        Where the records keep what the columns want.
    written_ns : int, optional
        When the file of the records was written: times without a year lie before. [ns]
    order : {"", "day-first", "month-first"}
        Which figure of a date is the day, where the shape does not say it.

    Attributes
    ----------
    naive, partial, undated, unordered, unplaced, unknown_levels, no_levels : int
        Records whose time had no zone, or no year or day; that had no time; of these the ones whose date can be read
        in two ways, and the ones left out because no record of theirs has a time; whose level is not known, and that
        have none. [count]
    """

    def __init__(self, shape: LogShape, *, written_ns: int | None = None, order: Order = "") -> None:
        self._shape, self._written_ns = shape, written_ns
        self._order: Order = shape.dates or order
        self._beside_ns: int | None = None
        self._waiting: list[int] = []
        self.partial = self.unordered = self.unplaced = self.no_levels = 0
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
            Time of a record that has none, e.g. that of the line before; the record is counted as undated. Without
            it such a record waits for the time of the next one. [ns]
        """
        flat = flattened(record)
        values = {column: self._place(flat, column) for column in self._places}
        if time_ns is None:
            time_ns = self._time(self._moment(flat, values["time_ns"]))
            if time_ns is None:
                self.undated += 1
                time_ns = otherwise_ns
        level = flat.get(values["severity"] or "")
        scale = scale_of(values["severity"] or "")
        severity = "" if level is None else severity_of(level, self._shape.levels, scale=scale)
        self.unknown_levels += level is not None and not severity
        self.no_levels += level is None
        texts = {name: text_of(flat[place]) if (place := values[name]) else "" for name in _TEXTS}
        texts["service"] = texts["service"] or self._shape.service
        texts["event_type"] = texts["event_type"] or self._shape.events.get(texts["message"], "")
        moved = {values[column] for column in MOVED}
        attributes = {name: text_of(value) for name, value in flat.items() if value is not None and name not in moved}
        if time_ns is None:
            self._waiting.append(len(self))
        else:
            for waiting in self._waiting:
                self._columns["time_ns"][waiting] = time_ns
            self._waiting = []
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
        if self._waiting:
            self.unplaced += len(self._waiting)
            left_out, self._waiting = set(self._waiting), []
            columns = {name: [v for i, v in enumerate(held) if i not in left_out] for name, held in columns.items()}
        dtypes = {"int": "int64", "str": "str", "map": "object"}
        made = pd.DataFrame(
            {name: pd.Series(columns[name], dtype=dtypes[kind]) for name, kind in frames.LOGS.columns.items()}
        )
        order = np.argsort(made["time_ns"].to_numpy(), kind="stable")
        return made.take(order).reset_index(drop=True)

    def _time(self, value: Any) -> int | None:
        read = time_of(value, self._order)
        if read is not None:
            self._beside_ns = read[0]
            self.naive += read[1]
            return read[0]
        time_ns = partial_time(value, beside_ns=self._beside_ns, written_ns=self._written_ns)
        self.partial += time_ns is not None
        self.unordered += time_ns is None and isinstance(value, str) and in_figures(in_24_hours(value.strip()) or "")
        return time_ns

    def _moment(self, flat: Mapping[str, Any], place: str | None) -> Any:
        """Value that says the time; where that of the usual place is none, what another place says."""
        time = flat[place] if place else None
        if isinstance(time, str) and isinstance(day := flat.get("date"), str) and day is not time:
            return f"{day} {time}" if time_of(f"{day} {time}", self._order) is not None else time
        if isinstance(time, int | float) and abs(time) < LEAST_EPOCH_S:
            held = (flat.get(other) for other in self._places["time_ns"])
            return next((value for value in held if time_of(value, self._order) is not None), time)
        return time

    def _place(self, flat: Mapping[str, Any], column: str) -> str | None:
        for place in self._places[column]:
            if flat.get(place) not in (None, ""):
                return place
        return None


def note_parsed(tally: Parsers, kind: str, *, understood: bool, level: bool) -> None:
    """Count one record under the parser that read it."""
    counts = tally.setdefault(kind, Counter())
    counts.update({"records": 1, "understood": int(understood), "with_level": int(level)})


_TEXTS = tuple(name for name, kind in frames.LOGS.columns.items() if kind == "str" and name != "severity")


def text_of(value: Any) -> str:
    """Text of a value in a record; what is no plain text is written as JSON, half characters as question marks."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    return json.dumps(value) if isinstance(value, bool | dict | list) else str(value)


def no_rows() -> pd.DataFrame:
    """Return a LOGS frame without rows."""
    return LogRows(LogShape()).frame()
