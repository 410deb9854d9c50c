"""Spend and tokens as tables of text: the same words on the page, the command line, in the report and in a notebook."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pandas as pd

from workbench.analysis.cost.drivers import SpendDrivers
from workbench.analysis.cost.jump_events import jump_events
from workbench.charts.tables import Sentence, Table
from workbench.charts.theme import STATUS_WORDS
from workbench.core.result import Result, Study
from workbench.core.timerange import TimeRange
from workbench.core.units import (
    NO_VALUE,
    amount_text,
    change_text,
    day_text,
    instant_text,
    interval_text,
    label_text,
    nouns_text,
    part_text,
    ratio_text,
    value_text,
)

#: What a reader calls the measures.
MEASURE_WORDS = {"cost": "Spend", "tokens": "Tokens"}


def dimension_text(dimension: str) -> str:
    """Return what a reader calls a dimension."""
    return "kind of spend" if dimension == "kind" else label_text(dimension)


#: What a row of :func:`jump_rows` means.
JUMPS_CAPTION = (
    "Days farther from what is usual for their weekday than errors of eight weeks explain, by 25 % or more (by 10 % "
    "where they are twice as far, falls by 40 %) and by 1 % of the whole. A step is the new usual after two weeks. One "
    "row per cause; the rows do not add up."
)


def compared_with(result: Result) -> str:
    """Return the period that a result of :mod:`workbench.analysis.cost.spend` is compared with."""
    before: TimeRange = vars(result)["before"]
    return interval_text(before.start, before.end)


def measure_name(result: Result, measure: str, unit: str) -> str:
    """Return what a reader calls a measure; with its unit where the measure has several, such as two currencies."""
    units = result.frame.loc[result.frame["measure"] == measure, "unit"].unique()
    return f"{MEASURE_WORDS[measure]} ({unit})" if len(units) > 1 else MEASURE_WORDS[measure]


def total_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per measure: ``measure, amount, before, change, observed, month so far, month end``."""
    return [
        {
            "measure": measure_name(result, str(row.measure), str(row.unit)),
            "amount": amount_text(row.amount, row.unit),
            "before": amount_text(row.before, row.unit),
            "change": change_text(row.change_ratio),
            "observed": ratio_text(row.coverage, digits=1),
            "month so far": amount_text(row.month_to_date, row.unit),
            "month end (straight line)": amount_text(row.projected, row.unit),
        }
        for row in result.frame.itertuples()
    ]


def group_rows(result: Result, *, measure: str = "", dimension: str = "", unit: str = "") -> list[dict[str, str]]:
    """One row of text a group: ``by, group, amount, share, before, change``; of one measure or unit when named.

    Of one dimension when named, and then without ``by``.
    """
    return [
        ({} if dimension else {"by": dimension_text(str(row.dimension))})
        | {
            "group": str(row.group),
            "amount": amount_text(row.amount, row.unit),
            "share": ratio_text(row.share, digits=1),
            "before": amount_text(row.before, row.unit),
            "change": change_text(row.change_ratio),
        }
        for row in result.frame.itertuples()
        if measure in ("", row.measure) and dimension in ("", row.dimension) and unit in ("", row.unit)
    ]


def day_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per day: the total of each measure and unit, and how much of the day was observed."""
    rows: dict[str, dict[str, str]] = {}
    for (day, measure, unit), part in _once_each(result).groupby(["day", "measure", "unit"], sort=True):
        whole = bool(part["whole"].iloc[0])
        row = rows.setdefault(str(day), {"day": day_text(str(day)) + ("" if whole else " (a part)")})
        known = [amount for amount in part["amount"] if amount is not None]
        name = measure_name(result, str(measure), str(unit))
        row[name] = amount_text(sum(known, Decimal(0)) if known else None, str(unit))
        row["observed"] = ratio_text(float(part["covered"].min()), digits=1)
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    return [{name: row.get(name, NO_VALUE) for name in names} for row in rows.values()]


def unit_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per unit cost: ``per, counter, unit cost, before, change, of``."""
    return [
        {
            "per": str(row.per),
            "counter": str(row.counter),
            "unit cost": amount_text(row.unit_cost, row.unit),
            "before": amount_text(row.before, row.unit),
            "change": change_text(row.change_ratio),
            "of": NO_VALUE
            if row.cost is None
            else f"{amount_text(row.cost, row.unit)} for {amount_text(row.count, '')}",
        }
        for row in result.frame.itertuples()
    ]


def budget_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per budget: ``budget, status, used, highest, left, limit``."""
    return [
        {
            "budget": part_text(str(row.dimension), str(row.group)),
            "status": STATUS_WORDS[row.status],
            "used": ratio_text(row.used, digits=1),
            "highest": ratio_text(row.peak, digits=1),
            "left": value_text(row.left, row.unit),
            "limit": value_text(row.limit, row.unit),
        }
        for row in result.frame.itertuples()
    ]


def jump_rows(result: Result, *, measure: str = "") -> list[dict[str, str]]:
    """One row of text per event: ``by, group, from, to, impact, change, usual, was, severity``; of one measure."""
    return [
        {
            "by": dimension_text(str(row.dimension)),
            "group": str(row.group),
            "from": day_text(row.first),
            "to": _until(row),
            "impact": _about(row.impact, str(row.unit), signed=True),
            "change": "new" if math.isinf(row.change_ratio) else change_text(row.change_ratio),
            "usual": _about(row.expected, str(row.unit)),
            "was": _about(row.actual, str(row.unit)),
            "severity": str(row.severity),
            "also seen in": str(row.also) or NO_VALUE,
        }
        for row in jump_events(_of_measure(result, measure)).itertuples()
    ]


def _of_measure(result: Result, measure: str) -> pd.DataFrame:
    return result.frame[result.frame["measure"] == measure] if measure else result.frame


def _until(row: Any) -> str:
    if row.hours == row.hours:
        return f"first {row.hours:.0f} h"
    if row.settled:
        return "new usual level"
    return "still lasts" if row.ongoing else day_text(row.last)


def jumps_sentence(result: Result) -> str:
    """Say that no day stands out, of those that could be judged."""
    judged, days = (int(vars(result)[name]) for name in ("judged", "days"))
    if not judged:
        return "Not judged: no day of the period has three observed weeks before it."
    return f"No unusual days ({judged} of {days} days judged)."


def invoice_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per invoice: ``provider, from, to, invoiced, metered, difference, observed, verdict``.

    With ``taxes`` and the invoices' numbers where there are any.
    """
    frame = result.frame
    taxed, numbered = frame["tax"].map(bool).any(), frame["invoice_id"].astype(bool).any()
    return [
        {
            "provider": str(row.provider),
            **({"invoice": str(row.invoice_id) or NO_VALUE} if numbered else {}),
            "from": day_text(row.start),
            "to": day_text(row.end),
            "invoiced": amount_text(row.invoiced, row.currency),
            **({"taxes": amount_text(row.tax, row.currency)} if taxed else {}),
            "metered": amount_text(row.metered, row.currency),
            "difference": amount_text(row.difference, row.currency),
            "of the invoice": ratio_text(row.share, digits=2),
            "observed": ratio_text(row.coverage, digits=1),
            "verdict": str(row.verdict) + (f": {row.cause}" if row.cause else ""),
        }
        for row in result.frame.itertuples()
    ]


def _about(amount: float, unit: str, *, signed: bool = False) -> str:
    """Write an estimated amount; what is usual is no exact figure, so it has no more places than cents."""
    return amount_text(Decimal(str(round(amount, 2))), unit, signed=signed)


def jumps_table(result: Result) -> Table | Sentence:
    """Table of :func:`jump_rows` that renders itself."""
    if result.frame.empty:
        return Sentence(jumps_sentence(result))
    return Table(
        jump_rows(result), caption=JUMPS_CAPTION, left=("by", "group", "from", "to", "severity", "also seen in")
    )


def totals_table(result: Result) -> Table:
    """Table of :func:`total_rows` that renders itself."""
    caption = (
        f"Compared with {compared_with(result)}. The month end continues the month so far in a straight line; the "
        "forecast, with an interval, is a table of its own."
    )
    return Table(total_rows(result), caption=caption, left=("measure",))


def groups_table(result: Result, *, measure: str = "") -> Table:
    """Table of :func:`group_rows` that renders itself."""
    caption = f"The groups of each label add up to the total exactly. Compared with {compared_with(result)}."
    return Table(group_rows(result, measure=measure), caption=caption, left=("by", "group"))


def units_table(result: Result) -> Table:
    """Table of :func:`unit_rows` that renders itself."""
    return Table(
        unit_rows(result),
        caption="Total spend over each count; 1,000 tokens without spend that has none. These rows do not add up.",
        left=("per", "counter"),
    )


def budgets_table(result: Result) -> Table:
    """Table of :func:`budget_rows` that renders itself."""
    caption = f"As the system states it just before {instant_text(vars(result)['as_of'])}; at risk from 80 % on."
    return Table(budget_rows(result), caption=caption, left=("budget",))


def invoices_table(result: Result) -> Table | Sentence:
    """Table of :func:`invoice_rows` that renders itself."""
    if result.frame.empty:
        return Sentence("No table of invoices is set; `workbench sources` says how to add one.")
    return Table(
        invoice_rows(result),
        caption="What providers billed without taxes, beside what was metered.",
        left=("provider", "invoice", "verdict"),
    )


def budget_words(statuses: pd.Series) -> tuple[int, str]:
    """Return how many budgets are spent or at risk, and the words for what they are.

    Examples
    --------
    >>> [budget_words(pd.Series(each)) for each in (["spent", "ok"], ["at_risk"], ["spent", "at_risk"])]
    [(1, 'spent'), (1, 'used to 80 % or more'), (2, 'used to 80 % or more, 1 of them spent')]
    """
    spent, risky = (int(statuses.eq(status).sum()) for status in ("spent", "at_risk"))
    part = f", {spent} of them spent" if spent else ""
    return spent + risky, "spent" if spent and not risky else f"used to 80 % or more{part}"


def cost_finding(study: Study) -> Sentence:
    """Say in a few sentences what was spent, how that changed, where most of it went and where the month will end."""
    if study.status in ("unavailable", "refused"):
        return Sentence(f"Spend and tokens are {STATUS_WORDS[study.status].lower()}.")
    totals, groups = study.results["totals"].frame, study.results["groups"].frame
    parts: list[str] = []
    for row in totals.itertuples():
        if row.amount is None:
            parts.append(f"{MEASURE_WORDS[row.measure]}: no data in this period.")
            continue
        text = f"{MEASURE_WORDS[row.measure]}: {amount_text(row.amount, row.unit)}"
        if row.change_ratio == row.change_ratio:
            text += f", {change_text(row.change_ratio)} against the period before"
        largest = groups[(groups["measure"] == row.measure) & (groups["unit"] == row.unit) & ~groups["rest"]]
        if len(largest):
            most = largest.iloc[0]
            text += f"; most by {most['group']} ({ratio_text(most['share'], digits=1)})"
        parts.append(f"{text}.")
        if row.measure == "cost" and row.change_ratio == row.change_ratio:
            parts += _main_cause(study, str(row.unit))
        if row.projected is not None:
            forecast = _forecast(study, str(row.unit)) if row.measure == "cost" else ""
            parts.append(f"At this pace the month ends at {amount_text(row.projected, row.unit)}{forecast}.")
    jumps = study.results["jumps"].frame
    for jump in jump_events(jumps[jumps["measure"] == "cost"]).head(1).itertuples():
        lasts = "since" if jump.ongoing else "on" if jump.first == jump.last else "from"
        days = f"{lasts} {day_text(jump.first)}" + (f" to {day_text(jump.last)}" if lasts == "from" else "")
        over_usual = _about(abs(jump.impact), str(jump.unit))
        parts.append(
            f"What stands out most: {part_text(jump.dimension, jump.group)}, {over_usual} "
            f"{'above' if jump.impact > 0 else 'below'} the usual {days}."
        )
    spent = study.results["budgets"].frame
    over, used = budget_words(spent["status"])
    if over:
        parts.append(f"{over} of {nouns_text(len(spent), 'budget')} {'is' if over == 1 else 'are'} {used}.")
    return Sentence(" ".join(parts) or "Spend and tokens are not measured.")


def _forecast(study: Study, unit: str) -> str:
    """Say beside the pace what the forecast of the month is, where there is one."""
    frame = study.results["forecast"].frame
    rows = frame[(frame["dimension"] == "all") & (frame["unit"] == unit) & frame["low"].notna()]
    return "".join(
        f"; the forecast, which knows the weekdays, is {_about(row.expected, unit)} (80 %: {_about(row.low, unit)} to "
        f"{_about(row.high, unit)})"
        for row in rows.itertuples()
    )


def _main_cause(study: Study, unit: str) -> list[str]:
    """Say why spend in a currency moved, where a cause is known."""
    drivers = study.results["drivers"]
    if not isinstance(drivers, SpendDrivers):
        return []
    causes = drivers.moved.loc[drivers.moved["unit"] == unit, "cause"].map(str).str.partition(", mostly because ")[2]
    return [f"Main cause: {cause.removeprefix('of ').replace(': ', ', ', 1)}" for cause in causes if cause]


def _once_each(result: Result) -> pd.DataFrame:
    """Rows of the first dimension of each measure: every dimension adds up to the same total."""
    frame = result.frame
    first = frame.groupby(["measure", "unit"], sort=False)["dimension"].transform("first")
    return frame[frame["dimension"] == first]
