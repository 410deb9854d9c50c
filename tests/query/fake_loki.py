"""A Loki in little: LogQL of the kind the workbench writes, over lines in memory, with the row loss of the real one.

What `captures/loki` shows of a real server holds here: a full answer over a range that crosses an hour is not always
its first or last lines; ends are exclusive; milliseconds find nothing; a limit over 5,000 is refused; an empty list of
labels is no list at all; structured metadata and parsed keys stand apart from the labels of a stream on request only.

What a main build of December 2024 with its default sharding did holds too: in a range query an offset below a
millisecond moves every stamp back by one, where no step is, so nothing comes; a range query of one instant has no part
to evaluate; a question over more than 721 hours is refused, also one for labels; the index knows whole milliseconds, so
``/series`` over less finds no stream that is flushed.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.query.served import Asked, Says, says

HOUR_NS = 3_600_000_000_000
_LONGEST_NS = 721 * HOUR_NS
Labels = dict[str, str]
Test = Callable[[Labels], bool]
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|=~|!~|!=|\|=|\|~|==|\d+[a-z]+\w*|[A-Za-z_]\w*|[|{}()\[\],=])')


@dataclass
class Line:
    time_ns: int
    text: str
    labels: Labels
    metadata: Labels = field(default_factory=dict)


class Refused(Exception):
    """A question that the real server answers with 400 and plain text."""


class FakeLoki:
    def __init__(
        self, lines: list[Line], *, limit: int = 5000, tenant: str = "", lookback: str = "0s", nanoseconds: bool = True
    ) -> None:
        self.streams: dict[tuple[tuple[str, str], ...], list[Line]] = defaultdict(list)
        for line in sorted(lines, key=lambda one: one.time_ns):
            self.streams[tuple(sorted(line.labels.items()))].append(line)
        self.times = {key: [line.time_ns for line in held] for key, held in self.streams.items()}
        self.limit, self.tenant, self.lookback = limit, tenant, lookback
        self.nanoseconds = nanoseconds  # servers before 2022 know no duration below a millisecond

    def answer(self, asked: Asked) -> Says:
        if self.tenant and asked.headers.get("X-Scope-OrgID") != self.tenant:
            return Says(b"no org id", 401, {"Content-Type": "text/plain"})
        try:
            return self._answer(asked)
        except Refused as why:
            return Says(str(why).encode(), 400, {"Content-Type": "text/plain; charset=utf-8"})

    def _answer(self, asked: Asked) -> Says:
        start, end = int(asked.fields.get("start", 0)), int(asked.fields.get("end", 0))
        if not self.nanoseconds and "[1ns]" in asked.fields.get("query", ""):
            raise Refused('parse error at line 0, col 30: not a valid duration string: "1ns"')
        if end - start > _LONGEST_NS:
            hours = (end - start) // HOUR_NS
            raise Refused(f"the query time range exceeds the limit (query length: {hours}h0m0s, limit: 30d1h)")
        match asked.path.rsplit("/", 1)[-1]:
            case "drilldown-limits":
                return says({"limits": {"max_query_lookback": self.lookback}, "version": "3.7.0"})
            case "buildinfo":
                return says({"version": "3.4.0"})
            case "labels":
                names = sorted({name for key in self._within(start, end) for name, _ in key})
                return says({"status": "success", "data": names} if names else {"status": "success"})
            case "series":
                test = Query(asked.fields["match[]"]).selector
                low, high = start // 10**6 * 10**6, end // 10**6 * 10**6
                found = [dict(key) for key in self._within(low, high) if test(dict(key))]
                return says({"status": "success", "data": found})
            case "query":
                query = Query(asked.fields["query"])
                at = int(asked.fields["time"])
                result = [{"metric": labels, "value": [at // 10**9, str(count)]}
                          for labels, count in self._counted(query, at).items_of()]  # fmt: skip
                return says({"status": "success", "data": {"resultType": "vector", "result": result}})
            case "query_range":
                query = Query(asked.fields["query"])
                return (
                    self._matrix(asked, query, start, end) if query.range_ns else self._lines(asked, query, start, end)
                )
        return Says(b"404 page not found", 404, {"Content-Type": "text/plain"})

    def _within(self, start: int, end: int) -> Iterator[tuple[tuple[str, str], ...]]:
        for key, times in self.times.items():
            if bisect_left(times, start) < bisect_left(times, end):
                yield key

    def _passing(self, query: Query, start: int, end: int) -> Iterator[tuple[Line, Labels]]:
        for key, held in self.streams.items():
            if query.selector(dict(key)):
                times = self.times[key]
                for line in held[bisect_left(times, start) : bisect_left(times, end)]:
                    parsed = query.passes(line)
                    if parsed is not None:
                        yield line, parsed

    def _lines(self, asked: Asked, query: Query, start: int, end: int) -> Says:
        limit = int(asked.fields.get("limit", 100))
        if limit > self.limit:
            raise Refused(
                f"max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {self.limit})"
            )
        backward = asked.fields.get("direction", "backward") == "backward"
        splits: dict[int, list[tuple[Line, Labels]]] = defaultdict(list)
        for line, parsed in self._passing(query, start, end):
            splits[line.time_ns // HOUR_NS].append((line, parsed))
        found: list[tuple[Line, Labels]] = []
        # The hours are asked at once, and the first to come count: here every second one is quicker.
        for hour in sorted(splits, key=lambda one: (one % 2 == 0, one)):
            ordered = sorted(splits[hour], key=lambda one: one[0].time_ns)
            found += (ordered[::-1] if backward else ordered)[: limit - len(found)]
        streams: dict[tuple[tuple[str, str], ...], list[list[Any]]] = defaultdict(list)
        apart = "categorize-labels" in asked.headers.get("X-Loki-Response-Encoding-Flags", "")
        for line, parsed in sorted(found, key=lambda one: -one[0].time_ns if backward else one[0].time_ns):
            metadata = {**line.metadata, "detected_level": "unknown"}
            labels = line.labels if apart else {**line.labels, **metadata, **parsed}
            more = [{"structuredMetadata": metadata, **({"parsed": parsed} if parsed else {})}] if apart else []
            streams[tuple(sorted(labels.items()))].append([str(line.time_ns), line.text, *more])
        result = [{"stream": dict(key), "values": held} for key, held in streams.items()]
        return says({"status": "success", "data": {"resultType": "streams", "result": result}})

    def _matrix(self, asked: Asked, query: Query, start: int, end: int) -> Says:
        step = round(float(asked.fields["step"]) * 1e9)
        if (end - start) // step > 11_000:
            raise Refused("exceeded maximum resolution of 11,000 points per time series.")
        series: dict[tuple[tuple[str, str], ...], list[list[Any]]] = defaultdict(list)
        at = start // step * step
        while start < end and at < end + step:
            stamp_ms = (at - query.offset_ns) // 10**6 + query.offset_ns // 10**6
            if stamp_ms == at // 10**6:
                for labels, count in self._counted(query, at).items_of():
                    series[tuple(sorted(labels.items()))].append([at / 1e9, str(count)])
            at += step
        result = [{"metric": dict(key), "values": points} for key, points in series.items()]
        return says({"status": "success", "data": {"resultType": "matrix", "result": result}})

    def _counted(self, query: Query, at: int) -> Counts:
        counts = Counts()
        last = at - query.offset_ns
        for line, parsed in self._passing(query, last - query.range_ns + 1, last + 1):
            have = {**line.labels, **line.metadata, **parsed}
            counts[tuple((name, have[name]) for name in query.by if have.get(name))] += 1
        return counts


class Counts(defaultdict[tuple[tuple[str, str], ...], int]):
    def __init__(self) -> None:
        super().__init__(int)

    def items_of(self) -> Iterator[tuple[Labels, int]]:
        return ((dict(key), count) for key, count in self.items())


class Query:
    """One query: ``sum by (a) (count_over_time({…} … [5m] offset 1ns))`` or the log query inside of it."""

    def __init__(self, text: str) -> None:
        self.tokens = self._split(text)
        self.at = 0
        self.by: list[str] = []
        self.range_ns = self.offset_ns = 0
        self.stages: list[Callable[[str, Labels], Labels | None]] = []
        depth = 0
        while self._peek() in ("sum", "by", "(", "count_over_time"):
            token = self._next()
            if token == "by":
                self._next()
                self.by = self._names()
            depth += token == "("
        self.selector = self._selector()
        while self._peek() in ("|", "|=", "|~", "!=", "!~"):
            self._stage(self._next())
        if self._peek() == "[":
            self._next()
            self.range_ns = _duration(self._next())
            self._next()
            if self._peek() == "offset":
                self._next()
                self.offset_ns = _duration(self._next())
        for _ in range(depth):
            if self._next() != ")":
                raise Refused("parse error : syntax error: unexpected )")
        if self.at < len(self.tokens):
            raise Refused(f"parse error at line 1, col 1: syntax error: unexpected {self._peek()}")

    def passes(self, line: Line) -> Labels | None:
        parsed: Labels = {}
        for stage in self.stages:
            told = stage(line.text, {**line.labels, **line.metadata, **parsed})
            if told is None:
                return None
            parsed |= told
        return parsed

    def _split(self, text: str) -> list[str]:
        tokens, at = [], 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if not found:
                raise Refused(f"parse error at line 1, col {at + 1}: syntax error: unexpected character")
            tokens.append(found[1])
            at = found.end()
        return tokens

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def _names(self) -> list[str]:
        names = []
        while (token := self._next()) != ")":
            names += [token] if token != "," else []
        return names

    def _selector(self) -> Test:
        if self._next() != "{":
            raise Refused("parse error at line 1, col 1: syntax error: unexpected IDENTIFIER, expecting {")
        tests = []
        while self._peek() != "}":
            tests.append(self._comparison())
            if self._peek() == ",":
                self._next()
        self._next()
        if not any(not test({}) for test in tests):
            raise Refused(
                "queries require at least one regexp or equality matcher that does not have an empty-compatible value"
            )
        return lambda labels: all(test(labels) for test in tests)

    def _comparison(self) -> Test:
        name, op, text = self._next(), self._next(), _string(self._next())
        if op in ("=~", "!~"):
            pattern = re.compile(text, re.DOTALL)
            return lambda labels: bool(pattern.fullmatch(labels.get(name, ""))) == (op == "=~")
        return lambda labels: (labels.get(name, "") == text) == (op == "=")

    def _stage(self, token: str) -> None:
        if token == "|" and self._peek() == "json":
            self._next()
            self.stages.append(_json)
        elif token == "|":
            test = self._either()
            self.stages.append(lambda _, labels: {} if test(labels) else None)
        else:
            text = _string(self._next())
            pattern = re.compile(re.escape(text) if "=" in token else text)
            wanted = token.startswith("|")
            self.stages.append(lambda line, _: {} if bool(pattern.search(line)) == wanted else None)

    def _either(self) -> Test:
        tests = [self._both()]
        while self._peek() == "or":
            self._next()
            tests.append(self._both())
        return lambda labels: any(test(labels) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._peek() == "and":
            self._next()
            tests.append(self._one())
        return lambda labels: all(test(labels) for test in tests)

    def _one(self) -> Test:
        if self._peek() != "(":
            return self._comparison()
        self._next()
        test = self._either()
        if self._next() != ")":
            raise Refused("parse error : syntax error: expecting )")
        return test


def _json(line: str, labels: Labels) -> Labels:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        return {
            "__error__": "JSONParserErr",
            "__error_details__": "Value looks like object, but can't find closing '}' symbol",
        }
    found: Labels = {}

    def walk(value: dict[str, Any], above: str) -> None:
        for key, one in value.items():
            name = above + re.sub(r"\W", "_", key)
            if isinstance(one, dict):
                walk(one, f"{name}_")
            elif one is not None and not isinstance(one, list):
                text = one if isinstance(one, str) else json.dumps(one)
                found[f"{name}_extracted" if name in labels else name] = text

    walk(record, "")
    return found


def _string(token: str) -> str:
    if not token.startswith('"'):
        raise Refused(f"parse error at line 1, col 1: syntax error: unexpected {token}, expecting STRING")
    return str(json.loads(token))


def _duration(token: str) -> int:
    units = {"ns": 1, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)(ns|ms|[smhd])", token))
