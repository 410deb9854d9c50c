"""``workbench notebook``: the shipped investigations."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import print_table, say


@click.group()
def notebook() -> None:
    """Open the shipped notebooks in JupyterLab.

    \b
    Example:
      workbench notebook open
    """


@notebook.command("list")
def list_() -> None:
    """List the shipped notebooks with the question each one answers.

    \b
    Example:
      workbench notebook list
    """
    from workbench.core.shipped import shipped

    rows: list[dict[str, object]] = []
    for path in sorted(shipped("notebooks").glob("*.ipynb")):
        first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        rows.append({"notebook": path.name, "question": first.strip().splitlines()[0].lstrip("# ")})
    print_table(rows)


@notebook.command("open")
@click.argument("name", required=False)
@click.option(
    "--to",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("notebooks-mine"),
    show_default=True,
    help="Folder the notebooks are copied to.",
)
@click.option("--system", default="", help="System that the copies are about; the worked example by default.")
@click.option("--period", default="", help="Period of the copies, e.g. 2026-10; that of each notebook by default.")
@click.option("--no-lab", is_flag=True, help="Copy the notebooks and do not start JupyterLab.")
@click.pass_obj
def open_(state: Any, name: str | None, directory: Path, system: str, period: str, no_lab: bool) -> None:
    """Copy the notebooks, or NAME alone, into a folder of yours and start JupyterLab there.

    System and period are filled in, and each of them gets copies of its own, named after it. Notebooks that are
    already in the folder are left as they are.

    \b
    Examples:
      workbench notebook open --to investigations
      workbench notebook open slo_budget --system mine --period 2026-10
    """
    from workbench.core.errors import ParameterError
    from workbench.core.periods import DEFAULT, parse_period
    from workbench.core.shipped import shipped

    settings = state.settings
    if system:
        state.context().catalog.profile(system)
    if period and period != DEFAULT:
        parse_period(period, zone=settings.zone, week_start=settings.week_start, as_of=state.context().clock())
    paths = {path.stem: path for path in sorted(shipped("notebooks").glob("*.ipynb"))}
    if name is not None and name.removesuffix(".ipynb") not in paths:
        raise ParameterError(f"There is no notebook {name!r}.", hint=f"Notebooks: {', '.join(paths)}.")

    directory.mkdir(parents=True, exist_ok=True)
    chosen = list(paths) if name is None else [name.removesuffix(".ipynb")]
    marks = [part for part in (system, period.replace("..", "-to-")) if part]
    for stem in chosen:
        copy = directory / ("-".join([stem, *marks]) + ".ipynb")
        if not copy.exists():
            copy.write_text(_filled(paths[stem], {"system": system, "period": period}), encoding="utf-8")
        if name is not None:
            say(f"The notebook is {copy}.")
    if name is None:
        say(f"Notebooks are in {directory}.")
    if no_lab:
        return
    environment = {**os.environ, "WORKBENCH_HOME": str(settings.home), "WORKBENCH_ZONE": settings.zone}
    if settings.origin is not None:
        environment["WORKBENCH_CONFIG"] = str(settings.origin)
    opened = copy if name is not None else directory
    os.execve(  # noqa: S606
        sys.executable, [sys.executable, "-m", "jupyterlab", "--ip", "127.0.0.1", str(opened)], environment
    )


def _filled(path: Path, given: dict[str, str]) -> str:
    """Return a notebook whose parameters have the given values as defaults."""
    document = json.loads(path.read_text(encoding="utf-8"))
    for cell in document["cells"]:
        if "parameters" in cell["metadata"].get("tags", ()):
            for number, line in enumerate(cell["source"]):
                parameter = line.partition(":")[0]
                if given.get(parameter):
                    before, _, comment = line.partition("  #")
                    declared = before.partition(" = ")[0]
                    cell["source"][number] = f"{declared} = {json.dumps(given[parameter])}  #{comment}"
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
