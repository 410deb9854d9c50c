"""``workbench archive``: what the local archive holds."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.archive_sync import sync
from workbench.cli.output import format_option, print_csv, print_json, print_table


@click.group()
def archive() -> None:
    """Look into the local archive.

    \b
    Example:
      workbench archive status
    """


archive.add_command(sync)


@archive.command()
@format_option
@click.pass_obj
def status(state: Any, format_: str) -> None:
    """Print one line an archive of the settings: range, series, size.

    \b
    Example:
      workbench archive status --format json
    """
    from workbench.archive import Archive
    from workbench.core.timerange import from_ms

    rows = []
    for name, source in state.settings.sources.items():
        if source.kind != "archive":
            continue
        opened = Archive.open(source.path)
        oldest, newest = opened.oldest_ms(), opened.newest_ms()
        files = [file for file in source.path.rglob("*") if file.is_file()]
        rows.append(
            {
                "name": name,
                "path": str(source.path),
                "oldest": from_ms(oldest).isoformat() if oldest is not None else None,
                "newest": from_ms(newest).isoformat() if newest is not None else None,
                "series": opened.series_count(),
                "bytes": sum(file.stat().st_size for file in files),
            }
        )
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)
