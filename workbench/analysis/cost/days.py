"""Calendar days of a zone, numbered from 1970-01-01 on: days of many instants at once."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.timerange import DAY_MS, named_zone, to_ms

_FIRST = date(1970, 1, 1)


def local_days(at_ms: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Return the day of each instant in a zone. [d since 1970-01-01]

    Examples
    --------
    >>> local_days(np.array([0, 82_800_000]), "Europe/Berlin").tolist()
    [0, 1]
    """
    local = pd.DatetimeIndex(at_ms.astype("datetime64[ms]")).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    return np.asarray(local.as_unit("ms").asi8 // DAY_MS, np.int64)


def date_of(day: int) -> date:
    """Return the date of a day."""
    return _FIRST + timedelta(days=day)


def day_of(at: datetime, zone: str) -> int:
    """Return the day of an instant in a zone. [d since 1970-01-01]"""
    return (at.astimezone(named_zone(zone)).date() - _FIRST).days


def times_of_days(days: NDArray[np.int64], zone: str, at: time = time()) -> NDArray[np.int64]:
    """Return a time of the wall clock of days, midnight if none is given. [ms since the epoch]

    Examples
    --------
    >>> times_of_days(np.array([0, 0, 1]), "Europe/Berlin").tolist()
    [-3600000, -3600000, 82800000]
    """
    return np.array([_time_of_day(day, zone, at) for day in days.tolist()], np.int64)


@lru_cache(maxsize=10_000)
def _time_of_day(day: int, zone: str, at: time) -> int:
    return to_ms(datetime.combine(date_of(day), at, named_zone(zone)))
