"""``workbench investigate``: from "something is wrong" to where it began."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import exit_by_status, format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.period import PeriodOptions, period_options

#: Columns of the table on a terminal; JSON and CSV have all.
_SHOWN = ("rank", "what", "change", "now", "before", "ratio", "kept")


@click.command()
@click.argument("system")
@click.option("--against", help="Compare with the same hours so long before (1d), or with START..END.")
@click.option("--alert", help="Investigate the newest episode of this alert in place of a period.")
@click.option("--episode", help="Investigate a budget episode: OBJECTIVE or OBJECTIVE/NUMBER of `slo attribute`.")
@click.option("--check", is_flag=True, help="Exit 1 when something differs.")
@period_options
@format_option
@click.pass_obj
def investigate(
    state: Any,
    system: str,
    against: str | None,
    alert: str | None,
    episode: str | None,
    check: bool,
    period: PeriodOptions,
    format_: str,
) -> None:
    """Say what differs in a window: log templates, failing and slow operations, values of bad requests, objectives.

    Compared with the same hours a week before and with the hour before; a row is named when it differs from both.

    \b
    Examples:
      workbench investigate llm-ab-testing --from 2026-11-25T14:55 --to 2026-11-25T15:20
      workbench investigate conduit --last 1h --against 1d
      workbench investigate counterfactual-lab --alert HighErrorRate
      workbench investigate counterfactual-lab --episode availability --format json
    """
    from workbench.charts.investigate import tables
    from workbench.core.errors import ParameterError
    from workbench.studies.investigate import windows
    from workbench.studies.investigate.investigate import investigate as study_of

    context = state.context()
    given = [name for name, value in (("--alert", alert), ("--episode", episode)) if value]
    if len(given) > 1 or (given and (period.since or period.last or period.period)):
        raise ParameterError(f"{' and '.join(given)} and a period exclude each other.", hint="Give one of them.")
    span, as_of = period.read(context.clock(), context, default="1h")
    if alert:
        span = windows.window_of_alert(context, system=system, alert=alert, as_of=as_of)
    elif episode:
        span = windows.window_of_episode(context, system=system, episode=episode, as_of=as_of)
    study = study_of(context, system=system, range=span, against=against, as_of=as_of)
    changes = study.results["changes"]
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        print_csv(changes.to_frame().to_dict(orient="records"))
    else:
        for kind, heading in tables.HEADINGS.items():
            rows = tables.change_rows(changes, kind)
            if rows:
                click.echo(f"{heading}\n")
                print_table([{name: row[name] for name in _SHOWN} for row in rows])
                top = rows[0]
                ways = (("Example:", "example"), ("Trace:", "trace command"), ("Rows:", "command"))
                click.echo("\n" + "\n".join(f"  {name:<8} {top[key]}" for name, key in ways if top[key]) + "\n")
        for heading, others in (
            ("What else happened", tables.happening_rows(study.results["happenings"])),
            (tables.budget_heading(study), tables.budget_rows(study)),
        ):
            if others:
                click.echo(f"{heading}\n")
                print_table(others)
                click.echo()
        say(f"{system}, {study.range}: {tables.finding(study)}")
    for note in (*study.warnings, *(note for name in ("changes", "happenings") for note in study.results[name].notes)):
        say(f"Note: {note}")
    exit_by_status(study.status, check=check)
