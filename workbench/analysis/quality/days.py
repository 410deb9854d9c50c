"""Hours of scores on the calendar of a zone: one row per series, one column per day and hour of the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.timerange import named_zone

Floats = NDArray[np.float64]

#: Columns that name a series.
KEYS = ["role", "title", "series"]

#: Hours of equal readings after which a gauge counts as standing still. [h]
STILL_HOURS = 24


@dataclass(frozen=True, eq=False)
class ScoreDays:
    """Scores by series, day and hour of the day.

    Attributes
    ----------
    series : DataFrame
        ``role, title, series``; one row per series.
    starts : DatetimeIndex
        Start of each day in the zone. [UTC]
    weekday : int array, (days,)
        0 is Monday.
    values : float array, (series, days, 24)
        Hourly means; NaN where there is none. [score]
    samples : float array, (series, days)
        Samples of the day. [count]
    still : bool array, (series, days)
        A gauge whose reading did not move on the day and the hours before.
    """

    series: pd.DataFrame
    starts: pd.DatetimeIndex
    weekday: NDArray[np.int64]
    values: Floats
    samples: Floats
    still: NDArray[np.bool_]


def score_days(hours: pd.DataFrame, *, start: datetime, end: datetime, zone: str = "UTC") -> ScoreDays:
    """Lay hourly scores out by series, day of a zone and hour of the day.

    Parameters
    ----------
    hours : DataFrame
        Columns ``role, title, series, time`` (start of the hour, UTC), ``value, samples``, and ``gauge`` (bool) where
        some are gauges. [score, count]
    start, end : datetime
        Aware; the days that this range touches are laid out.
    zone : str
        IANA zone of the days. An hour that comes twice in autumn is averaged; one left out in spring is missing.

    Examples
    --------
    >>> times = pd.date_range("2026-10-01", periods=48, freq="h", tz="UTC")
    >>> frame = pd.DataFrame({"role": "quality", "title": "Q", "series": "a", "time": times})
    >>> frame = frame.assign(value=1.0, samples=9)
    >>> days = score_days(frame, start=times[0], end=times[-1] + pd.Timedelta("1h"))
    >>> days.values.shape, days.samples.tolist()
    ((1, 2, 24), [[216.0, 216.0]])
    """
    local = named_zone(zone)
    first = pd.Timestamp(start).tz_convert(local).normalize()
    last = (pd.Timestamp(end) - pd.Timedelta(1, "ms")).tz_convert(local).normalize()
    dates = pd.date_range(first.tz_localize(None), last.tz_localize(None), freq="D")
    starts = dates.tz_localize(local, nonexistent="shift_forward", ambiguous=True).tz_convert("UTC").as_unit("ms")
    series = hours[KEYS].drop_duplicates(ignore_index=True)
    shape = (len(series), len(dates), 24)
    inside = hours[(hours["time"] >= starts[0]) & (hours["time"] < pd.Timestamp(end))]
    code = inside[KEYS].merge(series.reset_index(names="code"), on=KEYS, how="left")["code"].to_numpy(np.int64)
    wall = inside["time"].dt.tz_convert(local).dt.tz_localize(None)
    day = ((wall.dt.normalize() - dates[0]) // pd.Timedelta(days=1)).to_numpy(np.int64)
    cell = (code * shape[1] + day) * shape[2] + wall.dt.hour.to_numpy(np.int64)
    value, samples = (inside[name].to_numpy(np.float64) for name in ("value", "samples"))
    known = np.isfinite(value)
    total, count = (np.bincount(cell[known], weights, int(np.prod(shape))) for weights in (value[known], None))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(count > 0, total / count, np.nan).reshape(shape)
    amounts = np.bincount(cell, np.nan_to_num(samples), int(np.prod(shape))).reshape(shape).sum(axis=2)
    gauges = np.zeros(len(series), np.bool_)
    if "gauge" in hours:
        gauges = series.merge(hours[[*KEYS, "gauge"]].drop_duplicates(KEYS), on=KEYS)["gauge"].to_numpy(np.bool_)
    return ScoreDays(series, starts, dates.day_of_week.to_numpy(np.int64), values, amounts, _still(values, gauges))


def _still(values: Floats, gauges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark days of gauges at whose end the newest readings of a day's length are all the same."""
    still = np.zeros(values.shape[:2], np.bool_)
    for row in np.flatnonzero(gauges):
        flat = values[row].ravel()
        places = np.flatnonzero(np.isfinite(flat))
        if len(places) == 0:
            continue
        moved = np.r_[True, np.diff(flat[places]) != 0]
        since = np.maximum.accumulate(np.where(moved, np.arange(len(places)), 0))
        length = np.arange(len(places)) - since + 1
        newest = np.searchsorted(places, np.arange(1, values.shape[1] + 1) * 24) - 1
        still[row] = (newest >= 0) & (length[np.maximum(newest, 0)] >= STILL_HOURS)
    return still
