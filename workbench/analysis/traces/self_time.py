"""Self time: what a span did itself, while none of its children ran; statistics of spans by any column or attribute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.analysis.traces.forest import Forest, Rows
from workbench.analysis.traces.origin import NO_ROW
from workbench.core.frames import SPANS


def self_times(forest: Forest) -> Rows:
    """Return the self time of each span: its duration less the union of its children, clipped to it. [ns]

    Returns
    -------
    int64 array, (n,)
        Never below 0.

    Examples
    --------
    >>> from workbench.analysis.traces.forest import forest
    >>> spans = pd.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_id": ["", "a", "a"], "service": ["web"] * 3,
    ...     "operation": ["get", "cache", "query"], "kind": ["server", "client", "client"],
    ...     "start_ns": [0, 10, 20], "duration_ns": [100, 20, 70], "status": ["ok"] * 3, "weight": [1.0] * 3,
    ...     "attributes": [{}, {}, {}],
    ... })
    >>> self_times(forest(spans)).tolist()
    [20, 20, 70]
    """
    rows = np.flatnonzero(forest.parent != NO_ROW)
    parent = forest.parent[rows]
    start = np.maximum(forest.start[rows], forest.start[parent])
    end = np.minimum(forest.end[rows], forest.end[parent])
    inside = end > start
    parent, start, end = parent[inside], start[inside], end[inside]
    order = np.lexsort((start, parent))
    parent, start, end = parent[order], start[order], end[order]
    reached = pd.Series(end).groupby(parent, sort=False).cummax().to_numpy()
    before = np.concatenate(([0], reached[:-1])) if len(reached) else reached
    opens = np.concatenate(([True], parent[1:] != parent[:-1])) if len(parent) else np.empty(0, np.bool_)
    covered = np.maximum(end - np.where(opens, start, np.maximum(start, before)), 0)
    total = np.zeros(len(forest.parent), np.int64)
    np.add.at(total, parent, covered)
    own: Rows = np.maximum(forest.duration - total, 0)
    return own


def span_statistics(forest: Forest, by: Sequence[str]) -> pd.DataFrame:
    """Count, duration and self time of the spans of a trace by columns of SPANS or attributes.

    Parameters
    ----------
    forest : Forest
        Spans of traces as trees.
    by : sequence of str
        Columns (``service``, ``operation``, ``kind``, ...) or names of attributes, outermost first.

    Returns
    -------
    DataFrame
        One row per group in the order in which it comes: the columns of ``by`` (empty text where a span lacks the
        attribute), ``count``, ``total_ns``, ``mean_ns``, ``min_ns``, ``max_ns``, ``self_ns``, ``self_mean_ns``,
        ``self_min_ns``, ``self_max_ns`` [ns] and ``share``: self time per duration of the trace, over 1 with parallel
        work. [ratio]
    """
    names = list(by)
    frame = pd.DataFrame({name: _values(forest.spans, name) for name in names})
    frame["duration"], frame["self"] = forest.duration, self_times(forest)
    trace = int(forest.end.max() - forest.start.min()) if len(frame) else 0
    table = (
        frame.groupby(names, sort=False, dropna=False)
        .agg(
            count=("duration", "size"),
            total_ns=("duration", "sum"),
            mean_ns=("duration", "mean"),
            min_ns=("duration", "min"),
            max_ns=("duration", "max"),
            self_ns=("self", "sum"),
            self_mean_ns=("self", "mean"),
            self_min_ns=("self", "min"),
            self_max_ns=("self", "max"),
        )
        .reset_index()
    )
    table["share"] = table["self_ns"] / trace if trace else float("nan")
    return table


def _values(spans: pd.DataFrame, name: str) -> Sequence[str] | pd.Series:
    if name in SPANS.columns and name != "attributes":
        return spans[name]
    return [(attributes or {}).get(name, "") for attributes in spans["attributes"]]
