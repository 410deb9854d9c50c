"""Send what waits in the outbox: each message until it is taken, with growing waits, and then no more."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workbench.core.errors import WorkbenchError
from workbench.core.processes import this_process
from workbench.core.settings.channels import ChannelSettings
from workbench.report.delivery.email import send_mail
from workbench.report.delivery.failures import SendError
from workbench.report.delivery.places import put_files
from workbench.report.delivery.webhook import post
from workbench.store import Delivery, Store

#: Waits between attempts; after the last one a message is dead until somebody runs ``delivery retry``.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720))

#: How long the lease of one attempt lasts; longer than any time limit of a channel together with its steps.
LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class Sent:
    """One attempt: ``sent``, ``waiting`` (it failed and is tried again) or ``dead``."""

    id: str
    channel: str
    subject: str
    status: str
    error: str = ""


def send_waiting(
    store: Store,
    channels: Mapping[str, ChannelSettings],
    *,
    clock: Callable[[], datetime],
    limit: int,
) -> list[Sent]:
    """Send messages that may be sent now, oldest first.

    Several processes may do so at once over one store: each message is taken by one of them. A message whose sender
    died is sent by the next, with the same key; where it had been handed over by then, ``in_doubt`` of the channel says
    whether it is sent again or held.

    Parameters
    ----------
    store : Store
        The store of the workbench.
    channels : mapping
        Of the settings.
    clock : callable
        Returns the present instant.
    limit : int
        Attempts at most.
    """
    attempts: list[Sent] = []
    while len(attempts) < limit:
        holder = f"{this_process()}/{uuid.uuid4().hex[:8]}"
        delivery = store.claim_delivery(holder, now=clock(), lasts=LASTS)
        if delivery is None:
            break
        attempts.append(_attempt(store, delivery, holder, channels, clock))
    return attempts


def _attempt(
    store: Store,
    delivery: Delivery,
    holder: str,
    channels: Mapping[str, ChannelSettings],
    clock: Callable[[], datetime],
) -> Sent:
    message = delivery.message
    channel = channels.get(message.channel)
    try:
        if channel is None:
            raise SendError(f"The settings have no channel {message.channel!r}.", permanent=True)
        if delivery.in_doubt and channel.in_doubt == "hold":
            raise SendError(
                "Its sender died after it was handed over: it may have arrived. `delivery retry` sends it again.",
                permanent=True,
            )
        _sent(store, delivery, holder, channel, clock)
    except WorkbenchError as error:
        return _failed(store, delivery, holder, error, clock())
    store.end_delivery(message.id, holder, status="sent", now=clock())
    return Sent(message.id, message.channel, message.subject, "sent")


def _sent(
    store: Store, delivery: Delivery, holder: str, channel: ChannelSettings, clock: Callable[[], datetime]
) -> None:
    message = delivery.message

    def file_of(sha256: str) -> bytes:
        content = store.outbox_file(sha256)
        if content is None:
            raise SendError("A file of the message is no longer in the outbox.", permanent=True)
        return content

    def handing_over() -> None:
        if not store.hand_over(message.id, holder):
            raise SendError("Another process sends this message.")

    options: dict[str, Any] = {"handing_over": handing_over}
    if channel.kind == "email":
        send_mail(message, channel, file_of, at=delivery.created, **options)
    elif channel.kind in ("slack", "webhook"):
        post(message, channel, now=clock(), **options)
    else:
        put_files(message, channel, file_of)


def _failed(store: Store, delivery: Delivery, holder: str, error: WorkbenchError, now: datetime) -> Sent:
    message, permanent = delivery.message, isinstance(error, SendError) and error.permanent
    sent = Sent(message.id, message.channel, message.subject, "waiting", error.message)
    if permanent or delivery.attempts > len(WAITS):
        store.end_delivery(message.id, holder, status="dead", now=now, error=error.message)
        return Sent(message.id, message.channel, message.subject, "dead", error.message)
    wait = timedelta(seconds=error.wait_s if isinstance(error, SendError) else 0.0)
    until = now + max(WAITS[delivery.attempts - 1], wait)
    store.postpone_delivery(message.id, holder, until=until, error=error.message)
    return sent
