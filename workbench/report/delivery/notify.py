"""Tell people once of what is new and of what is resolved: one message for all of it, at most so many an hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from workbench.core.errors import ParameterError
from workbench.core.settings import Settings
from workbench.report.delivery.messages import WORDS, recipients
from workbench.store import Message, Store, message_id
from workbench.studies import Context
from workbench.studies.overview.notices import Changes, changes

#: Lines of one message; the rest is counted. [count]
_MOST = 40


@dataclass(frozen=True)
class Notified:
    """What was found, the messages about it, and the channels that take no more for now."""

    changes: Changes
    messages: tuple[Message, ...]
    full: tuple[str, ...]


def notify(
    ctx: Context, store: Store, settings: Settings, *, systems: Sequence[str], to: Sequence[str], dry_run: bool = False
) -> Notified:
    """Look at systems and put one message for each recipient into the outbox when something changed.

    What changed and the messages about it are written in one transaction. Where a channel had its messages of the hour,
    nothing is written: the next look groups what is new by then.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    store : Store
        The store of the workbench.
    settings : Settings
        The settings of this workbench.
    systems : sequence of str
        Ids of the systems.
    to : sequence of str
        Channels of the settings that take words.
    dry_run : bool
        Write nothing.

    Raises
    ------
    ParameterError
        There is no such channel, or it takes no words.
    """
    for name in to:
        if name not in settings.channels:
            raise ParameterError(
                f"There is no channel {name!r} in the settings.", hint=f"Channels: {', '.join(settings.channels)}."
            )
        if settings.channels[name].kind not in WORDS:
            raise ParameterError(f"The channel {name!r} takes files only.", hint="Use e-mail, Slack or a webhook.")
    now = ctx.clock()
    changed = changes(ctx, systems=systems, as_of=now, held=store.open_notices())
    messages = tuple(_messages(ctx, changed, settings, to, now)) if changed.lines else ()
    full = tuple(name for name in to if _sent_last_hour(store, name, now) >= settings.channels[name].per_hour)
    if not dry_run and not full and (changed.opened or changed.closed):
        store.change_notices(changed.opened, changed.closed, messages, {}, now=now)
    return Notified(changed, messages, full)


def _notice_text(ctx: Context, changed: Changes) -> tuple[str, str]:
    """Return subject and text of a message about changes, by system, new ones first."""
    new = sum(kind == "new" for kind, _, _ in changed.lines)
    resolved = len(changed.lines) - new
    counts = [f"{new} new" if new else "", f"{resolved} resolved" if resolved else ""]
    systems = list(dict.fromkeys(system for _, system, _ in changed.lines))
    subject = f"{' and '.join(filter(None, counts))}: {', '.join(map(ctx.catalog.title, systems))}"
    ordered = sorted(changed.lines, key=lambda line: (systems.index(line[1]), line[0]))
    rows, system = [], ""
    for kind, of, text in ordered[:_MOST]:
        if of != system:
            rows.append(ctx.catalog.title(of))
            system = of
        rows.append(f"- {text}" if kind == "new" else f"- Resolved: {text}")
    if len(ordered) > _MOST:
        rows.append(f"... and {len(ordered) - _MOST} more; see workbench notify --dry-run.")
    return subject, "\n".join(rows)


def _messages(ctx: Context, changed: Changes, settings: Settings, to: Sequence[str], now: datetime) -> list[Message]:
    subject, text = _notice_text(ctx, changed)
    content = {
        "text": text,
        "html": "",
        "files": [],
        "changes": [{"change": kind, "system": system, "text": words} for kind, system, words in changed.lines],
    }
    marks = (*(notice.id for notice in changed.opened), *changed.closed, now.isoformat())
    destinations = [{"channel": name, "recipients": []} for name in to]
    return [
        Message(message_id("notice", *marks, channel, recipient), "", "notice", channel, recipient, subject, content)
        for channel, recipient in recipients(destinations, settings)
    ]


def _sent_last_hour(store: Store, channel: str, now: datetime) -> int:
    since = now - timedelta(hours=1)
    recent = [each for each in store.deliveries() if each.created > since and each.message.kind == "notice"]
    return sum(each.message.channel == channel for each in recent)
