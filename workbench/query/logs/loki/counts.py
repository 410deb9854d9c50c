"""Lines counted by Loki, a step at a time, and the steps held against one count of many.

A range of LogQL is open on the left and closed on the right, and a step wants it the other way round. A range query
cannot be moved by less than a millisecond: its points lose their place and the answer is empty. An instant query can:
evaluated one nanosecond before the end of a step, ``(end - 1 ns - step, end - 1 ns]`` holds the lines of
``[start, end)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.core.timerange import TimeRange, duration_text
from workbench.query.http.client import in_parallel
from workbench.query.logs.loki.api import LokiApi

_NS = 1_000_000
_MOST_STEPS, _LONGEST_MS = 60, 86_400_000

#: Counts by the values of the names counted by.
Totals = dict[tuple[str, ...], int]


@dataclass(frozen=True)
class StepCounts:
    """Counts of steps, and what did not add up.

    Attributes
    ----------
    steps : dict
        ``(start of the part counted in ms, values of the names)`` with the lines. [count]
    differences : tuple of str
        Sentences about steps whose sum is not the count of the time they make up.
    """

    steps: dict[tuple[int, tuple[str, ...]], int]
    differences: tuple[str, ...] = ()


def step_counts(api: LokiApi, log_query: str, span: TimeRange, step_ms: int, names: Sequence[str]) -> StepCounts:
    """Count the lines of ``[start, end)`` a step; steps begin at multiples of ``step_ms`` and are cut by the range.

    Each group of steps is counted as a whole first: an empty one needs no further question, and another must be what
    its steps add up to.

    Parameters
    ----------
    api : LokiApi
        Client of the Loki.
    log_query : str
        Selector and filters in LogQL.
    span : TimeRange
        Period to read, without its end.
    step_ms : int
        [ms]
    names : sequence of str
        Labels to count by.

    Raises
    ------
    SourceError
    """

    def counted(part: TimeRange) -> Totals:
        totals: Totals = {}
        query = count_query(log_query, part.end_ms - part.start_ms, names)
        for labels, count in api.instant(query, part.end_ms * _NS - 1):
            key = tuple(labels.get(name, "") for name in names)
            totals[key] = totals.get(key, 0) + round(count)
        return totals

    groups = list(_groups(span, step_ms))
    wholes = [TimeRange.from_ms(group[0].start_ms, group[-1].end_ms) for group in groups]
    totals = list(in_parallel(counted, wholes))
    parts_to_read = [
        part for group, whole in zip(groups, totals, strict=True) if whole and len(group) > 1 for part in group
    ]
    by_part = dict(zip(parts_to_read, in_parallel(counted, parts_to_read), strict=True))
    steps: dict[tuple[int, tuple[str, ...]], int] = {}
    differences = []
    for group, span_of_group, whole in zip(groups, wholes, totals, strict=True):
        parts = {part: by_part.get(part, whole if len(group) == 1 else {}) for part in group}
        for part, part_counts in parts.items():
            steps |= {(part.start_ms, key): count for key, count in part_counts.items()}
        added = sum(sum(part.values()) for part in parts.values())
        # Lines that arrived between the two questions are no difference.
        again = whole if added == sum(whole.values()) else counted(span_of_group)
        if added not in (sum(whole.values()), sum(again.values())):
            differences.append(
                f"The counts do not add up from {span_of_group.start:%d %b %Y %H:%M} to "
                f"{span_of_group.end:%d %b %Y %H:%M} UTC: {added:,} lines in {len(group)} steps, "
                f"{sum(again.values()):,} in one count."
            )
    return StepCounts(steps, tuple(differences))


def count_query(log_query: str, step_ms: int, by: Sequence[str]) -> str:
    """Return the metric query that counts the lines of ``(t - step, t]``.

    Examples
    --------
    >>> count_query('{app="x"}', 60_000, ["level"])
    'sum by (level) (count_over_time({app="x"} [1m]))'
    """
    names = f" by ({', '.join(by)})" if by else ""
    return f"sum{names} (count_over_time({log_query} [{duration_text(step_ms)}]))"


def _groups(span: TimeRange, step_ms: int) -> Iterator[list[TimeRange]]:
    """Cut a range into steps, and gather so many as one count may take in."""
    size = max(1, min(_MOST_STEPS, _LONGEST_MS // step_ms))
    group: list[TimeRange] = []
    at = span.start_ms
    while at < span.end_ms:
        until = min((at // step_ms + 1) * step_ms, span.end_ms)
        group.append(TimeRange.from_ms(at, until))
        if len(group) == size or until == span.end_ms:
            yield group
            group = []
        at = until
