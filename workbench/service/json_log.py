"""Log lines as JSON, in the form that the shipped systems document: one object a line, with trace and span."""

from __future__ import annotations

import json
import secrets
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from workbench.core.foreign_text import cut, visible

#: Of a message; a longer one is cut. [characters]
LONGEST = 16_000


def trace_id() -> str:
    """Return a new trace id of W3C Trace Context: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def span_id() -> str:
    """Return a new span id: 16 hexadecimal digits."""
    return secrets.token_hex(8)


@dataclass(frozen=True)
class JsonLog:
    """Writes events of one service run, which is one trace.

    Attributes
    ----------
    trace : str
        Trace id of every line.
    write : callable
        Takes one line of text.
    """

    trace: str = field(default_factory=trace_id)
    write: Callable[[str], object] = field(default=lambda line: print(line, file=sys.stderr, flush=True))
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def event(self, level: str, message: str, *, span: str = "", kind: str = "system", **metadata: Any) -> None:
        """Write one line.

        Parameters
        ----------
        level : {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
            How severe the event is.
        message : str
            Control characters are shown, not written.
        span : str
            Span id: one run of one part of the service.
        kind : str
            ``event_type``.
        **metadata
            Plain JSON values.
        """
        line = {
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": level,
            "logger": "workbench",
            "message": cut(visible(message, lines=True), LONGEST),
            "event_type": kind,
            "context": {"trace_id": self.trace, "span_id": span},
            "metadata": metadata,
        }
        with self._lock:
            self.write(json.dumps(line, ensure_ascii=False))

    def lines(self, stream: Iterable[str], *, span: str, **metadata: Any) -> None:
        """Write what a part of the service prints: a traceback is one event."""
        for text in messages(stream):
            level = "ERROR" if "Traceback (most recent call last)" in text or text.startswith("Error:") else "INFO"
            self.event(level, text, span=span, **metadata)


def messages(stream: Iterable[str]) -> Iterator[str]:
    """Join lines to messages: a traceback goes on to the line that names the error.

    Examples
    --------
    >>> list(messages(["one", "Traceback (most recent call last):", "  File x", "KeyError: 1", "two"]))[1:]
    ['Traceback (most recent call last):\\n  File x\\nKeyError: 1', 'two']
    """
    held: list[str] = []
    for line in stream:
        text = line.rstrip("\r\n")
        if held:
            held.append(text)
            if not text[:1].isspace() and text:
                yield "\n".join(held)
                held = []
        elif text.startswith("Traceback (most recent call last)"):
            held = [text]
        elif text.strip():
            yield text
    if held:
        yield "\n".join(held)
