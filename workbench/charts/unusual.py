"""What is out of line in the answer to a question: one line an event, with its id, for pages and first pages."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pandas as pd

from workbench.analysis.cost.jump_events import jump_events
from workbench.analysis.cost.landing import SpendForecast
from workbench.analysis.counting.limits import known_now
from workbench.charts.alerts.tables import measure_text
from workbench.charts.capacity.tables import action_text, chance_text, likeliest
from workbench.charts.performance.tables import use_text
from workbench.charts.tables import budget_left_text, status_word
from workbench.charts.theme import PARTLY, STATUS_WORDS
from workbench.core.result import Result, Status, Study
from workbench.core.units import (
    amount_text,
    change_text,
    day_text,
    instant_text,
    nouns_text,
    part_text,
    ratio_text,
    rule_text,
    span_text,
    target_text,
    value_text,
)

#: Data older than this at the end of a period are not of now. A period observed to this share is observed.
_FRESH, _WHOLE = timedelta(minutes=5), 0.999


@dataclass(frozen=True)
class Line:
    """One event that is out of line.

    Attributes
    ----------
    id : str
        Stable; docs/reference/findings.md.
    status : Status
    title, evidence : str
        What it is, and the numbers that speak for it with their units.
    start, end : datetime, optional
        When it was, where it has a time. [UTC]
    """

    id: str
    status: Status
    title: str
    evidence: str
    start: datetime | None = None
    end: datetime | None = None


def slo_lines(study: Study) -> tuple[Line, ...]:
    """One line per objective that is missed, at risk, or for which a burn-rate alert fires; the least budget first."""
    frame, outlook = study.results["compliance"].frame, study.results["outlook"].frame
    firing = frame["objective"].map(outlook.set_index("objective")["firing"]).fillna("")
    listed = frame["status"].isin(["spent", "at_risk"]) | (frame["status"].eq("ok") & firing.ne(""))
    lines = []
    for row in frame.assign(firing=firing)[listed].sort_values("period_left_ratio").itertuples():
        evidence = (
            f"{ratio_text(row.sli)} against {target_text(row.target)}, {budget_left_text(row)} of the budget left"
        )
        ends = "none was left from {} on" if row.status == "spent" else "at this pace it ends {}"
        evidence += "" if pd.isna(row.exhausted_at) else f"; {ends.format(instant_text(row.exhausted_at))}"
        evidence += f"; firing: {row.firing}" if row.firing else ""
        lines.append(Line("today/objective", row.status, str(row.title), evidence))
    return tuple(lines)


def performance_lines(study: Study) -> tuple[Line, ...]:
    """One line per threshold that was broken, the one broken now and then the one broken longest first."""
    totals, breaches = study.results["thresholds"].frame, study.results["breaches"].frame
    broken = totals[(totals["breaches"] > 0) & (totals["status"] != "no_data")]
    order = broken.assign(now=broken["status"].eq("at_risk")).sort_values(["now", "seconds"], ascending=False)
    known = known_now(study.results["thresholds"])
    lines = []
    for row in order.itertuples():
        mine = breaches[breaches["limit"] == row.limit]
        longest = mine.sort_values("seconds").iloc[-1] if len(mine) else None
        groups = list(dict.fromkeys(str(group) for group in mine["group"] if group))
        times = "once" if row.breaches == 1 else f"{row.breaches:,} times"
        rule = rule_text(str(row.rule), use_text(row.value, str(row.unit)))
        worst = f"worst {use_text(row.worst, str(row.unit))}, limit {rule}; " if row.unit != "bool" else ""
        phrase = f"broken {times}, {span_text(row.seconds)} in all; "
        phrase += "broken now" if row.now else "kept now" if known[row.Index] else "not known now"
        evidence = f"{phrase}; {worst}{row.severity}"
        lines.append(
            Line(
                "performance/threshold",
                "at_risk",
                str(row.title),
                evidence + (f"; {_few(groups)}" if groups else ""),
                None if longest is None else longest["start"].to_pydatetime(),
                None if longest is None else longest["end"].to_pydatetime(),
            )
        )
    return tuple(lines)


def cost_lines(study: Study) -> tuple[Line, ...]:
    """One line per budget that is used up, nearly so or expected to be overrun, then one per jump of spend."""
    lines = []
    for row in study.results["budgets"].frame.itertuples():
        if row.status in ("spent", "at_risk"):
            of = f" of {value_text(row.limit, str(row.unit))}" if row.limit == row.limit else ""
            title = f"Budget of {part_text(row.dimension, row.group)}"
            lines.append(Line("cost/budget", row.status, title, f"{ratio_text(row.used, digits=1)}{of} used"))
    plans = study.results.get("budget_plans")
    for row in plans.frame.itertuples() if plans is not None else ():
        if row.status in ("spent", "at_risk"):
            title = f"Budget of {part_text(row.dimension, row.group)}" if row.dimension else "Budget of all spend"
            phrase = f"{ratio_text(row.used, digits=1)} of {amount_text(row.limit, row.unit)} used in this {row.window}"
            if row.overrun and row.status != "spent":
                chance = ratio_text(row.probability, digits=0)
                phrase += f"; used up on {day_text(row.overrun)} ({chance} likely to be overrun)"
            lines.append(Line("cost/budget", row.status, title, phrase))
    forecast = study.results["forecast"]
    for row in forecast.overruns.itertuples() if isinstance(forecast, SpendForecast) else ():
        chance, left = ratio_text(row.probability, digits=0), value_text(row.left, str(row.unit))
        when = f" from {day_text(row.overrun)} on" if row.overrun else ""
        phrase = f"{left} left; used up{when} ({chance} likely this month) unless it is renewed before"
        lines.append(Line("cost/overrun", "at_risk", f"Budget of {part_text(row.dimension, row.group)}", phrase))
    for event in jump_events(study.results["jumps"].frame).itertuples():
        lasts = "since" if event.ongoing else "on" if event.first == event.last else "from"
        until = f" to {day_text(event.last)}" if lasts == "from" else ""
        amount = amount_text(_cents(abs(event.impact)), str(event.unit))
        side = "above" if event.impact > 0 else "below"
        change = "new" if event.change_ratio == float("inf") else change_text(event.change_ratio)
        also = f"; also seen in {event.also}" if event.also else ""
        lines.append(
            Line(
                "cost/jump",
                "at_risk" if event.ongoing and event.direction == "up" else "ok",
                (part := part_text(event.dimension, event.group))[:1].upper() + part[1:],
                f"{amount} {side} the usual ({change}) {lasts} {day_text(event.first)}{until}{also}",
                _midnight(event.first),
                _midnight(event.last) + timedelta(days=1),
            )
        )
    return tuple(lines)


def quality_lines(study: Study) -> tuple[Line, ...]:
    """One line per drift, open ones first, then one per documented limit that was broken."""
    lines = []
    for row in study.results["drifts"].frame.sort_values("open", ascending=False, kind="stable").itertuples():
        lasts = f"since {instant_text(row.onset)}" if row.open else f"for {span_text(row.days * 86_400)}"
        evidence = f"{row.direction} than its reference {lasts}, by {abs(row.difference):.4f} on the worst day"
        start, end = row.onset.to_pydatetime(), row.end.to_pydatetime()
        status: Status = "at_risk" if row.open and not row.better else "ok"
        lines.append(Line("quality/drift", status, f"{row.title} of {row.series}", evidence, start, end))
    shapes = study.results["shapes"].frame
    for row in shapes[shapes["verdict"] == "drift"].itertuples():
        where = str(row.column) if row.segment == "all" else f"{row.column}, {row.segment}"
        what = "missing scores" if row.kind == "missing" else "answers"
        evidence = f"{100 * row.moved:.1f} % of the {what} moved; mean {row.reference:.4f} to {row.current:.4f}"
        if not math.isfinite(row.reference):
            evidence = f"{100 * row.moved:.1f} % of the {what} moved"
        lines.append(Line("quality/shape", "at_risk", where, evidence))
    for row in study.results["limits"].frame.itertuples():
        if row.breaches > 0:
            times = "once" if row.breaches == 1 else f"{row.breaches:,} times"
            evidence = f"{row.rule}: {times}, {span_text(row.seconds)} in all, worst {value_text(row.worst, row.unit)}"
            lines.append(Line("quality/limit", "at_risk", str(row.title), evidence))
    return tuple(lines)


def capacity_lines(study: Study) -> tuple[Line, ...]:
    """One line per level that is above a limit, or reaches one within the horizon; the nearest date first."""
    limits = study.results["limits"]
    frame = limits.frame[limits.frame["reached_at"].notna()].sort_values("reached_at", kind="stable")
    lines = []
    for row in frame.drop_duplicates(["resource", "series"]).itertuples():
        if row.reached_at <= pd.Timestamp(vars(limits)["as_of"]):
            limit = str(row.limit).lstrip(">= ")
            evidence = "full now" if limit == "full" else f"at or above {limit} now"
        else:
            chance = f"{chance_text(row.at_lead)} within {min(row.lead_days, row.ahead_days):,.0f} d"
            evidence = f"reaches {row.limit} on {instant_text(row.reached_at)} ({chance})"
            evidence += "" if action_text(row) == "nothing" else f"; {action_text(row)}"
        lines.append(Line("capacity/limit", row.status, f"{row.title}, {row.series}", evidence))
    return tuple(lines)


def alert_lines(study: Study) -> tuple[Line, ...]:
    """One line per rule that fires now, then per measure above a published limit, then per rule that flapped."""
    lines = []
    episodes = study.results["episodes"].frame
    for name, rows in episodes[episodes["open"]].groupby("alertname", sort=True):
        first = rows.sort_values("starts_at").iloc[0]
        count = f"{len(rows)} alerts firing" if len(rows) > 1 else "firing"
        if (seen := last_seen(study)) is not None:
            count = f"{count} when last seen, {instant_text(seen)};"
            evidence = f"{count} since {instant_text(first['starts_at'])}"
        else:
            evidence = f"{count} for {span_text(first['duration_s'])}, since {instant_text(first['starts_at'])}"
        evidence += f"; {first['labels']}" if first["labels"] else ""
        start = first["starts_at"].to_pydatetime()
        lines.append(Line("alerts/firing", "at_risk", str(name), evidence, start, study.as_of))
    measures = study.results["measures"].frame
    for row in measures[measures["status"] == "at_risk"].itertuples():
        measured, limit = (measure_text(value, str(row.unit)) for value in (row.value, row.limit))
        lines.append(Line("alerts/load", "at_risk", str(row.title), f"{measured}, limit {limit} ({row.standard})"))
    rules = study.results["rules"].frame
    for row in rules[rules["flapping"] > 0].itertuples():
        evidence = f"{row.flapping:,} of {row.episodes:,} episodes flap"
        lines.append(Line("alerts/flapping", "at_risk", str(row.alertname), evidence))
    return tuple(lines)


def usual_sentence(study: Study) -> str:
    """Say what is as usual, of what was looked at; empty where nothing is."""
    results = study.results
    if study.name == "slo_compliance":
        words = [status_word(row.status, row.coverage) for row in results["compliance"].frame.itertuples()]
        kept = words.count(STATUS_WORDS["ok"])
        part = f", {count} observed in part" if (count := words.count(PARTLY)) else ""
        are = "is" if len(words) == 1 else "are"
        met = f"{kept} of {nouns_text(len(words), 'objective')} {are} met and not at risk{part}."
        only = f"{count} of {nouns_text(count, 'objective')} {are} observed in part: too little to be called met."
        return (only if count == len(words) else met) if words else ""
    if study.name == "service_performance":
        return _kept(results["thresholds"], _kept_when(study))
    if study.name == "quality_drift":
        states = results["states"].frame
        steady = int((states["verdict"] == "none").sum())
        return f"{steady} of {len(states)} scores do not drift now." if len(states) else ""
    if study.name == "capacity_forecast":
        limits = results["limits"].frame
        once = limits[limits["status"] != "no_data"].groupby(["resource", "series"])["reached_at"].count()
        calm, unknown = int((once == 0).sum()), len(limits.drop_duplicates(["resource", "series"])) - len(once)
        are, rest = "is" if len(once) == 1 else "are", f"; {unknown} not known" if unknown else ""
        known = f"{calm} of {nouns_text(len(once), 'level')} {are} expected to reach no limit in the horizon"
        return f"{known}{likeliest(limits)}{rest}." if len(once) else ""
    if study.name == "alert_load":
        rules = results["rules"].frame
        quiet = int(((rules["episodes"] == 0) & (rules["open"] == 0)).sum())
        known = f"{quiet} of {nouns_text(len(rules), 'rule')} did not fire{_in_what(study)}."
        return known if len(rules) and study.coverage else ""
    if study.name == "security_and_access":
        return _usual_hours(results["rises"])
    if "budgets" not in results:
        return ""
    budgets = results["budgets"].frame
    known = budgets[budgets["status"] != "no_data"]
    kept, unknown = int((known["status"] == "ok").sum()), len(budgets) - len(known)
    rest = f"{unknown} of {len(budgets)} budgets have no data." if unknown else ""
    return f"{f'{kept} of {len(known)} budgets are used to less than 80 %. ' if len(known) else ''}{rest}".strip()


def last_seen(study: Study) -> datetime | None:
    """Return the newest sample of a study where it is five minutes older than the end of its period, else None."""
    newest = study.freshness
    return newest if newest is not None and study.range.end - newest > _FRESH else None


def _in_what(study: Study) -> str:
    """Say of how much of the period a sentence speaks, where that is not all of it."""
    if study.coverage >= _WHOLE:
        return ""
    return f" in the {ratio_text(study.coverage, digits=1)} of the period that was observed"


def _kept_when(study: Study) -> str:
    """Say of how much of the period it is known that thresholds were kept in it."""
    frame = study.results["thresholds"].frame
    unknown_s = frame.loc[(frame["status"] != "no_data") & (frame["breaches"] == 0), "unknown"].max()
    if study.coverage < _WHOLE:
        return _in_what(study)
    return f" while observed (up to {span_text(unknown_s)} unknown)" if unknown_s > 0 else " all the time"


def _kept(result: Result, when: str) -> str:
    known = result.frame[result.frame["status"] != "no_data"]
    kept, unknown = int((known["breaches"] == 0).sum()), len(result.frame) - len(known)
    if result.frame.empty:
        return ""
    rest = f"; {unknown} not known" if unknown else ""
    return f"{kept} of {nouns_text(len(known), 'threshold')} kept{when}{rest}."


def _usual_hours(rises: Result) -> str:
    """Say of how many hours of the counters of security it is known that nothing stood out."""
    judged, hours, frame = vars(rises)["judged"], vars(rises)["hours"], rises.frame
    if not judged:
        return "No hour could be judged: that needs 72 observed hours." if hours else ""
    high = int(((frame["end"] - frame["start"]) / pd.Timedelta(hours=1)).sum())
    return f"{judged - high:,} of {hours:,} hours of the counters are as usual; {hours - judged:,} could not be judged."


def _few(names: list[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def _cents(amount: float) -> Decimal:
    return Decimal(str(round(amount, 2)))


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), UTC)
