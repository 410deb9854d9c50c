"""``workbench notebook``: the shipped investigations."""

from __future__ import annotations

import os
import shutil
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
    import json

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
@click.option("--no-lab", is_flag=True, help="Copy the notebooks and do not start JupyterLab.")
@click.pass_obj
def open_(state: Any, directory: Path, no_lab: bool) -> None:
    """Copy the notebooks into a folder of yours and start JupyterLab there.

    Notebooks that are already in the folder are left as they are.

    \b
    Example:
      workbench notebook open --to investigations
    """
    from workbench.core.shipped import shipped

    directory.mkdir(parents=True, exist_ok=True)
    for path in sorted(shipped("notebooks").glob("*.ipynb")):
        if not (directory / path.name).exists():
            shutil.copyfile(path, directory / path.name)
    say(f"Notebooks are in {directory}.")
    if no_lab:
        return
    environment = {**os.environ, "WORKBENCH_HOME": str(state.settings.home), "WORKBENCH_ZONE": state.settings.zone}
    if state.settings.origin is not None:
        environment["WORKBENCH_CONFIG"] = str(state.settings.origin)
    os.execve(  # noqa: S606
        sys.executable, [sys.executable, "-m", "jupyterlab", "--ip", "127.0.0.1", str(directory)], environment
    )
