"""What the records of a range show of a field that its mapping does not: arrays, and values left out of the index."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.query.logs.elastic.fields import Place
from workbench.query.logs.shape import LogShape

Clause = dict[str, Any]

#: Different values of a field that are looked through one by one. [count]
_MOST_VALUES = 1000

#: A limit of this length or more leaves out no value that a filter compares. [characters]
_LONG = 256


@dataclass(frozen=True)
class Seen:
    """What some records show of a place.

    Attributes
    ----------
    records : int
        Records with a value in the index. [count]
    several : bool
        Some hold more than one value.
    hidden : bool
        Some may hold a value that is not in the index.
    """

    records: int
    several: bool
    hidden: bool


class Evidence:
    """Asks the server about the records of a range in some indices, each thing once.

    Parameters
    ----------
    search : callable
        Sends the body of a search to the indices and returns the answer.
    within : dict
        Clause of the range.
    marked : bool
        Whether the server marks records with a value that is too long (``_ignored``), as Elasticsearch does.
    """

    def __init__(self, search: Callable[[Clause], dict[str, Any]], within: Clause, *, marked: bool) -> None:
        self._search, self._within, self._marked = search, within, marked
        self._seen: dict[str, Seen] = {}
        self._values: dict[str, tuple[Any, ...] | None] = {}

    def seen(self, place: Place) -> Seen:
        """Return what the records show of a place."""
        if place.kind == "constant":
            return Seen(1, several=False, hidden=False)
        if place.name not in self._seen:
            held = {"exists": {"field": place.name}}
            aggregations = {
                "values": {"value_count": {"field": place.name}},
                "records": {"filter": held},
                "hidden": {"filter": self._hidden(place)},
            }
            answer = self._search({"size": 0, "query": self._within, "aggs": aggregations})["aggregations"]
            records = int(answer["records"]["doc_count"])
            several = int(answer["values"]["value"]) != records
            self._seen[place.name] = Seen(records, several, bool(answer["hidden"]["doc_count"]))
        return self._seen[place.name]

    def plain(self, place: Place) -> bool:
        """Say whether each record has one value at most, and the index has what a short value can be compared with."""
        seen = self.seen(place)
        long = place.longest is None or place.longest >= _LONG
        return place.faithful and not seen.several and (long or not seen.hidden)

    def whole(self, place: Place) -> bool:
        """Say whether each record has one value at most, and the index has it whatever its length."""
        seen = self.seen(place)
        return place.faithful and not seen.several and not seen.hidden

    def held(self, column: str, shape: LogShape, places: Mapping[str, Place]) -> list[tuple[str, Place]]:
        """Return the places of a column that may have a value in a record of the range."""
        held = [(path, places[path]) for path in shape.places(column) if places[path].kind != "absent"]
        if len(held) == 1:
            return held
        return [(path, place) for path, place in held if not self._empty(place)]

    def _empty(self, place: Place) -> bool:
        if place.kind not in ("keyword", "number", "boolean"):
            return False
        seen = self.seen(place)
        return not seen.records and (not seen.hidden or (place.longest or 0) >= _LONG)

    def values(self, place: Place) -> tuple[Any, ...] | None:
        """Return the different values of a place; None when they are too many to look through."""
        if place.kind == "constant":
            return (place.value,)
        if place.name not in self._values:
            terms = {"terms": {"field": place.name, "size": _MOST_VALUES}}
            answer = self._search({"size": 0, "query": self._within, "aggs": {"values": terms}})
            listed = answer["aggregations"]["values"]
            all_there = not listed.get("sum_other_doc_count")
            self._values[place.name] = tuple(bucket["key"] for bucket in listed["buckets"]) if all_there else None
        return self._values[place.name]

    def _hidden(self, place: Place) -> Clause:
        """Clause of records that may hold a value which is not in the index."""
        marked: Clause = {"term": {"_ignored": place.name}}
        if place.longest is None or self._marked:
            return marked
        return {"bool": {"should": [marked, left_out(place)], "minimum_should_match": 1}}


def left_out(place: Place) -> Clause:
    """Return the clause of records whose value of a place may have been too long for the index."""
    clause: Clause = {"bool": {"must_not": [{"exists": {"field": place.name}}]}}
    if place.under:
        clause["bool"]["filter"] = [{"exists": {"field": place.under}}]
    return clause
