"""PromQL in process: parse, print, scope, plan and evaluate over samples from any store."""

from workbench.promql.engine.evaluate import evaluate_instant, evaluate_range
from workbench.promql.engine.evaluation import Evaluation
from workbench.promql.engine.store import EvaluationLimits, MemoryStore, SampleStore
from workbench.promql.parser.matchers import Matcher, keep_series
from workbench.promql.parser.nodes import Node, Selector
from workbench.promql.parser.parse import parse
from workbench.promql.parser.plan import CounterPlan, counter_plan
from workbench.promql.parser.printer import print_query
from workbench.promql.parser.ratio import RatioPlan, events_factor, exact_ratio, ratio_plan, share_query
from workbench.promql.parser.scope import in_scope, scope_matchers, scoped, selectors

__all__ = [
    "CounterPlan",
    "Evaluation",
    "EvaluationLimits",
    "Matcher",
    "MemoryStore",
    "Node",
    "RatioPlan",
    "SampleStore",
    "Selector",
    "counter_plan",
    "evaluate_instant",
    "evaluate_range",
    "events_factor",
    "exact_ratio",
    "in_scope",
    "keep_series",
    "parse",
    "print_query",
    "ratio_plan",
    "scope_matchers",
    "scoped",
    "selectors",
    "share_query",
]
