"""How programs spell the severity of a log line, and OpenTelemetry's name for each.

Words of the common libraries, the numbers of pino and bunyan (10 to 60), OpenTelemetry's 1 to 24 and, where a record
says so, syslog's 0 to 7. A word nobody knows stays unknown: it is counted, and gets no severity.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from workbench.core.frames import SEVERITIES

#: Go's slog writes levels between its own as ``ERROR+2``.
_OFFSET = re.compile(r"(?<=[a-z])[+-]\d+$")

Scale = Literal["tens", "otel", "syslog"]

#: Words of each severity, in lower case.
WORDS: Mapping[str, tuple[str, ...]] = {
    "TRACE": ("trace", "trc", "verbose", "finest", "finer", "t", "v"),
    "DEBUG": ("debug", "dbg", "dbug", "fine", "d"),
    "INFO": ("info", "information", "informational", "inf", "notice", "config", "success", "log", "i", "n"),
    "WARN": ("warn", "warning", "wrn", "w"),
    "ERROR": ("error", "err", "eror", "failure", "severe", "e"),
    "FATAL": ("fatal", "critical", "crit", "ftl", "alert", "emerg", "emergency", "panic", "dpanic", "f", "c"),
}
_BY_WORD = {word: severity for severity, words in WORDS.items() for word in words}
_SYSLOG = ("FATAL", "FATAL", "FATAL", "ERROR", "WARN", "INFO", "INFO", "DEBUG")


def severity_of(level: object, levels: Mapping[str, str] | None = None, *, scale: Scale = "tens") -> str:
    """Return OpenTelemetry's name of a level, or the empty text for one that is not known.

    Parameters
    ----------
    level : object
        Word or number as the record holds it.
    levels : mapping of str to str, optional
        The system's own words, in lower case, before the common ones.
    scale : str
        How numbers are meant: ``tens`` (10 to 60 as pino counts, the others as OpenTelemetry), ``otel`` (1 to 24) or
        ``syslog`` (0 to 7, 0 the worst).

    Examples
    --------
    >>> [severity_of(level) for level in ("WARNING", "crit", 17, "40", 50.0, "loud")]
    ['WARN', 'FATAL', 'ERROR', 'WARN', 'ERROR', '']
    >>> severity_of(20), severity_of(20, scale="otel"), severity_of(3, scale="syslog")
    ('DEBUG', 'ERROR', 'ERROR')
    """
    word = _OFFSET.sub("", str(level).strip().lower())
    severity = (levels or {}).get(word) or _BY_WORD.get(word)
    if severity:
        return severity
    number = word.removesuffix(".0")
    if not (number.isascii() and number.isdigit() and len(number) <= 2):
        return ""
    value = int(number)
    if scale == "syslog":
        return _SYSLOG[value] if value < len(_SYSLOG) else ""
    if value in (10, 20, 30, 40, 50, 60) and scale == "tens":
        return SEVERITIES[value // 10 - 1]
    return SEVERITIES[(value - 1) // 4] if 1 <= value <= 24 else ""


def scale_of(place: str) -> Scale:
    """Return how numbers are meant in a field: by its name.

    Examples
    --------
    >>> scale_of("severity_number"), scale_of("level")
    ('otel', 'tens')
    """
    if place == "priority":
        return "syslog"
    return "otel" if place.lower().replace("_", "").endswith("severitynumber") else "tens"


def spellings(severities: Sequence[str], levels: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return every spelling of some severities, for a backend that keeps what was written.

    Examples
    --------
    >>> "Warning" in spellings(["WARN"]), "17" in spellings(["ERROR"]), "20" in spellings(["FATAL"])
    (True, True, False)
    """
    own = dict(levels or {})
    words = [word for severity in severities for word in WORDS[severity] if own.get(word, severity) == severity]
    words += [word for word, severity in own.items() if severity in severities]
    cased = [spelled for word in words for spelled in (word, word.upper(), word.capitalize())]
    scales: tuple[Scale, ...] = ("tens", "otel")
    numbers = [str(n) for n in range(1, 61) if any(severity_of(n, own, scale=scale) in severities for scale in scales)]
    return tuple(dict.fromkeys([*cased, *numbers]))
