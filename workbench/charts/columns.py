"""What a column of a table is called and counts: one text a word, for the help of every table."""

from __future__ import annotations

from collections.abc import Mapping

#: Column of the rows of text -> what it counts.
HELP: Mapping[str, str] = {
    "a day": "Change a day at the present trend.",
    "a week": "Mean number of episodes in seven observed days.",
    "alert": "Name of the alert.",
    "amount": "Sum over the period.",
    "at or above target": "Share of past periods in which the objective was met.",
    "at the end": "Value at the end of the period.",
    "at the same time": "Deploys, alerts and new errors of the same time.",
    "available": "Share of the period in which it answered.",
    "bad": "Events that were not good.",
    "bad share": "Bad events of this label / its events.",
    "before": "The same in the period before, of the same length.",
    "breaches": "How often the limit was broken, each without a break.",
    "budget left": "Share of the error budget that is left; negative when overspent.",
    "budget used": "Share of the error budget of the whole window.",
    "burn rate": "Share of bad events / share allowed; 1x spends the budget exactly.",
    "by": "Label by which the total is split.",
    "change": "Against the period before.",
    "counter": "What is counted.",
    "difference": "Last day less its reference.",
    "direction": "Whether the score is higher or lower than its reference.",
    "episodes": "Unbroken intervals in which an alert fired, counted by their start.",
    "error": "Mean absolute error of the method in the backtest.",
    "error share": "Failed requests / all requests.",
    "errors": "Requests that failed.",
    "firing": "Share of the observed time in which the rule fired.",
    "flapping": "Three or more episodes of one alert, each at most an hour long and an hour after the one before.",
    "group": "Value of the label.",
    "headroom now": "Limit less present use.",
    "highest": "Highest use in the period.",
    "hits": "Answers from the cache.",
    "hours": "Business is Monday to Friday 08:00 to 18:00, sleep 22:00 to 08:00, off the rest.",
    "in breach": "Time in which the limit was broken, overlaps counted once.",
    "in the 80 % band": "Share of backtest values inside the 80 % band; 80 % are wanted.",
    "label": "Smallest set of labels that explains the episode.",
    "labels": "Labels that tell this alert from others of its rule.",
    "lasted": "From start to end.",
    "limit": "Value that must not be passed.",
    "limit that lasts": "Limit that is not reached within the horizon with 90 %.",
    "longest": "Longest single time.",
    "measured by": "What says that it answered.",
    "observed": "Share of the time for which there is data; the rest is unknown.",
    "of": "Which one.",
    "of the limit": "Present use / limit.",
    "onset": "First hour of the drift.",
    "p50": "Half of the requests were answered within this time.",
    "p90": "Nine of ten are at most this long.",
    "p95": "95 % are at or below this.",
    "p99": "99 % are at or below this.",
    "peak": "Highest mean of five minutes.",
    "pending": "Time between the condition and the alert.",
    "per": "What one unit of the cost is.",
    "precision": "Share of alerts that matched a real burn.",
    "rate": "Mean requests per second over the period.",
    "reached": "When the forecast reaches the limit with 50 %.",
    "recall": "Share of burns that were alerted.",
    "reference": "Mean of 3 to 4 weeks before.",
    "requests": "Requests in the period, counted exactly.",
    "saturated": "Share of the last fortnight at 98 % of the limit or more.",
    "severity": "As the rule or the profile names it.",
    "share": "Share of the total.",
    "share of bad": "Share of all bad events of the period.",
    "share of episode": "Share of the bad events of this episode.",
    "smallest cause": "Whether the episode is concentrated in this label.",
    "stale": "Longer than a day.",
    "state": "At the end of the period.",
    "status": "Judged at the end of the period.",
    "threshold": "A limit that the system's profile states.",
    "together": "Share of this row and all rows above it.",
    "unit cost": "Spend / count.",
    "unknown": "Time without a value: neither kept nor broken.",
    "urgent": "Alerts of the severities that wake somebody.",
    "usual": "What eight weeks of the same weekday lead to expect.",
    "was": "What was measured.",
    "worst": "Value farthest beyond the limit.",
}

#: Words whose header is not the word with a capital letter.
_LABELS: Mapping[str, str] = {
    "SLI": "SLI",
    "p50": "p50",
    "p90": "p90",
    "p95": "p95",
    "p99": "p99",
    "of": "Which",
    "a day": "Per day",
    "a week": "Per week",
    "asleep": "At night",
    "was": "Measured",
}


def header(name: str) -> str:
    """Return the header of a column in sentence case.

    Examples
    --------
    >>> header("burn rate"), header("p95"), header("Status")
    ('Burn rate', 'p95', 'Status')
    """
    return _LABELS.get(name, name[:1].upper() + name[1:])
