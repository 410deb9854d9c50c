"""The command reference as Markdown, made from the commands themselves.

``python -m workbench.cli.reference > docs/cli.md``; a test fails when the file is stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from workbench.cli.main import cli
from workbench.core import errors

HEAD = """# Command line

Made from the commands by `python -m workbench.cli.reference > docs/cli.md`.

Grammar: `workbench [--config FILE] [--home DIR] [--zone ZONE] NOUN VERB [ARGUMENT] [OPTIONS]`. Data goes to stdout,
words go to stderr. Options that mean the same have one name everywhere: a period is `--last 30d`, `--month 2026-10`
(also `last-month`, `this-month`) or `--from … --to …`; the shape of the output is `--format table|json|csv`.

## Exit codes

| code | meaning |
| --- | --- |
"""

#: As a terminal of a hundred columns shows it.
SHOWN: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "terminal_width": 100}


def _exit_codes() -> Iterator[str]:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.WorkbenchError) and kind is not errors.SourceError
    ]
    meanings: dict[int, list[str]] = {0: ["all is well"], 1: ["`--check`: a promise is at risk or spent"]}
    meanings |= {70: ["a fault of the workbench itself"], 130: ["interrupted"]}
    for kind in kinds:
        if kind.exit_code != 1:
            meanings.setdefault(kind.exit_code, []).append((kind.__doc__ or "").split("\n")[0].rstrip("."))
    return (f"| {code} | {'; '.join(texts)} |" for code, texts in sorted(meanings.items()))


def commands(group: click.Group, parent: click.Context, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield ``(path, help text)`` of every command below a group, groups first."""
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        if command is None:
            continue
        context = click.Context(command, info_name=" ".join((*path, name)), **SHOWN)
        yield " ".join((*path, name)), command.get_help(context)
        if isinstance(command, click.Group):
            yield from commands(command, context, (*path, name))


def markdown() -> str:
    """Return the whole reference."""
    context = click.Context(cli, info_name="workbench", **SHOWN)
    parts = [HEAD + "\n".join(_exit_codes()), f"## workbench\n\n```\n{cli.get_help(context)}\n```"]
    parts += [f"## {path}\n\n```\n{text}\n```" for path, text in commands(cli, context, ("workbench",))]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    click.echo(markdown(), nl=False)
