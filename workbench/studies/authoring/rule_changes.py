"""Writes proposed settings into a rule file, line by line, so that everything else in it stays as it is."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workbench.catalog.rules.written import WrittenRule, read_written_rules
from workbench.core.timerange import duration_text
from workbench.promql.parser.comparison import comparison


@dataclass(frozen=True)
class ChangedRules:
    """A rule file with proposed settings: its whole text, the difference as a patch, and what was left out."""

    text: str
    diff: str
    notes: tuple[str, ...]


def changed_rules(path: Path, proposals: pd.DataFrame) -> ChangedRules:
    """Write the proposals of a tuning into a rule file.

    Parameters
    ----------
    path : Path
        Rule file in any shape that :func:`workbench.catalog.rules.written.read_written_rules` reads.
    proposals : DataFrame
        ``frame`` of :class:`workbench.analysis.alerts.tuning.AlertTuning`; only ``proposed`` rows are written.

    Raises
    ------
    CatalogError
        The file cannot be read or has no rule.
    """
    written = read_written_rules(path)
    lines = list(written.lines)
    notes: list[str] = []
    wanted = {str(row.alertname): row for row in proposals[proposals["outcome"] == "proposed"].itertuples()}
    for rule in sorted(written.rules, key=lambda rule: -rule.line):
        row = wanted.get(rule.name)
        if row is None or rule.kind != "alert":
            continue
        own = lines[rule.line - 1 : rule.last_line]
        if row.proposed_for_ms != row.for_ms:
            own = _with_key(own, "for", duration_text(int(row.proposed_for_ms)))
        if row.proposed_keep_ms != row.keep_ms:
            own = _with_key(own, "keep_firing_for", duration_text(int(row.proposed_keep_ms)))
        if getattr(row, "proposed_without", ""):
            own = _with_grouping(own, rule, str(row.proposed_without), float(row.proposed_threshold))
            used = [name for name in str(row.proposed_without).split(", ") if f".{name}" in " ".join(own)]
            notes += [f"{rule.name}: its texts use the label {name!r}, which one alert for all does not have."
                      for name in used]  # fmt: skip
        elif row.proposed_threshold == row.proposed_threshold and row.proposed_threshold != row.threshold:
            moved = _with_threshold(own, rule, float(row.threshold), float(row.proposed_threshold))
            if moved is None:
                notes.append(f"{rule.name}: the threshold {row.threshold:g} is not in the text of the expression.")
            own = moved or own
        lines[rule.line - 1 : rule.last_line] = own
    missing = sorted(set(wanted) - {rule.name for rule in written.rules})
    notes += [f"{name} is not in {path.name}." for name in missing]
    before, after = "\n".join(written.lines) + "\n", "\n".join(lines) + "\n"
    patch = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path.name}", f"b/{path.name}"
    )
    return ChangedRules(after, "".join(patch), tuple(notes))


def _with_key(lines: list[str], key: str, value: str) -> list[str]:
    """Replace a key of a rule written in block style, or put it in after the expression."""
    for number, line in enumerate(lines):
        if re.match(rf"\s*(- )?{key}:", line):
            head = line[: line.index(f"{key}:")]
            return [*lines[:number], f"{head}{key}: {value}", *lines[number + 1 :]]
    first = lines[0]
    indent = " " * (len(first) - len(first.lstrip()) + (2 if first.lstrip().startswith("- ") else 0))
    after = next((place for place, line in enumerate(lines) if re.match(r"\s*(- )?expr:", line)), 0) + 1
    while after < len(lines) and (not lines[after].strip() or lines[after].startswith(indent + " ")):
        after += 1
    return [*lines[:after], f"{indent}{key}: {value}", *lines[after:]]


def _with_threshold(lines: list[str], rule: WrittenRule, now: float, proposed: float) -> list[str] | None:
    """Replace the number that a rule compares with: the last number of the expression that has its value."""
    for number in range(len(lines) - 1, -1, -1):
        for match in reversed(list(re.finditer(r"(?<=[<>=\s])\d+(\.\d+)?(e-?\d+)?\b", lines[number]))):
            if float(match[0]) == now and lines[number].rstrip().endswith(match[0]) and match[0] in rule.expr:
                line = lines[number]
                return [
                    *lines[:number],
                    f"{line[: match.start()]}{proposed:g}{line[match.end() :]}",
                    *lines[number + 1 :],
                ]
    return None


def _with_grouping(lines: list[str], rule: WrittenRule, without: str, threshold: float) -> list[str]:
    """Replace the expression by one in which one series, the largest or smallest, stands for all of some labels."""
    compared, op, number = comparison(rule.expr)
    most = "min" if op.startswith("<") else "max"
    tail = f" {op} {number if threshold != threshold else threshold:g}" if op and number is not None else ""
    first = next((place for place, line in enumerate(lines) if re.match(r"\s*(- )?expr:", line)), None)
    if first is None:
        return lines
    head = lines[first][: lines[first].index("expr:")]
    after = first + 1
    while after < len(lines) and (not lines[after].strip() or lines[after].startswith(" " * (len(head) + 1))):
        after += 1
    text = f"{most} without ({without}) ({compared}){tail}"
    return [*lines[:first], f"{head}expr: |-", f"{' ' * (len(head) + 2)}{text}", *lines[after:]]
