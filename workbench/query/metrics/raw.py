"""Raw samples of a selector, pulled in adjacent stretches of time by the best way a server offers.

==============  ===================================  ==============================================================
way             server                               what it gives
==============  ===================================  ==============================================================
remote read     Prometheus, Thanos sidecar, Mimir    every bit, stale marks and native histograms included
export          VictoriaMetrics                      values as it keeps them, which can be rounded
queries         everything else that knows PromQL    every value; no stale marks
==============  ===================================  ==============================================================
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import QueryRejected, QueryTooExpensive, SourceUnavailable
from workbench.core.mixed import concatenated, float_samples
from workbench.core.series import LabelKey, Labels, SeriesSet, label_key
from workbench.core.settings import Limits
from workbench.core.timerange import DAY_MS, HOUR_MS, MINUTE_MS, TimeRange
from workbench.query.metrics.api import PrometheusApi
from workbench.query.metrics.export_lines import export
from workbench.query.metrics.plan import REQUEST_SAMPLES, seconds_text
from workbench.query.metrics.remote import remote_read
from workbench.query.metrics.selector import conditions

Way = Literal["remote read", "export", "queries"]

_SHORTEST_MS = MINUTE_MS
#: Time between two samples that is assumed where it cannot be asked.
_DENSE_MS = 15_000

#: Samples of one request, by way: chunks are a fifth of the bytes of text.
_REQUEST_SAMPLES = {"remote read": 10_000_000, "export": 2_000_000, "queries": REQUEST_SAMPLES}

Piece = tuple[Labels, NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True)
class Pulled:
    """Raw samples of a range, and the way they came."""

    series: SeriesSet
    way: Way


def way_of(api: PrometheusApi, product: str) -> Way:
    """Ask which way a server offers; the answer does not change while it runs."""
    if product == "VictoriaMetrics":
        return "export"
    return "remote read" if remote_read.is_offered(api) else "queries"


def pull(api: PrometheusApi, selector: str, span: TimeRange, limits: Limits, *, way: Way) -> Pulled:
    """Return the samples of a plain selector in the range, as they were scraped.

    Raises
    ------
    QueryRejected
        Not a plain selector.
    QueryTooExpensive
        More samples or series than the limits allow.

    Notes
    -----
    Ranges of ``queries`` are asked as instant queries ``selector[d]`` at their last millisecond. Prometheus 2 includes
    the left border of such a range, Prometheus 3 does not; what lies before the range is dropped here, so all ways give
    the same samples, each once.
    """
    matchers = conditions(selector)
    way = way if matchers is not None or way == "export" else "queries"
    series: dict[LabelKey, list[Piece]] = {}
    parts: list[SeriesSet] = []
    samples = 0
    deadline = time.monotonic() + limits.seconds
    stretch = _stretch(api, selector, span, _REQUEST_SAMPLES[way])
    position = span.start_ms
    while position < span.end_ms:
        part = TimeRange.from_ms(position, min(position + stretch, span.end_ms))
        if way == "remote read" and matchers is not None:
            answer = remote_read.read(api, matchers, part.start_ms, part.last_ms, query=selector)
        elif way == "export":
            answer = export(api, selector, part.start_ms, part.last_ms)
        else:
            answer = _between(api, selector, part, deadline)
        parts.append(answer)
        samples += answer.samples
        for piece in answer:
            series.setdefault(label_key(piece[0]), []).append(piece)
        if samples > limits.samples or len(series) > limits.series:
            raise QueryTooExpensive(
                f"More than {limits.samples:,} samples or {limits.series:,} series.",
                source=api.name,
                query=selector,
                hint="Ask for a shorter range or fewer series, or raise the limits in the settings.",
            )
        if part == span:
            return Pulled(answer, way)
        position = part.end_ms
    if any(part.histograms is not None for part in parts):
        return Pulled(concatenated(parts), way)
    joined = SeriesSet.of(
        (pieces[0][0], np.concatenate([piece[1] for piece in pieces]), np.concatenate([piece[2] for piece in pieces]))
        for pieces in series.values()
    )
    return Pulled(joined, way)


def without_stale_marks(series: SeriesSet) -> SeriesSet:
    """Leave out native histograms, the marks by which a series ends, and series that hold nothing else."""
    return float_samples(series).unmarked().sampled()


def _between(api: PrometheusApi, selector: str, span: TimeRange, deadline: float) -> SeriesSet:
    pieces: list[Piece] = []

    def sink(series: SeriesSet) -> None:
        for labels, times, values in series:
            inside = (times >= span.start_ms) & (times < span.end_ms)
            if inside.any():
                pieces.append((labels, times[inside], values[inside]))

    query = f"{selector}[{span.end_ms - span.start_ms}ms]"
    fields = [("query", query), ("time", seconds_text(span.last_ms))]
    answer = api.samples("/api/v1/query", fields, sink, query=query, deadline=deadline)
    if answer.warnings:
        raise SourceUnavailable(
            f"Only a part of the samples came: {answer.warnings[0]}",
            source=api.name,
            query=selector,
            hint="A partial answer would give wrong counts. Try again when every store answers.",
        )
    if answer.kind != "matrix":
        raise QueryRejected(
            "Only a plain selector has raw samples.", source=api.name, query=selector, hint='Write e.g. up{job="a"}.'
        )
    return SeriesSet.of(pieces)


def _stretch(api: PrometheusApi, selector: str, span: TimeRange, request_samples: int) -> int:
    """Length of one pull, from the number of samples in the first and the last hour. [ms]"""
    length = span.end_ms - span.start_ms
    if length <= _SHORTEST_MS:
        return max(length, 1)
    window = min(length, HOUR_MS)
    moments = {TimeRange.from_ms(span.start_ms, span.start_ms + window).last_ms, span.last_ms}

    def most(query: str) -> float:
        return max(api.number(query, moment, about=selector) or 0.0 for moment in moments)

    try:
        densest = most(f"sum(count_over_time({selector}[{window}ms]))") / window
    except QueryRejected:  # two metrics of one label set, whose names a function drops
        densest = most(f"count({selector})") / _DENSE_MS
    if densest == 0.0:
        return min(length, DAY_MS)
    return int(min(max(request_samples / densest, _SHORTEST_MS), length))
