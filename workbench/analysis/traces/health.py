"""What is wrong with traces as data: parts that are missing, spans that came twice, clocks that run apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis.traces.origin import NO_ROW
from workbench.analysis.traces.population import Population
from workbench.core.result import Result

#: A child that lasts this much longer than its parent is more than rounding. [ratio]
LONGER = 1.01


@dataclass(frozen=True, eq=False, repr=False)
class TraceHealth(Result):
    """Faults of traces as data; one row per fault, in a fixed order.

    Columns of ``frame``: ``fault`` (id), ``title`` (str), ``unit`` (``spans``, ``traces`` or ``rows``), ``found``,
    ``of`` [count], ``share`` [ratio], ``meaning`` (what it does to the numbers, str).
    """


def trace_health(of: Population) -> TraceHealth:
    """Count the faults of a population of traces. Raw times are judged, not repaired ones."""
    trees, repair, spans = of.forest, of.repair, of.forest.spans
    start = trees.start - repair.shift
    end = start + trees.duration
    below = trees.parent != NO_ROW
    above = np.where(below, trees.parent, 0)
    waits = below & trees.waits
    count, traces = len(spans), of.traces
    edges = int(waits.sum())
    whole_roots = np.bincount(of.trace[~below & ~trees.orphan], minlength=traces)
    partial = np.bincount(of.trace[trees.orphan | trees.circular], minlength=traces) > 0
    held = [attributes or {} for attributes in spans["attributes"]]
    cut = sum("workbench.partial" in each for each in held)
    shared = sum("workbench.shared_id" in each for each in held)
    doubtful = sum("workbench.duration" in each for each in held)
    ids = spans.duplicated(["trace_id", "span_id"]).sum()
    rows = [
        ("orphans", "Spans whose parent is missing", "spans", trees.orphan.sum(), count,
         "their time is on no critical path"),
        ("partial", "Traces with a missing part", "traces", partial.sum(), traces,
         "self times above the gap are too long"),
        ("rootless", "Traces without a root", "traces", (whole_roots == 0).sum(), traces,
         "their duration is a lower bound"),
        ("roots", "Traces with several roots", "traces", (whole_roots > 1).sum(), traces,
         "the longest tree stands for the trace"),
        ("circles", "Circles of parents", "spans", trees.circular.sum(), count, "each was cut above its earliest span"),
        ("duplicates", "Spans that came twice", "rows", trees.duplicates, count + trees.duplicates, "counted once"),
        ("same_id", "Different spans with one id", "spans", ids, count, "children are given to the first"),
        ("shared_id", "Server spans with the id of their client (B3)", "spans", shared, count,
         "got an id of their own"),
        ("cut", "Spans of traces that the source calls incomplete", "spans", cut, count, "parts are missing"),
        ("duration", "Spans without a duration, or a negative one", "spans", doubtful, count, "their duration is 0"),
        ("longer", "Children that last over 1 % longer than their parent", "spans",
         (waits & (trees.duration > LONGER * trees.duration[above])).sum(), edges, "clipped to the parent"),
        ("outside", "Children that end after or begin before their parent", "spans",
         (waits & ((end > end[above]) | (start < start[above]))).sum(), edges,
         "clipped to the parent, or the clock is repaired"),
        ("skew", "Spans whose clock was repaired", "spans", (repair.shift != 0).sum(), count, "raw times stand beside"),
        ("skew_beyond", "Spans whose clock is further off than is repaired", "spans", (repair.beyond != 0).sum(), count,
         "left where they are"),
        ("nameless", "Spans without a service", "spans", (spans["service"] == "").sum(), count, "shown without a name"),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["fault", "title", "unit", "found", "of", "meaning"])
    frame[["found", "of"]] = frame[["found", "of"]].astype("int64")
    frame.insert(5, "share", frame["found"] / frame["of"].where(frame["of"] > 0))
    return TraceHealth(frame)
