"""Nothing of the four documents is left out: every label they name, what is not measured, and every heading.

The lists were written from the documents. Where these stand beside the checkout, each of their headings must be one
that an entry of the profile points at, or one of those that name nothing to watch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest

from tests.catalog.documents import document_of, headings, headings_given
from workbench.catalog import load_catalog

CATALOG = load_catalog()

#: Labels that the documents give, by metric; Conduit's names none. One that is described only ("by component and type")
#: has the profile's name; one that a query of the same document names has the query's.
LABELS: dict[str, dict[str, set[str]]] = {
    "choreoai": {
        "choreoai_requests_total": {"provider", "model", "endpoint", "status"},
        "choreoai_request_duration_seconds": {"provider", "endpoint"},
        "choreoai_tokens_total": {"provider", "model", "type"},
        "choreoai_errors_total": {"provider", "error_type"},
    },
    "conduit": {},
    "counterfactual-lab": {
        "http_requests_total": {"method", "status"},
        "counterfactual_generation_total": {"method", "status"},
        "node_cpu_seconds_total": {"mode"},
        "api_costs_total": {"service"},
        "storage_costs_total": {"type"},
        "compute_costs_total": {"instance_type"},
    },
    "llm-ab-testing": {
        "system_cpu_usage_percent": {"core"},
        "system_memory_usage_bytes": {"type"},
        "system_disk_usage_bytes": {"device", "type"},
        "http_requests_total": {"method", "endpoint", "status_code"},
        "database_queries_total": {"operation", "table"},
        "authentication_attempts_total": {"result", "method"},
        "application_errors_total": {"component", "error_type"},
        "security_events_total": {"event_type", "severity"},
        "tests_created_total": {"role"},
        "model_requests_total": {"provider", "model", "status"},
        "model_tokens_total": {"provider", "type"},
        "user_actions_total": {"action", "role"},
    },
}

NOT_MEASURED = {
    "choreoai": {
        "quality", "budgets", "keys", "provider-limits", "first-token", "duration-model", "cache-hits", "network",
        "disk", "memory-limit", "database", "access", "deployments",
    },
    "conduit": {
        "operations", "quality", "provider-limits", "provider-duration", "budget-amount", "monitoring-cpu",
        "monitoring-memory", "monitoring-network", "monitoring-storage", "concurrent-customers", "key-operations",
        "deployments",
    },
    "counterfactual-lab": {
        "gpu", "network", "disk-io", "cache-hits", "inference-time", "model-accuracy", "daily-active-users",
        "feature-adoption", "certificates", "external-probes", "redis", "postgres", "vulnerabilities", "access",
        "backups", "garbage-collection", "database-queries", "deployments", "monitoring-storage",
    },
    "llm-ab-testing": {
        "cost", "budgets", "quality", "cache-hits", "sessions", "provider-limits", "queues", "connection-pool",
        "slow-queries", "garbage-collection", "top-processes", "backups", "threats", "deployments", "notifications",
    },
}  # fmt: skip

GUIDES = {
    "choreoai": ["High Memory Usage", "Slow Responses", "High Error Rates", "Debugging Tools"],
    "conduit": ["High Memory Usage", "Missing Metrics", "Performance Impact"],
    "counterfactual-lab": ["High Memory Usage", "High Error Rate", "Slow Response Times"],
    "llm-ab-testing": [
        "High CPU Usage", "Memory Leaks", "Database Performance", "External Service Issues", "Escalation",
        "Performance Analysis", "Application Level", "Infrastructure Level",
    ],
}  # fmt: skip

HEALTH = {
    "choreoai": ["http://localhost:8000/health"] * 4,
    "conduit": [
        "http://localhost/metrics",
        "http://localhost:9090/api/v1/targets",
        "http://localhost:9090/api/v1/label/__name__/values",
    ],
    "counterfactual-lab": [
        "http://prometheus:9090/-/healthy",
        "http://prometheus:9090/api/v1/status/config",
        "http://prometheus:9090/api/v1/targets",
        "http://grafana:3000/api/health",
        "http://grafana:3000/api/datasources/proxy/1/api/v1/query?query=up",
    ],
    "llm-ab-testing": [
        "/health",
        "/health/detailed",
        "/health/metrics",
        "https://api.openai.com",
        "https://api.anthropic.com",
    ],
}

INTEGRATIONS = {
    "choreoai": ["Filebeat to Elasticsearch"],
    "conduit": ["Thanos", "S3 storage", "TLS and sign-in of the /metrics endpoints"],
    "counterfactual-lab": ["AWS CloudWatch", "DataDog"],
    "llm-ab-testing": [],
}

#: Headings under which nothing is named that could be watched: pictures, links, how to install, and advice to those who
#: write metrics. What a drawing or an overview repeats stands under the heading that explains it.
NOTHING_TO_WATCH = {
    "choreoai": {
        "Additional Resources",
        "Next Steps",
        "Overview",
        "Table of Contents",
        "Logging / ELK Stack Integration / Filebeat Configuration",
        "Logging / ELK Stack Integration / Logstash Pipeline",
        "Metrics Collection / Prometheus Integration / 1. Install Prometheus Python Client",
        "Metrics Collection / Prometheus Integration / 2. Configure Metrics Endpoint",
        "Metrics Collection / Prometheus Integration / 3. Prometheus Configuration",
    },
    "conduit": {
        "Additional Resources",
        "Best Practices / 1. Metric Naming Conventions",
        "Best Practices / 5. Dashboard Guidelines",
        "Setup Instructions / 1. Docker Compose Configuration",
    },
    "counterfactual-lab": {
        "Architecture",
        "Best Practices",
        "Best Practices / Alert Design",
        "Best Practices / Dashboard Design",
        "Best Practices / Metric Design",
        "Performance Optimization / Metrics Cardinality",
        "Performance Optimization / Query Optimization",
        "Resources",
        "Security Considerations",
        "Security Considerations / Access Control",
        "Security Considerations / Data Privacy",
        "Security Considerations / Network Security",
    },
    "llm-ab-testing": {
        "Additional Resources",
        "Architecture Overview",
        "Architecture Overview / Data Flow",
        "Architecture Overview / Monitoring Stack",
        "Logging System / Log Levels & Categories",
        "Overview",
    },
}

SYSTEMS = sorted(LABELS)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_label_of_the_document_is_there_and_all_others_are_assumptions(system: str) -> None:
    given = {name: set(family.labels) - set(family.assumed) for name, family in CATALOG.profile(system).metrics.items()}
    assert {name: labels for name, labels in given.items() if labels} == LABELS[system]


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_not_measured_is_said_with_the_signal_that_is_missing(system: str) -> None:
    entries = CATALOG.profile(system).not_measured
    assert {entry.name for entry in entries} == NOT_MEASURED[system]
    assert all(entry.signal and entry.question.endswith("?") for entry in entries)


@pytest.mark.parametrize("system", SYSTEMS)
def test_guides_health_endpoints_and_integrations_are_those_of_the_document(system: str) -> None:
    profile = CATALOG.profile(system)
    assert [guide.title for guide in profile.guides] == GUIDES[system]
    assert [endpoint.url for endpoint in profile.health] == HEALTH[system]
    assert [entry.title for entry in profile.integrations] == INTEGRATIONS[system]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_heading_is_pointed_at_or_names_nothing_to_watch(system: str, omit: Callable[[str], NoReturn]) -> None:
    given = headings_given(CATALOG.profile(system))
    assert not given & NOTHING_TO_WATCH[system]
    within = {
        heading
        for heading in headings(document_of(system, omit))
        if heading in given or any(other.startswith(f"{heading} / ") for other in given)
    }
    assert headings(document_of(system, omit)) - within == NOTHING_TO_WATCH[system]
