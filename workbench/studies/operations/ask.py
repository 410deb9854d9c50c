"""Free questions: PromQL and spans, restricted to a system's scope."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from workbench.core.errors import AccessRefused, ParameterError, WorkbenchError
from workbench.core.filters import SpanFilter
from workbench.core.frames import SPANS
from workbench.core.series import Metrics
from workbench.core.source import MetricSource, QueryCost
from workbench.core.timerange import TimeRange, duration_text, to_ms
from workbench.promql import parse, print_query, scoped, selectors
from workbench.studies.sources.context import Context

#: Range queries without a step get about this many points a series.
POINTS = 250

_HOUR_MS = 3_600_000


def chosen_source(ctx: Context, source: str | None, system: str | None) -> MetricSource:
    """Return the named source, else the one that answers for the system, else the first.

    Raises
    ------
    ParameterError
        The settings have no such source, or none at all.
    """
    if source is not None:
        if source not in ctx.sources:
            raise ParameterError(
                f"There is no source {source!r} in the settings.", hint=f"Sources: {', '.join(ctx.sources)}."
            )
        return ctx.sources[source]
    if system is not None:
        return ctx.source_for(system)
    if not ctx.sources:
        raise ParameterError("The settings name no source.", hint="Add one under [sources].")
    return next(iter(ctx.sources.values()))


def step_for(span: TimeRange) -> int:
    """Return a round step that gives about 250 points. [ms]

    Examples
    --------
    >>> from datetime import UTC
    >>> step_for(TimeRange.last("1h", until=datetime(2026, 1, 1, tzinfo=UTC)))
    15000
    """
    wanted = span.seconds * 1000 / POINTS
    rounds = (1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
    return next((seconds * 1000 for seconds in rounds if seconds * 1000 >= wanted), 86_400_000)


def explain_query(
    ctx: Context, promql: str, *, source: str | None, system: str | None, range: TimeRange, step_ms: int | None
) -> QueryCost:
    """Say what a range query would cost, without running it.

    A source counts series at single instants; where it meets none there, those that are in the range are counted.
    """
    step = step_ms or step_for(range)
    chosen, grid = chosen_source(ctx, source, system), range.aligned(step)
    text = _in_scope(ctx, promql, system, chosen)
    cost = chosen.cost(text, grid, step_ms=step)
    if cost.series != 0:
        return cost
    matchers = [
        print_query(replace(selector, range_ms=None, offset_ms=0, at=None)) for selector in selectors(parse(text))
    ]
    inside = sum(len(chosen.series([matcher], grid)) for matcher in matchers)
    if not inside:
        return replace(cost, text=f"no series in the range ({', '.join(matchers)})")
    points = inside * cost.steps
    return replace(
        cost,
        series=inside,
        points=points,
        text=f"at most {inside:,} series x {cost.steps:,} steps = {points:,} points; none at the end of the range",
    )


def query_metrics(
    ctx: Context,
    promql: str,
    *,
    source: str | None = None,
    system: str | None = None,
    at: datetime | None = None,
    range: TimeRange,
    step_ms: int | None = None,
) -> Metrics:
    """Evaluate PromQL, once at ``at`` or over ``range``, with the system's scope in every selector.

    Raises
    ------
    SourceError
        As the source raises it; this is a question of a person, not a study.
    """
    chosen = chosen_source(ctx, source, system)
    text = _in_scope(ctx, promql, system, chosen)
    if at is not None:
        return chosen.instant(text, at)
    step = step_ms or step_for(range)
    return chosen.range(text, range.aligned(step), step_ms=step)


def why_empty(ctx: Context, promql: str, *, source: str | None, system: str | None, at: datetime) -> str:
    """Say why a query has no series: a name that is wrong, or a window that holds fewer samples than it needs.

    A function over a window needs two samples in it; a scrape a minute leaves one in ``[1m]``.
    """
    names = "Check the names: workbench catalog list; an empty answer is not a zero."
    chosen = chosen_source(ctx, source, system)
    text = _in_scope(ctx, promql, system, chosen)
    for part in selectors(parse(text)):
        if part.range_ms is None or part.at is not None:
            continue
        end_ms = to_ms(at) - part.offset_ms
        around = TimeRange.from_ms(end_ms - max(4 * part.range_ms, _HOUR_MS), end_ms)
        selector = print_query(replace(part, range_ms=None, offset_ms=0))
        try:
            samples = chosen.raw(selector, around.left_open())
        except WorkbenchError:
            continue
        gaps = [int(np.median(np.diff(times))) for _, times, _ in samples if len(times) > 1]
        if gaps and min(gaps) * 2 > part.range_ms:
            window, gap = duration_text(part.range_ms), duration_text(min(gaps))
            return (
                f"The name is right, the window is too short: {selector} has a sample every {gap}, and [{window}] "
                f"holds fewer than two. Take at least [{duration_text(4 * min(gaps))}]."
            )
    return names


def _in_scope(ctx: Context, promql: str, system: str | None, source: MetricSource) -> str:
    """Restrict a query to a system, whatever matchers it has, where the identity may not see all of the source."""
    everything = ctx.identity.scope is None
    if system is None:
        ctx.identity.require("viewer")
        return promql
    scope = ctx.catalog.profile(system).scope
    if not everything and not scope and ctx.serves.get(source.name) != (system,):
        raise AccessRefused(
            f"The profile of {system} has no scope, so its series cannot be separated from others of {source.name}.",
            hint="Name the labels of the system under scope in its profile, or give it a source of its own.",
        )
    return scoped(promql, scope, always=not everything)


def find_spans(
    ctx: Context, *, system: str, range: TimeRange, wanted: SpanFilter, limit: int = 100
) -> tuple[list[dict[str, Any]], int, tuple[str, ...]]:
    """Return the slowest matching spans and how many match.

    Returns
    -------
    rows : list of dict
        ``time, service, operation, kind, status, duration_ms, trace_id, span_id, parent_id, weight, attributes`` and
        ``start_ns``, ``duration_ns``: enough to build the trace again.
    count : int
    warnings : tuple of str
        What the source doubts, e.g. traces that are not whole.

    Raises
    ------
    SourceError
        As the source raises it.
    """
    ctx.catalog.profile(system)
    # Several systems may share a server; one trace is one trace, whoever took part in it. Who may not see them all
    # sees the spans of the system: ``spans_for`` holds that.
    source = ctx.spans_for(system)
    named = wanted.services or wanted.trace_id
    narrowed = wanted if named else replace(wanted, services=ctx.services_within(source, system))
    count, warnings, slowest = 0, [], pd.DataFrame(columns=list(SPANS.columns))
    for piece in source.spans(narrowed, range):
        count += len(piece)
        warnings = list(piece.attrs.get("warnings", ()))
        both = pd.concat([each for each in (slowest, piece) if len(each)], ignore_index=True) if len(piece) else slowest
        slowest = both.sort_values("duration_ns", ascending=False, kind="stable").head(limit)
    times = pd.to_datetime(slowest["start_ns"], unit="ns", utc=True)
    rows = []
    for time, row in zip(times, slowest.to_dict(orient="records"), strict=True):
        kept = {name: row[name] for name in ("service", "operation", "kind", "status")}
        ids = {name: row[name] for name in ("trace_id", "span_id", "parent_id", "weight")}
        times = {"start_ns": int(row["start_ns"]), "duration_ns": int(row["duration_ns"])}
        held = {"attributes": dict(row["attributes"] or {})}
        rows.append({"time": time.isoformat(), **kept, "duration_ms": row["duration_ns"] / 1e6, **ids, **times, **held})
    return rows, count, tuple(warnings)
