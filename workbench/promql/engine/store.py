"""Where samples come from, and the limits of one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from workbench.core.series import SeriesSet
from workbench.promql.parser.matchers import Matcher, keep_series


class SampleStore(Protocol):
    """Anything that can give raw samples: the archive, memory, a file."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, marks: bool = True) -> SeriesSet:
        """Give samples with ``start_ms <= t <= end_ms`` of the series that all matchers accept.

        With ``marks`` False, stale marks are left out; a series that has nothing else may be left out too.
        """
        ...


@dataclass(frozen=True)
class EvaluationLimits:
    """What one query may use; the defaults fit 4 GB.

    Attributes
    ----------
    max_samples : int
        Raw samples read plus points computed. [count]
    max_series : int
        Series in any intermediate result. [count]
    max_seconds : float
        Time, checked between operations. [s]
    """

    max_samples: int = 150_000_000
    max_series: int = 100_000
    max_seconds: float = 120.0


class MemoryStore:
    """A :class:`SampleStore` over one series set: for tests and for back-testing rules.

    Examples
    --------
    >>> store = MemoryStore(SeriesSet.of([({"__name__": "up", "job": "a"}, [0, 60_000], [1.0, 0.0])]))
    >>> store.select([Matcher("job", "=", "a")], 1, 60_000).values.tolist()
    [0.0]
    """

    def __init__(self, samples: SeriesSet) -> None:
        self.samples = samples

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, marks: bool = True) -> SeriesSet:
        """Give samples, see :class:`SampleStore`."""
        whole = self.samples
        kept = keep_series(matchers, whole.labels)
        parts, labels = [], []
        for i in kept:
            first, last = int(whole.offsets[i]), int(whole.offsets[i + 1])
            times = whole.times[first:last]
            low, high = np.searchsorted(times, start_ms, "left"), np.searchsorted(times, end_ms, "right")
            if low < high:
                parts.append(slice(first + int(low), first + int(high)))
                labels.append(whole.labels[i])
        if not parts:
            return SeriesSet.empty()
        offsets = np.concatenate([[0], np.cumsum([part.stop - part.start for part in parts])]).astype(np.int64)
        if all(a.stop == b.start for a, b in pairwise(parts)):
            parts = [slice(parts[0].start, parts[-1].stop)]
        times, values = whole.times[parts[0]], whole.values[parts[0]]
        if len(parts) > 1:
            times = np.concatenate([whole.times[part] for part in parts])
            values = np.concatenate([whole.values[part] for part in parts])
        samples = SeriesSet(tuple(labels), offsets, times, values, whole.histograms)
        return samples if marks else samples.unmarked()
