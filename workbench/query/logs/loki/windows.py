"""All lines of a range from a server that gives so many at a time and no way to go on.

Going on from the last time of a full answer loses lines: where a range crosses one of the server's own cuts (hours, by
default), a full answer is not always the first lines, and lines can share a nanosecond. So a full answer is never used.
The window is halved until its answer is not full, and that answer is whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.core.errors import QueryTooExpensive
from workbench.query.logs.loki.api import Entry, LokiApi
from workbench.query.logs.loki.logql import quoted

_HOUR_NS = 3_600_000_000_000
_LONGEST_NS = 24 * _HOUR_NS


def whole_windows(api: LokiApi, query: str, start_ns: int, end_ns: int) -> Iterator[list[Entry]]:
    """Give the lines of ``[start, end)`` in windows, oldest first, each line exactly once.

    Parameters
    ----------
    api : LokiApi
    query : str
        Log query.
    start_ns, end_ns : int
        [ns]

    Raises
    ------
    QueryTooExpensive
        More lines of one stream share a nanosecond than can be read.
    SourceError
    """
    at, width = start_ns, _HOUR_NS
    while at < end_ns:
        until = min(at + width, end_ns)
        found = api.entries(query, at, until)
        if len(found) < api.most_lines:
            yield found
            at = until
            width = _wider(width, len(found), api.most_lines)
        elif until - at > 1:
            width = max((until - at) // 2, 1)
        else:
            yield _one_nanosecond(api, query, at)
            at = until


def _wider(width: int, found: int, most: int) -> int:
    """Return the next window: about half full at the density just met, and never much wider at once."""
    factor = 8 if not found else max(1, min(8, most // (2 * found)))
    return min(width * factor, _LONGEST_NS)


def _one_nanosecond(api: LokiApi, query: str, at: int) -> list[Entry]:
    """Read a nanosecond with too many lines stream by stream, and a stream from both of its ends."""
    selector, rest = split_selector(query)
    found: list[Entry] = []
    for labels in api.series([selector], at, at + 1):
        one = "{" + ", ".join(f"{name}={quoted(value)}" for name, value in sorted(labels.items())) + "}" + rest
        lines = api.entries(one, at, at + 1)
        if len(lines) >= api.most_lines:
            lines = _from_both_ends(lines, api.entries(one, at, at + 1, direction="backward"), api, one, at)
        found += lines
    return found


def _from_both_ends(first: list[Entry], last: list[Entry], api: LokiApi, query: str, at: int) -> list[Entry]:
    def key(entry: Entry) -> tuple[str, tuple[tuple[str, str], ...]]:
        return entry.line, tuple(sorted(entry.metadata.items()))

    known = {key(entry) for entry in first}
    more = [entry for entry in last if key(entry) not in known]
    # Without an overlap, or with nothing new, lines may lie between the two ends.
    if len(more) == len(last) or not more:
        raise QueryTooExpensive(
            f"More than {len(first) + len(more):,} lines of one stream share the nanosecond {at}; "
            "Loki gives no way to read them all.",
            source=api.web.name,
            query=query,
            hint="Raise max_entries_limit_per_query of the server, or narrow the filter.",
        )
    return first + more


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
