"""``workbench slo rules``: recording and alerting rules of the objectives, with tests of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import say


@click.command()
@click.argument("system")
@click.option("--slo", help="One objective only.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the files; else to stdout.")
@click.pass_obj
def rules(state: Any, system: str, slo: str | None, out: Path | None) -> None:
    """Generate Prometheus rules: counts by window, burn rates, alerts on long and short windows.

    Into a folder it writes a rule file and a test of each objective, for `promtool check rules` and `test rules`.

    \b
    Examples:
      workbench slo rules counterfactual-lab --slo availability
      workbench slo rules counterfactual-lab --out rules
    """
    from workbench.report.export.html import write_atomically
    from workbench.studies.authoring.rules import slo_rules

    made = slo_rules(state.context(), system=system, slo=slo)
    if out is None:
        click.echo("---\n".join(made.files.values()), nl=False)
    else:
        for name, text in {**made.files, **made.tests}.items():
            write_atomically(out / name, text)
        say(
            f"Rule files, each with its test, in {out}: {len(made.files)}.",
            f"Try: promtool test rules {out}/*.test.yaml",
        )
    for why in made.left_out:
        say(f"Left out: {why}")
