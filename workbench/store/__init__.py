"""What the workbench writes down: runs, slice counts, what is collected, what people decide, and issued reports."""

from workbench.store.collected import Collection, HealthResult, KeptAnswer, Observation
from workbench.store.decided.alert_tags import AlertTag
from workbench.store.decided.audit import AuditEntry
from workbench.store.decided.decisions import Annotation, Definition, ExclusionRecord
from workbench.store.issues import Issue
from workbench.store.jobs import Job, NewJob
from workbench.store.notices import Notice
from workbench.store.opening import open_store
from workbench.store.outbox import Delivery, Message, message_id
from workbench.store.store import HistoryKey, ReportRun, SliceHistory, Store

__all__ = [
    "AlertTag",
    "Annotation",
    "AuditEntry",
    "Collection",
    "Definition",
    "Delivery",
    "ExclusionRecord",
    "HealthResult",
    "HistoryKey",
    "Issue",
    "Job",
    "KeptAnswer",
    "Message",
    "NewJob",
    "Notice",
    "Observation",
    "ReportRun",
    "SliceHistory",
    "Store",
    "message_id",
    "open_store",
]
