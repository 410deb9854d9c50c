"""The command that shows the lines, spans or requests behind a row of changes."""

from __future__ import annotations

import shlex
from datetime import timedelta

from workbench.analysis.investigate.attributes import PAIR
from workbench.analysis.logs.masks import MASK
from workbench.core.timerange import TimeRange, from_ms


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
        case "objective":
            return f"workbench slo attribute {system} --slo {shlex.quote(what)} {period}"
        case "slow operation":
            return f"workbench traces {system} {period} --operation {shlex.quote(what)}"
    values = [part.replace(" = ", "=", 1) for part in what.split(PAIR)] if " = " in what else []
    where = "".join(f" --where {shlex.quote(value)}" for value in values)
    failed = " --status error" if kind == "bad requests" else ""
    return f"workbench traces {system} {period}{where}{failed}"


def trace_command(system: str, row: dict[str, object]) -> str:
    """Return the command that shows the trace of a row, with an hour on either side; empty where it has none."""
    if not row["trace_id"]:
        return ""
    at = from_ms(int(str(row["first_ns"])) // 1_000_000)
    near = TimeRange(at - timedelta(hours=1), at + timedelta(hours=1))
    period = f"--from {_instant(near, 'start', minute=True)} --to {_instant(near, 'end', minute=True)}"
    return f"workbench traces show {shlex.quote(str(row['trace_id']))} --system {system} {period}"


def literal(template: str) -> str:
    """Longest part of a template without a mask.

    Examples
    --------
    >>> literal("GET /orders/<id> 503 in <num> s: no connection")
    's: no connection'
    """
    return max((part.strip() for part in MASK.split(template)), key=len)


def _instant(span: TimeRange, name: str, *, minute: bool = False) -> str:
    instant = span.start if name == "start" else span.end
    whole = minute or not (instant.second or instant.microsecond)
    return instant.strftime("%Y-%m-%dT%H:%MZ" if whole else "%Y-%m-%dT%H:%M:%SZ")
