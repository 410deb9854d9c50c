"""When does a resource run out? Levels with a limit of one system, forecast with an interval and a date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from workbench import __version__
from workbench.analysis.capacity.level import LEAD_DAYS, CapacityLimit, Level
from workbench.analysis.capacity.levels import capacity
from workbench.analysis.capacity.what_if import Change, capacity_what_if
from workbench.analysis.forecast.cycles import BudgetWindow
from workbench.catalog import Profile
from workbench.catalog.profile.model import Role
from workbench.catalog.profile.terms import RoleCapacity
from workbench.core.errors import ParameterError, QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.result import Provenance, Result, Status, Study, worst
from workbench.core.series import Labels
from workbench.core.timerange import DAY_MS, HOUR_MS, TimeRange, from_ms
from workbench.core.units import bytes_text, count_text
from workbench.studies.counting.ledger import PROCESS_LABELS
from workbench.studies.counting.thresholds import metrics_of, thresholds_of
from workbench.studies.decisions.table_events import table_events
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look
from workbench.studies.sources.reader import QueryReader

#: History that is read, at least. [d]
HISTORY_DAYS = 63

#: How far ahead limits are looked for. [d]
HORIZON_DAYS = 30

#: Series of one resource that are forecast; those with most use are kept.
SERIES = 40

#: The share of a resource at which people should act where the document names none.
WARN = 0.9

#: (what is left, what there is), both gauges: used = 1 - left / total.
LEFT = (("disk_left", "disk_total"), ("memory_left", "memory_total"), ("budget_left", "budget"))

#: (what is used, what there is): used / total, where nothing says what is left.
USED = (("disk", "disk_total"), ("memory", "memory_total"))

#: (what is used, what is left): used / (used + left).
FREE = (("connections", "limit_left"),)

#: Roles whose share is read as it is when their unit is one, and whose documented thresholds are limits.
LEVELS = ("disk", "disk_left", "memory", "memory_left", "connections", "queue", "open_files", "threads", "in_flight",
          "streams", "budget_used", "cpu")  # fmt: skip

_TITLES = {"disk_left": "Disk space used", "memory_left": "Memory used", "budget_left": "Budget used"}

_SHARES = {"ratio": 1.0, "percent": 100.0}

#: Words of what fills up and is freed, not loaded: it is forecast by its growth.
STORES = ("disk", "disk_left")

#: Words of what may touch its limit for an hour without harm; hours in a row that count. [h]
LOADS, HOLD_H = ("cpu", "queue", "in_flight", "threads", "streams"), 3

_METHOD = (
    "pool of seasonal forecasts weighted by rolling-origin backtest, lines where better; conformal bands by distance "
    "ahead; probabilities and dates from 400 simulated paths; hourly peaks"
)


@dataclass(frozen=True)
class _Asked:
    """A query of hourly peaks, what it is of, and what it must not reach; ``scale`` divides its values."""

    resource: str
    title: str
    query: str
    unit: str
    limits: tuple[CapacityLimit, ...]
    words: dict[str, str]
    scale: float = 1.0
    word: str = ""
    terms: RoleCapacity | None = None


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
        ``results``: ``limits`` (:class:`workbench.analysis.capacity.levels.CapacityLimits`) and ``forecasts``
        (:class:`~workbench.analysis.capacity.levels.CapacityForecasts`).

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
    asked = list(_asked(profile))
    deploys = _deploys(ctx, system, span)
    levels: list[Level] = []
    warnings: list[str] = []
    failures: list[Status] = []
    if not asked:
        warnings.append(f"{system} has no level with a limit: capacity is not measured.")
    for one in asked:
        try:
            levels += _levels(query_reader, one, span, deploys, warnings)
        except (QueryRejected, QueryTooExpensive) as error:
            failures.append("refused")
            warnings.append(f"{one.resource}: {error}")
        except WorkbenchError as error:
            failures.append("unavailable")
            warnings.append(f"{one.resource}: {error}")
            break
    silent = sorted({one.title for one in asked} - {level.title for level in levels})
    if silent and not failures:
        warnings.append(f"Without any value: {', '.join(silent)}.")
    limits, forecasts = capacity(levels, as_of=span.end, horizon_days=horizon_days)
    results: dict[str, Result] = {"limits": limits, "forecasts": forecasts}
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
    query_reader: QueryReader, asked: _Asked, span: TimeRange, deploys: tuple[datetime, ...], warnings: list[str]
) -> list[Level]:
    answer = query_reader.matrix(asked.query, span, HOUR_MS)
    rows = np.where(answer.present & np.isfinite(answer.values), answer.values / asked.scale, np.nan)
    living = [row for row, values in enumerate(rows) if np.isfinite(values[-DAY_MS // HOUR_MS * 7 :]).any()]
    if len(living) > SERIES:
        warnings.append(f"{asked.title}: the {SERIES} of {len(living)} series with most use are forecast.")
        living = sorted(living, key=lambda row: -np.nanmax(rows[row][-168:]))[:SERIES]
    return [
        Level(
            resource=asked.resource,
            title=asked.title,
            series=_series(answer.labels[row], asked.words),
            unit=asked.unit,
            hourly=rows[row],
            limits=_planned(asked),
            accumulates=True if asked.word in STORES else None,
            hold=_hold(asked),
            lead_days=(asked.terms and asked.terms.lead_days) or LEAD_DAYS,
            window=_window(asked.terms),
            budget=asked.word.startswith("budget"),
            signal=asked.terms is None or asked.terms.signal,
            markers=deploys,
            monthly_cost=asked.terms.monthly_cost if asked.terms is not None else None,
            currency=asked.terms.currency if asked.terms is not None and asked.terms.monthly_cost is not None else "",
        )
        for row in living
    ]


def _planned(asked: _Asked) -> tuple[CapacityLimit, ...]:
    """Limits with the changes of them that the profile names."""
    planned = asked.terms.limit_changes if asked.terms is not None else ()
    return tuple(
        replace(
            limit,
            changes=tuple(
                (datetime(one.at.year, one.at.month, one.at.day, tzinfo=UTC), limit.value * one.factor)
                for one in planned
            ),
        )
        for limit in asked.limits
    )


def _deploys(ctx: Context, system: str, span: TimeRange) -> tuple[datetime, ...]:
    """Instants of the deploys that are written down or stand in a table."""
    noted = [*(ctx.store.annotations(system) if ctx.store is not None else []), *table_events(ctx, system)[0]]
    return tuple(one.starts_at for one in noted if one.kind == "deploy" and span.start <= one.starts_at < span.end)


def _hold(asked: _Asked) -> int:
    stated = asked.terms.hold_hours if asked.terms is not None else None
    return stated or (HOLD_H if asked.word in LOADS else 1)


def _window(terms: RoleCapacity | None) -> BudgetWindow | None:
    return BudgetWindow(terms.window, terms.zone) if terms is not None and terms.window is not None else None


def _asked(profile: Profile) -> Iterator[_Asked]:
    paired: set[str] = set()
    for pairs, form in ((LEFT, _left), (USED, _used), (FREE, _free)):
        for first_word, second_word in pairs:
            for name, role in profile.variants(first_word).items():
                other_name = second_word + name.removeprefix(first_word)
                other = profile.roles.get(other_name)
                if other is None or role.kind != "gauge" or other.kind != "gauge" or name in paired:
                    continue
                if form is _used and first_word + "_left" + name.removeprefix(first_word) in profile.roles:
                    continue
                paired |= {name, other_name}
                metrics = metrics_of(profile, role.select) | metrics_of(profile, other.select)
                limits = _assumed(profile, metrics)
                if limits:
                    query = form(role, other, _by(first_word, role))
                    title = _title(name, role)
                    words = _words(role)
                    yield _Asked(name, title, query, "ratio", limits, words, 1.0, first_word, role.capacity)
    for word in LEVELS:
        for name, role in profile.variants(word).items():
            if role.kind != "gauge" or name in paired:
                continue
            query = f"max by ({_by(word, role)}) (max_over_time({role.select}[1h]))"
            share = role.unit in _SHARES
            stated = role.capacity.limit if role.capacity is not None else None
            limits = _assumed(profile, metrics_of(profile, role.select)) if share else ()
            if stated is not None:
                limits = (CapacityLimit(_amount(stated, role.unit), stated / _SHARES.get(role.unit, 1.0)), *limits)
            if limits:
                unit, scale = ("ratio", _SHARES[role.unit]) if share else (role.unit, 1.0)
                title = role.title or name
                yield _Asked(name, title, query, unit, limits, _words(role), scale, word, role.capacity)
    yield from _thresholds(profile)


def _thresholds(profile: Profile) -> Iterator[_Asked]:
    roles = [(word, role) for word in LEVELS for role in profile.variants(word).values()]
    metrics = {metric for _, role in roles for metric in metrics_of(profile, role.select)}
    words = {label: word for _, role in roles for word, label in role.labels.items()}
    for one in thresholds_of(profile, metrics):
        if one.op in (">", ">=") and one.value > 0:
            scale = _SHARES.get(one.unit, 1.0)
            limit = CapacityLimit(f"{one.op} {_amount(one.value, one.unit)}", one.value / scale)
            unit = "ratio" if one.unit in _SHARES else one.unit
            query = f"max_over_time(({one.expr})[1h:5m])"
            own = metrics_of(profile, one.expr)
            ways = [(word, role.capacity) for word, role in roles if metrics_of(profile, role.select) & own]
            word, terms = ways[0] if ways else ("", None)
            yield _Asked(one.name, one.title, query, unit, (limit,), words, scale, word, terms)


def _amount(value: float, unit: str) -> str:
    return bytes_text(value) if unit == "bytes" else f"{count_text(value)} {'%' if unit == 'percent' else unit}"


def _assumed(profile: Profile, metrics: frozenset[str]) -> tuple[CapacityLimit, ...]:
    """Limits of a share that the document does not name: the end of it, and where people should act."""
    documented = [one for one in thresholds_of(profile, metrics) if one.op in (">", ">=") and one.unit in _SHARES]
    soft = CapacityLimit(f"{WARN * 100:.0f} % (assumed)", WARN, False)
    named_end = any(one.value / _SHARES[one.unit] == 1 for one in documented)
    return (() if documented else (soft,)) + (() if named_end else (CapacityLimit("full", 1.0, False),))


def _left(left: Role, total: Role, by: str) -> str:
    lowest = f"min by ({by}) (min_over_time({left.select}[1h]))"
    return f"1 - {lowest} / max by ({by}) (max_over_time({total.select}[1h]))"


def _used(used: Role, total: Role, by: str) -> str:
    return f"max by ({by}) (max_over_time({used.select}[1h])) / max by ({by}) (max_over_time({total.select}[1h]))"


def _free(used: Role, left: Role, by: str) -> str:
    first = f"max by ({by}) (max_over_time({used.select}[1h]))"
    return f"{first} / ({first} + min by ({by}) (min_over_time({left.select}[1h])))"


def _by(word: str, role: Role) -> str:
    """Labels to keep: every process repeats the budget of a key, so the process is none of them."""
    dropped = PROCESS_LABELS if word.startswith("budget") else ()
    return ", ".join(label for name, label in role.labels.items() if name not in dropped)


def _title(name: str, role: Role) -> str:
    """Name the share that is used, not what is left; the variant of the role stands behind it."""
    word, _, variant = name.partition(".")
    title = _TITLES.get(word, role.title or name)
    return f"{title} ({variant})" if variant and word in _TITLES else title


def _words(role: Role) -> dict[str, str]:
    return {label: word for word, label in role.labels.items()}


def _series(labels: Labels, words: dict[str, str]) -> str:
    shown: Sequence[str] = sorted(name for name in labels if name in words and name != "__name__")
    return ", ".join(f"{words[name]} {labels[name]}" for name in shown) or "all"
