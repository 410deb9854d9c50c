"""What there is in the LLM A/B Testing Platform: targets, endpoints, models."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.series import Labels
from workbench.demo.engine.day import Target
from workbench.demo.engine.histogram import Buckets

SYSTEM = "llm-ab-testing"

#: The first instance serves people (tests and sign-ins), the second evaluates models.
PEOPLE, EVALUATOR = APPS = tuple(Target("llm-ab-testing", f"app-{number}:9090") for number in (1, 2))
HEALTH = Target("llm-ab-testing-health", "app-1:8000")
TARGETS = (*APPS, HEALTH)
PROCESSES = tuple(target.instance for target in APPS)

BUCKETS = Buckets((0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0))


@dataclass(frozen=True, eq=False)
class Endpoint:
    """One endpoint: its load, how its requests usually end (by status), its durations (median [s], sigma)."""

    method: str
    path: str
    target: Target
    rate: float
    ends: dict[str, float]
    median: float
    sigma: float


TESTS = Endpoint(
    "GET", "/api/v1/tests", PEOPLE, 9.0, {"200": 0.9875, "404": 0.011, "500": 0.0015, "503": 0.0}, 0.09, 0.8
)
LOGIN = Endpoint(
    "POST", "/auth/login", PEOPLE, 1.6, {"200": 0.955, "401": 0.0445, "429": 0.0, "500": 0.0005, "503": 0.0}, 0.14, 0.5
)
EVALUATIONS = Endpoint(
    "POST", "/api/v1/evaluations", EVALUATOR, 4.2,
    {"200": 0.974, "400": 0.012, "429": 0.001, "500": 0.009, "503": 0.0}, 1.6, 0.28,
)  # fmt: skip
ENDPOINTS = (TESTS, LOGIN, EVALUATIONS)

#: Provider -> model, tokens read and written by one request, durations (median [s], sigma).
MODELS = {
    "openai": ("gpt-4o", 880.0, 340.0, 1.05, 0.5),
    "anthropic": ("claude-sonnet-4", 930.0, 390.0, 1.2, 0.45),
}
CORES = ("0", "1")
#: Device -> size [GiB], share used at the start of 2026, share used up a year.
DISKS = {"sda1": (128, 0.52, 0.14)}


def labels(target: Target, metric: str, /, **more: str) -> Labels:
    """Label set of a series of a target."""
    return {"__name__": metric, "system": SYSTEM, "job": target.job, "instance": target.instance, **more}
