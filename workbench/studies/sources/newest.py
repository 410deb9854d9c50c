"""The age of what was read: time of the newest sample behind PromQL queries, never that of an evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import numpy as np

from workbench.core.errors import WorkbenchError
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, duration_text, from_ms
from workbench.promql import parse
from workbench.promql.parser.printer import print_query
from workbench.promql.parser.scope import selectors

#: A sample is visible to an instant query for this long; a search in steps of it misses none. [ms]
LOOKBACK_MS = 300_000

#: Selectors put into one query. [characters]
_LONGEST = 6_000


def newest_sample(source: MetricSource, queries: Iterable[str], *, start_ms: int, end_ms: int) -> int | None:
    """Return the time of the newest sample that queries over a range could read. [ms since the epoch]

    ``rate(x[7d])`` has a value at every step for a week after ``x`` ended, so the time of a step says nothing about the
    age of the data. This asks ``timestamp()`` of each selector at the end of the range, and only where none is young
    looks back over the range in steps of five minutes.

    Parameters
    ----------
    source : MetricSource
        The source that answered the queries.
    queries : iterable of str
        As they were asked, scope included.
    start_ms, end_ms : int
        First and last instant of evaluation. [ms since the epoch]

    Returns
    -------
    int or None
        None where no selector has a sample, or the source does not tell.
    """
    together = tuple(dict.fromkeys(text for query in queries for text in _selector_texts(query)))
    return _newest_of(source, {"": together}, start_ms=start_ms, end_ms=end_ms).get("")


def newest_samples(source: MetricSource, queries: Iterable[str], *, start_ms: int, end_ms: int) -> dict[str, int]:
    """Return the time of the newest sample behind each of several queries, asked at once. [ms since the epoch]

    Parameters
    ----------
    source : MetricSource
        The source that answered the queries.
    queries : iterable of str
        As they were asked, scope included.
    start_ms, end_ms : int
        First and last instant of evaluation. [ms since the epoch]

    Returns
    -------
    dict of str to int
        By query; one whose selectors have no sample, or where the source does not tell, is left out.
    """
    return _newest_of(source, {query: _selector_texts(query) for query in queries}, start_ms=start_ms, end_ms=end_ms)


def recorded_until(newest: datetime | None, last_ns: int | None, span: TimeRange) -> datetime:
    """Return until when the records of a range are known.

    That is its end, unless the metrics of the system and its records both end more than five minutes before: what came
    after was not seen, and is no lull. Where the age of the metrics is not known, nobody can tell one from the other.

    Parameters
    ----------
    newest : datetime or None
        Newest sample of the source of metrics. [UTC]
    last_ns : int or None
        Newest record of the range. [ns since the epoch]
    span : TimeRange
        The range.

    Returns
    -------
    datetime
        Within the range. [UTC]

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    >>> hour = TimeRange(noon - timedelta(hours=1), noon)
    >>> [f"{recorded_until(noon - timedelta(minutes=age), None, hour):%H:%M}" for age in (4, 20, 90)]
    ['12:00', '11:40', '11:00']
    """
    if newest is None:
        return span.end
    seen = max(newest, from_ms((last_ns or 0) // 1_000_000 + 1))
    return span.end if (span.end - seen).total_seconds() * 1000 <= LOOKBACK_MS else max(seen, span.start)


def _newest_of(
    source: MetricSource, groups: Mapping[str, tuple[str, ...]], *, start_ms: int, end_ms: int
) -> dict[str, int]:
    """Return the newest sample of each group of selectors; it is looked for further back where none is young."""
    back = duration_text(max(end_ms - start_ms, LOOKBACK_MS))
    times: dict[str, int] = {}
    for wording in ("{}", f"max_over_time(({{}})[{back}:{duration_text(LOOKBACK_MS)}])"):
        old = [texts for texts in groups.values() if not times.keys() & texts]
        unknown = list(dict.fromkeys(text for texts in old for text in texts))
        for question in _joined(unknown):
            for number, ms in _newest(source, wording.format(question), end_ms):
                times[unknown[number]] = ms
    known = {name: [times[text] for text in texts if text in times] for name, texts in groups.items()}
    return {name: max(newest) for name, newest in known.items() if newest}


def _selector_texts(query: str) -> tuple[str, ...]:
    """Plain selectors of a query, without ranges and offsets, each once.

    Those of several metrics are left out: ``timestamp()`` drops their names, and equal label sets are an error that
    would leave all others without an answer.
    """
    named = (selector for selector in selectors(parse(query)) if selector.name)
    plain = (replace(selector, range_ms=None, offset_ms=0, at=None) for selector in named)
    return tuple(dict.fromkeys(map(print_query, plain)))


def _joined(texts: Iterable[str]) -> Iterator[str]:
    """Yield few queries that ask for the newest sample of many selectors, each under a label of its own."""
    part = ""
    for number, text in enumerate(texts):
        more = f'label_replace(max(timestamp({text})), "selector", "{number}", "", "")'
        if part and len(part) + len(more) > _LONGEST:
            yield part
            part = ""
        part = f"{part} or {more}" if part else more
    if part:
        yield part


def _newest(source: MetricSource, query: str, at_ms: int) -> Iterator[tuple[int, int]]:
    """Yield the number and the newest sample of each selector of a question."""
    try:
        answer = source.instant(query, from_ms(at_ms))
    except WorkbenchError:
        return
    for row, labels in enumerate(answer.labels):
        values = answer.values[row][answer.present[row] & np.isfinite(answer.values[row])]
        if values.size:
            yield int(labels["selector"]), round(float(values.max()) * 1000)
