"""What the health endpoints of the simulated systems answer at the end of the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from workbench.catalog import Profile
from workbench.core.timerange import MINUTE_MS, from_ms
from workbench.demo.scenario import Event
from workbench.demo.span import Span

#: Events while which a system does not call itself healthy.
SICK = ("outage", "crash", "alert_burst")


def answers(profiles: Mapping[str, Profile], events: Sequence[Event], span: Span) -> list[dict[str, Any]]:
    """Return the answer of every health endpoint that a profile names, and when the system was not healthy.

    Parameters
    ----------
    profiles : mapping of system to Profile
        Profiles by the id of the system.
    events : sequence of Event
        Planted faults of the scenario.
    span : Span
        Time of the health checks.

    Returns
    -------
    list of dict
        ``system, name, url, time, status_code, answer`` and ``unhealthy``, a list of ``start``, ``end``, ``event``.
    """
    checks = []
    for system, profile in profiles.items():
        sick = [event for event in events if event.system == system and event.kind in SICK]
        inside = [
            outage for outage in sick if span.first * 1440 <= outage.start and outage.start * MINUTE_MS <= span.end_ms
        ]
        down = any(outage.start * MINUTE_MS <= span.end_ms < outage.end * MINUTE_MS for outage in inside)
        unhealthy = [
            {"start": _iso(outage.start * MINUTE_MS), "end": _iso(outage.end * MINUTE_MS), "event": outage.id}
            for outage in inside
        ]
        for endpoint in profile.health:
            answer = _plain(endpoint.answer)
            for key, value in (("status", "unhealthy" if down else "healthy"), ("timestamp", _iso(span.end_ms))):
                if key in answer:
                    answer[key] = value
            checks.append(
                {
                    "system": system,
                    "name": endpoint.name,
                    "url": endpoint.url,
                    "time": _iso(span.end_ms),
                    "status_code": 503 if down else 200,
                    "answer": answer,
                    "unhealthy": unhealthy,
                }
            )
    return checks


def _plain(value: Any) -> Any:
    """Turn the decimals of a profile into numbers that JSON knows."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _iso(ms: int) -> str:
    return from_ms(ms).isoformat().replace("+00:00", "Z")
