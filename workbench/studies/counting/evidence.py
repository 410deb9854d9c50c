"""What else a source knows of a counter that fell: the start of its process, and since when it counts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from workbench.core.counters.dips import Evidence, doubtful
from workbench.core.errors import WorkbenchError
from workbench.core.series import SeriesSet
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange
from workbench.promql import scoped

_NAME = re.compile(r"[a-zA-Z_:][\w:]*")
_PARTS = re.compile(r"_(total|bucket|count|sum)$")


def read_evidence(
    source: MetricSource, scope: Mapping[str, str], series: SeriesSet, span: TimeRange, *, needed: bool
) -> Evidence | None:
    """Read start times of processes and created samples of counters; what cannot be read is no evidence.

    Parameters
    ----------
    source : MetricSource
        Where metrics are read.
    scope : mapping of str to str
        Matchers of the system.
    series : SeriesSet
        Samples of counters.
    span : TimeRange
        Period to read, without its end.
    needed : bool
        Whether it is read though no counter fell in a way that may be no restart.

    Returns
    -------
    Evidence or None
        None where none is needed.
    """
    if not needed and not doubtful(series):
        return None
    jobs = sorted({labels.get("job", "") for labels in series.labels} - {""})
    names = sorted({_PARTS.sub("", labels.get("__name__", "")) for labels in series.labels})
    starts = [scoped("process_start_time_seconds", {**scope, "job": job}) for job in jobs]
    created = [scoped(f"{name}_created", scope) for name in names if _NAME.fullmatch(name)]
    return Evidence(*(_joined([_read(source, text, span) for text in texts]) for texts in (starts, created)))


def _read(source: MetricSource, selector: str, span: TimeRange) -> SeriesSet:
    try:
        return source.raw(selector, span.left_open())
    except WorkbenchError:
        return SeriesSet.empty()


def _joined(parts: list[SeriesSet]) -> SeriesSet:
    return SeriesSet.of(series for part in parts for series in part)
