"""The kinds of events a scenario may hold: what their magnitude means and what can narrow them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of event.

    Attributes
    ----------
    magnitude : (float, float)
        Least and greatest magnitude; (0, 0) for kinds without one.
    unit : str
        What the magnitude means.
    where : tuple of str
        Labels that may narrow the event.
    shape : str
        Course of the strength unless the file says otherwise: constant, ramp (0 up to the magnitude) or pulses.
    lasts : bool
        Whether it has a duration.
    """

    magnitude: tuple[float, float]
    unit: str
    where: tuple[str, ...]
    shape: str = "constant"
    lasts: bool = True


#: What narrows an event that acts on requests; a system knows some of them.
_REQUESTS = ("instance", "method", "endpoint", "provider", "model", "key")

KINDS: dict[str, Kind] = {
    "outage": Kind((0, 1), "share of requests answered 503", _REQUESTS),
    "slow_burn": Kind((0, 1), "share of requests answered 500", _REQUESTS),
    "latency_regression": Kind(
        (0, 1), "share of requests or generations that take `factor` times as long", (*_REQUESTS, "generator")
    ),
    "generation_failures": Kind((0, 1), "share of generations that fail", ("generator",)),
    "quality_drift": Kind((-1, 1), "fall of the quality score at the end of the event", ("generator",), "ramp"),
    "bias_drift": Kind((-1, 1), "rise of the bias score at the end of the event", ("attribute",), "ramp"),
    "filling_disk": Kind(
        (0, 1),
        "share of the disk used up at the end of the event",
        ("node", "mountpoint", "instance", "device"),
        "ramp",
    ),
    "flapping_alert": Kind(
        (0, 1), "share of generations that take `factor` times as long while on", ("generator",), "pulses"
    ),
    "stale_alert": Kind((0, 64), "memory leaked by the container or instance [GiB]", ("container", "instance")),
    "maintenance": Kind((0, 1), "share of requests answered 503 by the instances in maintenance", ("instance",)),
    "traffic": Kind((0, 20), "requests as a multiple of the usual number", _REQUESTS),
    "deploy": Kind((0, 0), "", ("instance",), lasts=False),
    "crash": Kind((0, 0), "", ("instance",)),
    "failed_backup": Kind((0, 0), "", ()),
    "silence": Kind((0, 0), "", ("alertname",)),
    "scrape_gap": Kind((0, 0), "", ("job",)),
    "provider_outage": Kind((0, 1), "share of the requests to the provider that fail", ("provider", "model")),
    "provider_limit": Kind(
        (0, 1), "share of the requests to the provider that its limit refuses", ("provider", "model")
    ),
    "model_switch": Kind((0, 1), "share of the requests that go to the dearer model", ("key", "provider", "model")),
    "runaway_key": Kind((1, 500), "requests of the key as a multiple of the usual number", ("key",)),
    "cache_drift": Kind((0, 100), "drift of the cache statistics between instances at the end [percent]", (), "ramp"),
    "queue_backlog": Kind((0, 1), "share of the workers that is gone", ("queue",)),
    "connection_surge": Kind((0, 20_000), "connections added at the end of the event", ("key",), "ramp"),
    "auth_attack": Kind((0, 5000), "attempts to sign in with wrong passwords [1/min]", ()),
    "alert_burst": Kind((0, 1), "share of requests that fail while the database is gone", ()),
}
