"""The A/B platform's profile holds all that the platform's document names, heading by heading.

The literal lists below were written from the document. Where the document itself is present, beside the checkout, it is
walked too and compared text for text.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import NoReturn

import pytest

from tests.catalog.documents import document_of, fenced, headings, headings_given, section
from workbench.catalog import load_catalog

CATALOG = load_catalog()
PLATFORM = CATALOG.profile("llm-ab-testing")
OBJECTIVES = {objective.id: objective for objective in CATALOG.objectives["llm-ab-testing"]}

FAMILIES = {
    "system_cpu_usage_percent": "CPU usage by core",
    "system_memory_usage_bytes": "Memory usage by type",
    "system_memory_usage_percent": "Overall memory percentage",
    "process_threads_total": "Number of process threads",
    "process_open_fds_total": "Open file descriptors",
    "system_disk_usage_bytes": "Disk usage by device and type",
    "system_disk_usage_percent": "Disk usage percentage",
    "system_network_bytes_total": "Network bytes transferred",
    "http_requests_total": "Total HTTP requests by method, endpoint, status",
    "http_request_duration_seconds": "Request duration histogram",
    "database_queries_total": "Total queries by operation and table",
    "database_query_duration_seconds": "Query duration histogram",
    "database_connections_active": "Active database connections",
    "authentication_attempts_total": "Auth attempts by result and method",
    "authentication_duration_seconds": "Auth duration histogram",
    "application_errors_total": "Application errors by component and type",
    "security_events_total": "Security events by type and severity",
    "rate_limit_hits_total": "Rate limit violations",
    "tests_created_total": "Total tests created by user role",
    "tests_active_total": "Currently active tests",
    "test_duration_hours": "Test duration histogram",
    "model_requests_total": "Model requests by provider, model, status",
    "model_response_time_seconds": "Model response time",
    "model_tokens_total": "Token usage by provider and type",
    "user_actions_total": "User actions by type and role",
    "active_users_total": "Currently active users",
}
ADDED = {"up", "health_check_status", "health_check_duration_seconds", "process_start_time_seconds"}

THRESHOLDS = {
    "CPU usage > 90% for 5 minutes": ("critical", 90, "percent", 300_000),
    "Memory usage > 95% for 2 minutes": ("critical", 95, "percent", 120_000),
    "Disk usage > 95%": ("critical", 95, "percent", 0),
    "Error rate > 10% for 10 minutes": ("critical", 0.1, "ratio", 600_000),
    "Response time > 10 seconds": ("critical", 10, "s", 0),
    "CPU usage > 80% for 10 minutes": ("warning", 80, "percent", 600_000),
    "Memory usage > 85% for 5 minutes": ("warning", 85, "percent", 300_000),
    "Disk usage > 90%": ("warning", 90, "percent", 0),
    "Error rate > 5% for 15 minutes": ("warning", 0.05, "ratio", 900_000),
    "Response time > 5 seconds": ("warning", 5, "s", 0),
}

QUERIES = {
    "Average response time": (
        "rate(http_request_duration_seconds_sum[5m]) / rate(http_request_duration_seconds_count[5m])"
    ),
    "Error rate": 'rate(http_requests_total{status_code=~"5.."}[5m]) / rate(http_requests_total[5m])',
    "Database query performance": "histogram_quantile(0.95, rate(database_query_duration_seconds_bucket[5m]))",
    "Active users": "active_users_total",
}

ALERTS = {
    "database_connection_failed": (
        "database_health == 'unhealthy'", 60_000, "critical", ("email", "slack", "webhook"),
        "Database connection failure",
    ),
    "high_error_rate": ("error_rate > 0.1", 600_000, "high", ("email", "slack"), "High error rate in API requests"),
}  # fmt: skip

EVENT_TYPES = ["request", "response", "error", "security", "performance", "business", "system", "audit"]

FIELDS = [
    "timestamp",
    "level",
    "message",
    "event_type",
    "context.correlation_id",
    "context.user_id",
    "context.session_id",
    "context.trace_id",
    "context.span_id",
    "metadata.module",
    "metadata.function",
    "metadata.line",
    "metadata.ip_address",
    "metadata.user_agent",
    "metadata.duration_ms",
]

FILES = [
    ("app.log", "daily", "30 days"),
    ("app_errors.log", "10MB", "5 files"),
    ("security.log", "10MB", "10 files"),
]

DASHBOARDS = {
    "System Overview Dashboard": [
        "System resource utilization",
        "Application performance metrics",
        "Error rates and response times",
        "Active users and sessions",
    ],
    "Application Performance Dashboard": [
        "Request throughput and latency",
        "Database query performance",
        "Cache hit rates",
        "External service response times",
    ],
    "Business Metrics Dashboard": [
        "Test creation and completion rates",
        "Model provider performance",
        "User activity patterns",
        "Cost and usage analytics",
    ],
    "Security Dashboard": [
        "Authentication metrics",
        "Security events timeline",
        "Rate limiting statistics",
        "Threat detection alerts",
    ],
}


def test_every_metric_family_is_listed_and_used_by_a_role() -> None:
    assert {name: PLATFORM.metrics[name].help for name in FAMILIES} == FAMILIES
    assert set(PLATFORM.metrics) == set(FAMILIES) | ADDED
    assert {role.metric for role in PLATFORM.roles.values()} == set(PLATFORM.metrics)


def test_gauges_whose_names_end_like_counters_are_gauges() -> None:
    for name in ("process_threads_total", "process_open_fds_total", "tests_active_total", "active_users_total"):
        assert PLATFORM.metrics[name].kind == "gauge"


def test_the_label_of_the_status_is_the_one_the_queries_ask_for() -> None:
    assert "status_code" in PLATFORM.metrics["http_requests_total"].labels
    assert "status" not in PLATFORM.metrics["http_requests_total"].labels
    assert PLATFORM.metrics["http_requests_total"].corrected == "by method, endpoint, status_code"


def test_every_query_is_kept_word_for_word() -> None:
    assert {query.title: query.documented for query in PLATFORM.queries} == QUERIES


def test_every_alert_keeps_its_condition_and_says_it_in_promql() -> None:
    told = {
        rule.name: (rule.documented, rule.for_ms, rule.severity, rule.channels, rule.annotations["summary"])
        for rule in PLATFORM.alert_rules
        if not rule.derived
    }
    assert told == ALERTS
    assert all(rule.dialect == "other" and rule.expr == rule.corrected for rule in PLATFORM.alert_rules[:2])
    assert all(rule.labels == PLATFORM.scope for rule in PLATFORM.alert_rules)


def test_every_threshold_is_a_figure_and_an_alert() -> None:
    figures = {
        entry.documented: (entry.severity, entry.value, entry.unit, entry.for_ms) for entry in PLATFORM.thresholds
    }
    assert figures == THRESHOLDS
    alerts = {(rule.expr, rule.for_ms) for rule in PLATFORM.alert_rules}
    assert {(f"{entry.expr} > {entry.value:g}", entry.for_ms) for entry in PLATFORM.thresholds} <= alerts


def test_logs_keep_their_files_levels_events_and_fields() -> None:
    assert [(stream.file, stream.rotation, stream.retention) for stream in PLATFORM.logs] == FILES
    assert list(PLATFORM.logs[0].levels) == ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    assert list(PLATFORM.logs[0].event_types) == EVENT_TYPES
    for stream in PLATFORM.logs:
        assert [field.path for field in stream.fields] == FIELDS
        assert stream.format == "json"


def test_one_trace_in_ten_is_kept() -> None:
    assert PLATFORM.tracing is not None
    assert PLATFORM.tracing.sampling == 0.1
    assert {span.sampling for span in PLATFORM.spans} == {0.1}
    told = {span.name: span.attributes for span in PLATFORM.spans if not span.assumed}
    assert told == {"business_operation": (), "model_inference": ("model_provider", "tokens_used")}


def test_every_dashboard_panel_shows_something_or_says_what_is_not_measured() -> None:
    assert {board.title: [panel.title for panel in board.panels] for board in PLATFORM.dashboards} == DASHBOARDS
    for board in PLATFORM.dashboards:
        for panel in board.panels:
            assert bool(panel.shows) != bool(panel.not_measured), panel.title


def test_channels_components_and_health() -> None:
    assert [(channel.name, channel.kind, channel.target) for channel in PLATFORM.channels] == [
        ("email", "email", ""),
        ("slack", "slack", "#alerts"),
        ("webhook", "webhook", ""),
    ]
    assert {part.title: part.port for part in PLATFORM.components if part.port} == {
        "LLM A/B Testing Platform": 9090,
        "Prometheus": 9091,
        "Grafana": 3001,
        "Jaeger": 16686,
    }
    urls = [endpoint.url for endpoint in PLATFORM.health]
    assert urls[:3] == ["/health", "/health/detailed", "/health/metrics"]
    assert {endpoint.interval_ms for endpoint in PLATFORM.health} == {60_000}


def test_what_has_no_signal_is_not_measured() -> None:
    open_ = {entry.name for entry in PLATFORM.not_measured}
    assert {"cost", "budgets", "quality", "cache-hits", "queues", "sessions", "backups"} <= open_
    words = {name.partition(".")[0] for name in PLATFORM.roles}
    assert not words & {"cost", "budget", "budget_used", "quality", "cache_hits", "queue"}


def test_all_goals_are_marked_derived() -> None:
    assert list(OBJECTIVES) == ["error-rate", "latency", "provider-success", "database"]
    assert all(objective.derived and objective.assumptions for objective in OBJECTIVES.values())


@pytest.fixture
def document(omit: Callable[[str], NoReturn]) -> str:
    return document_of("llm-ab-testing", omit)


def test_the_metrics_and_rules_of_the_document_are_these(document: str) -> None:
    assert dict(re.findall(r"^- `(\w+)` - (.+)$", section(document, "## Metrics & KPIs"), re.M)) == FAMILIES
    assert re.findall(r"^- (.+)$", section(document, "### Performance Thresholds"), re.M) == list(THRESHOLDS)
    (block,) = fenced(section(document, "### Prometheus Queries"), "promql")
    assert dict(re.findall(r"^# (.+)\n(.+)$", block, re.M)) == QUERIES
    rules = re.findall(
        r'- name: "(\w+)"\n  description: "(.+)"\n  condition: "(.+)"\n  severity: "(\w+)"\n  channels: (.+)\n'
        r"  duration_minutes: (\d+)",
        document,
    )
    assert {
        name: (condition, int(minutes) * 60_000, severity, tuple(json.loads(channels)), text)
        for name, text, condition, severity, channels, minutes in rules
    } == ALERTS


def test_the_logs_traces_and_health_of_the_document_are_these(document: str) -> None:
    levels = section(document, "### Log Levels & Categories")
    assert re.findall(r"^- `([A-Z]+)`", levels, re.M) == list(PLATFORM.logs[0].levels)
    assert dict(re.findall(r"^- `([a-z]+)`: (.+)$", levels, re.M)) == PLATFORM.logs[0].event_types
    record = json.loads(fenced(section(document, "### Structured Logging Format"), "json")[0])
    paths = [
        f"{key}.{inner}" if inner else key
        for key, value in record.items()
        for inner in (value if isinstance(value, dict) else [""])
    ]
    assert paths == FIELDS
    assert re.findall(r"^- `(\w+\.log)`", section(document, "### Log Management"), re.M) == [name for name, *_ in FILES]
    tracing = PLATFORM.tracing
    assert tracing is not None
    assert f'service_name="{tracing.service}"' in document
    assert f'jaeger_endpoint="{tracing.exporter}"' in document
    assert f"sampling_ratio={tracing.sampling}" in document
    bullets = r"^- (.+)$"
    assert re.findall(bullets, section(document, "### Instrumentation").split("**Manual")[0], re.M) == list(
        tracing.instrumented
    )
    watch = section(document, "### Trace Analysis").split("**Performance")[0]
    assert re.findall(bullets, watch, re.M) == list(tracing.watch)
    endpoints = section(document, "### Health Endpoints")
    assert re.findall(r"`GET (.+?)`", endpoints) == [entry.url for entry in PLATFORM.health[:3]]
    assert json.loads(fenced(endpoints, "json")[0], parse_float=Decimal) == PLATFORM.health[0].answer


def test_the_dashboards_and_checklists_of_the_document_are_these(document: str) -> None:
    boards = section(document, "### Grafana Dashboards")
    assert re.findall(r"^\*\*(.+):\*\*$", boards, re.M) == list(DASHBOARDS)
    assert re.findall(r"^- (.+)$", boards, re.M) == [text for panels in DASHBOARDS.values() for text in panels]
    daily = section(document, "### Daily Monitoring Tasks")
    listed = [item.text for entry in PLATFORM.checklists for item in entry.items]
    given = re.findall(r"^(?:\d\.|-) (.+)$", daily, re.M)
    given += [f"{day}: {text}" for day, text in re.findall(r"^\*\*(\w+day)\*\*: (.+)$", document, re.M)]
    given += re.findall(r"^- (.+)$", section(document, "### Monthly Monitoring Activities"), re.M)
    assert listed == given
    issues = section(document, "### Common Issues")
    assert re.findall(r"^\*\*(.+):\*\*$", issues, re.M) == [guide.title for guide in PLATFORM.guides[:4]]
    assert re.findall(r"^\d\. (.+)$", issues, re.M) == [step for guide in PLATFORM.guides[:4] for step in guide.steps]
    for heading, guides in (("### Trace Analysis", PLATFORM.guides[5:6]),
                            ("### Performance Optimization", PLATFORM.guides[6:])):  # fmt: skip
        advice = section(document, heading)[section(document, heading).index(f"**{guides[0].title}:**") :]
        assert re.findall(r"^\*\*(.+):\*\*$", advice, re.M) == [guide.title for guide in guides]
        assert re.findall(r"^- (.+)$", advice, re.M) == [step for guide in guides for step in guide.steps]
    contact = section(document, "## Contact Information")
    assert re.findall(r"^\d\. (.+)$", contact, re.M) == list(PLATFORM.guides[4].steps)
    settings = dict(re.findall(r"^([A-Z_]+)=(.+)$", section(document, "### Environment Variables"), re.M))
    secret = {"SLACK_WEBHOOK_URL", "ALERT_FROM_EMAIL", "ALERT_TO_EMAILS"}
    assert PLATFORM.components[0].settings == {name: text for name, text in settings.items() if name not in secret}


def test_every_heading_of_an_entry_is_one_of_the_document(document: str) -> None:
    assert headings_given(PLATFORM) <= headings(document)
