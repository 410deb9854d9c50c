"""What people decide about the figures: exclusions and annotations, revoked but never deleted, and who did what."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import Table, insert, select, update

from workbench.core.errors import ParameterError
from workbench.core.timerange import from_ms, to_ms
from workbench.core.units import instant_text
from workbench.store.connection import Connected
from workbench.store.decided.audit import AuditEntry, check_seen, check_whole, note
from workbench.store.models import annotation_rows, definitions, exclusions


@dataclass(frozen=True)
class ExclusionRecord:
    """An exclusion as it was decided; ``slo`` and ``labels`` are empty where all objectives of the system are meant.

    ``labels`` are those of SLO documents: an objective is meant when it has all of them. ``rule``, ``duration`` and
    ``zone`` describe a window that repeats; ``ends_at`` is then the end of the first one.
    """

    system: str
    semantics: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_at: datetime
    created_by: str
    slo: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    rule: str = ""
    duration: str = ""
    zone: str = "UTC"
    id: str = ""
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoked_why: str | None = None


@dataclass(frozen=True)
class Annotation:
    """Something that happened: ``kind`` is deploy, incident, definition, review or comment."""

    system: str
    kind: str
    starts_at: datetime
    text: str
    created_at: datetime
    created_by: str
    slo: str = ""
    ends_at: datetime | None = None
    link: str = ""
    id: str = ""
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoked_why: str | None = None


@dataclass(frozen=True)
class Definition:
    """How an objective is defined from ``since`` on: an OpenSLO document and its fingerprint."""

    system: str
    slo: str
    since: datetime
    revision: str
    document: Any


Record = TypeVar("Record", ExclusionRecord, Annotation)
Kind = Literal["exclusion", "annotation"]

_TABLES: Mapping[Kind, Table] = {"exclusion": exclusions, "annotation": annotation_rows}


class Decisions(Connected):
    """The part of the store that keeps decisions; every change writes its line of the audit trail with it."""

    def add_exclusion(self, record: ExclusionRecord, *, seen: int | None = None) -> ExclusionRecord:
        """Write an exclusion down and return it with its new id.

        ``seen`` is what :meth:`newest_change` gave when the writer last looked; None asks for no comparison.

        Raises
        ------
        ChangedMeanwhile
            Somebody changed something of the system since.
        """
        return self._added("exclusion", record, seen)

    def exclusions(self, system: str, *, revoked: bool = False) -> list[ExclusionRecord]:
        """Return the exclusions of a system by start; those that were revoked only where asked for."""
        return [ExclusionRecord(**row) for row in self._kept("exclusion", system, revoked)]

    def revoke_exclusion(
        self, id: str, *, at: datetime, who: str, why: str, seen: int | None = None
    ) -> ExclusionRecord:
        """Take an exclusion back: it stays in the store, and counts no more.

        Raises
        ------
        ParameterError
            No exclusion has this id, or it was revoked before.
        """
        return ExclusionRecord(**self._revoked("exclusion", id, at, who, why, seen))

    def add_annotation(self, record: Annotation, *, seen: int | None = None) -> Annotation:
        """Write an annotation down and return it with its new id; ``seen`` as for :meth:`add_exclusion`."""
        return self._added("annotation", record, seen)

    def annotations(self, system: str, *, revoked: bool = False) -> list[Annotation]:
        """Return the annotations of a system by start; those that were revoked only where asked for."""
        return [Annotation(**row) for row in self._kept("annotation", system, revoked)]

    def revoke_annotation(self, id: str, *, at: datetime, who: str, why: str, seen: int | None = None) -> Annotation:
        """Take an annotation back, as :meth:`revoke_exclusion`."""
        return Annotation(**self._revoked("annotation", id, at, who, why, seen))

    def note_definition(self, definition: Definition, *, who: str) -> bool:
        """Write down how an objective is defined; False where that is how it stood before.

        Where a later definition is known already, nothing is written.
        """
        key = (definitions.c.system == definition.system, definitions.c.slo == definition.slo)
        newest = select(definitions).where(*key).order_by(definitions.c.since_ms.desc()).limit(1)
        with self._writing() as connection:
            known = connection.execute(newest).one_or_none()
            if known is not None and (
                known.revision == definition.revision or known.since_ms >= to_ms(definition.since)
            ):
                return False
            connection.execute(
                insert(definitions).values(
                    system=definition.system,
                    slo=definition.slo,
                    since_ms=to_ms(definition.since),
                    revision=definition.revision,
                    document=definition.document,
                )
            )
            action = "definition.change" if known is not None else "definition.first"
            before = None if known is None else {"revision": known.revision, "document": known.document}
            note(
                connection,
                AuditEntry(
                    0, definition.since, who, action, definition.system, definition.slo,
                    {"revision": definition.revision, "before": known.revision if known is not None else None},
                    before, {"revision": definition.revision, "document": definition.document},
                ),
            )  # fmt: skip
        return True

    def definitions(self, system: str, slo: str) -> list[Definition]:
        """Return how an objective was defined, oldest first."""
        chosen = (definitions.c.system == system, definitions.c.slo == slo, *self._visible_rows(definitions.c.system))
        query = select(definitions).where(*chosen)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(definitions.c.since_ms)).all()
        return [Definition(row.system, row.slo, from_ms(row.since_ms), row.revision, row.document) for row in rows]

    def decided_system(self, kind: Kind, id: str) -> str:
        """Return the system that an exclusion or annotation is about; empty where there is none of the id."""
        table = _TABLES[kind]
        chosen = (table.c.id == id, *self._visible_rows(table.c.system))
        with self._reading() as connection:
            return connection.execute(select(table.c.system).where(*chosen)).scalar() or ""

    def _added(self, kind: Kind, record: Record, seen: int | None) -> Record:
        self._may_write(record.system)
        values = {**asdict(record), "id": uuid.uuid4().hex[:12]}
        at, who = record.created_at, record.created_by
        with self._writing() as connection:
            check_seen(connection, record.system, seen)
            connection.execute(insert(_TABLES[kind]).values(**values))
            entry = AuditEntry(0, at, who, f"{kind}.add", record.system, values["id"], values, None, values)
            note(connection, entry)
        return type(record)(**values)

    def _kept(self, kind: Kind, system: str, revoked: bool) -> list[dict[str, Any]]:
        table = _TABLES[kind]
        if self._scope is not None and system not in self._scope:
            return []
        query = select(table).where(table.c.system == system).order_by(table.c.starts_at, table.c.id)
        with self._reading() as connection:
            rows = connection.execute(query).all()
            check_whole(connection, table, kind, system, rows)
        return [row._asdict() for row in rows if revoked or row.revoked_at is None]

    def _revoked(self, kind: Kind, id: str, at: datetime, who: str, why: str, seen: int | None) -> dict[str, Any]:
        table = _TABLES[kind]
        values = {"revoked_at": at, "revoked_by": who, "revoked_why": why}
        chosen = (table.c.id == id, *self._visible_rows(table.c.system))
        with self._writing() as connection:
            before = connection.execute(select(table).where(*chosen)).one_or_none()
            if before is None:
                raise ParameterError(f"There is no {kind} {id!r}.", hint="List them with their ids first.")
            check_seen(connection, before.system, seen)
            changed = connection.execute(
                update(table).where(*chosen, table.c.revoked_at.is_(None)).values(**values)
            ).rowcount
            row = connection.execute(select(table).where(*chosen)).one()
            if not changed:
                raise ParameterError(
                    f"The {kind} {id} was revoked at {instant_text(row.revoked_at)} by {row.revoked_by}.",
                    hint="Nothing is to be done.",
                )
            rows = (before._asdict(), row._asdict())
            note(connection, AuditEntry(0, at, who, f"{kind}.revoke", row.system, id, {"why": why}, *rows))
        return row._asdict()
