"""Do alerts help or tire? Episodes with their marks, the load of each rule, the noisiest alerts, the hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.frames import EPISODES, check
from workbench.core.result import Result
from workbench.core.timerange import TimeRange, named_zone

#: Three episodes of one alert, each at most this long and this long after the one before, are flapping. [s]
FLAP_S = 3600.0
FLAP_STARTS = 3

#: An alert that fires longer than this is stale (ISA-18.2, 16.4.7). [s]
STALE_S = 86_400.0

#: Hours of sleep on the wall clock of the people on call (PagerDuty's operations reports).
SLEEP_HOURS = (22, 8)

TOP = 10


@dataclass(frozen=True)
class AlertRuleInfo:
    """What is known of a rule beside its episodes."""

    alertname: str
    severity: str
    owner: str = ""
    for_s: float = 0.0


@dataclass(frozen=True, eq=False, repr=False)
class AlertEpisodes(Result):
    """Every episode that overlaps the period, by start.

    Columns of ``frame``:

    ============== ====================================================================================
    alertname      rule (str)
    severity       as labelled (str)
    labels         its other labels, ``name=value`` joined by commas (str)
    owner          who answers for it (str)
    active_at      when the condition became true [UTC]
    starts_at      when it began to fire [UTC]
    ends_at        when it ended; NaT while it fires [UTC]
    duration_s     from start to end, or to ``as_of`` while it fires [s]
    pending_s      from the condition to the start [s]
    started        whether it began in the period: these are counted (bool)
    open           whether it still fires at ``as_of`` (bool)
    left_censored  whether it may have begun earlier (bool)
    right_censored whether it may have ended later (bool)
    unknown_s      time in it in which no rule was evaluated [s]
    flapping       whether it belongs to a run of :data:`FLAP_STARTS` or more quick repeats (bool)
    stale          whether it fired longer than :data:`STALE_S` (bool)
    sleep          whether it began between 22:00 and 08:00 in ``zone`` (bool)
    ============== ====================================================================================
    """

    range: TimeRange
    zone: str
    observed_s: float


@dataclass(frozen=True, eq=False, repr=False)
class AlertRules(Result):
    """Load of each rule over the period, most episodes first; a rule that never fired is a row too.

    Columns of ``frame``:

    ============ ======================================================================================
    alertname    rule (str)
    severity     (str)
    owner        who answers for it (str)
    episodes     begun in the period [count]
    per_day      episodes per observed day [1/d]
    per_week     episodes per observed week [1/week]
    share        of all episodes of the period [ratio]
    median_s     median duration of episodes seen from start to end; NaN without any [s]
    p90_s        90th percentile of the same [s]
    longest_s    longest duration so far, censored ones included [s]
    measured     episodes seen from start to end [count]
    firing_share share of the observed time in which any of its alerts fired [ratio]
    flapping     episodes in flapping runs [count]
    stale        episodes that fired longer than a day [count]
    asleep       episodes begun between 22:00 and 08:00 [count]
    open         alerts that fire at ``as_of`` [count]
    alerts       different label sets that fired [count]
    chatter      chatter index psi of the noisiest label set [1/s]
    ============ ======================================================================================
    """

    range: TimeRange
    observed_s: float


@dataclass(frozen=True, eq=False, repr=False)
class NoisiestAlerts(Result):
    """The ten label sets with most episodes, of each severity and of all (severity ``all``).

    Columns of ``frame``: ``severity``, ``rank`` (1 is noisiest), ``alertname``, ``labels``, ``episodes`` [count],
    ``share`` and ``cumulative`` of the episodes of the severity [ratio].
    """


@dataclass(frozen=True, eq=False, repr=False)
class AlertHours(Result):
    """Episodes begun in each hour of the day, on the wall clock of ``zone``.

    Columns of ``frame``: ``hour`` (0 to 23), ``severity`` (str), ``episodes`` [count]; every hour has a row.
    """

    zone: str


def alert_episodes(
    episodes: pd.DataFrame,
    span: TimeRange,
    *,
    observed_s: float,
    rules: Sequence[AlertRuleInfo] = (),
    owner: str = "",
    zone: str = "UTC",
) -> AlertEpisodes:
    """Mark the episodes of a period.

    Parameters
    ----------
    episodes : DataFrame
        Frame contract ``EPISODES``.
    span : TimeRange
        Period up to the instant of reading: ``span.end`` is where open episodes are measured to.
    observed_s : float
        Time of the period in which rules were evaluated. [s]
    rules : sequence of AlertRuleInfo
        Known rules: their severity and owner stand in where labels have none.
    owner : str
        Who answers for alerts that no label and no rule gives to somebody.
    zone : str
        IANA zone in which people sleep.

    Notes
    -----
    Flapping here means :data:`FLAP_STARTS` or more episodes of one label set, each at most :data:`FLAP_S` long and at
    most as long after the end before; a count of flapping says nothing without these two numbers. The process
    industry's "three in a minute" is finer than rules that are evaluated once a minute can be.
    """
    check(episodes, EPISODES, where="the caller")
    known = {rule.alertname: rule for rule in rules}
    frame = episodes.copy()
    end = pd.Timestamp(span.end)
    frame["open"] = frame["ends_at"].isna() | (frame["ends_at"] > end)
    until = frame["ends_at"].where(~frame["open"], end)
    kept = (frame["starts_at"] < end) & (until > pd.Timestamp(span.start))
    frame, until = frame[kept].reset_index(drop=True), until[kept].reset_index(drop=True)
    frame["ends_at"] = frame["ends_at"].where(~frame["open"])
    frame["owner"] = [
        labels.get("owner") or labels.get("team") or getattr(known.get(name), "owner", "") or owner
        for labels, name in zip(frame["labels"], frame["alertname"], strict=True)
    ]
    frame["severity"] = [
        severity or getattr(known.get(name), "severity", "")
        for severity, name in zip(frame["severity"], frame["alertname"], strict=True)
    ]
    frame["labels"] = [_labels_text(labels) for labels in frame["labels"]]
    frame["duration_s"] = (until - frame["starts_at"]).dt.total_seconds()
    frame["pending_s"] = (frame["starts_at"] - frame["active_at"]).dt.total_seconds()
    frame["started"] = frame["starts_at"] >= pd.Timestamp(span.start)
    frame["stale"] = frame["duration_s"] > STALE_S
    frame["flapping"] = _flapping(frame)
    frame["sleep"] = _asleep(frame["starts_at"], zone)
    columns = ["alertname", "severity", "labels", "owner", "active_at", "starts_at", "ends_at", "duration_s",
               "pending_s", "started", "open", "left_censored", "right_censored", "unknown_s", "flapping", "stale",
               "sleep"]  # fmt: skip
    for name in ("severity", "labels", "owner"):
        frame[name] = frame[name].astype("str")
    return AlertEpisodes(frame[columns], range=span, zone=zone, observed_s=observed_s, notes=_remarks(frame))


def alert_rules(found: AlertEpisodes, rules: Sequence[AlertRuleInfo] = ()) -> AlertRules:
    """Load of each rule that fired or is known.

    Notes
    -----
    Rates divide by the observed time, not by the calendar. Durations are those of episodes seen from start to end;
    quantiles by linear interpolation. The chatter index is psi = sum over run lengths r of P(r) / r, with r the seconds
    between consecutive starts of one label set [1]_; 0.05 per second, three a minute, is chattering.

    References
    ----------
    .. [1] S. R. Kondaveeti et al., Quantification of alarm chatter based on run length distributions, 2010.
    """
    days = found.observed_s / 86_400
    episodes = found.frame
    total = int(episodes["started"].sum())
    parts = {(str(name), str(severity)): part for (name, severity), part in episodes.groupby(["alertname", "severity"])}
    quiet = {rule.alertname: rule for rule in rules if rule.alertname not in {name for name, _ in parts}}
    rows = [_rule_row(name, severity, part, found, days, total) for (name, severity), part in parts.items()]
    nothing = episodes.iloc[:0]
    for rule in quiet.values():
        rows.append({**_rule_row(rule.alertname, rule.severity, nothing, found, days, total), "owner": rule.owner})
    columns = ["alertname", "severity", "owner", "episodes", "per_day", "per_week", "share", "median_s", "p90_s",
               "longest_s", "measured", "firing_share", "flapping", "stale", "asleep", "open", "alerts",
               "chatter"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    frame = frame.sort_values(["episodes", "longest_s", "alertname"], ascending=[False, False, True], kind="stable")
    return AlertRules(frame.reset_index(drop=True), range=found.range, observed_s=found.observed_s)


def noisiest_alerts(found: AlertEpisodes) -> NoisiestAlerts:
    """Rank the label sets by their episodes, ten of each severity.

    Notes
    -----
    ISA-18.2 (16.4.5) wants the ten most frequent alarms to make no more than 1 to 5 % of the load; of few rules they
    always make more, so read the share beside the number of alerts.
    """
    begun = found.frame[found.frame["started"]]
    rows: list[dict[str, Any]] = []
    for severity in ["all", *sorted(begun["severity"].unique())]:
        part = begun if severity == "all" else begun[begun["severity"] == severity]
        counts = part.groupby(["alertname", "labels"]).size().sort_values(ascending=False, kind="stable")
        cumulative = 0
        for rank, ((name, labels), count) in enumerate(counts.head(TOP).items(), start=1):
            cumulative += int(count)
            rows.append(
                {
                    "severity": severity,
                    "rank": rank,
                    "alertname": name,
                    "labels": labels,
                    "episodes": int(count),
                    "share": count / len(part),
                    "cumulative": cumulative / len(part),
                }
            )
    return NoisiestAlerts(
        pd.DataFrame(rows, columns=["severity", "rank", "alertname", "labels", "episodes", "share", "cumulative"])
    )


def alert_hours(found: AlertEpisodes) -> AlertHours:
    """Count the episodes by the hour in which they began."""
    begun = found.frame[found.frame["started"]]
    hours = begun["starts_at"].dt.tz_convert(str(named_zone(found.zone))).dt.hour
    severities = sorted(begun["severity"].unique())
    counts = begun.groupby([begun["severity"], hours]).size()
    rows = [
        {"hour": hour, "severity": severity, "episodes": int(counts.get((severity, hour), 0))}
        for severity in severities
        for hour in range(24)
    ]
    return AlertHours(pd.DataFrame(rows, columns=["hour", "severity", "episodes"]), zone=found.zone)


def chatter_index(starts_s: NDArray[np.float64]) -> float:
    """Chatter index psi of one alert from the seconds at which it began. [1/s]

    Examples
    --------
    >>> chatter_index(np.array([0.0, 10.0, 20.0, 40.0]))
    0.08333333333333333
    """
    runs = np.maximum(np.diff(np.sort(starts_s)), 1.0)
    return float(np.mean(1 / runs)) if len(runs) else 0.0


def _rule_row(
    name: str, severity: str, part: pd.DataFrame, found: AlertEpisodes, days: float, total: int
) -> dict[str, Any]:
    begun = part[part["started"]]
    whole = begun.loc[~(begun["open"] | begun["left_censored"] | begun["right_censored"]), "duration_s"]
    count = len(begun)
    starts = begun["starts_at"].dt.as_unit("ms").astype("int64") / 1000
    return {
        "alertname": name,
        "severity": severity,
        "owner": ", ".join(sorted(set(part["owner"]) - {""})),
        "episodes": count,
        "per_day": count / days if days else np.nan,
        "per_week": 7 * count / days if days else np.nan,
        "share": count / total if total else 0.0,
        "median_s": float(whole.median()) if len(whole) else np.nan,
        "p90_s": float(whole.quantile(0.9)) if len(whole) else np.nan,
        "longest_s": float(part["duration_s"].max()) if len(part) else np.nan,
        "measured": len(whole),
        "firing_share": _firing_s(part, found.range) / found.observed_s if found.observed_s else np.nan,
        "flapping": int(begun["flapping"].sum()),
        "stale": int(part["stale"].sum()),
        "asleep": int(begun["sleep"].sum()),
        "open": int(part["open"].sum()),
        "alerts": int(part["labels"].nunique()),
        "chatter": max((chatter_index(own.to_numpy()) for _, own in starts.groupby(begun["labels"])), default=0.0),
    }


def _firing_s(part: pd.DataFrame, span: TimeRange) -> float:
    """Time of the period in which at least one alert of the rule fired, unknown time left out. [s]"""
    total, reached = 0.0, pd.Timestamp(span.start)
    for row in part.sort_values("starts_at").itertuples():
        end = min(row.starts_at + pd.Timedelta(seconds=row.duration_s), pd.Timestamp(span.end))
        start = max(row.starts_at, reached)
        if end > start:
            total += max((end - start).total_seconds() - row.unknown_s, 0.0)
            reached = end
    return total


def _flapping(frame: pd.DataFrame) -> NDArray[np.bool_]:
    marked = np.zeros(len(frame), np.bool_)
    for _, rows in frame.groupby(["alertname", "severity", "labels"]).groups.items():
        own = frame.loc[rows].sort_values("starts_at")
        own = own[own["duration_s"] <= FLAP_S]
        pause = own["starts_at"].diff().dt.total_seconds() - own["duration_s"].shift()
        run = (~(pause <= FLAP_S)).cumsum()
        size = run.map(run.value_counts())
        marked[own.index[size >= FLAP_STARTS]] = True
    return marked


def _asleep(times: pd.Series, zone: str) -> pd.Series:
    hours = times.dt.tz_convert(str(named_zone(zone))).dt.hour
    return (hours >= SLEEP_HOURS[0]) | (hours < SLEEP_HOURS[1])


def _labels_text(labels: dict[str, str]) -> str:
    return ", ".join(f"{name}={labels[name]}" for name in sorted(labels))


def _remarks(frame: pd.DataFrame) -> tuple[str, ...]:
    cut = int((frame["left_censored"] | frame["right_censored"]).sum())
    if not cut:
        return ()
    return (f"{cut} episodes begin or end where rules were not evaluated; their durations are not in the quantiles.",)
