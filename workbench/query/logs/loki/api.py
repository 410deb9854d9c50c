"""The HTTP API of Loki: what it answers, as plain values. Times are nanoseconds; milliseconds are refused here.

Loki takes milliseconds for nanoseconds of 1970 and answers with nothing, without an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from workbench.core.errors import AnswerUnreadable, ParameterError, QueryTooExpensive, SourceError, SourceUnavailable
from workbench.core.timerange import duration_ms
from workbench.query.http.client import BackendClient, reply_words
from workbench.query.http.failures import clean
from workbench.query.http.reading import in_time
from workbench.query.http.transport import Fields

#: What the server gives at most for one question, unless it says less. [lines]
MOST_LINES = 5000

#: Longest range of one question, unless the server says less. [ns]
LONGEST_NS = 30 * 86_400_000_000_000

#: Answers of a server, or a proxy, that does not know a path or does not give it.
_UNKNOWN = (400, 401, 403, 404, 405, 500, 501)

_FIRST_NS = 10**17
_SHORTEST_NS = 3_600_000_000_000
_CAP = re.compile(r"max_entries_limit\w* \(\d+ > (\d+)\)")
_CATEGORIZED = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}


class Entry(NamedTuple):
    """One line: labels of its stream, structured metadata and what a parser of the query took out, kept apart."""

    time_ns: int
    line: str
    labels: Mapping[str, str]
    metadata: Mapping[str, str]
    parsed: Mapping[str, str]


@dataclass(frozen=True)
class Pattern:
    """A pattern of lines with how often it was met: ``(ns, lines)`` a step."""

    text: str
    samples: tuple[tuple[int, int], ...]


class LokiApi:
    """Questions to one Loki; safe to use from several threads.

    Parameters
    ----------
    web : BackendClient
        Client of the server, with its address and credentials.
    """

    def __init__(self, web: BackendClient) -> None:
        self.web = web
        self.most_lines = MOST_LINES
        self.longest_ns = LONGEST_NS
        self._lookback_ms: int | None = None

    def lookback_ms(self) -> int:
        """How far back the server looks (``max_query_lookback``); 0 where it says nothing, or is older than 3.6. [ms]

        What is older it cuts off every range, or answers with nothing, in both cases without a word.
        """
        if self._lookback_ms is None:
            self._lookback_ms = 0
            with suppress(SourceError, ValueError, ParameterError):
                reply = self.web.reply("/loki/api/v1/drilldown-limits", fine=_UNKNOWN)
                document = self.web.json(reply) if reply.status == 200 else {}
                limits = document.get("limits") if isinstance(document, dict) else {}
                text = limits.get("max_query_lookback") if isinstance(limits, dict) else ""
                self._lookback_ms = duration_ms(text) if isinstance(text, str) else 0
        return self._lookback_ms

    def entries(
        self, query: str, start_ns: int, end_ns: int, *, direction: str = "forward", limit: int | None = None
    ) -> list[Entry]:
        """Return lines of ``[start, end)``, at most ``limit`` or :attr:`most_lines`; a full answer may be any of them.

        Raises
        ------
        ParameterError
            A time that is no nanosecond of our days.
        SourceError
        """
        fields = [("query", query), *_times(start_ns, end_ns), ("direction", direction)]
        path = "/loki/api/v1/query_range"
        most = limit or self.most_lines
        limited = [*fields, ("limit", str(most))]
        reply = self.web.reply(path, limited, query=query, headers=_CATEGORIZED, fine=(400, 401))
        if reply.status == 400 and (cap := _CAP.search(reply_words(reply))) and int(cap[1]) < self.most_lines:
            self.most_lines = most = int(cap[1])
            limited = [*fields, ("limit", cap[1])]
        if reply.status == 200:
            read, until = self.web.json(reply), reply.until
            self._check_whole(read, query)
        else:
            read, until = self._document(path, limited, query=query), math.inf
        entries = _entries(read, query, until)
        if len(entries) > most:
            raise AnswerUnreadable(
                f"The server gives {len(entries):,} lines where {most:,} were asked for.",
                source=self.web.name,
                query=query,
                hint="Does it imitate Loki? It ignores `limit`, so there is no way to tell a whole answer.",
            )
        return entries

    def matrix(
        self, query: str, start_ns: int, end_ns: int, *, step_ms: int
    ) -> list[tuple[dict[str, str], list[tuple[int, float]]]]:
        """Evaluate a metric query: labels and ``(ms, value)`` of each series; a point may lie past the end."""
        fields = [("query", query), *_times(start_ns, end_ns), ("step", f"{step_ms / 1000:g}")]
        data = self._data("/loki/api/v1/query_range", fields, query=query)
        if data.get("resultType") != "matrix":
            raise ParameterError(
                f"This is a query for lines, not for numbers: {query}", hint="Use count_over_time(… [5m])."
            )
        return [
            (series.get("metric") or {}, [(round(float(at) * 1000), float(value)) for at, value in series["values"]])
            for series in data.get("result") or ()
        ]

    def instant(self, query: str, at_ns: int) -> list[tuple[dict[str, str], float]]:
        """Evaluate a metric query once: labels and value of each series; the stamp of a scalar is never used."""
        _nanoseconds(at_ns)
        data = self._data("/loki/api/v1/query", [("query", query), ("time", str(at_ns))], query=query)
        if data.get("resultType") == "scalar":
            return [({}, float(data["result"][1]))]
        return [(series.get("metric") or {}, float(series["value"][1])) for series in data.get("result") or ()]

    def labels(self, start_ns: int, end_ns: int) -> tuple[str, ...]:
        """Labels of the streams with lines in a range, sorted; an empty answer has no data at all."""
        return tuple(sorted(set(self._in_parts("/loki/api/v1/labels", start_ns, end_ns))))

    def label_values(self, label: str, start_ns: int, end_ns: int) -> tuple[str, ...]:
        """Values of a label in a range, sorted."""
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", label):
            raise ParameterError(f"{label!r} is not a label of Loki.")
        return tuple(sorted(set(self._in_parts(f"/loki/api/v1/label/{label}/values", start_ns, end_ns))))

    def series(self, selectors: Sequence[str], start_ns: int, end_ns: int) -> list[dict[str, str]]:
        """Streams that match one of some selectors in a range, by their labels."""
        fields = [("match[]", selector) for selector in selectors]
        streams = self._in_parts("/loki/api/v1/series", start_ns, end_ns, fields, query=", ".join(selectors))
        return list({tuple(sorted(labels.items())): labels for labels in streams}.values())

    def patterns(self, selector: str, start_ns: int, end_ns: int, *, step_ms: int) -> list[Pattern]:
        """Patterns the server found among the lines; none when its pattern ingester is off (404)."""
        fields = [("query", selector), *_times(start_ns, end_ns), ("step", f"{step_ms / 1000:g}s")]
        reply = self.web.reply("/loki/api/v1/patterns", fields, query=selector, fine=(404,))
        patterns = self.web.json(reply).get("data") if reply.status == 200 else ()
        return [
            Pattern(
                pattern["pattern"],
                tuple((int(at) * 1_000_000_000, int(lines)) for at, lines in pattern["samples"] or ()),
            )
            for pattern in patterns or ()
        ]

    def stats(self, selector: str, start_ns: int, end_ns: int) -> dict[str, int]:
        """Streams, chunks, bytes and entries of a selector as far as they are flushed; zero says nothing."""
        answer = self._document(
            "/loki/api/v1/index/stats", [("query", selector), *_times(start_ns, end_ns)], query=selector
        )
        return {name: int(answer.get(name) or 0) for name in ("streams", "chunks", "bytes", "entries")}

    def version(self) -> str:
        """Version as the server says it."""
        return str(self._document("/loki/api/v1/status/buildinfo").get("version") or "")

    def shorter(self, error: QueryTooExpensive, width_ns: int) -> bool:
        """Learn from a refusal that the server takes shorter ranges only; False when that was not its reason."""
        if "time range exceeds" not in error.message or width_ns <= _SHORTEST_NS:
            return False
        self.longest_ns = max(min(self.longest_ns, width_ns) // 2, _SHORTEST_NS)
        return True

    def _in_parts(
        self, path: str, start_ns: int, end_ns: int, fields: Sequence[tuple[str, str]] = (), *, query: str = ""
    ) -> list[Any]:
        """Return the lists that the server gives for the parts of a range, one after the other."""
        answers: list[Any] = []
        at = start_ns
        while at < end_ns:
            until = min(at + self.longest_ns, end_ns)
            try:
                answers += self._data(path, [*fields, *_times(at, until)], query=query) or ()
            except QueryTooExpensive as error:
                if not self.shorter(error, until - at):
                    raise
                continue
            at = until
        return answers

    def _document(self, path: str, fields: Fields = (), *, query: str = "") -> dict[str, Any]:
        reply = self.web.reply(path, fields, query=query, headers=_CATEGORIZED, fine=(401,))
        if reply.status == 401:
            answer = reply_words(reply)
            raise SourceUnavailable(
                f"Loki refuses the request (HTTP 401): {answer or 'no reason given'}.",
                source=self.web.name,
                query=query,
                hint="Set tenant = … of this source."
                if "org id" in answer
                else "Check the credentials of this source.",
            )
        read = self.web.json(reply)
        document = read if isinstance(read, dict) else {}
        self._check_whole(document, query)
        return document

    def _check_whole(self, document: Mapping[str, Any], query: str) -> None:
        """Refuse an answer of success that says it is a part: other warnings are about how it was made."""
        for warning in document.get("warnings") or ():
            if "partial" in str(warning).lower():
                raise QueryTooExpensive(
                    f"Loki gives a part of the answer only: {clean(str(warning))}.",
                    source=self.web.name,
                    query=query,
                    hint="Count by fewer names, choose a shorter range, or raise max_query_series of the server.",
                )

    def _data(self, path: str, fields: Fields, *, query: str = "") -> Any:
        return self._document(path, fields, query=query).get("data") or {}


def _times(start_ns: int, end_ns: int) -> list[tuple[str, str]]:
    return [("start", str(_nanoseconds(start_ns))), ("end", str(_nanoseconds(end_ns)))]


def _nanoseconds(value: int) -> int:
    if abs(value) < _FIRST_NS and value:
        raise ParameterError(
            f"{value} is no time in nanoseconds: as such it lies in 1970, and Loki would answer with nothing.",
            hint=f"Multiply milliseconds by 1,000,000, seconds by 1,000,000,000; the least taken is {_FIRST_NS}.",
        )
    return value


def _entries(document: Mapping[str, Any], query: str, until: float) -> list[Entry]:
    data = document.get("data") or {}
    if data.get("resultType") != "streams":
        raise ParameterError(
            f"This is a query for numbers, not for lines: {query}", hint="Leave the outer functions out."
        )
    nothing: dict[str, str] = {}
    entries = []
    for stream in data.get("result") or ():
        labels = stream.get("stream") or nothing
        for at, line, *more in in_time(stream["values"], until):
            parts: Mapping[str, dict[str, str]] = more[0] if more else {}
            metadata, parsed = (parts.get(part) or nothing for part in ("structuredMetadata", "parsed"))
            entries.append(Entry(int(at), line, labels, metadata, parsed))
    return entries
