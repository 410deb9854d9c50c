"""``workbench init``: from a running Prometheus to a first profile."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import plain, say, write_text

_SETTINGS = "workbench.toml"


@click.command()
@click.option("--url", required=True, help="URL of the Prometheus-compatible server, e.g. http://prometheus:9090.")
@click.option("--name", required=True, help="Name of the system, e.g. mine.")
@click.option("--source", help="Name of the source in the settings; the system's name by default.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default="here",
    help="Folder the drafts are written to.",
)
@click.option("--job", "jobs", multiple=True, help="Scrape job of the system; may be given several times.")
@click.option("--dialect", "dialects", multiple=True, help="Read the metrics as this exporter's, e.g. litellm.")
@click.option("--yes", is_flag=True, help="Take everything that was found, guesses too, without asking.")
@click.option("--username", default="", help="User; the password is read from $WORKBENCH_PASSWORD.")
@click.option("--bearer-file", type=click.Path(path_type=Path), help="File with a bearer token.")
@click.option("--ca-file", type=click.Path(exists=True, path_type=Path), help="CA certificates of the server.")
@click.option("--force", is_flag=True, help="Replace the drafts of a system that exists.")
@click.pass_obj
def init(
    state: Any,
    url: str,
    name: str,
    source: str | None,
    directory: Path,
    jobs: tuple[str, ...],
    dialects: tuple[str, ...],
    yes: bool,
    username: str,
    bearer_file: Path | None,
    ca_file: Path | None,
    force: bool,
) -> None:
    """Draft a profile and settings from the metadata of a running Prometheus.

    Writes profiles/NAME.yaml, slos/NAME.yaml where failures of requests are counted, and workbench.toml. A settings
    file that exists keeps what it has, comments too, and gets the source and the system.

    \b
    Examples:
      workbench init --url http://prometheus:9090 --name mine
      workbench init --url http://prometheus:9090 --name gateway --job litellm --job node --yes
      workbench init --url https://prom.example/tenant --name shop --job shop-api --ca-file ca.pem
    """
    from workbench.core.errors import ParameterError
    from workbench.studies.authoring.draft import draft_system, server_settings

    try:
        settings = server_settings(
            url, username=username, password_env="WORKBENCH_PASSWORD", bearer_file=bearer_file, ca_file=ca_file  # noqa: S106
        )  # fmt: skip
    except ParameterError as error:
        raise click.UsageError(str(error)) from None
    for path in (directory / "profiles" / f"{name}.yaml", directory / "slos" / f"{name}.yaml"):
        if path.exists() and not force:
            raise click.UsageError(f"{path} exists; --force replaces it, --name gives another system.")
    asks = sys.stdin.isatty() and not yes

    def drafted(chosen: tuple[str, ...], *, guesses: bool) -> Any:
        return draft_system(
            settings, name=name, source=source or name, jobs=chosen, dialect=dialects, guesses=guesses,
            file=directory / _SETTINGS,
        )  # fmt: skip

    made = drafted(jobs, guesses=True)
    if asks and not jobs and len(made.draft.scope) > 1:
        answer = click.prompt("Jobs of this system, with commas", default=",".join(made.draft.scope), err=True)
        chosen = tuple(job.strip() for job in answer.split(",") if job.strip())
        made = made if chosen == made.draft.scope else drafted(chosen, guesses=True)
    _show(made)
    guessed = sum(bool(role.check) for role in made.draft.roles)
    take = f"Take the {guessed} roles marked CHECK too?"
    if asks and guessed and not click.confirm(take, default=True, err=True):
        made = drafted(made.draft.scope, guesses=False)
    if asks and not click.confirm("Write the files?", default=True, err=True):
        raise click.Abort
    for path_text, text in made.files.items():
        target = directory / path_text
        write_text(target, text)
        click.echo(target)
    config = directory / _SETTINGS
    where = "" if config == Path(_SETTINGS) else f"--config {config} "
    say(
        "Next: read the profile (what to check is marked CHECK), then",
        f"  workbench {where}catalog check",
        f"  workbench {where}dashboard",
    )


def _show(made: Any) -> None:
    """Print what was found and taken, what was left out, and what the server knows besides."""
    draft = made.draft
    say(f"Known exporters: {', '.join(draft.dialects) or 'none; roles are guessed from names'}.")
    say(f"Jobs seen: {_listed(draft.jobs) or 'none'}. Taken: {_listed(draft.scope) or 'all'}.", "")
    rows = [("role", "metric", "now", "why")]
    for role in draft.roles:
        why = f"CHECK: {role.check}" if role.check else role.reason
        rows.append((role.name, role.select, made.samples.get(role.name, "no value"), why))
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [min(60, max(len(row[column]) for row in cells)) for column in range(3)]
    for row in cells:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip())
    say("", *(f"Left out: {plain(metric)}: {plain(why)}" for metric, why in draft.left_out.items()))
    say(f"Metrics used by no role: {len(draft.unused)}; the profile lists them.")
    say(f"Rules of the server about this system: {made.rules}.")
    absent = [*draft.unanswered, *([] if made.rules else ["alerts (the server has no rule about this system)"])]
    if absent:
        say(f"Not measured by these metrics: {'; '.join(absent)}.")
    if made.alertmanagers:
        say(f"It sends alerts to {_listed(made.alertmanagers)}: a source of kind alertmanager reads them.")
    say(*filter(None, [draft.starter]), "")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(plain, names))
