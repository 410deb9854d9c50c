"""``workbench slo exclude``: what does not count, who decided so, and taking it back."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.decided import print_decided
from workbench.cli.shared.output import format_option, say


@click.group()
def exclude() -> None:
    """Leave windows of time out of the figures; nothing is ever deleted.

    \b
    Example:
      workbench slo exclude add counterfactual-lab --from 2026-10-12T02:00Z --for 2h --reason "Database moved"
    """


def pairs(labels: tuple[str, ...]) -> dict[str, str]:
    """Read ``name=value`` options."""
    wrong = [text for text in labels if "=" not in text]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is not name=value.", param_hint="--label")
    return dict(text.partition("=")[::2] for text in labels)


@exclude.command()
@click.argument("system")
@click.option("--from", "since", required=True, help="Start, ISO 8601; without an offset in --zone.")
@click.option("--to", "until", help="End of a single window.")
@click.option("--for", "duration", default="", help="Length in place of --to, e.g. 2h; a day is a day of the zone.")
@click.option("--rule", default="", help="RRULE for a window that repeats, e.g. FREQ=WEEKLY;BYDAY=SU.")
@click.option("--slo", default="", help="One objective only; all of the system by default.")
@click.option("--label", "labels", multiple=True, help="Objectives with this label only, name=value; may be repeated.")
@click.option(
    "--semantics",
    type=click.Choice(["remove_time", "remove_events", "count_good"]),
    default="remove_time",
    show_default=True,
    help="Leave events and time out, events only, or count all as good.",
)
@click.option("--reason", required=True, help="Why it does not count.")
@click.pass_obj
def add(
    state: Any,
    system: str,
    since: str,
    until: str | None,
    duration: str,
    rule: str,
    slo: str,
    labels: tuple[str, ...],
    semantics: str,
    reason: str,
) -> None:
    """Exclude a window, also of the past, and print its id.

    \b
    Examples:
      workbench slo exclude add conduit --slo availability --from 2026-10-12T02:00Z --for 2h --reason "Move"
      workbench --zone Europe/Berlin slo exclude add conduit --from 2026-10-04T03:00 --for 2h \\
          --rule "FREQ=WEEKLY;BYDAY=SU" --reason "Weekly maintenance"
    """
    from workbench.core.timerange import parse_instant
    from workbench.core.units import interval_text
    from workbench.studies.decisions.exclusions import add_exclusion

    context, zone = state.context(), state.settings.zone
    record = add_exclusion(
        context,
        system=system,
        start=parse_instant(since, zone=zone),
        end=parse_instant(until, zone=zone) if until else None,
        duration=duration,
        rule=rule,
        slo=slo,
        labels=pairs(labels),
        semantics=semantics,
        reason=reason,
    )
    click.echo(record.id)
    say(f"{interval_text(record.starts_at, record.ends_at)}{', repeating' if rule else ''}.")
    say("The figures count without it from now on; workbench slo status shows them with and without.")


@exclude.command("list")
@click.argument("system")
@click.option("--all", "everything", is_flag=True, help="Those that were revoked too.")
@format_option
@click.pass_obj
def list_(state: Any, system: str, everything: bool, format_: str) -> None:
    """List the exclusions of a system.

    \b
    Example:
      workbench slo exclude list counterfactual-lab --all
    """
    from workbench.charts.slo.decision_tables import exclusion_rows

    print_decided(
        state, system, format_, read=lambda store: store.exclusions(system, revoked=everything), rows_of=exclusion_rows
    )


@exclude.command()
@click.argument("exclusion")
@click.option("--reason", required=True, help="Why it counts again.")
@click.pass_obj
def revoke(state: Any, exclusion: str, reason: str) -> None:
    """Take an exclusion back; it stays in the audit trail.

    \b
    Example:
      workbench slo exclude revoke 1f3a9c0b72de --reason "Customers were affected"
    """
    from workbench.studies.decisions.revoking import revoke_exclusion

    record = revoke_exclusion(state.context(), id=exclusion, why=reason)
    say(f"The exclusion {record.id} of {record.system} counts no more.")


@exclude.command()
@click.argument("system")
@format_option
@click.pass_obj
def audit(state: Any, system: str, format_: str) -> None:
    """Print who excluded, annotated, revoked or redefined what, newest first.

    \b
    Example:
      workbench slo exclude audit counterfactual-lab --format json
    """
    from workbench.charts.slo.decision_tables import audit_rows

    print_decided(state, system, format_, read=lambda store: store.audit(system), rows_of=audit_rows)
