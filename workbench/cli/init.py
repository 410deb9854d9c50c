"""``workbench init``: from a running Prometheus to a first profile."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import say


@click.command()
@click.option("--url", required=True, help="URL of the Prometheus-compatible server.")
@click.option("--name", required=True, help="Name of the system, e.g. mine.")
@click.option("--source", help="Name of the source in the settings; the system's name by default.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default="here",
    help="Folder the drafts are written to.",
)
@click.option("--job", default="", help="Scrape job of the system; every job when left out.")
@click.option("--username", default="", help="User; the password is read from $WORKBENCH_PASSWORD.")
@click.option("--bearer-file", type=click.Path(path_type=Path), help="File with a bearer token.")
@click.option("--ca-file", type=click.Path(exists=True, path_type=Path), help="CA certificates of the server.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.pass_obj
def init(
    state: Any,
    url: str,
    name: str,
    source: str | None,
    directory: Path,
    job: str,
    username: str,
    bearer_file: Path | None,
    ca_file: Path | None,
    force: bool,
) -> None:
    """Draft a profile and settings from the metadata of a running Prometheus.

    Writes profiles/NAME.yaml, slos/NAME.yaml where request counters are found, and workbench.toml.

    \b
    Examples:
      workbench init --url http://prometheus:9090 --name mine
      workbench init --url https://prom.example/tenant --name shop --job shop-api --ca-file ca.pem
    """
    from workbench.studies.authoring.draft import draft_system

    files = draft_system(
        url=url,
        name=name,
        source=source or name,
        job=job,
        username=username,
        password_env="WORKBENCH_PASSWORD",  # noqa: S106
        bearer_file=bearer_file,
        ca_file=ca_file,
    )
    existing = [directory / path for path in files if (directory / path).exists()]
    if existing and not force:
        raise click.UsageError(f"{existing[0]} exists; --force replaces it.")
    for path, text in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        sibling = target.with_name(f".{target.name}.{os.getpid()}")
        sibling.write_text(text, encoding="utf-8")
        os.replace(sibling, target)
        click.echo(target)
    say(
        "Next: read the profile (it says what to check), then",
        f"  workbench --config {directory / 'workbench.toml'} dashboard",
    )
