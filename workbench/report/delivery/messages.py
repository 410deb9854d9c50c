"""Messages about jobs: a report to each of its recipients, or the word that it could not be made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workbench.core.settings import Settings
from workbench.store import Job, Message, message_id
from workbench.studies import open_context

#: Channels that take words; a folder takes files only.
WORDS = ("email", "slack", "webhook")


def report_messages(job: Job, content: Mapping[str, Any], settings: Settings) -> list[Message]:
    """Return the messages that bring a report to its destinations.

    Parameters
    ----------
    job : Job
        The finished report of a schedule.
    content : mapping
        As :func:`workbench.report.delivery.files.report_files` gives it.
    settings : Settings
        With the channels; a destination whose channel is gone is left out, ``schedule check`` names it.
    """
    title = open_context(settings).catalog.title(content["system"])
    subject = f"{content['report'].capitalize()} report of {title}, {content['period']}"
    text = content["text"] or f"{subject}. The report is attached."
    body = {**content, "text": text, "schedule": job.schedule}
    return [
        Message(message_id(job.id, "report", channel, recipient), job.id, "report", channel, recipient, subject, body)
        for channel, recipient in recipients(job.document["to"], settings)
    ]


def failure_messages(job: Job, error: str, settings: Settings) -> list[Message]:
    """Return the messages that say that a report could not be made; folders and object stores get none."""
    report, title = job.document["template"], open_context(settings).catalog.title(job.system)
    subject = f"No {report} report of {title}, {job.period}"
    text = f"The {report} report of {title} for {job.period} could not be made.\n{error}\nSchedule: {job.schedule}."
    body = {
        "report": report,
        "system": job.system,
        "period": job.period,
        "schedule": job.schedule,
        "text": text,
        "html": "",
        "files": [],
    }
    return [
        Message(message_id(job.id, "failure", channel, recipient), job.id, "failure", channel, recipient, subject, body)
        for channel, recipient in recipients(job.document["to"], settings)
        if settings.channels[channel].kind in WORDS
    ]


def recipients(to: Sequence[Mapping[str, Any]], settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield channel and recipient of each message, each once; the recipient is empty but for e-mail."""
    seen = set()
    for destination in to:
        channel = settings.channels.get(destination["channel"])
        if channel is None:
            continue
        named = destination["recipients"] or channel.recipients if channel.kind == "email" else ("",)
        for recipient in named:
            if (destination["channel"], recipient) not in seen:
                seen.add((destination["channel"], recipient))
                yield destination["channel"], recipient
