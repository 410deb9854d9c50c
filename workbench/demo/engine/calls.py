"""A sample of the requests of a flow, for logs and traces: instants, durations and ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from workbench.demo.engine.day import MINUTES, Counts, Day, Floats
from workbench.demo.engine.histogram import Buckets
from workbench.demo.engine.processes import Restart
from workbench.demo.engine.records import hex_ids

NS = 1_000_000_000


@dataclass(frozen=True)
class Call:
    """One sampled request.

    Attributes
    ----------
    start_ns, length_ns : int
        Start since the epoch and duration. [ns]
    trace, span : str
        Ids of the trace and of its root.
    more : tuple of str
        Ids for further spans of the trace.
    chance : float
        A number between 0 and 1 for further draws.
    minute : int
        Minute of the day. [min]
    """

    start_ns: int
    length_ns: int
    trace: str
    span: str
    more: tuple[str, ...]
    chance: float
    minute: int


def place(rng: Generator, buckets: Buckets, held: Counts, minutes: Counts) -> Floats:
    """Draw a duration from the histogram of each minute: a bucket by its share, then a place inside it. [s]"""
    cumulative = np.cumsum(held, axis=0)[:, minutes]
    bucket = (cumulative <= rng.random(len(minutes)) * cumulative[-1]).sum(axis=0)
    edges = np.array([buckets.edges[0] / 4, *buckets.edges, buckets.edges[-1] * 2])
    bucket = np.minimum(bucket, len(edges) - 2)
    drawn: Floats = edges[bucket] * (edges[bucket + 1] / edges[bucket]) ** rng.random(len(minutes))
    return drawn


def kept(day: Day, name: str, streams: Sequence[Counts], keep: int) -> list[Counts]:
    """Keep every ``keep``-th of the requests of several streams together, as a logger does that counts them.

    The first one of the day is drawn. Over any stretch ``keep`` times the requests kept is off by less
    than ``keep``.

    Parameters
    ----------
    name : str
        Name of the sampler: streams that share it are counted together.
    streams : sequence of int64 array, (MINUTES,)
        Requests to choose from.
    keep : int
        One in so many is kept.

    Returns
    -------
    list of int64 array, (MINUTES,)
        Requests kept of each stream.
    """
    rng = day.rng(f"{name}/sampler")
    counts = np.stack(streams)
    passed = rng.integers(keep) + np.cumsum(counts.sum(axis=0))
    chosen = np.diff(passed // keep, prepend=0)
    split = np.zeros_like(counts)
    for minute in np.flatnonzero(chosen).tolist():
        split[:, minute] = rng.multivariate_hypergeometric(counts[:, minute], chosen[minute])
    return list(split)


def sampled(day: Day, name: str, chosen: Counts, buckets: Buckets, held: Counts, *, inner: int) -> Iterator[Call]:
    """Yield the chosen requests of a day, with ids for ``inner`` further spans.

    Parameters
    ----------
    chosen : int64 array, (MINUTES,)
        Requests kept of the stream ``name``; see :func:`kept`.
    held : int64 array, (buckets, MINUTES)
        Histogram the durations are drawn from.
    """
    rng = day.rng(f"{name}/records")
    minutes = np.repeat(np.arange(MINUTES), chosen)
    count = len(minutes)
    lengths = (place(rng, buckets, held, minutes) * NS).astype(np.int64).tolist()
    starts = ((day.index * 86_400 + minutes * 60) * NS + (rng.random(count) * 60 * NS).astype(np.int64)).tolist()
    chances = rng.random(count).tolist()
    traces, spans = hex_ids(rng, count, 32), hex_ids(rng, count * (1 + inner), 16)
    for index, minute in enumerate(minutes.tolist()):
        own = spans[index * (1 + inner) : (index + 1) * (1 + inner)]
        yield Call(starts[index], lengths[index], traces[index], own[0], tuple(own[1:]), chances[index], minute)


def starts_and_stops(day: Day) -> Iterator[tuple[int, Restart, str, str]]:
    """Yield (time, restart, ``stopped`` or ``started``, version) of the restarts of a day. [ns]"""
    versions = {event.id: event.version for event in day.events}
    for restarts in day.restarts.values():
        for restart in restarts:
            if restart.reset // MINUTES == day.index:
                version = versions.get(restart.event, "")
                yield restart.down * 60 * NS + 1, restart, "stopped", version
                yield int(restart.started_s * 1000) * 1_000_000, restart, "started", version
