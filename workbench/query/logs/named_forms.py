"""Lines of programs whose form is known by name: Celery, vLLM, Redis, zap, Ruby, Ray, Envoy, MongoDB and others."""

from __future__ import annotations

import json
import re
from typing import Any

from workbench.query.http.reading import without_halves
from workbench.query.logs.levels import severity_of
from workbench.query.logs.times import STAMP, is_time

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_VLLM = re.compile(
    r"(?:\((?P<logger>[^)]{1,80})\) )?(?P<level>[A-Z]{4,8}) "
    r"(?P<month>\d\d)-(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d(?:\.\d+)?) "
    r"(?:\[(?P<caller>[^\]]+)\]|(?P<place>\S+)\]) ?(?P<rest>.*)",
    re.DOTALL,
)
_REDIS = re.compile(
    r"(?P<pid>\d+):(?P<role>[XCSM]) (?P<day>\d\d) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4}) "
    r"(?P<clock>\d\d:\d\d:\d\d(?:\.\d+)?) (?P<level>[.\-*#]) (?P<rest>.*)",
    re.DOTALL,
)
_REDIS_LEVELS = {".": "debug", "-": "debug", "*": "info", "#": "warning"}
_TIME = rf"(?P<timestamp>{STAMP.pattern})"


def _forms(*texts: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(text, re.DOTALL) for text in texts)


#: Forms whose groups are the keys of the record; ``rest`` is the message. They are told by how a line begins.
_IN_BRACKETS = _forms(
    r"\[(?P<timestamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}): (?P<level>[A-Z]+)/(?P<logger>[^\]]+)\] ?(?P<rest>.*)",
    r"\[(?P<timestamp>1\d{9}(?:\.\d{1,9})?|1\d{12})\]\s+\[?(?P<level>[A-Za-z]{4,8})\]?:?\s+(?P<rest>.*)",
    rf"\[{_TIME}\] (?P<logger>[\w-]{{1,40}})\.(?P<level>[A-Z]{{4,9}}): ?(?P<rest>.*)",
    rf"\[{_TIME} (?P<level>[DIWEF]) (?P<pid>\d+) \d+\] ?(?P<rest>.*)",
    rf"\[{_TIME}\]\[(?P<pid>\d+)\]\[(?P<level>[a-z]+)\](?: ?\[(?P<logger>[\w.]+)\])? ?(?P<rest>.*)",
    rf"\[{_TIME}\] PHP (?P<level>[A-Z][a-z]+)(?: error)?: +(?P<rest>.*)",
)
_RUBY = _forms(rf"[A-Z], \[{_TIME} #(?P<pid>\d+)\]\s+(?P<level>[A-Z]+) -- (?P<logger>[^:]{{0,80}}): ?(?P<rest>.*)")
_EPOCH = _forms(
    r"(?P<timestamp>1(?:\d{9}(?:\.\d{1,9})?|\d{12}|\.\d{1,20}[eE]\+?0?9))\s+\[?(?P<level>[A-Za-z]{4,8})\]?\s+(?P<rest>.*)"
)
#: Events as XML: Log4j 1 and 2.
_XML = re.compile(r"<(?:log4j:event|Event)\s(?P<attributes>[^>]{0,2000})>(?P<rest>.*)", re.DOTALL)
_XML_ATTRIBUTE = re.compile(r"\b(timestamp|timeMillis|level|logger|loggerName)=\"([^\"]{1,200})\"")
_XML_TEXT = re.compile(r"<(?:log4j:)?[mM]essage>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</", re.DOTALL)
#: Winston's simple form: a level in small letters, a text, and an object.
_WINSTON = re.compile(r"(?P<level>error|warn|info|verbose|debug): (?P<rest>.*)", re.DOTALL)
_LETTERED = _forms(
    rf"{_TIME} \[ \d+ \] \{{[^}}]*\}} <(?P<level>[A-Z][a-z]+)> (?P<logger>[^:]{{1,80}}): ?(?P<rest>.*)",
    rf"{_TIME} (?P<level>[TDIWEFC]) \| (?P<rest>.*)",
    rf"{_TIME} (?P<level>[DIWEF])\d? +(?P<logger>[A-Z]{{3,12}}) +(?P<rest>\[.*)",
)
_BEFORE_LETTER = re.compile(r"[\d.T:Z+-]+(?: [\d:.]+)? (?:[TDIWEFC]\d? |\[ \d)")


def named_form(text: str) -> dict[str, Any] | None:
    """Read a line of a form that is known by name; None for another.

    Examples
    --------
    >>> named_form("E, [2026-11-07T10:00:00.123456 #12] ERROR -- pay: lost")["level"]
    'ERROR'
    >>> named_form("[2026-11-07 10:00:00] local.CRITICAL: lost")["logger"]
    'local'
    """
    if (match := _VLLM.fullmatch(text)) and 1 <= int(match["month"]) <= 12:
        time = f"{_MONTHS[int(match['month']) - 1]} {int(match['day']):>2} {match['clock']}"
        named = {"timestamp": time, "level": match["level"], "caller": match["caller"] or match["place"]}
        if match["logger"]:
            named["logger"] = match["logger"]
        return _levelled(named, match["rest"])
    if (match := _REDIS.fullmatch(text)) and match["month"] in _MONTHS:
        time = f"{match['month']} {int(match['day']):>2} {match['year']} {match['clock']}"
        return _levelled(
            {"timestamp": time, "level": _REDIS_LEVELS[match["level"]], "pid": match["pid"]}, match["rest"]
        )
    if text[:1] == "<" and (match := _XML.match(text)):
        attributes = dict(_XML_ATTRIBUTE.findall(match["attributes"]))
        message = _XML_TEXT.search(match["rest"])
        names = {"timeMillis": "timestamp", "loggerName": "logger"}
        event = {str(names.get(name, name)): value for name, value in attributes.items()}
        return _levelled(event, message[1] if message else match["rest"]) if "level" in event else None
    if match := _WINSTON.fullmatch(text):
        return {"level": match["level"], **_with_object(match["rest"])}
    for form in _beginning(text):
        if (match := form.fullmatch(text)) and is_time(match["timestamp"].strip()):
            named = {name: value.strip() for name, value in match.groupdict().items() if value and name != "rest"}
            if (read := _levelled(named, match["rest"])) is not None:
                return read
    return None


def _beginning(text: str) -> tuple[re.Pattern[str], ...]:
    """Forms that a line can have by its first characters: most lines have none of them."""
    if text[:1] == "[":
        return _IN_BRACKETS
    if text[1:4] == ", [":
        return _RUBY
    if _BEFORE_LETTER.match(text):
        return _LETTERED
    return _EPOCH if text[:1] == "1" else ()


def _with_object(text: str) -> dict[str, Any]:
    """Tell a message from the JSON object that ends it."""
    message, brace, rest = text.partition(" {")
    try:
        inner = without_halves(json.loads("{" + rest), rest) if brace else {}
    except (ValueError, RecursionError):
        inner = {}
    return {"message": message if inner else text} | inner


def _levelled(named: dict[str, Any], message: str) -> dict[str, Any] | None:
    return named | {"message": message} if severity_of(named["level"]) else None
