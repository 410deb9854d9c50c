"""Random indices, records and filters of a search server, and what a filter should find among the rows it gives."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pandas as pd

from tests.servers.given import send
from workbench.core.counting import counted_lines
from workbench.core.filters import Condition, LogFilter, Operator
from workbench.core.settings import SourceSettings
from workbench.core.timerange import TimeRange
from workbench.query.http.client import BackendClient
from workbench.query.logs.elastic.source import ElasticSource, Kind
from workbench.query.logs.match import matching
from workbench.query.logs.shape import LogShape

START_MS = 1_793_480_400_000  # 2026-10-31T21:00Z, so that three days follow
SPAN = TimeRange.from_ms(START_MS, START_MS + 72 * 3_600_000)
STEP_MS = 6 * 3_600_000
SHAPE = LogShape(own={"severity": ("level",), "service": ("service",)}, service="shop")

_LONG = "x" * 300
_WORDS = (
    "a",
    "b",
    "A",
    "",
    "shop",
    "pay",
    "card declined",
    "5",
    "5.0",
    "true",
    _LONG,
    "abcdefghijkl",
    "café ☕",
    'q"u',
)
_LEVELS = ("ERROR", "error", "eRRor", " WARN ", "info", "30", "loud", "")
_STRINGS: tuple[dict[str, Any], ...] = (
    {"type": "keyword"},
    {"type": "keyword", "ignore_above": 8},
    {"type": "keyword", "ignore_above": 1024},
    {"type": "keyword", "normalizer": "lowercase"},
    {"type": "keyword", "null_value": "a"},
    {"type": "keyword", "copy_to": "tags"},
    {"type": "text"},
    {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}},
    {"type": "text", "fields": {"raw": {"type": "keyword", "ignore_above": 4}}},
    {"type": "keyword", "doc_values": False},
    {"type": "keyword", "index": False},
)
_TAME = (_STRINGS[0], _STRINGS[7])
_NUMBERS: tuple[dict[str, Any], ...] = (
    {"type": "long"}, {"type": "integer", "ignore_malformed": True}, {"type": "double"}, {"type": "keyword"},
    {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}},
)  # fmt: skip
FIELDS = (
    "level", "priority", "service", "message", "tags", "provider", "status", "vip", "ctx.user", "items.name", "who",
    "env", "at.zone",
)  # fmt: skip


def mapping(chance: random.Random, *, tame: bool) -> dict[str, Any]:
    """Return a mapping of an index; what it leaves out is mapped by itself, kept out or refused."""
    strings = tuple(kind for kind in _STRINGS if kind in _TAME) if tame else _STRINGS
    kinds: dict[str, dict[str, Any]] = {
        name: chance.choice(strings) for name in ("level", "service", "message", "tags", "provider")
    }
    kinds |= {"status": chance.choice(_NUMBERS), "priority": chance.choice(({"type": "long"}, {"type": "keyword"}))}
    kinds["vip"] = chance.choice(({"type": "boolean"}, {"type": "keyword"}))
    kinds["ctx"] = chance.choice((
        {"properties": {"user": chance.choice(strings)}}, {"type": "object", "enabled": False},
        {"type": "object", "dynamic": False}, {"type": "object"},
    ))  # fmt: skip
    kinds["items"] = chance.choice((
        {"type": "nested", "properties": {"name": {"type": "keyword"}}},
        {"properties": {"name": chance.choice(strings)}},
    ))  # fmt: skip
    properties = {name: kind for name, kind in kinds.items() if chance.random() < 0.8}
    if any("copy_to" in kind for kind in properties.values()):
        properties.setdefault("tags", {"type": "keyword"})
        properties["tags"] = {name: value for name, value in properties["tags"].items() if name != "copy_to"}
    named = [name for name, kind in properties.items() if "type" in kind and kind["type"] not in ("object", "nested")]
    if named and chance.random() < 0.8:
        properties["who"] = {"type": "alias", "path": chance.choice(named)}
    if chance.random() < 0.5:
        properties["env"] = {"type": "constant_keyword", "value": chance.choice(("a", "prod", "5"))}
    if chance.random() < 0.5:
        properties["at"] = {"properties": {"zone": {"type": "constant_keyword", "value": "b"}}}
    dated = {"type": chance.choice(("date", "date_nanos"))}
    return {"dynamic": tame or chance.random() < 0.7, "properties": {"timestamp": dated, **properties}}


def record(chance: random.Random, at_ms: int, *, tame: bool) -> dict[str, Any]:
    """Return a record with some of the fields, in every form that JSON has for them."""

    words = _WORDS[:8] if tame else _WORDS

    def several(values: tuple[Any, ...]) -> Any:
        value = chance.choice(values)
        if tame:
            return value
        return chance.choice((value, value, value, [value], [value, chance.choice(values)], [value, None]))

    made: dict[str, Any] = {
        "level": chance.choice(_LEVELS),
        "priority": chance.choice((1, 3, 6)),
        "service": chance.choice(words),
        "message": f"{chance.choice(words)} {chance.choice(words)}",
        "tags": several(words),
        "provider": chance.choice((*words, None)),
        "status": chance.choice((200, 500, "200", 200.0, 5.7, "5")),
        "vip": chance.choice((True, False, "true", "false")),
        "ctx": {"user": several(words)},
        "items": [{"name": chance.choice(words)} for _ in range(chance.randrange(3))],
    }
    if tame:
        made["priority"], made["status"] = None, chance.choice((200, 500))
    kept = {name: value for name, value in made.items() if chance.random() < 0.75}
    return {"timestamp": at_ms, **kept}


def filters(chance: random.Random, count: int) -> list[LogFilter]:
    """Return filters of every kind over the fields of the records."""

    def condition() -> Condition:
        name = chance.choice((*FIELDS, "nobody"))
        values = (*_WORDS, "200", "500", "200.0", "5.7", "false", "missing")
        op: Operator = chance.choice(("=", "!=", "in", "regex"))
        if op == "regex":
            return Condition(name, op, (chance.choice(("a", "a|b", "[a-c].*", "card.*", "x+", ".*", "(?:a)?")),))
        return Condition(name, op, tuple(chance.choice(values) for _ in range(2 if op == "in" else 1)))

    def one() -> LogFilter:
        kind = chance.randrange(6)
        attributes = tuple(condition() for _ in range(1 if kind < 4 else 2)) if kind != 5 else ()
        return LogFilter(
            severity=chance.choice(("WARN", "ERROR", "INFO")) if chance.random() < 0.25 else "",
            services=chance.choice((("shop",), ("pay", "a"), ("a",))) if chance.random() < 0.25 else (),
            contains=chance.choice(("declined", "a", "☕", _LONG[:20])) if chance.random() < 0.25 else "",
            attributes=attributes,
        )

    return [one() for _ in range(count)]


def fill(url: str, name: str, seed: int, *, records: int = 40) -> None:
    """Make three indices of random mappings with random records, tame ones where the seed is odd.

    What an index refuses is not in it.
    """
    chance, tame = random.Random(seed), seed % 2 == 1
    send(f"{url}/{name}-*?ignore_unavailable=true", "", "DELETE")
    for day in range(3):
        body = {"settings": {"number_of_shards": 1, "number_of_replicas": 0}, "mappings": mapping(chance, tame=tame)}
        send(f"{url}/{name}-{day}", json.dumps(body), "PUT")
    lines = []
    for number in range(records):
        at_ms = START_MS + number * (72 * 3_600_000 // records)
        lines += [
            json.dumps({"index": {"_index": f"{name}-{number * 3 // records}"}}),
            json.dumps(record(chance, at_ms, tame=tame)),
        ]
    send(f"{url}/_bulk?refresh=true", "\n".join(lines) + "\n", "POST")


def source_of(url: str, name: str, kind: Kind = "opensearch") -> ElasticSource:
    """Return the source over the indices of one name."""
    web = BackendClient.from_settings("search", SourceSettings(kind=kind, url=url, timeout_s=30), api="OpenSearch")
    return ElasticSource("search", web, kind, LogShape(SHAPE.own, service=SHAPE.service, indices=(f"{name}-*",)))


def disagreements(source: ElasticSource, wanted: LogFilter, rows: pd.DataFrame, by: tuple[str, ...]) -> list[str]:
    """Say where the source's lines and counts of a filter are not those of the filter over all rows."""
    truth = matching(rows, wanted, SPAN)
    pieces = list(source.logs(wanted, SPAN))
    lines = pd.concat(pieces) if pieces else rows.head(0)

    def keys(frame: pd.DataFrame) -> Counter[tuple[Any, ...]]:
        return Counter(zip(frame["time_ns"], frame["message"], frame["severity"], frame["service"], strict=True))

    found = [] if keys(lines) == keys(truth) else [f"{len(lines)} lines for {len(truth)}"]
    counts = source.log_counts(wanted, SPAN, step_ms=STEP_MS, by=by)
    expected = counted_lines([truth], SPAN, step_ms=STEP_MS, by=by)
    if not counts.equals(expected):
        found.append(f"counts by {by}: {counts['count'].sum()} for {expected['count'].sum()}")
    return [f"{one}; {wanted}" for one in found]
