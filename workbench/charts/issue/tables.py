"""The first page of an issued report: what it is, why it differs from the last, from what it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.charts.tables import Table
from workbench.core.foreign_text import markup
from workbench.core.result import Result
from workbench.core.units import NO_VALUE, ratio_text

_SHARES = ("sli", "budget_left_ratio", "coverage", "target")


class FirstPage:
    """Title, number and date of an issue; for a revision, why it was made.

    Parameters
    ----------
    title : str
        Title of the system.
    lines : sequence of str
        What it covers, when and by whom it was issued.
    causes : sequence of str
        Why it differs from the issue before; empty for a first issue.
    before : int
        Number of the issue before; 0 for a first issue.
    """

    def __init__(self, title: str, lines: Sequence[str], causes: Sequence[str], before: int) -> None:
        self.title, self.lines, self.causes, self.before = title, tuple(lines), tuple(causes), before

    def _repr_html_(self) -> str:
        notes = "".join(f"<p class='note'>{markup(line)}</p>" for line in self.lines)
        why = ""
        if self.before:
            items = "".join(f"<li>{markup(cause)}</li>" for cause in self.causes)
            why = f"<p class='finding'>This replaces issue {self.before}. Why it differs:</p><ul>{items}</ul>"
        return f"<h1>{markup(self.title)}</h1>{notes}{why}"

    def __repr__(self) -> str:
        return "\n".join((self.title, *self.lines, *self.causes))


def diff_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per figure that differs between two issues."""
    return [
        {
            "result": row.result,
            "subject": row.subject,
            "figure": row.figure,
            "before": _text(row.figure, row.before),
            "after": _text(row.figure, row.after),
            "change": NO_VALUE if row.change is None else f"{row.change:+g}" if isinstance(row.change, float)
            else f"{row.change:+f}",
        }
        for row in result.frame.itertuples()
    ]  # fmt: skip


def diff_table(result: Result) -> Table:
    """Table of :func:`diff_rows` that renders itself."""
    return Table(
        diff_rows(result), caption="Figures that differ from the issue before.", left=("result", "subject", "figure")
    )


def made_table(made: Mapping[str, Any]) -> Table:
    """Say from what an issue was made: source, method, definitions, queries, hashes."""
    rows = []
    for name, value in made.items():
        values = value if isinstance(value, list) else [value]
        if isinstance(value, Mapping):
            values = [f"{key}: {item}" for key, item in value.items()]
        rows += [{"fact": name.replace("_", " "), "value": str(item)} for item in values]
    return Table(rows, left=("fact", "value"))


def _text(figure: str, value: Any) -> str:
    if value is None:
        return NO_VALUE
    if figure in _SHARES and isinstance(value, float):
        return ratio_text(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
