"""Compensated sums of many windows at once.

The windows advance in lockstep: pass ``j`` adds the ``j``-th sample of every window, so the result of each window is
the one a sequential Kahan-Neumaier loop gives, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.promql.engine.values import Floats

#: Samples under the windows that advance together: they stay in the processor's cache. [count]
_CACHED = 1 << 18
_FEWEST = 1 << 11


def runs(lo: NDArray[np.intp], hi: NDArray[np.intp]) -> Iterator[slice]:
    """Cut windows into runs whose samples fit the processor's cache."""
    mean_length = int((hi - lo).sum()) // max(1, len(lo)) + 1
    height = max(_FEWEST, _CACHED // mean_length)
    for top in range(0, len(lo), height):
        yield slice(top, top + height)


def lockstep(lo: NDArray[np.intp], hi: NDArray[np.intp]) -> Iterator[tuple[slice | NDArray[np.intp], NDArray[np.intp]]]:
    """Yield, pass by pass, the windows that still have a sample and the index of that sample."""
    count = hi - lo
    longest = int(count.max(initial=0))
    if longest and (count == longest).all():
        for offset in range(longest):
            yield slice(None), lo + offset
        return
    order = np.argsort(-count, kind="stable")
    still = np.searchsorted(-count[order], -np.arange(longest), "left")
    for offset in range(longest):
        active = order[: still[offset]]
        yield active, lo[active] + offset


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Sum and its exact rounding error, by Knuth: what Neumaier's branch finds, without branching."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


def added(total: Floats, error: Floats, term: Floats) -> tuple[Floats, Floats]:
    """One step of the compensated sum: the new total and the rounding errors so far."""
    new, lost = two_sum(total, term)
    return new, error + lost


def settled(total: Floats, error: Floats) -> Floats:
    """Total with its error put back; an infinite or NaN total stays as it is."""
    result: Floats = np.where(np.isfinite(total), total + error, total)
    return result


def mean_of(total: Floats, error: Floats, count: NDArray[Any]) -> Floats:
    """Divide a compensated sum the way Prometheus does: each part by itself."""
    result: Floats = np.where(np.isfinite(total), total / count + error / count, total / count)
    return result


def window_totals(values: Floats, lo: NDArray[np.intp], hi: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Sum of every window as total and rounding error.

    Examples
    --------
    >>> total, error = window_totals(np.array([2.0, 1e100, 8.0, -1e100]), np.array([0, 2]), np.array([4, 3]))
    >>> settled(total, error).tolist()
    [10.0, 8.0]
    """
    totals, errors = np.empty(len(lo)), np.empty(len(lo))
    if len(lo) * len(lo) < int((hi - lo).sum()):
        for window, (first, end) in enumerate(zip(lo, hi, strict=True)):
            totals[window], errors[window] = _one_total(values[first:end])
        return totals, errors
    for part in runs(lo, hi):
        total, error = np.zeros(len(lo[part])), np.zeros(len(lo[part]))
        for active, index in lockstep(lo[part], hi[part]):
            total[active], error[active] = added(total[active], error[active], values[index])
        totals[part], errors[part] = total, error
    return totals, errors


def _one_total(values: Floats) -> tuple[float, float]:
    """Sum one long window: ``add.accumulate`` adds one after the other, so it holds every total on the way."""
    reached = np.add.accumulate(np.concatenate([[0.0], values]))
    back = reached[1:] - reached[:-1]
    lost = (reached[:-1] - (reached[1:] - back)) + (values - back)
    return float(reached[-1]), float(np.add.accumulate(np.concatenate([[0.0], lost]))[-1])


def incremental_mean(values: Floats) -> float:
    """Mean of values whose sum overflows, the way Prometheus falls back to running means."""
    total, error, mean, incremental = 0.0, 0.0, 0.0, False
    for count, value in enumerate(values.tolist(), start=1):
        if not incremental:
            new, new_error = _kahan(value, total, error)
            if not np.isinf(new):
                total, error = new, new_error
                continue
            incremental = True
            mean, error = total / (count - 1), error / (count - 1)
        share = (count - 1) / count
        mean, error = _kahan(value / count, share * mean, share * error)
    return mean + error if incremental else (total + error) / max(1, len(values))


def _kahan(term: float, total: float, error: float) -> tuple[float, float]:
    new = total + term
    if np.isinf(new):
        return new, 0.0
    if abs(total) >= abs(term):
        return new, error + ((total - new) + term)
    return new, error + ((term - new) + total)
