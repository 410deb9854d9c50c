"""Floats that are decimals of few places, as whole numbers that give them back to the last bit.

A scraped 0.25 or 41.73 is 25 or 4173 with two places. The division of two exact numbers is rounded once, to the
nearest float, which is the one that the text of the decimal was read as; each value is checked all the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Most places that are tried.
MOST_PLACES = 9

#: Powers of ten, exact as floats.
TENS = np.array([10.0**places for places in range(MOST_PLACES + 1)])

#: Whole numbers up to here are exact as floats, and so is every division of two of them rounded once.
_LARGEST = 2.0**53

_TRIED = 64


def places(values: NDArray[np.float64], starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return the places that make most values of each series whole numbers, judged by some of them; 0 where none do.

    Parameters
    ----------
    values : float64 array
        Of all series, one after the other.
    starts, counts : int64 array, one entry per series
        First value and number of values of each.
    """
    step = np.maximum(counts // _TRIED, 1)
    at = starts[:, None] + np.minimum(np.arange(_TRIED) * step[:, None], counts[:, None] - 1)
    tried = values[at]
    digits = np.zeros(len(starts), np.int8)
    unsettled = np.arange(len(starts))
    for place in range(MOST_PLACES + 1):
        _, exact = scaled(tried[unsettled], np.full(1, place, np.int8))
        good = exact.mean(axis=1) >= 0.5 if place == 0 else exact.mean(axis=1) >= 0.9
        digits[unsettled[good]] = place
        unsettled = unsettled[~good]
        if not len(unsettled):
            break
    return digits


def scaled(values: NDArray[np.float64], scale: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the values as whole numbers at a scale, and which of them the division gives back bit for bit.

    Examples
    --------
    >>> numbers, exact = scaled(np.array([41.73, 1 / 3, -0.0]), np.array([2, 2, 2], np.int8))
    >>> numbers[0], exact.tolist()
    (np.int64(4173), [True, False, False])
    """
    tens = TENS[scale]
    with np.errstate(invalid="ignore", over="ignore"):
        raised = np.rint(values * tens)
        numbers = raised.astype(np.int64)
        back = numbers.astype(np.float64) / tens
    exact: NDArray[np.bool_] = back.view(np.int64) == np.ascontiguousarray(values).view(np.int64)
    exact &= (np.abs(raised) <= _LARGEST) | (tens == 1.0)
    return numbers, exact
