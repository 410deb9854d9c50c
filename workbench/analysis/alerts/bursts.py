"""Alerts that come in a heap: floods as ISA-18.2 defines them, and bursts (alert storms) beyond what is usual then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from workbench.analysis.alerts.marks import instants_ms
from workbench.analysis.alerts.summary import AlertEpisodes
from workbench.analysis.alerts.together import alert_pairs, related_rules
from workbench.analysis.counting.evaluation import time_before
from workbench.core.result import Result
from workbench.core.timerange import DAY_MS, TimeRange

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

#: Length of the clock-aligned periods of the standards. [ms]
PERIOD_MS = 600_000

#: A flood begins in a period with more than this many alerts and ends before one with fewer than FLOOD_ENDS.
FLOOD_BEGINS, FLOOD_ENDS = 10, 5

#: A burst has at least this many alerts in ten minutes, and a count that chance reaches once in 30 days.
BURST_LEAST, BURST_ODDS = 3, 30 * DAY_MS // PERIOD_MS

#: Variance over mean up to which counts are taken for Poisson. [x]
_POISSON = 1.02

#: Bursts with at most this many usual periods between them are one.
BURST_GAP = 3

#: What is usual at a time: the hour and a half on both sides of it, on the three days before and after.
USUAL_PERIODS, USUAL_DAYS = 9, 3

#: Rounds: the second works out what is usual without the bursts of the first. A third would cut the scatter too far.
_ROUNDS = 2

#: Least mean that a deviation is compared with. [count]
_LEAST_MEAN = 0.02

_DAY = DAY_MS // PERIOD_MS


@dataclass(frozen=True, eq=False, repr=False)
class AlertBursts(Result):
    """Stretches of ten-minute periods in which alerts came in a heap, by start.

    Columns of ``frame``: ``kind`` (``flood`` as ISA-18.2 defines it, ``burst`` beyond what is usual), ``start``,
    ``end`` [UTC], ``peak`` (most in one period), ``usual`` (mean of a period then, without bursts) and ``episodes``
    [count], ``alertnames`` (str), ``first`` (the alerts that stand for the others: the earliest rule of each group of
    rules that fire together) (str), ``to_read`` (number of these) [count].
    """

    expected: float


def alert_bursts(alerts: AlertEpisodes) -> AlertBursts:
    """Find floods, and bursts above what is usual at that time of the day in that week.

    Notes
    -----
    A flood begins in a ten-minute period with more than ten alerts and ends before the first with fewer than five
    (ISA-18.2). Few systems ever see one, and others see one every morning, so bursts are looked for as well: periods
    with at least three alerts and a count that is reached once in 30 days. The count that is usual is the mean of the
    periods within an hour and a half of the time of day, from three days before to three days after, bursts left out;
    the scatter is that of a negative binomial distribution with the dispersion of the whole period (moments). Bursts
    with at most three usual periods between them are one.

    Rules that fire together more often than chance explains (:func:`~workbench.analysis.alerts.together.alert_pairs`)
    are read as one: the rule of a group that began first stands for it.
    """
    begun = alerts.frame[alerts.frame["started"]]
    starts = instants_ms(begun["starts_at"])
    counts = period_counts(starts, alerts.range)
    first_ms = alerts.range.start_ms - alerts.range.start_ms % PERIOD_MS
    usual, unusual = _unusual(counts, observed_shares(alerts, counts))
    stretches = [("flood", run) for run in floods(counts)] + [("burst", run) for run in _runs(unusual)]
    groups = related_rules(alert_pairs(alerts)) if stretches else {}
    rows: list[dict[str, Any]] = []
    for kind, (start, end) in stretches:
        start_ms, end_ms = first_ms + start * PERIOD_MS, first_ms + end * PERIOD_MS
        names = begun["alertname"][(starts >= start_ms) & (starts < end_ms)]
        leaders = names[~names.map(lambda name: groups.get(name, name)).duplicated()]
        rows.append(
            {
                "kind": kind,
                "start": start_ms,
                "end": end_ms,
                "peak": int(counts[start:end].max()),
                "usual": float(usual[start:end].mean()),
                "episodes": len(names),
                "alertnames": ", ".join(names.drop_duplicates()),
                "first": ", ".join(leaders),
                "to_read": len(leaders),
            }
        )
    columns = ["kind", "start", "end", "peak", "usual", "episodes", "alertnames", "first", "to_read"]
    frame = pd.DataFrame(rows, columns=columns)
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name].astype("int64"), unit="ms", utc=True).dt.as_unit("ms")
    mean = len(begun) / max(alerts.observed_s * 1000 / PERIOD_MS, 1.0)
    return AlertBursts(frame.sort_values(["start", "kind"], ignore_index=True), expected=mean)


def period_counts(starts_ms: Counts, span: TimeRange) -> Counts:
    """Count starts per ten minutes of the clock, empty periods included.

    Examples
    --------
    >>> period_counts(np.array([0, 599_999, 1_200_000]), TimeRange.from_ms(0, 1_800_000)).tolist()
    [2, 0, 1]
    """
    first, last = span.start_ms // PERIOD_MS, -(-span.end_ms // PERIOD_MS)
    counts: Counts = np.zeros(last - first, np.int64)
    np.add.at(counts, starts_ms // PERIOD_MS - first, 1)
    return counts


def observed_shares(alerts: AlertEpisodes, counts: Counts) -> Floats:
    """Share of each ten-minute period in which rules were evaluated; a little at least where an alert began. [ratio]"""
    if not alerts.observed:
        even = min(alerts.observed_s * 1000 / PERIOD_MS / max(len(counts), 1), 1.0)
        return np.full(len(counts), even)
    first_ms = alerts.range.start_ms - alerts.range.start_ms % PERIOD_MS
    edges = first_ms + PERIOD_MS * np.arange(len(counts) + 1)
    shares = np.diff(time_before(np.array(alerts.observed, np.int64), edges)) / PERIOD_MS
    return np.where((shares == 0) & (counts > 0), 1 / PERIOD_MS, shares)


def floods(counts: Counts) -> list[tuple[int, int]]:
    """Return runs of periods ``[start, end)``, each from one above ten up to the next below five.

    Examples
    --------
    >>> floods(np.array([0, 12, 7, 4, 0]))
    [(1, 3)]
    """
    runs, place = [], 0
    over, calm = np.flatnonzero(counts > FLOOD_BEGINS), np.flatnonzero(counts < FLOOD_ENDS)
    for start in over.tolist():
        if start >= place:
            later = calm[calm > start]
            place = int(later[0]) if len(later) else len(counts)
            runs.append((start, place))
    return runs


def _unusual(counts: Counts, shares: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the mean that is usual in each period, and which periods are above what chance reaches."""
    above = np.zeros(len(counts), np.bool_)
    if not counts.any():
        return np.zeros(len(counts)), above
    for _ in range(_ROUNDS):
        calm = np.where(above, 0.0, shares)
        level = max(float((counts * ~above).sum()) / max(float(calm.sum()), 1.0), 1e-3)
        usual = (_around(counts * ~above) + 0.5) / (_around(calm) + 0.5 / level)
        scatter = (counts - usual) ** 2 / np.maximum(usual, _LEAST_MEAN)
        dispersion = float(scatter[calm > 0].mean()) if (calm > 0).any() else 1.0
        above = beyond_chance(counts, usual, dispersion)
    return usual, above


def beyond_chance(counts: Counts, usual: Floats, dispersion: float) -> NDArray[np.bool_]:
    """Say where so many begin in a period as chance reaches once in :data:`BURST_ODDS` periods, and the least of all.

    Parameters
    ----------
    counts : int64 array of shape (periods,)
        How many began. [count]
    usual : float64 array of shape (periods,)
        Mean that is usual in each period. [count]
    dispersion : float
        Variance over mean; from 1.02 on counts are negative binomial, below Poisson. [x]

    Examples
    --------
    >>> beyond_chance(np.array([2, 8, 9, 10]), np.full(4, 1.0), 1.0).tolist()
    [False, True, True, True]
    """
    above = counts >= BURST_LEAST
    many, mean = counts[above].astype(np.float64), usual[above]
    if dispersion > _POISSON:
        above[above] = scipy.special.betainc(many, mean / (dispersion - 1), 1 - 1 / dispersion) <= 1 / BURST_ODDS
    else:
        above[above] = scipy.special.gammainc(many, mean) <= 1 / BURST_ODDS
    return above


def _around(values: Any) -> Floats:
    """Sum over the periods near the same time of the day on the days around, shape as ``values``."""
    days = -(-len(values) // _DAY)
    table = np.pad(np.asarray(values, np.float64), (0, days * _DAY - len(values))).reshape(days, _DAY)
    table = np.hstack([table[:, -USUAL_PERIODS:], table, table[:, :USUAL_PERIODS]])
    table = np.cumsum(np.pad(table, ((0, 0), (1, 0))), axis=1)
    table = np.cumsum(np.pad(table[:, 2 * USUAL_PERIODS + 1 :] - table[:, :_DAY], ((1, 0), (0, 0))), axis=0)
    place = np.arange(days)
    summed: Floats = table[np.minimum(place + USUAL_DAYS + 1, days)] - table[np.maximum(place - USUAL_DAYS, 0)]
    return summed.reshape(-1)[: len(values)]


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    runs: list[tuple[int, int]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if runs and start - runs[-1][1] <= BURST_GAP:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs
