"""Requests of the platform: HTTP, sign-ins, queries of the database and requests to models that belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.demo.engine.day import MINUTES, Counts, Day, Exposure, Floats, Tally, Target
from workbench.demo.engine.flows import (
    Flow,
    diverted,
    drawn,
    durations,
    expose_durations,
    multiplied,
    split,
    tokens,
    total,
)
from workbench.demo.engine.histogram import Buckets
from workbench.demo.engine.season import growth, season
from workbench.demo.engine.streams import split_counts
from workbench.demo.systems.abtesting.places import (
    BUCKETS,
    ENDPOINTS,
    EVALUATIONS,
    EVALUATOR,
    LOGIN,
    MODELS,
    PEOPLE,
    Endpoint,
    labels,
)  # fmt: skip

Exposures = Mapping[Target, Exposure]

SLOW = {"http.slow_5s": 5.0}
QUERIES = Buckets((0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0))
SIGN_INS = Buckets((0.025, 0.05, 0.1, 0.25, 0.5, 1.0))
ANSWERS = Buckets((0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0))
_STATUSES = ("success", "error", "timeout", "rate_limited")
#: Share of the attackers' attempts that the limit refuses.
_REFUSED = 0.35


@dataclass
class Answered:
    """An endpoint's requests: statuses by minute and by scrape, durations by minute."""

    endpoint: Endpoint
    flow: Flow
    parts: Flow
    held: Counts


@dataclass
class Asked:
    """What a provider was asked: statuses by minute and by scrape, durations by minute."""

    flow: Flow
    parts: Flow
    held: Counts


def load(day: Day) -> Floats:
    """Load of the platform: people work by day and rest at weekends. [1]"""
    shape: Floats = season(day.minutes, 0.62) * growth(day.minutes, 0.3) * np.exp(day.wander("abtesting/load", 0.09))
    return shape


def answer(day: Day, shape: Floats, exposures: Exposures, tally: Tally) -> tuple[list[Answered], dict[str, Asked]]:
    """Add HTTP, sign-ins, queries and requests to models; return them for the logs and traces."""
    flows = {endpoint: _flow(day, endpoint, shape, tally) for endpoint in ENDPOINTS}
    calls = _providers(day, flows[EVALUATIONS], exposures, tally)
    answered = [_exposed(day, endpoint, flow, exposures, tally) for endpoint, flow in flows.items()]
    _sign_ins(day, answered[1], exposures[PEOPLE])
    _queries(day, answered, exposures[PEOPLE])
    return answered, calls


def _where(endpoint: Endpoint) -> dict[str, str]:
    return {"instance": endpoint.target.instance, "method": endpoint.method, "endpoint": endpoint.path}


def _flow(day: Day, endpoint: Endpoint, shape: Floats, tally: Tally) -> Flow:
    name, where = f"abtesting{endpoint.path}", _where(endpoint)
    serving = day.serving(endpoint.target.instance)
    flow = drawn(day, name, endpoint.rate * shape, endpoint.ends, serving)
    multiplied(day, name, flow, "traffic", **where)
    if endpoint is LOGIN:
        for event, level in day.of("auth_attack"):
            rng = day.rng(f"event/{event.id}/{name}")
            tried = rng.poisson(level) * serving
            refused = rng.binomial(tried, _REFUSED)
            flow["401"], flow["429"] = flow["401"] + tried - refused, flow["429"] + refused
            tally.inject(event.id, "attempts.failed", tried - refused)
            tally.inject(event.id, "attempts.refused", refused)
    diverted(day, tally, name, flow, ("outage", "maintenance", "alert_burst"), "503", ("http.bad",), **where)
    diverted(day, tally, name, flow, "slow_burn", "500", ("http.bad",), **where)
    return flow


def _providers(day: Day, evaluations: Flow, exposures: Exposures, tally: Tally) -> dict[str, Asked]:
    """Ask both providers once for each evaluation; where one of them fails, the evaluation does."""
    reached = total(evaluations, "200", "500")
    providers = {}
    failing = np.zeros(MINUTES, np.int64)
    own = day.rng("abtesting/providers").binomial(evaluations["500"], 0.8)
    rest = evaluations["500"] - own
    for provider, (model, *_) in MODELS.items():
        name = f"abtesting/{provider}"
        usual = own // len(MODELS) + (own % len(MODELS) if provider == "openai" else 0)
        late = day.rng(f"{name}/timeouts").binomial(usual, 0.2)
        flow: Flow = {
            "success": reached - usual, "error": usual - late, "timeout": late,
            "rate_limited": np.zeros(MINUTES, np.int64),
        }  # fmt: skip
        common = {"provider": provider, "model": model}
        before = total(flow, *_STATUSES[1:])
        diverted(day, tally, name, flow, "provider_outage", "error", ("model.bad",), **common)
        diverted(day, tally, name, flow, "provider_limit", "rate_limited", ("model.bad",), **common)
        failing += total(flow, *_STATUSES[1:]) - before
        parts = split(day, name, flow)
        providers[provider] = Asked(
            flow, parts, _expose_provider(day, provider, flow, parts, exposures[EVALUATOR], tally)
        )
        tally.add("model.total", total(flow))
        tally.add("model.bad", total(flow, *_STATUSES[1:]))
    lost = np.minimum(failing, evaluations["200"])
    evaluations["200"], evaluations["500"] = evaluations["200"] - lost, evaluations["500"] + lost
    for event, level in day.of("provider_outage", "provider_limit"):
        tally.inject(event.id, "http.bad", lost * (level > 0))
    parts = split(day, "abtesting/errors", {"provider": own + lost, "api": rest})
    for component, error in (("provider", "ProviderError"), ("api", "TimeoutError")):
        row = labels(EVALUATOR, "application_errors_total", component=component, error_type=error)
        exposures[EVALUATOR].count(row, parts[component], late=True)
    return providers


def _expose_provider(day: Day, provider: str, flow: Flow, parts: Flow, exposure: Exposure, tally: Tally) -> Counts:
    model, read, written, median, sigma = MODELS[provider]
    name, common = f"abtesting/{provider}", {"provider": provider, "model": model}
    for status in _STATUSES:
        row = labels(EVALUATOR, "model_requests_total", **common, status=status)
        exposure.count(row, parts[status], late=status != "success")
    course = np.full(MINUTES, median), sigma
    held = durations(day, tally, name, total(flow), ANSWERS, course, {}, **common, endpoint=EVALUATIONS.path)
    family = labels(EVALUATOR, "model_response_time_seconds", **common)
    expose_durations(day, name, exposure, family, ANSWERS, held, total(parts))
    for kind, mean in (("input", read), ("output", written)):
        counted = tokens(day, f"{name}/{kind}", flow["success"], mean)
        tally.add(f"tokens.{provider}.{kind}", counted)
        row = labels(EVALUATOR, "model_tokens_total", provider=provider, type=kind)
        exposure.count(row, split_counts(day.rng(f"{name}/{kind}/parts"), counted, day.parts))
    return held


def _exposed(day: Day, endpoint: Endpoint, flow: Flow, exposures: Exposures, tally: Tally) -> Answered:
    name, target = f"abtesting{endpoint.path}", endpoint.target
    exposure, parts = exposures[target], split(day, name, flow)
    common = {"method": endpoint.method, "endpoint": endpoint.path}
    for status in endpoint.ends:
        row = labels(target, "http_requests_total", **common, status_code=status)
        exposure.count(row, parts[status], late=status in ("429", "503"))
    if "429" in endpoint.ends:
        row = labels(target, "rate_limit_hits_total", endpoint=endpoint.path)
        exposure.count(row, parts["429"], late=True)
    course = np.full(MINUTES, endpoint.median), endpoint.sigma
    where = {**_where(endpoint), "provider": "", "model": ""}
    held = durations(day, tally, name, total(flow), BUCKETS, course, SLOW, **where)
    held = _dragging(day, tally, name, held)
    family = labels(target, "http_request_duration_seconds", **common)
    expose_durations(day, name, exposure, family, BUCKETS, held, total(parts))
    tally.add("http.total", total(flow))
    tally.add("http.bad", total(flow, "500", "503"))
    return Answered(endpoint, flow, parts, held)


def _dragging(day: Day, tally: Tally, name: str, held: Counts) -> Counts:
    """Let requests wait for a database that is gone: half of those that a burst concerns take fifty times as long."""
    for event, level in day.of("alert_burst"):
        leaving, arriving = BUCKETS.slow_down(day.rng(f"event/{event.id}/{name}/waits"), held, level / 2, 50.0)
        held = held + arriving - leaving
        for tallied, edge in SLOW.items():
            slower = (arriving - leaving)[BUCKETS.above(edge)].sum(axis=0)
            tally.inject(event.id, tallied, slower)
            tally.add(tallied, slower)
    return held


def _sign_ins(day: Day, login: Answered, exposure: Exposure) -> None:
    """Add attempts to sign in by password; what the limit refuses or nobody answers is no attempt."""
    name, parts = "abtesting/sign-in", login.parts
    ends = {"success": ("200", "500"), "failure": ("401",)}
    for result, statuses in ends.items():
        row = labels(PEOPLE, "authentication_attempts_total", result=result, method="password")
        exposure.count(row, total(parts, *statuses))
    tried = total(login.flow, "200", "500", "401")
    held = day.rng(name).multinomial(tried, SIGN_INS.shares(np.full(MINUTES, 0.11), 0.5)).T.astype(np.int64)
    family = labels(PEOPLE, "authentication_duration_seconds", method="password")
    expose_durations(day, name, exposure, family, SIGN_INS, held, total(parts, "200", "500", "401"))
    attacked = np.zeros(MINUTES * day.parts, np.bool_)
    for _, level in day.of("auth_attack"):
        attacked |= np.repeat(level > 0, day.parts)
    for event_type, severity, counts in (
        ("invalid_token", "medium", parts["401"] * ~attacked),
        ("brute_force", "high", parts["401"] * attacked),
    ):
        row = labels(PEOPLE, "security_events_total", event_type=event_type, severity=severity)
        exposure.count(row, counts, late=severity == "high")


def _queries(day: Day, answered: list[Answered], exposure: Exposure) -> None:
    """Add queries of the database: one read for each request of people that ends well."""
    own = [answer for answer in answered if answer.endpoint.target is PEOPLE]
    counts, parts = (np.sum([flow["200"] for flow in flows], axis=0) for flows in _both(own))
    exposure.count(labels(PEOPLE, "database_queries_total", operation="select", table="tests"), parts)
    slow = np.ones(MINUTES)
    for _, level in day.of("alert_burst"):
        slow = slow + 60 * level
    held = day.rng("abtesting/queries").multinomial(counts, QUERIES.shares(0.006 * slow, 0.9)).T.astype(np.int64)
    family = labels(PEOPLE, "database_query_duration_seconds", operation="select")
    expose_durations(day, "abtesting/queries", exposure, family, QUERIES, held, parts)


def _both(answered: list[Answered]) -> tuple[list[Flow], list[Flow]]:
    return [answer.flow for answer in answered], [answer.parts for answer in answered]
