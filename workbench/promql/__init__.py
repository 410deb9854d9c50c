"""PromQL in process: parse, print, scope, plan and evaluate over samples from any store."""

from workbench.promql.engine import evaluate_instant, evaluate_range
from workbench.promql.evaluation import Evaluation
from workbench.promql.matchers import Matcher, keep_series
from workbench.promql.nodes import Node, Selector
from workbench.promql.parse import parse
from workbench.promql.plan import CounterPlan, counter_plan
from workbench.promql.printer import print_query
from workbench.promql.scope import in_scope, scope_matchers, scoped, selectors
from workbench.promql.store import EvaluationLimits, MemoryStore, SampleStore

__all__ = [
    "CounterPlan",
    "Evaluation",
    "EvaluationLimits",
    "Matcher",
    "MemoryStore",
    "Node",
    "SampleStore",
    "Selector",
    "counter_plan",
    "evaluate_instant",
    "evaluate_range",
    "in_scope",
    "keep_series",
    "parse",
    "print_query",
    "scope_matchers",
    "scoped",
    "selectors",
]
