"""Raw samples of a selector, pulled in adjacent stretches of time."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import QueryRejected, QueryTooExpensive
from workbench.core.series import LabelKey, Labels, SeriesSet, label_key
from workbench.core.settings import Limits
from workbench.core.timerange import TimeRange
from workbench.query.api import Api
from workbench.query.plan import REQUEST_SAMPLES, seconds_text

_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000
_SHORTEST_MS = 60_000

Piece = tuple[Labels, NDArray[np.int64], NDArray[np.float64]]


def pull(api: Api, selector: str, span: TimeRange, limits: Limits) -> SeriesSet:
    """Return the samples of a plain selector in ``(start, end]``, as they were scraped, without stale marks.

    Raises
    ------
    QueryRejected
        Not a plain selector.
    QueryTooExpensive
        More samples or series than the limits allow.

    Notes
    -----
    Asked as instant queries ``selector[d]``. Prometheus 2 includes the left border of such a range, Prometheus 3 does
    not; what lies on it is dropped here, so both give the same samples, each once.
    """
    series: dict[LabelKey, list[Piece]] = {}
    samples = 0
    deadline = time.monotonic() + limits.seconds
    stretch = _stretch(api, selector, span)
    position = span.start_ms
    while position < span.end_ms:
        upto = min(position + stretch, span.end_ms)
        for piece in _between(api, selector, position, upto, deadline):
            series.setdefault(label_key(piece[0]), []).append(piece)
            samples += len(piece[1])
        if samples > limits.samples or len(series) > limits.series:
            raise QueryTooExpensive(
                f"More than {limits.samples:,} samples or {limits.series:,} series.",
                source=api.name,
                query=selector,
                hint="Ask for a shorter range or fewer series, or raise the limits in the settings.",
            )
        position = upto
    return SeriesSet.of(
        (pieces[0][0], np.concatenate([piece[1] for piece in pieces]), np.concatenate([piece[2] for piece in pieces]))
        for pieces in series.values()
    )


def _between(api: Api, selector: str, after_ms: int, upto_ms: int, deadline: float) -> list[Piece]:
    found: list[Piece] = []

    def sink(labels: Labels, times: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        inside = (times > after_ms) & (times <= upto_ms)
        if inside.any():
            found.append((labels, times[inside], values[inside]))

    query = f"{selector}[{upto_ms - after_ms}ms]"
    fields = [("query", query), ("time", seconds_text(upto_ms))]
    answer = api.samples("/api/v1/query", fields, sink, query=query, deadline=deadline)
    if answer.kind != "matrix":
        raise QueryRejected(
            "Only a plain selector has raw samples.", source=api.name, query=selector, hint='Write e.g. up{job="a"}.'
        )
    return found


def _stretch(api: Api, selector: str, span: TimeRange) -> int:
    """Length of one pull, from the number of samples in the first and the last hour. [ms]"""
    length = span.end_ms - span.start_ms
    if length <= _SHORTEST_MS:
        return max(length, 1)
    window = min(length, _HOUR_MS)
    count = f"sum(count_over_time({selector}[{window}ms]))"
    moments = {span.start_ms + window, span.end_ms}
    densest = max(api.number(count, moment, about=selector) or 0.0 for moment in moments) / window
    if densest == 0.0:
        return min(length, _DAY_MS)
    return int(min(max(REQUEST_SAMPLES / densest, _SHORTEST_MS), length))
