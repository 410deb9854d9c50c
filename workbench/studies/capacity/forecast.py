"""When does a resource run out? Levels with a limit of one system, forecast with an interval and a date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from workbench import __version__
from workbench.analysis.capacity.level import LEAD_DAYS, CapacityLimit, Level
from workbench.analysis.capacity.levels import capacity
from workbench.analysis.capacity.money import capacity_money
from workbench.analysis.capacity.what_if import Change, capacity_what_if
from workbench.analysis.forecast.cycles import BudgetWindow
from workbench.catalog.profile.terms import RoleCapacity
from workbench.core.errors import ParameterError, QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.result import Provenance, Result, Status, Study, worst
from workbench.core.series import Labels, Metrics, label_key
from workbench.core.timerange import DAY_MS, HOUR_MS, TimeRange, from_ms
from workbench.core.units import day_text
from workbench.studies.capacity.resources import Resource, resources_of
from workbench.studies.decisions.table_events import table_events
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look
from workbench.studies.sources.reader import QueryReader

#: History that is read, at least. [d]
HISTORY_DAYS = 63

#: How far ahead limits are looked for. [d]
HORIZON_DAYS = 30

#: Words of what fills up and is freed, not loaded: it is forecast by its growth.
STORES = ("disk", "disk_left")

#: Words of what may touch its limit for an hour without harm; hours in a row that count. [h]
LOADS, HOLD_H = ("cpu", "queue", "in_flight", "threads", "streams", "monitoring"), 3

#: What there is of a resource has changed where it differs by more than this share. [ratio]
CHANGED = 0.01

#: Share of the hours below which such changes are events. [ratio]
RARELY = 0.05

#: Series of one resource that are forecast; those with most use are kept.
SERIES = 40

Floats = NDArray[np.float64]

_METHOD = (
    "pool of seasonal forecasts weighted by rolling-origin backtest, lines where better; conformal bands by distance "
    "ahead; probabilities and dates from 400 simulated paths; hourly peaks"
)


@one_look
def capacity_forecast(
    ctx: Context,
    *,
    system: str,
    range: TimeRange,
    as_of: datetime,
    horizon_days: int = HORIZON_DAYS,
    change: Change | None = None,
) -> Study:
    """Forecast every level of a system that has a limit, and say when it is reached.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog.
    range : TimeRange
        Period of the question; nine weeks before its end are read, or all of it when it is longer.
    as_of : datetime
        Aware instant from which is forecast, moved down to the hour.
    horizon_days : int
        How far ahead. [d]
    change : Change, optional
        What is assumed to be different: then ``what_if`` stands beside the results.

    Returns
    -------
    Study
        ``results``: ``limits`` (:class:`workbench.analysis.capacity.levels.CapacityLimits`), ``forecasts``
        (:class:`~workbench.analysis.capacity.levels.CapacityForecasts`) and ``money``, what the plan costs by quarter
        (:class:`~workbench.analysis.capacity.money.CapacityMoney`).

    Raises
    ------
    ParameterError
        Unknown system, or a horizon below a day. A failing source is a status of the study, never an exception.

    Notes
    -----
    Levels come from pairs of roles (what is left or used, and what there is), from shares, and from documented
    thresholds (``>`` and ``>=``) that rest on a role of a resource. Where the document names no share, 90 % is assumed
    beside the end itself, which is left out where a threshold is at 100 %. The highest value of each hour counts.
    """
    if horizon_days < 1:
        raise ParameterError(f"A horizon of {horizon_days} days looks at nothing ahead.", hint="Use 1 or more.")
    profile = ctx.catalog.profile(system)
    source = ctx.source_for(system)
    query_reader = QueryReader(source, profile.scope)
    end_ms = min(range.end_ms, int(as_of.timestamp() * 1000)) // HOUR_MS * HOUR_MS
    span = TimeRange.from_ms(min(range.start_ms // HOUR_MS * HOUR_MS, end_ms - HISTORY_DAYS * DAY_MS), end_ms)
    resources = list(resources_of(profile))
    deploys = _deploys(ctx, system, span)
    levels: list[Level] = []
    warnings: list[str] = []
    failures: list[Status] = []
    if not resources:
        warnings.append(f"{profile.title} has no level with a limit: capacity is not measured.")
    for resource in resources:
        try:
            levels += _levels(query_reader, resource, span, deploys, warnings)
        except (QueryRejected, QueryTooExpensive) as error:
            failures.append("refused")
            warnings.append(f"{resource.name}: {error}")
        except WorkbenchError as error:
            failures.append("unavailable")
            warnings.append(f"{resource.name}: {error}")
            break
    silent = sorted({resource.title for resource in resources} - {level.title for level in levels})
    if silent and not failures:
        warnings.append(f"Without any value: {', '.join(silent)}.")
    limits, forecasts = capacity(levels, as_of=span.end, horizon_days=horizon_days)
    money = capacity_money(limits, zone=ctx.zone)
    results: dict[str, Result] = {"limits": limits, "forecasts": forecasts, "money": money}
    if change is not None:
        results["what_if"] = capacity_what_if(levels, change, limits, as_of=span.end, horizon_days=horizon_days)
    statuses: list[Status] = list(limits.frame["status"])
    known: list[Status] = [status for status in statuses if status != "no_data"]
    observed = [float(np.isfinite(level.hourly).mean()) for level in levels]
    return Study(
        name="capacity_forecast",
        system=system,
        range=range,
        as_of=as_of,
        results=results,
        status="unavailable" if "unavailable" in failures else worst([*known, *failures] or statuses),
        freshness=from_ms(query_reader.newest_ms) if query_reader.newest_ms is not None else None,
        coverage=min(observed, default=float("nan")),
        provenance=Provenance(
            source=source.name,
            engine=query_reader.engine,
            semantics=source.semantics,
            method=_METHOD,
            queries=query_reader.queries,
            version=__version__,
        ),
        warnings=(*warnings, *query_reader.warnings),
    )


def _levels(
    query_reader: QueryReader, resource: Resource, span: TimeRange, deploys: tuple[datetime, ...], warnings: list[str]
) -> list[Level]:
    answer = query_reader.matrix(resource.query, span, HOUR_MS)
    rows = np.where(answer.present & np.isfinite(answer.values), answer.values / resource.scale, np.nan)
    if resource.whole:
        rows = _of_present_whole(query_reader, resource, answer, rows, span, warnings)
    living = [row for row, values in enumerate(rows) if np.isfinite(values[-DAY_MS // HOUR_MS * 7 :]).any()]
    if len(living) > SERIES:
        warnings.append(f"{resource.title}: the {SERIES} of {len(living)} series with most use are forecast.")
        living = sorted(living, key=lambda row: -np.nanmax(rows[row][-168:]))[:SERIES]
    terms = resource.terms or RoleCapacity()
    return [
        Level(
            resource=resource.name,
            title=resource.title,
            series=_series(answer.labels[row], resource.words),
            unit=resource.unit,
            hourly=rows[row],
            limits=_planned(resource),
            accumulates=True if resource.word in STORES else None,
            hold=_hold(resource),
            lead_days=terms.lead_days or LEAD_DAYS,
            window=_window(resource.terms),
            budget=resource.word.startswith("budget"),
            signal=terms.signal,
            markers=deploys,
            monthly_cost=terms.monthly_cost,
            currency=terms.currency if terms.monthly_cost is not None else "",
        )
        for row in living
    ]


def _planned(resource: Resource) -> tuple[CapacityLimit, ...]:
    """Limits with the changes of them that the profile names."""
    planned = resource.terms.limit_changes if resource.terms is not None else ()
    return tuple(
        replace(
            limit,
            changes=tuple(
                (datetime(change.at.year, change.at.month, change.at.day, tzinfo=UTC), limit.value * change.factor)
                for change in planned
            ),
        )
        for limit in resource.limits
    )


def _hold(resource: Resource) -> int:
    stated = resource.terms.hold_hours if resource.terms is not None else None
    return stated or (HOLD_H if resource.word in LOADS else 1)


def _window(terms: RoleCapacity | None) -> BudgetWindow | None:
    return BudgetWindow(terms.window, terms.zone) if terms is not None and terms.window is not None else None


def _series(labels: Labels, words: dict[str, str]) -> str:
    shown: Sequence[str] = sorted(name for name in labels if name in words and name != "__name__")
    return ", ".join(f"{words[name]} {labels[name]}" for name in shown) or "all"


def _deploys(ctx: Context, system: str, span: TimeRange) -> tuple[datetime, ...]:
    """Instants of the deploys that are written down or stand in a table."""
    noted = [*(ctx.store.annotations(system) if ctx.store is not None else []), *table_events(ctx, system)[0]]
    return tuple(note.starts_at for note in noted if note.kind == "deploy" and span.start <= note.starts_at < span.end)


def _of_present_whole(
    query_reader: QueryReader, resource: Resource, answer: Metrics, shares: Floats, span: TimeRange, warnings: list[str]
) -> Floats:
    """Write shares of what was there as shares of what is there now, so that a larger disk is no fall in its use."""
    totals = query_reader.matrix(resource.whole, span, HOUR_MS)
    places = {label_key(labels): row for row, labels in enumerate(totals.labels)}
    scaled = shares.copy()
    for row, labels in enumerate(answer.labels):
        place = places.get(label_key(labels))
        if place is None:
            continue
        whole = np.where(totals.present[place] & (totals.values[place] > 0), totals.values[place], np.nan)
        known = np.flatnonzero(np.isfinite(whole))
        if not len(known):
            continue
        newest = whole[known[-1]]
        parts = np.where(np.isfinite(whole), whole / newest, 1.0)
        scaled[row] = shares[row] * parts
        moved = np.flatnonzero(np.abs(np.diff(parts[known])) > CHANGED * parts[known[1:]])
        if len(moved) < RARELY * len(known):  # that hour holds the use before and what there was after
            scaled[row, known[moved + 1]] = np.nan
        if len(moved):
            at = day_text(from_ms(int(totals.times[known[moved[-1] + 1]])))
            before = 1 / parts[known[moved[-1]]]
            warnings.append(
                f"{resource.title} of {_series(labels, resource.words)}: what there is changed on {at} "
                f"(to {before * 100:.0f} % of before); earlier use is shown as a share of what there is now."
            )
    return scaled
