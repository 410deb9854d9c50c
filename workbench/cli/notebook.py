"""``workbench notebook``: the shipped investigations."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import print_table, say

#: The line of each notebook that says which system it is about, as it stands in the file.
_EXAMPLE = json.dumps('system = "counterfactual-lab"')[1:-1]


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
@click.option(
    "--to",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("notebooks-mine"),
    show_default=True,
    help="Folder the notebooks are copied to.",
)
@click.option("--system", default="", help="System that the copies are about; the worked example by default.")
@click.option("--no-lab", is_flag=True, help="Copy the notebooks and do not start JupyterLab.")
@click.pass_obj
def open_(state: Any, directory: Path, system: str, no_lab: bool) -> None:
    """Copy the notebooks into a folder of yours and start JupyterLab there.

    Notebooks that are already in the folder are left as they are.

    \b
    Examples:
      workbench notebook open --to investigations
      workbench notebook open --system mine
    """
    from workbench.core.shipped import shipped

    if system:
        state.context().catalog.profile(system)

    directory.mkdir(parents=True, exist_ok=True)
    for path in sorted(shipped("notebooks").glob("*.ipynb")):
        if not (directory / path.name).exists():
            text = path.read_text(encoding="utf-8")
            about = text.replace(_EXAMPLE, json.dumps(f"system = {json.dumps(system)}")[1:-1]) if system else text
            (directory / path.name).write_text(about, encoding="utf-8")
    say(f"Notebooks are in {directory}.")
    if no_lab:
        return
    environment = {**os.environ, "WORKBENCH_HOME": str(state.settings.home), "WORKBENCH_ZONE": state.settings.zone}
    if state.settings.origin is not None:
        environment["WORKBENCH_CONFIG"] = str(state.settings.origin)
    os.execve(  # noqa: S606
        sys.executable, [sys.executable, "-m", "jupyterlab", "--ip", "127.0.0.1", str(directory)], environment
    )
