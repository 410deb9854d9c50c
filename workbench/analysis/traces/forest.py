"""Spans as a forest: every trace a tree or several, in arrays, without recursion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.traces.origin import NO_ROW, parent_rows

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: How a span refers to a parent that it does not block (Jaeger's FOLLOWS_FROM).
REFERENCE, FOLLOWS = "span.reference", "follows_from"


@dataclass(frozen=True)
class Forest:
    """The parents and children of spans, by row of ``spans``.

    Attributes
    ----------
    spans : DataFrame, (n,)
        The frame contract ``SPANS``, each span once, index 0 to n - 1.
    start, end : int64 array, (n,)
        First and last instant of each span. [ns since the epoch]
    parent : int64 array, (n,)
        Row of the parent, -1 for a root.
    depth : int64 array, (n,)
        Steps from the root. [count]
    root : int64 array, (n,)
        Row of the root of its tree.
    order : int64 array, (n,)
        All rows, parents before their children.
    orphan : bool array, (n,)
        Roots that name a parent that is not among the rows.
    circular : bool array, (n,)
        Roots that were cut out of a circle of parents.
    waits : bool array, (n,)
        Whether the parent can wait for it: not for consumers below producers and spans that only follow.
    duplicates : int
        Rows left out because they came twice. [count]
    """

    spans: pd.DataFrame
    start: Rows
    end: Rows
    parent: Rows
    depth: Rows
    root: Rows
    order: Rows
    orphan: Flags
    circular: Flags
    waits: Flags
    duplicates: int

    @property
    def duration(self) -> Rows:
        """Duration of each span. [ns]"""
        return self.end - self.start

    @property
    def failed(self) -> Flags:
        """Spans with the status error."""
        failed: Flags = (self.spans["status"] == "error").to_numpy(np.bool_)
        return failed

    def by_end(self) -> tuple[Rows, Rows]:
        """Return all rows with a parent by (parent, latest end, earliest start), and where each parent's begin.

        Returns
        -------
        children : int64 array, (m,)
        first : int64 array, (n + 1,)
            The children of row i are ``children[first[i]:first[i + 1]]``.
        """
        rows = np.flatnonzero(self.parent != NO_ROW)
        order = np.lexsort((self.start[rows], -self.end[rows], self.parent[rows]))
        counts = np.bincount(self.parent[rows], minlength=len(self.parent))
        return rows[order], np.concatenate(([0], np.cumsum(counts)))

    def entries(self) -> Rows:
        """Return one root per trace, in the order of the traces: one that names no parent, else the earliest.

        Of several whole trees the longest is taken.
        """
        rows = np.flatnonzero(self.parent == NO_ROW)
        traces = pd.factorize(self.spans["trace_id"])[0][rows]
        order = np.lexsort((self.start[rows], -self.duration[rows], self.orphan[rows] | self.circular[rows], traces))
        rows, traces = rows[order], traces[order]
        return rows[np.unique(traces, return_index=True)[1]]


def forest(spans: pd.DataFrame) -> Forest:
    """Build the forest of spans.

    Parameters
    ----------
    spans : DataFrame, (n,)
        The frame contract ``SPANS``, any row order, whole traces as far as there are.

    Notes
    -----
    Rows that agree in trace, id, kind, service, operation and start are one span. A span whose parent is not there is
    a root (``orphan``); a circle of parents is cut above its earliest span (``circular``). Depths are found by
    doubling, in log2(depth) passes over all rows, so a chain of 100,000 spans costs seventeen.

    Examples
    --------
    >>> spans = pd.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_id": ["", "a", "b"], "service": ["web"] * 3,
    ...     "operation": ["get", "call", "query"], "kind": ["server", "client", "client"],
    ...     "start_ns": [0, 10, 20], "duration_ns": [100, 80, 40], "status": ["ok"] * 3, "weight": [1.0] * 3,
    ...     "attributes": [{}, {}, {}],
    ... })
    >>> forest(spans).depth.tolist()
    [0, 1, 2]
    """
    once = spans.drop_duplicates(["trace_id", "span_id", "kind", "service", "operation", "start_ns"], ignore_index=True)
    parent = parent_rows(once)
    start = once["start_ns"].to_numpy(np.int64)
    named = (once["parent_id"] != "").to_numpy(np.bool_)
    orphan = named & (parent == NO_ROW)
    depth, top = _depths(parent)
    circular = np.zeros(len(once), np.bool_)
    if (parent[top] != NO_ROW).any():
        circular = _cut(parent, top, start)
        parent = np.where(circular, NO_ROW, parent)
        depth, top = _depths(parent)
    return Forest(
        spans=once,
        start=start,
        end=start + once["duration_ns"].to_numpy(np.int64),
        parent=parent,
        depth=depth,
        root=top,
        order=np.argsort(depth, kind="stable"),
        orphan=orphan,
        circular=circular,
        waits=_waits(once, parent),
        duplicates=len(spans) - len(once),
    )


def _depths(parent: Rows) -> tuple[Rows, Rows]:
    """Depth and root of each row; rows of a circle, and those below one, get a row that has a parent as root."""
    rows = np.arange(len(parent), dtype=np.int64)
    above = np.where(parent == NO_ROW, rows, parent)
    depth = (parent != NO_ROW).astype(np.int64)
    for _ in range(max(len(parent), 1).bit_length()):
        further = above[above]
        if np.array_equal(further, above):
            break
        depth += depth[above]
        above = further
    return depth, above


def _cut(parent: Rows, top: Rows, start: Rows) -> Flags:
    """Mark the earliest span of every circle."""
    cut = np.zeros(len(parent), np.bool_)
    seen: set[int] = set()
    above = parent.tolist()
    for first in np.unique(top[parent[top] != NO_ROW]).tolist():
        circle, row = [], first
        while row not in seen:
            seen.add(row)
            circle.append(row)
            row = above[row]
        if circle:
            cut[min(circle, key=lambda each: (start[each], each))] = True
    return cut


def _waits(spans: pd.DataFrame, parent: Rows) -> Flags:
    kinds = spans["kind"].astype("str").to_numpy()
    below: Flags = parent != NO_ROW
    if not len(kinds):
        return below
    consumes = (kinds == "consumer") & below & (kinds[np.where(below, parent, 0)] == "producer")
    follows = [attributes.get(REFERENCE) == FOLLOWS if attributes else False for attributes in spans["attributes"]]
    waits: Flags = ~(consumes | np.array(follows, np.bool_))
    return waits


def call_paths(forest: Forest) -> tuple[Rows, list[tuple[int, int]], list[tuple[str, str]]]:
    """Give each call path a number: the (service, operation) of a span and of all its ancestors.

    Returns
    -------
    paths : int64 array, (n,)
        Number of the call path of each row.
    above : list of (int, int)
        For each path, the path of the parent (-1 for a root) and the operation.
    operations : list of (str, str)
        Service and name of each operation.
    """
    codes, operations = operation_codes(forest.spans)
    numbers: dict[tuple[int, int], int] = {}
    paths, above, own = [NO_ROW] * len(codes), forest.parent.tolist(), codes.tolist()
    for row in forest.order.tolist():
        parent = above[row]
        key = (paths[parent] if parent >= 0 else NO_ROW, own[row])
        paths[row] = numbers.setdefault(key, len(numbers))
    return np.array(paths, np.int64), list(numbers), operations


def operation_codes(spans: pd.DataFrame) -> tuple[Rows, list[tuple[str, str]]]:
    """Give a number to the pairs of service and operation in the order in which they come."""
    services, service_names = pd.factorize(spans["service"])
    names, operation_names = pd.factorize(spans["operation"])
    codes, pairs = pd.factorize(services.astype(np.int64) * (len(operation_names) + 1) + names)
    width = len(operation_names) + 1
    texts = [(str(service_names[pair // width]), str(operation_names[pair % width])) for pair in pairs.tolist()]
    return codes.astype(np.int64), texts


def path_text(path: int, above: list[tuple[int, int]], operations: list[tuple[str, str]], *, steps: int = 12) -> str:
    """Write a call path from its root down, its middle left out where it is longer than ``steps``."""
    names: list[str] = []
    while path != NO_ROW:
        path, operation = above[path]
        names.append(" ".join(operations[operation]))
    names.reverse()
    if len(names) > steps:
        names = [*names[: steps // 2], f"({len(names) - steps:,} more)", *names[-(steps - steps // 2) :]]
    return " > ".join(names)
