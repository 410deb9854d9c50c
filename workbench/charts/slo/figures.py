"""Figures of objectives: what is left of a budget, how well an objective was kept, the traffic, the pace of spending.

Every figure takes results of :mod:`workbench.analysis` and draws their numbers; a step that was not observed stays a
gap and is shaded grey.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.slo.burn import BudgetHistory, BurnRates
from workbench.analysis.slo.compliance import ComplianceResult
from workbench.charts.layers import POINTS, band, band_axis, joined, kept_points
from workbench.charts.stack import stacked
from workbench.charts.tables import status_word
from workbench.charts.theme import HEIGHT, Mode, Palette, palette, plain, template
from workbench.core.timerange import duration_text
from workbench.core.units import count_text, factor_text, ratio_text, target_text

TIME_TITLE = "Time (UTC)"

#: How many times the share that may be bad the axis of the good share shows; deeper falls leave it. [count]
ALLOWANCES = 10

#: Most bars side by side; more would be thinner than a reader can tell apart.
BARS = 240


def budget_figure(history: BudgetHistory, compliance: ComplianceResult | None = None, *, mode: Mode = "light") -> Any:
    """Draw what is left of each budget over its window, and below zero what is overspent.

    Parameters
    ----------
    history : BudgetHistory
        One objective or several; each is a line.
    compliance : ComplianceResult, optional
        Gives the titles, and for a single objective the pace that would spend the budget exactly.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    figure = go.Figure(layout=_layout(mode, "Budget left (%)"))
    names = _objectives(history)
    for number, name in enumerate(names):
        steps = _regular(history, name)
        values = steps["budget_left_ratio"].where(steps["covered"] > 0).to_numpy(np.float64)
        kept = kept_points(values, POINTS // max(1, len(names)))
        figure.add_scatter(
            x=steps["end"].iloc[kept],
            y=values[kept],
            name=plain(_title(compliance, name)),
            mode="lines",
            line={
                "color": colours.sequence[number % len(colours.sequence)],
                "width": 2,
                "dash": ("solid", "dash", "dot")[number // len(colours.sequence) % 3],
            },
            text=[ratio_text(value, digits=2) for value in values[kept]],
            hovertemplate="%{text} left",
            showlegend=True,
        )
        if len(names) == 1:
            _add_gaps(figure, steps, colours)
    row = _row(compliance, names[0]) if len(names) == 1 else None
    if row is not None:
        figure.add_scatter(
            x=[row["window_start"], row["window_end"]],
            y=[1.0, 0.0],
            name="Even pace",
            mode="lines",
            line={"color": colours.muted, "width": 1, "dash": "dot"},
            hoverinfo="skip",
        )
    figure.add_hline(y=0, line={"color": colours.bad, "width": 1})
    figure.update_layout(yaxis={"tickformat": ".0%", "rangemode": "tozero"})
    return figure


def sli_figure(history: BudgetHistory, compliance: ComplianceResult | None = None, *, mode: Mode = "light") -> Any:
    """Draw the share of good events per step, the objective, and shade the steps that fall below it.

    Parameters
    ----------
    history : BudgetHistory
        The first objective is drawn.
    compliance : ComplianceResult, optional
        Gives the objective; without it there is no line and no shade.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    colours = palette(mode)
    name = _objectives(history)[0]
    steps, row = _regular(history, name), _row(compliance, name)
    step = duration_text(history.step_ms)
    values = steps["sli"].to_numpy(np.float64)
    kept = kept_points(values, POINTS)
    figure = _empty(mode, "Good (%)")
    figure.add_scatter(
        x=steps["time"].iloc[kept],
        y=values[kept],
        name=f"Measured per {step}",
        mode="lines",
        line={"color": colours.series, "width": 1.5, "shape": "hv" if len(kept) == len(values) else "linear"},
        text=[ratio_text(value) for value in values[kept]],
        hovertemplate="%{text} good",
        showlegend=True,
    )
    _add_gaps(figure, steps, colours)
    if row is not None:
        below = steps["sli"].lt(row["target"]).to_numpy()
        figure.add_trace(band(steps["time"], steps["end"], below, name="Below the objective", colour=colours.below))
        figure.add_scatter(
            x=[steps["time"].iloc[0], steps["end"].iloc[-1]],
            y=[row["target"]] * 2,
            name=f"Objective {target_text(row['target'])}",
            mode="lines",
            line={"color": colours.objective, "width": 1.5, "dash": "dash"},
            hoverinfo="skip",
        )
    if row is not None and (low := _least_shown(values, float(row["target"]))) is not None:
        title = f"Good (%), from {ratio_text(low, digits=1)}"
        figure.update_layout(yaxis={"range": [low, 1 + (1 - low) / 50], "title": {"text": title}})
    figure.update_layout(yaxis={"tickformat": ".4~%"})
    return figure


def requests_figure(history: BudgetHistory, compliance: ComplianceResult | None = None, *, mode: Mode = "light") -> Any:
    """Draw good counts above and bad counts below, each on its own scale: few bad ones stay visible.

    Parameters
    ----------
    history : BudgetHistory
        The first objective is drawn; neighbouring steps are added up when there are too many.
    compliance : ComplianceResult, optional
        Gives the unit, events or slices.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    colours = palette(mode)
    name = _objectives(history)[0]
    steps, row = _regular(history, name), _row(compliance, name)
    size = max(1, -(-len(steps) // BARS))
    total, good = (joined(steps[column].fillna(0.0).to_numpy(np.float64), size) for column in ("total", "good"))
    unit = "events" if row is None else str(row["unit"])
    width = history.step_ms * size
    figure = _empty(mode, f"Good ({unit})")
    for label, counts, colour, axis in (("Good", good, colours.good, "y"), ("Bad", total - good, colours.bad, "y3")):
        figure.add_bar(
            x=steps["time"].iloc[::size],
            y=counts,
            yaxis=axis,
            name=f"{label} per {duration_text(width)}",
            marker={"color": colour, "line": {"width": 0}},
            width=width,
            offset=0,
            text=[count_text(count) for count in counts],
            textposition="none",
            hovertemplate=f"%{{text}} {label.lower()}<extra></extra>",
        )
    _add_gaps(figure, steps, colours)
    counted = {"tickformat": "~s", "rangemode": "tozero"}
    figure.update_layout(
        bargap=0,
        xaxis={"anchor": "y3"},
        yaxis=counted | {"domain": [0.5, 1]},
        yaxis2={"overlaying": None, "domain": [0, 1]},
        yaxis3=counted | {"domain": [0, 0.4], "title": {"text": f"Bad ({unit})"}},
    )
    return figure


def detail_figure(history: BudgetHistory, compliance: ComplianceResult | None = None, *, mode: Mode = "light") -> Any:
    """Draw the budget, the measured share and the counts of one objective above each other, on one time axis.

    Parameters
    ----------
    history : BudgetHistory
        Budget left over time.
    compliance : ComplianceResult, optional
        Verdicts of the objectives, for the line of the target.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    drawn = (budget_figure, sli_figure, requests_figure)
    return stacked([draw(history, compliance, mode=mode) for draw in drawn], mode=mode)


def burn_figure(rates: BurnRates, *, mode: Mode = "light") -> Any:
    """Draw the burn rate over each look-back; 1 spends the budget exactly by the end of the window.

    Parameters
    ----------
    rates : BurnRates
        One objective or several, each a colour.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    colours = palette(mode)
    figure = _empty(mode, "Burn rate (×)")
    parts = rates.frame.groupby("objective", sort=False, observed=True)
    for number, (name, part) in enumerate(parts):
        figure.add_bar(
            x=part["lookback"],
            y=part["burn_rate"],
            name=plain(str(name)),
            marker={"color": colours.sequence[number % len(colours.sequence)]},
            text=[factor_text(rate) for rate in part["burn_rate"]],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{text}",
            showlegend=len(parts) > 1,
        )
    figure.add_hline(
        y=1,
        line={"color": colours.objective, "width": 1.5, "dash": "dash"},
        annotation={"text": "1× spends the budget exactly", "font": {"size": 11, "color": colours.muted}},
        annotation_position="top right",
    )
    # The words at the line stand beside the bars, not on them.
    bars = max((len(part) for _, part in parts), default=0)
    figure.update_xaxes(title_text="Look-back (up to now)", type="category", range=[-0.5, 1.5 * bars - 0.5])
    figure.update_layout(height=190, yaxis={"rangemode": "tozero"})
    return figure


def compliance_figure(result: ComplianceResult, *, mode: Mode = "light") -> Any:
    """Draw what is left of each objective's budget as a bar, worst on top, its status as colour and word.

    Parameters
    ----------
    result : ComplianceResult
        One row per objective.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    colours = palette(mode)
    rows = result.frame.sort_values("period_left_ratio", ascending=False, na_position="first")
    figure = _empty(mode, "")
    figure.add_bar(
        x=rows["period_left_ratio"].fillna(0.0),
        y=[plain(title) for title in rows["title"]],
        orientation="h",
        marker={"color": [colours.status[status] for status in rows["status"]]},
        text=[
            f"{ratio_text(row.period_left_ratio, digits=1)} · {status_word(row.status, row.coverage)}"
            for row in rows.itertuples()
        ],
        textposition="auto",
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    figure.add_vline(x=0, line={"color": colours.objective, "width": 1})
    figure.update_xaxes(title_text="Budget left (% of what the whole period allows)", tickformat=".0%", showgrid=True)
    figure.update_layout(hovermode="closest")
    return figure


def _empty(mode: Mode, y_title: str) -> Any:
    import plotly.graph_objects as go

    return go.Figure(layout=_layout(mode, y_title))


def _layout(mode: Mode, y_title: str) -> dict[str, Any]:
    return {
        "template": template(mode),
        "height": HEIGHT,
        "xaxis": {"title": {"text": TIME_TITLE}},
        "yaxis": {"title": {"text": y_title}},
        "yaxis2": band_axis(),
    }


def _least_shown(values: NDArray[np.float64], target: float) -> float | None:
    """Return where the axis begins, so that the objective is told from 100 %: ten allowances below; None for all."""
    known = values[np.isfinite(values)]
    low = max(0.0, 1 - ALLOWANCES * (1 - target))
    return low if len(known) and float(known.min()) < low < target else None


def _objectives(history: BudgetHistory) -> list[str]:
    return [str(name) for name in history.frame["objective"].unique()] or [""]


def _row(compliance: ComplianceResult | None, name: str) -> pd.Series | None:
    if compliance is None:
        return None
    rows = compliance.frame[compliance.frame["objective"] == name]
    return rows.iloc[0] if len(rows) else None


def _title(compliance: ComplianceResult | None, name: str) -> str:
    row = _row(compliance, name)
    return name if row is None else str(row["title"])


def _regular(history: BudgetHistory, name: str) -> pd.DataFrame:
    """Return the steps of one objective without holes: a step that has no row was not observed."""
    step = pd.Timedelta(milliseconds=history.step_ms)
    rows = history.frame[history.frame["objective"] == name].set_index("time")
    if rows.empty:
        return rows.reset_index().assign(end=pd.Series(dtype="datetime64[ms, UTC]"))
    every = pd.date_range(rows.index[0], rows.index[-1], freq=step, name="time")
    steps = rows.reindex(every).reset_index()
    steps["covered"] = steps["covered"].fillna(0.0)
    steps["end"] = steps["time"] + step
    return steps


def _add_gaps(figure: Any, steps: pd.DataFrame, colours: Palette) -> None:
    seen: NDArray[np.float64] = steps["covered"].to_numpy(np.float64)
    figure.add_trace(band(steps["time"], steps["end"], seen < 1 - 1e-9, name="Not fully observed", colour=colours.gap))
