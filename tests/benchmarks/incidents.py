"""Simulated incidents of every kind that lines or spans tell of, and quiet windows, with what must be found in each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from workbench.core.timerange import TimeRange

#: (system, kind) -> (narrowing, least and greatest magnitude, pattern of the true template, true operations, row kind).
#: An empty pattern: no template of its own; then the operation or the row of attributes is the truth.
CASES: dict[tuple[str, str], tuple[dict[str, Any], tuple[float, float], str, tuple[str, ...], str]] = {
    ("counterfactual-lab", "outage"): ({}, (0.3, 0.9), "503 in .* upstream unavailable", ("http.request",), ""),
    ("counterfactual-lab", "slow_burn"): ({}, (0.05, 0.3), "500 in .* unhandled error", ("http.request",), ""),
    ("counterfactual-lab", "maintenance"): (
        {"instance": "lab-3:8000"}, (0.5, 1.0), "503 in .* upstream unavailable", ("http.request",), "bad requests"),
    ("counterfactual-lab", "latency_regression"): ({}, (0.4, 0.8), "", ("http.request",), "slow operation"),
    ("counterfactual-lab", "generation_failures"): (
        {}, (0.4, 0.9), "generation with .* failed", ("model.inference",), ""),
    ("counterfactual-lab", "crash"): ({"instance": "lab-2:8000"}, (0, 0), "killed: out of memory", (), ""),
    ("counterfactual-lab", "traffic"): ({}, (4, 8), "", ("all requests",), "traffic mix"),
    ("conduit", "outage"): ({}, (0.4, 0.9), "503: no connection to a provider", ("http.request",), ""),
    ("conduit", "slow_burn"): ({}, (0.2, 0.5), "500: the database did not answer", ("provider.request",), ""),
    ("conduit", "latency_regression"): ({}, (0.4, 0.8), "", ("provider.request",), "slow operation"),
    ("conduit", "provider_outage"): (
        {"provider": "openai"}, (0.3, 0.9), "502: the provider answered", ("provider.request",), ""),
    ("conduit", "provider_limit"): (
        {"provider": "openai"}, (0.3, 0.9), "429: the rate limit", ("provider.request",), ""),
    ("conduit", "runaway_key"): ({"key": "vk-004"}, (20, 60), "", ("vk-004", "gpt-4o"), "traffic mix"),
    ("conduit", "model_switch"): ({"key": "vk-001"}, (0.6, 0.9), "", ("gpt-4o", "gpt-4o-mini"), "traffic mix"),
    ("llm-ab-testing", "outage"): ({}, (0.4, 0.9), "503: database connection failed", ("db.query",), ""),
    ("llm-ab-testing", "slow_burn"): (
        {}, (0.2, 0.5), "500: unexpected error", ("http.request", "model_inference"), ""),
    ("llm-ab-testing", "latency_regression"): (
        {}, (0.4, 0.8), "", ("http.request", "db.query", "model_inference", "authentication", "cache.operation"),
        "slow operation"),
    ("llm-ab-testing", "provider_outage"): (
        {"provider": "openai"}, (0.4, 0.9), "evaluations 500: unexpected error", ("model_inference",), ""),
    ("llm-ab-testing", "auth_attack"): (
        {}, (150, 600), "401: wrong password|429: rate limit exceeded|many failing sign-ins", ("authentication",), ""),
    ("llm-ab-testing", "alert_burst"): ({}, (0.5, 0.9), "503: database connection failed", ("db.query",), ""),
    ("choreoai", "outage"): ({}, (0.3, 0.9), "Request completed", ("http.request",), ""),
    ("choreoai", "slow_burn"): ({}, (0.2, 0.5), "Request completed", ("http.request",), ""),
    ("choreoai", "latency_regression"): ({}, (0.4, 0.8), "", ("provider_request",), "slow operation"),
    ("choreoai", "provider_outage"): (
        {"provider": "anthropic"}, (0.5, 0.9), "Provider request failed|Request (failed|completed)",
        ("provider_request",), ""),
    ("choreoai", "provider_limit"): (
        {"provider": "openai"}, (0.3, 0.9), "Provider request failed", ("provider_request",), ""),
    ("choreoai", "queue_backlog"): ({}, (0.8, 0.95), "", ("http.request", "chat_completion", "provider_request"),
                                    "slow operation"),
    ("choreoai", "crash"): ({"instance": "choreoai-1:8000"}, (0, 0), "Service stopped", (), ""),
    ("choreoai", "traffic"): ({}, (3, 6), "", ("all requests",), "traffic mix"),
}  # fmt: skip

_DAYS = 6


@dataclass(frozen=True)
class Incident:
    """A window with its truth; a quiet one has no kind."""

    system: str
    kind: str
    span: TimeRange
    template: str = ""
    operations: tuple[str, ...] = ()
    row: str = ""
    magnitude: float = 0.0


def planned(seed: int, anchor: datetime, count: int = 30) -> tuple[list[Incident], dict[str, Any]]:
    """Place incidents at random in the last six days, so that the week before is quiet; return them and a scenario."""
    draw = np.random.default_rng(seed)
    cases = list(CASES.items())
    chosen = [*cases, *(cases[place] for place in draw.integers(0, len(cases), max(count - len(cases), 0)))][:count]
    taken: dict[str, list[TimeRange]] = {}
    incidents, events = [], []
    for number, ((system, kind), (where, (low, high), template, operations, row)) in enumerate(chosen):
        minutes = int(draw.integers(5, 9)) if kind == "crash" else int(draw.integers(20, 61))
        span = _free(draw, taken.setdefault(system, []), anchor, minutes)
        magnitude = round(float(draw.uniform(low, high)), 3)
        incidents.append(Incident(system, kind, span, template, operations, row, magnitude))
        before = int((anchor - span.start).total_seconds() // 60)
        event: dict[str, Any] = {"id": f"e{number}", "kind": kind, "system": system, "start": f"-{before}m",
                                 "duration": f"{minutes}m"}  # fmt: skip
        event |= {"magnitude": magnitude} if high else {}
        event |= {"where": where} if where else {}
        event |= {"factor": 6} if kind == "latency_regression" else {}
        events.append(event)
    quiet = []
    systems = sorted({system for system, _ in CASES})
    for number in range(count):
        system = systems[number % len(systems)]
        quiet.append(Incident(system, "", _free(draw, taken[system], anchor, int(draw.integers(20, 61)))))
    return [*incidents, *quiet], {"schema": 1, "name": f"incidents-{seed}", "days": 15, "events": events}


def _free(draw: np.random.Generator, taken: list[TimeRange], anchor: datetime, minutes: int) -> TimeRange:
    """Draw a window whose hour before and self touch no other window of the system."""
    while True:
        start = anchor - timedelta(minutes=int(draw.integers(minutes + 5, _DAYS * 1440)))
        span = TimeRange(start, start + timedelta(minutes=minutes))
        wide = TimeRange(start - timedelta(minutes=75), span.end + timedelta(minutes=75))
        if all(one.end <= wide.start or one.start >= wide.end for one in taken):
            taken.append(span)
            return span


def written(scenario: dict[str, Any], folder: Path) -> Path:
    """Write a scenario file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scenario.yaml"
    file.write_text(yaml.safe_dump(scenario))
    return file
