"""Holes inside what was copied: whole days of which a server has more samples than the archive.

The notes of coverage say what a copy went over. They cannot say that a file was lost, a row deleted, or that a server
was filled in later; counts can. A server counts a day of a metric in one cheap query, the archive by reading it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from workbench.archive import Archive
from workbench.archive.storage.document import RAW_DELETED_BEFORE
from workbench.core.series import is_stale
from workbench.core.timerange import TimeRange, to_ms
from workbench.promql import parse
from workbench.promql.parser.nodes import Selector
from workbench.query import PrometheusSource
from workbench.studies.sources.context import Context
from workbench.studies.upkeep.plan import Stretch, metric_names, selector_of, server_of

_DAY_MS = 86_400_000
#: Days whose samples are counted at once.
_AT_ONCE = 10


def holes(
    ctx: Context,
    archive: Archive,
    *,
    back: timedelta,
    as_of: datetime,
    report: Callable[[float], object] = lambda _: None,
) -> list[Stretch]:
    """List the days whose samples a server has more of than the archive, one stretch a day and system.

    A day is ``(midnight, midnight + 24 h]`` in UTC; the day of ``as_of`` is left to the next run. Days that a policy
    let go of are no holes. Stale marks are not counted, because a server does not.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    archive : Archive
        The archive to read or to write.
    back : timedelta
        How far back is looked.
    as_of : datetime
        Aware instant.
    report : callable
        Told the share of the work that is done, after each metric.

    Raises
    ------
    SourceError
        A server does not answer, or refuses to count.
    """
    last = to_ms(as_of) // _DAY_MS * _DAY_MS
    first = max(to_ms(as_of - back), int(archive.meta.get(RAW_DELETED_BEFORE, 0)))
    days = np.arange(-(-first // _DAY_MS) * _DAY_MS, last, _DAY_MS)
    queries = [
        (system, server, name) for system, server in _servers(ctx) for name in metric_names(ctx.catalog.profile(system))
    ]
    lacking: dict[tuple[str, str, int], list[str]] = {}
    for number, (system, server, name) in enumerate(queries if len(days) else ()):
        selector = selector_of([name], ctx.catalog.profile(system).scope)
        known = _counted(server, selector, days)
        if known.any():
            for day in days[known > _held(archive, selector, days[known > 0], days)].tolist():
                lacking.setdefault((server.name, system, day), []).append(name)
        report((number + 1) / len(queries))
    return [
        Stretch(source, system, "samples", tuple(names), TimeRange.from_ms(day + 1, day + _DAY_MS + 1), gap=True)
        for (source, system, day), names in sorted(lacking.items(), key=lambda item: item[0][2])
    ]


def _servers(ctx: Context) -> Iterator[tuple[str, PrometheusSource]]:
    for system in ctx.systems:
        if (server := server_of(ctx, system)) is not None:
            yield system, server


def _counted(server: PrometheusSource, selector: str, days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the samples of each day at the server; Prometheus 2 counts the sample at the start of a range too."""
    window = _DAY_MS if server.semantics == "v3" else _DAY_MS - 1
    span = TimeRange.from_ms(int(days[0]) + _DAY_MS, int(days[-1]) + _DAY_MS)
    answer = server.range(f"sum(count_over_time({selector}[{window}ms]))", span, step_ms=_DAY_MS)
    counts = np.zeros(len(days), np.int64)
    if len(answer.values):
        at = np.searchsorted(days + _DAY_MS, answer.times[answer.present[0]])
        counts[at] = answer.values[0][answer.present[0]].astype(np.int64)
    return counts


def _held(archive: Archive, selector: str, times: NDArray[np.int64], days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the samples of each day in the archive, of the days that are told."""
    node = parse(selector)
    counts = np.zeros(len(days), np.int64)
    if not isinstance(node, Selector):
        return counts
    for part in np.array_split(times, -(-len(times) // _AT_ONCE)):
        samples = archive.select(node.all_matchers, int(part[0]) + 1, int(part[-1]) + _DAY_MS)
        day = np.searchsorted(days, samples.times[~is_stale(samples.values)], "left") - 1
        counts += np.bincount(day, minlength=len(days))
    return counts
