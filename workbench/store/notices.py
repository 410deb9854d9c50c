"""Findings that people were told of: each is open from the first message until it no longer holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from workbench.core.timerange import from_ms, to_ms
from workbench.store.connection import Connected
from workbench.store.models import notices
from workbench.store.outbox import Message, put_messages


@dataclass(frozen=True)
class Notice:
    """A finding of a system that was posted; ``id`` is the same as long as the finding is."""

    id: str
    system: str
    finding: str
    text: str
    opened: datetime


class Notices(Connected):
    """The part of the store that knows what was posted."""

    def open_notices(self) -> dict[str, Notice]:
        """Return the findings that were posted as new and not yet as resolved, by id."""
        with self._reading() as connection:
            seen = self._visible_rows(notices.c.system)
            rows = connection.execute(select(notices).where(notices.c.closed_ms.is_(None), *seen)).all()
        return {row.id: Notice(row.id, row.system, row.finding, row.text, from_ms(row.opened_ms)) for row in rows}

    def change_notices(
        self,
        opened: Sequence[Notice],
        closed: Sequence[str],
        messages: Sequence[Message],
        files: Mapping[str, bytes],
        *,
        now: datetime,
    ) -> None:
        """Open and close findings and put the messages about them into the outbox, all or nothing."""
        with self._writing() as connection:
            known = set(connection.execute(select(notices.c.id).where(notices.c.closed_ms.is_(None))).scalars())
            for notice in opened:
                if notice.id not in known:
                    row = {**vars(notice), "opened_ms": to_ms(notice.opened)}
                    del row["opened"]
                    connection.execute(insert(notices).values(**row))
            for name in closed:
                statement = update(notices).where(notices.c.id == name, notices.c.closed_ms.is_(None))
                connection.execute(statement.values(closed_ms=to_ms(now)))
            put_messages(connection, messages, files, now=now)
