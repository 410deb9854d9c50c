"""Analytics and SLO reports for teams that run LLM platforms.

The public names are these; everything else may change between versions.

>>> import workbench
>>> "slo_compliance" in workbench.__all__
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.charts import figure as figure
    from workbench.core.errors import ArchiveError as ArchiveError
    from workbench.core.errors import CatalogError as CatalogError
    from workbench.core.errors import ParameterError as ParameterError
    from workbench.core.errors import ReportError as ReportError
    from workbench.core.errors import SettingsError as SettingsError
    from workbench.core.errors import SourceError as SourceError
    from workbench.core.errors import WorkbenchError as WorkbenchError
    from workbench.core.filters import Condition as Condition
    from workbench.core.filters import LogFilter as LogFilter
    from workbench.core.filters import Native as Native
    from workbench.core.filters import SpanFilter as SpanFilter
    from workbench.core.result import Provenance as Provenance
    from workbench.core.result import Result as Result
    from workbench.core.result import Study as Study
    from workbench.core.timerange import TimeRange as TimeRange
    from workbench.studies.alerts.load import alert_load as alert_load
    from workbench.studies.alerts.review import alert_review as alert_review
    from workbench.studies.alerts.silences import alert_suppression as alert_suppression
    from workbench.studies.capacity.forecast import capacity_forecast as capacity_forecast
    from workbench.studies.cost.spend import spend_and_tokens as spend_and_tokens
    from workbench.studies.investigate.investigate import investigate as investigate
    from workbench.studies.logs.lines import find_logs as find_logs
    from workbench.studies.logs.overview import log_overview as log_overview
    from workbench.studies.operations.ask import explain_query as explain_query
    from workbench.studies.operations.ask import find_spans as find_spans
    from workbench.studies.operations.ask import query_metrics as query_metrics
    from workbench.studies.operations.source_checks import source_checks as source_checks
    from workbench.studies.operations.sources import source_states as source_states
    from workbench.studies.overview.board import overview as overview
    from workbench.studies.overview.report import system_report as system_report
    from workbench.studies.overview.report import system_reports as system_reports
    from workbench.studies.performance.service import service_performance as service_performance
    from workbench.studies.quality.drift import quality_drift as quality_drift
    from workbench.studies.reviews.review import period_review as period_review
    from workbench.studies.slo.attribution import slo_attribution as slo_attribution
    from workbench.studies.slo.backtest import slo_backtest as slo_backtest
    from workbench.studies.slo.compliance import slo_compliance as slo_compliance
    from workbench.studies.slo.policy import slo_policy as slo_policy
    from workbench.studies.slo.rule_worth import alert_rule_worth as alert_rule_worth
    from workbench.studies.slo.scorecard import slo_scorecard as slo_scorecard
    from workbench.studies.slo.what_if import slo_what_if as slo_what_if
    from workbench.studies.sources.context import Context as Context
    from workbench.studies.sources.opening import open_period as open_period
    from workbench.studies.sources.opening import open_workbench as open_workbench
    from workbench.studies.traces.analysis import trace_analysis as trace_analysis
    from workbench.studies.traces.analysis import trace_compare as trace_compare
    from workbench.studies.traces.counts import count_spans as count_spans
    from workbench.studies.traces.trace import trace_detail as trace_detail

__version__ = "0.1.0"

#: Public name -> its module, imported when the name is first used: ``import workbench`` costs nothing.
_PLACES = {
    "ArchiveError": "core.errors",
    "CatalogError": "core.errors",
    "Condition": "core.filters",
    "Context": "studies.sources.context",
    "LogFilter": "core.filters",
    "Native": "core.filters",
    "ParameterError": "core.errors",
    "Provenance": "core.result",
    "ReportError": "core.errors",
    "Result": "core.result",
    "SettingsError": "core.errors",
    "SourceError": "core.errors",
    "SpanFilter": "core.filters",
    "Study": "core.result",
    "TimeRange": "core.timerange",
    "WorkbenchError": "core.errors",
    "alert_load": "studies.alerts.load",
    "alert_review": "studies.alerts.review",
    "alert_rule_worth": "studies.slo.rule_worth",
    "alert_suppression": "studies.alerts.silences",
    "capacity_forecast": "studies.capacity.forecast",
    "count_spans": "studies.traces.counts",
    "explain_query": "studies.operations.ask",
    "figure": "charts",
    "find_logs": "studies.logs.lines",
    "find_spans": "studies.operations.ask",
    "investigate": "studies.investigate.investigate",
    "log_overview": "studies.logs.overview",
    "open_period": "studies.sources.opening",
    "open_workbench": "studies.sources.opening",
    "overview": "studies.overview.board",
    "period_review": "studies.reviews.review",
    "quality_drift": "studies.quality.drift",
    "query_metrics": "studies.operations.ask",
    "service_performance": "studies.performance.service",
    "slo_attribution": "studies.slo.attribution",
    "slo_backtest": "studies.slo.backtest",
    "slo_compliance": "studies.slo.compliance",
    "slo_policy": "studies.slo.policy",
    "slo_scorecard": "studies.slo.scorecard",
    "slo_what_if": "studies.slo.what_if",
    "source_checks": "studies.operations.source_checks",
    "source_states": "studies.operations.sources",
    "spend_and_tokens": "studies.cost.spend",
    "system_report": "studies.overview.report",
    "system_reports": "studies.overview.report",
    "trace_analysis": "studies.traces.analysis",
    "trace_compare": "studies.traces.analysis",
    "trace_detail": "studies.traces.trace",
}

__all__ = [*_PLACES]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'workbench' has no public name {name!r}")
    return getattr(import_module(f"workbench.{_PLACES[name]}"), name)


def load_ipython_extension(shell: Any) -> None:
    """Register the cells ``%%promql``, ``%%logql``, ``%%traceql`` and ``%%sql``: ``%load_ext workbench``."""
    import_module("workbench.report.notebook.extension").load(shell)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
