"""Docstrings: documented parameters are those of the function, and each has a sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import workbench

PACKAGE = Path(workbench.__file__).parent


@cache
def documented() -> tuple[tuple[Path, ast.FunctionDef | ast.ClassDef], ...]:
    """Every function and class of the package that has a docstring with parameters, with its file."""
    return tuple(
        (file, node)
        for file in sorted(PACKAGE.rglob("*.py"))
        if "Parameters\n" in (source := file.read_text())
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    )


def test_each_documented_parameter_has_a_sentence() -> None:
    silent = [
        f"{file.relative_to(PACKAGE)}: {node.name}({name})"
        for file, node in documented()
        for name in _without_sentence(ast.get_docstring(node) or "")
    ]
    assert silent == []


def test_a_parameter_without_a_sentence_is_seen() -> None:
    text = "Do.\n\nParameters\n----------\na : int\nb : str\n    What it is.\nc : str\n\nReturns\n-------\nint\n"
    assert list(_without_sentence(text)) == ["a", "c"]


def _without_sentence(docstring: str) -> Iterator[str]:
    lines = _parameters(docstring)
    for line, following in zip(lines, [*lines[1:], ""], strict=False):
        if not line.startswith(" ") and not following.startswith(" "):
            yield line.partition(" :")[0]


def test_documented_parameters_are_those_of_the_function() -> None:
    strangers = [
        f"{file.relative_to(PACKAGE)}: {node.name}({name})"
        for file, node in documented()
        if isinstance(node, ast.FunctionDef)
        for name in _documented(ast.get_docstring(node) or "") - _taken(node.args)
    ]
    assert strangers == []


def _documented(docstring: str) -> set[str]:
    names = [line.partition(" :")[0] for line in _parameters(docstring) if not line.startswith(" ")]
    return {name.strip().lstrip("*") for listed in names for name in listed.split(",")}


def _taken(arguments: ast.arguments) -> set[str]:
    plain = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return {argument.arg for argument in plain if argument is not None}


def _parameters(docstring: str) -> list[str]:
    """Lines of the section on parameters."""
    _, _, section = docstring.partition("\nParameters\n----------\n")
    return section.partition("\n\n")[0].splitlines()
