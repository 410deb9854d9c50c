"""Compares what attribution found with what a scenario injected."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from workbench.core.result import Study
from workbench.core.timerange import parse_instant

#: Length of the slices in which events are counted. [s]
SLICE_S = 300.0

#: Minus the logarithm of the chance that is taken for none: one in a hundred.
CERTAIN = math.log(100)

#: Words of a scenario -> labels of the metrics that say the same.
LABELS = {"generator": {"method"}, "key": {"key", "virtual_key_id"}, "method": {"method"}}


@dataclass(frozen=True)
class Injected:
    """One injected event as one objective felt it: how many failures it added, and what it saw in all meanwhile."""

    event: str
    kind: str
    objective: str
    start: datetime
    end: datetime
    count: int
    where: dict[str, list[str]]
    bad: int
    total: int

    @property
    def sudden(self) -> bool:
        """Whether it began and ended at once; its edges are then known to the slice."""
        return self.kind in ("outage", "provider_outage", "maintenance", "alert_burst")

    def slack_s(self, episode: pd.Series) -> float:
        """How far an edge may be off: one slice for what is abrupt, else one hour or a tenth.

        One slice needs enough requests in each to tell the two sides of an edge apart. A whole slice on the wrong side
        is likelier than on the right one with a probability below exp(-C), where C is the Chernoff information between
        the two shares of failures over the requests of a slice [1]_; where exp(-C) is above one in a hundred, so many
        slices are allowed as make it smaller.

        .. [1] H. Chernoff, A measure of asymptotic efficiency for tests of a hypothesis based on the sum of
           observations, Annals of Mathematical Statistics 23, 1952.
        """
        length = (self.end - self.start).total_seconds()
        if not self.sudden:
            return max(3600.0, 0.1 * length)
        return SLICE_S * max(1, math.ceil(CERTAIN / information(episode)))


def information(episode: pd.Series) -> float:
    """Chernoff information between the shares inside an episode and around it, over the requests of one slice."""
    inside, around = (min(episode[name] / episode["total"], 0.999) for name in ("bad", "expected"))
    weights = np.linspace(0.01, 0.99, 99)
    likelihoods = inside**weights * around ** (1 - weights) + (1 - inside) ** weights * (1 - around) ** (1 - weights)
    return float(-np.log(likelihoods.min()) * episode["total"] * SLICE_S / 60 / episode["minutes"])


def injected(truth: dict[str, Any], system: str) -> list[Injected]:
    """Events that an objective of a system felt, and that are over."""
    return [
        Injected(
            event["id"], event["kind"], objective, parse_instant(event["start"]), parse_instant(event["end"]),
            count, event["where"], event["observed"][objective]["bad"], event["observed"][objective]["total"],
        )
        for event in truth["events"]
        if event["system"] == system and event["state"] == "over"
        for objective, count in event["injected"].items()
        if count
    ]  # fmt: skip


def tellable(study: Study, one: Injected) -> bool:
    """Whether the failures of an event are more than chance explains.

    Their log likelihood ratio against the usual share must be half again what an episode needs, as rises are looked for
    a factor of three apart and on whole slices.
    """
    frame = study.results["spending"].frame
    (rest,) = frame[(frame["objective"] == one.objective) & (frame["kind"] == "usual")].to_dict("records")
    usual, share = rest["expected"] / rest["total"], min(one.bad / one.total, 0.999)
    ratio = one.bad * math.log(share / usual) + (one.total - one.bad) * math.log((1 - share) / (1 - usual))
    slices = (study.range.end - study.range.start).total_seconds() / SLICE_S
    return ratio >= 1.5 * (math.log(slices) + 4)


def overlapping(study: Study, one: Injected) -> pd.DataFrame:
    """Episodes that overlap an event."""
    frame = study.results["spending"].frame
    return frame[
        (frame["objective"] == one.objective)
        & (frame["kind"] == "episode")
        & (frame["start"] < one.end)
        & (frame["end"] > one.start)
    ]


def narrowed(study: Study, objective: str, episode: int) -> dict[str, list[str]]:
    """Labels that an episode was narrowed to."""
    frame = study.results["contributions"].frame
    part = frame[(frame["objective"] == objective) & (frame["episode"] == episode) & frame["narrowed"]]
    return {str(label): sorted(rows["value"]) for label, rows in part.groupby("label")}


def wrong(study: Study, one: Injected) -> str:
    """What is wrong with how an event was attributed; empty when nothing is."""
    near = overlapping(study, one).sort_values("bad")
    if near.empty:
        return f"{one.event}: not found in {one.objective} ({one.count} injected)"
    episode, excess = near.iloc[-1], float(near["excess"].sum())
    off = [(episode[name] - edge).total_seconds() for name, edge in (("start", one.start), ("end", one.end))]
    if max(map(abs, off)) > (allowed := one.slack_s(episode)):
        return f"{one.event}: {one.objective} off by {off} s, allowed {allowed:g}"
    if abs(excess - one.count) > max(0.15 * one.count, 3 * float(near["expected"].sum()) ** 0.5 + 6):
        return f"{one.event}: {one.objective} {excess:.0f} instead of {one.count}"
    labels = {str(name) for name in study.results["contributions"].frame["label"].unique()}
    mine = study.results["contributions"].frame
    own = mine[(mine["objective"] == one.objective) & (mine["episode"] == episode["episode"])]
    told = narrowed(study, one.objective, int(episode["episode"]))
    for word, values in one.where.items():
        for label in LABELS.get(word, {word}) & labels:
            seen = set(own.loc[own["label"] == label, "value"])
            if seen and set(values) < seen and told.get(label) != sorted(values):
                return f"{one.event}: {one.objective} narrowed to {told}, not {label}={values}"
    return ""
