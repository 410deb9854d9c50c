"""Conduit, the LLM A/B Testing Platform, ChoreoAI: their numbers agree with each other and with the truth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.demo.demo_histories import ALWAYS, ANCHOR, assert_same_history
from workbench.archive import Archive
from workbench.catalog import CompositeIndicator, load_catalog
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.series import Labels, is_stale
from workbench.core.timerange import to_ms
from workbench.demo import build_demo
from workbench.demo.engine.flows import MONEY
from workbench.demo.systems.conduit.places import MODELS, USES
from workbench.promql import Matcher

pytestmark = pytest.mark.slow

FOUR = Path(__file__).with_name("four.yaml")
NEW = ("conduit", "llm-ab-testing", "choreoai")
DAY_MS = 86_400_000
END = ANCHOR + timedelta(minutes=40)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("four") / "demo"
    build_demo(directory, scenario=FOUR, seed=5, end=END, anchor=ANCHOR)
    return directory


@pytest.fixture(scope="module")
def archive(demo: Path) -> Archive:
    return Archive.open(demo)


@pytest.fixture(scope="module")
def truth(demo: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((demo / "truth.json").read_text())
    return told


@pytest.fixture(scope="module")
def events(truth: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {event["id"]: event for event in truth["events"]}


def series(archive: Archive, system: str, name: str, **labels: str) -> list[tuple[Labels, np.ndarray, np.ndarray]]:
    matchers = [Matcher("__name__", "=~", name), Matcher("system", "=", system)]
    matchers += [Matcher(label, "=~", value) for label, value in labels.items()]
    return [
        (own, times[~is_stale(values)], values[~is_stale(values)])
        for own, times, values in archive.select(matchers, 0, ALWAYS.end_ms)
    ]


def increases(archive: Archive, system: str, name: str, by: str = "", **labels: str) -> dict[str, list[float]]:
    """Exact increases of every UTC day and of the unfinished one, summed by a label."""
    edges = [to_ms(ANCHOR) + day * DAY_MS for day in (-3, -2, -1, 0)] + [to_ms(END)]
    found: dict[str, np.ndarray] = {}
    for own, times, values in series(archive, system, name, **labels):
        before = 0.0 if times[0] > edges[0] else values[0]
        steps = np.diff(values, prepend=before)
        steps = np.where(steps < 0, values, steps)
        upto = np.concatenate([[0.0], np.cumsum(steps)])[np.searchsorted(times, edges, side="right")]
        key = own.get(by, "") if by else ""
        found[key] = found.get(key, np.zeros(len(edges) - 1)) + np.diff(upto)
    return {key: counts.tolist() for key, counts in found.items()}


def whole(archive: Archive, system: str, name: str, **labels: str) -> list[float]:
    return increases(archive, system, name, **labels)[""]


def told(truth: dict[str, Any], system: str, objective: str, part: str) -> list[float]:
    days = truth["systems"][system]["objectives"][objective]["days"]
    return [float(counts[part]) for counts in days.values()]


def amounts(truth: dict[str, Any], system: str, name: str) -> list[float]:
    return [float(day[name]) for day in truth["systems"][system]["amounts"]["days"].values()]


def increases_of(labels: str) -> Callable[[Archive], list[float]]:
    """A counter of ``system name label=value`` as it stands in an SLO."""
    system, name, *rest = labels.split()
    return lambda archive: whole(archive, system, name, **dict(one.split("=", 1) for one in rest))


@pytest.mark.parametrize(
    ("objective", "part", "counter"),
    [
        ("conduit/availability", "total", "conduit conduit_http_requests_total"),
        ("conduit/availability", "bad", "conduit conduit_http_requests_total status_code=5.."),
        ("conduit/latency", "good", r"conduit conduit_http_request_duration_seconds_bucket le=10\.0"),
        ("conduit/provider-success", "total", "conduit conduit_model_requests_total"),
        ("conduit/provider-success", "good", "conduit conduit_model_requests_total status=success"),
        ("conduit/task-success", "total", "conduit conduit_tasks_total"),
        ("conduit/task-success", "good", "conduit conduit_tasks_total status=success"),
        ("llm-ab-testing/error-rate", "total", "llm-ab-testing http_requests_total"),
        ("llm-ab-testing/error-rate", "bad", "llm-ab-testing http_requests_total status_code=5.."),
        ("llm-ab-testing/latency", "good", r"llm-ab-testing http_request_duration_seconds_bucket le=5\.0"),
        ("llm-ab-testing/provider-success", "total", "llm-ab-testing model_requests_total"),
        ("llm-ab-testing/provider-success", "good", "llm-ab-testing model_requests_total status=success"),
        ("choreoai/success", "total", "choreoai choreoai_(requests|errors)_total"),
        ("choreoai/success", "good", "choreoai choreoai_requests_total status=[124].."),
        ("choreoai/latency", "good", r"choreoai choreoai_request_duration_seconds_bucket le=5\.0"),
        ("choreoai/latency", "total", "choreoai choreoai_request_duration_seconds_count"),
        ("choreoai/provider-success", "bad", "choreoai choreoai_provider_errors_total"),
        ("choreoai/provider-success", "total", "choreoai choreoai_provider_requests_total"),
    ],
)
def test_counts_of_every_day_equal_the_truth(
    archive: Archive, truth: dict[str, Any], objective: str, part: str, counter: str
) -> None:
    system, id = objective.split("/")
    assert increases_of(counter)(archive) == told(truth, system, id, part)


def test_all_objectives_of_the_catalog_are_in_the_truth(truth: dict[str, Any]) -> None:
    """But composites, which count nothing of their own."""
    for system, objectives in load_catalog().objectives.items():
        counted = {one.id for one in objectives if not isinstance(one.indicator, CompositeIndicator)}
        assert counted == set(truth["systems"][system]["objectives"])


def test_money_and_tokens_of_every_day_equal_the_truth(archive: Archive, truth: dict[str, Any]) -> None:
    for system, metric, label, prefix in (
        ("conduit", "conduit_cost_total_dollars", "model", "cost.model."),
        ("conduit", "conduit_virtualkey_spend_total", "virtual_key_id", "cost.key."),
        ("choreoai", "choreoai_estimated_cost_total", "model", "cost.model."),
        ("choreoai", "choreoai_estimated_cost_total", "provider", "cost.provider."),
    ):
        found = increases(archive, system, metric, by=label)
        assert found
        for name, spent in found.items():
            assert spent == amounts(truth, system, f"{prefix}{name}"), "every sum of money is exact"
    for model, priced in MODELS.items():
        if priced.operation != "image":
            read = whole(archive, "conduit", "conduit_model_tokens_total", model=model, token_type="prompt")
            assert read == amounts(truth, "conduit", f"tokens.{model}.prompt")


def test_views_of_conduit_s_requests_agree_in_every_scrape(archive: Archive) -> None:
    def at_each(name: str, **labels: str) -> pd.Series:
        frames = [pd.Series(values, times) for _, times, values in series(archive, "conduit", name, **labels)]
        return pd.concat(frames, axis=1).dropna(how="all").fillna(0.0).sum(axis=1)

    chat = {"instance": "api-1:80"}
    by_key = at_each("conduit_virtualkey_requests_total", **chat)
    pd.testing.assert_series_equal(by_key, at_each("conduit_model_requests_total", **chat))
    pd.testing.assert_series_equal(
        at_each("conduit_virtualkey_spend_total", **chat), at_each("conduit_cost_total_dollars", **chat), rtol=0, atol=0
    )
    pd.testing.assert_series_equal(
        at_each("conduit_http_requests_total", **chat), at_each("conduit_http_request_duration_seconds_count", **chat)
    )
    failed = at_each("conduit_http_requests_total", status_code="5..", **chat)
    pd.testing.assert_series_equal(failed, at_each("conduit_http_errors_total", **chat))
    reached = at_each("conduit_http_requests_total", status_code="200|429|500|502", **chat)
    pd.testing.assert_series_equal(reached, by_key)
    queued = at_each("conduit_rabbitmq_queue_messages")
    pd.testing.assert_series_equal(queued, at_each("conduit_tasks_queue_depth"))


def test_cost_is_tokens_times_price_in_every_scrape(archive: Archive) -> None:
    for model, priced in MODELS.items():
        _, times, cost = series(archive, "conduit", "conduit_cost_total_dollars", model=model)[0]
        units = np.zeros(len(times))
        if priced.operation == "image":
            continue
        for labels, at, counts in series(archive, "conduit", "conduit_model_tokens_total", model=model):
            assert at.tolist() == times.tolist()
            units += counts * (priced.prompt if labels["token_type"] == "prompt" else priced.completion)
        assert (units / MONEY == cost).all()


def test_budgets_hold_the_money_of_the_month(archive: Archive, truth: dict[str, Any]) -> None:
    for use in USES:
        _, times, percent = series(
            archive, "conduit", "conduit_virtualkey_budget_utilization_percent", virtual_key_id=use.key
        )[0]
        spent = sum(amounts(truth, "conduit", f"cost.key.{use.key}")[:3])
        last_of_october = percent[times == to_ms(ANCHOR) - 60_000][0]
        assert last_of_october == pytest.approx(spent / use.budget * 100, rel=0.01)
        assert percent[times == to_ms(ANCHOR)].tolist() == [0.0], "a new month, a new budget"


def test_the_cache_s_rate_is_what_its_counters_say(archive: Archive) -> None:
    found = series(archive, "conduit", "conduit_cache_hit_rate")
    rates = {labels["region"]: (times, values) for labels, times, values in found}
    assert set(rates) == {"virtual-key", "model-cost"}
    for region, (times, rate) in rates.items():
        (_, at, hits), (_, _, misses) = (
            series(archive, "conduit", f"conduit_cache_{word}_total", region=region)[0] for word in ("hits", "misses")
        )
        full = times % 60_000 == 0
        share = np.round(100 * hits / np.maximum(hits + misses, 1), 2)
        np.testing.assert_allclose(rate[full], share[np.isin(at, times[full])], atol=0.011)


def test_every_family_of_the_profiles_is_there_with_its_labels(archive: Archive) -> None:
    found: dict[tuple[str, str], list[Labels]] = {}
    for labels in archive.series([Matcher("system", "=~", "|".join(NEW))], 0, ALWAYS.end_ms):
        found.setdefault((labels["system"], labels["__name__"]), []).append(labels)
    for system in NEW:
        profile = load_catalog().profile(system)
        names = set()
        for name, family in profile.metrics.items():
            shown = [f"{name}_bucket", f"{name}_sum", f"{name}_count"] if family.kind == "histogram" else [name]
            names |= {*shown, *([f"{name}_sum", f"{name}_count"] if family.kind == "summary" else [])}
            for labels in found[system, shown[0]]:
                own = set(labels) - {"__name__", "system", "job", "instance", "le"}
                assert own == set(family.labels), name
                for label, known in family.labels.items():
                    assert not known or labels[label] in known, (name, label)
            if family.kind == "histogram":
                bounds = {float(labels["le"]) for labels in found[system, shown[0]]} - {float("inf")}
                assert bounds == set(family.buckets), name
        assert {name for known, name in found if known == system} - names <= {"ALERTS", "ALERTS_FOR_STATE"}


@pytest.mark.parametrize(
    ("event", "alerts"),
    [
        ("c-drift", {"CacheStatisticsDrift"}),
        ("c-signalr", {"SignalRKeyConnectionsNearLimit"}),
        ("c-wild", {"VirtualKeyBudgetSpent"}),
        ("a-outage", {"high_error_rate"}),
        (
            "a-burst",
            {
                "database_connection_failed",
                "high_error_rate",
                "high_cpu_usage",
                "high_memory_usage",
                "very_slow_responses",
            },
        ),
        ("a-memory", {"elevated_memory_usage"}),
        ("o-outage", {"HighErrorRate"}),
        ("o-rush", {"RateLimitApproaching"}),
        ("o-provider", {"HighErrorRate"}),
        ("o-slow", {"HighLatency"}),
        ("o-crash", {"ProviderDown"}),
    ],
)
def test_an_event_raises_its_alerts(events: dict[str, dict[str, Any]], event: str, alerts: set[str]) -> None:
    assert alerts <= {alert["alertname"] for alert in events[event]["alerts"]}


def test_what_an_event_adds_is_told(archive: Archive, events: dict[str, dict[str, Any]]) -> None:
    switch = events["c-switch"]["injected_amounts"]
    moved = switch["cost.model.gpt-4o"] + switch["cost.model.gpt-4o-mini"]
    assert switch["cost.key.vk-001"] == moved > 0 > switch["cost.model.gpt-4o-mini"]
    new = whole(archive, "conduit", "conduit_virtualkey_requests_total", virtual_key_id="vk-001", model="gpt-4o")
    assert sum(new) > 0
    wild = events["c-wild"]["injected_amounts"]
    every = sum(whole(archive, "conduit", "conduit_virtualkey_requests_total", virtual_key_id="vk-004"))
    assert 0.3 * every < wild["requests.vk-004"] < every
    limited = sum(whole(archive, "conduit", "conduit_model_requests_total", status="rate_limited"))
    assert 0.5 * limited < events["c-limit"]["injected"]["provider-success"] < limited
    attack = events["a-attack"]["injected_amounts"]
    tried = attack["attempts.failed"] + attack["attempts.refused"]
    assert tried == pytest.approx(events["a-attack"]["expected"]["attempts"], rel=0.05)
    wrong = sum(whole(archive, "llm-ab-testing", "authentication_attempts_total", result="failure"))
    assert 0.9 * wrong < attack["attempts.failed"] < wrong
    refused = sum(whole(archive, "llm-ab-testing", "rate_limit_hits_total", endpoint="/auth/login"))
    assert refused == attack["attempts.refused"]
    gpt_4 = sum(whole(archive, "choreoai", "choreoai_estimated_cost_total", model="gpt-4"))
    assert gpt_4 == events["o-switch"]["injected_amounts"]["cost.model.gpt-4"]


def test_gauges_show_their_events(archive: Archive, events: dict[str, dict[str, Any]]) -> None:
    def greatest(system: str, name: str, event: str, **labels: str) -> tuple[float, float]:
        start, end = (to_ms(datetime.fromisoformat(events[event][side])) for side in ("start", "end"))
        inside, outside = 0.0, 0.0
        for _, times, values in series(archive, system, name, **labels):
            during = (times >= start) & (times < end + 4 * 3_600_000)
            inside, outside = max(inside, values[during].max()), max(outside, values[~during].max())
        return float(inside), float(outside)

    inside, outside = greatest("conduit", "conduit_tasks_queue_depth", "c-queue")
    assert inside > 200 > 20 > outside
    inside, outside = greatest("conduit", "conduit_cache_statistics_max_drift_percentage", "c-drift")
    assert inside > 70 > 10 > outside
    inside, outside = greatest("conduit", "conduit_signalr_connections_active", "c-signalr", virtual_key_id="vk-002")
    assert inside > 80 > outside
    inside, outside = greatest("choreoai", "choreoai_queue_size", "o-queue")
    assert inside > 30 > 8 > outside


@pytest.mark.parametrize(
    ("system", "service", "objective"),
    [
        ("conduit", "conduit-api", "availability"),
        ("llm-ab-testing", "llm-ab-testing", "error-rate"),
        ("choreoai", "choreoai", "success"),
    ],
)
def test_weights_bring_the_sample_back_to_the_requests(
    archive: Archive, truth: dict[str, Any], system: str, service: str, objective: str
) -> None:
    spans = archive.spans(SpanFilter(services=(service,)), ALWAYS)
    roots = spans[spans["operation"] == "http.request"]
    requests = sum(told(truth, system, objective, "total"))
    spread = float(np.sqrt((roots["weight"] ** 2).sum()))
    assert abs(roots["weight"].sum() - requests) < 4 * spread
    children = spans[spans["parent_id"] != ""]
    assert children["parent_id"].isin(spans["span_id"]).mean() > 0.99
    assert spans["span_id"].is_unique


@pytest.mark.parametrize("system", NEW)
def test_logs_carry_the_attributes_of_the_profile(archive: Archive, system: str) -> None:
    logs = archive.logs(LogFilter(services=(system,)), ALWAYS)
    profile = load_catalog().profile(system)
    known = {field.path for log in profile.logs for field in log.fields}
    kinds = {name for log in profile.logs for name in log.event_types} | {"system"}
    assert set(logs["event_type"]) <= kinds
    used = Counter(name for attributes in logs["attributes"] for name in attributes)
    assert set(used) - known <= {"sampled", "level", "instance", "reason"} | {name.lower() for name in known}
    assert (logs["severity"] == "ERROR").sum() > 20


def test_the_archive_keeps_deploys_and_health_answers(archive: Archive) -> None:
    assert {deploy["system"] for deploy in archive.meta["deploys"]} == set(NEW)
    health = {(answer["system"], answer["name"]): answer for answer in archive.meta["health"]}
    basic = health["llm-ab-testing", "basic"]
    assert (basic["status_code"], basic["answer"]["status"]) == (200, "healthy")
    assert [one["event"] for one in basic["unhealthy"]] == ["a-outage", "a-burst"]


@pytest.mark.parametrize("ends", [pytest.param((-135, 0, 40), id="up to midnight and over it")])
@pytest.mark.soak
def test_an_extended_demo_of_four_systems_equals_one_built_at_once(
    tmp_path: Path, demo: Path, ends: tuple[int, ...]
) -> None:
    for minutes in ends:
        build_demo(tmp_path / "demo", scenario=FOUR, seed=5, end=ANCHOR + timedelta(minutes=minutes), anchor=ANCHOR)
    assert_same_history(tmp_path / "demo", demo)
