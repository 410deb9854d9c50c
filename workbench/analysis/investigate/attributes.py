"""Values over-represented in bad requests (instance, provider, model, route, version, key), and shifts of traffic."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.investigate.changes import Rows, change_of, compared
from workbench.analysis.investigate.rates import MARGIN, RateRatios
from workbench.analysis.investigate.windows import Baseline, Flags, Floats, Windows

#: More values than this tell requests apart one by one and narrow nothing. [count]
MOST_VALUES = 50

#: Stands between the two values of a pair.
PAIR = " and "

#: Attributes that say how a request ended or what it measured; the rest may say which requests were bad.
_NO_DIMENSION = re.compile(
    r"(?i)status|code$|error|exception|result|outcome|success|(?:^|[._])hit$|tokens?(?:_used)?$|usage|duration|bytes|size"
    r"|count$|time|(?:trace|span|request|correlation|session|user|message)[_.-]?id|^(?:sampled|sampling|workbench|level"
    r"|severity|line|module|function|logger|reason|code\.|metadata\.(?:line|module|function|ip|user_agent))"
)


def requests_of_spans(spans: pd.DataFrame) -> pd.DataFrame:
    """Put the spans of each trace together to one request.

    Returns
    -------
    DataFrame
        One row per trace: ``time_ns`` (its first start) [ns], ``bad`` (whether any span failed), ``weight`` (requests
        it stands for), ``attributes`` (of all its spans, the first that has one counts), ``trace_id``.
    """
    ordered = spans.sort_values("start_ns", kind="stable")
    codes, traces = pd.factorize(ordered["trace_id"])
    held: list[dict[str, str]] = [{} for _ in traces]
    for code, attributes in zip(codes.tolist(), ordered["attributes"], strict=True):
        own = held[code]
        for name, value in (attributes or {}).items():
            own.setdefault(name, value)
    failed = (ordered["status"] == "error").to_numpy(np.bool_)
    bad = np.bincount(codes, weights=failed, minlength=len(traces)) > 0
    first = np.unique(codes, return_index=True)[1]
    return pd.DataFrame(
        {
            "time_ns": ordered["start_ns"].to_numpy(np.int64)[first],
            "bad": bad,
            "weight": ordered["weight"].to_numpy(np.float64)[first],
            "attributes": pd.Series(held, dtype=object),
            "trace_id": list(traces),
        }
    )


def requests_of_lines(lines: pd.DataFrame) -> pd.DataFrame:
    """Take each line as a request, for systems without spans: a bad one has the level ERROR or above."""
    return pd.DataFrame(
        {
            "time_ns": lines["time_ns"].to_numpy(np.int64),
            "bad": lines["severity"].isin(("ERROR", "FATAL")).to_numpy(np.bool_),
            "weight": 1 / lines["probability"].fillna(1.0).to_numpy(np.float64),
            "attributes": lines["attributes"].to_numpy(),
            "trace_id": lines["trace_id"].to_numpy(),
        }
    )


def attribute_changes(requests: pd.DataFrame, windows: Windows) -> Rows:
    """Find values that bad requests of the window have more often, and values whose share of the traffic moved.

    Parameters
    ----------
    requests : DataFrame
        As :func:`requests_of_spans` gives it.
    windows : Windows
        The window to explain and the windows to compare it with.

    Notes
    -----
    A value is over-represented when its requests fail more often than those of the other values of its attribute in the
    same window, and more often than they did in each baseline. The traffic is that of requests that did not fail.
    """
    if requests.empty:
        return Rows(pd.DataFrame())
    masks = windows.masks(requests["time_ns"].to_numpy(np.int64))
    weights, bad = requests["weight"].to_numpy(np.float64), requests["bad"].to_numpy(np.bool_)
    dimensions = _dimensions(requests)
    held = [_bad_rows(requests, dimension, masks, weights, bad, windows) for dimension in dimensions]
    mix = [_mix_rows(requests, dimension, masks, bad, windows) for dimension in dimensions]
    alone = {str(row.what): float(row.ratio) for frame in mix for row in frame.itertuples()}
    for first, second in itertools.combinations(dimensions, 2):
        pairs = _pairs(first, second)
        if len(pairs.names):
            held.append(_beyond_parts(_mix_rows(requests, pairs, masks, bad, windows), alone))
    parts = [part for part in (*held, *mix, _traffic(requests, masks, weights, windows)) if len(part)]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return Rows(rows.assign(evidence=pd.factorize(rows["evidence"])[0].astype(np.float64)) if len(rows) else rows)


@dataclass(frozen=True, eq=False)
class _Dimension:
    """Values that tell kinds of requests apart: their ``name = value`` texts, and the number of each request or -1."""

    names: list[str]
    codes: NDArray[np.int64]

    def members(self) -> list[bytes]:
        """Which requests each value is counted in, and out of which."""
        known = np.packbits(self.codes >= 0).tobytes()
        return [np.packbits(self.codes == code).tobytes() + known for code in range(len(self.names))]


def _dimensions(requests: pd.DataFrame) -> list[_Dimension]:
    """Find the attributes that can tell kinds of requests apart."""
    rows: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row, attributes in enumerate(requests["attributes"]):
        for name, value in attributes.items():
            rows[name].append((row, str(value)))
    dimensions = []
    for name in sorted(rows):
        if _NO_DIMENSION.search(name):
            continue
        values = sorted({value for _, value in rows[name]})
        if not 2 <= len(values) <= MOST_VALUES:
            continue
        place = {value: number for number, value in enumerate(values)}
        codes = np.full(len(requests), -1, np.int64)
        for row, value in rows[name]:
            codes[row] = place[value]
        dimensions.append(_Dimension([f"{name} = {value}" for value in values], codes))
    return dimensions


def _pairs(first: _Dimension, second: _Dimension) -> _Dimension:
    """Values of two attributes together, without those that all requests of one of the two have."""
    both = (first.codes >= 0) & (second.codes >= 0)
    size = len(second.names)
    joint = first.codes * size + second.codes
    seen, counts = np.unique(joint[both], return_counts=True)
    whole_first, whole_second = (
        np.bincount(each.codes[each.codes >= 0], minlength=len(each.names)) for each in (first, second)
    )
    apart = (counts < whole_first[seen // size]) & (counts < whole_second[seen % size])
    if not apart.any() or apart.sum() > MOST_VALUES:
        return _Dimension([], np.full(len(joint), -1, np.int64))
    places = np.searchsorted(seen[apart], joint)
    held = both & np.isin(joint, seen[apart])
    # Requests with other pairs are part of the whole: they have a number beyond the names.
    codes = np.where(held, places, np.where(both, apart.sum(), -1))
    names = [f"{first.names[pair // size]}{PAIR}{second.names[pair % size]}" for pair in seen[apart]]
    return _Dimension(names, codes)


def _beyond_parts(frame: pd.DataFrame, alone: dict[str, float]) -> pd.DataFrame:
    """Leave a pair unnamed that moved no more than one of its two values did by itself, within the margin."""
    parts = [[alone.get(name, 1.0) for name in str(what).split(PAIR)] for what in frame["what"]]
    most = np.array([max(1.0, *each) for each in parts]) * MARGIN
    least = np.array([min(1.0, *each) for each in parts]) / MARGIN
    ratio = frame["ratio"].to_numpy(np.float64)
    return frame.assign(p=np.where((ratio > most) | (ratio < least), frame["p"], 1.0))


def _summed(codes: NDArray[np.int64], chosen: Flags, size: int, weights: Floats | None = None) -> Floats:
    own = chosen & (codes >= 0) & (codes < size)
    given = None if weights is None else weights[own]
    return np.bincount(codes[own], weights=given, minlength=size).astype(np.float64)


def _bad_rows(
    requests: pd.DataFrame, dimension: _Dimension, masks: tuple[Flags, ...], weights: Floats, bad: Flags,
    windows: Windows,
) -> pd.DataFrame:  # fmt: skip
    names, codes = dimension.names, dimension.codes
    size = len(names)
    counts = [_summed(codes, mask & bad, size) for mask in masks]
    stood_for = [_summed(codes, mask & bad, size, weights) for mask in masks]
    calls = [_summed(codes, mask, size, weights) for mask in masks]
    whole, whole_for = np.sum(counts, axis=0), np.sum(stood_for, axis=0)
    kept = whole.sum() / whole_for.sum() if whole.sum() else 1.0
    own_kept = np.where(whole > 0, whole / np.maximum(whole_for, 1e-12), kept)
    others, other_calls = counts[0].sum() - counts[0], calls[0].sum() - calls[0]
    ratios, against = compared([*counts, others], [*(each * own_kept for each in calls), other_calls * kept])
    rows = np.arange(size)
    before = np.stack([*counts[1:], others])[against, rows]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = [each_for / each for each_for, each in zip(stood_for, calls, strict=True)]
        other_share = (stood_for[0].sum() - stood_for[0]) / other_calls
        before_share = np.stack([*shares[1:], other_share])[against, rows]
    named = Windows(windows.range, (*windows.baselines, Baseline("other values", windows.range)))
    frame = _frame("bad requests", names, ratios, against, named, counts[0], before, requests, codes, masks[0] & bad)
    frame = frame.assign(
        now=shares[0], before=before_share, unit="of requests failed", detail="over-represented",
        evidence=dimension.members(),
    )  # fmt: skip
    # A value that fails less than others is no finding, and one value alone has no others.
    return frame[(whole > 0) & (ratios.ratio > 1) & (calls[0] > 0) & (other_calls > 0)]


def _mix_rows(
    requests: pd.DataFrame, dimension: _Dimension, masks: tuple[Flags, ...], bad: Flags, windows: Windows
) -> pd.DataFrame:
    names, codes = dimension.names, dimension.codes
    size = len(names)
    counts = [_summed(codes, mask & ~bad, size) for mask in masks]
    totals = [np.full(size, float((mask & ~bad & (codes >= 0)).sum())) for mask in masks]
    ratios, against = compared(counts, totals)
    rows = np.arange(size)
    before, before_total = (np.stack(each[1:])[against, rows] for each in (counts, totals))
    frame = _frame("traffic mix", names, ratios, against, windows, counts[0], before, requests, codes, masks[0] & ~bad)
    with np.errstate(invalid="ignore", divide="ignore"):
        frame = frame.assign(
            now=counts[0] / totals[0], before=before / before_total, unit="of requests", detail="share of traffic",
            evidence=dimension.members(),
        )  # fmt: skip
    return frame[np.sum(counts, axis=0) > 0]


def _traffic(requests: pd.DataFrame, masks: tuple[Flags, ...], weights: Floats, windows: Windows) -> pd.DataFrame:
    """All requests as one row: the traffic itself may have moved."""
    codes = np.zeros(len(requests), np.int64)
    counts = [_summed(codes, mask, 1) for mask in masks]
    stood_for = [_summed(codes, mask, 1, weights) for mask in masks]
    kept = [
        np.where(count > 0, count / np.maximum(meant, 1e-12), 1.0)
        for count, meant in zip(counts, stood_for, strict=True)
    ]
    # Failures may be kept more often: the least sure of the rates counts.
    least = np.min(kept, axis=0)
    counts = [meant * least for meant in stood_for]
    exposures = [np.full(1, seconds) * least for seconds in windows.seconds]
    ratios, against = compared([np.floor(count) for count in counts], exposures)
    number = int(against[0])
    frame = _frame(
        "traffic mix",
        ["all requests"],
        ratios,
        against,
        windows,
        counts[0],
        counts[1 + number],
        requests,
        codes,
        masks[0],
    )
    rates = [float(meant[0]) / seconds * 60 for meant, seconds in zip(stood_for, windows.seconds, strict=True)]
    return frame.assign(
        now=rates[0], before=rates[1 + number], unit="requests/min", detail="number of requests", evidence=b""
    )


def _frame(
    kind: str, names: list[str], ratios: RateRatios, against: NDArray[np.int64], windows: Windows, now: Floats,
    before: Floats, requests: pd.DataFrame, codes: NDArray[np.int64], chosen: Flags,
) -> pd.DataFrame:  # fmt: skip
    size = len(names)
    first = np.full(size, -1, np.int64)
    rows = np.flatnonzero(chosen & (codes >= 0) & (codes < size))
    rows = rows[np.argsort(requests["time_ns"].to_numpy(np.int64)[rows], kind="stable")]
    seen, places = np.unique(codes[rows], return_index=True)
    first[seen] = rows[places]
    times, traces = requests["time_ns"].to_numpy(np.int64), requests["trace_id"].to_numpy()
    return pd.DataFrame(
        {
            "kind": kind,
            "what": names,
            "service": "",
            "detail": "",
            "change": change_of(now, before, ratios.ratio),
            "now": np.nan,
            "before": np.nan,
            "unit": "",
            **ratios.columns(),
            "always": False,
            "effect": ratios.bound,
            "kept": now.astype(np.int64),
            "kept_before": before.astype(np.int64),
            "against": [windows.baselines[number].name for number in against],
            "first_ns": [int(times[row]) if row >= 0 else 0 for row in first],
            "example": "",
            "trace_id": [str(traces[row]) if row >= 0 else "" for row in first],
        }
    )
