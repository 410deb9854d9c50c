"""What an event does to Conduit's metrics: the series it shows in, and what can be expected of them."""

from __future__ import annotations

from typing import Any

from workbench.demo.scenario import Event
from workbench.demo.systems.conduit.places import DEARER, USES

_HTTP = ("conduit_http_requests_total",)
_MODEL = ("conduit_model_requests_total", "conduit_virtualkey_requests_total")
_MONEY = ("conduit_cost_total_dollars", "conduit_virtualkey_spend_total")

#: Kind -> metrics, further matchers.
SHOWS: dict[str, tuple[tuple[str, ...], str]] = {
    "outage": (_HTTP, 'status_code="503"'),
    "slow_burn": (_HTTP, 'status_code="500"'),
    "maintenance": (_HTTP, 'status_code="503"'),
    "traffic": (_HTTP, ""),
    "latency_regression": (("conduit_http_request_duration_seconds_bucket",), ""),
    "stale_alert": (("conduit_process_memory_bytes",), ""),
    "deploy": (("conduit_process_start_time_seconds",), ""),
    "crash": (("conduit_process_start_time_seconds", "up"), ""),
    "scrape_gap": (("up",), ""),
    "provider_outage": (("conduit_model_requests_total",), 'status="error"'),
    "provider_limit": (("conduit_model_requests_total",), 'status="rate_limited"'),
    "model_switch": ((*_MODEL, *_MONEY, "conduit_virtualkey_budget_utilization_percent"), ""),
    "runaway_key": ((*_MODEL, *_MONEY, "conduit_virtualkey_budget_utilization_percent"), ""),
    "cache_drift": (
        (
            "conduit_cache_statistics_max_drift_percentage",
            "conduit_cache_statistics_aggregation_latency_ms",
            "conduit_cache_misses_total",
        ),
        "",
    ),
    "queue_backlog": (("conduit_tasks_queue_depth", "conduit_rabbitmq_queue_messages"), ""),
    "connection_surge": (("conduit_signalr_connections_active",), ""),
}
#: Label of a scenario's ``where`` -> label of the series; the empty text for labels not all of them have.
NAMES = {"key": "virtual_key_id", "queue": ""}


def expected(event: Event) -> dict[str, Any]:
    """Return what readings come to at the end, and what a switch goes to; all without noise."""
    keys = [use for use in USES if event.concerns(key=use.key)]
    if event.kind == "cache_drift":
        return {"drift_at_end": round(1.6 + event.magnitude, 2)}
    if event.kind == "connection_surge":
        return {"added_at_end": {use.key: round(event.magnitude / len(keys), 1) for use in keys}}
    if event.kind == "model_switch":
        return {"to": {use.key: DEARER[use.model] for use in keys if use.model in DEARER}}
    return {}
