"""A fifth system costs its owner one file: LiteLLM's metrics answer the questions with no line of code."""

import re
from pathlib import Path

import numpy as np
import pytest

from workbench.catalog import RatioIndicator, iter_queries, load_catalog
from workbench.core.series import SeriesSet
from workbench.promql import MemoryStore, counter_plan, evaluate_instant, parse, scoped

FILE = Path(__file__).with_name("litellm.yaml")
CATALOG = load_catalog([FILE])
LITELLM = CATALOG.profile("litellm")

#: The names in LiteLLM's documentation; counters are scraped with the suffix _total.
COUNTERS = [
    "spend_metric",
    "input_tokens_metric",
    "output_tokens_metric",
    "total_tokens_metric",
    "cached_tokens_metric",
    "cache_hits_metric",
    "cache_misses_metric",
    "requests_metric",
    "proxy_total_requests_metric",
    "proxy_failed_requests_metric",
    "deployment_successful_fallbacks",
    "deployment_failed_fallbacks",
]
GAUGES = [
    "team_max_budget_metric",
    "api_key_max_budget_metric",
    "user_max_budget_metric",
    "remaining_team_budget_metric",
    "remaining_api_key_budget_metric",
    "remaining_user_budget_metric",
    "team_budget_remaining_hours_metric",
    "api_key_budget_remaining_hours_metric",
    "user_budget_remaining_hours_metric",
    "remaining_requests_metric",
    "remaining_tokens_metric",
]
HISTOGRAMS = [
    "request_total_latency_metric",
    "llm_api_latency_metric",
    "llm_api_time_to_first_token_metric",
    "overhead_latency_metric",
    "deployment_latency_per_output_token",
]
LABELS = [
    "end_user",
    "user",
    "user_email",
    "hashed_api_key",
    "api_key_alias",
    "team",
    "team_alias",
    "requested_model",
    "model",
    "litellm_model_name",
    "model_id",
    "api_base",
    "api_provider",
    "tag",
    "status_code",
    "exception_class",
    "route",
    "fallback_model",
]


def test_every_family_and_label_is_listed() -> None:
    kinds = {name: family.kind for name, family in LITELLM.metrics.items()}
    assert kinds == {
        **{f"litellm_{name}_total": "counter" for name in COUNTERS},
        **{f"litellm_{name}": "gauge" for name in GAUGES},
        **{f"litellm_{name}": "histogram" for name in HISTOGRAMS},
    }
    assert {label for family in LITELLM.metrics.values() for label in family.labels} == set(LABELS)


@pytest.mark.parametrize(
    "word",
    [
        "requests",
        "errors",
        "duration",
        "first_token",
        "rate_limited",
        "limit_left",
        "fallbacks",
        "cost",
        "tokens",
        "budget",
        "budget_left",
        "cache_hits",
        "cache_misses",
    ],
)
def test_every_question_has_its_signals(word: str) -> None:
    assert LITELLM.variants(word)


def test_what_it_does_not_measure_is_said() -> None:
    assert {entry.name for entry in LITELLM.not_measured} == {"quality", "queues"}
    assert not LITELLM.variants("quality")


def test_every_query_parses_and_takes_the_scope() -> None:
    texts = [query.text for query in iter_queries(CATALOG) if query.system == "litellm"]
    assert len(texts) > 30
    for text in texts:
        assert 'job="litellm"' in scoped(text, LITELLM.scope)
        parse(text)


def test_its_goal_is_counted_exactly() -> None:
    (objective,) = CATALOG.objectives["litellm"]
    assert isinstance(objective.indicator, RatioIndicator)
    assert (objective.id, str(objective.target), objective.derived) == ("availability", "0.995", True)
    assert all(counter_plan(text) is not None for text in objective.queries().values())


def test_a_key_without_a_budget_is_left_out_and_never_alerts() -> None:
    def gauge(name: str, alias: str, value: float) -> tuple[dict[str, str], np.ndarray, np.ndarray]:
        labels = {"__name__": name, "job": "litellm", "hashed_api_key": alias, "api_key_alias": alias}
        return labels, np.array([1_000_000], dtype=np.int64), np.array([value])

    store = MemoryStore(
        SeriesSet.of(
            gauge(f"litellm_{name}", alias, value)
            for alias, whole, left in (("free", np.inf, np.inf), ("low", 100.0, 5.0), ("rich", 100.0, 80.0))
            for name, value in (("api_key_max_budget_metric", whole), ("remaining_api_key_budget_metric", left))
        )
    )

    def aliases(text: str) -> set[str]:
        found = evaluate_instant(scoped(text, LITELLM.scope), store, time_ms=1_000_000)
        return {labels["api_key_alias"] for labels, here in zip(found.labels, found.present, strict=True) if here[-1]}

    assert aliases(LITELLM.roles["budget"].select) == {"low", "rich"}
    assert aliases(LITELLM.roles["budget_left"].select) == {"low", "rich"}
    assert aliases(LITELLM.alert_rules[0].expr) == {"low"}


def test_no_code_of_the_program_knows_it() -> None:
    program = Path(__file__).parents[2] / "workbench"
    named = {
        path.name for path in program.rglob("*.py") if re.search("litellm_", path.read_text(encoding="utf-8"), re.I)
    }
    assert named <= {"guess.py"}
