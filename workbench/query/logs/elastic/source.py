"""Elasticsearch and OpenSearch as sources of log lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

import pandas as pd

from workbench.catalog.profile.model import Profile
from workbench.core.counting import count_frame, counted_lines
from workbench.core.errors import ParameterError, QueryTooExpensive, SourceError, SourceUnavailable
from workbench.core.filters import LogFilter
from workbench.core.settings import SourceSettings
from workbench.core.source import SourceState
from workbench.core.timerange import TimeRange, from_ms
from workbench.query.http.client import BackendClient
from workbench.query.logs.elastic.dsl import Dsl, compiled, in_range, is_esql, too_long
from workbench.query.logs.elastic.esql import esql_table
from workbench.query.logs.elastic.fields import Fields
from workbench.query.logs.elastic.indices import index_names
from workbench.query.logs.elastic.pages import Pages, partial_warnings
from workbench.query.logs.levels import severity_of
from workbench.query.logs.match import checked, matching
from workbench.query.logs.rows import LogRows, text_of
from workbench.query.logs.shape import LogShape, settings_shape
from workbench.query.logs.times import time_of

Kind = Literal["elasticsearch", "opensearch"]

_BUCKETS = 2000
_LOOK_BACK = timedelta(days=7)


class ElasticSource:
    """A :class:`~workbench.core.source.LogSource` over one Elasticsearch or OpenSearch.

    Parameters
    ----------
    name : str
        Name in the settings.
    web : BackendClient
    kind : str
        ``elasticsearch`` or ``opensearch``; what the server says of itself counts more.
    shape : LogShape, optional
        Where records keep what the columns of LOGS want, and the indices that hold them.
    """

    def __init__(
        self, name: str, web: BackendClient, kind: Kind = "elasticsearch", shape: LogShape | None = None
    ) -> None:
        self._name, self.web = name, web
        self.kind: Kind = kind
        self._shape = shape or LogShape()

    @classmethod
    def from_settings(cls, name: str, settings: SourceSettings) -> ElasticSource:
        """Build a source from its part of the settings file.

        Raises
        ------
        SettingsError
            Address or credentials cannot be used.
        """
        kind: Kind = "opensearch" if settings.kind == "opensearch" else "elasticsearch"
        api = "OpenSearch" if kind == "opensearch" else "Elasticsearch"
        return cls(name, BackendClient.from_settings(name, settings, api=api), kind, settings_shape(settings))

    def reading(self, profile: Profile) -> ElasticSource:
        """Return this source for the logs of one system."""
        return ElasticSource(self._name, self.web, self.kind, self._shape.reading(profile))

    def __repr__(self) -> str:
        return f"ElasticSource({self._name!r}, {self.web.location!r})"

    @property
    def name(self) -> str:
        """Name in the settings."""
        return self._name

    @property
    def bounded(self) -> bool:
        """Whether only indices of the system are read."""
        return bool(self._shape.indices)

    def logs(self, wanted: LogFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Give the lines of ``[start, end)`` that pass, oldest first, each exactly once: LOGS in pieces.

        Raises
        ------
        ParameterError
            A regular expression is not RE2, or the native text is for another backend.
        SourceError
        """
        wanted = checked(wanted, self.kind)
        index, fields = self._fields(span)
        if not fields.indices:
            return
        if wanted.native is not None and is_esql(wanted.native.text):
            yield from self._by_esql(wanted, span, fields)
            return
        asked, time = compiled(wanted, span, self._shape, fields), fields.time(self._shape)
        pages = Pages(self.web, index, opensearch=self._is_opensearch())
        for hits in pages(asked.query, time):
            if hits:
                rows = LogRows(self._shape)
                for hit in hits:
                    record = hit.get("_source") or {}
                    rows.add({name: record[name] for name in record if name != time}, time_ns=_time_ns(hit, time))
                frame = matching(rows.frame(), replace(wanted, native=None), span)
                frame.attrs = {"query": asked.query, "source": self._name, "warnings": tuple(pages.warnings)}
                yield frame

    def log_counts(self, wanted: LogFilter, span: TimeRange, *, step_ms: int, by: Sequence[str] = ()) -> pd.DataFrame:
        """Count lines a step: :func:`workbench.core.counting.counted_lines`.

        The server counts in buckets where its mapping lets it; otherwise the lines are read and counted here, and a
        warning says so. Raises as :meth:`logs`.
        """
        wanted = checked(wanted, self.kind)
        index, fields = self._fields(span)
        if not fields.indices:
            return count_frame([], by)
        asked = compiled(wanted, span, self._shape, fields)
        names = self._groups(by, fields, asked)
        warnings: dict[str, None] = {}
        if names is not None and asked.exact and not self._cut(index, asked, span, fields):
            try:
                totals = self._bucketed(index, asked, fields.time(self._shape), step_ms, by, names, warnings)
                frame = count_frame([(*key, count) for key, count in totals.items()], by)
                frame.attrs = {"query": asked.query, "source": self._name, "warnings": tuple(warnings)}
                return frame
            except QueryTooExpensive as error:
                warnings[error.message] = None

        def read() -> Iterator[pd.DataFrame]:
            for piece in self.logs(wanted, span):
                warnings.update(dict.fromkeys(piece.attrs["warnings"]))
                yield piece

        frame = counted_lines(read(), span, step_ms=step_ms, by=by)
        warnings["The lines were read to count them: the mapping does not let the server."] = None
        frame.attrs = {"query": asked.query, "source": self._name, "warnings": tuple(warnings)}
        return frame

    def state(self) -> SourceState:
        """Say whether the server answers, what it is and how new its lines are; never raises."""
        status, engine, newest, detail, code = "ok", str(self.kind), None, "", 0
        try:
            told = self.web.document("/")
            version = told.get("version") or {}
            engine = f"{version.get('distribution') or 'elasticsearch'} {version.get('number', '')}".strip()
            now = datetime.now(UTC)
            newest = self.newest(TimeRange(now - _LOOK_BACK, now + timedelta(minutes=1)))
            if newest is None:
                status, detail = (
                    "no_data",
                    f"No lines of the last 7 days in {', '.join(self._indices()) or 'any index'}.",
                )
        except (SourceError, ParameterError) as error:
            status, detail, code = "unavailable", f"{error.message} {error.hint}".strip(), error.exit_code
        return SourceState(self._name, self.kind, self.web.location, status, engine, "", newest, detail, code)

    def _indices(self, span: TimeRange | None = None) -> tuple[str, ...]:
        now = datetime.now(UTC)
        return index_names(self._shape.indices or ("*",), span or TimeRange(now - _LOOK_BACK, now))

    def _fields(self, span: TimeRange) -> tuple[str, Fields]:
        index = quote(",".join(self._indices(span)), safe=",*")
        options = [("fields", "*"), ("ignore_unavailable", "true"), ("allow_no_indices", "true")]
        reply = self.web.reply(f"/{index}/_field_caps", options, fine=(404,))
        return index, Fields.of(self.web.json(reply) if reply.status == 200 else {})

    def _is_opensearch(self) -> bool:
        """Ask the server what it is; one that does not let us ask is what the settings say."""
        try:
            version = self.web.document("/").get("version") or {}
        except SourceUnavailable:
            return self.kind == "opensearch"
        return version.get("distribution") == "opensearch" or self.kind == "opensearch"

    def _search(self, index: str, body: Mapping[str, Any]) -> dict[str, Any]:
        path = f"/{index}/_search?ignore_unavailable=true&allow_no_indices=true"
        found: dict[str, Any] = self.web.document(path, method="POST", body=body)
        return found

    def newest(self, span: TimeRange) -> datetime | None:
        """Return the time of the newest line of a range; None when there is none."""
        index, fields = self._fields(span)
        if not fields.indices:
            return None
        time = fields.time(self._shape)
        body = {"size": 0, "query": in_range(time, span), "aggs": {"newest": {"max": {"field": time}}}}
        value = self._search(index, body)["aggregations"]["newest"]["value"]
        return None if value is None else from_ms(int(value))

    def unmapped(self, places: Sequence[str], span: TimeRange) -> tuple[str, ...]:
        """Return the places of records that are no fields of the indices of a range."""
        _, fields = self._fields(span)
        return tuple(place for place in places if not fields.mapped(place))

    def _groups(self, by: Sequence[str], fields: Fields, asked: Dsl) -> list[str] | None:
        """Name the field of each column to count by; None when one of them has none, or several."""
        names = []
        for column in by:
            places = fields.places(self._shape, column)
            name = fields.exact(places[0]) if len(places) == 1 else None
            if name is None or (column == "event_type" and self._shape.events):
                return None
            if name.under:
                asked.cut.append(name)
            names.append(name.name)
        return names

    def _cut(self, index: str, asked: Dsl, span: TimeRange, fields: Fields) -> bool:
        """Say whether a record of the range has a value too long for a name that the count needs."""
        if not asked.cut:
            return False
        should = [too_long(name) for name in asked.cut]
        query = {
            "bool": {"filter": [in_range(fields.time(self._shape), span)], "should": should, "minimum_should_match": 1}
        }
        found = self._search(index, {"size": 0, "track_total_hits": 1, "query": query})["hits"]["total"]
        return bool(found["value"] if isinstance(found, dict) else found)

    def _bucketed(
        self,
        index: str,
        asked: Dsl,
        time: str,
        step_ms: int,
        by: Sequence[str],
        names: Sequence[str],
        warnings: dict[str, None],
    ) -> dict[tuple[Any, ...], int]:
        """Count in composite buckets, page by page: exact, and never cut off at a number of buckets."""
        sources: list[dict[str, Any]] = [
            {"step": {"date_histogram": {"field": time, "fixed_interval": f"{step_ms}ms"}}}
        ]
        sources += [{f"by{at}": {"terms": {"field": name, "missing_bucket": True}}} for at, name in enumerate(names)]
        composite: dict[str, Any] = {"size": _BUCKETS, "sources": sources}
        totals: dict[tuple[Any, ...], int] = {}
        while True:
            body = {
                "size": 0,
                "query": asked.query,
                "track_total_hits": False,
                "aggs": {"steps": {"composite": composite}},
            }
            answer = self._search(index, body)
            warnings.update(dict.fromkeys(partial_warnings(answer)))
            told = answer.get("aggregations", {}).get("steps", {})
            for bucket in told.get("buckets", ()):
                key = bucket["key"]
                said = [self._said(column, key[f"by{at}"]) for at, column in enumerate(by)]
                place = (int(key["step"]), *said)
                totals[place] = totals.get(place, 0) + int(bucket["doc_count"])
            after = told.get("after_key")
            if not after or after == composite.get("after") or len(told["buckets"]) < _BUCKETS:
                return totals
            composite["after"] = after

    def _said(self, column: str, value: Any) -> str:
        if column == "severity":
            return severity_of(value, self._shape.levels) if value is not None else ""
        return text_of(value) if value is not None else self._shape.service if column == "service" else ""

    def _by_esql(self, wanted: LogFilter, span: TimeRange, fields: Fields) -> Iterator[pd.DataFrame]:
        text = wanted.native.text if wanted.native else ""
        time = fields.time(self._shape)
        table, warnings = esql_table(self.web, text, in_range(time, span))
        rows = LogRows(self._shape)
        for record in table.to_pylist():
            rows.add({name: value for name, value in record.items() if value is not None})
        frame = matching(rows.frame(), replace(wanted, native=None), span)
        frame.attrs = {"query": text, "source": self._name, "warnings": warnings}
        yield frame


def _time_ns(hit: Mapping[str, Any], time: str) -> int:
    """Time of a hit: that of its record as far as it is finer than what the index sorted by."""
    sorted_ns = int(hit["sort"][0])
    read = time_of((hit.get("_source") or {}).get(time))
    return read[0] if read and read[0] // 1_000_000 == sorted_ns // 1_000_000 else sorted_ns
