"""``workbench slo draft``: a first objective for a system that has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import say


@click.command()
@click.argument("system")
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="File to write; printed otherwise.")
@click.pass_obj
def draft(state: Any, system: str, to: Path | None) -> None:
    """Draft availability objectives from the counters of requests and failures in a profile.

    The target of 99 % is a start: measure a month, then set it slightly below what was reached. No source is asked.

    \b
    Examples:
      workbench slo draft mine
      workbench slo draft mine --to slos/mine.yaml
    """
    from workbench.studies.authoring.objectives import draft_objectives

    text = draft_objectives(state.context(), system=system)
    if to is None:
        click.echo(text, nl=False)
        return
    if to.exists():
        raise click.UsageError(f"{to} exists; name another file.")
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text, encoding="utf-8")
    click.echo(to)
    say("Name its folder in the settings: slos = [...]. Then: workbench catalog check")
