"""The outbox: messages that must reach people once, with their files; sent, tried again, or dead."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select, update

from workbench.core.errors import ParameterError
from workbench.core.timerange import from_ms, to_ms
from workbench.store.connection import Connected, dialect_insert, upsert
from workbench.store.leasing import FREE, holds, leased
from workbench.store.models import deliveries, outbox_files

_CANDIDATES = 200


@dataclass(frozen=True)
class Message:
    """What is sent to one recipient over one channel.

    Attributes
    ----------
    id : str
        Idempotency key: the same for every attempt, and for the same message made twice.
    job_id : str
        Job it belongs to; empty for notices.
    kind : str
        ``report``, ``failure`` or ``notice``.
    channel, recipient, subject : str
        The recipient is an address for e-mail, else empty.
    content : mapping
        Plain JSON values: ``text``, ``html``, ``files`` (name, type and sha256 of each).
    """

    id: str
    job_id: str
    kind: str
    channel: str
    recipient: str
    subject: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Delivery:
    """A message with how its sending stands: ``waiting``, ``sending``, ``handed over``, ``sent`` or ``dead``."""

    message: Message
    status: str
    attempts: int
    next: datetime
    created: datetime
    ended: datetime | None
    error: str
    in_doubt: bool = field(default=False)


def message_id(*parts: str) -> str:
    """Idempotency key of what the parts name.

    Examples
    --------
    >>> message_id("job", "mail", "a@example.com") == message_id("job", "mail", "a@example.com")
    True
    """
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def put_messages(
    connection: Connection, messages: Sequence[Message], files: Mapping[str, bytes], *, now: datetime
) -> int:
    """Put messages into the outbox within a transaction; those that are there already stay as they are."""
    _put_files(connection, files, now=now)
    count = 0
    for message in messages:
        row = {
            "id": message.id,
            "job_id": message.job_id,
            "kind": message.kind,
            "channel": message.channel,
            "recipient": message.recipient,
            "subject": message.subject,
            "status": "waiting",
            "attempts": 0,
            "next_ms": to_ms(now),
            "created_ms": to_ms(now),
            "error": "",
            "message": dict(message.content),
            **FREE,
        }
        statement = dialect_insert(connection, deliveries).values(**row).on_conflict_do_nothing()
        count += connection.execute(statement.returning(deliveries.c.id)).first() is not None
    return count


class Outbox(Connected):
    """The part of the store that the sending of messages uses."""

    def claim_delivery(
        self, holder: str, *, now: datetime, lasts: timedelta, skip: Iterable[str] = ()
    ) -> Delivery | None:
        """Take the oldest message that may be sent now and that nobody sends.

        One whose sender died is taken over; ``in_doubt`` says that it had been handed over by then, and that nobody
        knows whether it arrived.

        Parameters
        ----------
        holder : str
            A process with a mark behind it, another one for each claim.
        now : datetime
            The present instant.
        lasts : timedelta
            Time after which the claim ends by itself.
        skip : iterable of str
            Channels that take no more messages for now.
        """
        held = deliveries.c
        query = (
            select(deliveries)
            .where(held.status.in_(("waiting", "sending", "handed over")), held.next_ms <= to_ms(now))
            .order_by(held.created_ms, held.id)
            .limit(_CANDIDATES)
        )
        if skipped := list(skip):
            query = query.where(held.channel.not_in(skipped))
        with self._writing() as connection:
            for row in connection.execute(query.with_for_update(skip_locked=True)).all():
                if row.status != "waiting" and holds(row, now, lasts):
                    continue
                values = {"status": "sending", "attempts": row.attempts + 1, **leased(holder, now, lasts)}
                _change(connection, row.id, values)
                changed = connection.execute(select(deliveries).where(held.id == row.id)).one()
                return _delivery(changed, in_doubt=row.status == "handed over")
        return None

    def hand_over(self, message_id: str, holder: str) -> bool:
        """Write down that the next step gives the message away; False when another has taken it over."""
        with self._writing() as connection:
            return _change(connection, message_id, {"status": "handed over"}, held_by=holder)

    def end_delivery(self, message_id: str, holder: str, *, status: str, now: datetime, error: str = "") -> bool:
        """Write down that a message was sent, or is dead. False when another has taken it over."""
        with self._writing() as connection:
            values = {"status": status, "error": error, "ended_ms": to_ms(now), **FREE}
            return _change(connection, message_id, values, held_by=holder)

    def postpone_delivery(self, message_id: str, holder: str, *, until: datetime, error: str) -> bool:
        """Let a message that could not be sent wait for its next attempt."""
        with self._writing() as connection:
            values = {"status": "waiting", "next_ms": to_ms(until), "error": error, **FREE}
            return _change(connection, message_id, values, held_by=holder)

    def put_messages(self, messages: Sequence[Message], files: Mapping[str, bytes], *, now: datetime) -> int:
        """Put messages into the outbox; those that are there already stay as they are. Returns how many are new."""
        with self._writing() as connection:
            return put_messages(connection, messages, files, now=now)

    def keep_files(self, files: Mapping[str, bytes], *, now: datetime) -> None:
        """Keep files, by their SHA-256, for messages that are about to be written; unused ones are deleted later."""
        with self._writing() as connection:
            _put_files(connection, files, now=now)

    def retry_delivery(self, message_id: str, *, now: datetime) -> Delivery:
        """Let a dead message be sent once more, with the same key.

        Raises
        ------
        ParameterError
            No message begins so, or it is not dead.
        """
        with self._writing() as connection:
            rows = connection.execute(select(deliveries).where(deliveries.c.id.startswith(message_id))).all()
            if len(rows) != 1 or not message_id:
                raise ParameterError(
                    f"{len(rows) or 'No'} messages begin with {message_id!r}.", hint="See delivery list."
                )
            if rows[0].status != "dead":
                raise ParameterError(
                    f"The message {message_id!r} is {rows[0].status}; only a dead one is tried again.",
                    hint="See delivery list.",
                )
            values = {"status": "waiting", "attempts": 0, "next_ms": to_ms(now), "ended_ms": None}
            _change(connection, rows[0].id, values)
            return _delivery(connection.execute(select(deliveries).where(deliveries.c.id == rows[0].id)).one())

    def deliveries(self, *, status: str = "", limit: int = 1_000) -> list[Delivery]:
        """Return messages and how their sending stands, newest first; they span systems, so a scope has none."""
        if self._scope is not None:
            return []
        query = select(deliveries).order_by(deliveries.c.created_ms.desc(), deliveries.c.id).limit(limit)
        if status:
            query = query.where(deliveries.c.status == status)
        with self._reading() as connection:
            return [_delivery(row) for row in connection.execute(query)]

    def outbox_file(self, sha256: str) -> bytes | None:
        """Return a file of a message; None when it was deleted, and within a scope."""
        if self._scope is not None:
            return None
        with self._reading() as connection:
            content = connection.execute(select(outbox_files.c.content).where(outbox_files.c.sha256 == sha256)).scalar()
        return None if content is None else bytes(content)

    def tidy_outbox(self, *, now: datetime, older: timedelta) -> int:
        """Delete the files that no message still needs, and that are older than ``older``. Returns how many."""
        with self._writing() as connection:
            wanted = or_(deliveries.c.status != "sent", deliveries.c.ended_ms.is_(None))
            rows = connection.execute(select(deliveries.c.message).where(wanted)).scalars()
            needed = {file["sha256"] for content in rows for file in content.get("files", ())}
            old = select(outbox_files.c.sha256).where(outbox_files.c.created_ms < to_ms(now - older))
            useless = [sha256 for sha256 in connection.execute(old).scalars() if sha256 not in needed]
            for sha256 in useless:
                connection.execute(delete(outbox_files).where(outbox_files.c.sha256 == sha256))
        return len(useless)


def _put_files(connection: Connection, files: Mapping[str, bytes], *, now: datetime) -> None:
    rows = [{"sha256": sha256, "created_ms": to_ms(now), "content": files[sha256]} for sha256 in sorted(files)]
    if rows:
        upsert(connection, outbox_files, rows, on=("sha256",))


def _change(connection: Connection, message_id: str, values: Mapping[str, Any], *, held_by: str | None = None) -> bool:
    statement = update(deliveries).where(deliveries.c.id == message_id).values(**values)
    if held_by is not None:
        statement = statement.where(deliveries.c.holder == held_by)
    return connection.execute(statement).rowcount == 1


def _delivery(row: Row[Any], *, in_doubt: bool = False) -> Delivery:
    message = Message(row.id, row.job_id, row.kind, row.channel, row.recipient, row.subject, row.message)
    ended = None if row.ended_ms is None else from_ms(row.ended_ms)
    return Delivery(
        message, row.status, row.attempts, from_ms(row.next_ms), from_ms(row.created_ms), ended, row.error, in_doubt
    )
