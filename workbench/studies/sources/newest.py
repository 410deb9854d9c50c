"""The age of what was read: time of the newest sample behind PromQL queries, never that of an evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from workbench.core.errors import WorkbenchError
from workbench.core.source import MetricSource
from workbench.core.timerange import duration_text, from_ms
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
    texts = dict.fromkeys(
        print_query(replace(selector, range_ms=None, offset_ms=0, at=None))
        for query in queries
        for selector in selectors(parse(query))
    )
    questions = list(_joined(texts))
    back = duration_text(max(end_ms - start_ms, LOOKBACK_MS))
    for wording in ("{}", f"max_over_time(({{}})[{back}:{duration_text(LOOKBACK_MS)}])"):
        times = [ms for question in questions if (ms := _largest(source, wording.format(question), end_ms)) is not None]
        if times:
            return max(times)
    return None


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


def _largest(source: MetricSource, query: str, at_ms: int) -> int | None:
    try:
        answer = source.instant(query, from_ms(at_ms))
    except WorkbenchError:
        return None
    values = answer.values[answer.present & np.isfinite(answer.values)]
    return round(float(values.max()) * 1000) if values.size else None
