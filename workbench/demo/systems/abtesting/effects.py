"""What an event does to the platform's metrics: the series it shows in, and what can be expected of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.core.timerange import MINUTE_MS, from_ms
from workbench.demo.scenario import Event
from workbench.demo.systems.abtesting.places import DISKS
from workbench.demo.systems.abtesting.surroundings import used_share

_HTTP = ("http_requests_total",)

#: Kind -> metrics, further matchers.
SHOWS: dict[str, tuple[tuple[str, ...], str]] = {
    "outage": (_HTTP, 'status_code="503"'),
    "slow_burn": (_HTTP, 'status_code="500"'),
    "maintenance": (_HTTP, 'status_code="503"'),
    "traffic": (_HTTP, ""),
    "latency_regression": (("http_request_duration_seconds_bucket", "model_response_time_seconds_bucket"), ""),
    "filling_disk": (("system_disk_usage_percent", "system_disk_usage_bytes"), ""),
    "stale_alert": (("system_memory_usage_percent", "system_memory_usage_bytes"), ""),
    "deploy": (("process_start_time_seconds",), ""),
    "crash": (("process_start_time_seconds", "up"), ""),
    "scrape_gap": (("up",), ""),
    "silence": (("ALERTS",), ""),
    "provider_outage": (("model_requests_total",), 'status="error"'),
    "provider_limit": (("model_requests_total",), 'status="rate_limited"'),
    "auth_attack": (("authentication_attempts_total",), 'result="failure"'),
    "alert_burst": (
        (
            "http_requests_total",
            "http_request_duration_seconds_bucket",
            "database_query_duration_seconds_bucket",
            "health_check_status",
            "system_cpu_usage_percent",
            "system_memory_usage_percent",
        ),
        "",
    ),
}


def expected(event: Event) -> dict[str, Any]:
    """Return when a disk is full and how many attempts an attack makes, what a silence says; without noise."""
    if event.kind == "filling_disk":
        return {"full_at": {device: _full_at(event, device) for device in DISKS if event.concerns(device=device)}}
    if event.kind == "silence":
        return {"silence": _silence(event)}
    if event.kind == "auth_attack":
        minutes = np.arange(event.start, event.end)
        return {"attempts": round(float(event.level(minutes).sum()))}
    return {}


def _silence(event: Event) -> dict[str, Any]:
    """Return the silence as the API of Alertmanager gives it."""
    begins, ends = (
        from_ms(minute * MINUTE_MS).isoformat().replace("+00:00", "Z") for minute in (event.start, event.end)
    )
    names = "|".join(event.where.get("alertname", (".*",)))
    matcher = {"name": "alertname", "value": names, "isRegex": True, "isEqual": True}
    return {
        "id": event.id,
        "startsAt": begins,
        "endsAt": ends,
        "createdBy": "on-call",
        "comment": event.note or event.id,
        "matchers": [matcher],
    }


def _full_at(event: Event, device: str) -> str | None:
    minutes = np.arange(event.start, event.end)
    full = np.flatnonzero(used_share(device, minutes) + event.level(minutes) >= 1)
    return from_ms(int(minutes[full[0]]) * MINUTE_MS).isoformat().replace("+00:00", "Z") if len(full) else None
