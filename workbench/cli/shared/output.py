"""Data to stdout as a table, JSON or CSV; words to stderr."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from workbench.core.foreign_text import cut, json_safe, spreadsheet, visible

F = TypeVar("F", bound=Callable[..., Any])

#: Longest cell on a terminal, and in a file. [characters]
_ON_TERMINAL, _IN_FILE = 120, 1_000


def format_option(command: F) -> F:
    """Add ``--format table|json|csv``."""
    choice = click.Choice(["table", "json", "csv"])
    return click.option(
        "--format", "format_", type=choice, default="table", show_default=True, help="How to print the data."
    )(command)


def plain(value: object) -> str:
    """Text for a terminal: what hostile labels and log lines would do to it is shown, not obeyed; on one line."""
    return visible("" if value is None else str(value))


def print_table(rows: Sequence[Mapping[str, object]], *, right: Iterable[str] = ()) -> None:
    """Print rows as an aligned table; the columns in ``right`` are right-aligned."""
    if not rows:
        click.echo("(no rows)", err=True)
        return
    names = list(rows[0])
    longest = _ON_TERMINAL if sys.stdout.isatty() else _IN_FILE
    cells = [[cut(plain(row[name]), longest) for name in names] for row in rows]
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
        writer.writerow({name: spreadsheet(str(value)) if _is_text(value) else value for name, value in row.items()})
    click.echo(text.getvalue(), nl=False)


def _is_text(value: object) -> bool:
    return isinstance(value, (str, bytes, list, tuple, Mapping))


def print_json(value: object) -> None:
    """Print one JSON document."""
    click.echo(json_safe(json.dumps(value, indent=2, ensure_ascii=False)))


def say(*lines: str) -> None:
    """Print words to stderr."""
    for line in lines:
        click.echo(visible(line, lines=True), err=True)


def exit_by_status(status: str, *, check: bool = False) -> None:
    """End with the exit code of a study's status: 3 unavailable, 9 refused, with ``check`` 1 at risk or spent."""
    codes = {"unavailable": 3, "refused": 9, **({"at_risk": 1, "spent": 1} if check else {})}
    if status in codes:
        sys.exit(codes[status])


def write_text(target: Path, text: str) -> None:
    """Write a file as a whole or not at all; its folder is made when it is not there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sibling = target.with_name(f".{target.name}.{os.getpid()}")
    sibling.write_text(text, encoding="utf-8")
    os.replace(sibling, target)
