"""Answers of TraceQL metrics as a matrix: a zero is sent without a value, so the function decides what that means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.core.series import LabelKey, Metrics, label_key
from workbench.core.timerange import TimeRange
from workbench.query.traces.otlp import attribute_texts

_FUNCTION = re.compile(r"\|\s*([a-z_]+)\s*\(")

#: Of these, no span means zero; of any other function nothing is known of a step without a value.
COUNTS = frozenset({"rate", "count_over_time", "histogram_over_time"})


def counts(query: str) -> bool:
    """Whether a step without a value is a zero of this query.

    Examples
    --------
    >>> counts("{ status = error } | count_over_time() by (name)"), counts("{ } | quantile_over_time(duration, .9)")
    (True, False)
    """
    return any(name in COUNTS for name in _FUNCTION.findall(query))


def matrix_of(
    query: str,
    pieces: Sequence[Sequence[Mapping[str, Any]]],
    span: TimeRange,
    step_ms: int,
    meta: Mapping[str, Any],
) -> Metrics:
    """Join the series of adjacent answers; points outside ``[start, end)``, as Tempo sends them, are left out."""
    first = -(-span.start_ms // step_ms) * step_ms
    times = np.arange(first, span.end_ms, step_ms, dtype=np.int64)
    zero = counts(query)
    values: dict[LabelKey, np.ndarray[Any, np.dtype[np.float64]]] = {}
    for series in pieces:
        for stream in series:
            key = label_key(attribute_texts(stream.get("labels")))
            row = values.setdefault(key, np.full(len(times), np.nan))
            for sample in stream.get("samples") or ():
                place, off = divmod(int(sample.get("timestampMs") or 0) - first, step_ms)
                if 0 <= place < len(times) and not off:
                    value = sample.get("value", 0.0 if zero else None)
                    row[place] = np.nan if value is None else float(value)
    keys = sorted(values)
    block = np.vstack([values[key] for key in keys]) if keys else np.zeros((0, len(times)))
    return Metrics(times, tuple(dict(key) for key in keys), block, ~np.isnan(block), {**meta, "step_ms": step_ms})
