"""Alerts as tables of text: the same words on the page, the command line, in the report and in a notebook."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.charts.tables import Sentence, Table
from workbench.charts.theme import STATUS_WORDS
from workbench.core.result import Result, Study
from workbench.core.units import NO_VALUE, count_text, instant_text, ratio_text, span_text

_PER = {"per_day": "a day", "per_hour": "an hour", "per_10min": "in 10 min", "per_shift": "a shift"}

_VERDICTS = {"ok": "within", "at_risk": "above", "no_data": "not known"}

#: Columns of the rows below that hold text.
TEXT = ("measure", "verdict", "standard", "rule", "severity", "owner", "alert", "labels", "marks", "tag", "kind",
        "rules", "hours", "shift", "start")  # fmt: skip


def measure_text(value: float, unit: str) -> str:
    """Write a measure of the load of alerts in its unit."""
    if value != value:
        return NO_VALUE
    if unit == "ratio":
        return ratio_text(value, digits=1)
    return count_text(value) if unit == "count" else f"{value:,.2f} {_PER[unit]}"


def measure_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per measure: ``measure, verdict, measured, limit, standard``."""
    return [
        {
            "measure": str(row.title),
            "verdict": "no limit" if row.status == "ok" and row.limit != row.limit else _VERDICTS[str(row.status)],
            "measured": measure_text(row.value, str(row.unit)),
            "limit": measure_text(row.limit, str(row.unit)),
            "standard": str(row.standard),
        }
        for row in result.frame.itertuples()
    ]


def rule_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per rule: how often and how long it fired, what is wrong with it; no zero where none was seen."""
    seen = vars(result)["observed_s"] > 0
    return [
        {
            "rule": str(row.alertname),
            "severity": str(row.severity),
            "owner": str(row.owner) or NO_VALUE,
            "episodes": _count(row.episodes, seen),
            "a week": f"{row.per_week:,.1f}" if row.per_week == row.per_week else NO_VALUE,
            "share": ratio_text(row.share, digits=1) if seen or row.episodes else NO_VALUE,
            "median": span_text(row.median_s),
            "p90": span_text(row.p90_s),
            "longest": span_text(row.longest_s),
            "firing": ratio_text(row.firing_share, digits=2),
            "flapping": _count(row.flapping, seen),
            "stale": _count(row.stale, seen),
            "asleep": _count(row.asleep, seen),
            "open": _count(row.open, seen),
        }
        for row in result.frame.itertuples()
    ]


def _count(count: int, seen: bool) -> str:
    return count_text(count) if seen or count else NO_VALUE


def episode_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per episode, by start: ``alert, severity, labels, start, end, duration, pending, marks, tag``."""
    return [
        {
            "alert": str(row.alertname),
            "severity": str(row.severity),
            "labels": str(row.labels),
            "start": ("before " if row.left_censored else "") + instant_text(row.starts_at),
            "end": "firing" if row.open else ("after " if row.right_censored else "") + instant_text(row.ends_at),
            "duration": span_text(row.duration_s),
            "pending": span_text(row.pending_s),
            "marks": ", ".join(
                [name for name in ("flapping", "stale", "sleep", "phantom", "disputed") if getattr(row, name)]
                + ([f"{span_text(row.unknown_s)} unknown"] if row.unknown_s else [])
            ),
            "tag": _tag(row),
        }
        for row in result.frame.itertuples()
    ]


def _tag(row: Any) -> str:
    """Return what somebody said of an alert, why, and who."""
    if not getattr(row, "tag", ""):
        return NO_VALUE
    return f"{row.tag}{f' ({row.tag_note})' if row.tag_note else ''}, {row.tagged_by}"


def noisiest_rows(result: Result, *, severity: str = "all") -> list[dict[str, str]]:
    """One row of text per label set of the ten noisiest: ``alert, labels, episodes, share, together``."""
    return [
        {
            "alert": str(row.alertname),
            "labels": str(row.labels),
            "episodes": count_text(row.episodes),
            "share": ratio_text(row.share, digits=1),
            "together": ratio_text(row.cumulative, digits=1),
        }
        for row in result.frame[result.frame["severity"] == severity].itertuples()
    ]


def top_share_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per severity: the share that its ten noisiest alerts have of its episodes."""
    last = result.frame.groupby("severity", sort=False).last()
    return [
        {"severity": str(severity), "alerts": count_text(row["rank"]), "share": ratio_text(row["cumulative"], digits=1)}
        for severity, row in last.iterrows()
    ]


def burst_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per flood or burst: ``kind, start, end, most in 10 min, usual, episodes, to read, rules``."""
    return [
        {
            "kind": str(row.kind),
            "start": instant_text(row.start),
            "end": instant_text(row.end),
            "most in 10 min": count_text(row.peak),
            "usual": f"{row.usual:.2g}",
            "episodes": count_text(row.episodes),
            "to read": count_text(row.to_read),
            "first of each group": str(row.first),
            "rules": str(row.alertnames),
        }
        for row in result.frame.itertuples()
    ]


def interruption_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per class of hours: ``hours, observed, episodes, urgent, a week, hours with a page``."""
    return [
        {
            "hours": str(row.hours),
            "observed": f"{row.observed_h:,.0f} h",
            "episodes": _count(row.episodes, row.observed_h > 0),
            "urgent": _count(row.urgent, row.observed_h > 0),
            "a week": f"{row.per_week:,.1f}" if row.per_week == row.per_week else NO_VALUE,
            "hours with a page": _count(row.hours_with_page, row.observed_h > 0),
        }
        for row in result.frame.itertuples()
    ]


def shift_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per shift, by start: ``start, shift, observed, urgent, hours with a page, verdict``."""
    return [
        {
            "start": instant_text(row.start),
            "shift": str(row.shift),
            "observed": ratio_text(row.observed, digits=0),
            "urgent": _count(row.urgent, row.observed > 0),
            "hours with a page": _count(row.hours_with_page, row.observed > 0),
            "verdict": "more than two" if row.over else "within" if row.observed > 0 else "not known",
        }
        for row in result.frame.itertuples()
    ]


def tag_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per rule with alerts, ``all`` first: tagged useful, tagged "no action", and not tagged."""
    return [
        {
            "rule": str(row.alertname),
            "alerts": count_text(row.alerts),
            "useful": count_text(row.useful),
            "no action": count_text(row.no_action),
            "untagged": f"{count_text(row.untagged)} ({ratio_text(row.untagged_share, digits=0)})",
            "useful share": ratio_text(row.useful_share, digits=0)
            + (f" ({ratio_text(row.useful_low, digits=0)} to {ratio_text(row.useful_high, digits=0)})"
               if row.useful_share == row.useful_share else ""),
        }
        for row in result.frame[result.frame["alerts"] > 0].itertuples()
    ]  # fmt: skip


def tag_table(result: Result) -> Table:
    """Table of :func:`tag_rows` that renders itself."""
    return Table(tag_rows(result), caption="The share of useful alerts is of the tagged ones.", left=TEXT)


def interruption_table(result: Result) -> Table:
    """Table of :func:`interruption_rows` that renders itself."""
    caption = (
        f"Business is 08:00 to 18:00 from Monday to Friday, sleep 22:00 to 08:00, off the rest; {vars(result)['zone']}."
    )
    return Table(interruption_rows(result), caption=caption, left=TEXT)


def measure_table(result: Result) -> Table:
    """Table of :func:`measure_rows` that renders itself."""
    caption = f"Rates are per person on call ({vars(result)['positions']}); ten-minute periods follow the clock."
    return Table(measure_rows(result), caption=caption, left=TEXT)


def rule_table(result: Result) -> Table:
    """Table of :func:`rule_rows` that renders itself."""
    caption = "Durations of episodes seen from start to end; asleep means begun between 22:00 and 08:00."
    quiet = (result.frame["episodes"] == 0) & (vars(result)["observed_s"] > 0)
    return Table(rule_rows(result), caption=caption, left=TEXT, usual=list(quiet))


def noisiest_table(result: Result) -> Table:
    """Table of :func:`noisiest_rows` of all severities that renders itself."""
    return Table(noisiest_rows(result), caption="Share of all episodes of the period.", left=TEXT)


def top_share_table(result: Result) -> Table:
    """Table of :func:`top_share_rows` that renders itself."""
    return Table(top_share_rows(result), caption="The ten noisiest alerts of each severity.", left=TEXT)


def burst_table(result: Result) -> Table:
    """Table of :func:`burst_rows` that renders itself."""
    expected = vars(result)["expected"]
    caption = (
        f"A burst has at least three alerts in ten minutes, more than chance reaches in 30 days at that time "
        f"of the day and week; {expected:.2g} is the mean of all. Floods by ISA-18.2. Rules that fire together are "
        "read as one."
    )
    return Table(burst_rows(result), caption=caption, left=TEXT)


def weekly_text(per_week: pd.Series[Any]) -> str:
    """Say how many that is a week, or that too little was observed to say it."""
    known = per_week.dropna()
    too_short = "; less than a day was observed, too short for a weekly rate"
    return f", {known.sum():,.1f} a week" if len(known) else too_short


#: Share of a period from which on it counts as seen. [ratio]
_WHOLE = 0.95


def none_began(coverage: float) -> str:
    """Say that no alert began, and in how much of the period where not all of it was seen."""
    return f"No alert began in {of_period(coverage)}"


def no_burst(coverage: float) -> str:
    """Say that there was no burst, and in how much of the period where not all of it was seen."""
    return f"No ten minutes of {of_period(coverage)} had more alerts than is usual then."


def of_period(coverage: float) -> str:
    """Words for the period, or for the share of it that was observed where that is not all."""
    whole = "this period"
    return f"the {ratio_text(coverage, digits=1)} of {whole} that was observed" if coverage < _WHOLE else whole


def alerts_finding(study: Study) -> Sentence:
    """Say in a few sentences how much the alerts ask of people, and which to mend first."""
    rules, episodes = study.results["rules"].frame, study.results["episodes"].frame
    if study.status in ("no_data", "unavailable", "refused"):
        return Sentence(f"Alerts are not known: {STATUS_WORDS[study.status].lower()}.")
    count = int(rules["episodes"].sum())
    if not count:
        return Sentence(f"{none_began(study.coverage)}.")
    began = "1 alert began" if count == 1 else f"{count_text(count)} alerts began"
    parts = [f"{began}{weekly_text(rules['per_week'])}."]
    first = rules.iloc[0]
    fired = rules.loc[rules["episodes"] > 0, "episodes"]
    if len(fired) == 1 or fired.ne(fired.iloc[0]).any():
        parts.append(f"{first['alertname']} made {ratio_text(first['share'], digits=0)} of them.")
    flapping = rules[rules["flapping"] > 0]
    if len(flapping):
        most = flapping.sort_values("flapping", ascending=False).iloc[0]
        parts.append(f"{count_text(flapping['flapping'].sum())} flap, most of them {most['alertname']}.")
    stale = episodes[episodes["stale"]]
    if len(stale):
        longest = stale.sort_values("duration_s").iloc[-1]
        parts.append(
            f"{len(stale)} stood longer than a day, {longest['alertname']} for {span_text(longest['duration_s'])}."
        )
    asleep = int(rules["asleep"].sum())
    if asleep:
        parts.append(f"{asleep} began at night.")
    return Sentence(" ".join(parts))
