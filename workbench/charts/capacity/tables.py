"""Capacity as tables of text: the same words on the page, the command line, in the report and in a notebook."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from workbench.charts.tables import Sentence, Table
from workbench.charts.theme import STATUS_WORDS
from workbench.core.result import Result, Study
from workbench.core.units import NO_VALUE, bytes_text, count_text, day_text, instant_text, nouns_text, ratio_text

#: What "now" is: the line of a level goes up and down with the hours.
NOW = "Now: the highest hour of the last day; of a budget, what is used."

#: Columns of the rows below that hold text.
TEXT = ("resource", "of", "limit", "status", "reached", "80 % interval", "method", "verdict", "what to do",
        "reached after", "status after")  # fmt: skip


def _amount(value: float, unit: str, *, signed: bool = False) -> str:
    if not math.isfinite(value):
        return NO_VALUE
    sign = "+" if signed and value > 0 else ""
    if unit == "ratio":
        return f"{value * 100:{'+' if signed else ''}.2f} %"
    return sign + (bytes_text(value) if unit == "bytes" else f"{value:,.4g} {unit}")


def growth_text(trend: float, limit: float, unit: str) -> str:
    """Write the growth of a level in a day; one that moves it by less than 0.1 % of the limit in 30 days is none.

    Examples
    --------
    >>> [growth_text(trend, 100.0, "connections") for trend in (6.7e-05, 0.0, -1.5, float("nan"))]
    ['almost none', 'none', '-1.5 connections', '–']
    """
    shown = 5e-5 if unit == "ratio" else 0.0
    if math.isfinite(trend) and abs(trend) < max(shown, 0.001 / 30 * abs(limit)):
        return "almost none" if trend else "none"
    return _amount(trend, unit, signed=True)


def chance_text(value: float) -> str:
    """Write a probability in whole percent; simulated paths tell neither 0 nor 100 %.

    Examples
    --------
    >>> [chance_text(value) for value in (0.005, 0.031, 0.995, float("nan"))]
    ['< 1 %', '3 %', '> 99 %', '–']
    """
    if not math.isfinite(value):
        return NO_VALUE
    return "< 1 %" if value < 0.01 else "> 99 %" if value > 0.99 else f"{value * 100:.0f} %"


def _reached(row: Any) -> str:
    if not row.method and pd.isna(row.reached_at):
        return NO_VALUE
    if pd.notna(row.reached_at):
        return instant_text(row.reached_at)
    ends = f"before {day_text(row.anew_at)}" if pd.notna(row.anew_at) else f"within {row.ahead_days:,.0f} d"
    return f"not {ends} ({chance_text(1 - row.at_horizon)})"


def _interval(row: Any) -> str:
    """Earliest to latest; what lies beyond the horizon has no date."""
    if pd.isna(row.earliest):
        return NO_VALUE
    latest = "later" if pd.isna(row.latest) else instant_text(row.latest)
    return f"{instant_text(row.earliest)} to {latest}"


def limit_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per level and limit, the highest risk first: use, trend, probabilities, date with interval."""
    return [
        {
            "resource": str(row.title),
            "of": str(row.series),
            "limit": str(row.limit),
            "status": STATUS_WORDS[row.status],
            "now": _amount(row.now, str(row.unit)),
            "of the limit": ratio_text(row.used, digits=1),
            "a day": growth_text(row.trend, row.value, str(row.unit)),
            **{f"within {days} d": chance_text(getattr(row, f"within_{days}d")) for days in (1, 7, 14, 30, 90)},
            "reached": _reached(row),
            "80 % interval": _interval(row),
        }
        for row in result.frame.itertuples()
    ]


def backtest_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per level: the method, its error in the backtest, that of seasonal naive, and the cover."""
    once = result.frame.drop_duplicates(["resource", "series"])
    return [
        {
            "resource": str(row.title),
            "of": str(row.series),
            "method": str(row.method) or NO_VALUE,
            "error": _amount(row.error, str(row.unit)),
            "error of seasonal naive": _amount(row.naive_error, str(row.unit)),
            "of that": ratio_text(row.score, digits=0),
            "in the 80 % band": ratio_text(row.covered, digits=0),
            "backtests": f"{count_text(row.origins)} in {row.history_days:,.0f} d",
            "band measured to": f"{row.measured_days:,.0f} d ahead" if row.origins else NO_VALUE,
            "level or trend changed": day_text(row.changed_at),
            "restarts": day_text(row.anew_at),
            "verdict": str(row.verdict),
        }
        for row in once.itertuples()
    ]


def limit_table(result: Result) -> Table:
    """Table of :func:`limit_rows` that renders itself."""
    caption = (
        f"{NOW} Probabilities and dates from 400 simulated paths: reached by the date with 50 %, "
        "by the ends of the interval with 10 % and 90 %."
    )
    return Table(limit_rows(result), caption=caption, left=TEXT, usual=list(result.frame["status"] == "ok"))


def backtest_table(result: Result) -> Table:
    """Table of :func:`backtest_rows` that renders itself."""
    caption = "Mean absolute error of the backtest; beyond what is measured the band grows with the distance."
    return Table(backtest_rows(result), caption=caption, left=TEXT)


def headroom_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per level and limit: room now and over the peaks, the limit that lasts, what to do."""
    rows = []
    for row in result.frame.itertuples():
        unit = str(row.unit)
        rows.append(
            {
                "resource": str(row.title),
                "of": str(row.series),
                "limit": str(row.limit),
                "headroom now": _amount(row.headroom, unit),
                "at p95 of daily peaks": _amount(row.headroom_p95, unit),
                "at p99": _amount(row.headroom_p99, unit),
                "saturated": ratio_text(row.saturated, digits=0),
                "limit that lasts": _amount(row.needed, unit),
                "what to do": action_text(row),
            }
        )
    return rows


def action_text(row: Any) -> str:
    """Say what a row of the limits asks for, in a few words."""
    if not row.signal:
        return "nothing: full by design"
    if row.status == "no_data":
        return "collect more data"
    if row.status == "at_risk" and pd.notna(row.anew_at):
        return "raise the budget or cut its use"
    if row.status == "at_risk" and math.isfinite(row.leak_rate):
        return "fix the leak; restart before the date"
    if row.status == "at_risk":
        if row.unit == "ratio" and row.needed > 1:  # nothing has more than all of itself
            return f"make it {math.ceil(10 * row.needed / row.value) / 10:.1f} times as large or cut the use"
        return f"raise the limit to {_amount(row.needed, str(row.unit))} or cut the use"
    return "could be made smaller" if row.oversized else "nothing"


def headroom_table(result: Result) -> Table:
    """Table of :func:`headroom_rows` that renders itself."""
    caption = (
        "Headroom: limit less use; peaks of four weeks. Saturated: share of the last fortnight at 98 % of the limit or "
        "more. The limit that lasts is not reached within the horizon with 90 %."
    )
    return Table(headroom_rows(result), caption=caption, left=TEXT)


def plan_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per limit to plan for: headroom, date, lead time, by when to act and how.

    Limits that are reached within the horizon with 10 % or more, and what could be made smaller. The cost of an action
    is known where the profile names the cost of the resource (``capacity: {monthly_cost}``).
    """
    rows = []
    for row in result.frame.itertuples():
        dated = pd.notna(row.earliest)
        if not row.signal or not (dated or row.oversized):
            continue
        act = row.earliest - pd.Timedelta(days=row.lead_days) if dated else pd.NaT
        now = pd.Timestamp(vars(result)["as_of"])
        rows.append(
            {
                "resource": str(row.title),
                "of": str(row.series),
                "limit": str(row.limit),
                "headroom": _amount(row.headroom_p95, str(row.unit)),
                "reached": _reached(row),
                "lead time": f"{row.lead_days:,.0f} d",
                "act by": NO_VALUE if pd.isna(act) else "now" if act <= now else day_text(act),
                "what to do": action_text(row) if row.status == "at_risk" or not dated else "watch",
                "cost": _cost(row),
            }
        )
    return rows


def _cost(row: Any) -> str:
    """Return what the proposed size costs more or less a month."""
    if row.cost_change is None or pd.isna(row.cost_change):
        return "not measured"
    return f"{row.cost_change:+,.2f} {row.currency} a month"


def use_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per level: utilisation, saturation and errors, as the USE method asks for each resource.

    References
    ----------
    .. [1] B. Gregg, Thinking Methodically about Performance, ACM Queue 10 (12), 2012.
    """
    rows = []
    lowest = result.frame.sort_values("value", kind="stable").drop_duplicates(["resource", "series"], keep="last")
    for row in lowest.sort_values("used", ascending=False, kind="stable").itertuples():
        peak = (row.value - row.headroom_p95) / row.value if row.value else float("nan")
        rows.append(
            {
                "resource": str(row.title),
                "of": str(row.series),
                "utilisation": ratio_text(row.used, digits=0),
                "at p95 of daily peaks": ratio_text(peak, digits=0),
                "saturated": ratio_text(row.saturated, digits=0),
                "errors": "not measured",
                "against": str(row.limit),
            }
        )
    return rows


def use_table(result: Result) -> Table:
    """Table of :func:`use_rows` that renders itself."""
    caption = "Highest of the last day, and of the daily peaks of four weeks; saturated: at 98 % of the limit or more."
    return Table(use_rows(result), caption=caption, left=(*TEXT, "errors", "against"))


def plan_table(result: Result) -> Table:
    """Table of :func:`plan_rows` that renders itself."""
    caption = (
        "Act by: the date reached with 10 %, less the lead time. Headroom over the 95th percentile of daily peaks."
    )
    return Table(plan_rows(result), caption=caption, left=(*TEXT, "act by", "cost"))


def what_if_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per limit that a change touches: probability within the lead time and date, before and after."""
    return [
        {
            "resource": str(row.title),
            "of": str(row.series),
            "limit": str(row.limit),
            "limit after": _amount(row.value_after, str(row.unit)),
            "lead": f"{row.lead_days:,.0f} d",
            "within lead": chance_text(row.at_lead_before),
            "within lead after": chance_text(row.at_lead_after),
            "reached": instant_text(row.reached_at_before),
            "reached after": instant_text(row.reached_at_after),
            "status": STATUS_WORDS[row.status_before],
            "status after": STATUS_WORDS[row.status_after],
        }
        for row in result.frame.itertuples()
    ]


def what_if_table(result: Result) -> Table:
    """Table of :func:`what_if_rows` that renders itself."""
    return Table(what_if_rows(result), caption="Reached: with 50 % by then, within the horizon.", left=TEXT)


#: Levels that a sentence names with their limits, the nearest date first; the others stand in the table. [count]
MOST_NAMED = 3

#: A level is named from this probability on. [ratio]
NAMED = 0.05


def likeliest(frame: pd.DataFrame) -> str:
    """Name the level most likely to reach a limit of those that are not expected to; empty below 5 %."""
    calm = frame[frame.groupby(["resource", "series"])["reached_at"].transform("count") == 0]
    calm = calm[calm["at_horizon"] >= NAMED].sort_values("at_horizon", kind="stable")
    if calm.empty:
        return ""
    row = calm.iloc[-1]
    chance = f"{chance_text(row['at_horizon'])} within {row['ahead_days']:,.0f} d"
    return f"; the most likely to reach one is {row['title']} ({row['series']}), {chance}"


def _when_reached(row: Any, as_of: pd.Timestamp) -> str:
    limit = str(row.limit).lstrip(">= ")
    if row.reached_at <= as_of:
        return "is full now" if limit == "full" else f"is at or above {limit} now"
    between = f"{day_text(row.earliest)} to after {row.ahead_days:,.0f} d"
    if pd.notna(row.latest):
        of_days = row.earliest.date() != row.latest.date()
        days = f"{day_text(row.earliest)} to {day_text(row.latest)}"
        between = days if of_days else f"{row.earliest:%H:%M} to {row.latest:%H:%M} UTC"
    chance = f"{chance_text(row.at_lead)} within {min(row.lead_days, row.ahead_days):,.0f} d"
    reaches = "is full" if limit == "full" else f"reaches {limit}"
    return f"{reaches} on {instant_text(row.reached_at)} ({between}; {chance})"


def capacity_finding(study: Study) -> Sentence:
    """Say in a few sentences what runs out, when, and how sure that is."""
    limits = study.results["limits"]
    frame = limits.frame
    if frame.empty:
        if study.status in ("unavailable", "refused"):
            return Sentence(f"Capacity is {STATUS_WORDS[study.status].lower()}.")
        measured = bool(study.provenance.queries)
        return Sentence("Capacity: no data in this period." if measured else "Capacity is not measured.")
    as_of = pd.Timestamp(vars(limits)["as_of"])
    parts = []
    dated = frame[frame["reached_at"].notna()].sort_values("reached_at", kind="stable")
    for (_, _), rows in dated.groupby(["resource", "series"], sort=False):
        level = f"{rows['title'].iloc[0]} ({rows['series'].iloc[0]})"
        parts.append(f"{level} {' and '.join(_when_reached(row, as_of) for row in rows.itertuples())}.")
    if len(parts) > MOST_NAMED:
        more = nouns_text(len(parts) - MOST_NAMED, "more level")
        parts[MOST_NAMED:] = [f"{more} reach{'es' if more.startswith('1 ') else ''} a limit; the table has all."]
    levels = frame.groupby(["resource", "series"])
    calm = [part.iloc[0] for _, part in levels if part["reached_at"].isna().all() and part["origins"].gt(0).any()]
    if calm:
        lasting = [row["ahead_days"] for row in calm if pd.isna(row["anew_at"])]
        ends = [f"within {int(min(lasting))} days"] if lasting else []
        ends += ["before they restart"] if len(lasting) < len(calm) else []
        when = f"{' or '.join(ends)}{likeliest(frame)}"
        parts.append(f"{len(calm)} of {levels.ngroups} levels are expected to reach no limit {when}.")
    unknown = sum(bool((part["status"] == "no_data").all()) for _, part in levels)
    if unknown:
        have = "has" if unknown == 1 else "have"
        parts.append(f"{unknown} of {nouns_text(levels.ngroups, 'level')} {have} not enough data.")
    return Sentence(" ".join(parts))
