"""The audit trail: who wrote what when, what stood there before and after, and whether somebody was quicker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, func, insert, select

from workbench.core.errors import ArchiveError, ChangedMeanwhile
from workbench.core.result import jsonable
from workbench.core.units import instant_text
from workbench.store.connection import Connected
from workbench.store.models import UtcDateTime, audit_trail


@dataclass(frozen=True)
class AuditEntry:
    """Who did what; ``document`` has the reasons, ``before`` and ``after`` the rows as they stood, None without any."""

    id: int
    at: datetime
    who: str
    action: str
    system: str
    subject: str
    document: Mapping[str, Any]
    before: Any = None
    after: Any = None


class Audit(Connected):
    """The part of the store that gives the audit trail back."""

    def audit(
        self, system: str | None = None, *, who: str | None = None, since: datetime | None = None, limit: int = 1000
    ) -> list[AuditEntry]:
        """Return the audit trail, newest first: of one system, one person, or since an instant only."""
        held = audit_trail.c
        query = select(audit_trail).where(*self._visible_rows(held.system)).order_by(held.id.desc()).limit(limit)
        if system is not None:
            query = query.where(held.system == system)
        if who is not None:
            query = query.where(held.who == who)
        if since is not None:
            query = query.where(held.at >= since)
        with self._reading() as connection:
            return [AuditEntry(**row._asdict()) for row in connection.execute(query)]

    def newest_change(self, system: str) -> int:
        """Return what to hand to the next write as ``seen``: the id of the newest line about a system, else 0."""
        with self._reading() as connection:
            return _newest(connection, system)


def note(
    connection: Connection,
    entry: AuditEntry,
) -> None:
    """Write a line of the audit trail in the transaction of the change; its id is given by the database."""
    values = {name: value for name, value in vars(entry).items() if name != "id"}
    rows = {name: None if values[name] is None else jsonable(values[name]) for name in ("document", "before", "after")}
    connection.execute(insert(audit_trail).values({**values, **rows}))


def check_seen(connection: Connection, system: str, seen: int | None) -> None:
    """Refuse a write that was made up before somebody else changed something of the same system.

    Parameters
    ----------
    connection : Connection
        In the transaction of the write.
    system : str
        Id of the system, as its profile names it.
    seen : int or None
        Newest line of the audit trail that the writer saw; None asks nothing.

    Raises
    ------
    ChangedMeanwhile
        With what was changed, by whom, and what to hand over to write all the same.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"decisions/{system}"))))
    if seen is None:
        return
    held = audit_trail.c
    query = select(audit_trail).where(held.system == system, held.id > seen).order_by(held.id)
    rows = connection.execute(query).all()
    if rows:
        changes = tuple(f"{instant_text(row.at)}: {row.who}, {row.action}, {row.subject}" for row in rows)
        raise ChangedMeanwhile(system, changes, newest=rows[-1].id)


def check_whole(connection: Connection, table: Table, kind: str, system: str, rows: Sequence[Row[Any]]) -> None:
    """Compare all rows of a system with what the audit trail says of them: SQLite does not see a byte that flipped.

    Raises
    ------
    ArchiveError
        A row is missing, or is not what was written.
    """
    line, present = audit_trail.c, {row.id: row._mapping for row in rows}
    written = select(line.id, line.subject, line.after).where(
        line.system == system, line.action.in_((f"{kind}.add", f"{kind}.revoke")), line.after.is_not(None)
    )
    newest = {each.subject: each for each in connection.execute(written.order_by(line.id))}
    for id, each in newest.items():
        row = present.get(id)
        for name, value in dict(each.after or {}).items():
            if value is not None and name in table.c and isinstance(table.c[name].type, UtcDateTime):
                value = datetime.fromisoformat(value).astimezone(UTC)
            if row is None or row.get(name) != value:
                where = connection.engine.url.render_as_string(hide_password=True)
                raise ArchiveError(
                    f"The {kind} {id} in {where} is {'missing' if row is None else 'not what was written'}: "
                    f"line {each.id} of the audit trail says otherwise.",
                    hint="The store is damaged. Restore it (workbench restore).",
                )


def _newest(connection: Connection, system: str) -> int:
    newest = connection.execute(select(func.max(audit_trail.c.id)).where(audit_trail.c.system == system)).scalar()
    return int(newest or 0)
