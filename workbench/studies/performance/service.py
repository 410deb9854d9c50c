"""Is the service fast and up? Rate, errors, duration, availability, limits, resources, caches, broken thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pandas as pd

from workbench import __version__
from workbench.analysis.cost.ledger import Account
from workbench.analysis.counting.amounts import summed
from workbench.analysis.counting.counts import Method
from workbench.analysis.counting.limits import LimitBreaches, LimitTotals, limit_breaches
from workbench.analysis.performance.flows import (
    Flow,
    availability,
    cache_use,
    flow_history,
    limit_state,
    service_flows,
)
from workbench.analysis.performance.resources import (
    MeasuredResource,
    group_text,
    resource_errors,
    resource_history,
    resource_use,
)
from workbench.analysis.slo.compliance import COVERAGE_FLOOR
from workbench.catalog import Profile
from workbench.core.errors import QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.result import Provenance, Result, Status, Study
from workbench.core.series import Metrics
from workbench.core.source import MetricSource
from workbench.core.timerange import MINUTE_MS, TimeRange, from_ms
from workbench.core.units import ratio_text
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.ledger import SLICE_MS, empty_ledger, selectors_of
from workbench.studies.counting.thresholds import breached
from workbench.studies.operations.ask import step_for
from workbench.studies.performance.flows import (
    counted_accounts,
    counted_flows,
    flows_of,
    histories_of,
    quantiles_of,
    read_counts,
    uncounted,
)
from workbench.studies.performance.resources import amounts_left, measured_resources, stated_availability, stated_caches
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look
from workbench.studies.sources.reader import QueryReader

#: Resources are means over this; histories are no finer than this. [ms]
RESOURCE_STEP_MS, FINEST_MS = 300_000, MINUTE_MS

#: Periods longer than this are evaluated five times more coarsely. [s]
LONG_S = 45 * 86_400


@one_look
def service_performance(ctx: Context, *, system: str, range: TimeRange | None = None, as_of: datetime) -> Study:
    """Measure the performance of a service and the health of its providers and resources.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog.
    range : TimeRange, optional
        Period; the last day by default.
    as_of : datetime
        Aware instant up to which history is read.

    Returns
    -------
    Study
        ``results``: ``flows`` (:class:`workbench.analysis.performance.flows.ServiceFlows`), ``history``
        (:class:`workbench.analysis.performance.flows.FlowHistory`), ``availability``
        (:class:`workbench.analysis.performance.flows.Availability`), ``limits``
        (:class:`workbench.analysis.performance.flows.LimitState`), ``caches``
        (:class:`workbench.analysis.performance.flows.CacheUse`), ``resources`` and ``resource_history``
        (:class:`workbench.analysis.performance.resources.ResourceUse`,
        :class:`workbench.analysis.performance.resources.ResourceHistory`),
        ``resource_errors`` (:class:`workbench.analysis.performance.resources.ResourceErrors`), ``thresholds`` and
        ``breaches``
        (:class:`workbench.analysis.counting.limits.LimitTotals`,
        :class:`workbench.analysis.counting.limits.LimitBreaches`). A result
        without rows is not measured; the notes of ``flows`` say why. The status is at risk when a threshold was broken
        in the period.

    Raises
    ------
    ParameterError
        Unknown system. A failing source is a status of the study, never an exception.

    Notes
    -----
    Counts are exact increases; rates and quantiles over time are PromQL ``rate`` and ``histogram_quantile``. Thresholds
    are evaluated once a minute, so a breach is known to the minute.
    """
    profile, source = ctx.catalog.profile(system), ctx.source_for(system)
    period = range or TimeRange.last("1d", until=as_of)
    span = TimeRange(period.start, max(period.start, min(period.end, as_of))).aligned(SLICE_MS)
    coarse = 5 if span.seconds > LONG_S else 1
    measured = _read(source, profile, span, coarse)
    flows = service_flows(measured.ledger, measured.coverage, measured.flows, measured.quantiles, period=span)
    kept, totals = measured.limits or limit_breaches([], as_of=span.end, step_ms=FINEST_MS)
    resource_step = RESOURCE_STEP_MS * coarse
    results: dict[str, Result] = {
        "flows": _noted(flows, _gaps(profile, measured)),
        "history": flow_history(measured.histories, step_ms=measured.step_ms),
        "availability": availability(flows, measured.stated),
        "limits": limit_state(flows, measured.left),
        "caches": cache_use(measured.ledger, _caches(profile, measured.ledger), measured.caches),
        "resources": resource_use(measured.resources, step_ms=resource_step),
        "resource_history": resource_history(measured.resources, step_ms=resource_step),
        "resource_errors": resource_errors(_errors(profile, measured.ledger)),
        "thresholds": totals,
        "breaches": kept,
    }
    coverage = float(flows.frame["coverage"].max())
    if 0 < coverage < COVERAGE_FLOOR:
        share = ratio_text(coverage, digits=1)
        more = f"Only {share} of the period was observed; what happened in the rest is unknown."
        measured.warnings = (*measured.warnings, more)
    return Study(
        name="service_performance",
        system=system,
        range=span,
        as_of=as_of,
        results=results,
        status=measured.failed or _status(coverage, results),
        freshness=from_ms(measured.newest_ms) if measured.newest_ms is not None else None,
        coverage=coverage,
        provenance=Provenance(
            source=source.name,
            engine=measured.engine or "none: raw samples",
            semantics=source.semantics,
            method=measured.method,
            queries=measured.queries,
            version=__version__,
        ),
        warnings=measured.warnings,
    )


@dataclass
class _Measurements:
    ledger: pd.DataFrame
    flows: Sequence[Flow] = ()
    coverage: Mapping[str, float] = field(default_factory=dict)
    quantiles: Mapping[tuple[str, str], Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    histories: Mapping[str, tuple[str, Mapping[str, Metrics]]] = field(default_factory=dict)
    step_ms: int = SLICE_MS
    stated: Sequence[tuple[str, str, str, Mapping[str, float]]] = ()
    left: Sequence[tuple[str, str, Mapping[str, tuple[float, float]]]] = ()
    caches: Sequence[tuple[str, Mapping[str, float]]] = ()
    resources: Sequence[MeasuredResource] = ()
    limits: tuple[LimitBreaches, LimitTotals] | None = None
    queries: tuple[str, ...] = ()
    engine: str = ""
    newest_ms: int | None = None
    failed: Status | None = None
    warnings: tuple[str, ...] = ()
    method: Method = "exact"
    left_out: frozenset[str] = frozenset()


def _read(source: MetricSource, profile: Profile, span: TimeRange, coarse: int) -> _Measurements:
    flows = flows_of(profile)
    accounts: list[Account] = counted_accounts(profile, flows)
    measured, query_reader = _Measurements(empty_ledger()[0]), QueryReader(source, profile.scope)
    selectors = selectors_of(profile, [account.role for account in accounts])
    reader = CounterReader(source, profile.scope, span, selectors)
    if not span.seconds:
        return measured
    try:
        measured.ledger, measured.coverage = read_counts(reader, profile, accounts, span)
        measured.left_out = uncounted(reader, profile, accounts)
        measured.flows = counted_flows(flows, measured.left_out)
        if measured.left_out:
            measured.failed = "refused"
        seen = [flow for flow in flows if measured.coverage[flow.name] > 0]
        measured.quantiles = quantiles_of(query_reader, profile, seen, span)
        measured.step_ms = max(FINEST_MS, step_for(span))
        measured.histories = histories_of(query_reader, profile, seen, span, measured.step_ms)
        measured.stated = stated_availability(query_reader, profile, span)
        measured.left = amounts_left(query_reader, profile, span)
        measured.caches = stated_caches(query_reader, profile, span)
        measured.resources = measured_resources(query_reader, profile, span, RESOURCE_STEP_MS * coarse)
        measured.limits = breached(query_reader, profile, profile.thresholds, span)
    except WorkbenchError as error:
        measured.failed = "refused" if isinstance(error, (QueryRejected, QueryTooExpensive)) else "unavailable"
        measured.warnings = (str(error),)
    known = [ms for ms in (reader.newest_ms, query_reader.newest_ms) if ms is not None]
    measured.newest_ms, measured.engine = max(known, default=None), query_reader.engine
    measured.method = reader.method
    measured.queries = (*reader.queries, *query_reader.queries)
    measured.warnings = (*measured.warnings, *reader.warnings, *query_reader.warnings)
    return measured


def _caches(profile: Profile, ledger: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """Return the pairs of hits and misses that have samples."""
    caches, seen = [], set(ledger["role"])
    for name, role in profile.variants("cache_hits").items():
        misses = name.replace("cache_hits", "cache_misses", 1)
        if misses in profile.roles and {name, misses} & seen:
            dimension = "cache" if "cache" in role.labels else ""
            caches.append((role.title or name, name, misses, dimension))
    return caches


def _errors(profile: Profile, ledger: pd.DataFrame) -> list[tuple[str, str, dict[str, float]]]:
    errors = []
    for name, role in profile.variants("restarts").items():
        part, labels = ledger[ledger["role"] == name], [str(key) for key in role.labels if str(key) != "job"]
        if part.empty:
            continue
        sums = summed(part, labels).sort_values(labels)
        counts = {
            group_text(dict(zip(labels, key, strict=True))): float(amount)
            for *key, amount in sums.itertuples(index=False)
        }
        errors.append((role.title or name, role.unit, counts))
    return errors


def _status(coverage: float, results: Mapping[str, Result]) -> Status:
    if not coverage > 0 and results["resources"].frame.empty and results["availability"].frame.empty:
        return "no_data"
    return "ok" if results["breaches"].frame.empty else "at_risk"


def _noted(result: Result, notes: tuple[str, ...]) -> Result:
    return replace(result, notes=(*result.notes, *notes))


def _gaps(profile: Profile, measured: _Measurements) -> tuple[str, ...]:
    """Say what of this question the profile has no signal for."""
    words = {
        "requests": "Requests are not measured: the profile has no counter of them.",
        "cache_hits": "Caches are not measured: the profile has no counters of hits and misses.",
        "limit_left": "What is left under limits is not measured: the profile has no gauge of it.",
    }
    notes = [note for word, note in words.items() if not profile.variants(word)]
    if not any({"provider", "deployment"} & set(flow.dimensions) for flow in flows_of(profile)):
        notes.append("Providers are not measured: no counter of requests has a provider.")
    for flow in measured.flows:
        if flow.name in measured.left_out:
            notes.append(f"{flow.title}: not counted, see the warnings.")
        elif not measured.coverage.get(flow.name):
            notes.append(f"{flow.title}: no samples in this period.")
        elif not flow.errors and flow.duration != flow.name:
            notes.append(f"{flow.title}: failures are not measured.")
    return tuple(notes)
