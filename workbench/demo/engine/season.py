"""Load over time: hours of the day, days of the week, growth; a pure function of the absolute minute."""

from __future__ import annotations

import numpy as np

from workbench.demo.engine.day import Counts, Floats

_MINUTES_PER_YEAR = 365.25 * 1440
#: Minute of 2026-01-01T00:00Z, where the growth is 1.
_YEAR_2026 = 29_453_760
#: Load of Monday to Sunday at noon, linear between.
_WEEK = np.array([1.0, 1.04, 1.06, 1.05, 0.98, 0.62, 0.58])


def growth(minutes: Counts, per_year: float = 0.4) -> Floats:
    """Linear growth since 2026, at least a fifth. [1]"""
    grown: Floats = np.maximum(1 + per_year * (minutes - _YEAR_2026) / _MINUTES_PER_YEAR, 0.2)
    return grown


def season(minutes: Counts, amplitude: float = 0.5) -> Floats:
    """Daily and weekly season around 1: highest at 14:00 UTC, lower at weekends. [1]"""
    hour = (minutes % 1440) / 60
    daily = 1 + amplitude * np.cos((hour - 14) * np.pi / 12) + 0.12 * np.cos((hour - 10) * np.pi / 6)
    # 1970-01-01 was a Thursday; day 0 of the table is a Monday, its value is reached at noon.
    position = (minutes / 1440 + 3 - 0.5) % 7
    weekly = np.interp(position, np.arange(8), np.append(_WEEK, _WEEK[0]))
    shape: Floats = daily * weekly
    return shape
