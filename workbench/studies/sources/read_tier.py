"""From which resolution raw samples were read: as they were scraped, or slices where an archive let them go."""

from __future__ import annotations

from workbench.archive import ArchiveSource
from workbench.core.errors import SourceError
from workbench.core.source import MetricSource


def read_tier(source: MetricSource, start_ms: int | None) -> str:
    """Name the coarsest tier that a read from an instant on goes through; empty where the archive cannot be read.

    A server has samples only.

    Parameters
    ----------
    source : MetricSource
        Where metrics are read.
    start_ms : int or None
        First instant; None where nothing was read. [ms since the epoch]
    """
    if start_ms is None or not isinstance(source, ArchiveSource):
        return "raw"
    try:
        return source.tier_at(start_ms).name
    except SourceError:
        return ""
