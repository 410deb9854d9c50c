"""What people do with a system: figures by day, rows of text, the answer in words."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.analysis.operations.activity import ActivityDays
from workbench.charts.tables import Sentence
from workbench.charts.theme import HEIGHT, STATUS_WORDS, Mode, palette, plain, template
from workbench.core.result import Result, Study
from workbench.core.units import NO_VALUE, change_text, count_text, ratio_text, value_text

#: Length of a day. [ms]
_DAY_MS = 86_400_000


def days_figure(days: ActivityDays, role: str = "", *, mode: Mode = "light") -> Any:
    """Draw one thing by day: bars of a count, a line of a level; a day that was not observed stays empty.

    A bar is hatched where the period holds a part of its day, or the day was not observed as a whole.

    Parameters
    ----------
    days : ActivityDays
        Measures per day.
    role : str
        The first by default.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    rows = days.frame[days.frame["role"] == (role or next(iter(days.frame["role"]), ""))]
    figure = go.Figure(layout={"template": template(mode), "height": HEIGHT})
    unit = next(iter(rows["unit"]), "")
    texts = [value_text(float(amount), unit) for amount in rows["amount"]]
    name = plain(str(next(iter(rows["title"]), "")))
    shared = {
        "name": name,
        "x": rows["start"],
        "y": rows["amount"],
        "text": texts,
        "hovertemplate": "%{text}<extra></extra>",
    }
    if len(rows) and rows["level"].iloc[0]:
        figure.add_scatter(**shared, mode="lines+markers", line={"color": colours.series, "width": 1.5})
    else:
        day = pd.to_datetime(rows["start"], utc=True).dt.floor("D")
        whole = (
            (day >= days.range.start) & (day + pd.Timedelta(days=1) <= days.range.end) & (rows["covered"] >= 1 - 1e-9)
        )
        hatching = {"shape": ["" if is_whole else "/" for is_whole in whole], "size": 5}
        figure.add_bar(
            **shared,
            xperiod=_DAY_MS,
            xperiodalignment="middle",
            marker={"color": colours.series, "line": {"width": 0}, "pattern": hatching},
            textposition="none",
        )
    axes = {"xaxis": {"title": {"text": "Day (UTC)"}, "type": "date"}, "yaxis": {"title": {"text": unit}}}
    return figure.update_layout(**axes).update_yaxes(rangemode="tozero")


def total_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per thing: ``activity, amount, peak, before, change``."""
    whole = result.frame[result.frame["dimension"] == ""]
    return [
        {
            "activity": str(row.title),
            "kind": "mean level" if row.level else "count",
            "amount": _amount(row.amount, str(row.unit)),
            "peak": _amount(row.peak, str(row.unit)),
            "before": _amount(row.before, str(row.unit)),
            "change": change_text(row.change_ratio),
        }
        for row in whole.itertuples()
    ]


def group_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per group of a label: ``activity, by, group, amount, share, before, change``."""
    split = result.frame[result.frame["dimension"] != ""]
    return [
        {
            "activity": str(row.title),
            "by": str(row.dimension),
            "group": str(row.group),
            "amount": _amount(row.amount, str(row.unit)),
            "share": ratio_text(row.share, digits=1),
            "before": _amount(row.before, str(row.unit)),
            "change": change_text(row.change_ratio),
        }
        for row in split.itertuples()
    ]


def activity_finding(study: Study) -> Sentence:
    """Say in a sentence how much people did, and how that changed."""
    if study.status != "ok":
        return Sentence(f"Activity: {STATUS_WORDS[study.status].lower()}.")
    whole = study.results["totals"].frame
    whole = whole[(whole["dimension"] == "") & whole["amount"].notna()]
    parts = []
    for row in whole.head(3).itertuples():
        change = f" ({change_text(row.change_ratio)})" if row.change_ratio == row.change_ratio else ""
        mean = " on average" if row.level else ""
        parts.append(f"{row.title}: {_amount(row.amount, str(row.unit))}{mean}{change}")
    return Sentence("; ".join(parts) + ".")


def _amount(value: float, unit: str) -> str:
    if value != value:
        return NO_VALUE
    return count_text(round(value, 1)) if unit in ("count", "") else f"{count_text(round(value, 1))} {unit}"
