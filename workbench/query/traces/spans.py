"""Spans of any backend as rows of SPANS: ids of one form, times in ns, weights from sampling, doubts said aloud.

Nothing is repaired in silence. What a row could not say goes into its attributes under ``workbench.`` names, which
survive the archive, and is counted in ``frame.attrs["warnings"]``:

==========================  ============================================================================
``workbench.partial``       why the trace is not whole here: its parent is missing, or the server cut it
``workbench.duration``      ``missing`` or the negative duration that clock skew made [ns]; the row has 0
``workbench.shared_id``     the id that a server span shared with its client span (B3) before it got one
==========================  ============================================================================
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Any

import pandas as pd

from workbench.catalog.profile.model import Profile
from workbench.core.errors import ParameterError
from workbench.core.frames import SPANS, check

#: Spans of one piece, about. [count]
PIECE = 20_000

PARTIAL, DURATION, SHARED = "workbench.partial", "workbench.duration", "workbench.shared_id"
NO_PARENT = "parent missing"

#: Attributes that an event "exception" lends its span begin so.
EXCEPTION = "exception."

_HEX = re.compile(r"[0-9a-f]+")
_THRESHOLD = re.compile(r"(?:^|,)\s*ot=([^,]*)")
_ALL = 1 << 56
_INT64 = 1 << 63
_P_NONE = 63

#: Times of this century in seconds to microseconds lie here when they are taken for nanoseconds. [ns]
_OTHER_UNITS = (10**9, 10**18)


@dataclass(slots=True)
class Span:
    """One span as a decoder found it; ids as text of any of the usual forms, ``end_ns`` None when there is none."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    operation: str
    kind: str
    start_ns: int
    duration_ns: int | None
    status: str
    attributes: dict[str, str]
    weight: float = 1.0


@dataclass(frozen=True)
class Sampling:
    """Where the probability of a span is found when its ``tracestate`` does not say.

    Attributes
    ----------
    ratio : float
        Share of traces kept, for spans that say nothing themselves. [ratio]
    attribute : str
        Attribute with the share kept of its own span. [ratio]
    """

    ratio: float = 1.0
    attribute: str = "sampling.ratio"

    def __post_init__(self) -> None:
        if not 0 < self.ratio <= 1:
            raise ParameterError(f"A sampling ratio of {self.ratio} is not in (0, 1].")

    @classmethod
    def of(cls, profile: Profile) -> Sampling:
        """Return what a profile says of its traces."""
        return cls(ratio=profile.tracing.sampling) if profile.tracing else cls()

    def weight(self, tracestate: str, attributes: Mapping[str, str]) -> float:
        """Spans that this one stands for: 1 / probability of being kept.

        Examples
        --------
        >>> Sampling().weight("ot=th:c;rv:abcdef01234567,vendor=1", {})
        4.0
        >>> Sampling(ratio=0.1).weight("", {}), Sampling().weight("", {"sampling.ratio": "0.25"})
        (10.0, 4.0)

        References
        ----------
        .. [1] OpenTelemetry, Tracestate probability sampling: adjusted count 2^56 / (2^56 - T).
        """
        weight = _adjusted_count(tracestate) or _inverse(attributes.get(self.attribute, ""))
        if weight is None and attributes.get("sampler.type") == "probabilistic":
            weight = _inverse(attributes.get("sampler.param", ""))
        return weight or 1 / self.ratio


def _adjusted_count(tracestate: str) -> float | None:
    member = _THRESHOLD.search(tracestate) if tracestate else None
    for part in member[1].split(";") if member else ():
        key, _, digits = part.strip().partition(":")
        if key == "th" and 1 <= len(digits) <= 14 and _HEX.fullmatch(digits):
            return _ALL / (_ALL - int(digits.ljust(14, "0"), 16))
        if key == "p" and digits.isdecimal() and int(digits) < _P_NONE:  # the exponent, before thresholds came
            return float(1 << int(digits))
    return None


def _inverse(share: str) -> float | None:
    if not share:
        return None
    try:
        value = float(share)
    except ValueError:
        return None
    return 1 / value if 0 < value <= 1 else None


@lru_cache(maxsize=65_536)
def plain_id(text: str | None, digits: int) -> str:
    """Return an id as lower-case hex of a fixed length; base64 of Tempo's JSON is undone, other texts stay as they are.

    A 64-bit trace id is padded to 128 bits with zeros, as W3C and Jaeger do; all zeros mean "none".

    Examples
    --------
    >>> plain_id("768817D1CC755AC6C88CFE52B7BDBE", 32), plain_id("iLr62VnVRQU=", 16), plain_id("trace_def456", 32)
    ('00768817d1cc755ac6c88cfe52b7bdbe', '88bafad959d54505', 'trace_def456')
    """
    if not text:
        return ""
    if text.endswith("="):
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return text
        plain = raw.hex()
    else:
        plain = text.lower()
        if len(plain) > digits or not _HEX.fullmatch(plain):
            return text
    return plain.zfill(digits) if plain.strip("0") else ""


def text_of(value: Any) -> str:
    """Return an attribute's value as text: truth as JSON has it, whole lists and maps as JSON without blanks.

    Examples
    --------
    >>> text_of(True), text_of(54.1), text_of(["a", 1])
    ('true', '54.1', '["a",1]')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str, separators=(",", ":"), sort_keys=True)
    return str(value)


def exception_texts(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return what an event "exception" lends its span: the attributes of the exception."""
    return {name: text for name, text in attributes.items() if name.startswith(EXCEPTION)}


@dataclass
class Gathered:
    """Makes frames of spans, each span once, and remembers what was doubtful.

    Attributes
    ----------
    warnings, differences : Counter
        What is to be said; ``differences`` are answers that contradict each other, so that no count can be trusted.
    """

    warnings: Counter[str] = field(default_factory=Counter)
    differences: Counter[str] = field(default_factory=Counter)

    def trace(
        self, spans: Iterable[Span], *, cut: bool = False, fresh: Callable[[Span], bool] | None = None
    ) -> list[Span]:
        """Return the spans of whole traces: duplicates left out, shared ids told apart, orphans marked.

        Parameters
        ----------
        spans : iterable of Span
            Spans in any order.
        cut : bool
            The server says that these traces are not whole.
        fresh : callable, optional
            Which of the spans are returned; the others only stand beside them.
        """
        rows = self.once(spans)
        tell_apart(rows)
        known = {(row.trace_id, row.span_id) for row in rows}
        rows = rows if fresh is None else list(filter(fresh, rows))
        for row in rows:
            if cut:
                row.attributes[PARTIAL] = "cut by the server"
            elif row.parent_id and (row.trace_id, row.parent_id) not in known:
                self.orphan(row)
        return rows

    def once(self, spans: Iterable[Span]) -> list[Span]:
        """Leave out spans that came before: same ids, kind, service and start."""
        seen: dict[tuple[str, str, str, str, int], Span] = {}
        for span in spans:
            key = (span.trace_id, span.span_id, span.kind, span.service, span.start_ns)
            if seen.setdefault(key, span) is not span:
                self.warnings["spans came twice and are counted once"] += 1
        return list(seen.values())

    def orphan(self, span: Span) -> None:
        """Mark a span whose parent is nowhere."""
        span.attributes[PARTIAL] = NO_PARENT
        self.warnings["spans name a parent that is not there: their traces are partial"] += 1

    def table(self, spans: Sequence[Span]) -> pd.DataFrame:
        """Return spans as SPANS by start; doubtful durations are marked, all doubts so far are in ``attrs``."""
        rows = [span for span in spans if 0 < span.start_ns < _INT64 and abs(span.duration_ns or 0) < _INT64]
        if len(rows) < len(spans):
            self.warnings["spans have no start or one that no clock shows, and are left out"] += len(spans) - len(rows)
        if early := sum(_OTHER_UNITS[0] <= row.start_ns < _OTHER_UNITS[1] for row in rows):
            self.warnings["spans start before 2001: their times are not in nanoseconds"] += early
        if nameless := sum(not row.service for row in rows):
            self.warnings["spans name no service: a filter by service leaves them out"] += nameless
        rows.sort(key=attrgetter("start_ns", "trace_id", "span_id"))
        for row in rows:
            if row.duration_ns is None:
                row.attributes[DURATION] = "missing"
                self.warnings["spans have no duration; 0 stands for it"] += 1
            elif row.duration_ns < 0:
                row.attributes[DURATION] = str(row.duration_ns)
                self.warnings["spans end before they start (clock skew); their duration is 0"] += 1
        columns: dict[str, Any] = {
            name: pd.Series(list(map(attrgetter(name), rows)), dtype="str")
            for name in ("trace_id", "span_id", "parent_id", "service", "operation", "kind")
        }
        columns["start_ns"] = pd.Series([row.start_ns for row in rows], dtype="int64")
        columns["duration_ns"] = pd.Series([max(row.duration_ns or 0, 0) for row in rows], dtype="int64")
        columns["status"] = pd.Series([row.status for row in rows], dtype="str")
        columns["weight"] = pd.Series([row.weight for row in rows], dtype="float64")
        columns["attributes"] = pd.Series([row.attributes for row in rows], dtype="object")
        frame = check(pd.DataFrame(columns), SPANS, where="a source of spans")
        frame.attrs["warnings"] = self.warning_lines()
        frame.attrs["differences"] = _sentences(self.differences)
        return frame

    def warning_lines(self) -> tuple[str, ...]:
        """Warnings so far, with counts where something is counted."""
        return _sentences(self.warnings) + _sentences(self.differences)


def _sentences(counted: Counter[str]) -> tuple[str, ...]:
    return tuple(
        f"{count:,} {text if count != 1 else _of_one(text)}." if text[0].islower() else text
        for text, count in counted.items()
    )


#: Words of the counted warnings for several, and for one.
_SINGULAR = {
    "their traces are": "its trace is", "their times are": "its time is", "their duration": "its duration",
    "lines or messages of": "line or message of", "documents of": "document of", "spans ": "span ", "traces ": "trace ",
    "end before they start": "ends before it starts", "start before": "starts before", " name ": " names ",
    " hold ": " holds ", " have ": " has ", "leaves them": "leaves it", " are ": " is ", " were ": " was ",
}  # fmt: skip


def _of_one(text: str) -> str:
    for several, single in _SINGULAR.items():
        text = text.replace(several, single)
    return text


def tell_apart(spans: Iterable[Span]) -> None:
    """Give a server span that shares the id of its client span (B3) an id of its own, below the client.

    Children of the shared id are the server's. The new id is the next that is free, so the same trace always gets the
    same ids.
    """
    by_id: dict[tuple[str, str], list[Span]] = defaultdict(list)
    children: dict[tuple[str, str], list[Span]] = defaultdict(list)
    rows = list(spans)
    for span in rows:
        by_id[span.trace_id, span.span_id].append(span)
        children[span.trace_id, span.parent_id].append(span)
    for (trace, shared), same in list(by_id.items()):
        servers = [span for span in same if span.kind == "server"]
        if len(same) < 2 or not servers or all(span.kind == "server" for span in same):
            continue
        below = [span for span in children[trace, shared] if span not in same]
        for server in servers:
            own = _next_id(trace, shared, by_id)
            server.span_id, server.parent_id = own, shared
            server.attributes[SHARED] = shared
            by_id[trace, own] = [server]
        for span in below:
            span.parent_id = servers[0].span_id


def _next_id(trace: str, text: str, taken: Container[tuple[str, str]]) -> str:
    if not _HEX.fullmatch(text):
        return f"{text}-server"
    number = int(text, 16)
    while True:
        number = (number + 1) % (1 << 64) or 1
        candidate = f"{number:016x}"
        if (trace, candidate) not in taken:
            return candidate


def stored_ns(value: int) -> int:
    """Return a time or a length that a row can hold.

    Raises
    ------
    ValueError
        It is no 64-bit number. [ns]
    """
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{value} ns is no time")
    return value
