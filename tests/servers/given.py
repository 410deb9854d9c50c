"""Servers that a person runs and names by an environment variable, and a source whose data lies some days later.

Each server must be empty and of no value: the tests write their lines and spans into it. No command of ours can install
these, so a test without its server is skipped, also under ``WORKBENCH_STRICT=1``.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.timerange import TimeRange

#: What a server is, and a path that answers when it is up; the variable is ``WORKBENCH_<NAME>_URL``.
READY = {
    "loki": "/ready",
    "elasticsearch": "/",
    "opensearch": "/",
    "tempo": "/ready",
    "jaeger": "/api/services",
    "thanos": "/-/ready",
    "mimir": "/api/v1/status/buildinfo",
    "victoriametrics": "/health",
}


def variable(name: str) -> str:
    """Name of the variable that names a server."""
    return f"WORKBENCH_{name.upper()}_URL"


def named(name: str) -> bool:
    """Whether a person named such a server."""
    return bool(os.environ.get(variable(name)))


def given(name: str) -> str:
    """Return the address in a variable, without a slash at its end; skip the test without one."""
    url = os.environ.get(name, "").rstrip("/")
    if not url:
        pytest.skip(f"{name} names no server")
    return url


def send(url: str, body: str, method: str = "POST", *, content_type: str = "application/json") -> Any:
    """Send a body; return the document of the answer, if it is one."""
    request = urllib.request.Request(url, body.encode(), {"Content-Type": content_type}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        told = answer.read()
    return json.loads(told) if told.strip() else None


class Later:
    """A source whose data lies later than the tests think, as servers refuse what is old.

    Parameters
    ----------
    source : LogSource or SpanSource
    later_ms : int
        [ms]
    """

    def __init__(self, source: Any, later_ms: int) -> None:
        self.name, self.kind = source.name, source.kind
        self._source, self._later_ms = source, later_ms

    def _moved(self, span: TimeRange) -> TimeRange:
        return TimeRange.from_ms(span.start_ms + self._later_ms, span.end_ms + self._later_ms)

    def logs(self, wanted: LogFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        for piece in self._source.logs(wanted, self._moved(span)):
            yield piece.assign(time_ns=piece["time_ns"] - self._later_ms * 10**6)

    def spans(self, wanted: SpanFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        for piece in self._source.spans(wanted, self._moved(span)):
            yield piece.assign(start_ns=piece["start_ns"] - self._later_ms * 10**6)

    def log_counts(self, wanted: LogFilter, span: TimeRange, **options: Any) -> pd.DataFrame:
        counts = self._source.log_counts(wanted, self._moved(span), **options)
        return counts.assign(time=counts["time"] - pd.Timedelta(self._later_ms, "ms"))


def whole_days_ms(end_ms: int) -> int:
    """Return the whole days by which something that ends then must move, to end within the last day. [ms]"""
    return int((time.time() * 1000 - end_ms) // 86_400_000) * 86_400_000
