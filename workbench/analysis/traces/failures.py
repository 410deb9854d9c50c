"""Failures along call paths: where an error began, how it went up, and what it cost on the critical path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis.traces.forest import Forest, call_paths, path_text
from workbench.analysis.traces.origin import NO_ROW
from workbench.analysis.traces.path import CriticalPath, critical_path, path_without
from workbench.core.result import Result


@dataclass(frozen=True, eq=False, repr=False)
class FailurePaths(Result):
    """Failures on the critical path; one row per call path that fails or has a failing child, most failures first.

    Columns of ``frame``: ``path`` (service and operation from the root down, str), ``alone`` (failed without a failing
    child), ``inherited`` (failed with a failing child), ``handled`` (a child failed, the span did not) [count],
    ``exclusive_ns`` (time on the path of failed spans). [ns]
    """

    #: Sum of the durations of failed spans, and by how much the roots would be shorter without failed spans. [ns]
    work_ns: int
    saved_ns: int


def failure_paths(forest: Forest, path: CriticalPath | None = None, *, overlap: float = 0.0) -> FailurePaths:
    """Count failures by call path, and say what time the failing spans took.

    Parameters
    ----------
    forest : Forest
        Spans of traces as trees.
    path : CriticalPath, optional
        As :func:`~workbench.analysis.traces.path.critical_path` gives it for the same overlap.
    overlap : float
        As for the critical path. [ratio]

    References
    ----------
    .. [1] CRISP, error propagation: [self, self with a failing child, only a failing child] per call path.
    """
    path = critical_path(forest, overlap=overlap) if path is None else path
    failed = forest.failed & path.on
    above = forest.parent[failed]
    below = np.zeros(len(failed), np.bool_)
    below[above[above != NO_ROW]] = True
    below &= path.on
    rows = np.flatnonzero(failed | below)
    paths, steps, operations = call_paths(forest)
    table = pd.DataFrame(
        {
            "number": paths[rows],
            "alone": (failed & ~below)[rows].astype(np.int64),
            "inherited": (failed & below)[rows].astype(np.int64),
            "handled": (below & ~failed)[rows].astype(np.int64),
            "exclusive_ns": np.where(failed, path.exclusive, 0)[rows],
        }
    )
    table = table.groupby("number", as_index=False).sum()
    table.insert(0, "path", [path_text(number, steps, operations) for number in table.pop("number").tolist()])
    order = np.lexsort((table["path"], -(table["alone"] + table["inherited"]), -table["alone"]))
    whole = int(forest.duration[forest.entries()].sum())
    return FailurePaths(
        table.iloc[order].reset_index(drop=True),
        work_ns=int(forest.duration[forest.failed].sum()),
        saved_ns=whole - int(path_without(forest, forest.failed, overlap=overlap).sum()),
    )
