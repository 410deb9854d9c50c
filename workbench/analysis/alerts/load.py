"""The load that alerts put on people, against published limits: rates, peaks, floods, and bursts beyond chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from workbench.analysis.alerts.marks import by_alert, chatter_indices
from workbench.analysis.alerts.summary import TOP, AlertEpisodes
from workbench.analysis.counting.evaluation import time_before
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

#: Length of the clock-aligned periods of the standards. [ms]
PERIOD_MS = 600_000

#: A flood begins in a period with more than this many alerts and ends before one with fewer than FLOOD_ENDS.
FLOOD_BEGINS, FLOOD_ENDS = 10, 5

#: A burst is a period with at least this many alerts whose count chance would reach once in BURST_ODDS periods.
BURST_LEAST, BURST_ODDS = 3, 1000

#: An alert chatters from this index on, three starts a minute, and with this many starts. [1/s]
CHATTERS, CHATTER_STARTS = 0.05, 3

#: An episode shorter than this that does not come back within REPEATS_S is fleeting. [s]
FLEETING_S, REPEATS_S = 10.0, 60.0

#: Days of data below which the standards call a result indicative only.
ENOUGH_DAYS = 30.0

Met = Literal["ok", "at_risk", "no_data"]


@dataclass(frozen=True, eq=False, repr=False)
class AlertMeasures(Result):
    """What the load is and what a published standard allows; one row per measure.

    Columns of ``frame``:

    ========= =========================================================================================
    measure   name (str)
    title     in words (str)
    value     measured; NaN where nothing was observed [``unit``]
    unit      per_day, per_hour, per_10min, count, ratio, per_shift (str)
    limit     most that the standard accepts; NaN where it names none [``unit``]
    standard  where the limit stands (str)
    status    ok, at_risk (above the limit) or no_data
    ========= =========================================================================================
    """

    range: TimeRange
    observed_s: float
    positions: int


@dataclass(frozen=True, eq=False, repr=False)
class AlertBursts(Result):
    """Stretches of ten-minute periods in which alerts came in a heap, by start.

    Columns of ``frame``: ``kind`` (``flood`` as ISA-18.2 defines it, ``burst`` beyond chance), ``start``, ``end``
    [UTC], ``peak`` (most in one period) and ``episodes`` [count], ``alertnames`` (str).
    """

    expected: float


def alert_measures(alerts: AlertEpisodes, *, positions: int = 1) -> AlertMeasures:
    """Hold the load of alerts against the limits of ISA-18.2, EEMUA 191 and the SRE book.

    Parameters
    ----------
    alerts : AlertEpisodes
        Episodes of alerts of the period.
    positions : int
        People on call at a time; rates are per position. [count]

    Notes
    -----
    Rates count episodes begun in the period and divide by observed time and positions; a time shorter than the unit of
    a rate gives none. Ten-minute periods are aligned
    to the clock, empty ones count where rules were evaluated, and they are not divided by positions: a flood hits
    everybody [1]_ [2]_. Incidents per shift are urgent episodes per twelve hours; at most two [3]_. Of one alert, the
    chatter index is the mean of the inverse times between its starts [4]_. An episode that has not ended, or whose
    edges nobody saw, is not called fleeting.

    References
    ----------
    .. [1] ANSI/ISA-18.2-2016, 16.4; rates per hour and day after ISA-18.2-2009 and IEC 62682.
    .. [2] EEMUA 191, 3rd edition.
    .. [3] B. Beyer et al., Site Reliability Engineering, O'Reilly, 2016, ch. 11.
    .. [4] S. R. Kondaveeti et al., Quantification of alarm chatter based on run length distributions, 2010.
    """
    begun = alerts.frame[alerts.frame["started"]]
    counts = period_counts(_starts_ms(begun), alerts.range)
    periods = _observed_periods(alerts, counts)
    count = len(begun)
    tops = begun.groupby(["alertname", "labels"]).size().sort_values(ascending=False)
    urgent = int(begun["urgent"].sum())
    flooded = sum((end - start) for start, end in _floods(counts)) / periods if periods else np.nan
    crowded = int((counts > FLOOD_BEGINS).sum()) / periods if periods else np.nan
    chatter = chatter_indices(alerts.frame)
    chatters = (chatter["chatter"] >= CHATTERS) & (chatter["starts"] >= CHATTER_STARTS)

    def per(length_s: float, begun_count: int = count) -> float:
        return begun_count * length_s / alerts.observed_s / positions if alerts.observed_s >= length_s else np.nan

    rows = [
        _row("per_day", "Alerts a day, per person on call", per(86_400), "per_day", 150, "ISA-18.2-2009"),
        _row("per_hour", "Alerts an hour, per person on call", per(3_600), "per_hour", 6, "ISA-18.2-2009"),
        _row("per_10min", "Alerts in ten minutes, per person on call", per(600), "per_10min", 1, "ISA-18.2, 16.4.2"),
        _row("peak", "Most alerts in ten minutes", float(counts.max(initial=0)), "count", 10, "ISA-18.2, 16.4.3"),
        _row("over_ten", "Ten-minute periods with more than ten", crowded, "ratio", 0.01, "ISA-18.2, 16.4.3"),
        _row("flooded", "Time in floods", flooded, "ratio", 0.01, "ISA-18.2, 16.4.4"),
        _row("top_ten", f"Share of the {TOP} noisiest of {len(tops)} alerts",
             float(tops.head(TOP).sum() / count) if count else np.nan, "ratio", 0.05 if len(tops) > TOP else np.nan,
             "ISA-18.2, 16.4.5"),
        _row("chattering", "Alerts with a chatter index of 0.05 per second or more", float(chatters.sum()), "count", 0,
             "Kondaveeti et al. 2010"),
        _row("three_in_60s", "Alerts that began three times in 60 s", float(chatter["close"].sum()), "count", 0,
             "EEMUA 191"),
        _row("flapping", "Episodes that flap: three of one alert, each within an hour of the one before",
             float(begun["flapping"].sum()), "count", np.nan, "our own"),
        _row("fleeting", "Episodes over in under ten seconds", float(_fleeting(alerts.frame)), "count", 0,
             "ISA-18.2, 16.4.6"),
        _row("stale", "Most alerts stale at once on a day", float(_stale_per_day(alerts)), "count", 4,
             "ISA-18.2, 16.4.7"),
        _row("stale_alerts", "Alerts that stood longer than a day",
             float(len(alerts.frame.loc[alerts.frame["stale"], ["alertname", "labels"]].drop_duplicates())), "count",
             np.nan, "ISA-18.2, 16.4.7"),
        _row("critical", "Share of urgent among all", urgent / count if count else np.nan, "ratio", 0.05,
             "ISA-18.2, 16.4.8"),
        _row("per_shift", "Urgent alerts in a shift of twelve hours", per(43_200, urgent), "per_shift", 2,
             "SRE book, ch. 11"),
    ]  # fmt: skip
    if not alerts.observed_s:
        rows = [{**row, "value": np.nan, "status": "no_data"} for row in rows]
    notes: tuple[str, ...] = ()
    if alerts.observed_s and alerts.observed_s < ENOUGH_DAYS * 86_400:
        notes = (
            f"Only {alerts.observed_s / 86_400:.1f} days were observed; the standards call for {ENOUGH_DAYS:.0f}, so "
            "read the comparison as an indication.",
        )
    columns = ["measure", "title", "value", "unit", "limit", "standard", "status"]
    return AlertMeasures(
        pd.DataFrame(rows, columns=columns),
        range=alerts.range,
        observed_s=alerts.observed_s,
        positions=positions,
        notes=notes,
    )


def alert_bursts(alerts: AlertEpisodes) -> AlertBursts:
    """Find floods, and bursts that chance does not explain.

    Notes
    -----
    A flood begins in a ten-minute period with more than ten alerts and ends before the first with fewer than five
    (ISA-18.2). Few systems ever see one, so bursts are looked for as well: periods with at least three alerts that a
    Poisson process of the mean rate of the period would reach in one period of a thousand at most. Both say *when*
    alerts came in a heap; a heap is usually one incident.
    """
    begun = alerts.frame[alerts.frame["started"]]
    starts = _starts_ms(begun)
    counts = period_counts(starts, alerts.range)
    first_ms = alerts.range.start_ms - alerts.range.start_ms % PERIOD_MS
    mean = len(begun) / max(alerts.observed_s * 1000 / PERIOD_MS, 1.0)
    least = max(BURST_LEAST, int(np.ceil(special.pdtrik(1 - 1 / BURST_ODDS, mean))) + 1)
    rows: list[dict[str, Any]] = []
    for kind, runs in (("flood", _floods(counts)), ("burst", _runs(counts >= least))):
        for start, end in runs:
            start_ms, end_ms = first_ms + start * PERIOD_MS, first_ms + end * PERIOD_MS
            inside = begun[(starts >= start_ms) & (starts < end_ms)]
            rows.append(
                {
                    "kind": kind,
                    "start": start_ms,
                    "end": end_ms,
                    "peak": int(counts[start:end].max()),
                    "episodes": len(inside),
                    "alertnames": ", ".join(inside["alertname"].drop_duplicates()),
                }
            )
    frame = pd.DataFrame(rows, columns=["kind", "start", "end", "peak", "episodes", "alertnames"])
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name].astype("int64"), unit="ms", utc=True).dt.as_unit("ms")
    return AlertBursts(frame.sort_values(["start", "kind"], ignore_index=True), expected=mean)


def period_counts(starts_ms: NDArray[np.int64], span: TimeRange) -> NDArray[np.int64]:
    """Count starts per ten minutes of the clock, empty periods included.

    Examples
    --------
    >>> period_counts(np.array([0, 599_999, 1_200_000]), TimeRange.from_ms(0, 1_800_000)).tolist()
    [2, 0, 1]
    """
    first, last = span.start_ms // PERIOD_MS, -(-span.end_ms // PERIOD_MS)
    counts: NDArray[np.int64] = np.zeros(last - first, np.int64)
    np.add.at(counts, starts_ms // PERIOD_MS - first, 1)
    return counts


def _observed_periods(alerts: AlertEpisodes, counts: NDArray[np.int64]) -> int:
    """Ten-minute periods in which rules were evaluated, at least in part. [count]"""
    if not alerts.observed:
        return min(int(np.ceil(alerts.observed_s * 1000 / PERIOD_MS - 1e-9)), len(counts))
    first_ms = alerts.range.start_ms - alerts.range.start_ms % PERIOD_MS
    edges = first_ms + PERIOD_MS * np.arange(len(counts) + 1)
    before = time_before(np.array(alerts.observed, np.int64), edges)
    return int(((np.diff(before) > 0) | (counts > 0)).sum())


def _fleeting(frame: pd.DataFrame) -> int:
    """Episodes that were over before anybody could look, and did not come back within a minute. [count]"""
    if frame.empty:
        return 0
    alert, order = by_alert(frame)
    rows = frame.iloc[order]
    starts = rows["starts_at"].dt.as_unit("ms").astype("int64").to_numpy() / 1000
    ends = starts + rows["duration_s"].to_numpy()
    again = np.append(starts[1:] - ends[:-1] <= REPEATS_S, False) & np.append(np.diff(alert[order]) == 0, False)
    seen = rows["started"] & ~(rows["open"] | rows["left_censored"] | rows["right_censored"])
    return int((seen.to_numpy() & (rows["duration_s"].to_numpy() < FLEETING_S) & ~again).sum())


def _starts_ms(begun: pd.DataFrame) -> NDArray[np.int64]:
    starts: NDArray[np.int64] = begun["starts_at"].dt.as_unit("ms").astype("int64").to_numpy()
    return starts


def _floods(counts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return runs of periods ``[start, end)``, each from one above ten up to the next below five."""
    runs, place = [], 0
    over, calm = np.flatnonzero(counts > FLOOD_BEGINS), np.flatnonzero(counts < FLOOD_ENDS)
    for start in over.tolist():
        if start >= place:
            later = calm[calm > start]
            place = int(later[0]) if len(later) else len(counts)
            runs.append((start, place))
    return runs


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _stale_per_day(alerts: AlertEpisodes) -> int:
    """Most alerts that were stale on one and the same day of the period, UTC."""
    per_day: dict[int, int] = {}
    for row in alerts.frame[alerts.frame["stale"]].itertuples():
        stale_from = max(row.starts_at + pd.Timedelta(days=1), pd.Timestamp(alerts.range.start))
        until = min(row.starts_at + pd.Timedelta(seconds=row.duration_s), pd.Timestamp(alerts.range.end))
        for day in range(stale_from.toordinal(), until.toordinal() + 1):
            per_day[day] = per_day.get(day, 0) + 1
    return max(per_day.values(), default=0)


def _row(measure: str, title: str, value: float, unit: str, limit: float, standard: str) -> dict[str, Any]:
    status: Met = "no_data" if not np.isfinite(value) else "at_risk" if value > limit else "ok"
    return {
        "measure": measure,
        "title": title,
        "value": float(value),
        "unit": unit,
        "limit": float(limit),
        "standard": standard,
        "status": status,
    }
