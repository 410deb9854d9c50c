"""ChoreoAI's profile holds all that ChoreoAI's document names, heading by heading.

The literal lists below were written from the document. Where the document itself is present, beside the checkout, it is
walked too and compared text for text.
"""

import json
import re
from collections.abc import Callable
from typing import NoReturn

import pytest

from tests.catalog.documents import document_of, fenced, headings, headings_given, section
from workbench.catalog import load_catalog

CATALOG = load_catalog()
CHOREO = CATALOG.profile("choreoai")
OBJECTIVES = {objective.id: objective for objective in CATALOG.objectives["choreoai"]}

KEY_METRICS = [
    "choreoai_requests_total",
    "choreoai_request_duration_seconds",
    "choreoai_errors_total",
    "choreoai_streaming_requests_total",
    "choreoai_provider_requests_total",
    "choreoai_provider_errors_total",
    "choreoai_provider_latency_seconds",
    "choreoai_tokens_processed_total",
    "choreoai_estimated_cost_total",
    "choreoai_active_connections",
    "choreoai_queue_size",
]

DEFINED = [
    ("choreoai_requests_total", ["provider", "model", "status"]),
    ("choreoai_request_duration_seconds", ["provider", "model"]),
    ("choreoai_requests_total", ["provider", "model", "endpoint", "status"]),
    ("choreoai_request_duration_seconds", ["provider", "endpoint"]),
    ("choreoai_tokens_total", ["provider", "model", "type"]),
    ("choreoai_errors_total", ["provider", "error_type"]),
]

CLIENT_LIBRARY = {
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_start_time_seconds",
}

QUERIES = {
    "Request Rate": "rate(choreoai_requests_total[5m])",
    "Error Rate": "rate(choreoai_errors_total[5m])",
    "P95 Latency": "histogram_quantile(0.95, rate(choreoai_request_duration_seconds_bucket[5m]))",
    "Active Connections": "choreoai_active_connections",
}

ALERTS = [
    ("HighErrorRate", "rate(choreoai_errors_total[5m]) > 0.05", "5m", "warning", "High error rate detected"),
    ("ProviderDown", 'up{job="choreoai"} == 0', "2m", "critical", "ChoreoAI service is down"),
    (
        "HighLatency", "histogram_quantile(0.95, rate(choreoai_request_duration_seconds_bucket[5m])) > 5", "5m",
        "warning", "High request latency",
    ),
    ("RateLimitApproaching", "rate(choreoai_requests_total[1m]) > 80", "5m", "warning", "Approaching rate limit"),
]  # fmt: skip

FIELDS = ["timestamp", "level", "logger", "message", "module", "function", "line", "request_id", "provider", "user_id"]

DROPPED = {
    "method",
    "path",
    "client_ip",
    "status_code",
    "error",
    "error_type",
    "model",
    "tokens",
    "remaining_requests",
    "database",
}

PANELS = {
    "1. Request Overview": [
        "Total requests per minute",
        "Requests by provider",
        "Requests by model",
        "Success/error ratio",
    ],
    "2. Performance Metrics": [
        "Average response time",
        "P50, P95, P99 latency",
        "Throughput (requests/sec)",
        "Queue depth",
    ],
    "3. Provider Health": [
        "Provider availability",
        "Provider error rates",
        "Provider response times",
        "Rate limit status",
    ],
    "4. Resource Usage": ["CPU utilization", "Memory usage", "Network I/O", "Disk usage"],
    "5. Cost Tracking": ["Tokens processed", "Estimated costs by provider", "Cost per request", "Daily/monthly spend"],
}

PROBES = [
    ("liveness", 30_000, 10_000, 5_000, 3),
    ("readiness", 10_000, 5_000, 3_000, 2),
    ("docker", 10_000, 30_000, 5_000, 3),
]


def seconds(ms: int | None) -> str:
    assert ms is not None
    return str(ms // 1000)


def test_every_metric_family_is_listed_and_used_by_a_role() -> None:
    known = {name for family in CHOREO.metrics for name in (family, *CHOREO.metrics[family].aliases)}
    assert known == {*KEY_METRICS, "choreoai_tokens_total", "up", *CLIENT_LIBRARY}
    used = {role.metric for role in CHOREO.roles.values()} | {"choreoai_requests_total"}
    assert used - {""} == set(CHOREO.metrics)


def test_two_names_of_one_metric_are_aliases() -> None:
    assert CHOREO.metrics["choreoai_tokens_total"].aliases == ("choreoai_tokens_processed_total",)
    assert CHOREO.roles["tokens"].aliases == ("choreoai_tokens_processed_total",)


def test_of_two_definitions_the_one_whose_labels_are_filled_is_taken() -> None:
    for name, labels in DEFINED[2:]:
        assert list(CHOREO.metrics[name].labels) == labels
    twice = {name for name, _ in DEFINED[:2]}
    for name in twice:
        family = CHOREO.metrics[name]
        assert family.documented == " and ".join(str(labels) for found, labels in DEFINED if found == name)
        assert family.corrected == str(list(family.labels))


def test_requests_that_raised_are_requests_too() -> None:
    assert CHOREO.roles["requests"].select == '{__name__=~"choreoai_(requests|errors)_total"}'
    names = re.search(r'__name__=~"([^"]+)"', CHOREO.roles["requests"].select)
    assert names is not None
    matched = [name for name in CHOREO.metrics if re.fullmatch(names[1], name)]
    assert matched == ["choreoai_requests_total", "choreoai_errors_total"]


def test_every_query_is_kept_word_for_word() -> None:
    assert {query.title: query.documented for query in CHOREO.queries} == QUERIES


def test_every_alert_keeps_its_text_duration_and_severity() -> None:
    told = [
        (rule.name, rule.documented, f"{rule.for_ms // 60_000}m", rule.severity, rule.annotations["summary"])
        for rule in CHOREO.alert_rules
    ]
    assert told == ALERTS
    assert [rule.name for rule in CHOREO.alert_rules if rule.corrected is None] == ["ProviderDown"]
    assert all(rule.labels == CHOREO.scope for rule in CHOREO.alert_rules)


def test_every_limit_of_an_alert_is_a_threshold_too() -> None:
    corrected = {rule.expr for rule in CHOREO.alert_rules}
    assert {f"{entry.expr} {entry.op} {entry.value:g}" for entry in CHOREO.thresholds} == corrected


def test_logs_say_which_fields_the_formatter_drops() -> None:
    (stream,) = CHOREO.logs
    assert (stream.index, stream.loggers) == ("choreoai-logs-YYYY.MM.dd", ("choreoai",))
    assert [field.path for field in stream.fields if "dropped" not in field.note] == FIELDS
    assert {field.path for field in stream.fields if "dropped" in field.note} == DROPPED
    assert list(stream.levels) == ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


def test_spans_are_all_kept() -> None:
    assert CHOREO.tracing is not None
    assert (CHOREO.tracing.sampling, CHOREO.tracing.exporter) == (1, "http://jaeger:4317")
    assert {span.name: (span.parent, span.attributes) for span in CHOREO.spans if not span.assumed} == {
        "chat_completion": ("http.request", ("provider", "model", "tokens_used")),
        "provider_request": ("chat_completion", ()),
    }


def test_probes_keep_their_timing() -> None:
    assert CHOREO.health[0].answer == {"status": "healthy", "version": "1.0.0", "timestamp": "2024-01-15T10:30:00Z"}
    timing = [
        (probe.name, probe.delay_ms, probe.interval_ms, probe.timeout_ms, probe.failures) for probe in CHOREO.health[1:]
    ]
    assert timing == PROBES


def test_every_dashboard_panel_shows_something_or_says_what_is_not_measured() -> None:
    overview, *boards = CHOREO.dashboards
    assert [panel.title for panel in overview.panels] == list(QUERIES)
    assert [[panel.title for panel in board.panels] for board in boards] == list(PANELS.values())
    for board in CHOREO.dashboards:
        for panel in board.panels:
            assert bool(panel.shows) != bool(panel.not_measured), panel.title


def test_channels_and_what_is_not_measured() -> None:
    assert [(channel.name, channel.kind, channel.target, channel.severities) for channel in CHOREO.channels] == [
        ("default", "slack", "#choreoai-alerts", ()),
        ("pagerduty", "pagerduty", "", ("critical",)),
        ("slack", "slack", "#choreoai-warnings", ("warning",)),
    ]
    open_ = {entry.name for entry in CHOREO.not_measured}
    assert {"quality", "budgets", "keys", "provider-limits", "cache-hits", "network", "disk"} <= open_


def test_all_goals_are_marked_derived() -> None:
    assert list(OBJECTIVES) == ["success", "latency", "provider-success"]
    assert all(objective.derived and objective.assumptions for objective in OBJECTIVES.values())


@pytest.fixture
def document(omit: Callable[[str], NoReturn]) -> str:
    return document_of("choreoai", omit)


def test_the_metrics_and_rules_of_the_document_are_these(document: str) -> None:
    assert re.findall(r"^- `(choreoai_\w+)` - ", document, re.M) == KEY_METRICS
    defined = re.findall(r"(?:Counter|Histogram)\(\s*'(choreoai_\w+)',\s*'[^']+',\s*(\[[^\]]+\])", document)
    assert [(name, json.loads(labels.replace("'", '"'))) for name, labels in defined] == DEFINED
    board = json.loads(fenced(section(document, "### Grafana Dashboard - Overview"), "json")[0])["dashboard"]
    assert board["title"] == CHOREO.dashboards[0].title
    assert {panel["title"]: panel["targets"][0]["expr"] for panel in board["panels"]} == QUERIES
    rules = re.findall(
        r"- alert: (\w+)\n\s+expr: \|\n(.+?)\n\s+for: (\w+)\n\s+labels:\n\s+severity: (\w+)\n\s+annotations:\n"
        r'\s+summary: "([^"]+)"',
        document,
        re.S,
    )
    plain = [(name, re.sub(r"(?<=\() | (?=\))", "", " ".join(expr.split())), *rest) for name, expr, *rest in rules]
    assert plain == ALERTS


def test_the_logs_and_health_of_the_document_are_these(document: str) -> None:
    logging = section(document, "### Structured Logging Configuration")
    fields = re.findall(r'^ +"(\w+)": ', logging, re.M) + re.findall(r"log_data\['(\w+)'\]", logging)
    assert fields == FIELDS
    extras = set(re.findall(r'^ +"(\w+)": ', section(document, "### Request Logging Middleware"), re.M))
    extras |= set(re.findall(r'^ +"(\w+)": ', section(document, "### Log Levels"), re.M))
    assert extras - set(FIELDS) == DROPPED
    said = re.findall(r'logger\.\w+\(\s*"(.+?)"', document)
    assert set(said) == set(CHOREO.logs[0].event_types.values())
    assert 'index: "choreoai-logs-%{+yyyy.MM.dd}"' in document
    assert re.findall(r'start_as_current_span\("(\w+)"\)', document) == [
        span.name for span in CHOREO.spans if not span.assumed
    ]
    assert re.findall(r'set_attribute\("(\w+)"', section(document, "### Custom Spans")) == [
        name for span in CHOREO.spans if not span.assumed for name in span.attributes
    ]
    assert json.loads(fenced(section(document, "### Built-in Health Endpoint"), "json")[0]) == CHOREO.health[0].answer
    for probe, title in zip(CHOREO.health[1:3], ("Liveness", "Readiness"), strict=True):
        numbers = re.findall(r"(?:Seconds|Threshold): (\d+)", section(document, f"### Kubernetes {title} Probe"))
        assert numbers == [*map(seconds, (probe.delay_ms, probe.interval_ms, probe.timeout_ms)), str(probe.failures)]
    docker = CHOREO.health[3]
    assert (
        f"--interval={seconds(docker.interval_ms)}s --timeout={seconds(docker.timeout_ms)}s "
        f"--start-period={seconds(docker.delay_ms)}s --retries={docker.failures}"
    ) in document


def test_the_panels_guides_and_settings_of_the_document_are_these(document: str) -> None:
    for heading, panels in PANELS.items():
        assert re.findall(r"^- (.+)$", section(document, f"#### {heading}"), re.M) == panels
    assert re.findall(r"^# (.+)$", section(document, "### Debugging Tools"), re.M) == list(CHOREO.guides[-1].steps)
    for guide in CHOREO.guides[:-1]:
        assert re.findall(r"^- (.+)$", section(document, f"#### {guide.title}"), re.M) == list(guide.steps)
    routing = section(document, "### AlertManager Configuration")
    settings = dict(re.findall(r"^  (\w+): (\w+)$", routing, re.M))
    kept = next(part.settings for part in CHOREO.components if part.name == "alertmanager")
    assert settings.items() <= {**kept, "receiver": "default"}.items()
    assert re.findall(r"channel: '(.+)'", routing) == [channel.target for channel in CHOREO.channels if channel.target]
    reviews = document.split("6. **Regular Reviews**")[1]
    items = {item.text for entry in CHOREO.checklists for item in entry.items}
    assert set(re.findall(r"^   - (.+)$", reviews, re.M)) <= items
    tested = document.split("5. **Test Alert Rules**")[1].split("6. **")[0]
    assert set(re.findall(r"^   - (.+)$", tested, re.M)) <= items


def test_every_heading_of_an_entry_is_one_of_the_document(document: str) -> None:
    assert headings_given(CHOREO) <= headings(document)
