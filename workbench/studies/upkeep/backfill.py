"""Fills the store from the history that a source has: counts and episodes, a day at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from workbench.core.errors import WorkbenchError
from workbench.core.timerange import TimeRange, from_ms
from workbench.studies.counting.history import Shelf, remember
from workbench.studies.counting.verdicts import bind, count, elapsed_spans, objectives_of
from workbench.studies.sources.context import Context
from workbench.studies.upkeep.collect import keep_episodes

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Filled:
    """One system and day: mean observed share of its objectives (NaN without any), and what went wrong. [ratio]"""

    system: str
    day: TimeRange
    coverage: float
    error: str


def backfill_days(length: timedelta, *, as_of: datetime) -> list[TimeRange]:
    """Return the days (UTC, the last one up to ``as_of``) that cover the time before an instant, newest first."""
    start, until = as_of - length, as_of
    days = []
    while until > start:
        midnight = from_ms((TimeRange(until, until).start_ms - 1) // 86_400_000 * 86_400_000)
        days.append(TimeRange(max(midnight, start), until))
        until = days[-1].start
    return days


def backfill(ctx: Context, days: list[TimeRange]) -> Iterator[Filled]:
    """Count each day of each system from its source and write it down; gives how each went, as it goes.

    Notes
    -----
    A day counted again replaces what was stored, so a run that was broken off is simply repeated.
    """
    for day in days:
        for system in ctx.systems:
            coverage, error = float("nan"), ""
            try:
                coverage = _one_day(ctx, system, day)
                keep_episodes(ctx, system, day)
            except WorkbenchError as failure:
                error = " ".join(str(failure).split())
            yield Filled(system, day, coverage, error)


def _one_day(ctx: Context, system: str, day: TimeRange) -> float:
    objectives = objectives_of(ctx, system)
    goals = bind(objectives, range=day, as_of=day.end, zone=ctx.zone)
    reading = count(ctx, system, objectives, elapsed_spans(goals, day.end))
    if ctx.store is not None:
        remember(Shelf.of(ctx, system, objectives, ctx.store), reading.counts.values(), now=ctx.clock())
    covered = sum(float(counts.events["covered"].sum()) for counts in reading.counts.values())
    slices = sum((goal.window.end_ms - goal.window.start_ms) // goal.slice_ms for goal in goals)
    return covered / slices if slices else float("nan")
