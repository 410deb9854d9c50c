"""Lines as a reader looks through them: templates with examples, the newest ones, and how the files were understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pandas as pd

from workbench.analysis.logs.mix import is_security
from workbench.analysis.logs.sampling import estimates
from workbench.analysis.logs.templates import templates
from workbench.core.result import Result
from workbench.core.secret_text import masked_attributes
from workbench.core.units import ratio_text

#: Share of the records that has to be understood, and to have a level, for figures of lines to count as sound. [ratio]
LEAST_PARSED = 0.95

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
    """What became of the records, by the parser that read them; one row per parser, most records first.

    Columns of ``frame``: ``parser`` (``json``, ``logfmt``, ``text``, or ``fields`` where the backend keeps fields),
    ``records``, ``understood`` (form and time), ``with_level`` (a level that is known) [count], and both as shares of
    the records, ``share`` and ``level_share`` [ratio].

    Attributes
    ----------
    outcomes : mapping of str to int
        What a reader of files counted beside, e.g. ``broken``, ``undated``, ``continued``. [lines or records]
    """

    outcomes: Mapping[str, int] = field(default_factory=dict)


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


def parse_coverage(
    parsers: Mapping[str, Mapping[str, int]], outcomes: Mapping[str, Any] = MappingProxyType({})
) -> ParseCoverage:
    """Say which share of the records each parser understood.

    Parameters
    ----------
    parsers : mapping of parser to counts
        ``records``, ``understood``, ``with_level``. [count]
    outcomes : mapping of str to Any
        Counts of a reader of files; what is no whole number is left out.

    Examples
    --------
    >>> parse_coverage({"text": {"records": 8, "understood": 6, "with_level": 2}}).frame["share"].tolist()
    [0.75]
    """
    counts = ["records", "understood", "with_level"]
    rows = [{"parser": kind, **{name: int(held.get(name, 0)) for name in counts}} for kind, held in parsers.items()]
    frame = pd.DataFrame(rows, columns=["parser", *counts])
    frame = frame.assign(
        share=frame["understood"] / frame["records"], level_share=frame["with_level"] / frame["records"]
    ).sort_values(["records", "parser"], ascending=[False, True], ignore_index=True)
    whole = {name: value for name, value in outcomes.items() if isinstance(value, int) and value}
    return ParseCoverage(frame, outcomes=whole)


def parse_faults(coverage: ParseCoverage) -> tuple[str, ...]:
    """Say in sentences which share of the records was not understood, or has no level, where it is too large."""
    whole = coverage.frame[["records", "understood", "with_level"]].sum()
    if not whole["records"]:
        return ()
    sentences = {
        "understood": "of {:,} records were understood: counts, levels and templates of the others may be wrong.",
        "with_level": "of {:,} records have a level that is known: the error share counts the others as no errors.",
    }
    return tuple(
        f"Only {ratio_text(whole[name] / whole['records'], digits=1)} {text.format(int(whole['records']))}"
        for name, text in sentences.items()
        if whole[name] < LEAST_PARSED * whole["records"]
    )
