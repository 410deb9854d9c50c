"""Loki as a source of log lines, and of the numbers that LogQL makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from workbench.catalog.profile.model import Profile
from workbench.core.counting import count_frame, counted_lines
from workbench.core.errors import ParameterError, QueryTooExpensive, SourceError
from workbench.core.filters import LogFilter
from workbench.core.series import Metrics
from workbench.core.settings import SourceSettings
from workbench.core.source import SourceState
from workbench.core.timerange import TimeRange, duration_text, from_ms, to_ms
from workbench.query.http.client import BackendClient
from workbench.query.http.shapes import typed_answers
from workbench.query.logs.levels import severity_of
from workbench.query.logs.lines import parsed_line
from workbench.query.logs.loki.api import Entry, LokiApi, Pattern
from workbench.query.logs.loki.counts import step_counts
from workbench.query.logs.loki.logql import Streams, compiled, selector_text
from workbench.query.logs.loki.windows import any_entry, newest_entry, whole_windows
from workbench.query.logs.match import checked, matching
from workbench.query.logs.rows import LogRows, Parsers, note_parsed
from workbench.query.logs.shape import LogShape, flattened, settings_shape

KIND = "loki"

_NS = 1_000_000
_MOST_POINTS = 11_000
_LONGEST_MS = 30 * 86_400_000
_LOOK_BACK = timedelta(hours=24)

#: How far a period of "the last 30 days" may begin before what a server of 30 days gives: clocks differ. [ms]
_AHEAD_MS = 60_000


@typed_answers("Loki")
class LokiSource:
    """A :class:`~workbench.core.source.LogSource` over one Loki (or one tenant of it).

    Parameters
    ----------
    name : str
        Name in the settings.
    web : BackendClient
        Client of the server, with its address and credentials.
    shape : LogShape, optional
        Where records keep what the columns of LOGS want.
    selector : str
        Streams to read, ``{app="x"}``; empty for those of the system's services.
    json_lines : bool
        Whether the lines are JSON, so that the server may look inside them.
    """

    kind = KIND

    def __init__(
        self,
        name: str,
        web: BackendClient,
        shape: LogShape | None = None,
        *,
        selector: str = "",
        json_lines: bool = False,
    ) -> None:
        self._name = name
        self.api = LokiApi(web)
        self._shape = shape or LogShape()
        self._selector = selector
        self._json_lines = json_lines

    @classmethod
    def from_settings(cls, name: str, settings: SourceSettings) -> LokiSource:
        """Build a source from its part of the settings file.

        Raises
        ------
        SettingsError
            Address or credentials cannot be used.
        """
        web = BackendClient.from_settings(name, settings, api="Loki")
        return cls(name, web, settings_shape(settings), selector=settings.selector)

    def reading(self, profile: Profile) -> LokiSource:
        """Return this source for the logs of one system."""
        json_lines = bool(profile.logs) and all(stream.format == "json" for stream in profile.logs)
        source = LokiSource(
            self._name, self.api.web, self._shape.reading(profile), selector=self._selector, json_lines=json_lines
        )
        source.api = self.api
        return source

    def __repr__(self) -> str:
        return f"LokiSource({self._name!r}, {self.api.web.location!r})"

    @property
    def name(self) -> str:
        """Name in the settings."""
        return self._name

    @property
    def bounded(self) -> bool:
        """Whether only streams of the system's services are read."""
        return bool(self._shape.services) and not self._selector

    def logs(self, wanted: LogFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Give the lines of ``[start, end)`` that pass, oldest first, each exactly once: LOGS in pieces.

        Raises
        ------
        ParameterError
            A regular expression is not RE2, or the native text is for another backend.
        SourceError
        """
        wanted = checked(wanted, KIND)
        streams = self._streams(span)
        if not streams.labels:
            return
        query = compiled(wanted, streams).rows
        keep_parsed = wanted.native is not None
        for entries in whole_windows(self.api, query, span.start_ms * _NS, span.end_ms * _NS):
            if entries:
                parsers: Parsers = {}
                frame = _frame(entries, streams, keep_parsed=keep_parsed, parsers=parsers)
                frame = matching(frame, replace(wanted, native=None), span)
                frame.attrs = {"query": query, "source": self._name, "warnings": (), "parsers": parsers}
                yield frame

    def log_counts(self, wanted: LogFilter, span: TimeRange, *, step_ms: int, by: Sequence[str] = ()) -> pd.DataFrame:
        """Count lines a step: :func:`workbench.core.counting.counted_lines`.

        The server counts where LogQL can say the question; otherwise the lines are read and counted here, and a
        warning says so. Raises as :meth:`logs`.
        """
        wanted = checked(wanted, KIND)
        streams = self._streams(span)
        if not streams.labels:
            return count_frame([], by)
        names = [streams.grouping(column) for column in by]
        query = compiled(wanted, streams)
        why = ""
        if not query.counts or None in names:
            why = "the server cannot count them"
        elif query.unparsed and self._any(query.unparsed, span):
            why = "some lines are not JSON"
        if not why:
            try:
                return self._counted(query.counts, span, step_ms, by, [name for name in names if name])
            except QueryTooExpensive as error:
                why = error.message
        frame = counted_lines(self.logs(wanted, span), span, step_ms=step_ms, by=by)
        frame.attrs = {
            "query": query.rows,
            "source": self._name,
            "warnings": (f"The lines were read to count them: {why}.",),
        }
        return frame

    def range(self, query: str, span: TimeRange, *, step_ms: int) -> Metrics:
        """Evaluate a metric query of LogQL at the steps of a range, both ends included.

        Notes
        -----
        The server aligns its points outward to the step and can give one past the end; it is left out.
        """
        series: dict[tuple[tuple[str, str], ...], dict[int, float]] = {}
        for part in _parts(span, step_ms):
            # A range of one instant has no parts for the server to evaluate, and so no point.
            end_ms = max(part.end_ms, part.start_ms + step_ms)
            for labels, series_points in self.api.matrix(query, part.start_ms * _NS, end_ms * _NS, step_ms=step_ms):
                kept = {at: value for at, value in series_points if span.start_ms <= at <= span.end_ms}
                series.setdefault(tuple(sorted(labels.items())), {}).update(kept)
        times = sorted({at for points in series.values() for at in points})
        place = {at: column for column, at in enumerate(times)}
        values = np.full((len(series), len(times)), np.nan)
        present = np.zeros(values.shape, np.bool_)
        for row, points in enumerate(series.values()):
            columns = [place[at] for at in points]
            values[row, columns], present[row, columns] = list(points.values()), True
        meta = {"query": query, "source": self._name, "engine": "Loki", "semantics": "logql", "range": span}
        return Metrics(np.array(times, np.int64), tuple(map(dict, series)), values, present, meta)

    def instant(self, query: str, at: datetime) -> list[tuple[dict[str, str], float]]:
        """Evaluate a metric query of LogQL once: labels and value of each series."""
        return self.api.instant(query, to_ms(at) * _NS)

    def patterns(self, selector: str, span: TimeRange, *, step_ms: int) -> list[Pattern]:
        """Return the patterns that the server found among the lines of some streams."""
        return self.api.patterns(selector, span.start_ms * _NS, span.end_ms * _NS, step_ms=step_ms)

    def stats(self, selector: str, span: TimeRange) -> dict[str, int]:
        """Return ``streams``, ``chunks``, ``bytes`` and ``entries`` of some streams, as far as they are flushed."""
        return self.api.stats(selector, span.start_ms * _NS, span.end_ms * _NS)

    def state(self) -> SourceState:
        """Say whether the server answers, what it is and how new its lines are; never raises."""
        status, engine, newest, detail, code = "ok", "Loki", None, "", 0
        try:
            engine = f"Loki {self.api.version()}".strip()
            now = datetime.now(UTC)
            newest = self.newest(TimeRange(now - _LOOK_BACK, now + timedelta(minutes=1)))
            if newest is None:
                status, detail = "no_data", "No lines in the last 24 hours."
        except (SourceError, ParameterError) as error:
            status, detail = "unavailable", f"{error.message} {error.hint}".strip()
            code = error.exit_code
        return SourceState(self._name, self.kind, self.api.web.location, status, engine, "", newest, detail, code)

    def newest(self, span: TimeRange) -> datetime | None:
        """Return the time of the newest line of a range; None when there is none."""
        streams = self._streams(span)
        if not streams.labels:
            return None
        narrowed = bool(self._selector or self._shape.services)
        selector = selector_text(streams) if narrowed else "{" + min(streams.labels) + '=~".+"}'
        entry = newest_entry(self.api, selector, span.start_ms * _NS, span.end_ms * _NS)
        return from_ms(entry.time_ns // _NS) if entry else None

    def _streams(self, span: TimeRange) -> Streams:
        self._check_lookback(span)
        labels = self.api.labels(span.start_ms * _NS, span.end_ms * _NS)
        return Streams(self._shape, labels, self._selector, self._json_lines)

    def _check_lookback(self, span: TimeRange) -> None:
        """Refuse a range of which the server would leave the beginning out without a word."""
        lookback_ms = self.api.lookback_ms()
        first_ms = to_ms(datetime.now(UTC)) - lookback_ms
        if lookback_ms and span.start_ms < first_ms - _AHEAD_MS:
            raise QueryTooExpensive(
                f"Loki gives no lines older than {duration_text(lookback_ms)} (max_query_lookback): before "
                f"{from_ms(first_ms):%d %b %Y %H:%M} UTC it answers as if there were none.",
                source=self._name,
                hint="Choose a period after that, or raise max_query_lookback of the server.",
            )

    def _any(self, query: str, span: TimeRange) -> bool:
        return any_entry(self.api, query, span.start_ms * _NS, span.end_ms * _NS)

    def _counted(
        self, log_query: str, span: TimeRange, step_ms: int, by: Sequence[str], names: Sequence[str]
    ) -> pd.DataFrame:
        counts = step_counts(self.api, log_query, span, step_ms, names)
        totals: dict[tuple[Any, ...], int] = {}
        for (start_ms, values), count in counts.steps.items():
            key = (start_ms // step_ms * step_ms, *map(self._value_text, by, values))
            totals[key] = totals.get(key, 0) + count
        frame = count_frame([(*key, count) for key, count in totals.items() if count], by)
        frame.attrs = {
            "query": log_query,
            "source": self._name,
            "warnings": counts.differences,
            "differences": counts.differences,
        }
        return frame

    def _value_text(self, column: str, value: str) -> str:
        if column == "severity":
            return severity_of(value, self._shape.levels) if value else ""
        return value or (self._shape.service if column == "service" else "")


def _parts(span: TimeRange, step_ms: int) -> Iterator[TimeRange]:
    """Cut the steps of a range so that no request has too many points or too long a range."""
    most = min(_MOST_POINTS - 1, max(_LONGEST_MS // step_ms, 1))
    at = span.start_ms
    while at <= span.end_ms:
        until = min(at + (most - 1) * step_ms, span.end_ms)
        yield TimeRange.from_ms(at, until)
        at = until + step_ms


def _frame(entries: Sequence[Entry], streams: Streams, *, keep_parsed: bool, parsers: Parsers) -> pd.DataFrame:
    """Rows of LOGS: the line itself is read here; labels and metadata stand beside what it says."""
    own = {**streams.shape.own, **{column: (label,) for column, label in streams.label_columns.items()}}
    rows = LogRows(replace(streams.shape, own=own))
    for entry in entries:
        parsed = parsed_line(entry.line)
        attributes = flattened(parsed.record)
        record = {**entry.labels, **entry.metadata, **(entry.parsed if keep_parsed else {}), **attributes}
        record |= {label: entry.labels[label] for label in streams.label_columns.values() if label in entry.labels}
        levels = rows.unknown_levels + rows.no_levels
        rows.add(record, time_ns=entry.time_ns)
        known = rows.unknown_levels + rows.no_levels == levels
        note_parsed(parsers, parsed.kind, understood=not parsed.broken, level=known)
    return rows.frame()
