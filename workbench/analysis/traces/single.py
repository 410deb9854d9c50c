"""One trace, span by span: the tree with self time, critical path, repaired clock and where its failures began."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis.traces.forest import Forest
from workbench.analysis.traces.origin import NO_ROW, failure_origins
from workbench.analysis.traces.path import path_sections
from workbench.analysis.traces.population import Population
from workbench.core.result import Result


@dataclass(frozen=True, eq=False, repr=False)
class TraceSpans(Result):
    """One trace; one row per span, parents before their children, siblings by start.

    Columns of ``frame``: ``depth`` [count], ``service``, ``operation``, ``kind``, ``status`` (str), ``start_ns``
    (repaired) and ``raw_start_ns`` [ns since the epoch], ``offset_ms`` (from the start of the trace), ``shift_ms`` (how
    far the clock was repaired), ``duration_ms``, ``self_ms``, ``path_ms`` (own time on the critical path), ``drag_ms``
    [ms], ``on_path``, ``origin`` (a failure began here), ``inherited`` (failed because a child failed), ``orphan``
    (bool), ``began_at`` (span id where its failure began, empty without one), ``span_id``, ``parent_id`` (str),
    ``weight`` [count], ``attributes`` (map).
    """

    trace_id: str
    duration_ms: float
    services: int


@dataclass(frozen=True, eq=False, repr=False)
class TraceSections(Result):
    """The critical path of one trace in order of time; one row per stretch, they tile the trace.

    Columns of ``frame``: ``service``, ``operation``, ``span_id`` (str), ``offset_ms``, ``duration_ms`` [ms], ``share``.
    [ratio]
    """

    trace_id: str


def trace_spans(of: Population) -> TraceSpans:
    """Lay out the spans of one trace."""
    trees, spans = of.forest, of.forest.spans
    order = _preorder(trees)
    origins = failure_origins(trees.failed, trees.parent, trees.end)
    ids = spans["span_id"].to_numpy()
    first = int(trees.start.min()) if len(spans) else 0
    frame = pd.DataFrame(
        {
            "depth": trees.depth,
            **{name: spans[name] for name in ("service", "operation", "kind", "status")},
            "start_ns": trees.start,
            "raw_start_ns": trees.start - of.repair.shift,
            "offset_ms": (trees.start - first) / 1e6,
            "shift_ms": of.repair.shift / 1e6,
            "duration_ms": trees.duration / 1e6,
            "self_ms": of.self_ns / 1e6,
            "path_ms": of.path.exclusive / 1e6,
            "drag_ms": of.path.drag / 1e6,
            "on_path": of.path.on,
            "origin": trees.failed & (origins == np.arange(len(spans))),
            "inherited": trees.failed & (origins != np.arange(len(spans))),
            "orphan": trees.orphan,
            "began_at": np.where(origins == NO_ROW, "", ids[np.maximum(origins, 0)]) if len(spans) else [],
            **{name: spans[name] for name in ("span_id", "parent_id", "weight", "attributes")},
        }
    )
    whole = float(trees.duration[of.entry].max()) / 1e6 if len(spans) else float("nan")
    return TraceSpans(
        frame.iloc[order].reset_index(drop=True),
        trace_id=str(spans["trace_id"].iloc[0]) if len(spans) else "",
        duration_ms=whole,
        services=int(spans["service"].nunique()),
    )


def trace_sections(of: Population) -> TraceSections:
    """Return the critical path of one trace as stretches of time, earliest first."""
    trees, spans = of.forest, of.forest.spans
    sections = path_sections(trees, of.path).iloc[::-1].reset_index(drop=True)
    rows = sections["row"].to_numpy(np.int64)
    first = int(trees.start.min()) if len(spans) else 0
    length = (sections["end_ns"] - sections["start_ns"]).to_numpy() / 1e6
    frame = pd.DataFrame(
        {
            **{name: spans[name].to_numpy()[rows] for name in ("service", "operation", "span_id")},
            "offset_ms": (sections["start_ns"].to_numpy() - first) / 1e6,
            "duration_ms": length,
            "share": length / length.sum() if len(length) else length,
        }
    )
    return TraceSections(frame, trace_id=str(spans["trace_id"].iloc[0]) if len(spans) else "")


def _preorder(trees: Forest) -> list[int]:
    """Rows of the trees from the top down, siblings by start, without recursion."""
    children: dict[int, list[int]] = {}
    start = trees.start.tolist()
    for row in sorted(range(len(start)), key=lambda each: (-start[each], -each)):
        children.setdefault(int(trees.parent[row]), []).append(row)
    order, todo = [], list(children.get(NO_ROW, ()))
    while todo:
        row = todo.pop()
        order.append(row)
        todo += children.get(row, ())
    return order
