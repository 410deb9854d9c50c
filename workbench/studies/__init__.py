"""Questions answered: catalog, sources and range in, a Study out. A failing source is a status, never an exception."""

from workbench.core.filters import Condition, LogFilter, Native, SpanFilter
from workbench.studies.alerts import alert_load
from workbench.studies.ask import explain_query, find_spans, query_metrics
from workbench.studies.attribution import slo_attribution
from workbench.studies.backtest import slo_backtest
from workbench.studies.capacity import capacity_forecast
from workbench.studies.context import Context, open_context
from workbench.studies.cost import spend_and_tokens
from workbench.studies.lines import find_logs
from workbench.studies.opening import open_period
from workbench.studies.overview import overview
from workbench.studies.performance import service_performance
from workbench.studies.quality import quality_drift
from workbench.studies.slo import slo_compliance
from workbench.studies.source_checks import source_checks
from workbench.studies.sources import source_states
from workbench.studies.what_if import slo_what_if
from workbench.studies.windows import window

__all__ = [
    "Condition",
    "Context",
    "LogFilter",
    "Native",
    "SpanFilter",
    "alert_load",
    "capacity_forecast",
    "explain_query",
    "find_logs",
    "find_spans",
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
    "window",
]
