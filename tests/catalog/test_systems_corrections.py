"""The documented queries of Conduit, the A/B platform and ChoreoAI do what the errata say; the corrected ones answer.

Every series is written by hand, so every expected figure can be worked out on paper.
"""

from collections.abc import Sequence

import numpy as np
import pytest

from workbench.catalog import load_catalog
from workbench.core.series import SeriesSet
from workbench.promql import MemoryStore, evaluate_instant, scoped

CATALOG = load_catalog()
CHOREO = CATALOG.profile("choreoai")
MINUTE = 60_000
NOW = 10 * 1440 * MINUTE

Series = tuple[dict[str, str], np.ndarray, np.ndarray]


def series(system: str, name: str, values: Sequence[float] | np.ndarray, /, **labels: str) -> Series:
    """Samples of the last minutes, one a minute, the last one now."""
    ends = NOW - MINUTE * np.arange(len(values))[::-1]
    return {"__name__": name, "system": system, **labels}, ends.astype(np.int64), np.asarray(values, dtype=float)


def growing(system: str, name: str, per_minute: float, /, minutes: int = 30, **labels: str) -> Series:
    return series(system, name, per_minute * np.arange(minutes + 1), **labels)


def ask(system: str, text: str, *given: Series) -> list[float]:
    scope = CATALOG.profile(system).scope
    metrics = evaluate_instant(scoped(text, scope), MemoryStore(SeriesSet.of(given)), time_ms=NOW)
    return sorted(
        float(values[-1]) for values, present in zip(metrics.values, metrics.present, strict=True) if present[-1]
    )


def query(system: str, name: str) -> tuple[str, str]:
    found = next(entry for entry in CATALOG.profile(system).queries if entry.name == name)
    return found.documented, found.query


def rule(system: str, name: str) -> str:
    return next(entry.expr for entry in CATALOG.profile(system).alert_rules if entry.name == name)


def platform_requests() -> list[Series]:
    return [
        growing("llm-ab-testing", "http_requests_total", 60, status_code="200", endpoint="/a"),
        growing("llm-ab-testing", "http_requests_total", 30, status_code="200", endpoint="/b"),
        growing("llm-ab-testing", "http_requests_total", 10, status_code="500", endpoint="/a"),
    ]


def test_a_series_divided_by_itself_is_no_error_rate() -> None:
    documented, corrected = query("llm-ab-testing", "error-rate")
    assert ask("llm-ab-testing", documented, *platform_requests()) == [1.0]
    assert ask("llm-ab-testing", corrected, *platform_requests()) == [pytest.approx(0.1, rel=1e-12)]
    assert ask("llm-ab-testing", corrected, *platform_requests()[:2]) == [0.0]


def test_the_alert_on_errors_fires_above_ten_percent_only() -> None:
    many = growing("llm-ab-testing", "http_requests_total", 12, status_code="503", endpoint="/b")
    assert ask("llm-ab-testing", rule("llm-ab-testing", "high_error_rate"), *platform_requests()) == []
    found = ask("llm-ab-testing", rule("llm-ab-testing", "high_error_rate"), *platform_requests(), many)
    assert found == [pytest.approx(22 / 112)]


def test_percentiles_of_queries_are_those_of_all_instances() -> None:
    family = "database_query_duration_seconds"
    buckets = [
        growing("llm-ab-testing", f"{family}_bucket", rate, le=le, instance=name, operation="select")
        for name, rates in (("app-1", (90.0, 100.0, 100.0)), ("app-2", (0.0, 0.0, 0.0)))
        for le, rate in zip(("0.01", "0.05", "+Inf"), rates, strict=True)
    ]
    documented, corrected = query("llm-ab-testing", "database-query-performance")
    assert len(ask("llm-ab-testing", documented, *buckets)) == 2
    assert ask("llm-ab-testing", corrected, *buckets) == [pytest.approx(0.03)]


def test_users_the_instances_agree_on_are_counted_once() -> None:
    both = [series("llm-ab-testing", "active_users_total", [40.0], instance=name) for name in ("app-1", "app-2")]
    documented, corrected = query("llm-ab-testing", "active-users")
    assert ask("llm-ab-testing", documented, *both) == [40.0, 40.0]
    assert ask("llm-ab-testing", corrected, *both) == [40.0]


def test_the_database_alert_waits_until_no_instance_reaches_it() -> None:
    expr = rule("llm-ab-testing", "database_connection_failed")

    def states(first: float, second: float) -> list[Series]:
        pairs = (("app-1:8000", first), ("app-2:8000", second))
        return [
            series("llm-ab-testing", "health_check_status", [state], check="database", instance=name)
            for name, state in pairs
        ]

    assert ask("llm-ab-testing", expr, *states(0.0, 1.0)) == []
    assert ask("llm-ab-testing", expr, *states(0.0, 0.0)) == [0.0]


def test_a_name_with_a_slash_is_a_division_of_nothing() -> None:
    given = [
        growing("conduit", f"conduit_http_{part}_size_bytes_{what}", rate, instance="api-1:80", endpoint="/v1")
        for part, what, rate in (
            ("request", "sum", 4000.0),
            ("request", "count", 2.0),
            ("response", "sum", 6000.0),
            ("response", "count", 2.0),
        )
    ]
    documented, corrected = query("conduit", "request-and-response-size")
    assert ask("conduit", documented, *given) == []
    assert ask("conduit", corrected, *given) == [pytest.approx(5000.0)]


def test_a_quantile_of_a_summary_is_no_answer() -> None:
    given = [
        series("conduit", "prometheus_target_interval_length_seconds", [15.0], quantile="0.99", interval="15s"),
        series("conduit", "scrape_duration_seconds", [0.02], job="conduit-api", instance="api-1:80"),
    ]
    documented, corrected = query("conduit", "scrape-duration")
    assert ask("conduit", documented, *given) == []
    assert ask("conduit", corrected, *given) == [0.02]


def test_the_time_of_a_rule_does_not_grow_with_their_number() -> None:
    given = [
        growing("conduit", "prometheus_rule_evaluation_duration_seconds_sum", 0.6),
        growing("conduit", "prometheus_rule_evaluation_duration_seconds_count", 600.0),
    ]
    documented, corrected = query("conduit", "rule-duration")
    assert ask("conduit", documented, *given) == [pytest.approx(0.01)]
    assert ask("conduit", corrected, *given) == [pytest.approx(0.001)]


def test_the_alert_on_missing_cache_instances_fires_when_nobody_is_left_to_say_so() -> None:
    expr = rule("conduit", "CacheStatisticsNoActiveInstances")
    told = [series("conduit", "conduit_cache_statistics_active_instances", [3.0], instance=name) for name in "ab"]
    none = [series("conduit", "conduit_cache_statistics_active_instances", [0.0], instance=name) for name in "ab"]
    assert ask("conduit", expr, *told) == []
    assert ask("conduit", expr, *none) == [0.0]
    assert ask("conduit", expr) == [1.0]


def test_keys_the_instances_agree_on_are_counted_once() -> None:
    given = [
        series("conduit", "conduit_virtualkeys_total", [count], status=status, instance=name)
        for name in ("a", "b")
        for status, count in (("active", 24.0), ("disabled", 3.0))
    ]
    documented, corrected = query("conduit", "keys-by-status")
    assert len(ask("conduit", documented, *given)) == 4
    assert ask("conduit", corrected, *given) == [3.0, 24.0]


def choreo(ok: float, failed: float, raised: float) -> list[Series]:
    answered = {"provider": "openai", "model": "m", "endpoint": "/v1/chat/completions"}
    return [
        growing("choreoai", "choreoai_requests_total", ok, **answered, status="200"),
        growing("choreoai", "choreoai_requests_total", failed, **answered, status="502"),
        growing("choreoai", "choreoai_errors_total", raised, provider="openai", error_type="ReadTimeout"),
    ]


def test_requests_that_raised_and_those_answered_with_5xx_are_both_failures() -> None:
    documented, corrected = query("choreoai", "error-rate")
    given = choreo(90.0, 6.0, 4.0)
    assert ask("choreoai", documented, *given) == [pytest.approx(4 / 60)]
    assert ask("choreoai", corrected, *given) == [pytest.approx(0.1)]
    assert ask("choreoai", corrected, given[0]) == [0.0]
    assert ask("choreoai", corrected, given[2]) == [pytest.approx(1.0)]


def test_errors_a_second_are_no_share() -> None:
    documented = next(entry.documented for entry in CHOREO.alert_rules if entry.name == "HighErrorRate")
    assert documented is not None
    busy = choreo(6000.0, 0.0, 6.0)
    assert ask("choreoai", documented, *busy) == [pytest.approx(0.1)]
    assert ask("choreoai", rule("choreoai", "HighErrorRate"), *busy) == []
    quiet = choreo(8.0, 2.0, 0.0)
    assert ask("choreoai", documented, *quiet) == []
    assert ask("choreoai", rule("choreoai", "HighErrorRate"), *quiet) == [pytest.approx(0.2)]


def test_the_rate_limit_is_asked_in_minutes_and_for_each_provider() -> None:
    documented = next(entry.documented for entry in CHOREO.alert_rules if entry.name == "RateLimitApproaching")
    assert documented is not None
    given = [
        growing("choreoai", "choreoai_provider_requests_total", rate, provider=provider, instance=instance)
        for provider, rate in (("openai", 50.0), ("google", 30.0))
        for instance in ("choreoai-1:8000", "choreoai-2:8000")
    ]
    assert ask("choreoai", documented, *choreo(100.0, 0.0, 0.0)) == []
    assert ask("choreoai", rule("choreoai", "RateLimitApproaching"), *given) == [pytest.approx(100.0)]
