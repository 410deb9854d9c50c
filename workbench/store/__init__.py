"""What the workbench writes down: runs, slice counts, what is collected, what people decide, and issued reports."""

from workbench.store.alert_tags import AlertTag
from workbench.store.audit import AuditEntry
from workbench.store.collected import Collection, HealthResult, KeptAnswer, Observation
from workbench.store.decisions import Annotation, Definition, ExclusionRecord
from workbench.store.issues import Issue
from workbench.store.opening import open_store
from workbench.store.store import HistoryKey, ReportRun, SliceHistory, Store

__all__ = [
    "AlertTag",
    "Annotation",
    "AuditEntry",
    "Collection",
    "Definition",
    "ExclusionRecord",
    "HealthResult",
    "HistoryKey",
    "Issue",
    "KeptAnswer",
    "Observation",
    "ReportRun",
    "SliceHistory",
    "Store",
    "open_store",
]
