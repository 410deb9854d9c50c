"""Operations that fail or take longer in a window, and where it began: the deepest failing span, the own time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.investigate.changes import Rows, change_of, compared
from workbench.analysis.investigate.rates import RateRatios
from workbench.analysis.investigate.windows import Flags, Floats, Windows

#: What counts as slow: above this quantile of the baselines. [ratio]
_USUAL = 0.95

#: Fewer spans of the baselines than this have no usual time; fewer in the window show nothing. [spans]
_FEWEST, _FEWEST_NOW = 20, 5


def failing_operations(spans: pd.DataFrame, origins: NDArray[np.int64], windows: Windows) -> Rows:
    """Compare how often each operation failed by itself, per call.

    Parameters
    ----------
    spans : DataFrame, (n,)
        SPANS of all ranges.
    origins : int64 array, (n,)
        Row of the span where the failure of each began, -1 for spans that did not fail
        (:func:`workbench.analysis.traces.origin.failure_origins`).
    windows : Windows
        The window to explain and the windows to compare it with.

    Returns
    -------
    Rows
        One per operation that failed in any range. ``effect`` is the failures added a second.

    Notes
    -----
    Exposure is the number of calls that the kept spans stand for, times the share of failing spans kept.
    """
    began = origins == np.arange(len(spans))
    codes, names = _operations(spans)
    masks = windows.masks(spans["start_ns"].to_numpy(np.int64))
    weights = spans["weight"].to_numpy(np.float64)
    size = len(names)
    counts, stood_for, calls = list[Floats](), list[Floats](), list[Floats]()
    for mask in masks:
        own = mask & began
        counts.append(np.bincount(codes[own], minlength=size).astype(np.float64))
        stood_for.append(np.bincount(codes[own], weights=weights[own], minlength=size).astype(np.float64))
        calls.append(np.bincount(codes[mask], weights=weights[mask], minlength=size).astype(np.float64))
    whole, whole_for = np.sum(counts, axis=0), np.sum(stood_for, axis=0)
    kept = np.where(whole > 0, whole / np.maximum(whole_for, 1e-12), 1.0)
    ratios, against = compared(counts, [each * kept for each in calls])
    rows = np.arange(size)
    before, before_for, before_calls = (np.stack(each[1:])[against, rows] for each in (counts, stood_for, calls))
    seconds = np.array(windows.seconds)
    added = stood_for[0] / seconds[0] - before_for / seconds[1:][against]
    with np.errstate(invalid="ignore", divide="ignore"):
        now_share, before_share = stood_for[0] / calls[0], before_for / before_calls
    first = _first(codes, masks[0] & began, spans, size)
    frame = _frame(
        "failing operation", names, ratios, against, windows,
        change=change_of(counts[0], before, ratios.ratio), now=now_share, before=before_share,
        unit=["of calls failed here first"] * size, effect=added, kept=counts[0], kept_before=before, spans=spans,
        first=first, detail=["failures that began here"] * size,
        example=[_failure(spans, row) for row in first],
    )  # fmt: skip
    return Rows(frame[whole > 0])


def slow_operations(
    spans: pd.DataFrame, self_ns: NDArray[np.int64], windows: Windows, *, parents: NDArray[np.int64] | None = None
) -> Rows:
    """Compare how often the own time of each operation was above what is usual, without spans that failed.

    Parameters
    ----------
    spans : DataFrame, (n,)
        SPANS of all ranges.
    self_ns : int64 array, (n,)
        Time of each span in which none of its children ran. [ns]
    windows : Windows
        The window to explain and the windows to compare it with.
    parents : int64 array, (n,), optional
        Row of each parent, -1 for none. With it ``detail`` says for which service an operation waits: the own time of a
        call to another service is the way there and the queue in front of it.

    Returns
    -------
    Rows
        One per operation with at least 5 spans in the window and 20 in all baselines together. ``effect`` is the own
        time added a second. [s/s]

    Notes
    -----
    Usual is the 95th percentile of the baselines together; the rates compared are the shares of spans above it.
    """
    codes, names = _operations(spans)
    masks = windows.masks(spans["start_ns"].to_numpy(np.int64))
    fine = (spans["status"] != "error").to_numpy(np.bool_)
    own, weights = self_ns / 1e9, spans["weight"].to_numpy(np.float64)
    whole = spans["duration_ns"].to_numpy(np.float64) / 1e9
    size = len(names)
    earlier = fine & np.any(masks[1:], axis=0)
    limits = np.full(size, np.nan)
    for code in range(size):
        times = own[earlier & (codes == code)]
        if len(times) >= _FEWEST:
            limits[code] = np.quantile(times, _USUAL)
    above = own > limits[codes]
    counts = [np.bincount(codes[mask & fine & above], minlength=size).astype(np.float64) for mask in masks]
    calls = [np.bincount(codes[mask & fine], minlength=size).astype(np.float64) for mask in masks]
    ratios, against = compared(counts, calls)
    rows = np.arange(size)
    before, before_calls = (np.stack(each[1:])[against, rows] for each in (counts, calls))
    seconds = np.array(windows.seconds)
    spent = [np.bincount(codes[mask & fine], weights=(own * weights)[mask & fine], minlength=size) for mask in masks]
    called = [np.bincount(codes[mask & fine], weights=weights[mask & fine], minlength=size) for mask in masks]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_before = np.stack(spent[1:])[against, rows] / np.stack(called[1:])[against, rows]
        added = (spent[0] - mean_before * called[0]) / seconds[0]
        now_share, before_share = counts[0] / calls[0], before / before_calls
    first = _first(codes, masks[0] & fine & above, spans, size)
    example = [
        _times("own time", own, codes, code, masks[0] & fine, earlier)
        + "; "
        + _times("duration", whole, codes, code, masks[0] & fine, earlier)
        for code in range(size)
    ]
    whose = _waits(spans, codes, parents, names)
    frame = _frame(
        "slow operation", names, ratios, against, windows,
        change=change_of(counts[0], before, ratios.ratio), now=now_share, before=before_share,
        unit=[f"of calls with more than {limit:.3g} s of own time" for limit in limits], effect=np.nan_to_num(added),
        kept=counts[0], kept_before=before, spans=spans, first=first, detail=whose, example=example,
    )  # fmt: skip
    return Rows(frame[np.isfinite(limits) & (calls[0] >= _FEWEST_NOW)])


def _waits(
    spans: pd.DataFrame, codes: NDArray[np.int64], parents: NDArray[np.int64] | None, names: Sequence[tuple[str, str]]
) -> list[str]:
    """Say whose time the own time of each operation is: its own, or that of a call to another service."""
    waits = ["own time"] * len(names)
    if parents is None:
        return waits
    services = spans["service"].astype("str").to_numpy()
    children = np.flatnonzero(parents >= 0)
    children = children[services[children] != services[parents[children]]]
    called = pd.DataFrame({"code": codes[parents[children]], "service": services[children]})
    for code, own in called.groupby("code"):
        if 2 * len(own) >= int((codes == code).sum()):
            waits[int(str(code))] = f"waiting for {own['service'].mode().iloc[0]}"
    return waits


def _operations(spans: pd.DataFrame) -> tuple[NDArray[np.int64], list[tuple[str, str]]]:
    codes, names = pd.factorize(pd.MultiIndex.from_frame(spans[["service", "operation"]].astype("str")), sort=True)
    return codes.astype(np.int64), [(str(service), str(operation)) for service, operation in names]


def _first(codes: NDArray[np.int64], chosen: Flags, spans: pd.DataFrame, size: int) -> list[int]:
    """Row of the first chosen span of each operation, else of any span of it."""
    starts = spans["start_ns"].to_numpy(np.int64)
    order = np.lexsort((starts, ~chosen))
    firsts, places = np.unique(codes[order], return_index=True)
    rows = np.zeros(size, np.int64)
    rows[firsts] = order[places]
    return [int(row) for row in rows]


def _failure(spans: pd.DataFrame, row: int) -> str:
    """Say what a span tells of its failure."""
    held = spans["attributes"].iloc[row] or {}
    facts = [
        f"{name}={held[name]}"
        for name in ("exception.type", "exception.message", "error.type", "http.response.status_code")
        if held.get(name)
    ]
    return ", ".join(facts)


def _times(name: str, times: Floats, codes: NDArray[np.int64], code: int, now: Flags, before: Flags) -> str:
    """Median and 95th percentile in the baselines and in the window."""
    own = codes == code
    if not (own & now).any() or not (own & before).any():
        return ""
    (middle, high), (middle_before, high_before) = (
        np.quantile(times[own & part], (0.5, 0.95)) for part in (now, before)
    )
    return f"{name} p50 {middle_before:.3g} to {middle:.3g} s, p95 {high_before:.3g} to {high:.3g} s"


def _frame(
    kind: str, names: Sequence[tuple[str, str]], ratios: RateRatios, against: NDArray[np.int64], windows: Windows, *,
    change: list[str], now: Floats, before: Floats, unit: list[str], effect: Floats, kept: Floats, kept_before: Floats,
    spans: pd.DataFrame, first: list[int], detail: list[str], example: list[str],
) -> pd.DataFrame:  # fmt: skip
    return pd.DataFrame(
        {
            "kind": kind,
            "what": [operation for _, operation in names],
            "service": [service for service, _ in names],
            "detail": detail,
            "change": change,
            "now": now,
            "before": before,
            "unit": unit,
            **ratios.columns(),
            "always": False,
            "effect": effect,
            "kept": kept.astype(np.int64),
            "kept_before": kept_before.astype(np.int64),
            "against": [windows.baselines[number].name for number in against],
            "first_ns": spans["start_ns"].to_numpy(np.int64)[first],
            "example": example,
            "trace_id": [str(spans["trace_id"].iloc[row]) for row in first],
        }
    )
