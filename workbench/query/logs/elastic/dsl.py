"""The neutral log filter in the query language of Elasticsearch and OpenSearch. Text in a filter is data, never syntax.

What the mapping of an index does not let us ask exactly narrows the question only; the rest is decided here
(:func:`workbench.query.logs.match.matching`), so that every backend gives the same lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from workbench.core.errors import ParameterError
from workbench.core.filters import Condition, LogFilter
from workbench.core.frames import LOGS
from workbench.core.timerange import TimeRange
from workbench.query.logs.elastic.fields import Exact, Fields
from workbench.query.logs.levels import spellings
from workbench.query.logs.match import severities_from
from workbench.query.logs.shape import LogShape

Clause = dict[str, Any]

#: Regular expressions that mean the same in Lucene and in RE2: letters, classes, repetitions and alternatives.
_SAME = re.compile(r"(?:[\w \-/:,=;%]|\\[.\-/]|\.[*+?]?|\[[\w \-./:]+\][*+?]?|\((?!\?)|\)[*+?]?|\||(?<=[\w\]])[*+?])*")


@dataclass
class Dsl:
    """A filter in the query language.

    Attributes
    ----------
    query : dict
        Finds at least the lines wanted.
    exact : bool
        Whether it finds no others.
    cut : list of Exact
        Names whose fields may hold values too long for them; where one does, the query is not exact.
    """

    query: Clause
    exact: bool = True
    cut: list[Exact] = field(default_factory=list)


def compiled(wanted: LogFilter, span: TimeRange, shape: LogShape, fields: Fields) -> Dsl:
    """Compile a filter over a range of time.

    Raises
    ------
    ParameterError
        The native text is ES|QL, which is no filter.
    """
    asked = _Compiler(shape, fields)
    must: list[Clause] = [in_range(fields.time(shape), span)]
    if wanted.native is not None:
        if is_esql(wanted.native.text):
            raise ParameterError(
                "ES|QL text gives lines and counts of its own.", hint="Use a Lucene query to count by."
            )
        must.append({"query_string": {"query": wanted.native.text}})
    must += [clause for clause in asked.clauses(wanted) if clause]
    return Dsl({"bool": {"filter": must}}, asked.exact, asked.cut)


def in_range(name: str, span: TimeRange) -> Clause:
    """Return the clause of ``[start, end)``."""
    return {"range": {name: {"gte": span.start_ms, "lt": span.end_ms, "format": "epoch_millis"}}}


def is_esql(text: str) -> bool:
    """Say whether native text is ES|QL, which begins with a source command."""
    return re.match(r"\s*(?:FROM|ROW|TS|SHOW)\b", text, re.IGNORECASE) is not None


class _Compiler:
    def __init__(self, shape: LogShape, fields: Fields) -> None:
        self._shape, self._fields = shape, fields
        self.exact = True
        self.cut: list[Exact] = []

    def clauses(self, wanted: LogFilter) -> list[Clause | None]:
        """Clauses of the parts of a filter; None where a part cannot be asked."""
        found: list[Clause | None] = []
        if wanted.services:
            missing = self._shape.service in wanted.services
            found.append(self._column("service", wanted.services, or_missing=missing))
        if wanted.severity:
            words = spellings(severities_from(wanted.severity), self._shape.levels)
            found.append(self._column("severity", words))
        if wanted.events:
            found.append(self._events(wanted.events))
        if wanted.trace_id:
            found.append(self._column("trace_id", (wanted.trace_id,)))
        if wanted.contains:
            found.append(self._contains(wanted.contains))
        return [*found, *map(self._condition, wanted.attributes)]

    def _column(self, column: str, values: tuple[str, ...], *, or_missing: bool = False) -> Clause | None:
        places = self._fields.places(self._shape, column)
        parts = [self._terms(place, values) for place in places]
        if not places or None in parts:
            return self._unable()
        alternatives = [part for part in parts if part]
        if or_missing:
            alternatives.append({"bool": {"must_not": [{"exists": {"field": place}} for place in places]}})
        return _any(alternatives)

    def _events(self, events: tuple[str, ...]) -> Clause | None:
        if not self._shape.events:
            return self._column("event_type", events)
        texts = tuple(text for text, event in self._shape.events.items() if event in events)
        by_message = self._column("message", texts) if texts else None
        if self._fields.places(self._shape, "event_type") or by_message is None:
            return self._unable()
        return by_message

    def _contains(self, text: str) -> Clause | None:
        escaped = re.sub(r"([*?\\])", r"\\\1", text)
        parts: list[Clause] = []
        for place in self._fields.places(self._shape, "message"):
            name = self._fields.exact(place)
            if name is None or name.number:
                return self._unable()
            parts.append({"wildcard": {name.name: {"value": f"*{escaped}*"}}})
            parts += self._too_long(name)
        return _any(parts) if parts else self._unable()

    def _condition(self, condition: Condition) -> Clause | None:
        place = condition.attribute
        if LOGS.columns.get(place) == "str":
            return self._unable()
        if not self._fields.mapped(place):
            return self._unable()
        name = self._fields.exact(place)
        if name is None:
            return self._unable()
        absent: Clause = {"bool": {"must_not": [{"exists": {"field": place}}]}}
        match condition.op:
            case "=" | "in":
                texts = tuple(value for value in condition.values if value)
                parts = [part for part in (self._terms(place, texts) if texts else None,) if part]
                if "" in condition.values:
                    parts += [absent, *([{"term": {name.name: ""}}] if name.text else [])]
                return _any(parts)
            case "!=":
                if name.number:
                    return self._unable()
                if not condition.value:
                    present = {"exists": {"field": place}}
                    return {"bool": {"filter": [present], "must_not": [{"term": {name.name: ""}}]}}
                return {"bool": {"must_not": [{"term": {name.name: condition.value}}]}}
            case "regex":
                empty = re.compile(condition.value, re.DOTALL).fullmatch("") is not None
                if name.number or empty or not _SAME.fullmatch(condition.value):
                    return self._unable()
                return _any(
                    [{"regexp": {name.name: {"value": condition.value, "flags": "NONE"}}}, *self._too_long(name)]
                )

    def _terms(self, place: str, values: tuple[str, ...]) -> Clause | None:
        name = self._fields.exact(place)
        if name is None:
            return self._unable()
        if name.number:
            numbers = [value for value in values if _is_number(value)]
            return {"terms": {name.name: numbers}} if numbers else {"match_none": {}}
        if self._fields.types.get(name.name) == frozenset({"boolean"}):
            kept = [value for value in values if value in ("true", "false")]
            return {"terms": {name.name: kept}} if kept else {"match_none": {}}
        if self._fields.types.get(name.name) == frozenset({"ip"}):
            return self._unable()
        return _any([{"terms": {name.name: list(values)}}, *self._too_long(name, values)])

    def _too_long(self, name: Exact, values: tuple[str, ...] = ()) -> list[Clause]:
        """Alternative for records whose value is too long for the name; short values alone do not need it."""
        if not name.under or (values and max(map(len, values)) <= _SHORT):
            return []
        self.cut.append(name)
        return [too_long(name)]

    def _unable(self) -> Clause | None:
        self.exact = False
        return None


#: Values up to this length are in every part of a field, however low its ``ignore_above``. [characters]
_SHORT = 64


def too_long(name: Exact) -> Clause:
    """Return the clause of records whose value of a field is left out of its exact part."""
    return {"bool": {"filter": [{"exists": {"field": name.under}}], "must_not": [{"exists": {"field": name.name}}]}}


def _any(parts: list[Clause]) -> Clause:
    if len(parts) == 1:
        return parts[0]
    return {"bool": {"should": parts, "minimum_should_match": 1}} if parts else {"match_none": {}}


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", text) is not None
