"""``workbench demo``: the simulated archive behind the embedded default."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import print_json, say


@click.group()
def demo() -> None:
    """Build the demo archive and look at it.

    \b
    Example:
      workbench demo start
    """


def _build(directory: Path, scenario: Path | None, seed: int, end: str | None, source: Path | None = None) -> Any:
    from workbench.core.timerange import parse_instant
    from workbench.demo import build_demo

    with click.progressbar(length=1000, label="Building the demo", file=sys.stderr) as bar:

        def progress(share: float) -> None:
            bar.update(max(int(share * 1000) - bar.pos, 0))

        summary = build_demo(
            directory,
            scenario=scenario,
            source=source,
            seed=seed,
            end=parse_instant(end) if end else None,
            progress=progress,
        )
        bar.update(bar.length - bar.pos if bar.length else 0)
    say(
        f"{'Extended' if summary.appended else 'Built'} {directory}: {summary.series:,} series, "
        f"{summary.samples:,} samples, {summary.bytes / 1e6:,.0f} MB, {summary.seconds:.1f} s"
    )
    return summary


_SCENARIO = click.option(
    "--scenario", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Scenario file (docs/demo.md)."
)
_SEED = click.option("--seed", type=int, default=7, show_default=True, help="Seed of the random streams.")


@demo.command()
@_SCENARIO
@click.option(
    "--from", "source", type=click.Path(path_type=Path), help="Folder of the recorded traffic a scenario asks for."
)
@_SEED
@click.option("--end", help="End of the simulated history, ISO 8601; now by default.")
@click.option("--to", "directory", type=click.Path(file_okay=False, path_type=Path), help="Folder to write.")
@click.pass_obj
def build(
    state: Any, scenario: Path | None, source: Path | None, seed: int, end: str | None, directory: Path | None
) -> None:
    """Write 90 days of history and truth.json; an earlier build is extended to the new end.

    \b
    Examples:
      workbench demo build
      workbench demo build --seed 11 --end 2026-11-01T00:00Z --to /srv/demo
      workbench demo build --scenario data/scenarios/servegen.yaml --from ./servegen --to /srv/servegen
    """
    _build(directory or state.settings.demo, scenario, seed, end, source)


@demo.command()
@_SEED
@click.option("--port", type=int, default=8501, show_default=True, help="Port; the next free one is taken.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--open/--no-open", "browser", default=True, help="Open the browser when there is one.")
@click.pass_obj
def start(state: Any, seed: int, port: int, address: str, browser: bool) -> None:
    """Build the demo, or extend it up to now, and open the dashboard on it.

    \b
    Example:
      workbench demo start --port 8600
    """
    from workbench.cli.dashboard import serve

    _build(state.settings.demo, None, seed, None)
    _silences(state)
    serve(state.settings, address=address, port=port, browser=browser)


def _silences(state: Any) -> None:
    """Write the silences of the scenario into the store, as a collector would have seen them."""
    import json

    from workbench.core.timerange import parse_instant

    context = state.context()
    events = json.loads((state.settings.demo / "truth.json").read_text(encoding="utf-8"))["events"]
    begun = [event for event in events if "silence" in event["expected"] and event["state"] != "ahead"]
    for event in begun if context.store is not None else ():
        at, source = event["start"], context.source_for(event["system"]).name
        near = [other for other in begun if context.source_for(other["system"]).name == source]
        standing = [other["expected"]["silence"] for other in near if other["start"] <= at < other["end"]]
        context.store.observe(source, "silences", standing, at=parse_instant(at, zone="UTC"))


@demo.command()
@click.pass_obj
def truth(state: Any) -> None:
    """Print what the scenario did to the demo: every event with its times and effects.

    \b
    Example:
      workbench demo truth | jq '.events[].kind'
    """
    import json

    from workbench.core.errors import ArchiveError

    file = state.settings.demo / "truth.json"
    if not file.is_file():
        raise ArchiveError(f"There is no demo at {state.settings.demo}.", hint="Run: workbench demo build")
    print_json(json.loads(file.read_text(encoding="utf-8")))
