"""What the workbench writes down: report runs and the history of slice counts."""

from workbench.store.store import HistoryKey, ReportRun, SliceHistory, Store

__all__ = ["HistoryKey", "ReportRun", "SliceHistory", "Store"]
