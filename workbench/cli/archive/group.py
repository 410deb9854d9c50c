"""``workbench archive``: fill, look after, question and empty the archive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli.archive.sync import sync
from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say

named = click.option(
    "--archive", "name", metavar="NAME", help="Source of kind archive, a folder or URL; left out: the one sync fills."
)


@click.group()
def archive() -> None:
    """Copy history into the archive, look after it, and ask it.

    \b
    Examples:
      workbench archive sync --back 30d
      workbench archive status
      workbench archive sql "select metric, count(*) from series group by 1"
    """


archive.add_command(sync)


def opened(state: Any, name: str | None) -> Any:
    """Open the archive that a name means: of the settings, a folder, or without one the one that sync fills."""
    from workbench.archive import Archive

    source = state.settings.sources.get(name) if name else None
    if source is not None and source.kind == "archive":
        return Archive.open(source.place)
    return Archive.open(name or state.settings.history)


def show(format_: str, rows: list[dict[str, Any]]) -> None:
    """Print rows in the form asked for."""
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)


@archive.command()
@format_option
@click.pass_obj
def status(state: Any, format_: str) -> None:
    """Print one line per archive of the settings: range, series, samples, slices, size.

    Native histograms are kept as they were scraped only; no slices are made of them.

    \b
    Example:
      workbench archive status --format json
    """
    from workbench.archive import Archive
    from workbench.core.timerange import from_ms

    sources = state.settings.sources.items()
    paths = {name: source.place for name, source in sources if source.kind == "archive"}
    if state.settings.history not in paths.values() and Archive.is_at(state.settings.history):
        paths["archive"] = state.settings.history
    rows = []
    for name, path in paths.items():
        held = Archive.open(path)
        oldest, newest = held.oldest_ms(), held.newest_ms()
        samples = held.rows("samples")
        rows.append(
            {
                "name": name,
                "path": str(path),
                "oldest": from_ms(oldest).isoformat() if oldest is not None else None,
                "newest": from_ms(newest).isoformat() if newest is not None else None,
                "series": held.series_count(),
                "samples": samples,
                "histograms raw": held.rows("histograms"),
                "slices 5m": held.rows("samples_5m"),
                "slices 1h": held.rows("samples_1h"),
                "bytes": held.place.size(),
            }
        )
    show(format_, rows)


@archive.command()
@named
@click.option("--whole", is_flag=True, help="Rewrite every month, e.g. to bring an old archive to the newest form.")
@format_option
@click.pass_obj
def compact(state: Any, name: str | None, whole: bool, format_: str) -> None:
    """Write months of many small files anew as few sorted ones, and roll whole days up into slices.

    \b
    Examples:
      workbench archive compact
      workbench archive compact --archive demo --whole
    """
    from workbench.archive.tiers.retention import roll_up
    from workbench.core.timerange import to_ms

    held = opened(state, name)
    with click.progressbar(length=100, label="Compacting", file=sys.stderr) as bar:
        done = held.compact(whole=whole, report=_steps(bar))
    with click.progressbar(length=100, label="Rolling up", file=sys.stderr) as bar:
        days = roll_up(held, to_ms(state.context().clock()), report=_steps(bar))
    held.vacuum()
    keys = ("months", "files before", "files after", "bytes before", "bytes after", "days rolled up")
    show(format_, [dict(zip(keys, (done.months, *done.files, *done.size, days), strict=True))])


@archive.command()
@named
@format_option
@click.pass_obj
def expire(state: Any, name: str | None, format_: str) -> None:
    """Let go of samples and slices older than the settings say; samples only after they were rolled up.

    \b
    Example:
      workbench archive expire
    """
    from workbench.archive.tiers.retention import Policy
    from workbench.archive.tiers.retention import expire as let_go
    from workbench.core.timerange import duration_ms, to_ms

    kept = state.settings.archive
    raw, slices, hours = (duration_ms(text) if text else None for text in (kept.raw, kept.five_minutes, kept.hours))
    with click.progressbar(length=100, label="Rolling up", file=sys.stderr) as bar:
        done = let_go(
            opened(state, name), Policy(raw, slices, hours), to_ms(state.context().clock()), report=_steps(bar)
        )
    rows = [{"table": table, "rows deleted": count} for table, count in done.rows.items()]
    say(f"{done.days} days were rolled up first.")
    show(format_, rows)


@archive.command()
@named
@click.option("--select", "selector", default='{__name__!=""}', show_default=True, help="Series to write.")
@click.option("--from", "start", metavar="TIME", help="First instant, ISO 8601; left out: the oldest sample.")
@click.option("--to", "end", metavar="TIME", help="Last instant, ISO 8601; left out: the newest sample.")
@click.option(
    "--as",
    "form",
    type=click.Choice(["parquet", "openmetrics"]),
    default="parquet",
    show_default=True,
    help="Format of the file; promtool reads OpenMetrics.",
)
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def export(
    state: Any, name: str | None, selector: str, start: str | None, end: str | None, form: str, target: Path
) -> None:
    """Write samples as Parquet, or as OpenMetrics text that promtool takes back.

    \b
    Examples:
      workbench archive export lab.parquet --select '{system="counterfactual-lab"}' --from 2026-10-01
      workbench archive export up.om --as openmetrics --select up
    """
    from workbench.archive.exported import export as written
    from workbench.archive.source import plain_selector
    from workbench.core.timerange import parse_instant, to_ms

    held = opened(state, name)
    matchers = plain_selector(selector).all_matchers
    low = to_ms(parse_instant(start, zone=state.settings.zone)) if start else held.oldest_ms() or 0
    high = to_ms(parse_instant(end, zone=state.settings.zone)) if end else held.newest_ms() or 0
    summary = written(held, target, matchers, low, high, text=form == "openmetrics")
    marks = f"; {summary.stale:,} stale marks, which the format has not, were left out" if summary.stale else ""
    say(f"{summary.samples:,} samples are in {target}{marks}.")
    if natives := held.rows("histograms"):
        say(f"Native histograms are not written: the archive holds {natives:,}. Read them with workbench archive sql.")


@archive.command()
@named
@click.argument("query")
@format_option
@click.pass_obj
def sql(state: Any, name: str | None, query: str, format_: str) -> None:
    """Ask in SQL: tables series, samples, logs, spans, episodes and slices, read from the files by duckdb in memory.

    \b
    Examples:
      workbench archive sql "select metric, count(*) as series from series group by 1 order by 2 desc"
      workbench archive sql --archive demo "select count(*) from samples" --format json
    """
    from workbench.archive.sql import rows_of

    show(format_, rows_of(opened(state, name), query, seconds=state.settings.limits.seconds))


def _steps(bar: Any) -> Any:
    """Let a share of the work move a bar of a hundred steps."""
    return lambda share: bar.update(round(share * 100) - bar.pos)
