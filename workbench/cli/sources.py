"""``workbench sources``: do the backends of the settings answer?"""

from __future__ import annotations

import sys
from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say


@click.group()
def sources() -> None:
    """Check the sources of the settings.

    \b
    Example:
      workbench sources check
    """


def _shown(row: dict[str, Any]) -> dict[str, object]:
    """Row of a source for the terminal: instants and ages as text; codes and seconds are in the other formats."""
    from workbench.core.units import NO_VALUE, age_text, instant_text

    newest, age_s = row["newest"], row["age_s"]
    known = newest is not None and newest == newest  # NaT is none
    seen = {key: row[key] for key in ("name", "kind", "location", "status", "engine", "semantics")}
    age = f"{age_text(age_s)}{', stale' if row['stale'] else ''}" if known else NO_VALUE
    times = {"newest sample": instant_text(newest) if known else NO_VALUE, "age": age}
    return seen | times | {key: row[key] for key in ("systems", "detail")}


@sources.command()
@click.argument("name", required=False)
@click.option("--strict", is_flag=True, help="Exit 1 when a finding asks for something, e.g. a metric that is missing.")
@format_option
@click.pass_obj
def check(state: Any, name: str | None, strict: bool, format_: str) -> None:
    """Look closely at each source; exit with its error when it does not answer.

    Says whether it answers, with which version, whether its clock is right, what it holds, its limits, what it does not
    let us see, and what the profiles of its systems ask for that it does not have.

    \b
    Examples:
      workbench sources check
      workbench --config prod.toml sources check prod --strict --format json
    """
    from workbench.core.errors import ParameterError
    from workbench.core.result import jsonable
    from workbench.studies import source_checks

    if name is not None and name not in state.settings.sources:
        known = ", ".join(state.settings.sources)
        raise ParameterError(f"There is no source {name!r} in the settings.", hint=f"Sources: {known}.")
    context = state.context()
    study = source_checks(context, name=name, as_of=context.clock())
    states, checks = (study.results[each].to_frame() for each in ("sources", "checks"))
    rows = [{key: jsonable(value) for key, value in row.items()} for row in states.to_dict(orient="records")]
    findings = checks.to_dict(orient="records")
    if format_ == "json":
        findings_of = {row["name"]: [each for each in findings if each["source"] == row["name"]] for row in rows}
        print_json([{**row, "checks": findings_of[row["name"]]} for row in rows])
    elif format_ == "csv":
        print_csv(rows)
    else:
        print_table([_shown(row) for row in states.to_dict(orient="records")])
        if findings:
            click.echo()
            print_table([{key: finding[key] for key in ("source", "check", "status", "text")} for finding in findings])
    for warning in study.warnings:
        say(f"Warning: {warning}")
    codes = [int(row.get("exit_code") or 0) for row in rows]
    asks = strict and any(finding["status"] == "warning" for finding in findings)
    sys.exit(next((code for code in codes if code), int(asks)))
