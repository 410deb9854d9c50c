"""The command that shows the lines, spans or requests behind a row of changes."""

from __future__ import annotations

import shlex

from workbench.analysis.logs.masks import MASK
from workbench.core.timerange import TimeRange


def command_of(system: str, row: dict[str, object], span: TimeRange) -> str:
    """Return the command for one row of :class:`workbench.analysis.investigate.changes.Changes`.

    A template is searched by the longest part without a mask, an operation by its name, an attribute by its value.
    """
    kind, what = str(row["kind"]), str(row["what"])
    period = f"--from {_instant(span, 'start')} --to {_instant(span, 'end')}"
    match kind:
        case "log template":
            level = str(row["detail"]).split(" ")[0]
            severity = f" --severity {level}" if level in ("WARN", "ERROR", "FATAL") else ""
            return f"workbench logs {system} {period}{severity} --contains {shlex.quote(literal(what))}"
        case "failing operation":
            return f"workbench traces {system} {period} --operation {shlex.quote(what)} --status error"
        case "slow operation":
            return f"workbench traces {system} {period} --operation {shlex.quote(what)}"
    name, separator, value = what.partition(" = ")
    if not separator:
        return f"workbench traces {system} {period}"
    failed = " --status error" if kind == "bad requests" else ""
    return f"workbench traces {system} {period} --where {shlex.quote(f'{name}={value}')}{failed}"


def literal(template: str) -> str:
    """Longest part of a template without a mask.

    Examples
    --------
    >>> literal("GET /orders/<id> 503 in <num> s: no connection")
    's: no connection'
    """
    return max((part.strip() for part in MASK.split(template)), key=len)


def _instant(span: TimeRange, name: str) -> str:
    instant = span.start if name == "start" else span.end
    return instant.strftime("%Y-%m-%dT%H:%MZ" if not (instant.second or instant.microsecond) else "%Y-%m-%dT%H:%M:%SZ")
