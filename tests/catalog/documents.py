"""The documents of the monitored systems, where they stand beside the checkout, and what a profile says of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from workbench.catalog.profile.model import Profile

FOLDER = Path(__file__).parents[3] / "shared" / "systems"


def document_of(system: str, omit: Callable[[str], NoReturn]) -> str:
    """Return the text of a system's document; the test is left out where there is none."""
    path = FOLDER / f"{system}.md"
    if not path.exists():
        omit(f"the document does not stand beside the checkout (shared/systems/{system}.md)")
    return path.read_text(encoding="utf-8")


def headings(text: str) -> set[str]:
    """Return every heading below the title as its path, ``Alerting / Alert Rules``."""
    open_at: dict[int, str] = {}
    known = set()
    fenced = False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        if not fenced and (mark := re.match(r"(#{2,5}) (.+)", line)):
            open_at = {level: title for level, title in open_at.items() if level < len(mark[1])}
            open_at[len(mark[1])] = mark[2].strip()
            known.add(" / ".join(open_at[level] for level in sorted(open_at)))
    return known


def section(text: str, heading: str) -> str:
    """Return what stands under one heading line, up to the next of its level or above."""
    level = len(heading.split(" ")[0])
    found: list[str] = []
    inside = fenced = False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        if not fenced and (mark := re.match(r"(#+) ", line)) and (inside or line == heading):
            if inside and len(mark[1]) <= level:
                break
            inside = True
        elif inside:
            found.append(line)
    return "\n".join(found) + "\n"


def headings_given(profile: Profile) -> set[str]:
    """Return the headings the entries of a profile point at."""

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "heading" and inner:
                    yield inner
                yield from walk(inner)
        elif isinstance(value, (list, tuple)):
            for inner in value:
                yield from walk(inner)

    return set(walk(profile.model_dump()))


def fenced(text: str, language: str) -> list[str]:
    """Return the code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)
