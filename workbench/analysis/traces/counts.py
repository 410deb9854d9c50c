"""Sampled spans counted by one column or attribute: estimate, error, interval and share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis.counting.sampled import sampled_counts, sampled_shares
from workbench.analysis.traces.population import rates_unknown
from workbench.analysis.traces.red import UNKNOWN_RATES
from workbench.core.frames import SPANS
from workbench.core.result import Result


@dataclass(frozen=True, eq=False, repr=False)
class SpanCounts(Result):
    """Spans by one column or attribute; one row per value, most spans first.

    Columns of ``frame``: ``value`` (str), ``kept``, ``count``, ``error``, ``low``, ``high`` (estimated spans, standard
    error, 95 % interval) [count], ``share``, ``share_low``, ``share_high`` (of all spans that match). [ratio] Where
    rates of sampling are unknown, all but ``kept`` are NaN.
    """

    by: str


def span_counts(spans: pd.DataFrame, by: str) -> SpanCounts:
    """Count spans by a column of SPANS or an attribute.

    Parameters
    ----------
    spans : DataFrame, (n,)
        The frame contract ``SPANS``.
    by : str
        ``service``, ``operation``, ``status``, ``kind``, or the name of an attribute.
    """
    if by in SPANS.columns and by != "attributes":
        values = spans[by].astype("str")
    else:
        values = pd.Series([(attributes or {}).get(by, "") for attributes in spans["attributes"]], dtype="str")
    groups, names = pd.factorize(values)
    units = pd.factorize(spans["trace_id"])[0].astype(np.int64)
    weights = spans["weight"].to_numpy(np.float64)
    size = len(names)
    frame = sampled_counts(weights, groups.astype(np.int64), units, size=size)
    frame.insert(0, "value", pd.Series(names, dtype="str"))
    shares = []
    for number in range(size):
        estimate = sampled_shares(weights, groups == number, np.zeros(len(groups), np.int64), units, size=1)
        shares.append(estimate.iloc[0].tolist())
    frame[["share", "share_low", "share_high"]] = np.array(shares).reshape(size, 3)
    notes: tuple[str, ...] = ()
    if rates_unknown(spans):
        frame[["count", "error", "low", "high", "share", "share_low", "share_high"]] = np.nan
        notes = (UNKNOWN_RATES,)
    return SpanCounts(
        frame.sort_values(["kept"], ascending=False, kind="stable", ignore_index=True), by=by, notes=notes
    )
