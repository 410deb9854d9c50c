"""The traces to look at first: the slowest, and those that failed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis.traces.origin import failure_origins
from workbench.analysis.traces.population import Population
from workbench.core.result import Result

#: Traces of the list. [count]
SHOWN = 50


@dataclass(frozen=True, eq=False, repr=False)
class SlowestTraces(Result):
    """Traces by duration, slowest first; one row per trace.

    Columns of ``frame``: ``trace_id`` (str), ``time`` (start) [UTC], ``service``, ``operation`` (of the entry span,
    str), ``duration_ms`` [ms], ``spans``, ``failed`` (spans that failed) [count], ``longest`` (operation with most time
    on the critical path, str), ``longest_ms`` [ms], ``began`` (service and operation where its first failure began,
    str).
    """

    #: Kept traces of the window, and kept traces with a failed span. [count]
    traces: int
    failed: int


def slowest_traces(of: Population, *, limit: int = SHOWN) -> SlowestTraces:
    """List the slowest traces.

    Parameters
    ----------
    of : Population
        Whole traces of the window.
    limit : int
        Traces of the list. [count]
    """
    trees = of.forest
    failures = np.bincount(of.trace, trees.failed, minlength=of.traces).astype(np.int64)
    durations = trees.duration[of.entry]
    kept = np.argsort(-durations, kind="stable")[:limit]
    inside = np.isin(of.trace, kept)
    rows = np.flatnonzero(inside)
    origins = failure_origins(trees.failed, trees.parent, trees.end)
    sums = pd.Series(of.path.exclusive[rows]).groupby([of.trace[rows], of.operation[rows]]).sum().reset_index()
    sums.columns = ["trace", "operation", "time"]
    longest = sums.sort_values("time", ascending=False, kind="stable").drop_duplicates("trace").set_index("trace")
    failing = rows[trees.failed[rows] & (origins[rows] == rows)]
    failing = failing[np.argsort(trees.end[failing], kind="stable")]
    began = {int(of.trace[row]): " ".join(of.operations[of.operation[row]]) for row in failing[::-1].tolist()}
    table = pd.DataFrame(
        {
            "trace_id": trees.spans["trace_id"].to_numpy()[of.entry[kept]],
            "time": pd.to_datetime(trees.start[of.entry[kept]], unit="ns", utc=True),
            "service": trees.spans["service"].to_numpy()[of.entry[kept]],
            "operation": trees.spans["operation"].to_numpy()[of.entry[kept]],
            "duration_ms": durations[kept] / 1e6,
            "spans": np.bincount(of.trace, minlength=of.traces)[kept],
            "failed": failures[kept],
            "longest": [" ".join(of.operations[number]) for number in longest["operation"].reindex(kept).tolist()],
            "longest_ms": longest["time"].reindex(kept).to_numpy() / 1e6,
            "began": [began.get(int(trace), "") for trace in kept.tolist()],
        }
    )
    return SlowestTraces(table, traces=of.traces, failed=int((failures > 0).sum()))
