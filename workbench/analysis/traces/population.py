"""A population of traces: the forest, its paths and what each trace stands for; made once, read by every table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.traces.forest import Forest, Rows, forest, operation_codes
from workbench.analysis.traces.path import CriticalPath, critical_path
from workbench.analysis.traces.self_time import self_times
from workbench.analysis.traces.skew import Repair, repaired

#: Attributes that samplers write which decide by what a trace looked like: no probability is known then.
TAIL_MARKS = ("tailsampling.policy", "tailsampling.composite_policy", "sampling.tail", "SampleRate.reason")

#: Samplers of Jaeger that keep so many a second, whatever there is.
RATE_LIMITED = ("ratelimiting", "lowerbound")


@dataclass(frozen=True)
class Population:
    """Whole traces of a window.

    Attributes
    ----------
    repair : Repair
        The forest with repaired clocks, and how far each span moved.
    path : CriticalPath
        Of the entry of each trace.
    self_ns : int64 array, (n,)
        Self time of each span. [ns]
    operation : int64 array, (n,)
        Number of the (service, operation) of each span.
    operations : list of (str, str)
    trace : int64 array, (n,)
        Number of the trace of each span.
    weight : float64 array, (traces,)
        Traces that each kept trace stands for. [count]
    entry : int64 array, (traces,)
        Row of the entry span of each trace.
    rates_known : bool
        Whether the weights say what was dropped; False for tail and rate-limited sampling.
    """

    repair: Repair
    path: CriticalPath
    self_ns: Rows
    operation: Rows
    operations: list[tuple[str, str]]
    trace: Rows
    weight: NDArray[np.float64]
    entry: Rows
    rates_known: bool

    @property
    def forest(self) -> Forest:
        """The forest with repaired clocks."""
        return self.repair.forest

    @property
    def traces(self) -> int:
        """Number of traces. [count]"""
        return len(self.entry)

    def span_weight(self) -> NDArray[np.float64]:
        """Weight of the trace of each span. [count]"""
        return self.weight[self.trace]

    def names(self, operations: Rows) -> pd.DataFrame:
        """Return ``service`` and ``operation`` of numbered operations."""
        pairs = [self.operations[number] for number in operations.tolist()]
        return pd.DataFrame(pairs, columns=["service", "operation"], dtype="str")


def population(spans: pd.DataFrame, *, overlap: float = 0.0, repair_clocks: bool = True) -> Population:
    """Analyse whole traces.

    Parameters
    ----------
    spans : DataFrame, (n,)
        The frame contract ``SPANS``.
    overlap : float
        Share of the parent's time by which siblings on the path may overlap; 0.01 is CRISP's. [ratio]
    repair_clocks : bool
        Whether spans of hosts whose clocks run apart are moved before anything is computed.
    """
    raw = forest(spans)
    repair = repaired(raw) if repair_clocks else Repair(raw, np.zeros_like(raw.start), np.zeros_like(raw.start))
    trees = repair.forest
    entry = trees.entries()
    trace = pd.factorize(trees.spans["trace_id"])[0].astype(np.int64)
    codes, operations = operation_codes(trees.spans)
    weight = np.ones(len(entry))
    np.maximum.at(weight, trace, trees.spans["weight"].to_numpy(np.float64))
    return Population(
        repair=repair,
        path=critical_path(trees, entry, overlap=overlap),
        self_ns=self_times(trees),
        operation=codes,
        operations=operations,
        trace=trace,
        weight=weight,
        entry=entry,
        rates_known=not rates_unknown(trees.spans),
    )


def chosen(spans: pd.DataFrame, operation: str) -> pd.DataFrame:
    """Return the traces of which some span has the operation; all without one."""
    if not operation:
        return spans
    held = spans["trace_id"][spans["operation"] == operation].unique()
    return spans[spans["trace_id"].isin(held)].reset_index(drop=True)


def rates_unknown(spans: pd.DataFrame) -> bool:
    """Whether spans say that they were kept for what they looked like, or so many a second."""
    return any(
        attributes
        and (any(mark in attributes for mark in TAIL_MARKS) or attributes.get("sampler.type") in RATE_LIMITED)
        for attributes in spans["attributes"]
    )
