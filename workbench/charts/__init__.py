"""Results of an analysis as plotly figures; one theme for light and dark."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from workbench.charts.theme import Mode
from workbench.core.errors import ParameterError
from workbench.core.result import Result

#: Result type by name -> module and function that draw it; imported when first asked for.
_FIGURES = {
    "ComplianceResult": ("workbench.charts.slo.figures", "compliance_figure"),
    "BudgetHistory": ("workbench.charts.slo.figures", "budget_figure"),
    "Changes": ("workbench.charts.investigate.figures", "changes_figure"),
    "DeploymentDays": ("workbench.charts.reviews.figures", "deployments_figure"),
    "PathBands": ("workbench.charts.traces.figures", "bands_figure"),
    "TraceSpans": ("workbench.charts.traces.figures", "waterfall_figure"),
    "LevelHistory": ("workbench.charts.logs.figures", "levels_figure"),
    "AlertRules": ("workbench.charts.alerts.figures", "rules_figure"),
    "AlertEpisodes": ("workbench.charts.alerts.figures", "episodes_figure"),
    "AlertHours": ("workbench.charts.alerts.figures", "hours_figure"),
    "QualityHours": ("workbench.charts.quality.figures", "hours_figure"),
    "DriftDays": ("workbench.charts.quality.heat", "heat_figure"),
    "SegmentDays": ("workbench.charts.quality.heat", "heat_figure"),
    "QualityStates": ("workbench.charts.quality.figures", "states_figure"),
    "CapacityForecasts": ("workbench.charts.capacity.figures", "forecasts_figure"),
    "CapacityLimits": ("workbench.charts.capacity.figures", "limits_figure"),
    "BurnRates": ("workbench.charts.slo.figures", "burn_figure"),
    "FlowHistory": ("workbench.charts.performance.figures", "latency_figure"),
    "ResourceHistory": ("workbench.charts.performance.figures", "resources_figure"),
    "LimitBreaches": ("workbench.charts.performance.figures", "breaches_figure"),
    "DailySpend": ("workbench.charts.cost.figures", "daily_figure"),
    "SpendGroups": ("workbench.charts.cost.figures", "groups_figure"),
    "SpendDrivers": ("workbench.charts.cost.figures", "drivers_figure"),
    "SpendForecast": ("workbench.charts.cost.figures", "forecast_figure"),
    "BudgetUse": ("workbench.charts.cost.figures", "budgets_figure"),
}


def figure(result: Result, *, mode: Mode = "light") -> Any:
    """Return the main figure of a result.

    Parameters
    ----------
    result : Result
        Any result of :mod:`workbench.analysis` that has a figure.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    ParameterError
        There is no figure for this type of result.
    """
    for kind in type(result).__mro__:
        if kind.__name__ in _FIGURES:
            module, name = _FIGURES[kind.__name__]
            draw: Callable[..., Any] = getattr(import_module(module), name)
            return draw(result, mode=mode)
    raise ParameterError(
        f"There is no figure for a {type(result).__name__}.",
        hint=f"Figures exist for: {', '.join(sorted(_FIGURES))}. Use .to_frame() to get the numbers.",
    )
