"""Compares what attribution found with what a scenario injected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from workbench.core.result import Study
from workbench.core.timerange import parse_instant

#: Words of a scenario -> labels of the metrics that say the same.
LABELS = {"generator": {"method"}, "key": {"key", "virtual_key_id"}, "method": {"method"}}


@dataclass(frozen=True)
class Injected:
    """One injected event as one objective felt it."""

    event: str
    kind: str
    objective: str
    start: datetime
    end: datetime
    count: int
    where: dict[str, list[str]]

    @property
    def slack_s(self) -> float:
        """How far an edge may be off: one slice for what is abrupt, else one hour or a tenth.

        Where few requests fail, an edge shows no sooner than the next of them: three gaps between failures are added.
        """
        sudden = self.kind in ("outage", "provider_outage", "maintenance", "alert_burst")
        length = (self.end - self.start).total_seconds()
        return 300.0 + 3 * length / self.count if sudden else max(3600.0, 0.1 * length)


def injected(truth: dict[str, Any], system: str) -> list[Injected]:
    """Events that an objective of a system felt, and that are over."""
    return [
        Injected(
            event["id"], event["kind"], objective, parse_instant(event["start"]), parse_instant(event["end"]),
            count, event["where"],
        )
        for event in truth["events"]
        if event["system"] == system and event["state"] == "over"
        for objective, count in event["injected"].items()
        if count
    ]  # fmt: skip


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
    if max(map(abs, off)) > one.slack_s:
        return f"{one.event}: {one.objective} off by {off} s, allowed {one.slack_s:g}"
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
