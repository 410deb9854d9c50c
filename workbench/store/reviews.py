"""What was said at reviews: items that people ticked off, and the verdicts of finished reviews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text, insert, select

from workbench.store.connection import Connected
from workbench.store.decided import audit
from workbench.store.models import UtcDateTime, metadata

#: What was said at a review: one row per item that somebody ticked off, and one per review that was finished (``item``
#: empty, with the verdicts of that moment).
reviews = Table(
    "reviews",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("system", String(120), nullable=False),
    Column("review", String(20), nullable=False),
    Column("item", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("who", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("document", JSON, nullable=False),
    Index("ix_reviews_system_review", "system", "review"),
)


@dataclass(frozen=True)
class ReviewNote:
    """One word of a review: ``item`` is empty for a finished review, whose verdicts are in ``verdicts`` by item."""

    system: str
    review: str
    item: str
    at: datetime
    who: str
    note: str = ""
    verdicts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Reviews(Connected):
    """The part of the store that keeps reviews; a change writes one line of the audit trail with it."""

    def add_review_note(self, note: ReviewNote, *, seen: int | None = None) -> None:
        """Write one word of a review; ``seen`` as for :meth:`workbench.store.Store.add_exclusion`.

        Raises
        ------
        ChangedMeanwhile
            Somebody changed something of the system since.
        """
        self._may_write(note.system)
        row = {
            "system": note.system, "review": note.review, "item": note.item, "at": note.at, "who": note.who,
            "note": note.note, "document": dict(note.verdicts),
        }  # fmt: skip
        held, action = reviews.c, "review.tick" if note.item else "review.finish"
        same = select(reviews).where(
            held.system == note.system, held.review == note.review, held.item == note.item
        ).order_by(held.id.desc()).limit(1)  # fmt: skip
        with self._writing() as connection:
            audit.check_seen(connection, note.system, seen)
            last = connection.execute(same).one_or_none()
            before = None if last is None else {name: last._mapping[name] for name in row}
            connection.execute(insert(reviews).values(**row))
            facts = {"review": note.review, "note": note.note}
            subject = note.item or note.review
            audit.note(
                connection,
                audit.AuditEntry(0, note.at, note.who, action, note.system, subject, facts, before, row),
            )

    def review_notes(self, system: str, *, limit: int = 5_000) -> list[ReviewNote]:
        """Return what was said at the reviews of a system, newest first."""
        held = reviews.c
        query = (
            select(reviews)
            .where(held.system == system, *self._visible_rows(held.system))
            .order_by(held.at.desc(), held.id.desc())
            .limit(limit)
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return [ReviewNote(r.system, r.review, r.item, r.at, r.who, r.note, r.document) for r in rows]
