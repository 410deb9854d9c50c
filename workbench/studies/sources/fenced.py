"""Log lines and spans of a source that several teams share, cut to the services of one system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pandas as pd

from workbench.core.errors import AccessRefused
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.source import LogSource, SourceState, SpanSource
from workbench.core.timerange import TimeRange

Wanted = TypeVar("Wanted", LogFilter, SpanFilter)


@dataclass(frozen=True)
class Fence:
    """Services whose records an identity may see in a source; ``title`` names the system whose they are."""

    source: Any
    title: str
    services: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the source in the settings."""
        return str(self.source.name)

    def state(self) -> SourceState:
        """Say whether the source answers."""
        state: SourceState = self.source.state()
        return state

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        value = getattr(self.source, attribute)
        if callable(value):
            raise AccessRefused(f"{self.name} is shared by several systems: {attribute} needs a role for all of them.")
        return value

    def within(self, wanted: Wanted) -> Wanted:
        """Return a filter for no other services than those of the system.

        Raises
        ------
        AccessRefused
            It names other services only, has text in the language of the backend, or the profile names no service.
        """
        if isinstance(wanted, LogFilter) and wanted.native is not None:
            raise AccessRefused(
                f"{self.name} is shared by several systems, so text in its own language needs a role for all of them.",
                hint="Use the options of the neutral filter.",
            )
        services = tuple(name for name in wanted.services or self.services if name in self.services)
        if not services:
            raise AccessRefused(
                f"{self.name} is shared by several systems, and "
                + (
                    f"your account cannot see the service {wanted.services[0]!r} of it."
                    if wanted.services
                    else f"the profile of {self.title} names no service, so its records cannot be separated."
                ),
                hint=f"Services of {self.title}: {', '.join(self.services) or 'none'}.",
            )
        return replace(wanted, services=services)


@dataclass(frozen=True)
class FencedLogs(Fence):
    """A source of log lines, cut to services."""

    def logs(self, wanted: LogFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Give lines as the source does."""
        source: LogSource = self.source
        return source.logs(self.within(wanted), span)

    def log_counts(self, wanted: LogFilter, span: TimeRange, *, step_ms: int, by: Sequence[str] = ()) -> pd.DataFrame:
        """Count lines as the source does."""
        source: LogSource = self.source
        return source.log_counts(self.within(wanted), span, step_ms=step_ms, by=by)


@dataclass(frozen=True)
class FencedSpans(Fence):
    """A source of spans, cut to services."""

    def spans(self, wanted: SpanFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Give spans as the source does."""
        source: SpanSource = self.source
        return source.spans(self.within(wanted), span)
