"""Elasticsearch and OpenSearch as sources of log lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal
from urllib.parse import quote

import pandas as pd

from workbench.catalog.profile.model import Profile
from workbench.core.counting import count_frame, counted_lines
from workbench.core.errors import ParameterError, QueryTooExpensive, SourceError
from workbench.core.filters import LogFilter
from workbench.core.settings import SourceSettings
from workbench.core.source import SourceState
from workbench.core.timerange import TimeRange, from_ms
from workbench.query.http.client import BackendClient
from workbench.query.http.shapes import typed_answers
from workbench.query.logs.elastic.counts import Plan, addresses, bucketed, joined, planned
from workbench.query.logs.elastic.dsl import compiled, filter_paths, in_range, is_esql
from workbench.query.logs.elastic.esql import esql_table
from workbench.query.logs.elastic.evidence import Evidence
from workbench.query.logs.elastic.fields import Fields, IndexFields, types_by_index
from workbench.query.logs.elastic.indices import index_names
from workbench.query.logs.elastic.pages import Pages, hits_total
from workbench.query.logs.elastic.records import indexed_record
from workbench.query.logs.match import checked, matching
from workbench.query.logs.rows import LogRows
from workbench.query.logs.shape import LogShape, settings_shape
from workbench.query.logs.times import time_of

Kind = Literal["elasticsearch", "opensearch"]

#: So many lines are read to count a field whose numbers an index keeps in a form of its own. [count]
_READ = 50_000

_LOOK_BACK = timedelta(days=7)


@typed_answers("Elasticsearch")
class ElasticSource:
    """A :class:`~workbench.core.source.LogSource` over one Elasticsearch or OpenSearch.

    Parameters
    ----------
    name : str
        Name in the settings.
    web : BackendClient
        Client of the server, with its address and credentials.
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
        self._known_version: Mapping[str, Any] | None = None

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
            nothing = LogRows(self._shape).frame()
            nothing.attrs = {"source": self._name, "warnings": (*fields.warnings, *fields.missing)}
            if nothing.attrs["warnings"]:
                yield nothing
            return
        if wanted.native is not None and is_esql(wanted.native.text):
            yield from self._by_esql(wanted, span, fields)
            return
        yield from self._lines(wanted, span, index, fields, self._plans(wanted, span, index, fields))

    def _lines(
        self, wanted: LogFilter, span: TimeRange, index: str, fields: Fields, plans: Sequence[Plan]
    ) -> Iterator[pd.DataFrame]:
        time = fields.time(self._shape)
        query = joined(in_range(time, span), plans)
        warnings = fields.warning_lines(time)
        pages = Pages(self.web, index, opensearch=self._is_opensearch())
        for hits in pages(query, time):
            rows = LogRows(self._shape)
            for hit in hits:
                record = hit.get("_source") or {}
                kept = {name: value for name, value in record.items() if name != time}
                known = fields.indices.get(str(hit.get("_index", "")))
                rows.add(indexed_record(kept, known), time_ns=_time_ns(hit, time))
            frame = matching(rows.frame(), replace(wanted, native=None), span)
            frame.attrs = {
                "query": query,
                "source": self._name,
                "warnings": (*warnings, *pages.warnings),
                "differences": (*fields.missing, *pages.partial),
            }
            if hits or frame.attrs["warnings"]:
                yield frame

    def log_counts(self, wanted: LogFilter, span: TimeRange, *, step_ms: int, by: Sequence[str] = ()) -> pd.DataFrame:
        """Count lines a step: :func:`workbench.core.counting.counted_lines`.

        The server counts in buckets where its mapping lets it; otherwise the lines are read and counted here, and a
        warning says so. Raises as :meth:`logs`.
        """
        wanted = checked(wanted, self.kind)
        index, fields = self._fields(span)
        if not fields.indices:
            return _nothing(by, fields)
        time = fields.time(self._shape)
        plans = self._plans(wanted, span, index, fields, by=by)
        query = joined(in_range(time, span), plans)
        warnings = dict.fromkeys(fields.warning_lines(time))
        undecided = dict.fromkeys(path for plan in plans for path in plan.undecided)
        rounded = dict.fromkeys(path for plan in plans for path in plan.rounded)
        exact = not undecided and all(plan.filter.exact for plan in plans)
        if exact and (not rounded or self._hits(index, query) > _READ):
            try:
                counts = bucketed(self._search, plans, in_range(time, span), time, step_ms, self._shape)
            except QueryTooExpensive as error:
                warnings[error.message] = None
            else:
                if rounded:
                    warnings[f"The index keeps {', '.join(rounded)} as numbers: 200 and 200.0 count as one."] = None
                warnings |= dict.fromkeys(counts.differences)
                frame = count_frame([(*key, count) for key, count in counts.totals.items()], by)
                frame.attrs = {
                    "query": query,
                    "source": self._name,
                    "warnings": tuple(warnings),
                    "differences": (*fields.missing, *dict.fromkeys(counts.differences)),
                }
                return frame

        differences = dict.fromkeys(fields.missing)

        def read() -> Iterator[pd.DataFrame]:
            for piece in self._lines(wanted, span, index, fields, plans):
                warnings.update(dict.fromkeys(piece.attrs["warnings"]))
                differences.update(dict.fromkeys(piece.attrs["differences"]))
                yield piece

        frame = counted_lines(read(), span, step_ms=step_ms, by=by)
        named = ", ".join(dict.fromkeys((*undecided, *rounded)))
        why = f"the mapping does not let the server{f' ({named})' if named else ''}"
        warnings[f"The lines were read to count them: {why}."] = None
        frame.attrs = {"query": query, "source": self._name, "warnings": tuple(warnings)}
        frame.attrs |= {"differences": tuple(differences)} if differences else {}
        return frame

    def state(self) -> SourceState:
        """Say whether the server answers, what it is and how new its lines are; never raises."""
        status, engine, newest, detail, code = "ok", str(self.kind), None, "", 0
        try:
            answer = self.web.document("/")
            version = answer.get("version") or {}
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
        """Read what the indices of a range know of their fields: by their mappings, else by the types alone."""
        index = quote(",".join(self._indices(span)), safe=",*")
        options = [("fields", "*"), ("ignore_unavailable", "true"), ("allow_no_indices", "true")]
        reply = self.web.reply(f"/{index}/_field_caps", [*options, ("include_unmapped", "true")], fine=(404,))
        types = types_by_index(self.web.json(reply) if reply.status == 200 else {})
        if not types:
            return index, Fields({}, *self._left_out(index, types))
        answer = self._answer(f"/{index}/_mapping", options[1:])
        mappings = {name: index.get("mappings") for name, index in answer.items() if isinstance(index, dict)}
        known = {
            name: IndexFields.of_mapping(mapping) if (mapping := mappings.get(name)) is not None else
            IndexFields.of_types(kinds) for name, kinds in types.items()
        }  # fmt: skip
        return index, Fields(known, *self._left_out(index, types))

    def _answer(self, path: str, options: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Ask what a server need not know or tell; then nothing is known."""
        try:
            answer = self.web.document(path, options)
        except SourceError:
            return {}
        return answer if isinstance(answer, dict) else {}

    def _left_out(self, index: str, known: Mapping[str, Any]) -> list[tuple[str, ...]]:
        """Say which indices of a pattern are closed, or on no node: a search leaves them out without a word."""
        answer = self._answer(f"/_resolve/index/{index}", [("expand_wildcards", "open,closed")])
        listed = {
            str(index.get("name")): "closed" in (index.get("attributes") or ())
            for index in answer.get("indices") or ()
            if isinstance(index, dict)
        }
        closed = [name for name, shut in listed.items() if shut]
        away = [name for name, shut in listed.items() if not shut and name not in known]
        return [
            (f"{kind} indices are left out: {', '.join(names[:5])}{' and others' if len(names) > 5 else ''}.",)
            if names
            else ()
            for kind, names in (("Closed", closed), ("Unavailable", away))
        ]

    def _plans(
        self, wanted: LogFilter, span: TimeRange, index: str, fields: Fields, *, by: Sequence[str] = ()
    ) -> list[Plan]:
        """Compile a filter for each group of indices that know the same of the fields it needs."""
        within = in_range(fields.time(self._shape), span)
        marked = self._marks_long_values()
        paths = (*filter_paths(wanted, self._shape), *(path for name in by for path in self._shape.places(name)))
        groups = fields.groups(paths)
        plans = []
        for names, places in groups:
            parts = [(index, names)] if len(groups) == 1 else addresses(names)
            for address, part in parts:
                evidence = Evidence(partial(self._search, address), within, marked=marked)
                filters = compiled(wanted, self._shape, places, evidence)
                plans.append(planned(address, part, filters, by, self._shape, places, evidence))
        return plans

    def _is_opensearch(self) -> bool:
        """Ask the server what it is; one that does not let us ask is what the settings say."""
        return self.kind == "opensearch" or self._version().get("distribution") == "opensearch"

    def _marks_long_values(self) -> bool:
        """Say whether the server notes in ``_ignored`` that a value was too long for the index."""
        major = str(self._version().get("number") or "").partition(".")[0]
        return not self._is_opensearch() and major.isdigit() and int(major) >= 8

    def _version(self) -> Mapping[str, Any]:
        if not self._known_version:
            self._known_version = self._answer("/", ()).get("version") or {}
        return self._known_version

    def _search(self, address: str, body: Mapping[str, Any]) -> dict[str, Any]:
        path = f"/{address}/_search?ignore_unavailable=true&allow_no_indices=true"
        answer: dict[str, Any] = self.web.document(path, method="POST", body=body)
        return answer

    def _hits(self, address: str, query: Mapping[str, Any]) -> int:
        return hits_total(self._search(address, {"size": 0, "track_total_hits": True, "query": query}))

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


def _nothing(by: Sequence[str], fields: Fields) -> pd.DataFrame:
    frame = count_frame([], by)
    frame.attrs = {"warnings": (*fields.warnings, *fields.missing)}
    frame.attrs |= {"differences": fields.missing} if fields.missing else {}
    return frame


def _time_ns(hit: Mapping[str, Any], time: str) -> int:
    """Time of a hit: that of its record as far as it is finer than what the index sorted by."""
    sorted_ns = int(hit["sort"][0])
    read = time_of((hit.get("_source") or {}).get(time))
    return read[0] if read and read[0] // 1_000_000 == sorted_ns // 1_000_000 else sorted_ns
