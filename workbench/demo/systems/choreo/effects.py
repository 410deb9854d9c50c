"""What an event does to ChoreoAI's metrics: the series it shows in, and what can be expected of them."""

from __future__ import annotations

from typing import Any

from workbench.demo.scenario import Event
from workbench.demo.systems.choreo.places import PROVIDERS

_REQUESTS = ("choreoai_requests_total",)

#: Kind -> metrics, further matchers.
SHOWS: dict[str, tuple[tuple[str, ...], str]] = {
    "outage": (_REQUESTS, 'status="500"'),
    "slow_burn": (_REQUESTS, 'status="500"'),
    "maintenance": (_REQUESTS, 'status="500"'),
    "traffic": ((*_REQUESTS, "choreoai_provider_requests_total"), ""),
    "latency_regression": (
        ("choreoai_request_duration_seconds_bucket", "choreoai_provider_latency_seconds_bucket"),
        "",
    ),
    "stale_alert": (("process_resident_memory_bytes",), ""),
    "deploy": (("process_start_time_seconds",), ""),
    "crash": (("process_start_time_seconds", "up"), ""),
    "scrape_gap": (("up",), ""),
    "provider_outage": (("choreoai_provider_errors_total",), 'error_type="ProviderError"'),
    "provider_limit": (("choreoai_provider_errors_total",), 'error_type="RateLimitError"'),
    "model_switch": ((*_REQUESTS, "choreoai_tokens_total", "choreoai_estimated_cost_total"), ""),
    "queue_backlog": (("choreoai_queue_size", "choreoai_active_connections"), ""),
}


def expected(event: Event) -> dict[str, Any]:
    """Return what a switch goes to."""
    if event.kind == "model_switch":
        chosen = [provider for provider in PROVIDERS if event.concerns(provider=provider.name) and provider.dearer]
        return {"to": {choice.name: choice.dearer.name for choice in chosen if choice.dearer}}
    return {}
