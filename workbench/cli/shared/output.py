"""Data to stdout as a table, JSON or CSV; words to stderr."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160)) if code not in (9,)}


def format_option(command: F) -> F:
    """Add ``--format table|json|csv``."""
    choice = click.Choice(["table", "json", "csv"])
    return click.option(
        "--format", "format_", type=choice, default="table", show_default=True, help="How to print the data."
    )(command)


def plain(value: object) -> str:
    """Text for a terminal: control characters of hostile labels and log lines are shown, not obeyed."""
    return ("" if value is None else str(value)).translate(_CONTROL)


def print_table(rows: Sequence[Mapping[str, object]], *, right: Iterable[str] = ()) -> None:
    """Print rows as an aligned table; the columns in ``right`` are right-aligned."""
    if not rows:
        click.echo("(no rows)", err=True)
        return
    names = list(rows[0])
    cells = [[plain(row[name]) for name in names] for row in rows]
    widths = [max(len(name), *(len(line[i]) for line in cells)) for i, name in enumerate(names)]
    flush = set(right)

    def line(texts: Sequence[str]) -> str:
        parts = (
            text.rjust(width) if name in flush else text.ljust(width)
            for name, text, width in zip(names, texts, widths, strict=True)
        )
        return "  ".join(parts).rstrip()

    click.echo(line(names))
    click.echo("  ".join("-" * width for width in widths))
    for texts in cells:
        click.echo(line(texts))


def print_csv(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows as CSV with a header; cells that a spreadsheet would run as a formula get a quote before them."""
    if not rows:
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _harmless(value) for name, value in row.items()})
    click.echo(text.getvalue(), nl=False)


def _harmless(value: object) -> object:
    runs = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") and value not in ("+Inf", "-Inf")
    return f"'{value}" if runs else value


def print_json(value: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def say(*lines: str) -> None:
    """Print words to stderr."""
    for line in lines:
        click.echo(line, err=True)
