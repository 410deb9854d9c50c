"""What the workbench writes down: report runs, the history of slice counts, and what the collector gathers."""

from workbench.store.collected import Collection, HealthResult, KeptAnswer, Observation
from workbench.store.store import HistoryKey, ReportRun, SliceHistory, Store

__all__ = [
    "Collection",
    "HealthResult",
    "HistoryKey",
    "KeptAnswer",
    "Observation",
    "ReportRun",
    "SliceHistory",
    "Store",
]
