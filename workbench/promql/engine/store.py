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

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesSet:
        """Give samples with ``start_ms <= t <= end_ms`` of the series that all matchers accept, stale marks too."""
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

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesSet:
        """Give samples with ``start_ms <= t <= end_ms`` of the series that all matchers accept."""
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
        contiguous = all(a.stop == b.start for a, b in pairwise(parts))
        if contiguous:
            span = slice(parts[0].start, parts[-1].stop)
            return SeriesSet(tuple(labels), offsets, whole.times[span], whole.values[span], whole.histograms)
        return SeriesSet(
            tuple(labels),
            offsets,
            np.concatenate([whole.times[part] for part in parts]),
            np.concatenate([whole.values[part] for part in parts]),
            whole.histograms,
        )
