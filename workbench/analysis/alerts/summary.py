"""Do alerts help or tire? Episodes with their marks, the load of each rule, the noisiest alerts, the hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.alerts.marks import (
    by_alert,
    firing_shares,
    flapping,
    label_sets,
    labels_text,
    most_chatter,
    standing_s,
)
from workbench.core.frames import EPISODES, check
from workbench.core.result import Result
from workbench.core.timerange import TimeRange, named_zone

#: An alert that fires longer than this is stale (ISA-18.2, 16.4.7). [s]
STALE_S = 86_400.0

#: Hours of sleep on the wall clock of the people on call (PagerDuty's operations reports).
SLEEP_HOURS = (22, 8)

#: Severities that call somebody, where a profile does not say.
URGENT = ("critical", "page", "emergency")

TOP = 10

#: Less than this is too short to say how many alerts begin in a day or a week. [d]
LEAST_DAYS = 1.0

_RULE_COLUMNS = ("alertname", "severity", "owner", "episodes", "per_day", "per_week", "share", "median_s", "p90_s",
                 "longest_s", "measured", "firing_share", "flapping", "stale", "asleep", "open", "alerts",
                 "chatter")  # fmt: skip


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
    started        whether it was seen to begin in the period: these are counted (bool)
    open           whether it still fires at ``as_of`` (bool)
    left_censored  whether it may have begun earlier (bool)
    right_censored whether it may have ended later (bool)
    unknown_s      time in it in which no rule was evaluated [s]
    flapping       whether it belongs to a run of :data:`FLAP_STARTS` or more quick repeats (bool)
    stale          whether it fired longer than :data:`STALE_S` (bool)
    sleep          whether it began between 22:00 and 08:00 in ``zone`` (bool)
    urgent         whether its severity calls somebody (bool)
    phantom        whether it rests on samples from before a restart alone (bool)
    disputed       whether another server that evaluated rules all the time does not have it (bool)
    ============== ====================================================================================

    ``observed`` holds the stretches of the period in which rules were evaluated, where they are known. [ms]
    """

    range: TimeRange
    zone: str
    observed_s: float
    observed: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class AlertRules(Result):
    """Load of each rule over the period, most episodes first; a rule that never fired is a row too.

    Columns of ``frame``:

    ============ ======================================================================================
    alertname    rule (str)
    severity     (str)
    owner        who answers for it (str)
    episodes     begun in the period [count]
    per_day      episodes per observed day; NaN below a day observed [1/d]
    per_week     episodes per observed week; NaN below a day observed [1/week]
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
    observed: NDArray[np.int64] | None = None,
    rules: Sequence[AlertRuleInfo] = (),
    urgent: Sequence[str] = URGENT,
    owner: str = "",
    zone: str = "UTC",
) -> AlertEpisodes:
    """Mark the episodes of a period.

    Parameters
    ----------
    episodes : DataFrame
        Frame contract ``EPISODES``; ``phantom`` and ``disputed`` are taken over where they are there.
    span : TimeRange
        Period up to the instant of reading: ``span.end`` is where open episodes are measured to.
    observed_s : float
        Time of the period in which rules were evaluated. [s]
    observed : int64 array, (n, 2), optional
        Where that time lies: disjoint stretches, rising. [ms since the epoch]
    rules : sequence of AlertRuleInfo
        Known rules: their severity and owner stand in where labels have none.
    urgent : sequence of str
        Severities that call somebody.
    owner : str
        Who answers for alerts that no label and no rule gives to somebody.
    zone : str
        IANA zone in which people sleep.

    Notes
    -----
    An episode whose start nobody saw did not begin in the period: it may be older. Flapping here means
    :data:`FLAP_STARTS` or more episodes of one label set, each at most :data:`FLAP_S` long and at most as long after
    the end before; these two numbers are our own, no standard's. An alert is stale when it stood longer than
    :data:`STALE_S`, gaps in between included where it fired before and after.
    """
    check(episodes, EPISODES, where="the caller")
    known = {rule.alertname: rule for rule in rules}
    end = pd.Timestamp(span.end)
    still = episodes["ends_at"].isna() | (episodes["ends_at"] > end)
    until = episodes["ends_at"].where(~still, end)
    kept = (episodes["starts_at"] < end) & (until > pd.Timestamp(span.start))
    frame, until = episodes[kept].reset_index(drop=True), until[kept].reset_index(drop=True)
    frame["open"] = still[kept].to_numpy()
    frame["ends_at"] = frame["ends_at"].where(~frame["open"])
    code, sets = label_sets(frame["labels"])
    name_code, names = pd.factorize(frame["alertname"])
    rule_owners = np.array([getattr(known.get(name), "owner", "") or owner for name in names], dtype=object)
    own = np.array([labels.get("owner") or labels.get("team") or "" for labels in sets], dtype=object)
    if len(frame):
        frame["owner"] = np.where(own[code] != "", own[code], rule_owners[name_code])
        severities = np.array([getattr(known.get(name), "severity", "") for name in names], dtype=object)
        unnamed = (frame["severity"] == "").to_numpy()
        frame.loc[unnamed, "severity"] = severities[name_code][unnamed]
        frame["labels"] = np.array([labels_text(labels) for labels in sets], dtype=object)[code]
    else:
        frame["owner"] = ""
    frame["duration_s"] = (until - frame["starts_at"]).dt.total_seconds()
    frame["pending_s"] = (frame["starts_at"] - frame["active_at"]).dt.total_seconds()
    frame["started"] = (frame["starts_at"] >= pd.Timestamp(span.start)) & ~frame["left_censored"]
    for flag in ("phantom", "disputed"):
        frame[flag] = frame[flag].astype("bool") if flag in frame else False
    frame["urgent"] = frame["severity"].isin(urgent)
    for name in ("severity", "labels", "owner"):
        frame[name] = frame[name].astype("str")
    alert, order = by_alert(frame)
    frame["stale"] = standing_s(frame, alert, order) > STALE_S
    frame["flapping"] = flapping(frame, alert, order)
    frame["sleep"] = _asleep(frame["starts_at"], zone)
    columns = ["alertname", "severity", "labels", "owner", "active_at", "starts_at", "ends_at", "duration_s",
               "pending_s", "started", "open", "left_censored", "right_censored", "unknown_s", "flapping", "stale",
               "sleep", "urgent", "phantom", "disputed"]  # fmt: skip
    stretches = () if observed is None else tuple((int(start), int(last)) for start, last in observed)
    return AlertEpisodes(
        frame[columns], range=span, zone=zone, observed_s=observed_s, observed=stretches, notes=_remarks(frame)
    )


def alert_rules(alerts: AlertEpisodes, rules: Sequence[AlertRuleInfo] = ()) -> AlertRules:
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
    rows = alerts.frame
    rule, names = pd.factorize(pd.MultiIndex.from_frame(rows[["alertname", "severity"]]))
    fired = {name for name, _ in names}
    quiet = [rule for rule in {rule.alertname: rule for rule in rules}.values() if rule.alertname not in fired]
    count = len(names)
    begun = rows["started"].to_numpy()
    whole = begun & ~(rows["open"] | rows["left_censored"] | rows["right_censored"]).to_numpy()

    def counted(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(rule[mask], minlength=count).astype(np.int64)

    durations = rows["duration_s"].groupby(rule)
    ended = rows["duration_s"][whole].groupby(rule[whole])
    episodes = counted(begun)
    frame = pd.DataFrame(
        {
            "alertname": [name for name, _ in names],
            "severity": [severity for _, severity in names],
            "owner": _owners(rows["owner"], rule, count),
            "episodes": episodes,
            "share": episodes / max(int(episodes.sum()), 1),
            "median_s": ended.median().reindex(range(count)).to_numpy(),
            "p90_s": ended.quantile(0.9).reindex(range(count)).to_numpy(),
            "longest_s": durations.max().to_numpy(),
            "measured": counted(whole),
            "firing_share": firing_shares(rows, rule, count, alerts.range, alerts.observed_s, alerts.observed),
            "flapping": counted(begun & rows["flapping"].to_numpy()),
            "stale": counted(rows["stale"].to_numpy()),
            "asleep": counted(begun & rows["sleep"].to_numpy()),
            "open": counted(rows["open"].to_numpy()),
            "alerts": rows["labels"].groupby(rule).nunique().to_numpy(),
            "chatter": most_chatter(rows, rule, count),
        }
    )
    others = pd.DataFrame(
        [
            {"alertname": rule.alertname, "severity": rule.severity, "owner": rule.owner, "firing_share": 0.0}
            for rule in quiet
        ],
        columns=["alertname", "severity", "owner", "firing_share"],
    )
    if not alerts.observed_s:
        others["firing_share"] = np.nan
    frame = pd.concat([part for part in (frame, others) if len(part)] or [frame], ignore_index=True)
    frame = frame.reindex(columns=[*_RULE_COLUMNS])
    counts = ["episodes", "measured", "flapping", "stale", "asleep", "open", "alerts"]
    frame[counts] = frame[counts].fillna(0).astype(np.int64)
    frame[["share", "chatter"]] = frame[["share", "chatter"]].astype(np.float64).fillna(0.0)
    days = alerts.observed_s / 86_400
    frame["per_day"] = frame["episodes"] / days if days >= LEAST_DAYS else np.nan
    frame["per_week"] = 7 * frame["per_day"]
    frame = frame.sort_values(["episodes", "longest_s", "alertname"], ascending=[False, False, True], kind="stable")
    return AlertRules(frame.reset_index(drop=True), range=alerts.range, observed_s=alerts.observed_s)


def _owners(owner: pd.Series, rule: NDArray[np.int64], count: int) -> list[str]:
    """Return who answers for the alerts of each rule."""
    pairs = pd.DataFrame({"rule": rule, "owner": owner.to_numpy()}).drop_duplicates()
    owners: list[set[str]] = [set() for _ in range(count)]
    for number, name in zip(pairs["rule"].tolist(), pairs["owner"].tolist(), strict=True):
        owners[number].add(str(name))
    return [", ".join(sorted(names - {""})) for names in owners]


def noisiest_alerts(alerts: AlertEpisodes) -> NoisiestAlerts:
    """Rank the label sets by their episodes, ten of each severity.

    Notes
    -----
    ISA-18.2 (16.4.5) wants the ten most frequent alarms to make no more than 1 to 5 % of the load; of few rules they
    always make more, so read the share beside the number of alerts.
    """
    begun = alerts.frame[alerts.frame["started"]]
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


def alert_hours(alerts: AlertEpisodes) -> AlertHours:
    """Count the episodes by the hour in which they began."""
    begun = alerts.frame[alerts.frame["started"]]
    hours = begun["starts_at"].dt.tz_convert(str(named_zone(alerts.zone))).dt.hour
    severities = sorted(begun["severity"].unique())
    counts = begun.groupby([begun["severity"], hours]).size()
    rows = [
        {"hour": hour, "severity": severity, "episodes": int(counts.get((severity, hour), 0))}
        for severity in severities
        for hour in range(24)
    ]
    return AlertHours(pd.DataFrame(rows, columns=["hour", "severity", "episodes"]), zone=alerts.zone)


def chatter_index(starts_s: NDArray[np.float64]) -> float:
    """Chatter index psi of one alert from the seconds at which it began. [1/s]

    Examples
    --------
    >>> chatter_index(np.array([0.0, 10.0, 20.0, 40.0]))
    0.08333333333333333
    """
    runs = np.maximum(np.diff(np.sort(starts_s)), 1.0)
    return float(np.mean(1 / runs)) if len(runs) else 0.0


def _asleep(times: pd.Series, zone: str) -> pd.Series:
    hours = times.dt.tz_convert(str(named_zone(zone))).dt.hour
    return (hours >= SLEEP_HOURS[0]) | (hours < SLEEP_HOURS[1])


def _remarks(frame: pd.DataFrame) -> tuple[str, ...]:
    counts = (
        (
            int((frame["left_censored"] | frame["right_censored"]).sum()),
            "an edge where rules were not evaluated; their durations are not in the quantiles, and one whose start was "
            "not seen is not counted as begun",
        ),
        (int(frame["phantom"].sum()), "only samples from before a restart to rest on (phantoms)"),
        (int((frame["disputed"] & ~frame["phantom"]).sum()), "no counterpart on another server that evaluated rules"),
    )
    return tuple(f"{count:,} episode{'s have' if count != 1 else ' has'} {text}." for count, text in counts if count)
