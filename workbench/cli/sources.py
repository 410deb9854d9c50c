"""``workbench sources``: do the backends of the settings answer?"""

from __future__ import annotations

import sys
from typing import Any

import click

from workbench.cli.output import format_option, print_csv, print_json, print_table, say


@click.group()
def sources() -> None:
    """Check the sources of the settings.

    \b
    Example:
      workbench sources check
    """


@sources.command()
@click.argument("name", required=False)
@format_option
@click.pass_obj
def check(state: Any, name: str | None, format_: str) -> None:
    """Ask each source whether it answers; exit with its error when it does not.

    \b
    Examples:
      workbench sources check
      workbench --config prod.toml sources check prod --format json
    """
    from workbench.core.errors import ParameterError
    from workbench.core.result import jsonable
    from workbench.studies import source_states

    if name is not None and name not in state.settings.sources:
        known = ", ".join(state.settings.sources)
        raise ParameterError(f"There is no source {name!r} in the settings.", hint=f"Sources: {known}.")
    context = state.context()
    study = source_states(context, as_of=context.clock())
    states = study.results["sources"].to_frame()
    if name is not None:
        states = states[states["name"] == name]
    rows = [{key: jsonable(value) for key, value in row.items()} for row in states.to_dict(orient="records")]
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)
    for warning in study.warnings:
        say(f"Warning: {warning}")
    codes = [int(row.get("exit_code") or 0) for row in rows]
    sys.exit(next((code for code in codes if code), 0))
