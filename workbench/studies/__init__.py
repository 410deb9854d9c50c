"""Questions answered: catalog, sources and range in, a Study out. A failing source is a status, never an exception."""

from workbench.core.filters import Condition, LogFilter, Native, SpanFilter
from workbench.studies.alerts.lint import alert_lint
from workbench.studies.alerts.load import alert_load
from workbench.studies.alerts.review import alert_review
from workbench.studies.alerts.silences import alert_suppression
from workbench.studies.capacity.forecast import capacity_forecast
from workbench.studies.cost.focus import focus_charges
from workbench.studies.cost.spend import spend_and_tokens
from workbench.studies.cost.what_if import cost_what_if
from workbench.studies.investigate.investigate import investigate
from workbench.studies.logs.lines import find_logs
from workbench.studies.logs.overview import log_overview
from workbench.studies.operations.ask import explain_query, find_spans, query_metrics
from workbench.studies.operations.monitoring import monitoring_health
from workbench.studies.operations.source_checks import source_checks
from workbench.studies.operations.sources import source_states
from workbench.studies.overview.board import overview
from workbench.studies.performance.service import service_performance
from workbench.studies.quality.drift import quality_drift
from workbench.studies.reviews.review import finish_review, system_review, tick_item
from workbench.studies.slo.attribution import slo_attribution
from workbench.studies.slo.backtest import slo_backtest
from workbench.studies.slo.compliance import slo_compliance
from workbench.studies.slo.rule_tuning import alert_rule_tuning
from workbench.studies.slo.rule_worth import alert_rule_worth
from workbench.studies.slo.what_if import slo_what_if
from workbench.studies.sources.context import Context, catalog_version, open_context
from workbench.studies.sources.opening import open_period
from workbench.studies.traces.analysis import trace_analysis, trace_compare
from workbench.studies.traces.counts import count_spans
from workbench.studies.traces.trace import trace_detail

__all__ = [
    "Condition",
    "Context",
    "LogFilter",
    "Native",
    "SpanFilter",
    "alert_lint",
    "alert_load",
    "alert_review",
    "alert_rule_tuning",
    "alert_rule_worth",
    "alert_suppression",
    "capacity_forecast",
    "catalog_version",
    "cost_what_if",
    "count_spans",
    "explain_query",
    "find_logs",
    "find_spans",
    "finish_review",
    "focus_charges",
    "investigate",
    "log_overview",
    "monitoring_health",
    "open_context",
    "open_period",
    "overview",
    "quality_drift",
    "query_metrics",
    "service_performance",
    "slo_attribution",
    "slo_backtest",
    "slo_compliance",
    "slo_what_if",
    "source_checks",
    "source_states",
    "spend_and_tokens",
    "system_review",
    "tick_item",
    "trace_analysis",
    "trace_compare",
    "trace_detail",
]
