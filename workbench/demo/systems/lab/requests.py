"""HTTP requests of the Lab: counts by status and a histogram of durations that are the same requests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.demo.engine.day import Counts, Day, Exposure, Floats, Tally, Target
from workbench.demo.engine.histogram import Buckets
from workbench.demo.engine.season import growth, season
from workbench.demo.engine.streams import split_counts, split_like
from workbench.demo.systems.lab.places import labels

BUCKETS = Buckets((0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0))
SLOW = {"http.slow_2s": 2.0, "http.slow_5s": 5.0}


@dataclass(frozen=True)
class Method:
    """One HTTP method: its load and its usual answers.

    Attributes
    ----------
    rate : float
        Requests of one replica at load 1. [1/min]
    statuses : mapping of status to share
        The first is the usual answer; 500 and 503 are bad.
    median, sigma : float
        Log-normal of the durations. [s], [1]
    """

    name: str
    rate: float
    statuses: dict[str, float]
    median: float
    sigma: float


METHODS = (
    Method("GET", 52.0, {"200": 0.9851, "404": 0.0120, "429": 0.0027, "500": 0.0002, "503": 0.0}, 0.145, 1.08),
    Method("POST", 18.0, {"201": 0.9752, "400": 0.0200, "429": 0.0045, "500": 0.0003, "503": 0.0}, 0.48, 0.76),
)
BAD = ("500", "503")


@dataclass
class Requests:
    """Requests of one replica and method over a day, by minute."""

    method: Method
    statuses: Counts
    buckets: Counts


def load(day: Day) -> Floats:
    """Load of the Lab: season, growth and slow noise. [1]"""
    shape: Floats = season(day.minutes) * growth(day.minutes) * np.exp(day.wander("lab/load", 0.07))
    return shape


def _usual(day: Day, target: Target, method: Method, shape: Floats) -> Requests:
    """Return the background: what would happen without any event."""
    rng = day.rng(f"lab/http/{target.instance}/{method.name}")
    counts = rng.poisson(method.rate * shape)
    shares = np.array(list(method.statuses.values()))
    median = method.median * (0.9 + 0.1 * shape)
    return Requests(
        method,
        rng.multinomial(counts, shares / shares.sum()).T.astype(np.int64),
        rng.multinomial(counts, BUCKETS.shares(median, method.sigma)).T.astype(np.int64),
    )


def _busier(day: Day, requests: Requests, target: Target) -> None:
    """Let ``traffic`` events thin the requests or repeat them."""
    for event, level in day.of("traffic", method=requests.method.name):
        inside = (day.minutes >= event.start) & (day.minutes < event.end)
        rng = day.rng(f"event/{event.id}/{target.instance}/{requests.method.name}")
        total = requests.statuses.sum(axis=0)
        wanted = np.where(inside, rng.poisson(total * level), total)
        for counts in (requests.statuses, requests.buckets):
            shares = (counts / np.maximum(total, 1)).T
            drawn = rng.multinomial(wanted, np.where(total[:, None] > 0, shares, 1 / len(counts))).T
            counts[:, inside] = drawn[:, inside]


def _failing(day: Day, requests: Requests, target: Target, tally: Tally) -> None:
    statuses = list(requests.method.statuses)
    for kind, answer in (("outage", "503"), ("maintenance", "503"), ("slow_burn", "500")):
        for event, level in day.of(kind, instance=target.instance, method=requests.method.name):
            rng = day.rng(f"event/{event.id}/{target.instance}/{requests.method.name}")
            moved = rng.binomial(requests.statuses[0], level)
            requests.statuses[0] -= moved
            requests.statuses[statuses.index(answer)] += moved
            tally.inject(event.id, "http.bad", moved)


def _slowing(day: Day, requests: Requests, target: Target, tally: Tally) -> None:
    for event, level in day.of("latency_regression", instance=target.instance, method=requests.method.name):
        if event.signal != "requests":
            continue
        rng = day.rng(f"event/{event.id}/{target.instance}/{requests.method.name}")
        leaving, arriving = BUCKETS.slow_down(rng, requests.buckets, level, event.factor)
        requests.buckets += arriving - leaving
        for name, threshold in SLOW.items():
            above = BUCKETS.above(threshold)
            tally.inject(event.id, name, (arriving - leaving)[above].sum(axis=0))


def simulate_requests(day: Day, target: Target, shape: Floats, exposure: Exposure, tally: Tally) -> list[Requests]:
    """Add the requests of one replica to its exposure and to the tally.

    Returns
    -------
    list of Requests
        By method and minute, for the logs and traces.
    """
    parts = []
    for method in METHODS:
        requests = _usual(day, target, method, shape)
        _busier(day, requests, target)
        serving = day.serving(target.instance)
        requests.statuses *= serving
        requests.buckets *= serving
        _failing(day, requests, target, tally)
        _slowing(day, requests, target, tally)
        _expose(day, target, requests, exposure)
        names = list(method.statuses)
        tally.add("http.total", requests.statuses.sum(axis=0))
        tally.add("http.bad", requests.statuses[[names.index(status) for status in BAD]].sum(axis=0))
        for name, threshold in SLOW.items():
            tally.add(name, requests.buckets[BUCKETS.above(threshold)].sum(axis=0))
        parts.append(requests)
    return parts


def _expose(day: Day, target: Target, requests: Requests, exposure: Exposure) -> None:
    method = requests.method.name
    rng = day.rng(f"lab/http/{target.instance}/{method}/parts")
    buckets = split_counts(rng, requests.buckets, day.parts)
    statuses = split_like(rng, requests.statuses, buckets.sum(axis=0))
    for status, row in zip(requests.method.statuses, statuses, strict=True):
        exposure.count(labels(target, "http_requests_total", method=method, status=status), row, late=status == "503")
    BUCKETS.expose(
        exposure,
        "http_request_duration_seconds",
        {name: text for name, text in labels(target, "", method=method).items() if name != "__name__"},
        buckets,
    )
