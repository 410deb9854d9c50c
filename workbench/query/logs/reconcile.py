"""Rows, counts and filters of one question held against each other: a silent loss shows in their difference.

Sources that count on a server hold pieces against one count themselves (``attrs["differences"]``). Here lines with a
value and lines without it must be the lines of both, and the lines read as many as are counted. Lines that arrive
between two questions are no difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from workbench.core.filters import Condition, LogFilter, Operator
from workbench.core.source import LogSource
from workbench.core.timerange import TimeRange

_DAY_MS = 86_400_000
_OTHER: dict[Operator, Operator] = {"=": "!=", "!=": "="}


def counted_by_server(counts: pd.DataFrame) -> bool:
    """Say whether a server counted, and not we, from the lines."""
    return "differences" in counts.attrs


def count_differences(source: LogSource, wanted: LogFilter, span: TimeRange, counts: pd.DataFrame) -> tuple[str, ...]:
    """Return sentences about counts that contradict each other; none when they agree.

    Parameters
    ----------
    source : LogSource
        Where log lines are read.
    wanted : LogFilter
        Conditions that each line must fulfil.
    span : TimeRange
        Period to read, without its end.
    counts : DataFrame
        What the source counted for the filter, in whatever steps and columns.

    Raises
    ------
    SourceError
        As the source raises it.
    """
    if not counted_by_server(counts):
        return ()

    def total(condition: LogFilter) -> int:
        return int(source.log_counts(condition, span, step_ms=_DAY_MS)["count"].sum())

    differences: tuple[str, ...] = tuple(counts.attrs["differences"])
    for place, condition in enumerate(wanted.attributes):
        if other := _OTHER.get(condition.op):
            others = tuple(kept for at, kept in enumerate(wanted.attributes) if at != place)
            flipped = Condition(condition.attribute, other, condition.values)
            differences += _complement(
                total,
                condition,
                int(counts["count"].sum()),
                wanted,
                replace(wanted, attributes=(*others, flipped)),
                replace(wanted, attributes=others),
            )
    return differences


def rows_difference(rows: int, counted: int, again: Callable[[], int]) -> tuple[str, ...]:
    """Return a sentence when the lines read are not those counted before and, with ``again``, after; else none."""
    if rows == counted or counted <= rows <= again():
        return ()
    return (f"The lines contradict the count: {rows:,} were read, {counted:,} are counted.",)


def _complement(
    total: Callable[[LogFilter], int],
    condition: Condition,
    counted: int,
    wanted: LogFilter,
    flipped: LogFilter,
    both: LogFilter,
) -> tuple[str, ...]:
    without = total(flipped)
    all_lines = total(both)
    if counted + without == all_lines or counted + without <= all_lines <= total(wanted) + total(flipped):
        return ()
    named = f"{condition.attribute} {condition.op} {condition.value!r}"
    return (
        f"The counts contradict each other: {counted:,} lines with {named} and {without:,} without, "
        f"{all_lines:,} in all.",
    )
