"""Neutral questions to logs and traces; each backend compiles them to its own language.

Text in a filter is data: whoever compiles it escapes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from workbench.core.errors import ParameterError
from workbench.core.frames import SEVERITIES

Operator = Literal["=", "!=", "in", "regex"]


@dataclass(frozen=True)
class Condition:
    """``attribute op value``; ``in`` takes several values, the others one."""

    attribute: str
    op: Operator
    values: tuple[str, ...]

    @property
    def value(self) -> str:
        """The first value; the only one unless ``op`` is ``in``."""
        return self.values[0]

    def __post_init__(self) -> None:
        if self.op not in ("=", "!=", "in", "regex"):
            raise ParameterError(f"{self.op!r} is not an operator of a filter.", hint="Use =, !=, in or regex.")
        if self.op != "in" and len(self.values) != 1:
            raise ParameterError(f"{self.attribute} {self.op} takes one value, got {len(self.values)}.")
        if self.op == "regex":
            try:
                re.compile(self.values[0])
            except re.error as error:
                raise ParameterError(f"{self.values[0]!r} is not a regular expression: {error}.") from None


@dataclass(frozen=True)
class Native:
    """Text in the language of one kind of backend, e.g. LogQL for ``loki``; sources of other kinds refuse it."""

    backend: str
    text: str


@dataclass(frozen=True)
class LogFilter:
    """Which log lines; empty fields do not restrict. ``severity`` is the least severe level wanted.

    ``native`` text picks the lines first, and the other fields restrict them further.
    """

    services: tuple[str, ...] = ()
    severity: str = ""
    events: tuple[str, ...] = ()
    attributes: tuple[Condition, ...] = ()
    contains: str = ""
    trace_id: str = ""
    native: Native | None = None

    def __post_init__(self) -> None:
        if self.severity and self.severity not in SEVERITIES:
            raise ParameterError(f"{self.severity!r} is not a severity.", hint=f"Use one of {', '.join(SEVERITIES)}.")


@dataclass(frozen=True)
class SpanFilter:
    """Which spans; empty fields do not restrict."""

    services: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    status: str = ""
    min_duration_ns: int = 0
    attributes: tuple[Condition, ...] = ()
    trace_id: str = ""
