"""How a range query is cut into requests: slices on the step grid, disjoint, under the limits of the server.

A server evaluates one query on one core and refuses more than 11,000 points a series, so a long range is asked in
slices. Slice k starts one step after slice k - 1 ends: no point is asked twice and none is lost, whatever the server
thinks of the borders of ranges inside the query.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from workbench.core.errors import ParameterError, QueryTooExpensive
from workbench.core.source import QueryCost

#: Most points of one series in one answer of Prometheus; VictoriaMetrics allows 30,000.
MAX_POINTS = 11_000

#: Samples that one request asks for: small enough to hold two answers in little memory, large enough to be rare.
REQUEST_SAMPLES = 400_000

#: Requests at the same time against one server.
WORKERS = 2

_BYTES_A_SAMPLE = 25

_TOKENS = re.compile(
    r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`|#[^\n]*'
    r"|(?P<at>@\s*(?P<edge>start|end)\s*\(\s*\))|(?P<bound>(?<![\w:])(?:start|end|range)\s*\(\s*\))"
)


@dataclass(frozen=True)
class Slice:
    """One request: evaluate at ``start_ms, start_ms + step, ..., end_ms``, columns ``first`` onwards of the grid."""

    start_ms: int
    end_ms: int
    first: int
    steps: int


def steps_between(start_ms: int, end_ms: int, step_ms: int) -> int:
    """Count the evaluations at ``start, start + step, ...`` up to and including the end. [count]

    Examples
    --------
    >>> steps_between(0, 3_600_000, 60_000)
    61
    """
    if step_ms <= 0:
        raise ParameterError(f"A step of {step_ms} ms cannot be used.", hint="A step is longer than nothing.")
    return (end_ms - start_ms) // step_ms + 1


def slices(
    start_ms: int,
    end_ms: int,
    step_ms: int,
    *,
    series: int | None = None,
    max_points: int = MAX_POINTS,
    request_samples: int = REQUEST_SAMPLES,
) -> tuple[Slice, ...]:
    """Cut a range into requests of about equal length.

    Parameters
    ----------
    start_ms, end_ms : int
        First evaluation, and the moment after which there is none. [ms since the epoch]
    step_ms : int
        Distance of evaluations. [ms]
    series : int, optional
        Series expected in the answer; None cuts by points alone. [count]
    max_points : int
        Points of one series in one answer. [count]
    request_samples : int
        Samples in one answer. [count]

    Returns
    -------
    tuple of Slice
        In order of time; together they hold each step once.

    Examples
    --------
    >>> [part.steps for part in slices(0, 21_999_000, 1_000)]
    [11000, 11000]
    """
    steps = steps_between(start_ms, end_ms, step_ms)
    count = max(-(-steps // max_points), -(-steps * (series or 0) // request_samples), 1)
    if count > 1:
        count = min(-(-count // WORKERS) * WORKERS, steps)
    bounds = [steps * i // count for i in range(count + 1)]
    return tuple(Slice(start_ms + a * step_ms, start_ms + (b - 1) * step_ms, a, b - a) for a, b in pairwise(bounds))


def pinned(query: str, start_ms: int, end_ms: int) -> tuple[str, bool]:
    """Write the range's own bounds into ``@ start()`` and ``@ end()``, which would else mean those of a slice.

    Returns
    -------
    str
        The query with fixed instants.
    bool
        Whether it may be cut: not when it calls ``start()``, ``end()`` or ``range()`` as values.

    Examples
    --------
    >>> pinned('rate(x[5m] @ end()) / y{a="@ end()"}', 0, 90_500)
    ('rate(x[5m] @ 90.500) / y{a="@ end()"}', True)
    """
    whole = True

    def fix(match: re.Match[str]) -> str:
        nonlocal whole
        if match["at"]:
            return f"@ {seconds_text(start_ms if match['edge'] == 'start' else end_ms)}"
        if match["bound"]:
            whole = False
        return match[0]

    return _TOKENS.sub(fix, query), whole


def seconds_text(ms: int) -> str:
    """Milliseconds as the decimal seconds of the API, exactly.

    Examples
    --------
    >>> seconds_text(1_795_209_060_500), seconds_text(60_000)
    ('1795209060.500', '60')
    """
    sign, (whole, rest) = "-" if ms < 0 else "", divmod(abs(ms), 1000)
    return f"{sign}{whole}.{rest:03d}" if rest else f"{sign}{whole}"


def cost_of(series: int | None, steps: int, requests: int) -> QueryCost:
    """Say in numbers and in words what a range query will ask for."""
    points = None if series is None else series * steps
    if points is None:
        text = f"{steps:,} steps of an unknown number of series in {_requests(requests)}"
    else:
        size = points * _BYTES_A_SAMPLE / 1e6
        text = (
            f"about {series:,} series x {steps:,} steps = {points:,} points ({size:,.1f} MB) in {_requests(requests)}"
        )
    return QueryCost(series=series, steps=steps, points=points, requests=requests, text=text)


def affordable(cost: QueryCost, *, max_samples: int, max_series: int) -> None:
    """Refuse a query that is over the limits before it runs.

    Raises
    ------
    QueryTooExpensive
    """
    if max(cost.points or 0, cost.steps) > max_samples:
        raise QueryTooExpensive(
            f"This would read {cost.text}; the limit is {max_samples:,} samples.",
            hint="Ask for a shorter range, a longer step or fewer series, or raise limits.samples in the settings.",
        )
    if (cost.series or 0) > max_series:
        raise QueryTooExpensive(
            f"This would read {cost.text}; the limit is {max_series:,} series.",
            hint="Aggregate, or match fewer series, or raise limits.series in the settings.",
        )


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"
