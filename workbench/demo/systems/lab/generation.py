"""Generations of counterfactuals: outcomes, durations, quality and bias scores, and what the providers charge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from workbench.demo.engine.day import MINUTES, Counts, Day, Exposure, Floats, Tally, Target
from workbench.demo.engine.histogram import Buckets
from workbench.demo.engine.streams import split_counts, split_evenly, split_like
from workbench.demo.systems.lab.places import REPLICAS, labels
from workbench.demo.systems.lab.requests import Requests

BUCKETS = Buckets((1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0))

#: Method -> generations a minute at load 1, share that fails, median [s] and sigma of the duration, usual score.
METHODS = {"modicf": (24.0, 0.006, 9.5, 0.55, 0.862), "icg": (14.0, 0.009, 13.0, 0.5, 0.848)}
ATTRIBUTES = {"gender": 0.91, "age": 0.88, "ethnicity": 0.86}
#: Service -> calls per generation, price of a call in units of 2**-14 dollars.
SERVICES = {"openai": (1.0, 47), "huggingface": (2.0, 6), "stability": (0.6, 118)}
#: Money moves in units of 2**-14 dollars (0.006 cents), so sums of costs are exact.
MONEY = 16_384
QUALITY_THRESHOLD = 0.8
#: Minutes of a slice of the quality objective.
SLICE = 5


@dataclass
class Generations:
    """Generations of a day by method and minute: ``outcomes`` (successes, failures) and ``buckets`` of durations."""

    outcomes: dict[str, Counts]
    buckets: dict[str, Counts]

    def per_request(self, requests: Requests, minutes: Counts) -> Floats:
        """Share of the answered requests of one replica that ask for a generation, for each of these minutes."""
        made = sum(outcome.sum(axis=0) for outcome in self.outcomes.values())
        share: Floats = made / np.maximum(requests.statuses[0] * len(REPLICAS), 1)
        return share[minutes]

    def draw(self, rng: Generator, minute: int) -> tuple[str, bool]:
        """Draw the method of one generation of a minute, and whether it fails."""
        kinds = [(method, failed) for method in self.outcomes for failed in (False, True)]
        counts = np.array([self.outcomes[method][int(failed), minute] for method, failed in kinds])
        rank = rng.random() * counts.sum()
        return kinds[int(np.searchsorted(np.cumsum(counts), rank, side="right"))]


def simulate_generation(day: Day, target: Target, shape: Floats, exposure: Exposure, tally: Tally) -> Generations:
    """Add the generations of the replica that runs them, and return them for the logs and traces."""
    made = {method: _generations(day, target, method, shape, exposure, tally) for method in METHODS}
    outcomes = {method: outcome for method, (outcome, _) in made.items()}
    scores = [_quality(day, target, method, exposure, tally) for method in METHODS]
    _slices(np.mean(scores, axis=0), tally)
    for attribute, usual in ATTRIBUTES.items():
        course = usual + day.wander(f"lab/bias/{attribute}", 0.006)
        for _, level in day.of("bias_drift", attribute=attribute):
            course = course + level
        readings = np.clip(day.readings(f"lab/bias/{attribute}/readings", course, 0.004, 1000), 0, 1)
        exposure.gauge(labels(target, "bias_evaluation_score", attribute=attribute), readings)
    _services(day, target, np.sum([counts.sum(axis=0) for counts in outcomes.values()], axis=0), exposure)
    return Generations(outcomes, {method: buckets for method, (_, buckets) in made.items()})


def _generations(
    day: Day, target: Target, method: str, shape: Floats, exposure: Exposure, tally: Tally
) -> tuple[Counts, Counts]:
    rate, failing, median, sigma, _ = METHODS[method]
    rng = day.rng(f"lab/generation/{method}")
    counts = rng.poisson(rate * shape)
    failures = rng.binomial(counts, failing)
    outcome = np.stack([counts - failures, failures]).astype(np.int64)
    buckets = rng.multinomial(counts, BUCKETS.shares(median * (0.95 + 0.05 * shape), sigma)).T.astype(np.int64)
    serving = day.serving(target.instance)
    outcome *= serving
    buckets *= serving
    for event, level in day.of("generation_failures", generator=method):
        moved = day.rng(f"event/{event.id}/{method}").binomial(outcome[0], level)
        outcome += np.stack([-moved, moved])
        tally.inject(event.id, "generation.bad", moved)
    for event, level in day.of("flapping_alert", "latency_regression", generator=method):
        if event.kind == "latency_regression" and event.signal != "generation":
            continue
        leaving, arriving = BUCKETS.slow_down(day.rng(f"event/{event.id}/{method}"), buckets, level, event.factor)
        buckets = buckets + arriving - leaving
        tally.inject(event.id, "generation.slowed", leaving.sum(axis=0))
    tally.add("generation.total", outcome.sum(axis=0))
    tally.add("generation.bad", outcome[1])
    parts = day.rng(f"lab/generation/{method}/parts")
    split = split_counts(parts, buckets, day.parts)
    for status, row in zip(("success", "failure"), split_like(parts, outcome, split.sum(axis=0)), strict=True):
        exposure.count(labels(target, "counterfactual_generation_total", method=method, status=status), row)
    common = {name: text for name, text in labels(target, "", method=method).items() if name != "__name__"}
    BUCKETS.expose(exposure, "counterfactual_generation_duration_seconds", common, split)
    return outcome, buckets


def _quality(day: Day, target: Target, method: str, exposure: Exposure, tally: Tally) -> Floats:
    usual = METHODS[method][4]
    course = usual + day.wander(f"lab/quality/{method}", 0.004)
    for _, level in day.of("quality_drift", generator=method):
        course = course - level
    readings = np.clip(day.readings(f"lab/quality/{method}/readings", course, 0.008, 1000), 0, 1)
    exposure.gauge(labels(target, "counterfactual_quality_score", method=method), readings)
    return readings[:: day.parts]


def _slices(mean: Floats, tally: Tally) -> None:
    """Judge slices of five minutes by the readings of their full minutes.

    A slice holds the readings after its start up to its end; the last of a day lacks the one at midnight.
    """
    after = np.append(mean[1:], np.nan).reshape(-1, SLICE)
    bad = np.nanmean(after, axis=1) <= QUALITY_THRESHOLD
    starts = np.arange(MINUTES) % SLICE == 0
    tally.add("quality.total", starts)
    tally.add("quality.bad", np.repeat(bad, SLICE) & starts)


def _services(day: Day, target: Target, generations: Counts, exposure: Exposure) -> None:
    """Add calls of outside services and what they cost: exactly calls times price."""
    for service, (calls, price) in SERVICES.items():
        rng = day.rng(f"lab/service/{service}")
        made = rng.binomial(generations * 3, calls / 3)
        split = split_counts(day.rng(f"lab/service/{service}/parts"), made.astype(np.int64), day.parts)
        exposure.count(labels(target, "api_requests_total", service=service), split)
        exposure.count(labels(target, "api_costs_total", service=service), split * price / MONEY)


def simulate_business(day: Day, target: Target, shape: Floats, exposure: Exposure) -> None:
    """Add sessions, storage and compute costs, which the first replica exposes."""
    serving = day.serving(target.instance)
    for plan, rate in {"free": 1.6, "pro": 0.7}.items():
        counts = day.rng(f"lab/sessions/{plan}").poisson(rate * shape) * serving
        split = split_counts(day.rng(f"lab/sessions/{plan}/parts"), counts.astype(np.int64), day.parts)
        exposure.count(labels(target, "user_sessions_total", plan=plan), split)
    for name, label, rates in (
        ("storage_costs_total", "type", {"images": 41, "models": 23}),
        ("compute_costs_total", "instance_type", {"g5.xlarge": 275, "m6i.large": 52}),
    ):
        for value, units in rates.items():
            usage = np.round(units * (0.6 + 0.4 * shape) if name.startswith("compute") else units * np.ones_like(shape))
            split = split_evenly((usage * serving).astype(np.int64), day.parts)
            exposure.count(labels(target, name, **{label: value}), split / MONEY)
