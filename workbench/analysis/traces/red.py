"""Rate, errors and duration of operations from spans, each kept trace weighed by what it stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis.counting.sampled import sampled_counts, sampled_shares, weighted_quantiles
from workbench.analysis.traces.population import Population
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

#: Kinds of spans that begin work in a service; only they make a rate of requests.
ENTRY_KINDS = ("server", "consumer")

QUANTILES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}

#: Below so many kept spans an estimate is only a hint. [count]
FEW = 30

UNKNOWN_RATES = (
    "The traces were sampled by what they looked like, so nobody knows how many were dropped: counts, rates and error "
    "shares are refused; durations and paths describe the kept traces only."
)


@dataclass(frozen=True, eq=False, repr=False)
class OperationRates(Result):
    """Rate, errors and duration per operation; one row per service, operation and kind, most time on the path first.

    Columns of ``frame``: ``service``, ``operation``, ``kind`` (str), ``entry`` (server or consumer, bool), ``kept``
    (spans), ``count``, ``error``, ``low``, ``high`` (estimated spans, standard error, 95 % interval) [count],
    ``per_s`` [1/s], ``error_share``, ``error_low``, ``error_high`` [ratio], ``p50_ms``, ``p95_ms``, ``p99_ms``,
    ``self_ms`` (weighted mean self time) [ms], ``path_share`` (share of the time of all traces that its spans spend on
    critical paths) [ratio], ``few`` (fewer than 30 kept spans, bool).
    """

    range: TimeRange


def operation_rates(of: Population, range: TimeRange) -> OperationRates:
    """Count, fail and time the spans of each operation.

    Parameters
    ----------
    of : Population
        Whole traces of the window.
    range : TimeRange
        Window in which the traces began, for rates.

    Notes
    -----
    Counts, shares and intervals are those of :mod:`workbench.analysis.counting.sampled`, with the trace as what was
    kept or dropped. Quantiles are of the weighted durations. Where rates of sampling are unknown, counts and shares
    are NaN.
    """
    trees, spans = of.forest, of.forest.spans
    kinds, kind_names = pd.factorize(spans["kind"])
    groups, pairs = pd.factorize(of.operation * max(len(kind_names), 1) + kinds)
    size = len(pairs)
    weight = of.span_weight()
    counts = sampled_counts(weight, groups, of.trace, size=size)
    shares = sampled_shares(weight, trees.failed, groups, of.trace, size=size)
    table = of.names(pairs // max(len(kind_names), 1))
    table["kind"] = pd.Series([str(kind_names[pair % len(kind_names)]) for pair in pairs.tolist()], dtype="str")
    table["entry"] = table["kind"].isin(ENTRY_KINDS)
    table = pd.concat([table, counts], axis=1)
    table["per_s"] = table["count"] / range.seconds
    table[["error_share", "error_low", "error_high"]] = shares.to_numpy()
    durations = trees.duration / 1e6
    order = np.argsort(groups, kind="stable")
    wanted = np.array(list(QUANTILES.values()))
    places = np.split(order, np.cumsum(np.bincount(groups, minlength=size))[:-1]) if size else []
    parts = [weighted_quantiles(durations[rows], weight[rows], wanted) for rows in places]
    table[list(QUANTILES)] = np.array(parts).reshape(size, len(wanted))
    total = np.bincount(groups, weight, minlength=size)
    table["self_ms"] = np.bincount(groups, weight * of.self_ns / 1e6, minlength=size) / total
    whole = float((of.weight * trees.duration[of.entry]).sum())
    on_path = np.bincount(groups, weight * of.path.exclusive, minlength=size)
    table["path_share"] = on_path / whole if whole else np.nan
    table["few"] = table["kept"] < FEW
    notes: tuple[str, ...] = ()
    if not of.rates_known:
        table[["count", "error", "low", "high", "per_s", "error_share", "error_low", "error_high"]] = np.nan
        notes = (UNKNOWN_RATES,)
    table = table.sort_values(["path_share", "kept"], ascending=False, kind="stable", ignore_index=True)
    return OperationRates(table, range=range, notes=notes)
