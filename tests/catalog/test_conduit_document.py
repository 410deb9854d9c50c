"""Conduit's profile holds all that Conduit's document names, heading by heading.

The literal lists below were written from the document. Where the document itself is present, beside the checkout, it is
walked too and compared text for text.
"""

import re
from collections.abc import Callable
from typing import NoReturn

import pytest

from tests.catalog.documents import document_of, headings, headings_given, section
from workbench.catalog import load_catalog

CATALOG = load_catalog()
CONDUIT = CATALOG.profile("conduit")
OBJECTIVES = {objective.id: objective for objective in CATALOG.objectives["conduit"]}

FAMILIES = {
    "1. HTTP Metrics": [
        "conduit_http_requests_total",
        "conduit_http_request_duration_seconds",
        "conduit_http_request/response_size_bytes",
        "conduit_http_requests_active",
        "conduit_http_errors_total",
    ],
    "2. Business Metrics": [
        "conduit_virtualkey_requests_total",
        "conduit_virtualkey_spend_total",
        "conduit_virtualkey_budget_utilization_percent",
        "conduit_model_requests_total",
        "conduit_model_tokens_total",
        "conduit_cost_total_dollars",
    ],
    "3. Infrastructure Metrics": [
        "conduit_database_connections_*",
        "conduit_redis_*",
        "conduit_rabbitmq_*",
        "conduit_process_*",
    ],
    "3a. Cache Statistics Metrics": [
        "conduit_cache_hits_total",
        "conduit_cache_misses_total",
        "conduit_cache_hit_rate",
        "conduit_cache_response_time_seconds",
        "conduit_cache_statistics_active_instances",
        "conduit_cache_statistics_aggregation_latency_ms",
        "conduit_cache_statistics_max_drift_percentage",
    ],
    "4. SignalR Metrics": ["conduit_signalr_connections_active", "conduit_signalr_messages_total"],
    "5. Task Processing Metrics": [
        "conduit_tasks_queue_depth",
        "conduit_tasks_duration_seconds",
        "conduit_tasks_total",
    ],
}

ALERTS = [
    ("CacheStatisticsNoActiveInstances", "conduit_cache_statistics_active_instances == 0", 120_000, "critical"),
    ("CacheStatisticsSlowAggregation", "conduit_cache_statistics_aggregation_latency_ms > 500", 300_000, "warning"),
    ("CacheStatisticsDrift", "conduit_cache_statistics_max_drift_percentage > 10", 600_000, "warning"),
]

QUERIES = {
    "Request/Response size": "conduit_http_request/response_size_bytes",
    "Keys by Status": "conduit_virtualkeys_total",
    "Find high cardinality metrics": "prometheus_tsdb_symbol_table_size_bytes",
    "Monitor scrape duration": "histogram_quantile(0.99, prometheus_target_interval_length_seconds)",
    "Check metric processing time": "rate(prometheus_rule_evaluation_duration_seconds_sum[5m])",
    "Prometheus health": 'up{job="prometheus"}',
    "Alertmanager health": "alertmanager_cluster_members",
    "Grafana health": "grafana_instance_info",
}

TASKS = {
    "Weekly": "Review alert noise, tune thresholds",
    "Monthly": "Analyze metric cardinality, optimize queries",
    "Quarterly": "Review retention policies, capacity planning",
    "Yearly": "Architecture review, tool evaluation",
}


def test_every_metric_family_is_listed_under_its_heading() -> None:
    for category, names in FAMILIES.items():
        here = {
            name: family
            for name, family in CONDUIT.metrics.items()
            if family.heading == f"Metrics Categories / {category}"
        }
        for name in names:
            assert name in here or any(family.documented == name for family in here.values()), name


def test_families_behind_a_pattern_fit_it_and_have_an_assumed_name() -> None:
    patterns = set(FAMILIES["3. Infrastructure Metrics"])
    behind = {name: family for name, family in CONDUIT.metrics.items() if family.documented in patterns}
    assert {family.documented for family in behind.values()} == patterns
    for name, family in behind.items():
        assert name.startswith(str(family.documented).removesuffix("*"))
        assert "name" in family.assumed


def test_a_name_that_reads_as_a_division_stands_for_two_metrics() -> None:
    both = [name for name, family in CONDUIT.metrics.items() if family.documented == QUERIES["Request/Response size"]]
    assert both == ["conduit_http_request_size_bytes", "conduit_http_response_size_bytes"]


def test_every_label_is_assumed_because_the_document_names_none() -> None:
    for name, family in CONDUIT.metrics.items():
        assert set(family.labels) <= set(family.assumed), name


def test_every_family_is_used_by_a_role() -> None:
    assert set(CONDUIT.metrics) == {role.metric for role in CONDUIT.roles.values()}


def test_every_query_is_kept_word_for_word() -> None:
    assert {query.title: query.documented for query in CONDUIT.queries} == QUERIES


def test_every_alert_keeps_its_block_and_says_it_in_promql() -> None:
    told = [rule for rule in CONDUIT.alert_rules if not rule.derived]
    for rule, (name, expr, for_ms, severity) in zip(told, ALERTS, strict=True):
        assert (rule.name, rule.for_ms, rule.severity) == (name, for_ms, severity)
        assert f"  expr: {expr}\n" in str(rule.documented) + "\n"
        assert rule.dialect == "other"
        assert rule.expr == rule.corrected
    assert all(rule.labels == CONDUIT.scope and set(rule.annotations) == {"summary", "description"} for rule in told)


def test_every_limit_is_a_threshold() -> None:
    limits = {entry.name: (entry.op, entry.value, entry.unit, entry.for_ms) for entry in CONDUIT.thresholds}
    assert limits == {
        "cache-instances": ("==", 0, "count", 120_000),
        "cache-aggregation": (">", 500, "ms", 300_000),
        "cache-drift": (">", 10, "percent", 600_000),
        "signalr-connections": (">=", 10_000, "connections", 0),
        "signalr-connections-key": (">=", 100, "connections", 0),
        "budget": (">=", 100, "percent", 0),
        "label-cardinality": (">=", 100, "count", 0),
    }


def test_money_is_counted_once() -> None:
    assert [name for name, role in CONDUIT.variants("cost").items() if role.view_of is None] == ["cost"]
    assert CONDUIT.roles["cost.key"].view_of == "cost"


def test_tasks_severities_channels_components_and_overheads() -> None:
    assert {entry.title: entry.items[0].text for entry in CONDUIT.checklists} == TASKS
    assert [entry.cadence for entry in CONDUIT.checklists] == ["weekly", "monthly", "quarterly", "yearly"]
    assert [level.severity for level in CONDUIT.severities] == ["critical", "warning", "info"]
    assert [(channel.name, channel.kind) for channel in CONDUIT.channels] == [
        ("pagerduty-critical", "pagerduty"),
        ("email", "email"),
        ("dashboard", "dashboard"),
    ]
    assert {component.title: component.port for component in CONDUIT.components} == {
        "Core API": 8080,
        "Admin API": 8081,
        "Prometheus": 9090,
        "Alertmanager": 9093,
        "Grafana": 3000,
        "OpenTelemetry": None,
    }
    assert [component.scrape_interval_ms for component in CONDUIT.components[:3]] == [15_000] * 3
    open_ = {entry.name for entry in CONDUIT.not_measured}
    assert {"quality", "monitoring-cpu", "monitoring-memory", "monitoring-network", "monitoring-storage"} <= open_
    assert [panel.title for dashboard in CONDUIT.dashboards for panel in dashboard.panels] == ["Keys by Status"]


def test_all_goals_are_marked_derived() -> None:
    assert list(OBJECTIVES) == [
        "availability",
        "latency",
        "provider-success",
        "task-success",
        "cache-aggregation",
        "cache-drift",
        "gateway",
    ]
    assert str(OBJECTIVES["gateway"].target) == "0.987833333333"  # (3 * 0.1 % + 5 % + 2 * 1 %) / 6 may fail
    assert all(objective.derived and objective.assumptions for objective in OBJECTIVES.values())


@pytest.fixture
def document(omit: Callable[[str], NoReturn]) -> str:
    return document_of("conduit", omit)


def test_the_document_itself_says_nothing_else(document: str) -> None:
    for category, names in FAMILIES.items():
        assert re.findall(r"`([^`]+)`", section(document, f"### {category}")) == names
    listed = {name for names in FAMILIES.values() for name in names} | set(CONDUIT.metrics)
    assert set(re.findall(r"\bconduit_[a-z_]*[a-z]", document)) <= {
        *(name.split("/")[0].rstrip("_*") for name in listed),
        *listed,
    }
    block = section(document, "#### Cache Statistics Alerts")
    rules = re.findall(r"^- alert: .+\n(?:  .+\n)+", block, re.M)
    assert [rule.documented for rule in CONDUIT.alert_rules if not rule.derived] == [rule.strip() for rule in rules]
    assert dict(re.findall(r"^\d\. \*\*(\w+)\*\*: (.+)$", section(document, "### Regular Tasks"), re.M)) == TASKS
    levels = dict(re.findall(r"^- \*\*(\w+)\*\*: (.+)$", section(document, "### 4. Alert Design"), re.M))
    assert {level.severity: level.action for level in CONDUIT.severities} == {
        name.lower(): action for name, action in levels.items()
    }
    health = re.findall(r"^# (.+)\n(.+)$", section(document, "### Monitoring the Monitors"), re.M)
    impact = re.findall(r"^# (.+)\n(.+)$", section(document, "### Performance Impact"), re.M)
    assert {**dict(health), **dict(impact)}.items() <= QUERIES.items()
    for title in ("High Memory Usage", "Missing Metrics", "Performance Impact"):
        guide = next(guide for guide in CONDUIT.guides if guide.title == title)
        assert list(guide.steps) == re.findall(r"^# (.+)$", section(document, f"### {title}"), re.M)
    variables = dict(re.findall(r"^export (CONDUITLLM__\w+)=(.+)$", document, re.M))
    assert CONDUIT.components[0].settings == variables
    jobs = set(re.findall(r"job_name: '(.+)'", document))
    assert jobs == {component.job for component in CONDUIT.components[:2]}


def test_every_heading_of_an_entry_is_one_of_the_document(document: str) -> None:
    assert headings_given(CONDUIT) <= headings(document)
