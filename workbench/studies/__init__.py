"""Questions answered: catalog, sources and range in, a Study out. A failing source is a status, never an exception."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.core.filters import Condition as Condition
    from workbench.core.filters import LogFilter as LogFilter
    from workbench.core.filters import Native as Native
    from workbench.core.filters import SpanFilter as SpanFilter
    from workbench.studies.alerts.lint import alert_lint as alert_lint
    from workbench.studies.alerts.load import alert_load as alert_load
    from workbench.studies.alerts.review import alert_review as alert_review
    from workbench.studies.alerts.silences import alert_suppression as alert_suppression
    from workbench.studies.capacity.forecast import capacity_forecast as capacity_forecast
    from workbench.studies.cost.focus import focus_charges as focus_charges
    from workbench.studies.cost.spend import spend_and_tokens as spend_and_tokens
    from workbench.studies.cost.what_if import cost_what_if as cost_what_if
    from workbench.studies.investigate.investigate import investigate as investigate
    from workbench.studies.logs.lines import find_logs as find_logs
    from workbench.studies.logs.overview import log_overview as log_overview
    from workbench.studies.operations.activity import product_activity as product_activity
    from workbench.studies.operations.ask import explain_query as explain_query
    from workbench.studies.operations.ask import find_spans as find_spans
    from workbench.studies.operations.ask import query_metrics as query_metrics
    from workbench.studies.operations.delivery import delivery_performance as delivery_performance
    from workbench.studies.operations.monitoring import monitoring_health as monitoring_health
    from workbench.studies.operations.security import security_and_access as security_and_access
    from workbench.studies.operations.source_checks import source_checks as source_checks
    from workbench.studies.operations.sources import source_states as source_states
    from workbench.studies.overview.board import overview as overview
    from workbench.studies.overview.board import system_overview as system_overview
    from workbench.studies.overview.periods import period_history as period_history
    from workbench.studies.performance.service import service_performance as service_performance
    from workbench.studies.quality.drift import quality_drift as quality_drift
    from workbench.studies.reviews.review import finish_review as finish_review
    from workbench.studies.reviews.review import system_review as system_review
    from workbench.studies.reviews.review import tick_item as tick_item
    from workbench.studies.slo.attribution import slo_attribution as slo_attribution
    from workbench.studies.slo.backtest import slo_backtest as slo_backtest
    from workbench.studies.slo.compliance import slo_compliance as slo_compliance
    from workbench.studies.slo.rule_tuning import alert_rule_tuning as alert_rule_tuning
    from workbench.studies.slo.rule_worth import alert_rule_worth as alert_rule_worth
    from workbench.studies.slo.what_if import slo_what_if as slo_what_if
    from workbench.studies.sources.context import Context as Context
    from workbench.studies.sources.context import catalog_version as catalog_version
    from workbench.studies.sources.context import open_context as open_context
    from workbench.studies.sources.opening import open_period as open_period
    from workbench.studies.traces.analysis import trace_analysis as trace_analysis
    from workbench.studies.traces.analysis import trace_compare as trace_compare
    from workbench.studies.traces.counts import count_spans as count_spans
    from workbench.studies.traces.trace import trace_detail as trace_detail

#: Study -> its module, imported when the study is first used: one study costs what it needs, not what all need.
_PLACES = {
    "Condition": "core.filters",
    "Context": "studies.sources.context",
    "LogFilter": "core.filters",
    "Native": "core.filters",
    "SpanFilter": "core.filters",
    "alert_lint": "studies.alerts.lint",
    "alert_load": "studies.alerts.load",
    "alert_review": "studies.alerts.review",
    "alert_rule_tuning": "studies.slo.rule_tuning",
    "alert_rule_worth": "studies.slo.rule_worth",
    "alert_suppression": "studies.alerts.silences",
    "capacity_forecast": "studies.capacity.forecast",
    "catalog_version": "studies.sources.context",
    "cost_what_if": "studies.cost.what_if",
    "count_spans": "studies.traces.counts",
    "delivery_performance": "studies.operations.delivery",
    "explain_query": "studies.operations.ask",
    "find_logs": "studies.logs.lines",
    "find_spans": "studies.operations.ask",
    "finish_review": "studies.reviews.review",
    "focus_charges": "studies.cost.focus",
    "investigate": "studies.investigate.investigate",
    "log_overview": "studies.logs.overview",
    "monitoring_health": "studies.operations.monitoring",
    "open_context": "studies.sources.context",
    "open_period": "studies.sources.opening",
    "overview": "studies.overview.board",
    "period_history": "studies.overview.periods",
    "product_activity": "studies.operations.activity",
    "quality_drift": "studies.quality.drift",
    "query_metrics": "studies.operations.ask",
    "security_and_access": "studies.operations.security",
    "service_performance": "studies.performance.service",
    "slo_attribution": "studies.slo.attribution",
    "slo_backtest": "studies.slo.backtest",
    "slo_compliance": "studies.slo.compliance",
    "slo_what_if": "studies.slo.what_if",
    "source_checks": "studies.operations.source_checks",
    "source_states": "studies.operations.sources",
    "spend_and_tokens": "studies.cost.spend",
    "system_overview": "studies.overview.board",
    "system_review": "studies.reviews.review",
    "tick_item": "studies.reviews.review",
    "trace_analysis": "studies.traces.analysis",
    "trace_compare": "studies.traces.analysis",
    "trace_detail": "studies.traces.trace",
}

__all__ = [*_PLACES]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no study {name!r}")
    return getattr(import_module(f"workbench.{_PLACES[name]}"), name)


class _Studies(ModuleType):
    """A name is that of the study where a folder of studies has the same: Python would set it to the folder."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Studies
