"""One written line as a record: JSON, logfmt or plain text, alone or in what a container runtime wraps it in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.query.logs.levels import severity_of
from workbench.query.logs.times import STAMP, time_of

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CRI = re.compile(r"(\d{4}-\d\d-\d\dT\S+) (stdout|stderr) ([FP])(?::\S*)? ?(.*)", re.DOTALL)
_PAIR = re.compile(r'([A-Za-z_][\w.\-/@]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?=\s|$)')
_HEAD = re.compile(rf"[\s<\[(]*(?P<time>{STAMP.pattern})[\])>]*[\s|,;:\-]*")
_REQUEST = re.compile(rf"[^\[]{{0,200}}\[(?P<time>{STAMP.pattern})\]\s*")
_LEVEL = re.compile(r"[\[(<|]*(?P<level>[A-Za-z]{1,11})[\])>|]*(?:\s*[:\-|]\s*|\s+|$)")
_NAMED = re.compile(r"(?P<logger>[\w.$/:-]{1,120}?)[\])]?\s+-\s+")
_LED = re.compile(r"(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL):(?:(?P<logger>[\w.]+):)?\s*")
_IDS = re.compile(r"\b(trace|span)_?[iI]d[=:]\s*\"?([\w.-]{4,64})")
_FOLLOWS = re.compile(
    r"\s+\S|Traceback \(most recent call last\)|Caused by: |\.\.\. \d+ more|During handling of the above"
)
_RAISED = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit|Failure)\b(?:: |$)")

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
    if found := _CRI.fullmatch(text):
        time, stream, _, inner = found.groups()
        told = parsed_line(inner)
        outer = {"timestamp": time, "stream": stream}
        return Parsed(told.kind, {**outer, **told.record}, told.broken, told.text)
    plain = _ANSI.sub("", text)
    bare = plain.lstrip("\ufeff").strip()
    if bare.startswith("{"):
        record = _object(bare)
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
    return _RAISED.match(text) is not None and after[:1] in (" ", "\t")


def logfmt_record(text: str) -> dict[str, str] | None:
    """Read logfmt: at least two pairs, the first of them at the beginning; words without a value are kept as empty."""
    if "=" not in text.split(" ", 1)[0]:
        return None
    record: dict[str, str] = {}
    at = pairs = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found:
            record[found[1]] = _unquoted(found[2])
            pairs, at = pairs + 1, found.end()
        else:
            end = text.find(" ", at)
            word = text[at : end if end >= 0 else len(text)]
            if not re.fullmatch(r"[\w.\-/@]+", word):
                return None
            record[word] = ""
            at += len(word)
        while at < len(text) and text[at].isspace():
            at += 1
    return record if pairs >= 2 else None


def plain_record(text: str) -> dict[str, Any]:
    """Tell time, level, logger and ids of a plain line apart from its message, as far as it has them."""
    record: dict[str, Any] = {}
    rest = text
    head = _HEAD.match(text)
    if head and time_of(head["time"]):
        record["timestamp"], rest = head["time"].strip(), text[head.end() :]
        named = _NAMED.match(rest)
        level = _LEVEL.match(rest, named.end() if named else 0)
        if named and level and severity_of(level["level"]):
            record["logger"], rest = named["logger"], rest[named.end() :]
    elif (request := _REQUEST.match(text)) and time_of(request["time"]):
        record["timestamp"] = request["time"]
    elif led := _LED.match(text):
        record["level"], rest = led["level"], text[led.end() :]
        if led["logger"]:
            record["logger"] = led["logger"]
    if "level" not in record and (found := _LEVEL.match(rest)) and _is_level(found["level"], bool(head)):
        record["level"], rest = found["level"], rest[found.end() :]
    inner = _object(rest) if rest.startswith("{") else None
    record |= inner if inner is not None else {"message": rest}
    for kind, value in _IDS.findall(rest):
        record.setdefault(f"{kind}_id", value)
    return record


def _with_blanks(line: str, bare: str) -> dict[str, Any]:
    """Read a plain line without the blanks at its ends, and give its message those that belong to it."""
    record = plain_record(bare)
    message = record.get("message")
    if isinstance(message, str) and message and bare.endswith(message):
        lead, _, tail = line.partition(bare)
        record["message"] = (lead if message == bare else "") + message + tail
    return record if bare else {"message": line}


def _is_level(word: str, dated: bool) -> bool:
    """Say whether a word at the beginning is meant as a level: after a time any, else only in capitals."""
    return len(word) > 2 and bool(severity_of(word)) and (word.isupper() or (dated and len(word) > 3))


def _object(text: str) -> dict[str, Any] | None:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _unwrapped(record: dict[str, Any], depth: int = 3) -> Parsed:
    """Put what a wrapped line says in place of the line; what only the wrapper says stays."""
    for key in _WRAPS:
        inner = record.get(key)
        if not isinstance(inner, str) or not depth:
            continue
        outer = {name: value for name, value in record.items() if name != key}
        if inner.lstrip().startswith("{") and (found := _object(inner.strip())) is not None:
            told = _unwrapped(found, depth - 1)
            return Parsed("json", {**outer, **told.record})
        if key == "log" and {"stream", "time"} <= record.keys():
            told = parsed_line(inner.rstrip("\r\n"))
            return Parsed(told.kind, {**outer, **told.record}, told.broken, told.text)
        break
    return Parsed("json", record)


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value[1:-1]
