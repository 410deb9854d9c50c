"""Classic histograms: bucket edges, the share of a log-normal in each, and requests that become slower."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from workbench.core.series import Labels
from workbench.demo.engine.day import Counts, Exposure, Floats

#: Sums are multiples of 2**-10 s, so that adding them is exact in any order.
DYADIC = 1024


@dataclass(frozen=True)
class Buckets:
    """Upper edges of a histogram, without +Inf. [s]

    Examples
    --------
    >>> Buckets((0.05, 2.0)).le
    ('0.05', '2.0', '+Inf')
    """

    edges: tuple[float, ...]

    @cached_property
    def le(self) -> tuple[str, ...]:
        """Texts of the label ``le``, as Prometheus 3 writes them."""
        return (*(repr(float(edge)) for edge in self.edges), "+Inf")

    @cached_property
    def typical(self) -> Floats:
        """Duration that stands for each bucket: between its edges, a multiple of 2**-10. [s]"""
        lower = (self.edges[0] / 2, *self.edges[:-1])
        middles = [sqrt(low * high) for low, high in zip(lower, self.edges, strict=True)] + [self.edges[-1] * 1.4]
        return np.round(np.array(middles) * DYADIC) / DYADIC

    def shares(self, median: Floats, sigma: float) -> Floats:
        """Share of a log-normal in each bucket; shape (len(median), buckets)."""
        below = ndtr((np.log(np.array(self.edges))[None, :] - np.log(median)[:, None]) / sigma)
        shares: Floats = np.diff(below, axis=1, prepend=0.0, append=1.0)
        return shares

    def slower(self, factor: float) -> Counts:
        """Bucket in which a typical duration of each bucket ends up when multiplied by ``factor``."""
        return np.searchsorted(np.array([*self.edges, inf]), self.typical * factor).astype(np.int64)

    def above(self, threshold: float) -> NDArray[np.bool_]:
        """Mask of the buckets that lie above an edge. [s]"""
        return np.arange(len(self.edges) + 1) > self.edges.index(threshold)

    def slow_down(
        self, rng: np.random.Generator, counts: Counts, level: Floats, factor: float
    ) -> tuple[Counts, Counts]:
        """Let a share of the requests of each minute take ``factor`` times as long.

        Parameters
        ----------
        counts : int64 array, (buckets, minutes)
            Observations per bucket and minute.
        level : float64 array, (minutes,)
            Share of the requests. [1]

        Returns
        -------
        (int64 array, int64 array)
            What leaves each bucket and what arrives in each, both (buckets, minutes).
        """
        leaving = np.where(level > 0, rng.binomial(counts, level), 0)
        arriving = np.zeros_like(counts)
        np.add.at(arriving, self.slower(factor), leaving)
        return leaving, arriving

    def expose(self, exposure: Exposure, family: str, labels: Labels, counts: Counts) -> None:
        """Add the cumulative buckets, the sum and the count of a histogram to what a target exposes."""
        cumulative = np.cumsum(counts, axis=0)
        for le, row in zip(self.le, cumulative, strict=True):
            exposure.count({"__name__": f"{family}_bucket", **labels, "le": le}, row)
        exposure.count({"__name__": f"{family}_sum", **labels}, self.typical @ counts)
        exposure.count({"__name__": f"{family}_count", **labels}, cumulative[-1])
