"""``workbench slo annotate``: deploys, incidents, reviews and comments beside the figures."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.decided import print_decided
from workbench.cli.shared.output import format_option, say


@click.group()
def annotate() -> None:
    """Write down what happened, so that it stands beside the figures.

    \b
    Example:
      workbench slo annotate add conduit --kind deploy --at 2026-10-12T09:30Z --text "Release 2.4"
    """


@annotate.command()
@click.argument("system")
@click.option("--kind", default="comment", show_default=True, help="deploy, incident, review or comment.")
@click.option("--at", "since", required=True, help="When, ISO 8601; without an offset in --zone.")
@click.option("--to", "until", help="End, for what lasted.")
@click.option("--text", required=True, help="What happened.")
@click.option("--link", default="", help="Web address of a ticket or change.")
@click.option("--slo", default="", help="One objective only.")
@click.pass_obj
def add(state: Any, system: str, kind: str, since: str, until: str | None, text: str, link: str, slo: str) -> None:
    """Write an annotation down and print its id.

    \b
    Example:
      workbench slo annotate add conduit --kind incident --at 2026-10-12T09:30Z --to 2026-10-12T10:15Z --text "Outage"
    """
    from workbench.core.timerange import parse_instant
    from workbench.studies.decisions.annotations import add_annotation

    zone = state.settings.zone
    end = parse_instant(until, zone=zone) if until else None
    start = parse_instant(since, zone=zone)
    record = add_annotation(
        state.context(), system=system, kind=kind, start=start, end=end, text=text, link=link, slo=slo
    )
    click.echo(record.id)


@annotate.command("list")
@click.argument("system")
@click.option("--all", "everything", is_flag=True, help="Those that were revoked too.")
@format_option
@click.pass_obj
def list_(state: Any, system: str, everything: bool, format_: str) -> None:
    """List the annotations of a system, oldest first.

    \b
    Example:
      workbench slo annotate list conduit --format csv
    """
    from workbench.charts.slo.decision_tables import annotation_rows

    print_decided(
        state,
        system,
        format_,
        read=lambda store: store.annotations(system, revoked=everything),
        rows_of=annotation_rows,
    )


@annotate.command()
@click.argument("annotation")
@click.option("--reason", required=True, help="Why it is taken back.")
@click.pass_obj
def revoke(state: Any, annotation: str, reason: str) -> None:
    """Take an annotation back; it stays in the audit trail.

    \b
    Example:
      workbench slo annotate revoke 1f3a9c0b72de --reason "Wrong system"
    """
    from workbench.studies.decisions.revoking import revoke_annotation

    record = revoke_annotation(state.context(), id=annotation, why=reason)
    say(f"The annotation {record.id} of {record.system} is taken back.")
