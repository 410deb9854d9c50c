"""Critical paths of many traces together, by band of latency: what makes the slow ones slow."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from workbench.analysis.counting.sampled import weighted_quantiles
from workbench.analysis.traces.path import path_without
from workbench.analysis.traces.population import Population
from workbench.core.result import Result

#: Edges of the bands, as shares of the traces by duration. [ratio]
EDGES = (0.0, 0.5, 0.75, 0.95, 0.99, 1.0)

#: Operations whose removal is computed. [count]
REMOVED = 5

Z95 = 1.959963984540054


@dataclass(frozen=True, eq=False, repr=False)
class PathBands(Result):
    """Mean critical path by band of latency; one row per band and operation on a path, slowest band first.

    Columns of ``frame``: ``band`` (e.g. ``p95 to p99``, or ``all``), ``traces`` (kept) [count], ``from_ms``, ``to_ms``
    (durations of the band) [ms], ``service``, ``operation`` (str), ``exclusive_ms`` (weighted mean per trace),
    ``low_ms``, ``high_ms`` (95 % interval of the mean) [ms], ``share`` (of the time of the band's traces) [ratio],
    ``drag_ms`` (mean per trace, how much its spans could shrink before others take their place) [ms], ``spans`` (on the
    path per trace) [count].
    """


@dataclass(frozen=True, eq=False, repr=False)
class TimeSaved(Result):
    """What the traces would save without an operation; one row for each of the operations with most time on paths.

    Columns of ``frame``: ``service``, ``operation`` (str), ``exclusive_ms`` and ``saved_ms`` (weighted mean per trace)
    [ms], ``share`` (saved of the mean duration) [ratio], ``p95_ms`` and ``p95_without_ms`` (durations of traces). [ms]
    """


def path_bands(of: Population) -> PathBands:
    """Take the critical paths of traces together, by band of the duration of the entry span.

    Notes
    -----
    Bands are cut at the weighted 50th, 75th, 95th and 99th percentile. The exclusive times of a band add up to the mean
    duration of its traces. Intervals are of a weighted mean over traces.
    """
    durations = of.forest.duration[of.entry].astype(np.float64)
    edges = weighted_quantiles(durations, of.weight, np.array(EDGES[1:-1]))
    band = np.searchsorted(edges, durations, side="left")
    texts = [f"p{low * 100:.0f} to p{high * 100:.0f}" for low, high in pairwise(EDGES)]
    parts = [_band(of, np.flatnonzero(band == number), texts[number]) for number in range(len(texts))[::-1]]
    parts.append(_band(of, np.arange(of.traces), "all"))
    held = [part for part in parts if len(part)]
    return PathBands(pd.concat(held, ignore_index=True) if held else _band(of, np.arange(0), "all"))


def _band(of: Population, traces: np.ndarray, text: str) -> pd.DataFrame:
    size = len(of.operations)
    inside = np.zeros(of.traces, np.bool_)
    inside[traces] = True
    rows = np.flatnonzero(of.path.on & inside[of.trace])
    operation, weight = of.operation[rows], of.weight[of.trace[rows]]
    total = float(of.weight[traces].sum())
    durations = of.forest.duration[of.entry[traces]] / 1e6
    exclusive = of.path.exclusive[rows] / 1e6
    mean = np.bincount(operation, weight * exclusive, minlength=size) / (total or np.nan)
    error = _mean_errors(of, rows, operation, exclusive, mean, float((of.weight[traces] ** 2).sum()), total, size)
    used = np.flatnonzero(np.bincount(operation, minlength=size))
    table = of.names(used)
    table.insert(0, "band", text)
    table.insert(1, "traces", len(traces))
    table.insert(2, "from_ms", durations.min() if len(traces) else np.nan)
    table.insert(3, "to_ms", durations.max() if len(traces) else np.nan)
    whole = float((of.weight[traces] * durations).sum())
    table["exclusive_ms"] = mean[used]
    table["low_ms"] = np.maximum(mean - Z95 * error, 0)[used]
    table["high_ms"] = (mean + Z95 * error)[used]
    table["share"] = (mean * total / whole)[used] if whole else np.nan
    table["drag_ms"] = (np.bincount(operation, weight * of.path.drag[rows] / 1e6, minlength=size) / (total or np.nan))[
        used
    ]
    table["spans"] = (np.bincount(operation, weight, minlength=size) / (total or np.nan))[used]
    return table.sort_values("exclusive_ms", ascending=False, kind="stable", ignore_index=True)


def _mean_errors(
    of: Population, rows: np.ndarray, operation: np.ndarray, values: np.ndarray, mean: np.ndarray, squares: float,
    total: float, size: int,
) -> np.ndarray:  # fmt: skip
    """Return the standard error of each weighted mean per trace; traces without the operation count as 0."""
    keys, places = np.unique(of.trace[rows] * size + operation, return_inverse=True)
    sums = np.bincount(places, values, minlength=len(keys))
    group, weight = keys % size, of.weight[keys // size]
    there = np.bincount(group, weight**2 * (sums - mean[group]) ** 2, minlength=size)
    absent = np.maximum(squares - np.bincount(group, weight**2, minlength=size), 0) * mean**2
    error: np.ndarray = np.sqrt(there + absent) / (total or np.nan)
    return error


def time_saved(of: Population, *, operations: int = REMOVED) -> TimeSaved:
    """Compute the traces anew without each of the operations with most time on the path, and all below their spans.

    Notes
    -----
    The saving of an operation is less than its time where a sibling takes its place, and more where work below it goes
    with it (:func:`workbench.analysis.traces.path.path_without`).
    """
    size = len(of.operations)
    weight = of.span_weight()
    on_path = np.bincount(of.operation, weight * of.path.exclusive, minlength=size)
    entries = set(of.operation[of.entry].tolist())
    ranked = [
        each for each in np.argsort(-on_path, kind="stable").tolist() if each not in entries and on_path[each] > 0
    ]
    total = float(of.weight.sum())
    durations = of.forest.duration[of.entry].astype(np.float64)
    mean = float((of.weight * durations).sum()) / (total or np.nan)
    rows = []
    for number in ranked[:operations]:
        without = durations.copy()
        touched = np.unique(of.trace[(of.operation == number) & of.path.on])
        rest = path_without(of.forest, of.operation == number, of.entry[touched])
        per_trace = np.bincount(of.trace, rest, minlength=of.traces)
        without[touched] = per_trace[touched]
        saved = float((of.weight * (durations - without)).sum()) / total
        p95 = [weighted_quantiles(each, of.weight, np.array([0.95]))[0] / 1e6 for each in (durations, without)]
        service, name = of.operations[number]
        rows.append((service, name, on_path[number] / total / 1e6, saved / 1e6, saved / mean, *p95))
    columns = ["service", "operation", "exclusive_ms", "saved_ms", "share", "p95_ms", "p95_without_ms"]
    return TimeSaved(pd.DataFrame(rows, columns=columns).sort_values("saved_ms", ascending=False, ignore_index=True))
