"""When people are called: business, off and sleep hours, shifts, and the hours in which somebody was called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.alerts.summary import SLEEP_HOURS, AlertEpisodes
from workbench.analysis.counting.evaluation import time_before
from workbench.core.result import Result
from workbench.core.timerange import HOUR_MS, TimeRange, named_zone, to_ms

#: Hours of business on the wall clock, Monday to Friday (PagerDuty's operations reports).
BUSINESS_HOURS = (8, 18)

CLASSES = ("business", "off", "sleep")

#: Length of a shift, and the hour at which the day's first begins.
SHIFT_HOURS, SHIFT_BEGINS = 12, 8


@dataclass(frozen=True, eq=False, repr=False)
class AlertInterruptions(Result):
    """How often people are called in each class of hours; one row per class, and ``all``.

    Columns of ``frame``: ``hours`` (``business``, ``off``, ``sleep``, ``all``), ``observed_h`` [h], ``episodes`` and
    ``urgent`` begun [count], ``hours_with_page`` (clock hours in which an urgent one began) [count], ``per_week``
    (urgent per observed week) [1/week].
    """

    zone: str


@dataclass(frozen=True, eq=False, repr=False)
class AlertShifts(Result):
    """Urgent alerts in each shift of twelve hours, by start; a quiet shift is a row too.

    Columns of ``frame``: ``start``, ``end`` [UTC], ``shift`` (``day`` or ``night``), ``observed`` [ratio], ``urgent``
    [count], ``hours_with_page`` [count], ``over`` (more than two, the most that leaves time to learn from each; bool).
    """

    zone: str


def hour_classes(times: pd.Series, zone: str) -> NDArray[np.str_]:
    """Return the class of the hour in which each instant lies, on the wall clock of a zone.

    Notes
    -----
    Sleep is 22:00 to 08:00 every day; business 08:00 to 18:00 from Monday to Friday; off is the rest [1]_. In a week
    without a change of the clock they are 70, 50 and 48 hours.

    References
    ----------
    .. [1] PagerDuty, Operational reviews: business, off and sleep hours.

    Examples
    --------
    >>> hour_classes(pd.Series(pd.to_datetime(["2026-10-05T09:00Z", "2026-10-04T09:00Z", "2026-10-05T02:00Z"])), "UTC")
    array(['business', 'off', 'sleep'], dtype='<U8')
    """
    local = times.dt.tz_convert(str(named_zone(zone))).dt
    hour, weekday = local.hour.to_numpy(), local.day_of_week.to_numpy()
    sleep = (hour >= SLEEP_HOURS[0]) | (hour < SLEEP_HOURS[1])
    business = (weekday < 5) & (hour >= BUSINESS_HOURS[0]) & (hour < BUSINESS_HOURS[1])
    return np.where(sleep, "sleep", np.where(business, "business", "off")).astype("<U8")


def alert_interruptions(alerts: AlertEpisodes) -> AlertInterruptions:
    """Count what began in each class of hours, with the hours that were observed in it."""
    begun = alerts.frame[alerts.frame["started"]]
    classes = hour_classes(begun["starts_at"], alerts.zone)
    urgent = begun["urgent"].to_numpy()
    called = _clock_hours(begun["starts_at"], alerts.zone)
    observed = _observed_hours(alerts)
    rows = []
    for name in (*CLASSES, "all"):
        long_enough = sum(observed.values()) >= 24
        mine = np.ones(len(begun), np.bool_) if name == "all" else classes == name
        hours = sum(observed.values()) if name == "all" else observed[name]
        rows.append(
            {
                "hours": name,
                "observed_h": hours,
                "episodes": int(mine.sum()),
                "urgent": int((mine & urgent).sum()),
                "hours_with_page": len(np.unique(called[mine & urgent])),
                "per_week": float((mine & urgent).sum() * 168 / hours) if long_enough and hours else np.nan,
            }
        )
    return AlertInterruptions(pd.DataFrame(rows), zone=alerts.zone)


def alert_shifts(alerts: AlertEpisodes) -> AlertShifts:
    """Count the urgent alerts of each shift.

    Notes
    -----
    Shifts begin at 08:00 and 20:00 on the wall clock of the zone; the night in which the clock changes has 11 or 13
    hours. At most two incidents a shift leave the time to learn from each [1]_.

    References
    ----------
    .. [1] B. Beyer et al., Site Reliability Engineering, O'Reilly, 2016, ch. 11.
    """
    begun = alerts.frame[alerts.frame["started"] & alerts.frame["urgent"]]
    starts = begun["starts_at"].dt.as_unit("ms").astype("int64").to_numpy()
    edges = _shift_edges(alerts.range, alerts.zone)
    place = np.searchsorted(edges, starts, side="right") - 1
    counts = np.bincount(place, minlength=len(edges) - 1)[: len(edges) - 1]
    called = pd.Series(_clock_hours(begun["starts_at"], alerts.zone))
    hours = called.groupby(place).nunique().reindex(range(len(edges) - 1), fill_value=0)
    lengths = np.diff(edges)
    observed = np.diff(time_before(_stretches(alerts), edges)) / lengths
    instants = pd.to_datetime(edges, unit="ms", utc=True).as_unit("ms")
    local = pd.Series(instants[:-1]).dt.tz_convert(str(named_zone(alerts.zone))).dt.hour.to_numpy()
    frame = pd.DataFrame(
        {
            "start": instants[:-1],
            "end": instants[1:],
            "shift": np.where(local == SHIFT_BEGINS, "day", "night"),
            "observed": observed,
            "urgent": counts,
            "hours_with_page": hours.to_numpy(),
            "over": counts > 2,
        }
    )
    return AlertShifts(frame, zone=alerts.zone)


def _clock_hours(times: pd.Series, zone: str) -> NDArray[np.int64]:
    """Return a number for the hour of the wall clock in which each instant lies; some zones are half an hour off."""
    marks = times.dt.as_unit("ms").astype("int64").to_numpy()
    local = times.dt.tz_convert(str(named_zone(zone))).dt.tz_localize(None).dt.as_unit("ms").astype("int64").to_numpy()
    hours: NDArray[np.int64] = (marks + (local - marks) % HOUR_MS) // HOUR_MS
    return hours


def _stretches(alerts: AlertEpisodes) -> NDArray[np.int64]:
    if alerts.observed or not alerts.observed_s:
        return np.array(alerts.observed, np.int64).reshape(-1, 2)
    return np.array([[alerts.range.start_ms, alerts.range.end_ms]], np.int64)


def _observed_hours(alerts: AlertEpisodes) -> dict[str, float]:
    """Observed time of each class of hours; quarters of an hour never straddle a class. [h]"""
    first = alerts.range.start_ms // _QUARTER_MS * _QUARTER_MS
    edges = np.arange(first, alerts.range.end_ms + _QUARTER_MS, _QUARTER_MS)
    lasted = np.diff(time_before(_stretches(alerts), edges)) / HOUR_MS
    classes = hour_classes(pd.Series(pd.to_datetime(edges[:-1], unit="ms", utc=True)), alerts.zone)
    return {name: float(lasted[classes == name].sum()) for name in CLASSES}


_QUARTER_MS = HOUR_MS // 4


def _shift_edges(span: TimeRange, zone: str) -> NDArray[np.int64]:
    """Return the starts of the shifts that meet a period, and the end of the last. [ms since the epoch]"""
    clock = named_zone(zone)
    day = span.start.astimezone(clock).date() - timedelta(days=1)
    last = span.end.astimezone(clock).date() + timedelta(days=1)
    edges = []
    while day <= last:
        for hour in (SHIFT_BEGINS, SHIFT_BEGINS + SHIFT_HOURS):
            local = pd.Timestamp(day.year, day.month, day.day, hour).tz_localize(
                str(clock), nonexistent="shift_forward"
            )
            edges.append(to_ms(local.to_pydatetime()))
        day += timedelta(days=1)
    every = np.array(edges, np.int64)
    kept = every[(every > span.start_ms - SHIFT_HOURS * HOUR_MS - HOUR_MS) & (every < span.end_ms)]
    kept = kept[np.append(kept[1:] > span.start_ms, True)]
    return np.append(kept, every[every >= span.end_ms][:1])
