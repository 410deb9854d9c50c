"""What Conduit's instances expose of the requests: HTTP, virtual keys, models, tokens, money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from workbench.demo.engine.day import MINUTES, Counts, Day, Exposure, Floats, Tally, Target
from workbench.demo.engine.flows import MONEY, Flow, durations, expose_durations, total
from workbench.demo.engine.gauges import held, steady
from workbench.demo.engine.histogram import Buckets
from workbench.demo.systems.conduit.places import ADMIN, CHAT, ENDPOINTS, MODELS, USES, labels
from workbench.demo.systems.conduit.traffic import STATUSES, Line

BUCKETS = Buckets((0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0))
SLOW = {"http.slow_10s": 10.0}
_SIZES = Buckets((1000.0, 10_000.0, 100_000.0))
#: Endpoint -> median [s] and sigma of the durations.
_COURSE = {"/v1/chat/completions": (1.9, 0.72), "/v1/embeddings": (0.16, 0.6)}
_ERRORS = {"DatabaseError": ("internal",), "ProviderError": ("provider", "timeout"), "Overloaded": ("overloaded",)}
_MODEL_STATUSES = {
    "success": ("success",), "error": ("provider", "internal"), "timeout": ("timeout",), "rate_limited": ("limited",),
}  # fmt: skip
_KEY_STATUSES = {"success": ("success",), "error": ("provider", "internal", "timeout"), "rate_limited": ("limited",)}
_USUAL = ("success", "200", "400", "limited")

Exposures = Mapping[Target, Exposure]


def _summed(flows: Iterable[Flow]) -> Flow:
    groups: dict[str, list[Counts]] = defaultdict(list)
    for flow in flows:
        for end, counts in flow.items():
            groups[end].append(counts)
    return {end: np.sum(counts, axis=0) for end, counts in groups.items()}


def expose_http(
    day: Day, exposures: Exposures, lines: Sequence[Line], shape: Floats, tally: Tally
) -> dict[str, Counts]:
    """Add the HTTP metrics of every endpoint; return its histogram of durations by minute."""
    counts = {}
    for endpoint, target in ENDPOINTS.items():
        own = [line for line in lines if line.use.endpoint == endpoint]
        minutes, parts = _summed(line.flow for line in own), _summed(line.parts for line in own)
        exposure, name = exposures[target], f"conduit/http{endpoint}"
        common = {"method": "POST", "endpoint": endpoint}
        for status, ends in STATUSES.items():
            if status != "400" or target is CHAT:
                row = labels(target, "conduit_http_requests_total", **common, status_code=status)
                exposure.count(row, total(parts, *ends), late=status not in ("200", "400", "429"))
        for error, ends in _ERRORS.items():
            row = labels(target, "conduit_http_errors_total", endpoint=endpoint, error_type=error)
            exposure.count(row, total(parts, *ends), late=True)
        median, sigma = _COURSE[endpoint]
        course = median * (0.94 + 0.06 * shape), sigma
        where = {"instance": target.instance, **common}
        held_ = durations(day, tally, name, total(minutes), BUCKETS, course, SLOW, **where)
        family = labels(target, "conduit_http_request_duration_seconds", **common)
        expose_durations(day, name, exposure, family, BUCKETS, held_, total(parts))
        busy = total(minutes) / 60 * median * 1.3
        exposure.gauge(
            labels(target, "conduit_http_requests_active"), np.maximum(day.readings(f"{name}/active", busy, 1.2, 1), 0)
        )
        counts[endpoint] = held_
        if target is CHAT:
            _expose_sizes(day, name, exposure, endpoint, total(minutes), total(parts))
    return counts


def _expose_sizes(day: Day, name: str, exposure: Exposure, endpoint: str, counts: Counts, totals: Counts) -> None:
    for side, median in (("request", 3600.0), ("response", 5200.0)):
        family = labels(CHAT, f"conduit_http_{side}_size_bytes", endpoint=endpoint)
        shares = _SIZES.shares(np.full(MINUTES, median), 1.0)
        sizes = day.rng(f"{name}/{side}").multinomial(counts, shares).T.astype(np.int64)
        expose_durations(day, f"{name}/{side}", exposure, family, _SIZES, sizes, totals)


def expose_business(exposures: Exposures, lines: Sequence[Line]) -> None:
    """Add requests by key and by model, tokens and money: views of the same requests."""
    for key in dict.fromkeys(line.use.key for line in lines):
        own = [line for line in lines if line.use.key == key]
        for line in own:
            _expose_statuses(
                exposures, line, "conduit_virtualkey_requests_total", _KEY_STATUSES, line.parts,
                virtual_key_id=key, model=line.model,
            )  # fmt: skip
        target = own[0].use.target
        money = np.sum([line.money for line in own], axis=0)
        row = labels(target, "conduit_virtualkey_spend_total", virtual_key_id=key)
        exposures[target].count(row, money / MONEY)
    for model in dict.fromkeys(line.model for line in lines):
        _expose_model(exposures, model, [line for line in lines if line.model == model])


def _expose_statuses(
    exposures: Exposures, line: Line, metric: str, statuses: Mapping[str, tuple[str, ...]], parts: Flow, **own: str
) -> None:
    for status, ends in statuses.items():
        counts = total(parts, *ends)
        row = labels(line.use.target, metric, **own, status=status)
        exposures[line.use.target].count(row, counts, late=status != "success" or line.model != line.use.model)


def _expose_model(exposures: Exposures, model: str, own: Sequence[Line]) -> None:
    priced, target = MODELS[model], own[0].use.target
    common = {"model": model, "provider": priced.provider}
    parts = _summed(line.parts for line in own)
    for status, ends in _MODEL_STATUSES.items():
        row = labels(target, "conduit_model_requests_total", **common, status=status)
        exposures[target].count(row, total(parts, *ends), late=status != "success")
    if priced.operation != "image":
        for kind in ("prompt", "completion")[: 1 if priced.operation == "embedding" else 2]:
            row = labels(target, "conduit_model_tokens_total", **common, token_type=kind)
            exposures[target].count(row, np.sum([getattr(line, kind) for line in own], axis=0))
    row = labels(target, "conduit_cost_total_dollars", **common, operation_type=priced.operation)
    exposures[target].count(row, np.sum([line.money for line in own], axis=0) / MONEY)


def expose_budgets(day: Day, exposures: Exposures, lines: Sequence[Line]) -> tuple[dict[str, float], dict[str, Floats]]:
    """Add how much of its monthly budget each key has spent.

    Returns
    -------
    (mapping of str to float, mapping of str to float64 array of MINUTES)
        What is spent by midnight, in units of money; by key the percent of its budget in each minute.
    """
    first = np.datetime64(day.index, "D").astype(object).day == 1
    after, shares = {}, {}
    for use in USES:
        name = f"spent.{use.key}"
        money = np.sum([line.spent for line in lines if line.use is use], axis=0)
        sums = (0.0 if first else day.before.get(name, 0.0)) + np.concatenate([[0.0], np.cumsum(money, dtype=float)])
        after[name] = float(sums[-1])
        shares[use.key] = np.round(sums[:-1] / MONEY / use.budget * 100, 3)
        row = labels(CHAT, "conduit_virtualkey_budget_utilization_percent", virtual_key_id=use.key)
        held(day, exposures[CHAT], row, shares[use.key])
    for status, count in (("active", len(USES)), ("disabled", 3), ("expired", 2)):
        steady(day, exposures[ADMIN], labels(ADMIN, "conduit_virtualkeys_total", status=status), count)
    return after, shares
