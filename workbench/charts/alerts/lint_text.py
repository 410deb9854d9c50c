"""Problems of rules as text: file, line and column, the source line, a caret, the reason."""

from __future__ import annotations

from workbench.charts.tables import Sentence
from workbench.core.result import Result


def problem_texts(result: Result, *, level: str = "info") -> list[str]:
    """One text a problem, at least as bad as ``level``: place, name of the check, the line with a caret, the reason."""
    wanted = {"error": ("error",), "warning": ("error", "warning"), "info": ("error", "warning", "info")}[level]
    texts = []
    for row in result.frame.itertuples():
        if row.level in wanted:
            head = f"{row.file}:{row.line}:{row.column}: {row.level}: {row.rule} ({row.check})"
            texts.append(f"{head}\n  {row.source}\n  {' ' * (int(row.column) - 1)}^ {row.text}")
    return texts


def lint_finding(result: Result) -> Sentence:
    """Say how many problems there are of each level, and in how many rules."""
    counts = result.frame["level"].value_counts()
    rules = vars(result)["rules"]
    parts = [
        f"{counts.get(level, 0)} {level}{'s' if counts.get(level, 0) != 1 else ''}" for level in ("error", "warning")
    ]
    return Sentence(
        f"{rules} rule{'s' if rules != 1 else ''} checked: {', '.join(parts)}, {counts.get('info', 0)} hints."
    )
