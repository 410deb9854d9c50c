"""Figures of spend and tokens: day by day in stacked groups, each group against the period before, budgets in use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.cost.budgets import BudgetUse
from workbench.analysis.cost.drivers import SpendDrivers
from workbench.analysis.cost.landing import SpendForecast
from workbench.analysis.cost.spend import COVERAGE_FLOOR, DailySpend, SpendGroups
from workbench.charts.theme import HEIGHT, STATUS_WORDS, Mode, palette, plain, template
from workbench.core.timerange import DAY_MS
from workbench.core.units import amount_text, change_text, part_text, ratio_text, short_text


def daily_figure(
    result: DailySpend, measure: str = "cost", dimension: str = "", unit: str = "", *, mode: Mode = "light"
) -> Any:
    """Draw a stacked bar a day, a colour a group; a day that was not fully observed, or is not over, is hatched.

    Parameters
    ----------
    result : DailySpend
        Spend per day.
    measure : str
        ``cost`` or ``tokens``.
    dimension : str
        What the groups are; the first of the measure by default.
    unit : str
        Which unit, where a measure has several; the first by default.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    rows = result.frame[result.frame["measure"] == measure]
    unit = unit or next(iter(rows["unit"]), "")
    rows = rows[rows["unit"] == unit]
    rows = rows[rows["dimension"] == (dimension or next(iter(rows["dimension"]), ""))]
    alike = result.frame.loc[result.frame["dimension"].isin(rows["dimension"]), "group"]
    places = {group: place for place, group in enumerate(dict.fromkeys(alike))}  # one colour in money and in tokens
    figure = go.Figure(layout=_layout(mode, f"Per day ({unit})", f"Day ({result.zone})"))
    for group, part in rows.groupby("group", sort=False):
        number = places[group]
        complete = part["whole"] & (part["covered"] >= 1 - 1e-9)
        name = plain(str(group))
        marker = {
            "color": colours.sequence[number % len(colours.sequence)],
            "opacity": 1 if number < len(colours.sequence) else 0.55,
            "line": {"width": 0},
        }
        figure.add_bar(
            x=pd.to_datetime(part["day"]),
            xperiod=DAY_MS,
            xperiodalignment="middle",
            y=part["amount"].astype(float),
            name=name,
            marker=marker | {"pattern": {"shape": ["" if whole else "/" for whole in complete], "size": 5}},
            text=[amount_text(amount, unit) for amount in part["amount"]],
            textposition="none",
            hovertemplate="%{text}",
            legendgroup=name,
            showlegend=False,
        )
        # the legend of a bar is drawn like its first day: one of its own is never hatched
        figure.add_bar(x=[None], y=[None], name=name, marker=marker, legendgroup=name, showlegend=True)
    figure.update_layout(barmode="stack", bargap=0.15, yaxis={"tickformat": _ticks(unit), "rangemode": "tozero"})
    return figure.update_xaxes(type="date")


def groups_figure(
    result: SpendGroups,
    measure: str = "cost",
    dimension: str = "",
    unit: str = "",
    coverage: float = 1.0,
    before_coverage: float = 1.0,
    *,
    mode: Mode = "light",
) -> Any:
    """Draw each group of one dimension beside the same group in the period before, largest on top.

    Parameters
    ----------
    result : SpendGroups
        Spend per label value.
    measure : str
        ``cost`` or ``tokens``.
    dimension : str
        What the groups are; the first of the measure by default.
    unit : str
        Which unit, where a measure has several: two currencies never share an axis. The first by default.
    coverage, before_coverage : float
        Observed share of the period and of the one before; the legend says so where it is a part only. [ratio]
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    rows = result.frame[result.frame["measure"] == measure]
    unit = unit or next(iter(rows["unit"]), "")
    rows = rows[rows["unit"] == unit]
    rows = rows[rows["dimension"] == (dimension or next(iter(rows["dimension"]), ""))].iloc[::-1]
    names = [plain(str(group)) for group in rows["group"]]
    figure = go.Figure(layout=_layout(mode, "", f"Amount ({unit})") | {"height": _bars_height(names)})
    lengths = rows[["before", "amount"]].astype(float)
    longest = lengths.max(axis=None)
    bars = (
        ("before", _part_of("Period before", before_coverage), colours.muted),
        ("amount", _part_of("Period", coverage), colours.series),
    )
    for column, name, colour in bars:
        words = [short_text(amount, unit) for amount in rows[column]]
        if column == "amount":
            words = [f"{word} ({change_text(ratio)})" for word, ratio in zip(words, rows["change_ratio"], strict=True)]
        figure.add_bar(
            x=lengths[column],
            y=names,
            name=name,
            orientation="h",
            marker={"color": colour, "line": {"width": 0}},
            text=words,
            textposition=["inside" if length > longest / 2 else "outside" for length in lengths[column]],
            constraintext="none",
            customdata=[amount_text(amount, unit) for amount in rows[column]],
            hovertemplate="%{customdata}",
        )
    figure.update_layout(barmode="group", hovermode="closest", legend={"traceorder": "reversed"})
    figure.update_xaxes(tickformat=_ticks(unit), showgrid=True, rangemode="tozero")
    return figure


def _part_of(name: str, coverage: float) -> str:
    """Say in a legend that bars hold a part of their period only."""
    return name if coverage >= COVERAGE_FLOOR else f"{name} (a part: {ratio_text(coverage, digits=1)} observed)"


def drivers_figure(result: SpendDrivers, unit: str = "", *, mode: Mode = "light") -> Any:
    """Draw the waterfall from the spend of the period before to that of the period, an effect a step.

    Parameters
    ----------
    result : SpendDrivers
        Causes of a change of spend.
    unit : str
        Currency; the first by default.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    unit = unit or next(iter(result.moved["unit"]), "")
    moved, steps = result.moved[result.moved["unit"] == unit], result.steps(unit)
    names = ["Before", *(effect.replace("_", " ") for effect in steps["effect"]), "Period"]
    values = [*moved["before"], *steps["amount"], *moved["amount"]]
    figure = go.Figure(layout=_layout(mode, f"Spend ({unit})", ""))
    figure.add_waterfall(
        x=names,
        y=[float(value) for value in values],
        measure=["absolute", *["relative"] * len(steps), "total"],
        text=[short_text(value, unit) for value in values],
        textposition="outside",
        customdata=[amount_text(value, unit, signed=0 < place < len(values) - 1) for place, value in enumerate(values)],
        hovertemplate="%{x}: %{customdata}<extra></extra>",
        increasing={"marker": {"color": colours.bad}},
        decreasing={"marker": {"color": colours.status["ok"]}},
        totals={"marker": {"color": colours.series}},
        connector={"line": {"width": 1, "color": colours.muted}},
    )
    figure.update_layout(hovermode="closest")
    figure.update_yaxes(tickformat=_ticks(unit))
    return figure


def forecast_figure(result: SpendForecast, unit: str = "", *, mode: Mode = "light") -> Any:
    """Draw the expected course of the month's spend as a fan from now to the month's end.

    Parameters
    ----------
    result : SpendForecast
        Expected spend of the month.
    unit : str
        Currency; the first by default.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    unit = unit or next(iter(result.path["unit"]), "")
    whole = result.frame[(result.frame["unit"] == unit) & (result.frame["dimension"] == "all")]
    now = pd.Timestamp(result.as_of).tz_convert(result.zone).tz_localize(None)
    spent = whole["so_far"].astype(np.float64).to_list()[:1]
    begin = pd.DataFrame(dict.fromkeys(("expected", "low", "high"), spent)).assign(day=now)
    ahead = result.path[result.path["unit"] == unit]
    path = pd.concat([begin, ahead.assign(day=pd.to_datetime(ahead["day"]))])
    figure = go.Figure(layout=_layout(mode, f"Spend of the month ({unit})", f"Day ({result.zone})"))
    faint = {"width": 0, "color": colours.series}
    figure.add_scatter(x=path["day"], y=path["high"], line=faint, showlegend=False, name="High")
    figure.add_scatter(x=path["day"], y=path["low"], line=faint, fill="tonexty", name="80 % interval")
    figure.add_scatter(x=path["day"], y=path["expected"], line={"color": colours.series}, name="Expected")
    figure.update_yaxes(tickformat=_ticks(unit), rangemode="tozero")
    figure.update_xaxes(tickformat="%-d %b", dtick=DAY_MS * max(1, len(ahead) // 6))
    return figure


def budgets_figure(result: BudgetUse, *, mode: Mode = "light") -> Any:
    """Draw the used share of each budget, most used on top, its status as colour and word.

    Parameters
    ----------
    result : BudgetUse
        Budgets and how much of each is used.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours, rows = palette(mode), result.frame.iloc[::-1]
    names = [plain(part_text(str(row.dimension), str(row.group))) for row in rows.itertuples()]
    figure = go.Figure(layout=_layout(mode, "", "Used (% of the budget)") | {"height": _bars_height(names)})
    figure.add_bar(
        x=rows["used"].fillna(0.0).astype(np.float64),
        y=names,
        orientation="h",
        marker={"color": [colours.status[status] for status in rows["status"]]},
        text=[f"{ratio_text(row.used, digits=1)} · {STATUS_WORDS[row.status]}" for row in rows.itertuples()],
        textposition="auto",
        constraintext="none",
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    figure.add_vline(x=1, line={"color": colours.bad, "width": 1})
    figure.update_xaxes(tickformat=".0%", showgrid=True, rangemode="tozero")
    figure.update_layout(hovermode="closest")
    return figure


def _bars_height(names: Sequence[str]) -> int:
    return max(HEIGHT // 2, 60 + 44 * len(names))


def _layout(mode: Mode, y_title: str, x_title: str) -> dict[str, Any]:
    return {
        "template": template(mode),
        "height": HEIGHT,
        "xaxis": {"title": {"text": x_title}},
        "yaxis": {"title": {"text": y_title}},
    }


def _ticks(unit: str) -> str:
    """Format of an axis: money in full, as 150m is no amount; counts of tokens with k, M and G."""
    return "~s" if unit == "tokens" else ",.6~r"
