"""Lines counted by the server in composite buckets, indices that know the same of their fields at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from workbench.query.logs.elastic.dsl import Dsl, any_of
from workbench.query.logs.elastic.evidence import Clause, Evidence
from workbench.query.logs.elastic.fields import Place
from workbench.query.logs.elastic.pages import hits_total, partial_warnings
from workbench.query.logs.levels import scale_of, severity_of
from workbench.query.logs.rows import MOVED, text_of
from workbench.query.logs.shape import LogShape

_BUCKETS = 2000

#: The longest address of some indices; servers take 4 kB for the whole line. [characters]
_LONGEST_ADDRESS = 3000


@dataclass(frozen=True)
class Grouping:
    """A column to count by: the path and the name that hold it; no name where every record has ``value``, or none."""

    column: str
    path: str = ""
    name: str = ""
    value: str | None = None


@dataclass(frozen=True)
class Plan:
    """How a question is put to some indices.

    Attributes
    ----------
    address : str
        The indices, as a path has them.
    indices : tuple of str
    filter : Dsl
    groupings : tuple of Grouping
    undecided : tuple of str
        Fields by which the server cannot count exactly.
    rounded : tuple of str
        Fields that the index keeps as numbers, however they were written.
    """

    address: str
    indices: tuple[str, ...]
    filter: Dsl
    groupings: tuple[Grouping, ...] = ()
    undecided: tuple[str, ...] = ()
    rounded: tuple[str, ...] = ()


@dataclass
class Counts:
    """Counts by ``(start of step in ms, *values)``, and what does not add up or was left out of them."""

    totals: dict[tuple[Any, ...], int] = field(default_factory=dict)
    differences: tuple[str, ...] = ()


def planned(
    address: str,
    indices: tuple[str, ...],
    filters: Dsl,
    by: Sequence[str],
    shape: LogShape,
    places: Mapping[str, Place],
    evidence: Evidence,
) -> Plan:
    """Return the plan for some indices, with the fields to count by where the server can."""
    groupings, undecided, rounded = [], list(filters.undecided), list(filters.rounded)
    for column in by:
        held = evidence.held(column, shape, places)
        made = column == "event_type" and shape.events
        moved = column not in shape.own and any(column in shape.places(place) for place in MOVED if place != column)
        if len(held) == 1 and not made and not moved:
            path, place = held[0]
            if place.kind == "constant":
                groupings.append(Grouping(column, path, value=place.value))
                continue
            countable = place.kind == "keyword" or (place.kind == "number" and place.whole)
            if countable and evidence.whole(place):
                groupings.append(Grouping(column, path, place.name))
                rounded += [path] if place.kind == "number" else []
                continue
        if held or made or moved:
            undecided += [path for path, _ in held] or [column]
        groupings.append(Grouping(column))
    return Plan(address, indices, filters, tuple(groupings), tuple(undecided), tuple(rounded))


def joined(within: Clause, plans: Sequence[Plan]) -> Clause:
    """Return one query for all indices, each asked in the way it can be."""
    if len(plans) == 1:
        return {"bool": {"filter": [within, *plans[0].filter.clauses]}}
    parts: list[Clause] = [
        {"bool": {"filter": [{"terms": {"_index": list(plan.indices)}}, *plan.filter.clauses]}} for plan in plans
    ]
    return {"bool": {"filter": [within, any_of(parts)]}}


def addresses(names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Cut a list of indices into such as make an address, and give each with it."""
    part: list[str] = []
    for name in names:
        if part and len(quote(",".join([*part, name]), safe=",*")) > _LONGEST_ADDRESS:
            yield quote(",".join(part), safe=",*"), tuple(part)
            part = []
        part.append(name)
    if part:
        yield quote(",".join(part), safe=",*"), tuple(part)


def bucketed(
    search: Callable[[str, Clause], dict[str, Any]],
    plans: Sequence[Plan],
    within: Clause,
    time: str,
    step_ms: int,
    shape: LogShape,
) -> Counts:
    """Count in composite buckets, page by page: exact, and never cut off at a number of buckets.

    The buckets must add up to the hits of the same query, else ``differences`` says so.
    """
    counts = Counts()
    for plan in plans:
        sources: list[dict[str, Any]] = [
            {"step": {"date_histogram": {"field": time, "fixed_interval": f"{step_ms}ms"}}}
        ]
        sources += [
            {f"by{at}": {"terms": {"field": grouping.name, "missing_bucket": True}}}
            for at, grouping in enumerate(plan.groupings)
            if grouping.name
        ]
        composite: dict[str, Any] = {"size": _BUCKETS, "sources": sources}
        body: Clause = {
            "size": 0,
            "query": {"bool": {"filter": [within, *plan.filter.clauses]}},
            "track_total_hits": True,
            "aggs": {"steps": {"composite": composite}},
        }
        added, hits = 0, 0
        while True:
            answer = search(plan.address, body)
            counts.differences += tuple(partial_warnings(answer))
            hits = hits_total(answer) if body["track_total_hits"] else hits
            steps = answer.get("aggregations", {}).get("steps", {})
            for bucket in steps.get("buckets", ()):
                key = bucket["key"]
                clauses = [
                    _value_text(grouping, key.get(f"by{at}", grouping.value), shape)
                    for at, grouping in enumerate(plan.groupings)
                ]
                place = (int(key["step"]), *clauses)
                counts.totals[place] = counts.totals.get(place, 0) + int(bucket["doc_count"])
                added += int(bucket["doc_count"])
            after = steps.get("after_key")
            if not after or after == composite.get("after") or len(steps["buckets"]) < _BUCKETS:
                break
            composite["after"], body["track_total_hits"] = after, False
        if added != hits:
            named = ", ".join(plan.indices[:3]) + (" and others" if len(plan.indices) > 3 else "")
            counts.differences += (
                f"The counts do not add up in {named}: {added:,} lines in all buckets, {hits:,} in one count.",
            )
    return counts


def _value_text(grouping: Grouping, value: Any, shape: LogShape) -> str:
    if grouping.column == "severity":
        return "" if value is None else severity_of(value, shape.levels, scale=scale_of(grouping.path))
    text = "" if value is None else text_of(value)
    return text or (shape.service if grouping.column == "service" else "")
