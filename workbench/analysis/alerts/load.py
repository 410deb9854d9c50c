"""The load that alerts put on people, against published limits: rates, peaks, floods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.alerts.bursts import FLOOD_BEGINS, PERIOD_MS, floods, observed_shares, period_counts
from workbench.analysis.alerts.marks import by_alert, chatter_indices, instants_ms
from workbench.analysis.alerts.summary import TOP, AlertEpisodes
from workbench.core.result import Result
from workbench.core.timerange import TimeRange
from workbench.core.units import span_text

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
    counts = period_counts(instants_ms(begun["starts_at"]), alerts.range)
    periods = _observed_periods(alerts, counts)
    count = len(begun)
    tops = begun.groupby(["alertname", "labels"]).size().sort_values(ascending=False)
    urgent = int(begun["urgent"].sum())
    flooded = sum((end - start) for start, end in floods(counts)) / periods if periods else np.nan
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
    if alerts.observed_s and round(alerts.observed_s / 86_400) < ENOUGH_DAYS:
        notes = (
            f"Only {span_text(alerts.observed_s)} were observed; the standards call for {ENOUGH_DAYS:.0f} days, so "
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


def _observed_periods(alerts: AlertEpisodes, counts: NDArray[np.int64]) -> int:
    """Ten-minute periods in which rules were evaluated, at least in part. [count]"""
    if not alerts.observed:
        return min(int(np.ceil(alerts.observed_s * 1000 / PERIOD_MS - 1e-9)), len(counts))
    return int((observed_shares(alerts, counts) > 0).sum())


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
