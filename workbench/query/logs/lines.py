"""One written line as a record: JSON, logfmt or plain text, alone or in what a container runtime wraps it in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.query.logs.json_forms import usual_names
from workbench.query.logs.logfmt import logfmt_record
from workbench.query.logs.plain import LEVELLED, json_object, plain_record
from workbench.query.logs.shape import USUAL

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CRI = re.compile(r"(\d{4}-\d\d-\d\dT\S+) (stdout|stderr) ([FP])(?::\S*)? ?(.*)", re.DOTALL)
_FOLLOWS = re.compile(
    r"\s+\S|Traceback \(most recent call last\)|Caused by: |\.\.\. \d+ more|During handling of the above"
)
_RAISED = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit|Failure)\b(?:: |$)")
#: What Java and its like throw, with its package: it begins the stack trace of the record before it.
_THROWN = re.compile(r"(?:[a-z_][\w$]*\.)+[A-Z][\w$]*(?:Error|Exception|Throwable|Failure)(?:: |$)")

#: Keys under which one program wraps the line of another.
_WRAPS = ("log", "message", "msg", "MESSAGE", "line")


@dataclass(frozen=True)
class Parsed:
    """What a line holds.

    Attributes
    ----------
    kind : str
        ``json``, ``logfmt`` or ``text``.
    record : mapping
        Keys and values, objects not yet flattened; a plain line has ``message`` and what was told apart of it.
    broken : bool
        It begins like JSON and is none.
    text : str
        What the program wrote, without what the runtime wrapped it in.
    """

    kind: str
    record: Mapping[str, Any] = field(default_factory=dict)
    broken: bool = False
    text: str = ""


def parsed_line(text: str) -> Parsed:
    """Read one line.

    Examples
    --------
    >>> parsed_line('level=warn msg="slow call" dur=1.5s').record
    {'level': 'warn', 'msg': 'slow call', 'dur': '1.5s'}
    >>> parsed_line('2024-01-15T10:30:45.1Z stdout F {"level": "INFO", "message": "up"}').record["level"]
    'INFO'
    >>> parsed_line("2024-01-15 10:30:45,123 ERROR db: lost").record
    {'timestamp': '2024-01-15 10:30:45,123', 'level': 'ERROR', 'message': 'db: lost'}
    """
    if match := _CRI.fullmatch(text):
        time, stream, _, inner = match.groups()
        inner_line = parsed_line(inner)
        outer = {"timestamp": time, "stream": stream}
        return Parsed(inner_line.kind, {**outer, **inner_line.record}, inner_line.broken, inner_line.text)
    plain = _ANSI.sub("", text)
    bare = plain.lstrip("\ufeff").strip()
    if bare.startswith("{"):
        record = json_object(bare)
        if record is not None:
            return _unwrapped(record)
        return Parsed("text", _with_blanks(plain, bare), True, text)
    pairs = logfmt_record(bare)
    if pairs is not None:
        return Parsed("logfmt", pairs, text=text)
    return Parsed("text", _with_blanks(plain, bare), text=text)


def continues(text: str, after: str) -> bool:
    """Say whether a plain line belongs to the record before it, as the lines of a stack trace do.

    Parameters
    ----------
    text : str
        The line.
    after : str
        The line before it.
    """
    if _FOLLOWS.match(text) is not None:
        return True
    return _THROWN.match(text) is not None or (_RAISED.match(text) is not None and after[:1] in (" ", "\t"))


def _with_blanks(line: str, bare: str) -> dict[str, Any]:
    """Read a plain line without the blanks at its ends, and give its message those that belong to it."""
    record = plain_record(bare)
    message = record.get("message")
    if isinstance(message, str) and message and bare.endswith(message):
        lead, _, tail = line.partition(bare)
        record["message"] = (lead if message == bare else "") + message + tail
    return record if bare else {"message": line}


def _unwrapped(record: dict[str, Any], depth: int = 3) -> Parsed:
    """Put what a wrapped line says in place of the line; what only the wrapper says stays."""
    named = usual_names(record)
    for key in _WRAPS:
        inner = named.get(key)
        if not isinstance(inner, str) or not depth:
            continue
        outer = {name: value for name, value in named.items() if name != key}
        if inner.lstrip().startswith("{") and (document := json_object(inner.strip())) is not None:
            inner_line = _unwrapped(document, depth - 1)
            return Parsed("json", {**outer, **inner_line.record})
        if key == "log" and {"stream", "time"} <= named.keys():
            inner_line = parsed_line(inner.rstrip("\r\n"))
            return Parsed(inner_line.kind, {**outer, **inner_line.record}, inner_line.broken, inner_line.text)
        log = named.get("log")
        if not LEVELLED & named.keys() and not (isinstance(log, dict) and "level" in log):
            inner_line = parsed_line(inner.rstrip("\r\n"))
            if "level" in inner_line.record or "lvl" in inner_line.record:
                dated = any(name in outer for name in USUAL["time_ns"])
                own = {name: value for name, value in inner_line.record.items() if name != "timestamp" or not dated}
                return Parsed("json", {**outer, **own}, text=inner_line.text)
        break
    return Parsed("json", named)
