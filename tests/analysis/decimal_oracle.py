"""Exact increases by Python's own decimals, one sample after another: what the Arrow columns are held to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from workbench.core.money import quantised, total
from workbench.core.series import SeriesSet


def plain_increases(series: SeriesSet, edges: Sequence[int], born: Sequence[bool]) -> list[Decimal]:
    """Increase of every series in every slice, as its definition says: a walk over the samples with a running total."""
    found = []
    for (_, times, values), from_zero in zip(series, born, strict=True):
        counted = np.isfinite(values)
        samples = [(int(t), quantised(v)) for t, v in zip(times[counted], values[counted].tolist(), strict=True)]
        grown, before = Decimal(0), Decimal(0) if from_zero or not samples else samples[0][1]
        amounts = [Decimal(0)] * (len(edges) + 1)
        for at, value in samples:
            step = total((value, before.copy_negate())) if value >= before else value
            place = int(np.searchsorted(edges, at, side="left"))
            amounts[place] = total((amounts[place], step))
            grown, before = total((grown, step)), value
        assert total(amounts) == grown
        found += amounts[1:-1]
    return found
