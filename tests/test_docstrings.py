"""Docstrings: whoever documents parameters gives each one a sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import workbench

PACKAGE = Path(workbench.__file__).parent


def test_each_documented_parameter_has_a_sentence() -> None:
    silent = [
        f"{file.relative_to(PACKAGE)}: {node.name}({name})"
        for file in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        for name in _without_sentence(ast.get_docstring(node) or "")
    ]
    assert silent == []


def test_a_parameter_without_a_sentence_is_seen() -> None:
    text = "Do.\n\nParameters\n----------\na : int\nb : str\n    What it is.\nc : str\n\nReturns\n-------\nint\n"
    assert list(_without_sentence(text)) == ["a", "c"]


def _without_sentence(docstring: str) -> Iterator[str]:
    _, _, section = docstring.partition("\nParameters\n----------\n")
    lines = section.partition("\n\n")[0].splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=False):
        if not line.startswith(" ") and not following.startswith(" "):
            yield line.partition(" :")[0]
