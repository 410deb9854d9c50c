"""Lines of a range read whole, as far as fits: secrets masked, with the share of their kind that was kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.logs.sampling import MARKS, TAIL_MARKS, kept_share
from workbench.core.filters import LogFilter
from workbench.core.secret_text import masked
from workbench.core.source import LogSource
from workbench.core.timerange import TimeRange

#: Lines read for one answer; what is left out makes every count a lower bound. [lines]
MOST_LINES = 1_000_000

#: Kinds of sources whose lines are text that is read here; they say themselves what became of it.
_PARSED_HERE = ("logfiles", "loki")

_COLUMNS = ["time_ns", "severity", "message", "service", "trace_id", "event_type", "attributes"]


@dataclass(frozen=True, eq=False)
class ReadLines:
    """Lines of a range.

    Attributes
    ----------
    frame : DataFrame
        LOGS without span ids, and ``probability``: share of lines of its kind kept, NaN where not known [ratio].
    whole : bool
        Whether all lines were read; else counts are lower bounds.
    attrs : mapping
        What the source says: ``query``, ``warnings``, ``coverage``; and ``parsers``: parser -> ``records``, of these
        ``understood`` and ``with_level`` [count].
    """

    frame: pd.DataFrame
    whole: bool
    attrs: Mapping[str, Any]


def read_lines(source: LogSource, wanted: LogFilter, span: TimeRange, *, most: int = MOST_LINES) -> ReadLines:
    """Read the lines of a range that pass a filter, oldest first.

    Raises
    ------
    SourceError
        As the source raises it.
    """
    held, count, whole = list[pd.DataFrame](), 0, True
    parsers: dict[str, Counter[str]] = {}
    attrs, warnings = dict[str, Any](), dict[str, None]()
    for piece in source.logs(wanted, span):
        attrs |= {str(name): value for name, value in piece.attrs.items()}
        warnings |= dict.fromkeys(map(str, piece.attrs.get("warnings", ())))
        for kind, counts in _parsers(source, piece).items():
            parsers.setdefault(kind, Counter()).update(counts)
        held.append(piece[_COLUMNS].head(most - count))
        count += len(piece)
        if count > most:
            whole = False
            warnings[f"Only the first {most:,} lines of the range were read: all counts are lower bounds."] = None
            break
    columns = {name: pd.Series(dtype="int64" if name == "time_ns" else object) for name in _COLUMNS}
    frame = pd.concat(held, ignore_index=True) if held else pd.DataFrame(columns)
    attrs |= {"warnings": tuple(warnings), "parsers": parsers}
    frame["message"] = frame["message"].fillna("").astype("str")
    clean = {text: masked(text) for text in frame["message"].unique()}
    probabilities = line_shares(frame["attributes"])
    return ReadLines(frame.assign(message=frame["message"].map(clean), probability=probabilities), whole, attrs)


def _parsers(source: LogSource, piece: pd.DataFrame) -> Mapping[str, Mapping[str, int]]:
    """Count the records of a piece by parser; what a backend keeps as fields was read before it came here."""
    coverage: Mapping[str, Any] = piece.attrs.get("coverage") or piece.attrs
    if "parsers" in coverage or getattr(source, "kind", "") in _PARSED_HERE:
        return dict(coverage.get("parsers", {}))
    known = int((piece["severity"].astype("str") != "").sum())
    return {"fields": {"records": len(piece), "understood": len(piece), "with_level": known}} if len(piece) else {}


def line_shares(attributes: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Share of lines of its kind that was kept, for each line, from its attributes; NaN where not known. [ratio]"""
    shares: dict[str, float] = {}
    line_share = np.empty(len(attributes), np.float64)
    for row, held in enumerate(attributes):
        if any(held.get(name) for name in TAIL_MARKS):
            line_share[row] = np.nan
            continue
        mark = next((str(held[name]) for name in MARKS if held.get(name)), "")
        if mark not in shares:
            shares[mark] = kept_share(mark)
        line_share[row] = shares[mark]
    return line_share
