"""``workbench delivery``: what was sent, what was not, and what would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say

_STATUSES = ["waiting", "sending", "handed over", "sent", "dead"]


@click.group()
def delivery() -> None:
    """Look into the outbox, and send what waits there.

    \b
    Examples:
      workbench delivery list --status dead
      workbench delivery preview monthly --system counterfactual-lab
    """


@delivery.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Only messages of this status; dead ones need you.")
@format_option
@click.pass_obj
def list_(state: Any, status: str | None, format_: str) -> None:
    """List messages with their recipient and how their sending stands, newest first.

    \b
    Example:
      workbench delivery list --status dead --format json
    """
    from workbench.store import open_store

    rows = [_row(each) for each in open_store(state.settings).deliveries(status=status or "")]
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)


@delivery.command()
@click.argument("message")
@click.pass_obj
def retry(state: Any, message: str) -> None:
    """Send a dead message once more, under the same idempotency key; MESSAGE is the start of its id.

    \b
    Example:
      workbench delivery retry 3f2a9c
    """
    from workbench.report.schedule.clock import wall_clock
    from workbench.store import open_store

    again = open_store(state.settings).retry_delivery(message, now=wall_clock())
    say(f"{again.message.id[:12]} waits for a scheduler. To send it now: workbench delivery send.")


@delivery.command()
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="Attempts at most.")
@click.pass_obj
def send(state: Any, limit: int) -> None:
    """Send what may be sent now; `workbench schedule run` does so by itself.

    \b
    Example:
      workbench delivery send
    """
    from workbench.report.delivery import send_waiting
    from workbench.report.schedule.clock import wall_clock
    from workbench.store import open_store

    attempts = send_waiting(open_store(state.settings), state.settings.channels, clock=wall_clock, limit=limit)
    for each in attempts:
        say(f"{each.status}: {each.id[:12]} to {each.channel}, {each.subject}. {each.error}".rstrip())
    if not attempts:
        say("Nothing waits.")


@delivery.command()
@click.argument("schedule")
@click.option("--system", help="Only the report of this system.")
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="Schedule file to read.")
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="Folder for the rendered messages.")
@format_option
@click.pass_obj
def preview(state: Any, schedule: str, system: str | None, file: Path | None, to: Path | None, format_: str) -> None:
    """Show what SCHEDULE would send, and to whom, with the newest report of each system; nothing is sent.

    Messages are rendered as they would go out: .eml for e-mail, .json for webhooks.

    \b
    Example:
      workbench delivery preview monthly --system counterfactual-lab --to preview
    """
    from workbench.report.delivery.preview import preview_schedule
    from workbench.report.schedule import open_schedule
    from workbench.store import open_store
    from workbench.studies.schedule.entries import chosen

    context = state.context()
    (entry,) = chosen(open_schedule(state.settings, context, file=file), [schedule])
    systems = [system] if system else list(entry.systems or context.systems)
    shown = preview_schedule(entry, systems, state.settings, open_store(state.settings), folder=to, now=context.clock())
    rows = [dict(vars(each)) for each in shown]
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)
    say("Nothing was sent.")


def _row(delivery: Any) -> dict[str, object]:
    message = delivery.message
    return {
        "message": message.id[:12],
        "kind": message.kind,
        "channel": message.channel,
        "recipient": message.recipient,
        "subject": message.subject,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "next": f"{delivery.next:%Y-%m-%d %H:%M} UTC" if delivery.status == "waiting" else "",
        "ended": f"{delivery.ended:%Y-%m-%d %H:%M} UTC" if delivery.ended else "",
        "error": delivery.error,
    }
