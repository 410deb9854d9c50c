"""Lines as a reader looks through them: templates with examples, the newest ones, and how the files were understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.analysis.logs.mix import is_security
from workbench.analysis.logs.sampling import estimates
from workbench.analysis.logs.templates import templates
from workbench.core.result import Result
from workbench.core.secret_text import masked_attributes

#: Newest lines of an answer. [lines]
SHOWN = 200


@dataclass(frozen=True, eq=False, repr=False)
class TemplateCounts(Result):
    """Templates of the lines, most lines first.

    Columns of ``frame``: ``template``, ``service``, ``severity``, ``event_type``, ``example``, ``trace_id`` (str),
    ``security`` (bool), ``kept`` [lines], ``estimate``, ``low``, ``high`` (95 % interval) [lines], ``share`` [ratio].
    """


@dataclass(frozen=True, eq=False, repr=False)
class NewestLines(Result):
    """The newest lines, newest first, secrets masked.

    Columns of ``frame``: ``time`` [UTC], ``severity``, ``service``, ``event_type``, ``message``, ``trace_id`` (str),
    ``attributes`` (mapping).
    """


@dataclass(frozen=True, eq=False, repr=False)
class ParseCoverage(Result):
    """What became of the records of files, by parser; one row per outcome. Empty for other sources.

    Columns of ``frame``: ``outcome`` (str), ``count`` [lines or records].
    """


def template_counts(lines: pd.DataFrame) -> TemplateCounts:
    """Count lines by template, with what they stand for."""
    columns = ["template", "service", "severity", "event_type", "example", "trace_id", "security", "kept", "estimate",
               "low", "high", "share"]  # fmt: skip
    if lines.empty:
        return TemplateCounts(pd.DataFrame(columns=columns))
    index = templates(lines)
    kept = pd.DataFrame({"value": index.of_line.astype(str), "probability": lines["probability"], "count": 1})
    result = estimates(kept, by="message")
    places = result.frame["value"].astype(int).to_numpy()
    chosen = index.frame.iloc[places].reset_index(drop=True)
    examples = lines.iloc[chosen["example"].to_numpy()].reset_index(drop=True)
    frame = chosen[["template", "service", "severity", "event_type"]].assign(
        example=examples["message"], trace_id=examples["trace_id"], security=is_security(examples).to_numpy(),
        **{name: result.frame[name].to_numpy() for name in ("kept", "estimate", "low", "high", "share")},
    )  # fmt: skip
    return TemplateCounts(frame[columns], notes=result.notes)


def newest_lines(lines: pd.DataFrame, *, most: int = SHOWN) -> NewestLines:
    """Return the newest lines."""
    newest = lines.sort_values("time_ns", ascending=False, kind="stable").head(most)
    frame = newest[["severity", "service", "event_type", "message", "trace_id"]].assign(
        time=pd.to_datetime(newest["time_ns"], unit="ns", utc=True),
        attributes=pd.Series(map(masked_attributes, newest["attributes"]), index=newest.index, dtype=object),
    )
    return NewestLines(frame.reset_index(drop=True))


def parse_coverage(counts: Mapping[str, Any]) -> ParseCoverage:
    """Return the counts of a reader of files as rows."""
    rows = [{"outcome": str(name), "count": value} for name, value in counts.items() if isinstance(value, int | float)]
    return ParseCoverage(pd.DataFrame(rows, columns=["outcome", "count"]))
