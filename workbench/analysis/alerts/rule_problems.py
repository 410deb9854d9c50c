"""What is wrong with written alert rules, one row per problem."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.result import Result

#: Levels of problems, the worst first.
LEVELS = ("error", "warning", "info")


@dataclass(frozen=True, eq=False, repr=False)
class RuleProblems(Result):
    """Problems of the rules of one file, by line.

    Columns of ``frame``: ``file`` (str), ``line``, ``column`` (from 1), ``check`` (stable name, e.g. ``promql/join``),
    ``level`` (error, warning, info), ``rule`` (name), ``text`` (what is wrong and what to do), ``source`` (the line).
    """

    rules: int
