"""Plain lines told apart: time, level, logger and ids of syslog, klog, nginx, Python, uvicorn and their like."""

from __future__ import annotations

import json
import re
from typing import Any

from workbench.query.http.reading import without_halves
from workbench.query.logs.levels import severity_of
from workbench.query.logs.logfmt import logfmt_record
from workbench.query.logs.named_forms import named_form
from workbench.query.logs.shape import USUAL
from workbench.query.logs.times import STAMP, is_time

_LEVELS = "TRACE|DEBUG|INFO|LOG|NOTICE|WARN|WARNING|ERROR|SEVERE|FATAL|CRITICAL"
_HEAD = re.compile(rf"[\s<\[(]*(?P<time>{STAMP.pattern})[\])>]*[\s|,;:\-]*")
_REQUEST = re.compile(rf"[^\[]{{0,200}}\[(?P<time>{STAMP.pattern})\]\s*")
_LEVEL = re.compile(r"[\[(<|]*\s*(?:[a-z_]+:)?(?P<level>[A-Za-z]{1,11})\s*[\])>|]*(?:\s*[:\-|]\s*|\s+|(?<=\])(?=\[)|$)")
_NAMED = re.compile(r"(?P<logger>[\w.$/:-]{1,120}?)[\])]?\s+-\s+")
_COLONED = re.compile(rf"(?P<logger>[\w.$/ -]{{1,80}}?):(?P<level>{_LEVELS})(?::\s*|\s+|$)")
_BRACKETED = re.compile(rf"\[(?P<level>(?i:{_LEVELS}))\]:?\s+")
_LED = re.compile(rf"(?P<level>{_LEVELS}):(?:(?P<logger>[\w.]+):)?\s*")
#: A word before a level in capitals that makes it a part of a sentence.
_SPOKEN = r"(?i:no|an?|any|the|with|without|not|got|found|zero|of|for|on|in|has|had|and|or|this)"
_AFTER = re.compile(
    rf"(?:(?!{_SPOKEN}\s)\S+\s+){{1,2}}?"
    rf"(?:[\[(<|]*(?P<level>{_LEVELS})[\])>|]*|\[(?P<bracketed>(?i:{_LEVELS}))\])(?::|\s|$)"
)
#: A level before the time, as Django's and Dropwizard's forms have it.
_FIRST = re.compile(rf"(?P<level>{_LEVELS})\s+\[?(?P<time>{STAMP.pattern})[\])]?[\s|,;:\-]*")
#: What vLLM's processes and the ranks of PyTorch put before a line.
_WORKER = re.compile(r"(?:\((?P<logger>[A-Za-z][\w ]{0,40} pid=\d+)\)|\[(?P<rank>rank\d+)\]:)\s*")
#: Cisco's mnemonic with its severity.
_MNEMONIC = re.compile(r"%[A-Z][A-Z0-9_]{1,30}-(?P<severity>[0-7])-")
_PRIORITY = re.compile(r"<(?P<pri>\d{1,3})>(?P<rest>\S.*)", re.DOTALL)
#: What ``docker compose logs`` puts before a line.
_COMPOSED = re.compile(r"(?P<service>[\w.-]{1,60}) +\| ")
_IDS = re.compile(r"\b(trace|span)_?[iI]d[=:]\s*\"?([\w.-]{4,64})")

_RFC5424 = re.compile(
    r"<(?P<pri>\d{1,3})>\d{1,2} (?P<time>\S+) (?P<host>\S+) (?P<program>\S+) (?P<pid>\S+) (?P<id>\S+) "
    r"(?:-|(?:\[(?:[^\]\"]|\"(?:\\.|[^\"])*\")*\])+) ?(?P<rest>.*)",
    re.DOTALL,
)
_SYSLOG_TIME = r"[A-Z][a-z]{2} [ \d]\d"
_TAG = r"(?P<host>[\w.:-]+) (?P<program>[\w./-]+)(?:\[(?P<pid>\d+)\])?: ?(?P<rest>.*)"
_RFC3164 = re.compile(
    r"(?:<(?P<pri>\d{1,3})>)?(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?) " + _TAG, re.DOTALL
)
_ISO = r"(?P<time>\d{4}-\d\d-\d\dT\S+) "
_WITH_PID = _TAG.replace("?: ?", ": ?")
_RSYSLOG = re.compile(rf"(?P<pri>){_ISO}{_WITH_PID}", re.DOTALL)
_FORWARDED = re.compile(rf"<(?P<pri>\d{{1,3}})>{_ISO}{_TAG}", re.DOTALL)
_CISCO = re.compile(
    rf"<(?P<pri>\d{{1,3}})>(?P<time>{_SYSLOG_TIME} \d{{4}} \d\d:\d\d:\d\d) (?P<host>[\w.-]+) ?: ?"
    r"(?P<program>%[\w-]+): ?(?P<rest>.*)(?P<pid>)",
    re.DOTALL,
)
_JOURNAL = re.compile(
    r"(?P<pri>)(?:[A-Z][a-z]{2} )?(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [A-Z]{3,4}|1\d{9}\.\d{6}) "
    + _WITH_PID,
    re.DOTALL,
)
_SYSLOGS = (_RFC5424, _RFC3164, _RSYSLOG, _FORWARDED, _CISCO, _JOURNAL)
_KLOG = re.compile(
    r"\[?(?P<level>[IWEFD])(?P<year>\d{4})?(?P<month>\d\d)(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d\.\d+)\s+"
    r"(?:(?P<pid>\d+) )?(?P<caller>[^\s\]]+)\] ?(?P<rest>.*)",
    re.DOTALL,
)
_PAIR = re.compile(r"(?:^|\s)(?:level|lvl|severity)=[\"']?([A-Za-z]{1,11})\b")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SYSLOG = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")


#: Keys of a record that says its level itself; ``priority`` is that of the stream in which a program wrote.
LEVELLED = {place.partition(".")[0] for place in USUAL["severity"]} - {"priority", "log"}


def plain_record(text: str) -> dict[str, Any]:
    """Tell time, level, logger and ids of a plain line apart from its message, as far as it has them.

    Examples
    --------
    >>> plain_record("Nov  7 10:00:00 web-1 app[311]: ERROR payment failed")["message"]
    'payment failed'
    >>> plain_record("E1107 10:00:09.123456   1 klog.go:12] lost")["timestamp"]
    'Nov  7 10:00:09.123456'
    >>> plain_record("10:00:09 - LiteLLM Proxy:ERROR: utils.py:12 - lost")["level"]
    'ERROR'
    """
    worker = _WORKER.match(text)
    if worker:
        text = text[worker.end() :]
    record = _syslog(text) or _klog(text) or named_form(text) or _dated(text)
    for kind, value in _IDS.findall(text):
        record.setdefault(f"{kind}_id", value)
    return record if worker is None else {**{k: v for k, v in worker.groupdict().items() if v}, **record}


def json_object(text: str) -> dict[str, Any] | None:
    """Read a JSON object; None when the text is none."""
    try:
        read = without_halves(json.loads(text), text)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _syslog(text: str) -> dict[str, Any] | None:
    """RFC 5424 and RFC 3164, with or without a priority, and the forwarding form with a time of ISO 8601."""
    match = next((read for form in _SYSLOGS if (read := form.fullmatch(text))), None)
    if match is None or not (match["time"] == "-" or is_time(match["time"])):
        bare = _PRIORITY.fullmatch(text)
        return {"level": _SYSLOG[int(bare["pri"]) % 8], **_inner(bare["rest"])} if bare else None
    if not match["pri"] and severity_of(match["host"]):
        return None  # "ERROR worker[3]: ..." is a level, no host
    record: dict[str, Any] = {} if match["time"] == "-" else {"timestamp": match["time"]}
    record |= {name: value for name in ("host", "program", "pid") if (value := match[name]) not in (None, "-")}
    inner = _inner(match["rest"])
    if match["pri"] and not LEVELLED & inner.keys():
        record["level"] = _SYSLOG[int(match["pri"]) % 8]
    return record | inner


def _klog(text: str) -> dict[str, Any] | None:
    """Klog and glog: ``E1107 10:00:09.123456 1 file.go:12] message``, with or without a year."""
    match = _KLOG.fullmatch(text)
    if match is None:
        return None
    year, month, day = match["year"], int(match["month"]), int(match["day"])
    if not 1 <= month <= 12:
        return None
    time = f"{year}-{month:02}-{day:02} {match['clock']}" if year else f"{_MONTHS[month - 1]} {day:>2} {match['clock']}"
    return {"timestamp": time, "level": match["level"], "caller": match["caller"]} | {"message": match["rest"]}


def _inner(text: str) -> dict[str, Any]:
    """Read what a program wrote inside a frame of syslog: JSON, logfmt, or a level before a message."""
    if text.startswith("{") and (inner := json_object(text)) is not None:
        return inner
    return logfmt_record(text) or _klog(text) or named_form(text) or _dated(text)


def _dated(text: str) -> dict[str, Any]:
    record: dict[str, Any] = {}
    rest = text
    head = _HEAD.match(text)
    dated = head is not None and is_time(head["time"].strip())
    if head and dated:
        record["timestamp"], rest = head["time"].strip(), text[head.end() :]
        named = _NAMED.match(rest)
        level = _LEVEL.match(rest, named.end() if named else 0)
        if coloned := _COLONED.match(rest):
            record |= {"logger": coloned["logger"], "level": coloned["level"]}
            rest = rest[coloned.end() :]
        elif named and level and severity_of(level["level"]):
            record["logger"], rest = named["logger"], rest[named.end() :]
    elif (request := _REQUEST.match(text)) and is_time(request["time"]):
        record["timestamp"] = request["time"]
    elif bracketed := _BRACKETED.match(text):
        record["level"], rest = bracketed["level"], text[bracketed.end() :]
    elif led := _LED.match(text):
        record["level"], rest = led["level"], text[led.end() :]
        if led["logger"]:
            record["logger"] = led["logger"]
    elif (match := _FIRST.match(text)) and is_time(match["time"].strip()):
        record |= {"level": match["level"], "timestamp": match["time"].strip()}
        rest = text[match.end() :]
    elif (composed := _COMPOSED.match(text)) and _HEAD.match(text, composed.end()):
        return {"service": composed["service"], **_dated(text[composed.end() :])}
    elif coloned := _COLONED.match(text):
        record |= {"logger": coloned["logger"], "level": coloned["level"]}
        rest = text[coloned.end() :]
    if "level" in record and not dated and (match := _HEAD.match(rest)) and is_time(match["time"].strip()):
        record["timestamp"], rest = match["time"].strip(), rest[match.end() :]
    if "level" not in record and (match := _LEVEL.match(rest)) and _is_level(match["level"], bool(head)):
        record["level"], rest = match["level"], rest[match.end() :]
    inner = json_object(rest) if rest.startswith("{") else logfmt_record(rest) if dated else None
    if inner is None and dated and "level" not in record and (match := _AFTER.match(rest)):
        record["level"] = match["level"] or match["bracketed"]
    if inner is None and "level" not in record and (match := _MNEMONIC.search(rest)):
        record["level"] = _SYSLOG[int(match["severity"])]
    if inner is None and "level" not in record and (match := _PAIR.search(rest)) and severity_of(match[1]):
        record["level"] = match[1]
    return record | (inner if inner is not None else {"message": rest})


def _is_level(word: str, dated: bool) -> bool:
    """Say whether a word at the beginning is meant as a level: after a time any, else only in capitals."""
    return len(word) > 2 and bool(severity_of(word)) and (word.isupper() or (dated and len(word) > 3))
