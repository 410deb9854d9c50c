"""Slices without a single log line or span: nothing happened, or nothing was shipped?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Silence is not believed when chance explains it less than once in so many times, as a natural logarithm (1 in 150).
UNLIKELY = 5.0

_HOURS = 24


def observed_slices(records: Floats, requests: Floats | None = None, *, slices_a_day: int) -> NDArray[np.bool_]:
    """Say of each slice whether what was recorded in it is known, silent slices included.

    Parameters
    ----------
    records : float64 array, length n
        Lines or spans that were kept, of anything the system does. [count/slice]
    requests : float64 array, length n, optional
        Requests by another witness, its counters; NaN where that one was not there either. [count/slice]
    slices_a_day : int
        Slices per day.

    Returns
    -------
    bool array, length n
        False before the first record and after the last, and in silence that is not believed.

    Notes
    -----
    A silent run is judged by the chance that it is one. Where requests are counted, each would have left a record with
    the probability with which those of the other slices did, at most 1: minus the logarithm of the chance of silence is
    the sum of that over the requests of the run. Where they are not, each slice would have had a record as often as the
    slices of its hour of the day have one (of all hours, with less than two days of history).

    Examples
    --------
    >>> records = np.array([9.0, 9.0, 0.0, 0.0, 9.0])
    >>> observed_slices(records, np.array([9.0, 9.0, 9.0, 9.0, 9.0]), slices_a_day=288).tolist()
    [True, True, False, False, True]
    >>> observed_slices(records, records, slices_a_day=288).tolist()
    [True, True, True, True, True]
    """
    seen = records > 0
    known = np.zeros(len(records), np.bool_)
    if not seen.any():
        return known
    places = np.flatnonzero(seen)
    known[places[0] : places[-1] + 1] = True
    doubt = _doubt(records, seen, requests, slices_a_day)
    edges = np.flatnonzero(np.diff((known & ~seen).astype(np.int8), prepend=0, append=0))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        known[first:last] = doubt[first:last].sum() <= UNLIKELY
    return known


def _doubt(records: Floats, seen: NDArray[np.bool_], requests: Floats | None, slices_a_day: int) -> Floats:
    """Minus the logarithm of the chance that a slice is silent while its records are shipped."""
    hours = np.arange(len(seen)) * _HOURS // max(1, slices_a_day) % _HOURS
    if len(seen) < 2 * slices_a_day:
        hours[:] = 0
    slices = np.bincount(hours, minlength=_HOURS)
    often = np.bincount(hours, seen, _HOURS) / np.maximum(slices, 1)
    doubt: Floats = -np.log1p(-np.minimum(often, 1 - 0.5 / np.maximum(slices, 1)))[hours]
    if requests is None:
        return doubt
    counted = np.isfinite(requests)
    both = seen & counted & (requests > 0)
    if not both.any():
        return doubt
    share = min(1.0, float(records[both].sum() / requests[both].sum()))
    return np.where(counted, share * np.where(counted, requests, 0.0), doubt)
