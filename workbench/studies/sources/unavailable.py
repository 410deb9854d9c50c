"""A source that could not be opened: it states why, and every question to it raises the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

import pandas as pd

from workbench.core.errors import SourceUnavailable
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.series import Labels, Metrics, SeriesSet
from workbench.core.source import QueryCost, SourceState
from workbench.core.timerange import TimeRange


@dataclass(frozen=True)
class UnavailableSource:
    """A source of metrics, logs, spans and episodes (:mod:`workbench.core.source`) that is never there.

    Examples
    --------
    >>> UnavailableSource("main", "http://prometheus:9090", "The CA file is missing.").state().status
    'unavailable'
    """

    name: str
    location: str
    reason: str
    kind: str = ""
    hint: str = ""
    exit_code: int = SourceUnavailable.exit_code

    @property
    def semantics(self) -> str:
        """Empty: nothing is evaluated."""
        return ""

    def _refuse(self, query: str = "") -> NoReturn:
        if not self.kind and not self.location:  # None is set, so there is none to name and no query to show.
            raise SourceUnavailable(self.reason, hint=self.hint)
        raise SourceUnavailable(self.reason, source=self.name, query=query, hint=self.hint)

    def range(self, query: str, span: TimeRange, *, step_ms: int) -> Metrics:
        """Raise SourceUnavailable."""
        self._refuse(query)

    def instant(self, query: str, at: datetime) -> Metrics:
        """Raise SourceUnavailable."""
        self._refuse(query)

    def raw(self, selector: str, span: TimeRange) -> SeriesSet:
        """Raise SourceUnavailable."""
        self._refuse(selector)

    def series(self, matchers: Sequence[str], span: TimeRange) -> tuple[Labels, ...]:
        """Raise SourceUnavailable."""
        self._refuse(", ".join(matchers))

    def label_values(self, label: str, span: TimeRange) -> tuple[str, ...]:
        """Raise SourceUnavailable."""
        self._refuse()

    def metadata(self) -> Mapping[str, Mapping[str, str]]:
        """Raise SourceUnavailable."""
        self._refuse()

    def cost(self, query: str, span: TimeRange, *, step_ms: int) -> QueryCost:
        """Raise SourceUnavailable."""
        self._refuse(query)

    def logs(self, wanted: LogFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Raise SourceUnavailable."""
        self._refuse()

    def log_counts(self, wanted: LogFilter, span: TimeRange, *, step_ms: int, by: Sequence[str] = ()) -> pd.DataFrame:
        """Raise SourceUnavailable."""
        self._refuse()

    def spans(self, wanted: SpanFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Raise SourceUnavailable."""
        self._refuse()

    def episodes(self, span: TimeRange) -> pd.DataFrame:
        """Raise SourceUnavailable."""
        self._refuse()

    def state(self) -> SourceState:
        """Say why the source is closed."""
        detail = f"{self.reason} {self.hint}".strip()
        return SourceState(self.name, self.kind, self.location, "unavailable", "", "", None, detail, self.exit_code)
