"""The documents say what the program does: commands, options, links, targets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from workbench.cli.main import cli
from workbench.cli.reference import pages

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{prefix} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")


COMMANDS = dict(commands(cli, "workbench"))
LEAVES = {path: command for path, command in COMMANDS.items() if not isinstance(command, click.Group)}


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_help_with_an_example(path: str) -> None:
    text = COMMANDS[path].help or ""
    summary = text.strip().split("\n")[0]
    assert summary.endswith(".")
    assert re.search(r"Examples?:", text)
    assert path in text


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_is_in_the_reference(path: str) -> None:
    assert path in (ROOT / "docs" / "cli" / f"{path.split()[1]}.md").read_text()


def test_the_reference_is_what_the_commands_say_today() -> None:
    docs = ROOT / "docs"
    written = {
        path.relative_to(docs).as_posix(): path.read_text() for path in [docs / "cli.md", *docs.glob("cli/*.md")]
    }
    assert written == pages(), "run: python -m workbench.cli.reference"


@pytest.mark.parametrize("path", LEAVES)
def test_every_option_says_what_it_does(path: str) -> None:
    options = [item for item in LEAVES[path].params if isinstance(item, click.Option) and not item.hidden]
    assert not [option.name for option in options if not option.help]


def invocations(text: str) -> Iterator[list[str]]:
    """Yield every ``workbench ...`` and ``make ...`` line of the code blocks of a document."""
    for block in re.findall(r"^```(?:sh|bash|console|shell|text)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            words = re.split(r"[|>#]", line.removeprefix("$ "))[0].split()
            if words and words[0] in ("workbench", "make"):
                yield words


def unknown_word(words: list[str]) -> str | None:
    """Return the first command or option of a ``workbench`` line that does not exist."""
    command: click.Command = cli
    rest = words[1:]
    while rest:
        word = rest.pop(0)
        if word.startswith("-") and word not in ("-h", "--help"):
            name, _, value = word.partition("=")
            option = next((item for item in command.params if name in (*item.opts, *item.secondary_opts)), None)
            if option is None:
                return word
            if not (value or getattr(option, "is_flag", False)):
                rest = rest[option.nargs :]
        elif isinstance(command, click.Group) and re.match("[a-z]", word):
            found = command.get_command(click.Context(command), word)
            # A group with a verb by default takes what is no verb as its argument: traces SYSTEM is traces find SYSTEM.
            if found is None and type(command).__name__ == "FindByDefault":
                found = command.get_command(click.Context(command), "find")
            if found is None:
                return word
            command = found
    return None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_a_document_shows_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    unknown = []
    for words in invocations(document.read_text()):
        if words[0] == "workbench" and (word := unknown_word(words)):
            unknown.append((word, " ".join(words)))
        if words[0] == "make":
            unknown += [(word, " ".join(words)) for word in words[1:] if "=" not in word and word not in targets]
    assert not unknown


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", document.read_text())
    inside = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert not [link for link in inside if not (document.parent / link).exists()]
