"""``workbench audit``: who wrote what, with what stood there before and after."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say


@click.group()
def audit() -> None:
    """Look up who decided what: exclusions, annotations, tags, acceptances, changed definitions.

    \b
    Example:
      workbench audit list --last 7d
    """


@audit.command("list")
@click.option("--system", help="One system only; all by default, for whom all may be seen.")
@click.option("--who", help="One person only, as named in the entries.")
@click.option("--last", help="Length up to now, e.g. 30d; everything by default.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Entries, newest first.")
@format_option
@click.pass_obj
def list_(state: Any, system: str | None, who: str | None, last: str | None, limit: int, format_: str) -> None:
    """Print the audit trail, newest first; JSON has the rows before and after each change.

    \b
    Examples:
      workbench audit list --last 7d
      workbench audit list --system counterfactual-lab --who ana@example.com --format json
    """
    from workbench.charts.slo.decision_tables import trail_rows
    from workbench.core.timerange import TimeRange
    from workbench.studies.decisions.annotations import decided_rows
    from workbench.studies.decisions.trail import audit_trail

    context = state.context()
    since = TimeRange.last(last, until=context.clock()).start if last else None
    entries = audit_trail(context, system=system, who=who, since=since, limit=limit)
    if format_ == "json":
        print_json(decided_rows(entries))
        return
    {"csv": print_csv, "table": print_table}[format_](trail_rows(entries))
    if len(entries) == limit:
        say(f"The newest {limit} entries; --limit shows more.")
