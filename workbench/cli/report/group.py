"""``workbench report``: run reports from templates, issue them, and find earlier ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.report.archive import compare, list_, prune, show
from workbench.cli.report.issue import diff, issue, issues, reproduce
from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say


@click.group()
def report() -> None:
    """Run reports as drafts, issue them, and find earlier ones.

    \b
    Examples:
      workbench report run monthly --system counterfactual-lab --period last-month
      workbench report issue --system counterfactual-lab --period last-month
    """


for _command in (list_, show, compare, prune, issue, issues, diff, reproduce):
    report.add_command(_command)


@report.command()
@click.argument("name", default="monthly")
@click.option("--system", "systems", multiple=True, help="System; may be repeated.")
@click.option("--all", "every", is_flag=True, help="Every system that a source answers for.")
@click.option(
    "--period",
    "--month",
    "period",
    help="Calendar period in --zone: 2026-10, last-month, last-week, 2026-Q3. That of the template by default.",
)
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="Parameter of the template; repeatable.")
@click.option(
    "--output",
    "outputs",
    multiple=True,
    type=click.Choice(["pdf", "parquet", "csv", "xlsx"]),
    help="Beside HTML, Markdown and JSON; may be repeated.",
)
@click.option("--interactive", is_flag=True, help="Figures drawn by a script in place of SVG (about 5 MB).")
@click.option("--out", type=click.Path(path_type=Path), help="Folder, or file for one system, for a copy.")
@click.option("--cluster", metavar="ADDRESS", help="Make reports on a Dask cluster, e.g. tcp://host:8786.")
@click.pass_obj
def run(
    state: Any,
    name: str,
    systems: tuple[str, ...],
    every: bool,
    period: str | None,
    given: tuple[str, ...],
    outputs: tuple[str, ...],
    interactive: bool,
    out: Path | None,
    cluster: str | None,
) -> None:
    """Run a report and print the path of its HTML file; it is a draft until it is issued.

    Several systems are run at once, one a processor, or on a cluster, whose workers keep the files. A run that fails
    is kept and marked; it never replaces an earlier report. Of several systems the others are run all the same, and the
    exit code is that of the first failure.

    \b
    Examples:
      workbench report run monthly --system counterfactual-lab --output pdf
      workbench report run executive --period 2026-10 --set months=24
      workbench --zone Europe/Berlin report run monthly --system counterfactual-lab --period 2026-10 --out october.html
      workbench report run weekly-review --all --output xlsx --out reports/
      workbench report run monthly --all --cluster tcp://dask:8786
    """
    from workbench.core.errors import ParameterError, ReportError
    from workbench.core.executor.chosen import executor_for
    from workbench.core.units import bytes_text
    from workbench.report import run_reports
    from workbench.report.export.outputs import checked_outputs
    from workbench.report.run.templates import ALL, template_parameters

    defaults = {
        template_parameter.name: template_parameter
        for template_parameter in template_parameters(name, state.settings.reports)
    }
    for_all = "system" in defaults and defaults["system"].value == ALL
    if not for_all and every == bool(systems):
        raise ParameterError("Say which systems: name one or more with --system, or use --all.")
    if any("=" not in text for text in given):
        raise ParameterError(
            f"--set {next(text for text in given if '=' not in text)} has no value.", hint="NAME=VALUE"
        )
    chosen = dict.fromkeys(systems) or ({ALL: None} if for_all else state.context().systems)
    if len(chosen) > 1 and out is not None:
        if out.is_file():
            raise ParameterError(f"{out} is a file.", hint="The reports of several systems need a folder.")
        out.mkdir(parents=True, exist_ok=True)
    failures: list[ReportError] = []
    span = period or str(defaults["period"].value)
    say(f"Running {name} of {', '.join(chosen)} for {span} …")
    wide = cluster or state.settings.cluster
    executor = executor_for(state.settings, cluster=cluster) if wide else None
    try:
        for system, done in run_reports(
            name,
            chosen,
            period=span,
            settings=state.settings,
            parameters=dict(text.split("=", 1) for text in given),
            outputs=checked_outputs(outputs),
            interactive=interactive,
            out=out,
            executor=executor,
        ):
            if isinstance(done, ReportError):
                failures.append(done)
                say(f"Failed: {system}: {done}")
                continue
            click.echo(done.html)
            beside = ", ".join(form for form in done.files if form != "html")
            say(
                f"{system}: {done.seconds:.1f} s, {bytes_text(done.size)}, run {done.run_id}"
                + (f"; {beside}" if beside else "")
            )
    finally:
        if executor is not None:
            executor.close()
    if failures:
        raise failures[0]


@report.command()
@click.argument("name", default="monthly")
@format_option
@click.pass_obj
def parameters(state: Any, name: str, format_: str) -> None:
    """List the parameters of a report template with types and defaults.

    \b
    Example:
      workbench report parameters executive
    """
    from workbench.report.run.templates import template_parameters

    rows = [dict(vars(parameter)) for parameter in template_parameters(name, state.settings.reports)]
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)


@report.command()
@format_option
@click.pass_obj
def templates(state: Any, format_: str) -> None:
    """List the report templates: the shipped ones, and those in the folders that `reports` in the settings names.

    \b
    Example:
      workbench report templates
    """
    from workbench.report.run.templates import template_names, template_path

    folders = state.settings.reports
    rows = [{"template": name, "path": str(template_path(name, folders))} for name in template_names(folders)]
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)
