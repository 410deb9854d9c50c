"""Series sets of floats and native histograms, put together and taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workbench.core.histograms import Histograms, is_mark, marked_rows, marks
from workbench.core.series import LabelKey, Labels, SeriesSet, label_key


def masked(series: SeriesSet, kept: NDArray[np.bool_]) -> SeriesSet:
    """Keep the samples of a mask; every series stays, also one without samples."""
    counts = np.concatenate([[0], np.cumsum(kept)])
    return SeriesSet(series.labels, counts[series.offsets], series.times[kept], series.values[kept], series.histograms)


def without_empty(series: SeriesSet) -> SeriesSet:
    """Leave out series without samples."""
    held = np.flatnonzero(np.diff(series.offsets))
    if len(held) == len(series):
        return series
    offsets = np.append(series.offsets[held], series.offsets[-1])
    return replace(series, labels=tuple(series.labels[row] for row in held), offsets=offsets)


def float_samples(series: SeriesSet) -> SeriesSet:
    """Leave out native histograms, and series that hold nothing else."""
    if series.histograms is None:
        return series
    return replace(without_empty(masked(series, ~is_mark(series.values))), histograms=None)


def histogram_samples(series: SeriesSet) -> SeriesSet:
    """Leave out floats; every series stays."""
    return masked(series, is_mark(series.values))


def concatenated(parts: Sequence[SeriesSet]) -> SeriesSet:
    """Join parts of one time after the other; of two samples of one series and time the later part's counts.

    Examples
    --------
    >>> parts = [SeriesSet.of([({"a": "b"}, [0, 1], [1.0, 2.0])]), SeriesSet.of([({"a": "b"}, [1], [3.0])])]
    >>> whole = concatenated(parts)
    >>> whole.times.tolist(), whole.values.tolist()
    ([0, 1], [1.0, 3.0])
    """
    if len(parts) == 1:
        return parts[0]
    known: dict[LabelKey, int] = {}
    labels: list[Labels] = []
    rows, values, blocks, held = [], [], list[Histograms](), 0
    for part in parts:
        places = []
        for each in part.labels:
            if (key := label_key(each)) not in known:
                known[key] = len(labels)
                labels.append(each)
            places.append(known[key])
        rows.append(np.repeat(np.array(places, np.int64), np.diff(part.offsets)))
        values.append(part.values if part.histograms is None else _moved(part.values, held))
        if part.histograms is not None:
            blocks.append(part.histograms)
            held += len(part.histograms)
    if not labels:
        return SeriesSet.empty()
    row, value = np.concatenate(rows), np.concatenate(values)
    times = np.concatenate([part.times for part in parts])
    order = np.lexsort((times, row))
    row, times, value = row[order], times[order], value[order]
    last = np.append((row[1:] != row[:-1]) | (times[1:] != times[:-1]), True)[: len(row)]
    offsets = np.searchsorted(row[last], np.arange(len(labels) + 1)).astype(np.int64)
    return SeriesSet(tuple(labels), offsets, times[last], value[last], Histograms.joined(blocks) if blocks else None)


def _moved(values: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    """Let marks stand for rows that lie further back."""
    native = is_mark(values)
    moved = values.copy()
    moved[native] = marks(marked_rows(values[native]) + by)
    return moved
