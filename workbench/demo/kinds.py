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


KINDS: dict[str, Kind] = {
    "outage": Kind((0, 1), "share of requests answered 503", ("instance", "method")),
    "slow_burn": Kind((0, 1), "share of requests answered 500", ("instance", "method")),
    "latency_regression": Kind(
        (0, 1), "share of requests or generations that take `factor` times as long", ("instance", "method", "generator")
    ),
    "generation_failures": Kind((0, 1), "share of generations that fail", ("generator",)),
    "quality_drift": Kind((-1, 1), "fall of the quality score at the end of the event", ("generator",), "ramp"),
    "bias_drift": Kind((-1, 1), "rise of the bias score at the end of the event", ("attribute",), "ramp"),
    "filling_disk": Kind((0, 1), "share of the disk used up at the end of the event", ("node", "mountpoint"), "ramp"),
    "flapping_alert": Kind(
        (0, 1), "share of generations that take `factor` times as long while on", ("generator",), "pulses"
    ),
    "stale_alert": Kind((0, 64), "memory leaked by the container [GiB]", ("container",)),
    "maintenance": Kind((0, 1), "share of requests answered 503 by the instances in maintenance", ("instance",)),
    "traffic": Kind((0, 20), "requests as a multiple of the usual number", ("method",)),
    "deploy": Kind((0, 0), "", ("instance",), lasts=False),
    "crash": Kind((0, 0), "", ("instance",)),
    "scrape_gap": Kind((0, 0), "", ("job",)),
}
