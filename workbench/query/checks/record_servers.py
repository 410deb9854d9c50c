"""What a check finds out about a source of lines, spans or alerts: how far back it reaches, limits, permissions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from workbench.core.errors import SourceError
from workbench.core.source import SourceFact
from workbench.core.timerange import TimeRange, from_ms
from workbench.query.alerts.alertmanager import AlertmanagerSource
from workbench.query.alerts.records import AlertRecords
from workbench.query.http.client import BackendClient
from workbench.query.http.failures import clean
from workbench.query.logs.elastic.source import ElasticSource
from workbench.query.logs.files.source import LogFileSource
from workbench.query.logs.loki.source import LokiSource
from workbench.query.traces.files import TraceFiles
from workbench.query.traces.jaeger import JaegerSource
from workbench.query.traces.tempo import TempoSource

#: How far back records are looked for, a day at each, longest last. [days]
_BACK = (1, 7, 30, 90, 365)

#: What a server writes of itself as YAML, and the numbers in it that bound a question.
_CONFIGS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "loki": (
        "/config",
        {
            "max_entries_limit_per_query": "lines an answer",
            "max_query_length": "longest range",
            "max_query_series": "series an answer",
            "query_timeout": "timeout",
            "retention_period": "retention",
        },
    ),
    "tempo": (
        "/status/config",
        {
            "max_search_duration": "longest search",
            "max_duration": "longest search",
            "max_result_limit": "traces an answer",
            "block_retention": "retention",
        },
    ),
}

#: Paths that a question needs beside the one that the state of a source asks for, and what for.
_NEEDED: Mapping[str, Mapping[str, str]] = {
    "loki": {"/loki/api/v1/labels": "labels of streams"},
    "tempo": {"/api/v2/search/tags": "names of attributes"},
    "alertmanager": {"/api/v2/silences": "silences", "/api/v2/alerts/groups": "groups of alerts"},
}


class _Dated(Protocol):
    @property
    def name(self) -> str: ...

    def newest(self, span: TimeRange) -> datetime | None: ...


def record_facts(source: object, now: datetime) -> Iterator[SourceFact]:
    """Give what a source of lines, spans or alerts says of its data and its limits; nothing for any other source.

    Raises
    ------
    SourceError
        It answers no more.
    """
    match source:
        case LokiSource():
            yield _reach(source, now, "lines")
            yield from _of_server(source.name, source.api.web, "loki")
        case TempoSource():
            yield _reach(source, now, "traces")
            yield from _of_server(source.name, source.web, "tempo")
        case JaegerSource():
            yield _reach(source, now, "spans")
            yield SourceFact(source.name, "limits", "unknown", "Jaeger does not tell its limits; it has no pages.")
        case ElasticSource():
            yield _reach(source, now, "lines")
            yield from _of_elastic(source)
        case AlertmanagerSource():
            yield SourceFact(source.name, "oldest", "unknown", "Alertmanager keeps no history: it knows now only.")
            yield from _permissions(source.name, source.web, _NEEDED["alertmanager"])
        case AlertRecords():
            seen = source.seen()
            if seen is not None:
                yield SourceFact(source.name, "oldest", "ok", f"Its first record is of {_minute(seen.start)}.")
        case LogFileSource() | TraceFiles():
            yield _oldest_file(source.name, source.files())


def _reach(source: _Dated, now: datetime, what: str) -> SourceFact:
    """Look for records in days ever further back; the oldest lie between the last that has some and the next."""
    held = 0
    for days in _BACK:
        until = now - timedelta(days=days - 1)
        if source.newest(TimeRange(until - timedelta(days=1), until)) is None:
            break
        held = days
    if not held:
        return SourceFact(source.name, "oldest", "warning", f"It holds no {what} of the last day.")
    further = dict(pairwise(_BACK)).get(held)
    until_text = f", but none of {further} days ago" if further else ""
    return SourceFact(source.name, "oldest", "ok", f"It holds {what} of {_days(held)}{until_text}.")


def _days(held: int) -> str:
    return "the last day" if held == 1 else f"{held} days ago"


def _of_server(name: str, web: BackendClient, kind: str) -> Iterator[SourceFact]:
    yield from _limits(name, web, *_CONFIGS[kind])
    yield from _permissions(name, web, _NEEDED[kind])


def _limits(name: str, web: BackendClient, path: str, wanted: Mapping[str, str]) -> Iterator[SourceFact]:
    """Pick numbers out of a configuration; nothing else of it is kept, it may hold secrets."""
    try:
        text = bytes(web.reply(path).body[:1_000_000]).decode(errors="replace")
    except SourceError:
        yield SourceFact(name, "limits", "unknown", f"It does not tell its limits ({path}).")
        return
    limits: dict[str, str] = {}
    for key, use in wanted.items():
        match = re.search(rf"^\s*{key}:\s*([0-9][0-9a-z.]*)\s*$", text, re.MULTILINE)
        if match:
            limits.setdefault(use, clean(match[1], 40))
    yield SourceFact(
        name, "limits", "ok", ", ".join(f"{use} {value}" for use, value in limits.items()) or "None named."
    )


def _permissions(name: str, web: BackendClient, needed: Mapping[str, str]) -> Iterator[SourceFact]:
    for path, use in needed.items():
        try:
            reply = web.reply(path, fine=(401, 403, 404))
        except SourceError as error:
            yield SourceFact(name, "permissions", "unknown", f"{use}: {error.message}")
            continue
        if reply.status in (401, 403):
            yield SourceFact(name, "permissions", "warning", f"It refuses us {use} ({path}).")
        elif reply.status == 404:
            yield SourceFact(name, "permissions", "unknown", f"It does not offer {use} ({path}).")


def _of_elastic(source: ElasticSource) -> Iterator[SourceFact]:
    reply = source.web.reply("/_cluster/health", fine=(401, 403, 404))
    if reply.status == 200:
        health = str(source.web.json(reply).get("status") or "unknown")
        status = "warning" if health == "red" else "ok"
        text = "Its health is red: shards are missing, and answers are partial." if health == "red" else ""
        yield SourceFact(source.name, "health", status, text or f"Its health is {clean(health, 20)}.")
    elif reply.status in (401, 403):
        yield SourceFact(source.name, "permissions", "unknown", "It refuses us its health (/_cluster/health).")
    path = "/_cluster/settings?include_defaults=true&flat_settings=true"
    reply = source.web.reply(path, fine=(401, 403, 404))
    if reply.status != 200:
        yield SourceFact(source.name, "limits", "unknown", "It does not tell its limits (/_cluster/settings).")
        return
    document = source.web.json(reply)
    flat = {
        **(document.get("defaults") or {}),
        **(document.get("persistent") or {}),
        **(document.get("transient") or {}),
    }
    named = {"search.max_buckets": "buckets an answer", "search.default_search_timeout": "timeout"}
    parts = [
        f"{use} {clean(str(flat[key]), 40)}" for key, use in named.items() if flat.get(key) not in (None, "", "-1")
    ]
    yield SourceFact(source.name, "limits", "ok", ", ".join(parts) or "None named.")


def _oldest_file(name: str, files: Iterable[Path]) -> SourceFact:
    first = min(files, key=lambda path: path.stat().st_mtime)
    when = from_ms(int(first.stat().st_mtime * 1000))
    return SourceFact(
        name, "oldest", "ok", f"Its oldest file, {clean(first.name, 80)}, was last written {_minute(when)}."
    )


def _minute(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
