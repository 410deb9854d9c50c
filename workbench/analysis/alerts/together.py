"""Alerts that belong together: one incident of many, rules that fire together, before and after a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from workbench.analysis.alerts.marks import instants_ms
from workbench.analysis.alerts.summary import LEAST_DAYS, AlertEpisodes
from workbench.analysis.counting.evaluation import time_before
from workbench.core.result import Result
from workbench.core.timerange import DAY_MS, HOUR_MS

#: Alerts that begin within this of an alert that still fires or of another's start are one incident. [ms]
NEAR_MS = 600_000

#: A deploy this long before an incident is named with it. [ms]
DEPLOY_MS = HOUR_MS

#: Largest share of false pairs among those that are called together (Benjamini and Hochberg). [ratio]
FALSE_PAIRS = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class AlertIncidents(Result):
    """Alerts that came together, one row an incident, by start.

    Columns of ``frame``: ``start``, ``end`` (NaT while an alert fires) [UTC], ``alerts``, ``rules``, ``urgent``
    [count], ``first`` (rule that began), ``alertnames`` (str), ``deploy`` (the last one within the hour before; NaT
    without) [UTC].
    """


@dataclass(frozen=True, eq=False, repr=False)
class AlertPairs(Result):
    """Rules that fire together more often than chance explains, the strongest first.

    Columns of ``frame``: ``first`` and ``second`` (rules; ``first`` is the one that usually begins), ``together``
    (ten-minute periods in which both began) [count], ``expected`` (by chance) [count], ``lift`` (together / expected)
    [x], ``leads`` (share of the periods in which ``first`` began before) [ratio], ``lead_s`` (median head start) [s],
    ``q`` (adjusted for the number of pairs).
    """

    pairs: int


@dataclass(frozen=True, eq=False, repr=False)
class AlertChange(Result):
    """Alerts of each rule before and after an instant, and of ``all``.

    Columns of ``frame``: ``alertname``, ``before`` and ``after`` [count], ``before_per_week`` and ``after_per_week``
    [1/week; NaN where less than a day of that side was observed], ``ratio`` (after / before) with the ends of its 95 %
    interval ``ratio_low`` and ``ratio_high`` [x], ``verdict`` (``fewer``, ``more`` or ``no difference shown``).
    """

    at_ms: int


def alert_incidents(alerts: AlertEpisodes, deploys_ms: Sequence[int] = ()) -> AlertIncidents:
    """Put alerts that overlap, or begin within ten minutes of each other, into incidents.

    Parameters
    ----------
    alerts : AlertEpisodes
        Episodes of alerts of the period.
    deploys_ms : sequence of int
        Instants of deploys. [ms since the epoch]

    Notes
    -----
    A stale alert joins nothing: it would make one incident of everything that happens while it stands.
    """
    frame = alerts.frame[alerts.frame["started"]].sort_values("starts_at", kind="stable")
    starts = instants_ms(frame["starts_at"])
    ends = starts + np.round(frame["duration_s"].to_numpy() * 1000).astype(np.int64)
    reach = np.where(frame["stale"].to_numpy(), starts, np.maximum(ends, starts)) + NEAR_MS
    furthest = np.maximum.accumulate(reach) if len(reach) else reach
    number = np.cumsum(np.append(True, starts[1:] > furthest[:-1])) - 1 if len(starts) else starts
    deploys = np.sort(np.array(deploys_ms, np.int64))
    rows: list[dict[str, Any]] = []
    for _, own in frame.groupby(number):
        start = instants_ms(own["starts_at"])[0]
        place = int(np.searchsorted(deploys, start, side="right")) - 1
        near = place >= 0 and start - deploys[place] <= DEPLOY_MS
        rows.append(
            {
                "start": int(start),
                "end": None if own["open"].any() else int(instants_ms(own["ends_at"]).max()),
                "alerts": len(own),
                "rules": own["alertname"].nunique(),
                "urgent": int(own["urgent"].sum()),
                "first": str(own["alertname"].iloc[0]),
                "alertnames": ", ".join(own["alertname"].drop_duplicates()),
                "deploy": int(deploys[place]) if near else None,
            }
        )
    columns = ["start", "end", "alerts", "rules", "urgent", "first", "alertnames", "deploy"]
    table = pd.DataFrame(rows, columns=columns)
    for name in ("start", "end", "deploy"):
        table[name] = pd.to_datetime(table[name].astype("Int64"), unit="ms", utc=True).dt.as_unit("ms")
    return AlertIncidents(table)


def alert_pairs(alerts: AlertEpisodes) -> AlertPairs:
    """Find rules that begin in the same ten minutes more often than chance explains.

    Notes
    -----
    Of the observed ten-minute periods of the clock, ``a`` hold a start of one rule and ``b`` of the other; by chance
    the number that holds both is hypergeometric. Pairs are called together when it is improbable at a false discovery
    rate of 5 % over all pairs [1]_, and seen twice at least.

    References
    ----------
    .. [1] Y. Benjamini, Y. Hochberg, J. R. Stat. Soc. B 57 (1995) 289-300.
    """
    frame = alerts.frame[alerts.frame["started"]].sort_values("starts_at", kind="stable")
    starts = instants_ms(frame["starts_at"])
    rule, names = pd.factorize(frame["alertname"], sort=True)
    place, periods = pd.factorize(starts // NEAR_MS)
    count = max(int(np.ceil(alerts.observed_s * 1000 / NEAR_MS)), len(periods), 1)
    began = scipy.sparse.csr_array((np.ones(len(rule), np.int64), (rule, place)), shape=(len(names), len(periods)))
    began.data[:] = 1
    met = scipy.sparse.triu(began @ began.T, k=1).tocoo()
    size = began.sum(axis=1)
    p = met_or_more(met.data, count, size[met.row], size[met.col])
    tried = len(names) * (len(names) - 1) // 2
    q = _adjusted(p, tried)
    rows: list[dict[str, Any]] = []
    for pair in np.flatnonzero((q <= FALSE_PAIRS) & (met.data >= 2)).tolist():
        left, right = int(met.row[pair]), int(met.col[pair])
        first_starts = [pd.Series(starts[rule == own]).groupby(place[rule == own]).min() for own in (left, right)]
        ahead = (first_starts[1] - first_starts[0]).dropna().to_numpy() / 1000
        leads = float((ahead > 0).mean() + (ahead == 0).mean() / 2)
        first, second = (left, right) if leads >= 0.5 else (right, left)
        expected = float(size[left]) * float(size[right]) / count
        rows.append(
            {
                "first": str(names[first]),
                "second": str(names[second]),
                "together": int(met.data[pair]),
                "expected": expected,
                "lift": met.data[pair] / expected,
                "leads": max(leads, 1 - leads),
                "lead_s": float(np.median(ahead if leads >= 0.5 else -ahead)),
                "q": float(q[pair]),
            }
        )
    table = pd.DataFrame(rows, columns=["first", "second", "together", "expected", "lift", "leads", "lead_s", "q"])
    kept = table.sort_values(["q", "lift"], ascending=[True, False], kind="stable", ignore_index=True)
    return AlertPairs(kept, pairs=tried)


def related_rules(pairs: AlertPairs) -> dict[str, str]:
    """Put rules that are tied by pairs into one group each; maps a rule to the name of its group."""
    group: dict[str, str] = {}
    for first, second in zip(pairs.frame["first"].astype(str), pairs.frame["second"].astype(str), strict=True):
        left, right = group.setdefault(first, first), group.setdefault(second, second)
        group = {name: left if own == right else own for name, own in group.items()}
    return group


def alert_change(alerts: AlertEpisodes, at_ms: int) -> AlertChange:
    """Compare the alerts before and after an instant, each per observed time.

    Notes
    -----
    Given the sum of two Poisson counts, one is binomial; the interval of the ratio of rates is that of the binomial
    share (Clopper and Pearson) [1]_. Alerts that come in heaps scatter more than that: read it as the least doubt.

    References
    ----------
    .. [1] C. J. Clopper, E. S. Pearson, Biometrika 26 (1934) 404-413.
    """
    frame = alerts.frame[alerts.frame["started"]]
    after = instants_ms(frame["starts_at"]) >= at_ms
    stretches = np.array(alerts.observed or ((alerts.range.start_ms, alerts.range.end_ms),), np.int64)
    edges = time_before(stretches, np.array([alerts.range.start_ms, at_ms, alerts.range.end_ms]))
    weeks = np.diff(edges) / (7 * DAY_MS)
    rows = []
    for name in ("all", *sorted(frame["alertname"].unique())):
        own = np.ones(len(frame), np.bool_) if name == "all" else (frame["alertname"] == name).to_numpy()
        early, late = int((own & ~after).sum()), int((own & after).sum())
        low, high = _rate_ratio(early, late, weeks)
        rows.append(
            {
                "alertname": name,
                "before": early,
                "after": late,
                "before_per_week": early / weeks[0] if 7 * weeks[0] >= LEAST_DAYS else np.nan,
                "after_per_week": late / weeks[1] if 7 * weeks[1] >= LEAST_DAYS else np.nan,
                "ratio": (late / weeks[1]) / (early / weeks[0]) if early and weeks.all() else np.nan,
                "ratio_low": low,
                "ratio_high": high,
                "verdict": "fewer" if high < 1 else "more" if low > 1 else "no difference shown",
            }
        )
    return AlertChange(pd.DataFrame(rows), at_ms=at_ms)


def met_or_more(
    met: NDArray[np.int64], periods: int, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Probability that two rules share so many periods or more by chance: the upper tail of the hypergeometric.

    Parameters
    ----------
    met : int64 array of shape (pairs,)
        Periods with both, one at least. [count]
    periods : int
        Periods in all. [count]
    first, second : int64 array of shape (pairs,)
        Periods with each. [count]

    Examples
    --------
    >>> met_or_more(np.array([1, 2]), 4, np.array([2, 2]), np.array([2, 2])).round(6).tolist()
    [0.833333, 0.166667]
    """
    rest = periods - first - second
    upper = met > first * second / periods  # from there on terms fall; below, they fall towards none
    held = np.where(upper, met, met - 1)
    log = scipy.special.gammaln
    whole = log(first + 1.0) + log(second + 1.0) + log(periods - first + 1.0) + log(periods - second + 1.0)
    parts = log(held + 1.0) + log(first - held + 1.0) + log(second - held + 1.0) + log(rest + held + 1.0)
    term = np.exp(whole - log(periods + 1.0) - parts)
    total = term.copy()
    while (term > total * 1e-17).any():
        up = (first - held) * (second - held) / (np.maximum(held + 1, 1) * np.maximum(rest + held + 1.0, 1))
        down = (
            held * np.maximum(rest + held, 0) / (np.maximum(first - held + 1, 1) * np.maximum(second - held + 1.0, 1))
        )
        term = term * np.where(upper, up, down)
        held, total = np.where(upper, held + 1, held - 1), total + term
    return np.asarray(np.where(upper, total, 1 - total), np.float64)


def _rate_ratio(early: int, late: int, weeks: NDArray[np.float64]) -> tuple[float, float]:
    if not (early + late) or not weeks.all():
        return float("nan"), float("nan")
    low = float(scipy.special.betaincinv(late, early + 1, 0.025)) if late else 0.0
    high = float(scipy.special.betaincinv(late + 1, early, 0.975)) if early else 1.0
    scale = weeks[0] / weeks[1]
    return low / (1 - low) * scale, high / (1 - high) * scale if high < 1 else float("inf")


def _adjusted(p: NDArray[np.float64], tried: int) -> NDArray[np.float64]:
    """Adjust probabilities for the number of pairs; those that never met count too."""
    order = np.argsort(p)
    scaled = p[order] * tried / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q
