"""What a schedule would send, rendered as it would go out; nothing is sent and nothing is written into the store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from workbench.core.errors import ParameterError
from workbench.core.settings import Settings
from workbench.report.delivery.email import mail
from workbench.report.delivery.files import ReportContent, report_files
from workbench.report.delivery.messages import report_messages
from workbench.report.delivery.webhook import slack_body, webhook_body
from workbench.store import Job, Message, ReportRun, Store
from workbench.studies.schedule.entries import Entry


@dataclass(frozen=True)
class Preview:
    """A message that would be sent; ``rendered`` is its file, where a folder was given."""

    channel: str
    kind: str
    recipient: str
    subject: str
    files: str
    text: str
    rendered: str


def preview_schedule(
    entry: Entry,
    systems: Sequence[str],
    settings: Settings,
    store: Store,
    *,
    now: datetime,
    folder: Path | None = None,
) -> list[Preview]:
    """Render the messages of a schedule with the newest finished report of each system.

    Parameters
    ----------
    entry : Entry
        One schedule of the settings.
    systems : sequence of str
        Ids of the systems.
    settings : Settings
        The settings of this workbench.
    store : Store
        The store of the workbench.
    now : datetime
        The present instant.
    folder : Path, optional
        Where the messages are written as files.

    Raises
    ------
    ParameterError
        No report of the template was made for any of the systems, or the schedule sends to nobody.
    """
    if not entry.to:
        raise ParameterError(
            f"The schedule {entry.name!r} sends to nobody.",
            hint="Add `to: [CHANNEL]` to it in the schedule file; channels stand in the settings (docs/delivery.md).",
        )
    runs = [run for system in systems if (run := _newest(store, entry.template, system)) is not None]
    if not runs:
        raise ParameterError(
            f"There is no {entry.template} report of {', '.join(systems)} to show.",
            hint=f"Make one: workbench report run {entry.template} --system {systems[0]}.",
        )
    return [shown for run in runs for shown in _messages(entry, run, settings, now, folder)]


def _newest(store: Store, template: str, system: str) -> ReportRun | None:
    return next((run for run in store.runs(report=template, system=system) if run.status == "done"), None)


def _messages(
    entry: Entry, run: ReportRun, settings: Settings, now: datetime, folder: Path | None
) -> Iterator[Preview]:
    content = report_files(run, settings, entry.outputs)
    job = Job(
        id=run.id, schedule=entry.name, system=run.system, period=run.period, due=now, deadline=now, next=now,
        status="waiting", claims=0, failures=0, holder="", begun=None, ended=None, run_id=run.id, error="",
        document=entry.document(),
    )  # fmt: skip
    for message in report_messages(job, content.message, settings):
        kind = settings.channels[message.channel].kind
        ending, text = _rendered(message, settings, content, now)
        path = ""
        if folder is not None and ending:
            folder.mkdir(parents=True, exist_ok=True)
            target = folder / f"{message.channel}-{message.id[:12]}{ending}"
            target.write_bytes(text)
            path = str(target)
        files = ", ".join(file["name"] for file in message.content["files"])
        words = str(message.content["text"]) if kind not in ("folder", "objects") else ""
        yield Preview(message.channel, kind, message.recipient, message.subject, files, words, path)


def _rendered(message: Message, settings: Settings, content: ReportContent, now: datetime) -> tuple[str, bytes]:
    channel = settings.channels[message.channel]
    file_of: Callable[[str], bytes] = content.files.__getitem__
    if channel.kind == "email":
        return ".eml", mail(message, channel, file_of, at=now).as_bytes()
    if channel.kind in ("slack", "webhook"):
        body = slack_body(message) if channel.kind == "slack" else webhook_body(message)
        return ".json", json.dumps(body, indent=2, ensure_ascii=False).encode()
    return "", b""
