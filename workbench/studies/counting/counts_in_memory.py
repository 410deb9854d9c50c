"""Counts of objectives from an archive that has not changed since, kept in memory: one question counts for the next.

The overview, the page of objectives and the sections of a report count the same objectives over the same windows.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

from workbench.archive import ArchiveSource
from workbench.catalog import Objective
from workbench.catalog.slo.indicators import RecordsIndicator
from workbench.core.errors import ArchiveError
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange
from workbench.studies.counting.composites import members_of
from workbench.studies.counting.indicators import Reading

#: Readings that are kept for each archive, some MB each; the one used longest ago goes first. [count]
KEPT = 8

_kept: WeakKeyDictionary[ArchiveSource, OrderedDict[str, Reading]] = WeakKeyDictionary()
_guard = threading.Lock()


def counted_once(
    source: MetricSource,
    scope: Mapping[str, str],
    objectives: Sequence[Objective],
    spans: Mapping[str, TimeRange],
    read: Callable[[], Reading],
) -> Reading:
    """Return the counts of objectives as they were read from the same state of an archive, else read them now.

    Parameters
    ----------
    source : MetricSource
        Where metrics are read; only an archive can tell whether it changed.
    scope : mapping of str to str
        Matchers of the system.
    objectives : sequence of Objective
        The objectives that are counted together; those that count log lines or spans are always read.
    spans : mapping of str to TimeRange
        Range counted of each.
    read : callable
        Counts them.

    Returns
    -------
    Reading
        Without the counters behind the counts where it was kept.
    """
    parts = [part.indicator for objective in objectives for part in members_of(objective)]
    if not isinstance(source, ArchiveSource) or any(isinstance(part, RecordsIndicator) for part in parts):
        return read()
    windows = [(repr(objective), spans[objective.id]) for objective in objectives]
    archive = source.archive
    try:
        state = archive.versions(), archive.meta, archive.families, sorted(scope.items()), windows
    except ArchiveError:
        return read()  # it says what is wrong, as a status
    key = hashlib.sha256(repr(state).encode("utf-8", "surrogatepass")).hexdigest()
    with _guard:
        kept = _kept.setdefault(source, OrderedDict())
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
    reading = read()
    if all(counts.failure in (None, "no_data") for counts in reading.counts.values()):
        with _guard:
            kept[key] = replace(reading, plans=(), reader=None)
            if len(kept) > KEPT:
                kept.popitem(last=False)
    return reading
