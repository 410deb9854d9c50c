"""``workbench notify``: what is new and what is resolved, told once."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say


@click.command()
@click.option("--to", multiple=True, required=True, help="Channel of the settings; may be given several times.")
@click.option("--system", "systems", multiple=True, help="Only these systems; all by default.")
@click.option("--every", metavar="DURATION", help="Look on a schedule, e.g. 15m, until a signal ends it.")
@click.option("--dry-run", is_flag=True, help="Show what would be posted, and post nothing.")
@format_option
@click.pass_obj
def notify(
    state: Any, to: tuple[str, ...], systems: tuple[str, ...], every: str | None, dry_run: bool, format_: str
) -> None:
    """Post new and resolved findings, each once: error budgets at 50, 75 and 100 %, overruns, drifts, limits.

    Everything that changed goes into one message for each channel. This informs people; it pages nobody.

    \b
    Examples:
      workbench notify --to ops-chat --dry-run
      workbench notify --to ops-chat --every 15m
    """
    from workbench.cli.collect import until_signal
    from workbench.core.timerange import duration_ms
    from workbench.report.delivery import send_waiting
    from workbench.report.delivery.notify import notify as look
    from workbench.studies.upkeep.lease import held

    context = state.context()
    for name in systems:
        context.catalog.profile(name)
    show = {"json": print_json, "csv": print_csv, "table": print_table}[format_]
    between_s = duration_ms(every) / 1000 if every else 0.0
    with until_signal() as stopped, held(context.store, "notify", clock=context.clock) as lost:
        while not (stopped.is_set() or lost.is_set()):
            notified = look(
                context, context.store, state.settings, systems=systems or context.systems, to=to, dry_run=dry_run
            )
            show([{"change": kind, "system": system, "text": text} for kind, system, text in notified.changes.lines])
            say(f"{notified.changes.looked} subjects looked at.")
            if dry_run:
                say("Nothing was posted.")
            elif notified.full:
                say(f"Not posted: {', '.join(notified.full)} had its messages of this hour. The next look says it.")
            else:
                for sent in send_waiting(context.store, state.settings.channels, clock=context.clock, limit=100):
                    say(f"{sent.status}: {sent.channel}, {sent.subject}. {sent.error}".rstrip())
            if not every or stopped.wait(between_s):
                return
