"""Two windows of traces compared node by node: calls, errors, duration and time on the critical path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from workbench.analysis.counting.sampled import sampled_shares
from workbench.analysis.traces.population import Population
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

#: Below this rate of false findings among all rows a difference counts. [ratio]
FALSE_FINDINGS = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class TraceComparison(Result):
    """Operations in two windows; one row per operation, the largest change of time on the path first.

    Columns of ``frame``: ``service``, ``operation`` (str), ``kept``, ``kept_before`` (spans) [count], ``calls``,
    ``calls_before`` (per trace) [count], ``mean_ms``, ``mean_before_ms``, ``mean_change_ms``, ``mean_low_ms``,
    ``mean_high_ms`` (duration; change with 95 % interval), ``self_ms``, ``self_before_ms`` (self time) [ms],
    ``path_ms``, ``path_before_ms``, ``path_change_ms``, ``path_low_ms``, ``path_high_ms`` (time on the critical path
    per trace) [ms], ``error_share``, ``error_before``, ``error_change``, ``error_low``, ``error_high`` [ratio],
    ``p_value`` (smallest of the three tests, times three) and ``q_value`` (Benjamini-Hochberg over all rows),
    ``changed`` (q below 5 %, bool), ``only`` (``new``, ``gone`` or empty).
    """

    range: TimeRange
    before: TimeRange


def trace_comparison(now: Population, then: Population, *, range: TimeRange, before: TimeRange) -> TraceComparison:
    """Compare the traces of two windows per operation.

    Parameters
    ----------
    now, then : Population
        Whole traces of the two windows.
    range, before : TimeRange
        Windows of ``now`` and ``then``.

    Notes
    -----
    Means are over traces and spans weighed by what they stand for; their variance comes from the differences between
    traces. Changes of means: Welch's interval. Changes of shares: Newcombe's interval from the intervals of both.
    """
    names = list(dict.fromkeys([*now.operations, *then.operations]))
    new, old = _nodes(now, names), _nodes(then, names)
    frame = pd.DataFrame(names, columns=["service", "operation"], dtype="str")
    frame["kept"], frame["kept_before"] = new["kept"].to_numpy(), old["kept"].to_numpy()
    frame["calls"], frame["calls_before"] = new["calls"].to_numpy(), old["calls"].to_numpy()
    tests = []
    for name in ("mean", "path"):
        frame[f"{name}_ms"], frame[f"{name}_before_ms"] = new[name].to_numpy(), old[name].to_numpy()
        change, low, high, p = _welch(new, old, name)
        frame[f"{name}_change_ms"], frame[f"{name}_low_ms"], frame[f"{name}_high_ms"] = change, low, high
        tests.append(p)
    frame["self_ms"], frame["self_before_ms"] = new["self"].to_numpy(), old["self"].to_numpy()
    frame["error_share"], frame["error_before"] = new["share"].to_numpy(), old["share"].to_numpy()
    change = frame["error_share"].to_numpy() - frame["error_before"].to_numpy()
    frame["error_change"] = change
    frame["error_low"] = change - np.hypot(new["share"] - new["low"], old["high"] - old["share"]).to_numpy()
    frame["error_high"] = change + np.hypot(new["high"] - new["share"], old["share"] - old["low"]).to_numpy()
    half = np.where(change > 0, change - frame["error_low"], frame["error_high"] - change)
    with np.errstate(divide="ignore", invalid="ignore"):
        tests.append(np.where(change == 0, 1.0, 2 * scipy.special.ndtr(-np.abs(change) * 1.959964 / half)))
    p = np.fmin.reduce([*tests, np.full(len(frame), np.nan)]) * 3
    frame["p_value"] = np.minimum(p, 1.0)
    frame["q_value"] = _false_findings(frame["p_value"].to_numpy())
    frame["changed"] = (frame["q_value"] < FALSE_FINDINGS).to_numpy(np.bool_)
    frame["only"] = np.where(frame["kept_before"] == 0, "new", np.where(frame["kept"] == 0, "gone", ""))
    if not (now.rates_known and then.rates_known):
        frame[["error_share", "error_before", "error_change", "error_low", "error_high"]] = np.nan
    size = np.abs(frame["path_ms"].fillna(0) - frame["path_before_ms"].fillna(0)).to_numpy()
    order = np.lexsort((-size, ~(frame["changed"].to_numpy() | (frame["only"] != "").to_numpy())))
    return TraceComparison(frame.iloc[order].reset_index(drop=True), range=range, before=before)


def _nodes(of: Population, names: list[tuple[str, str]]) -> pd.DataFrame:
    """Weighted means and their standard errors by operation, in the order of ``names``."""
    places = {name: number for number, name in enumerate(names)}
    mapped = np.array([places[name] for name in of.operations], np.int64)
    group, size = mapped[of.operation] if len(of.operation) else of.operation, len(names)
    weight, total = of.span_weight(), float(of.weight.sum())
    kept = np.bincount(group, minlength=size)
    amount = np.bincount(group, weight, minlength=size)
    squares = np.bincount(group, weight**2, minlength=size)
    table = pd.DataFrame({"kept": kept, "calls": amount / (total or np.nan)})
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, values in (("mean", of.forest.duration / 1e6), ("self", of.self_ns / 1e6)):
            mean = np.bincount(group, weight * values, minlength=size) / amount
            apart = np.bincount(group, weight**2 * (values - mean[group]) ** 2, minlength=size)
            table[name], table[f"{name}_error"] = mean, np.sqrt(apart * _unbiased(amount, squares)) / amount
        table["records"] = amount**2 / squares
    path = of.path.exclusive / 1e6
    mean = np.bincount(group, weight * path, minlength=size) / (total or np.nan)
    keys, rows = np.unique(of.trace * size + group, return_inverse=True)
    sums, owner, own = np.bincount(rows, path, minlength=len(keys)), keys % size, of.weight[keys // size]
    there = np.bincount(owner, own**2 * (sums - mean[owner]) ** 2, minlength=size)
    absent = np.maximum(float((of.weight**2).sum()) - np.bincount(owner, own**2, minlength=size), 0) * mean**2
    table["path"], table["path_error"] = mean, np.sqrt(there + absent) / (total or np.nan)
    table["path_records"] = total**2 / (float((of.weight**2).sum()) or np.nan)
    shares = sampled_shares(weight, of.forest.failed, group, of.trace, size=size, causes=True)
    return table.join(shares)


def _unbiased(amount: np.ndarray, squares: np.ndarray) -> np.ndarray:
    records = amount**2 / squares
    return np.where(records > 1, records / np.maximum(records - 1, 1e-9), np.nan)


def _welch(new: pd.DataFrame, old: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    counted = "path_records" if name == "path" else "records"
    change = (new[name] - old[name]).to_numpy()
    first, second = new[f"{name}_error"].to_numpy() ** 2, old[f"{name}_error"].to_numpy() ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = (first + second) ** 2 / (
            first**2 / np.maximum(new[counted].to_numpy() - 1, 1)
            + second**2 / np.maximum(old[counted].to_numpy() - 1, 1)
        )
        error = np.sqrt(first + second)
        half = scipy.stats.t.ppf(0.975, degrees) * error
        p = 2 * scipy.stats.t.sf(np.abs(change) / error, degrees)
    return change, change - half, change + half, np.where(change == 0, 1.0, p)


def _false_findings(p: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg's q for each p; NaN stays NaN."""
    known = np.flatnonzero(np.isfinite(p))
    q = np.full(len(p), np.nan)
    if len(known):
        q[known] = scipy.stats.false_discovery_control(p[known])
    return q
