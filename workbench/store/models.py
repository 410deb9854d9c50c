"""Tables of the store, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

from workbench.core.errors import ParameterError


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes only, stored in UTC and read back aware: SQLite alone would drop the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive datetimes; turn the rest into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ParameterError(f"{value.isoformat()} has no time zone.", hint="Store aware datetimes, e.g. tz=UTC.")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        instant: datetime = value
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: One row per report that was begun, whether it ended well or not.
report_runs = Table(
    "report_runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("report", String(120), nullable=False),
    Column("system", String(120), nullable=False),
    Column("period", String(120), nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("status", String(20), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("path", Text),
    Column("sha256", String(64)),
    Column("error", Text),
    Column("version", String(40), nullable=False),
    Column("identity", String(200), nullable=False),
    Column("provenance", JSON, nullable=False),
    Index("ix_report_runs_report_system_started", "report", "system", "started_at"),
)

#: One row per history of counts: an objective as it was defined (``revision``), read from one source; ``header`` has
#: what is to be known about the counts besides the counts.
slice_histories = Table(
    "slice_histories",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("system", String(120), nullable=False),
    Column("slo", String(120), nullable=False),
    Column("revision", String(64), nullable=False),
    Column("slice_ms", Integer, nullable=False),
    Column("method", String(20), nullable=False),
    Column("header", JSON),
    UniqueConstraint("system", "slo", "revision", "slice_ms"),
)

#: Counts of the slices ``(start_ms, start_ms + slice_ms]`` of a history that start on a day of UTC, and when the source
#: was asked for each: one row a day, packed and sealed by :mod:`workbench.store.sums`. [days since the epoch]
count_days = Table(
    "count_days",
    metadata,
    Column("history_id", Integer, ForeignKey("slice_histories.id", ondelete="CASCADE"), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

#: Who alone does a job until when, and when that was said, in seconds since the boot of the holder's host.
leases = Table(
    "leases",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("holder", String(120), nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("renewed_s", Float(53), nullable=False, server_default="0"),
)

#: The newest answer to a question that is too slow to ask at every look; ``revision`` covers what was asked of whom.
kept_answers = Table(
    "kept_answers",
    metadata,
    Column("question", String(120), primary_key=True),
    Column("subject", String(120), primary_key=True),
    Column("revision", String(64), primary_key=True),
    Column("as_of_ms", BigInteger, nullable=False),
    Column("read_at_ms", BigInteger, nullable=False),
    Column("document", JSON, nullable=False),
)

#: Answers of whole studies: ``content`` as :mod:`workbench.studies.answers.document` writes it, under a fingerprint of
#: all that must not differ between its readers; ``data`` is that of the data it was made from.
study_answers = Table(
    "study_answers",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("scope", String(64), primary_key=True),
    Column("study", String(120), nullable=False),
    Column("system", String(120), nullable=False),
    Column("as_of_ms", BigInteger, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("data", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index("ix_study_answers_made_ms", "made_ms"),
)

#: What a server said of its targets, rules, alerts, silences: one row as long as it says the same.
observations = Table(
    "observations",
    metadata,
    Column("subject", String(120), primary_key=True),
    Column("kind", String(40), primary_key=True),
    Column("first_seen_ms", BigInteger, primary_key=True),
    Column("last_seen_ms", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("document", JSON, nullable=False),
)

#: When each part of the collection was last tried and last worked.
collections = Table(
    "collections",
    metadata,
    Column("subject", String(120), primary_key=True),
    Column("kind", String(40), primary_key=True),
    Column("tried_ms", BigInteger, nullable=False),
    Column("succeeded_ms", BigInteger),
    Column("every_ms", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
)

#: Answers of health endpoints.
health_results = Table(
    "health_results",
    metadata,
    Column("system", String(120), primary_key=True),
    Column("endpoint", String(120), primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("status", String(20), nullable=False),
    Column("code", Integer),
    Column("seconds", Float(53), nullable=False),
    Column("detail", Text, nullable=False),
)

#: Firing intervals of alerts; ``labels_key`` stands for the label set.
alert_episodes = Table(
    "alert_episodes",
    metadata,
    Column("system", String(120), primary_key=True),
    Column("alertname", String(200), primary_key=True),
    Column("labels_key", String(64), primary_key=True),
    Column("starts_ms", BigInteger, primary_key=True),
    Column("active_ms", BigInteger),
    Column("ends_ms", BigInteger),
    Column("severity", String(40), nullable=False),
    Column("labels", JSON, nullable=False),
    Column("left_censored", Boolean, nullable=False),
    Column("right_censored", Boolean, nullable=False),
    Column("unknown_s", Float(53), nullable=False),
)

#: What is agreed not to count; a row is revoked, never deleted.
exclusions = Table(
    "exclusions",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("system", String(120), nullable=False),
    Column("slo", String(120), nullable=False),
    Column("labels", JSON, nullable=False),
    Column("semantics", String(20), nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("rule", String(500), nullable=False),
    Column("duration", String(40), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("revoked_by", String(200)),
    Column("revoked_why", Text),
    Index("ix_exclusions_system", "system"),
)

#: What happened: deploys, incidents, comments, reviews; a row is revoked, never deleted.
annotation_rows = Table(
    "annotations",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("system", String(120), nullable=False),
    Column("slo", String(120), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime),
    Column("text", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("revoked_by", String(200)),
    Column("revoked_why", Text),
    Index("ix_annotations_system_starts", "system", "starts_at"),
)

#: What people said of single alerts; the newest word counts.
alert_tags = Table(
    "alert_tags",
    metadata,
    Column("system", String(120), primary_key=True),
    Column("alertname", String(500), primary_key=True),
    Column("labels_key", String(64), primary_key=True),
    Column("starts_ms", BigInteger, primary_key=True),
    Column("tag", String(20), nullable=False),
    Column("note", Text, nullable=False),
    Column("tagged_at", UtcDateTime, nullable=False),
    Column("tagged_by", String(200), nullable=False),
)

#: Who did what to which of these rows, in the transaction of the change.
audit_trail = Table(
    "audit_trail",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("who", String(200), nullable=False),
    Column("action", String(40), nullable=False),
    Column("system", String(120), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("document", JSON, nullable=False),
    Column("before", JSON),
    Column("after", JSON),
)

#: How an objective was defined from ``since`` on, as an OpenSLO document.
definitions = Table(
    "definitions",
    metadata,
    Column("system", String(120), primary_key=True),
    Column("slo", String(120), primary_key=True),
    Column("since_ms", BigInteger, primary_key=True),
    Column("revision", String(64), nullable=False),
    Column("document", JSON, nullable=False),
)

#: Issued reports, numbered by period and the zone it is one of; their files never change.
issues = Table(
    "issues",
    metadata,
    Column("report", String(120), primary_key=True),
    Column("system", String(120), primary_key=True),
    Column("period", String(120), primary_key=True),
    Column("zone", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("issued_by", String(200), nullable=False),
    Column("as_of", UtcDateTime, nullable=False),
    Column("folder", Text, nullable=False),
    Column("figures_sha256", String(64), nullable=False),
    Column("manifest", JSON, nullable=False),
)

#: Up to when the due reports of a schedule are planned as jobs.
schedules = Table(
    "schedules",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("planned_ms", BigInteger, nullable=False),
)


def _lease() -> tuple[Column[str], Column[int], Column[float]]:
    """Return the columns that say who works at a row until when, as in ``leases``."""
    return (
        Column("holder", String(120), nullable=False),
        Column("until_ms", BigInteger, nullable=False),
        Column("renewed_s", Float(53), nullable=False),
    )


#: One row per report that was ever due: a schedule, a system, an instant.
jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("schedule", String(120), nullable=False),
    Column("system", String(120), nullable=False),
    Column("period", String(120), nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("deadline_ms", BigInteger, nullable=False),
    Column("next_ms", BigInteger, nullable=False),
    Column("status", String(20), nullable=False),
    Column("claims", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    *_lease(),
    Column("begun_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("run_id", String(32), nullable=False),
    Column("error", Text, nullable=False),
    Column("document", JSON, nullable=False),
    Index("ix_jobs_status_next", "status", "next_ms"),
)

#: The outbox: one row per message and recipient; the id is the idempotency key of every attempt.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("job_id", String(32), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("channel", String(120), nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("subject", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_ms", BigInteger, nullable=False),
    *_lease(),
    Column("created_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("error", Text, nullable=False),
    Column("message", JSON, nullable=False),
    Index("ix_deliveries_status_next", "status", "next_ms"),
)

#: Files of messages, each once, so that any host can send them; deleted when no message needs them any more.
outbox_files = Table(
    "outbox_files",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

#: Findings that people were told of, from when on they held and until when.
notices = Table(
    "notices",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("system", String(120), nullable=False),
    Column("finding", String(120), nullable=False),
    Column("text", Text, nullable=False),
    Column("opened_ms", BigInteger, primary_key=True),
    Column("closed_ms", BigInteger),
)
