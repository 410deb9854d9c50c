"""The command reference as Markdown, made from the commands themselves: an index and one page per noun.

``python -m workbench.cli.reference`` writes ``docs/cli.md`` and ``docs/cli/``; a test fails when they are stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from workbench.cli.main import cli
from workbench.core import errors

HEAD = """# Command line

Made from the commands by `python -m workbench.cli.reference`.

Grammar: `workbench [--config FILE] [--home DIR] [--zone ZONE] NOUN VERB [ARGUMENT] [OPTIONS]`. Data goes to stdout,
words go to stderr. Options that mean the same have one name everywhere: a period is `--period 2026-10` (also `30d`,
`last-month`, `this-week`, `2026-Q3`; `--month` is the same), `--last 30d` or `--from … --to …`. Without one each SLO is
read over its own window, and `--to` alone moves the instant only. The shape of the output is `--format table|json|csv`.

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
    meanings: dict[int, list[str]] = {0: ["all is well"], 1: ["`--check`: an objective is at risk or missed"]}
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


def pages() -> dict[str, str]:
    """Return the reference: file below ``docs`` -> its text."""
    context = click.Context(cli, info_name="workbench", **SHOWN)
    nouns = cli.list_commands(context)
    contents = "```{toctree}\n:maxdepth: 1\n\n" + "\n".join(f"cli/{noun}" for noun in nouns) + "\n```"
    head = [HEAD + "\n".join(_exit_codes()), f"## All commands\n\n```text\n{cli.get_help(context)}\n```", contents]
    parts: dict[str, list[str]] = {noun: [] for noun in nouns}
    for path, text in commands(cli, context, ("workbench",)):
        noun = path.split()[1]
        level = "##" if parts[noun] else "#"
        parts[noun].append(f"{level} {path}\n\n```text\n{text}\n```")
    texts = {"cli.md": head} | {f"cli/{noun}.md": part for noun, part in parts.items()}
    return {name: "\n\n".join(part) + "\n" for name, part in texts.items()}


def write(docs: Path) -> None:
    """Write the reference into a folder of documents; pages of nouns that are gone are removed."""
    written = pages()
    (docs / "cli").mkdir(exist_ok=True)
    for old in (docs / "cli").glob("*.md"):
        if f"cli/{old.name}" not in written:
            old.unlink()
    for name, text in written.items():
        (docs / name).write_text(text)


if __name__ == "__main__":
    write(Path("docs"))
