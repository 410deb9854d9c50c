"""From the roles of a profile to the rate, errors and duration of its flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from workbench.analysis.cost.ledger import Account, observed
from workbench.analysis.performance.flows import NOT_GIVEN, QUANTILES, Flow
from workbench.catalog import Profile, Role
from workbench.core.series import Metrics
from workbench.core.timerange import TimeRange, duration_text
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.ledger import PROCESS_LABELS, read_ledger, selector_of
from workbench.studies.sources.reader import QueryReader

#: PromQL rates look back at least this far. [ms]
LEAST_WINDOW_MS = 300_000

#: Labels that say how a request ended, not which it was.
_OUTCOME = ("status", "error", "severity", "role")

_SECONDS = {"s": "1", "ms": "0.001", "h": "3600"}

#: Other roles that are counted over the period.
COUNTED = ("cache_hits", "cache_misses", "restarts", "fallbacks", "streams")


def flows_of(profile: Profile) -> list[Flow]:
    """Return the flows of a profile: requests and tasks of each variant, then durations that belong to none."""
    flows = []
    for word in ("requests", "tasks"):
        for name, role in profile.variants(word).items():
            if role.kind == "counter":
                variant = name.partition(".")[2] or ("" if word == "requests" else word)
                flows.append(_flow(profile, name, role, f".{variant}" if variant else ""))
    timed = {flow.duration for flow in flows}
    for word in ("duration", "first_token", "cache_duration"):
        for name, role in profile.variants(word).items():
            if role.kind == "histogram" and role.unit in _SECONDS and name not in timed:
                labels = dimensions_of(role)
                flows.append(Flow(name, role.title or name, "requests", duration=name, dimensions=labels))
    return flows


def dimensions_of(role: Role) -> tuple[str, ...]:
    """Return the labels that say which request it was, in the words of the catalog."""
    return tuple(str(name) for name in role.labels if name not in (*PROCESS_LABELS, *_OUTCOME))


def counted_accounts(profile: Profile, flows: Sequence[Flow]) -> list[Account]:
    """Return every counter that the question needs, once each."""
    names = [role for flow in flows for role in (flow.name, flow.errors, flow.limited) if role]
    names += [name for word in COUNTED for name, role in profile.variants(word).items() if role.kind == "counter"]
    roles = {name: profile.roles[name] for name in dict.fromkeys(names)}
    return [Account(name, role.title or name, role.unit, tuple(map(str, role.labels))) for name, role in roles.items()]


def read_counts(
    reader: CounterReader, profile: Profile, accounts: Sequence[Account], span: TimeRange
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Read the counters over the whole period: a ledger of one slice, and the observed share by role."""
    ledger, seen = read_ledger(reader, profile, accounts, [span.start_ms, span.end_ms])
    return ledger, {account.role: observed(seen, account.role, span) for account in accounts}


def uncounted(reader: CounterReader, profile: Profile, accounts: Sequence[Account]) -> frozenset[str]:
    """Return the roles whose counters cannot be counted; the warnings of the reader say why."""
    selectors = {account.role: selector_of(reader, profile.roles[account.role], profile.scope) for account in accounts}
    return frozenset(role for role, selector in selectors.items() if not reader.countable(selector))


def counted_flows(flows: Sequence[Flow], left_out: frozenset[str]) -> list[Flow]:
    """Return the flows without the failures and refusals that cannot be counted: these are unknown, not zero."""
    return [
        replace(
            flow,
            errors="" if flow.errors in left_out else flow.errors,
            limited="" if flow.limited in left_out else flow.limited,
        )
        for flow in flows
    ]


def quantiles_of(
    query_reader: QueryReader, profile: Profile, flows: Sequence[Flow], span: TimeRange
) -> dict[tuple[str, str], dict[str, dict[str, float]]]:
    """Ask for the quantiles of each flow over the whole period, and of each group of its labels."""
    quantiles: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    window = duration_text(span.end_ms - span.start_ms)
    for flow in flows:
        role = profile.roles.get(flow.duration)
        if role is None:
            continue
        labels = {str(name): label for name, label in role.labels.items()}
        for dimension in ("", *(name for name in flow.dimensions if name in labels)):
            groups = quantiles.setdefault((flow.name, dimension), {})
            for column, query in _quantile_queries(role, window, labels.get(dimension, "")).items():
                for series, value in query_reader.values(query, span.end):
                    group = series.get(labels[dimension], "") or NOT_GIVEN if dimension else ""
                    groups.setdefault(group, {})[column] = value
    return quantiles


def histories_of(
    query_reader: QueryReader, profile: Profile, flows: Sequence[Flow], span: TimeRange, step_ms: int
) -> dict[str, tuple[str, Mapping[str, Metrics]]]:
    """Ask for rate, share of errors and quantiles of each flow over time."""
    window = duration_text(max(step_ms, LEAST_WINDOW_MS))
    histories: dict[str, tuple[str, Mapping[str, Metrics]]] = {}
    for flow in flows:
        role = profile.roles[flow.name]
        selector = role.part("_count") if role.kind == "histogram" else role.select
        rate = f"sum(rate({selector}[{window}]))"
        queries = {"rate": rate}
        if flow.errors:
            failed = f"sum(rate({profile.roles[flow.errors].select}[{window}]))"
            queries["error_ratio"] = f"({failed} or 0 * {rate}) / {rate}"
        if flow.duration:
            queries |= _quantile_queries(profile.roles[flow.duration], window, "")
        answers = {column: query_reader.matrix(query, span, step_ms) for column, query in queries.items()}
        histories[flow.name] = flow.title, answers
    return histories


def _quantile_queries(role: Role, window: str, label: str) -> dict[str, str]:
    by, scale = ", ".join(filter(None, ("le", label))), _SECONDS.get(role.unit, "1")
    buckets = f"sum by ({by}) (rate({role.part('_bucket')}[{window}]))"
    times = "" if scale == "1" else f" * {scale}"
    return {name: f"histogram_quantile({share:g}, {buckets}){times}" for name, share in QUANTILES.items()}


def _flow(profile: Profile, name: str, role: Role, suffix: str) -> Flow:
    def known(word: str, kind: str) -> str:
        own_role = profile.roles.get(f"{word}{suffix}")
        return f"{word}{suffix}" if own_role is not None and own_role.kind == kind else ""

    errors, limited = known("errors", "counter"), known("rate_limited", "counter")
    return Flow(
        name,
        role.title or name,
        role.unit,
        errors=errors,
        limited=limited,
        duration=known("duration", "histogram"),
        dimensions=dimensions_of(role),
        error_dimensions=dimensions_of(profile.roles[errors]) if errors else (),
        limited_dimensions=dimensions_of(profile.roles[limited]) if limited else (),
    )
