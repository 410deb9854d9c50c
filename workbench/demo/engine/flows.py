"""Requests as flows: how many of a kind end in which way, how long they take, how many tokens they cost.

A flow is a mapping of outcome to counts by minute. The background is drawn from streams named after the flow, every
event moves counts by a stream of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.core.series import Labels
from workbench.demo.engine.day import MINUTES, Counts, Day, Exposure, Floats, Tally
from workbench.demo.engine.histogram import Buckets
from workbench.demo.engine.streams import split_counts, split_like

Flow = dict[str, Counts]

#: Money moves in units of 2**-36 dollars: prices of single tokens keep five digits and every sum stays exact.
MONEY = 2**36


def drawn(day: Day, name: str, rate: Floats, shares: Mapping[str, float], serving: NDArray[np.bool_]) -> Flow:
    """Draw the background of a flow.

    Parameters
    ----------
    day : Day
        The day to simulate.
    name : str
        Name of the stream, e.g. ``conduit/vk-001/gpt-4o``.
    rate : float64 array, (MINUTES,)
        Requests expected. [1/min]
    shares : mapping of outcome to share
        The first is the usual outcome.
    serving : bool array, (MINUTES,)
        Minutes in which anybody answers.
    """
    rng = day.rng(name)
    parts = np.array(list(shares.values()))
    counts = rng.multinomial(rng.poisson(rate), parts / parts.sum()).T * serving
    return {outcome: row.astype(np.int64) for outcome, row in zip(shares, counts, strict=True)}


def total(flow: Flow, *outcomes: str) -> Counts:
    """Add up requests of some outcomes, of all of them by default; by minute, or by part of one."""
    summed: Counts = np.sum([flow[name] for name in outcomes or flow], axis=0)
    return summed


def multiplied(day: Day, name: str, flow: Flow, kind: str, **labels: str) -> None:
    """Let events of a kind repeat or thin a flow: ``magnitude`` times the usual requests, with the usual outcomes."""
    for event, level in day.of(kind, **labels):
        inside = (day.minutes >= event.start) & (day.minutes < event.end)
        rng = day.rng(f"event/{event.id}/{name}")
        for outcome, counts in flow.items():
            flow[outcome] = np.where(inside, rng.poisson(counts * level), counts)


def diverted(
    day: Day, tally: Tally, name: str, flow: Flow, kinds: str | Sequence[str], to: str, counted: Sequence[str],
    **labels: str,
) -> None:  # fmt: skip
    """Let events of some kinds move a share of the usual outcome to another one.

    Parameters
    ----------
    to : str
        The other outcome.
    counted : sequence of str
        Tallies that hold what is moved as injected.
    **labels
        What the flow is; an event narrowed to something else leaves it alone.
    """
    usual = next(iter(flow))
    for event, level in day.of(*([kinds] if isinstance(kinds, str) else kinds), **labels):
        moved = day.rng(f"event/{event.id}/{name}/{to}").binomial(flow[usual], level)
        flow[usual] = flow[usual] - moved
        flow[to] = flow[to] + moved
        for tallied in counted:
            tally.inject(event.id, tallied, moved)


def split(day: Day, name: str, flow: Flow) -> Flow:
    """Split the counts of each minute over the scrapes of the minute."""
    rng = day.rng(f"{name}/parts")
    return {outcome: split_counts(rng, counts, day.parts) for outcome, counts in flow.items()}


def durations(
    day: Day, tally: Tally, name: str, counts: Counts, buckets: Buckets, course: tuple[Floats, float],
    slow: Mapping[str, float], **labels: str,
) -> Counts:  # fmt: skip
    """Draw how long the requests of each minute take, and let ``latency_regression`` events slow a share of them.

    Parameters
    ----------
    counts : int64 array, (MINUTES,)
        Requests.
    course : (float64 array of MINUTES, float)
        Median and sigma of the log-normal. [s], [1]
    slow : mapping of tally to a bucket's edge
        Requests above the edge are tallied. [s]

    Returns
    -------
    int64 array, (buckets, MINUTES)
    """
    held: Counts = day.rng(f"{name}/durations").multinomial(counts, buckets.shares(*course)).T.astype(np.int64)
    for event, level in day.of("latency_regression", **labels):
        rng = day.rng(f"event/{event.id}/{name}/durations")
        leaving, arriving = buckets.slow_down(rng, held, level, event.factor)
        held = held + arriving - leaving
        for tallied, edge in slow.items():
            tally.inject(event.id, tallied, (arriving - leaving)[buckets.above(edge)].sum(axis=0))
    for tallied, edge in slow.items():
        tally.add(tallied, held[buckets.above(edge)].sum(axis=0))
    return held


def expose_durations(
    day: Day, name: str, exposure: Exposure, family: Labels, buckets: Buckets, held: Counts, totals: Counts
) -> None:
    """Expose a histogram whose ``_count`` is, in every scrape, the requests counted elsewhere.

    Parameters
    ----------
    family : Labels
        Labels with the family's name under ``__name__``.
    held : int64 array, (buckets, MINUTES)
        Observations per bucket and minute.
    totals : int64 array, (MINUTES * parts,)
        Observations per part of a minute.
    """
    parts = split_like(day.rng(f"{name}/durations/parts"), held, totals)
    labels = {label: text for label, text in family.items() if label != "__name__"}
    buckets.expose(exposure, family["__name__"], labels, parts)


def tokens(day: Day, name: str, counts: Counts, mean: float) -> Counts:
    """Draw the tokens of all requests of each minute together; the same noise whatever the number of requests."""
    if not mean:
        return np.zeros_like(counts)
    noise = day.rng(f"{name}/tokens").standard_normal(MINUTES)
    drawn_: Counts = np.maximum(np.rint(counts * mean + np.sqrt(counts) * 0.8 * mean * noise), counts).astype(np.int64)
    return drawn_


def price(dollars: float) -> int:
    """Price of one token or picture in units of money, rounded.

    Examples
    --------
    >>> round(price(2.5e-6) / MONEY * 1e6, 4)
    2.5
    """
    return round(dollars * MONEY)
