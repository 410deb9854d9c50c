"""``workbench slo import`` and ``export``: definitions of other tools, and ours for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import say


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--system", required=True, help="System that the objectives are for.")
@click.option("--period", default="30d", show_default=True, help="Period of Sloth's SLOs; its files do not say it.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write; else to stdout.")
@click.option("--replace", is_flag=True, help="Write over a file that is there.")
@click.pass_obj
def import_(state: Any, file: Path, system: str, period: str, out: Path | None, replace: bool) -> None:
    """Turn definitions of Sloth, Pyrra or OpenSLO v2alpha into OpenSLO v1.

    \b
    Examples:
      workbench slo import sloth.yaml --system conduit
      workbench slo import pyrra.yaml --system conduit --out slos/conduit.yaml
    """
    from workbench.core.errors import CatalogError, ParameterError
    from workbench.report.export.html import write_atomically
    from workbench.studies.authoring.imports import import_slos

    made = import_slos(file, system=system, period=period, profiles=state.settings.profiles)
    if out is None:
        click.echo(made.text, nl=False)
    elif out.exists() and not replace:
        raise ParameterError(f"{out} is there already.", hint="Add --replace to write over it.")
    else:
        write_atomically(out, made.text)
    count = f"{len(made.objectives)} objective{'s' if len(made.objectives) != 1 else ''}"
    say(f"{count}: {', '.join(objective.id for objective in made.objectives)}.", *made.notes)
    if made.faults:
        raise CatalogError(made.faults, hint="These were left out; the others were imported.")


@click.command()
@click.argument("system")
@click.option("--slo", help="One objective only.")
@click.pass_obj
def export(state: Any, system: str, slo: str | None) -> None:
    """Print a system's objectives as OpenSLO v1.

    \b
    Example:
      workbench slo export counterfactual-lab
    """
    from workbench.studies.authoring.imports import export_slos

    click.echo(export_slos(state.context(), system=system, slo=slo), nl=False)
