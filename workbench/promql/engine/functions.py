"""Functions of single points: arithmetic, trigonometry, rounding, parts of a date."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.promql.engine.values import Bools, Floats

#: Functions of one value.
ELEMENTWISE: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "exp": np.exp,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "sgn": np.sign,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "deg": np.degrees,
    "rad": np.radians,
}


def _days(seconds: Floats) -> NDArray[np.datetime64]:
    days: NDArray[np.datetime64] = _whole(seconds).astype("datetime64[s]").astype("datetime64[D]")
    return days


def _whole(seconds: Floats) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = np.trunc(seconds).astype(np.int64)
    return whole


def _since(seconds: Floats, unit: str) -> NDArray[np.int64]:
    days = _days(seconds)
    passed: NDArray[np.int64] = (days - days.astype(f"datetime64[{unit}]")).astype(np.int64)
    return passed


def _month_length(seconds: Floats) -> NDArray[np.int64]:
    month = _days(seconds).astype("datetime64[M]")
    length: NDArray[np.int64] = ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64)
    return length


#: Where Go's clock stands for seconds that are no int64, NaN among them.
_NOWHEN = {
    "minute": 30,
    "hour": 15,
    "day_of_week": 0,
    "day_of_month": 4,
    "day_of_year": 339,
    "days_in_month": 31,
    "month": 12,
    "year": 292_277_026_596,
}
#: Parts of a date in UTC from seconds since the epoch.
_DATE_PARTS: dict[str, Callable[[Floats], NDArray[np.int64]]] = {
    "minute": lambda seconds: _whole(seconds) // 60 % 60,
    "hour": lambda seconds: _whole(seconds) // 3600 % 24,
    "day_of_week": lambda seconds: (_whole(seconds) // 86400 + 4) % 7,
    "day_of_month": lambda seconds: _since(seconds, "M") + 1,
    "day_of_year": lambda seconds: _since(seconds, "Y") + 1,
    "days_in_month": _month_length,
    "month": lambda seconds: _days(seconds).astype("datetime64[M]").astype(np.int64) % 12 + 1,
    "year": lambda seconds: _days(seconds).astype("datetime64[Y]").astype(np.int64) + 1970,
}


DATE_PARTS = frozenset(_DATE_PARTS)


def date_part(func: str, seconds: Floats) -> Floats:
    """``minute``, ``year`` and their kind, in UTC.

    Examples
    --------
    >>> date_part("year", np.array([1_793_491_200.0])).tolist()
    [2026.0]
    """
    readable = np.abs(seconds) < 2.0**63
    return np.where(readable, _DATE_PARTS[func](np.where(readable, seconds, 0.0)), _NOWHEN[func]).astype(np.float64)


def rounded(values: Floats, nearest: Floats) -> Floats:
    """Round to the nearest multiple, halves up, through the inverse as Prometheus does."""
    inverse = 1.0 / nearest
    return np.floor(values * inverse + 0.5) / inverse


def clamped(values: Floats, present: Bools, low: Floats, high: Floats) -> tuple[Floats, Bools]:
    """Keep values between two bounds; a NaN bound makes NaN, crossed bounds leave nothing."""
    result = np.maximum(np.minimum(values, high), low)
    return result, present & ~(low > high)
