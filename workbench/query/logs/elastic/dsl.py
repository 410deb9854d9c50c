"""The neutral log filter in the query language of Elasticsearch and OpenSearch. Text in a filter is data, never syntax.

What the mapping of an index does not let us ask exactly narrows the question only; the rest is decided here
(:func:`workbench.query.logs.match.matching`), so that every backend gives the same lines. A clause may find more
records than a filter wants, never fewer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench.core.errors import ParameterError
from workbench.core.filters import Condition, LogFilter
from workbench.core.frames import LOGS
from workbench.core.timerange import TimeRange
from workbench.query.logs.elastic.evidence import Clause, Evidence, left_out
from workbench.query.logs.elastic.fields import Place
from workbench.query.logs.elastic.numbers import indexed_numbers
from workbench.query.logs.levels import scale_of, severity_of
from workbench.query.logs.match import severities_from
from workbench.query.logs.rows import MOVED
from workbench.query.logs.shape import LogShape

#: Regular expressions that mean the same in Lucene and in RE2: letters, classes, repetitions and alternatives.
_SAME = re.compile(r"(?:[\w \-/:,=;%]|\\[.\-/]|\.[*+?]?|\[[\w \-./:]+\][*+?]?|\((?!\?)|\)[*+?]?|\||(?<=[\w\]])[*+?])*")

#: Numbers that JSON may write otherwise than we read them, and texts of lists and maps.
_REWRITTEN = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)|-?\d+\.\d+|[\[{].*", re.DOTALL)


@dataclass
class Dsl:
    """A filter in the query language, for indices that know the same of its fields.

    Attributes
    ----------
    clauses : list of dict
        Together they find at least the lines wanted.
    exact : bool
        Whether they find no others, up to ``rounded``.
    rounded : list of str
        Fields that the index keeps as numbers, however they were written (``200.0`` and ``200`` are one).
    undecided : list of str
        Fields that the index cannot be asked about exactly.
    """

    clauses: list[Clause]
    exact: bool = True
    rounded: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)


def filter_paths(wanted: LogFilter, shape: LogShape) -> tuple[str, ...]:
    """Return the places of records that a filter looks at."""
    columns = [
        column
        for column, values in (
            ("service", wanted.services),
            ("severity", wanted.severity),
            ("event_type", wanted.events),
            ("trace_id", wanted.trace_id),
            ("message", wanted.contains or (wanted.events and shape.events)),
        )
        if values
    ]
    return (
        *(place for name in columns for place in shape.places(name)),
        *(attribute.attribute for attribute in wanted.attributes),
    )


def compiled(wanted: LogFilter, shape: LogShape, places: Mapping[str, Place], evidence: Evidence) -> Dsl:
    """Compile a filter for indices that know the same of its places.

    Raises
    ------
    ParameterError
        The native text is ES|QL, which is no filter.
    """
    compiler = _Compiler(shape, places, evidence)
    clauses: list[Clause] = []
    if wanted.native is not None:
        if is_esql(wanted.native.text):
            raise ParameterError(
                "ES|QL text gives lines and counts of its own.", hint="Use a Lucene query to count by."
            )
        clauses.append({"query_string": {"query": wanted.native.text}})
    clauses += [clause for clause in compiler.clauses(wanted) if clause]
    return Dsl(clauses, compiler.exact, compiler.rounded, compiler.undecided)


def in_range(name: str, span: TimeRange) -> Clause:
    """Return the clause of ``[start, end)``."""
    return {"range": {name: {"gte": span.start_ms, "lt": span.end_ms, "format": "epoch_millis"}}}


def is_esql(text: str) -> bool:
    """Say whether native text is ES|QL, which begins with a source command."""
    return re.match(r"\s*(?:FROM|ROW|TS|SHOW)\b", text, re.IGNORECASE) is not None


def any_of(parts: list[Clause]) -> Clause:
    """Return the clause of records that fulfil one of several."""
    if len(parts) == 1:
        return parts[0]
    return {"bool": {"should": parts, "minimum_should_match": 1}} if parts else {"match_none": {}}


class _Compiler:
    def __init__(self, shape: LogShape, places: Mapping[str, Place], evidence: Evidence) -> None:
        self._shape, self._places, self._evidence = shape, places, evidence
        self.exact = True
        self.rounded: list[str] = []
        self.undecided: list[str] = []

    def clauses(self, wanted: LogFilter) -> list[Clause | None]:
        """Clauses of the parts of a filter; None where a part cannot be asked."""
        clauses: list[Clause | None] = []
        if wanted.services:
            missing = self._shape.service in wanted.services
            clauses.append(self._column("service", wanted.services, or_missing=missing))
        if wanted.severity:
            clauses.append(self._severity(severities_from(wanted.severity)))
        if wanted.events:
            clauses.append(self._events(wanted.events))
        if wanted.trace_id:
            clauses.append(self._column("trace_id", (wanted.trace_id,)))
        if wanted.contains:
            clauses.append(self._contains(wanted.contains))
        return [*clauses, *map(self._condition, wanted.attributes)]

    def _held(self, column: str) -> list[tuple[str, Place]]:
        """Places of a column that may have a value; of several, the first with one counts, which only a row tells."""
        held = self._evidence.held(column, self._shape, self._places)
        if len(held) > 1:
            self._doubt(*(path for path, _ in held))
        return held

    def _column(self, column: str, values: tuple[str, ...], *, or_missing: bool = False) -> Clause | None:
        held = self._held(column)
        parts = [self._equal(path, place, values) for path, place in held]
        if None in parts:
            return None
        alternatives = [part for part in parts if part]
        if or_missing:
            if not all(place.faithful for _, place in held):
                return self._unable(*(path for path, _ in held))
            for path, place in held:
                if place.kind == "boolean" or not self._evidence.whole(place):
                    self._doubt(path)
            alternatives.append(_absent([place for _, place in held]))
        return any_of(alternatives)

    def _severity(self, severities: tuple[str, ...]) -> Clause | None:
        """Ask for the levels that were written and mean one of some severities, whatever their spelling."""
        parts: list[Clause] = []
        for path, place in self._held("severity"):
            listed = place.kind in ("constant", "keyword", "number") and place.legible
            values = self._evidence.values(place) if listed else None
            if values is None:
                return self._unable(path)
            seen = self._evidence.seen(place)
            meant = [
                value for value in values if severity_of(value, self._shape.levels, scale=scale_of(path)) in severities
            ]
            if seen.several:
                return self._unable(path)
            parts += [self._constant(True) if place.kind == "constant" else {"terms": {place.name: meant}}] * bool(
                meant
            )
            if seen.hidden:
                self._doubt(path)
                parts.append(_maybe_hidden(place))
            if not place.faithful:
                self._doubt(path)
            if place.kind == "number":
                self.rounded.append(path)
        return any_of(parts)

    def _events(self, events: tuple[str, ...]) -> Clause | None:
        if not self._shape.events:
            return self._column("event_type", events)
        texts = tuple(text for text, event in self._shape.events.items() if event in events)
        by_message = self._column("message", texts) if texts else None
        if self._held("event_type") or by_message is None:
            return self._unable("event_type")
        return by_message

    def _contains(self, text: str) -> Clause | None:
        escaped = re.sub(r"([*?\\])", r"\\\1", text)
        parts: list[Clause] = []
        for path, place in self._held("message"):
            if place.kind != "keyword" or not self._comparable(place):
                return self._unable(path)
            parts.append({"wildcard": {place.name: {"value": f"*{escaped}*"}}})
            parts += self._or_hidden(path, place)
        return any_of(parts)

    def _condition(self, condition: Condition) -> Clause | None:
        path = condition.attribute
        place = self._places[path]
        # A column is what was made of a record, and what moved into one is no attribute any more.
        if LOGS.columns.get(path) == "str" or any(path in self._shape.places(column) for column in MOVED):
            return self._unable(path)
        match condition.op:
            case "=" | "in":
                return self._one_of(path, place, condition.values)
            case "!=":
                return self._unequal(path, place, condition.value)
            case "regex":
                return self._pattern(path, place, condition.value)

    def _one_of(self, path: str, place: Place, values: tuple[str, ...]) -> Clause | None:
        texts = tuple(value for value in values if value)
        parts = [self._equal(path, place, texts)] if texts else []
        if None in parts:
            return None
        if "" in values:
            if place.kind in ("unknown", "time") or not place.faithful:
                return self._unable(path)
            if place.kind == "absent":
                return {"match_all": {}}
            if place.kind == "boolean" or not self._evidence.whole(place):
                self._doubt(path)
            parts.append(_absent([place]))
        return any_of([part for part in parts if part])

    def _equal(self, path: str, place: Place, values: tuple[str, ...]) -> Clause | None:
        """Ask for records with one of some texts that are not empty."""
        marked: Clause = {"term": {"_ignored": place.name or path}}
        if any(_REWRITTEN.fullmatch(value) for value in values) and place.kind != "number":
            return self._unable(path)
        match place.kind:
            case "absent":
                return marked
            case "constant":
                return self._constant(place.value in values)
            case "keyword":
                if not self._evidence.plain(place):
                    self._doubt(path)
                parts: list[Clause] = [{"terms": {place.name: list(values)}}]
                # Values of this length are in the index, unless its settings leave them out.
                if max(map(_length, values)) > min(1000, 1000 if place.longest is None else place.longest):
                    if not place.legible:
                        return self._unable(path)
                    self._doubt(path)
                    parts += [left_out(place), marked]
                return any_of(parts)
            case "number":
                numbers = indexed_numbers(values, place)
                if numbers is None:
                    return self._unable(path)
                if not self._evidence.plain(place):
                    self._doubt(path)
                self.rounded.append(path)
                return any_of([*([{"terms": {place.name: numbers}}] if numbers else []), marked])
            case "boolean":
                if "false" in values or not self._evidence.plain(place):
                    self._doubt(path)
                kept = [value for value in values if value in ("true", "false")]
                return any_of([*([{"terms": {place.name: kept}}] if kept else []), marked])
        return self._unable(path)

    def _unequal(self, path: str, place: Place, value: str) -> Clause | None:
        if place.kind == "absent":
            return {"match_all": {}} if value else {"term": {"_ignored": path}}
        if place.kind == "constant":
            return self._constant(value != place.value)
        comparable = place.kind == "keyword" and self._evidence.plain(place)
        short = _length(value) <= min(1000, 1000 if place.longest is None else place.longest)
        if not comparable or not short or _REWRITTEN.fullmatch(value):
            return self._unable(path)
        if value:
            return {"bool": {"must_not": [{"term": {place.name: value}}]}}
        present: Clause = {
            "bool": {"filter": [{"exists": {"field": place.name}}], "must_not": [{"term": {place.name: ""}}]}
        }
        return any_of([present, *self._or_hidden(path, place)])

    def _pattern(self, path: str, place: Place, pattern: str) -> Clause | None:
        empty = re.compile(pattern, re.DOTALL).fullmatch("") is not None
        if place.kind == "absent":
            return {"match_all": {}} if empty else {"term": {"_ignored": path}}
        if place.kind == "constant" and _SAME.fullmatch(pattern):
            return self._constant(re.compile(pattern, re.DOTALL).fullmatch(place.value) is not None)
        if place.kind != "keyword" or empty or not _SAME.fullmatch(pattern) or not self._comparable(place):
            return self._unable(path)
        clause: Clause = {"regexp": {place.name: {"value": pattern, "flags": "NONE"}}}
        return any_of([clause, *self._or_hidden(path, place)])

    @staticmethod
    def _constant(held: bool) -> Clause:
        """Clause of all records, or of none: what holds for a constant holds for every record of its index."""
        return {"match_all": {}} if held else {"match_none": {}}

    def _comparable(self, place: Place) -> bool:
        return place.faithful and not self._evidence.seen(place).several

    def _or_hidden(self, path: str, place: Place) -> list[Clause]:
        """Alternative for records whose value may not be in the index, where there are any."""
        if not self._evidence.seen(place).hidden:
            return []
        self._doubt(path)
        return [_maybe_hidden(place)]

    def _doubt(self, *paths: str) -> None:
        self.exact = False
        self.undecided += paths

    def _unable(self, *paths: str) -> Clause | None:
        self._doubt(*paths)
        return None


def _maybe_hidden(place: Place) -> Clause:
    marked: Clause = {"term": {"_ignored": place.name}}
    return marked if place.longest is None else any_of([marked, left_out(place)])


def _absent(places: Sequence[Place]) -> Clause:
    """Return the clause of records without a text in any of some places; an empty text is none."""
    if any(place.kind == "constant" for place in places):
        return {"match_none": {}}
    return {"bool": {"filter": [any_of(
        [{"bool": {"must_not": [{"exists": {"field": place.name}}]}},
         {"term": {place.name: "false" if place.kind == "boolean" else ""}}] if place.kind != "number" else
        [{"bool": {"must_not": [{"exists": {"field": place.name}}]}}]
    ) for place in places]}} if places else {"match_all": {}}  # fmt: skip


def _length(text: str) -> int:
    """Length as the server counts it: in UTF-16. [characters]"""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
