"""JSON records of programs that name time, level and message in their own way, under the usual names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def usual_names(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with the time, level and message of journald, loguru, Serilog, Log4j and Google named as usual.

    Examples
    --------
    >>> usual_names({"__REALTIME_TIMESTAMP": "1794045600123456", "PRIORITY": "3", "MESSAGE": "lost"})["priority"]
    '3'
    >>> usual_names({"@t": "2026-11-07T10:00:00Z", "@mt": "up"})["@l"]
    'Information'
    """
    if record and all(name.isupper() for name in record):
        record = {"MESSAGE" if name == "MSG" else name: value for name, value in record.items()}
        if "__REALTIME_TIMESTAMP" not in record:
            return {name.lower(): value for name, value in record.items()}
    if "__REALTIME_TIMESTAMP" in record and "MESSAGE" in record:
        return _of_journal(record)
    inner = record.get("record")
    if isinstance(inner, dict) and isinstance(inner.get("level"), dict) and isinstance(inner.get("time"), dict):
        rest = {name: value for name, value in inner.items() if name not in ("time", "level")}
        return {**rest, "timestamp": inner["time"].get("timestamp"), "level": inner["level"].get("name")}
    if "@t" in record and "@l" not in record and ("@mt" in record or "@m" in record):
        return {"@l": "Information", **record}  # The format leaves the commonest level out.
    if isinstance(level := record.get("level"), dict) and isinstance(level.get("name"), str):
        record = {**record, "level": level["name"]}
    for name, seconds, part in _SPLIT:
        held = record.get(name)
        if isinstance(held, dict) and (time := _nanoseconds(held, seconds, part)) is not None:
            return {key: value for key, value in record.items() if key != name} | {"timestamp": time}
    if (time := _nanoseconds(record, "timestampSeconds", "timestampNanos")) is not None:
        return {**record, "timestamp": time}
    return record


#: Objects that hold a time in two parts: seconds, and nanoseconds of the second.
_SPLIT = (("timestamp", "seconds", "nanos"), ("instant", "epochSecond", "nanoOfSecond"))


def _nanoseconds(held: Mapping[str, Any], seconds: str, part: str) -> int | None:
    """Nanoseconds since the epoch from two numbers; None where they are none."""
    whole, rest = str(held.get(seconds, "")), str(held.get(part, 0))
    return int(whole) * 1_000_000_000 + int(rest) if whole.isdecimal() and rest.isdecimal() else None


def _of_journal(record: Mapping[str, Any]) -> dict[str, Any]:
    """Read journald's export: its level is that of the stream, and the program's own stands in the message."""
    text = record["MESSAGE"]
    if isinstance(text, list):  # What is not UTF-8 comes as numbers.
        text = bytes(each for each in text if isinstance(each, int) and 0 <= each < 256).decode(errors="replace")
    named = {"timestamp": record["__REALTIME_TIMESTAMP"], "message": text}
    service = record.get("SYSLOG_IDENTIFIER") or record.get("_SYSTEMD_UNIT")
    named |= {"priority": record["PRIORITY"]} if "PRIORITY" in record else {}
    named |= {"service": service} if service else {}
    own = {name: value for name, value in record.items() if name not in ("MESSAGE", "PRIORITY")}
    return {**own, **named}
