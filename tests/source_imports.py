"""What the files of the project import, read from their text."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Import:
    """One import statement, or ``import_module`` with a literal name."""

    module: str
    line: int
    inside: str
    #: What is taken from the module; empty for the module itself.
    name: str = ""
    #: Whether it is an import statement that runs: no call of ``import_module``, and not under ``TYPE_CHECKING``.
    at_once: bool = True

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]

    @property
    def room(self) -> str | None:
        parts = self.module.split(".")
        return parts[1] if parts[0] == "workbench" and len(parts) > 1 else None


@cache
def imports(source: str) -> tuple[Import, ...]:
    """Every import of a module, at whatever depth; ``inside`` names the classes and functions around it."""
    held: list[Import] = []
    # Expressions are nine tenths of a tree; they hold an import only where one of these is called.
    calls = "import_module" in source or "__import__" in source
    waiting: list[tuple[ast.AST, str, bool]] = [(ast.parse(source), "", True)]
    while waiting:
        node, inside, at_once = waiting.pop()
        match node:
            case ast.Import(names=names):
                held += (Import(alias.name, node.lineno, inside, "", at_once) for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                for alias in names:
                    whole = f"{module}.{alias.name}" if module == "workbench" else module
                    held.append(Import(whole, node.lineno, inside, alias.name, at_once))
            case ast.Call(
                func=ast.Name(id=name) | ast.Attribute(attr=name), args=[ast.Constant(value=str(module)), *_]
            ):
                if name in ("import_module", "__import__"):
                    held.append(Import(module, node.lineno, inside, "", False))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                inside = f"{inside}.{name}" if inside else name
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body, orelse=orelse):
                waiting += ((child, inside, False) for child in body)
                waiting += ((child, inside, at_once) for child in orelse)
                continue
        if calls or isinstance(node, _WITH_STATEMENTS):
            waiting += ((child, inside, at_once) for child in ast.iter_child_nodes(node))
    return tuple(sorted(held, key=lambda item: item.line))


_WITH_STATEMENTS = (ast.mod, ast.stmt, ast.excepthandler, ast.match_case)


def python_files(*roots: str) -> list[Path]:
    return sorted(path for root in roots for path in (ROOT / root).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
