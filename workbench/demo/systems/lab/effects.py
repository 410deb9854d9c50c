"""What an event does to the Lab's metrics: the series it shows in, and what can be expected of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.core.timerange import MINUTE_MS, from_ms
from workbench.demo.engine.day import Floats
from workbench.demo.scenario import Event
from workbench.demo.systems.lab.generation import METHODS
from workbench.demo.systems.lab.machines import MOUNTS, free_share
from workbench.demo.systems.lab.places import SYSTEM

_REQUESTS = ("http_requests_total",)
_LATENCY = ("http_request_duration_seconds_bucket", "http_request_duration_seconds_sum")
_GENERATION = (
    "counterfactual_generation_duration_seconds_bucket",
    "counterfactual_generation_duration_seconds_sum",
)

#: Kind -> metrics, further matchers.
SHOWS: dict[str, tuple[tuple[str, ...], str]] = {
    "outage": (_REQUESTS, 'status="503"'),
    "slow_burn": (_REQUESTS, 'status="500"'),
    "maintenance": (_REQUESTS, 'status="503"'),
    "traffic": (_REQUESTS, ""),
    "latency_regression": (_LATENCY, ""),
    "flapping_alert": (_GENERATION, ""),
    "generation_failures": (("counterfactual_generation_total",), 'status="failure"'),
    "quality_drift": (("counterfactual_quality_score",), ""),
    "bias_drift": (("bias_evaluation_score",), ""),
    "filling_disk": (("node_filesystem_avail_bytes",), ""),
    "stale_alert": (("container_memory_usage_bytes",), ""),
    "deploy": (("process_start_time_seconds",), ""),
    "crash": (("process_start_time_seconds", "up"), ""),
    "failed_backup": (("backup_last_success_timestamp_seconds",), ""),
    "scrape_gap": (("up",), ""),
}
#: Label of a scenario's ``where`` -> label of the series.
_LABEL = {"generator": "method", "node": "instance", "container": "name"}


def affected(event: Event) -> list[str]:
    """Selectors of the series in which the event shows."""
    metrics, fixed = SHOWS[event.kind]
    if event.kind == "latency_regression" and event.signal == "generation":
        metrics = _GENERATION
    narrowed = [f'{_LABEL.get(label, label)}=~"{"|".join(values)}"' for label, values in event.where.items()]
    matchers = ",".join([f'system="{SYSTEM}"', *([fixed] if fixed else []), *narrowed])
    return [f"{metric}{{{matchers}}}" for metric in metrics]


def expected(event: Event) -> dict[str, Any]:
    """Return when a disk is full, where a score ends, how often an alert comes back; all without noise."""
    if event.kind == "filling_disk":
        return {"full_at": {mount: _full_at(event, mount) for mount in MOUNTS if event.concerns(mountpoint=mount)}}
    if event.kind == "quality_drift":
        chosen = [method for method in METHODS if event.concerns(generator=method)]
        return {"score_at_end": {method: round(METHODS[method][4] - event.magnitude, 4) for method in chosen}}
    if event.kind == "flapping_alert":
        return {"pulses": -(-(event.end - event.start) // (event.on + event.off))}
    return {}


def _full_at(event: Event, mount: str) -> str | None:
    minutes = np.arange(event.start, event.end)
    left: Floats = free_share(mount, minutes) - event.level(minutes)
    full = np.flatnonzero(left <= 0)
    return from_ms(int(minutes[full[0]]) * MINUTE_MS).isoformat().replace("+00:00", "Z") if len(full) else None
