"""Critical paths: the spans whose time made up the duration of a trace, and what a change of them would save."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis.traces.forest import Flags, Forest, Rows
from workbench.analysis.traces.origin import NO_ROW
from workbench.core.errors import ParameterError

#: Overlap of siblings, as a share of the parent's time, that CRISP still takes as one after the other. [ratio]
CRISP_OVERLAP = 0.01


@dataclass(frozen=True)
class CriticalPath:
    """What is on the critical path, by row of the forest.

    Attributes
    ----------
    on : bool array, (n,)
        Whether the span is on the path of its trace.
    start, end : int64 array, (n,)
        The part of the span inside its ancestors; of a span that is not on the path, the span's own. [ns]
    exclusive : int64 array, (n,)
        Time of the path that is the span's own and none of its children's; 0 off the path. [ns]
    drag : int64 array, (n,)
        How much the span can shrink before a sibling takes its place on the path; 0 off the path. [ns]
    """

    on: Flags
    start: Rows
    end: Rows
    exclusive: Rows
    drag: Rows


def critical_path(forest: Forest, roots: Rows | None = None, *, overlap: float = 0.0) -> CriticalPath:
    """Find the critical path of each tree.

    Parameters
    ----------
    forest : Forest
        Spans of traces as trees.
    roots : int64 array, optional
        Rows of the roots of trees; one per trace by default.
    overlap : float
        Share of the parent's time by which siblings may overlap and still count as sequential. [ratio]

    Notes
    -----
    From the end of a span back to its start: the child that ends last at or before the cursor is on the path, the
    cursor moves to its start, and what no child covers is the span's own. Children are clipped to their parent; those
    outside it, and those that nothing waits for (consumers, followers), are left out with all below them [1]_. With an
    ``overlap`` of 1 % a sibling may reach over the cursor by so much of the parent's time where no other sibling starts
    or ends in between [2]_. The exclusive times of a tree add up to the duration of its root.

    References
    ----------
    .. [1] Jaeger UI, TraceTimelineViewer/utils critical path, Apache-2.0.
    .. [2] Z. Zhang et al., CRISP: Critical Path Analysis of Large-Scale Microservice Architectures, USENIX ATC 2022.

    Examples
    --------
    >>> from workbench.analysis.traces.forest import forest
    >>> spans = pd.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_id": ["", "a", "a"], "service": ["web"] * 3,
    ...     "operation": ["get", "cache", "query"], "kind": ["server", "client", "client"],
    ...     "start_ns": [0, 10, 20], "duration_ns": [100, 20, 70], "status": ["ok"] * 3, "weight": [1.0] * 3,
    ...     "attributes": [{}, {}, {}],
    ... })
    >>> critical_path(forest(spans)).exclusive.tolist()
    [30, 0, 70]
    """
    if not 0 <= overlap < 1:
        raise ParameterError(f"An overlap of {overlap} is not a share below 1.", hint="CRISP uses 0.01.")
    children, first = (part.tolist() for part in forest.by_end())
    start, end, waits = forest.start.tolist(), forest.end.tolist(), forest.waits.tolist()
    count = len(start)
    on, exclusive, drag = bytearray(count), [0] * count, [0] * count
    todo = (forest.entries() if roots is None else roots).tolist()
    for row in todo:
        on[row], drag[row] = 1, end[row] - start[row]
    while todo:
        parent = todo.pop()
        opens = start[parent]
        closes = cursor = end[parent]
        own = closes - opens
        allowed = overlap * own
        inside = [
            row for row in children[first[parent] : first[parent + 1]]
            if waits[row] and start[row] < closes and end[row] > opens and end[row] > start[row]
        ]  # fmt: skip
        for place, row in enumerate(inside):
            begins, ends = max(start[row], opens), min(end[row], closes)
            if ends > cursor and (ends - cursor > allowed or _between(inside, start, end, cursor, ends, row)):
                continue
            below = inside[place + 1] if place + 1 < len(inside) else NO_ROW
            spare = ends - max(begins, min(end[below], closes)) if below != NO_ROW else ends - begins
            on[row], start[row], end[row] = 1, begins, ends
            drag[row] = max(min(spare, drag[parent]), 0)
            own -= ends - begins
            cursor = begins
            todo.append(row)
            if cursor <= opens:
                break
        exclusive[parent] = own
    return CriticalPath(
        np.frombuffer(bytes(on), np.uint8).astype(np.bool_),
        *(np.array(part, np.int64) for part in (start, end, exclusive, drag)),
    )


def _between(siblings: list[int], start: list[int], end: list[int], low: int, high: int, row: int) -> bool:
    """Whether a sibling other than those that overlap starts or ends inside the overlap."""
    return any(low < start[each] < high or low < end[each] < high for each in siblings if each != row)


def path_without(forest: Forest, removed: Flags, roots: Rows | None = None, *, overlap: float = 0.0) -> Rows:
    """Return the exclusive times that the path would have without some spans and all below them. [ns]

    Parameters
    ----------
    forest : Forest
        Spans of traces as trees.
    removed : bool array, (n,)
        Spans that take no time any more.
    roots, overlap
        As for :func:`critical_path`.

    Returns
    -------
    int64 array, (n,)
        Their sum over a tree is the duration that its root would have.

    Notes
    -----
    Where a removed span stood on the path, the sibling that ended last before its end takes its place; what its parent
    did alone stays. This is CRISP's "time saved on the critical path": duration of the root less the sum.
    """
    children, first = (part.tolist() for part in forest.by_end())
    start, end = forest.start.tolist(), forest.end.tolist()
    waits, gone = forest.waits.tolist(), removed.tolist()
    exclusive = [0] * len(start)
    todo = [row for row in (forest.entries() if roots is None else roots).tolist() if not gone[row]]
    while todo:
        parent = todo.pop()
        opens, closes = start[parent], end[parent]
        allowed = overlap * (closes - opens)
        cursor = bound = closes
        own = 0
        for row in children[first[parent] : first[parent + 1]]:
            if not waits[row] or start[row] >= closes or end[row] <= max(opens, start[row]):
                continue
            begins, ends = max(start[row], opens), min(end[row], closes)
            if ends - bound > allowed:
                continue
            own += max(cursor - ends, 0)
            if gone[row]:
                cursor, bound = min(cursor, begins), ends
                continue
            if cursor < ends <= cursor + allowed:
                ends = cursor
            start[row], end[row] = begins, ends
            todo.append(row)
            cursor = bound = begins
        exclusive[parent] = own + max(cursor - opens, 0)
    return np.array(exclusive, np.int64)


def path_sections(forest: Forest, path: CriticalPath) -> pd.DataFrame:
    """Cut the critical path into the stretches of time of its spans, latest first; they tile each root.

    Returns
    -------
    DataFrame
        ``row`` (of the forest), ``start_ns``, ``end_ns``. [ns since the epoch]
    """
    rows = np.flatnonzero(path.on)
    below = rows[(forest.parent[rows] != NO_ROW) & path.on[forest.parent[rows]]]
    below = below[np.lexsort((-path.start[below], forest.parent[below]))]
    owner = np.concatenate((rows, forest.parent[below]))
    cuts = np.concatenate((path.end[rows], path.start[below]))
    order = np.lexsort((-cuts, owner))
    owner, tops = owner[order], cuts[order]
    bottoms = np.concatenate((rows, forest.parent[below]))
    lows = np.concatenate((path.start[rows], path.end[below]))
    lows = lows[np.lexsort((-lows, bottoms))]
    kept = tops > lows
    table = pd.DataFrame({"row": owner[kept], "start_ns": lows[kept], "end_ns": tops[kept]})
    return table.sort_values(["end_ns", "start_ns"], ascending=False, kind="stable", ignore_index=True)
