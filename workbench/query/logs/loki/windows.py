"""All lines of a range from a server that gives so many at a time and no way to go on.

Going on from the last time of a full answer loses lines: where a range crosses one of the server's own cuts (hours, by
default), a full answer is not always the first lines, and lines can share a nanosecond. So a full answer is never used.
The window is halved until its answer is not full, and that answer is whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workbench.core.errors import AnswerUnreadable, QueryRejected, QueryTooExpensive
from workbench.query.logs.loki.api import Entry, LokiApi
from workbench.query.logs.loki.logql import quoted

_HOUR_NS = 3_600_000_000_000
_LONGEST_NS = 24 * _HOUR_NS

#: Around a nanosecond, where its streams are looked for: the index keeps whole milliseconds. [ns]
_AROUND_NS = 1_000_000_000


def whole_windows(api: LokiApi, query: str, start_ns: int, end_ns: int) -> Iterator[list[Entry]]:
    """Give the lines of ``[start, end)`` in windows, oldest first, each line exactly once.

    Parameters
    ----------
    api : LokiApi
        Client of the Loki.
    query : str
        Log query.
    start_ns, end_ns : int
        [ns]

    Raises
    ------
    QueryTooExpensive
        More lines of one stream share a nanosecond than can be read.
    AnswerUnreadable
        A nanosecond gave fewer lines than the server had shown or counted of it.
    SourceError
    """
    at, width = start_ns, _HOUR_NS
    while at < end_ns:
        until = min(at + width, end_ns)
        try:
            entries = api.entries(query, at, until)
        except QueryTooExpensive as error:
            if not api.shorter(error, until - at):
                raise
            width = api.longest_ns
            continue
        if len(entries) < api.most_lines:
            # A proxy may round a range out, or ignore it: each line belongs to one window.
            yield [entry for entry in entries if at <= entry.time_ns < until]
            at = until
            width = min(_wider(width, len(entries), api.most_lines), api.longest_ns)
        elif until - at > 1:
            width = _narrower(entries, at, until)
        else:
            yield _one_nanosecond(api, query, at, entries)
            at, width = until, _HOUR_NS


def newest_entry(api: LokiApi, query: str, start_ns: int, end_ns: int) -> Entry | None:
    """Return the newest line of ``[start, end)``; None without any.

    Where a range crosses one of the server's cuts, the last line of an answer may not be the newest: the time after it
    is asked again.

    Raises
    ------
    SourceError
    """
    high, width = end_ns, _HOUR_NS
    while high > start_ns:
        low = max(high - min(width, api.longest_ns), start_ns)
        newest, since = None, low
        try:
            while entries := api.entries(query, since, high, direction="backward", limit=1) if since < high else []:
                newest, since = entries[-1], entries[-1].time_ns + 1
        except QueryTooExpensive as error:
            if not api.shorter(error, high - low):
                raise
            continue
        if newest is not None:
            return newest
        high, width = low, width * 8
    return None


def any_entry(api: LokiApi, query: str, start_ns: int, end_ns: int) -> bool:
    """Say whether there is a line in ``[start, end)``.

    Raises
    ------
    SourceError
    """
    at = start_ns
    while at < end_ns:
        until = min(at + api.longest_ns, end_ns)
        try:
            if api.entries(query, at, until, limit=1):
                return True
        except QueryTooExpensive as error:
            if not api.shorter(error, until - at):
                raise
            continue
        at = until
    return False


def _narrower(entries: list[Entry], at: int, until: int) -> int:
    """Return the next window: half of this one, or up to the one nanosecond that all lines of a full answer share."""
    first = min(entry.time_ns for entry in entries)
    if first < max(entry.time_ns for entry in entries):
        return (until - at) // 2
    return first - at if first > at else 1


def _wider(width: int, rows: int, most: int) -> int:
    """Return the next window: about half full at the density just met, and never much wider at once."""
    factor = 8 if not rows else max(1, min(8, most // (2 * rows)))
    return min(width * factor, _LONGEST_NS)


def _one_nanosecond(api: LokiApi, query: str, at: int, shown: list[Entry]) -> list[Entry]:
    """Read a nanosecond with too many lines stream by stream, and a stream from both of its ends.

    The index may know no stream for so short a time, so those of the lines already ``shown`` are asked too.
    """
    selector, rest = split_selector(query)
    streams = {_key(entry.labels): entry.labels for entry in shown}
    streams |= {_key(labels): labels for labels in api.series([selector], at - _AROUND_NS, at + _AROUND_NS)}
    # A selector also fits streams with further labels, unless it says that they have none.
    names = sorted({name for labels in streams.values() for name in labels})
    unique: dict[tuple[object, ...], Entry] = {}
    for labels in streams.values():
        stream = "{" + ", ".join(f"{name}={quoted(labels.get(name, ''))}" for name in names) + "}" + rest
        lines = api.entries(stream, at, at + 1)
        if len(lines) >= api.most_lines:
            lines = _from_both_ends(lines, api.entries(stream, at, at + 1, direction="backward"), api, stream, at)
        unique |= {_same(entry): entry for entry in lines}
    entries = list(unique.values())
    least = max(len(set(map(_same, shown))), _counted(api, query, at) or 0)
    if len(entries) < least:
        raise AnswerUnreadable(
            f"The nanosecond {at} holds {least:,} lines, and its streams give {len(entries):,}.",
            source=api.web.name,
            query=query,
            hint="Lines would be missing, so none are shown as all. Ask again; else read around this instant.",
        )
    return entries


def _from_both_ends(first: list[Entry], last: list[Entry], api: LokiApi, query: str, at: int) -> list[Entry]:
    known = {_same(entry) for entry in first}
    more = [entry for entry in last if _same(entry) not in known]
    counted, held = _counted(api, query, at), len(first) + len(more)
    if counted is None:
        # Servers before 2022 know no nanoseconds: the millisecond has at least as many lines. Without any count, lines
        # may lie between two ends that do not overlap, or behind one that shows nothing new.
        most = _counted(api, query, at + 1, "1ms")
        whole = 0 < len(more) < len(last) or (most is not None and held >= most)
    else:
        whole = held >= counted
    if not whole:
        raise QueryTooExpensive(
            f"More than {held:,} lines of one stream share the nanosecond {at}; Loki gives no way to read them all.",
            source=api.web.name,
            query=query,
            hint="Raise max_entries_limit_per_query of the server, or narrow the filter.",
        )
    return first + more


def _counted(api: LokiApi, query: str, at: int, width: str = "1ns") -> int | None:
    """Count the lines of a window that ends with a nanosecond; None where the server cannot evaluate the query."""
    try:
        return round(sum(value for _, value in api.instant(f"sum(count_over_time({query} [{width}]))", at)))
    except (QueryRejected, QueryTooExpensive):
        return None


def _same(entry: Entry) -> tuple[object, ...]:
    """Return what makes two lines of one nanosecond one: the server keeps equal lines of a stream once."""
    return entry.line, _key(entry.labels), _key(entry.metadata)


def _key(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def split_selector(query: str) -> tuple[str, str]:
    """Return the stream selector of a log query, and what follows it; braces inside strings do not count.

    Examples
    --------
    >>> split_selector('{app="a}"} |= "x" | json')
    ('{app="a}"}', ' |= "x" | json')
    """
    quote = ""
    escaped = False
    for place, letter in enumerate(query):
        if quote:
            if letter == quote and not escaped:
                quote = ""
            escaped = letter == "\\" and not escaped and quote == '"'
        elif letter in '"`':
            quote = letter
        elif letter == "}":
            return query[: place + 1].strip(), query[place + 1 :]
    return query.strip(), ""
