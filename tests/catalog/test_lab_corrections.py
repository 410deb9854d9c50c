"""The documented queries do what the errata say of them, and the corrected ones answer the question.

Every series is written by hand, so every expected figure can be worked out on paper.
"""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from workbench.catalog import load_catalog
from workbench.core.series import Metrics, SeriesSet
from workbench.promql import MemoryStore, evaluate_instant, scoped

LAB = load_catalog().profile("counterfactual-lab")
QUERIES = {query.name: query for query in LAB.queries}
RULES = {rule.name: rule for rule in (*LAB.recording_rules, *LAB.alert_rules)}
MINUTE = 60_000
DAY = 1440
NOW = 10 * DAY * MINUTE

Series = tuple[dict[str, str], np.ndarray, np.ndarray]


def series(name: str, values: Sequence[float] | np.ndarray, /, **labels: str) -> Series:
    """Samples of the last minutes, one a minute, the last one now."""
    ends = NOW - MINUTE * np.arange(len(values))[::-1]
    own = {"__name__": name, "system": "counterfactual-lab", **labels}
    return own, ends.astype(np.int64), np.asarray(values, dtype=float)


def growing(name: str, per_minute: float, /, minutes: int = 30, start: float = 0.0, **labels: str) -> Series:
    return series(name, start + per_minute * np.arange(minutes + 1), **labels)


def ask(text: str, *given: Series) -> dict[frozenset[tuple[str, str]], float]:
    metrics: Metrics = evaluate_instant(scoped(text, LAB.scope), MemoryStore(SeriesSet.of(given)), time_ms=NOW)
    return {
        frozenset((name, text) for name, text in labels.items() if name != "__name__"): float(values[-1])
        for labels, values, present in zip(metrics.labels, metrics.values, metrics.present, strict=True)
        if present[-1]
    }


def alone(answer: dict[frozenset[tuple[str, str]], float]) -> float:
    (found,) = answer.values()
    return found


def test_the_error_rate_is_zero_and_not_absent_before_the_first_error() -> None:
    requests = growing("http_requests_total", 60, status="200", method="GET")
    assert ask(QUERIES["error-rate"].documented, requests) == {}
    assert alone(ask(QUERIES["error-rate"].query, requests)) == 0.0
    errors = growing("http_requests_total", 20, status="500", method="GET")
    assert alone(ask(QUERIES["error-rate"].query, requests, errors)) == pytest.approx(0.25, rel=1e-12)


def test_the_error_rate_stays_empty_without_targets_and_undefined_without_traffic() -> None:
    assert ask(QUERIES["error-rate"].query) == {}
    idle = growing("http_requests_total", 0, start=7, status="200", method="GET")
    assert math.isnan(alone(ask(QUERIES["error-rate"].query, idle)))


def test_success_is_zero_and_not_absent_when_every_generation_fails() -> None:
    failures = growing("counterfactual_generation_total", 6, status="failure", method="icg")
    assert ask(QUERIES["success-rate"].documented, failures) == {}
    assert alone(ask(QUERIES["success-rate"].query, failures)) == 0.0
    firing = RULES["GenerationSuccessLow"].expr.replace(
        "cf_lab:generation_success_rate:rate5m", f"({RULES['cf_lab:generation_success_rate:rate5m'].expr})"
    )
    assert alone(ask(firing, failures)) == 0.0


def test_averages_weigh_requests_and_not_instances() -> None:
    busy = [
        growing("http_request_duration_seconds_count", 90, instance="a", method="GET"),
        growing("http_request_duration_seconds_sum", 90 * 0.1, instance="a", method="GET"),
    ]
    quiet = [
        growing("http_request_duration_seconds_count", 10, instance="b", method="GET"),
        growing("http_request_duration_seconds_sum", 10 * 1.1, instance="b", method="GET"),
    ]
    query = QUERIES["average-response-time"]
    assert sorted(ask(query.documented, *busy, *quiet).values()) == pytest.approx([0.1, 1.1])
    assert alone(ask(query.query, *busy, *quiet)) == pytest.approx(0.2)


def test_users_are_not_series() -> None:
    sessions = [
        growing("user_sessions_total", rate, minutes=DAY, instance=instance, plan=plan)
        for rate, instance, plan in ((1.0, "a", "free"), (0.0, "a", "pro"), (0.0, "b", "free"), (0.5, "b", "pro"))
    ]
    assert alone(ask(QUERIES["daily-active-users"].documented, *sessions)) == 4
    assert alone(ask(QUERIES["daily-active-users"].query, *sessions)) == pytest.approx(1.5 * DAY)
    assert ask(QUERIES["unique-users-per-day"].documented, *sessions) == {frozenset(): 4.0}
    by_plan = ask(QUERIES["unique-users-per-day"].query, *sessions)
    assert by_plan[frozenset({("plan", "free")})] == pytest.approx(DAY)


def test_money_is_the_increase_and_survives_a_restart() -> None:
    before = 500 + np.arange(DAY // 2)
    after = np.arange(1, DAY // 2 + 2)
    restarted = series("api_costs_total", np.concatenate([before, after]), service="llm", instance="a")
    assert alone(ask(QUERIES["api-costs"].documented, restarted)) == after[-1]
    spent = alone(ask(QUERIES["api-costs"].query, restarted))
    assert spent == pytest.approx(DAY, rel=2e-3)


def test_drift_keeps_its_sign_and_compares_the_same_hour_of_the_week_before() -> None:
    minutes = 7 * DAY + 90
    values = np.where(np.arange(minutes) < 120, 0.9, 0.7)
    here = series("counterfactual_quality_score", values, instance="new", method="icg")
    query = QUERIES["model-drift"]
    assert alone(ask(query.documented, here)) == pytest.approx(0.0, abs=1e-9)
    assert ask(query.query, here) == {frozenset({("method", "icg")}): pytest.approx(-0.2)}


def test_disks_that_cannot_fill_are_left_out() -> None:
    given = []
    for kind, mount, free in (("ext4", "/", 25.0), ("squashfs", "/snap/x", 0.0), ("tmpfs", "/run", 90.0)):
        labels = {"fstype": kind, "mountpoint": mount, "device": kind, "instance": "n"}
        given.append(series("node_filesystem_avail_bytes", [free], **labels))
        given.append(series("node_filesystem_size_bytes", [100.0], **labels))
    assert max(ask(QUERIES["disk-utilization"].documented, *given).values()) == 100
    assert alone(ask(QUERIES["disk-utilization"].query, *given)) == 75


def test_a_restart_counts_one() -> None:
    counts = np.where(np.arange(90) < 60, 3, 4)
    restarts = series("container_restart_count", counts, name="api", instance="n")
    assert alone(ask(QUERIES["container-restart-count"].documented, restarts)) > 1
    assert alone(ask(QUERIES["container-restart-count"].query, restarts)) == 1


def test_nested_control_groups_are_counted_once() -> None:
    given = [
        growing("container_cpu_usage_seconds_total", 30, name="api", instance="n"),
        growing("container_cpu_usage_seconds_total", 30, instance="n", id="/"),
    ]
    assert sum(ask(QUERIES["container-cpu-usage"].documented, *given).values()) == pytest.approx(1.0)
    assert sum(ask(QUERIES["container-cpu-usage"].query, *given).values()) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("share", "minutes", "fires"),
    [(0.02, 90, True), (0.02, 3, False), (0.01, 400, True), (0.01, 90, False), (0.0005, 400, False)],
)
def test_fast_burn_fires_on_both_pairs_of_windows_and_not_on_a_blip(share: float, minutes: int, fires: bool) -> None:
    rate = np.zeros(8 * 60)
    rate[-minutes:] = 1000 * share
    good = series("http_requests_total", np.cumsum(1000 - rate), status="200", method="GET")
    bad = series("http_requests_total", np.cumsum(rate), status="500", method="GET")
    assert bool(ask(RULES["AvailabilityBudgetBurnFast"].expr, good, bad)) == fires


def test_slow_burn_fires_when_three_days_spend_the_budget_at_its_own_pace() -> None:
    for share, fires in ((0.0012, True), (0.0008, False)):
        good = growing("http_requests_total", 1000 * (1 - share), minutes=4 * DAY, status="200", method="GET")
        bad = growing("http_requests_total", 1000 * share, minutes=4 * DAY, status="503", method="GET")
        assert bool(ask(RULES["AvailabilityBudgetBurnSlow"].expr, good, bad)) == fires


def test_percentiles_come_from_buckets_in_either_spelling_of_their_bounds() -> None:
    for two in ("2", "2.0"):
        buckets = [
            growing("http_request_duration_seconds_bucket", rate, le=le, instance=instance, method="GET")
            for instance in ("a", "b")
            for le, rate in (("1", 90.0), (two, 100.0), ("+Inf", 100.0))
        ]
        assert alone(ask(RULES["cf_lab:latency_95th:5m"].expr, *buckets)) == pytest.approx(1.5)


def test_memory_is_watched_for_each_container() -> None:
    gib = 1024.0**3
    given = [
        series("container_memory_usage_bytes", [3.5 * gib], name="api", instance="n1"),
        series("container_memory_usage_bytes", [2.0 * gib], name="api", instance="n2"),
        series("container_memory_usage_bytes", [9.0 * gib], instance="n2", id="/"),
    ]
    expr = RULES["HighMemoryUsage"].expr.replace(
        "cf_lab:memory_usage_bytes", f"({RULES['cf_lab:memory_usage_bytes'].expr})"
    )
    assert ask(expr, *given) == {frozenset({("instance", "n1"), ("name", "api")}): 3.5}
