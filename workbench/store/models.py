"""Tables of the store, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
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
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: One row a report that was begun, whether it ended well or not.
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

#: One row a history of counts: an objective as it was defined (``revision``), read from one source.
slice_histories = Table(
    "slice_histories",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("system", String(120), nullable=False),
    Column("slo", String(120), nullable=False),
    Column("revision", String(64), nullable=False),
    Column("slice_ms", Integer, nullable=False),
    Column("method", String(20), nullable=False),
    UniqueConstraint("system", "slo", "revision", "slice_ms"),
)

#: Counts of the slice ``(start_ms, start_ms + slice_ms]`` of a history, and when the source was asked for them.
slice_counts = Table(
    "slice_counts",
    metadata,
    Column("history_id", Integer, ForeignKey("slice_histories.id", ondelete="CASCADE"), primary_key=True),
    Column("start_ms", BigInteger, primary_key=True),
    Column("good", Float(53), nullable=False),
    Column("total", Float(53), nullable=False),
    Column("covered", Float(53), nullable=False),
    Column("read_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
