"""The embedded store of samples, logs, spans and alert episodes; it answers like a backend."""

from workbench.archive.archive import Archive
from workbench.archive.source import ArchiveSource

__all__ = ["Archive", "ArchiveSource"]
