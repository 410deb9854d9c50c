"""Quality and capacity on first pages of drawn scenarios, against what `demo truth` says happened."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.demo_home import END
from tests.soak.level_scenarios import write_levels
from workbench import system_report
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import load_catalog
from workbench.core.periods import periods_up_to
from workbench.core.timerange import TimeRange, calendar_range
from workbench.demo import build_demo
from workbench.studies import Context

#: A ramp is seen when it has left the noise; its end is known to an hour or two.
ONSET, END_OF_DRIFT = pd.Timedelta(days=3), pd.Timedelta(hours=6)

#: A drift counts as open until the score has kept to its reference for some days.
SETTLED = pd.Timedelta(days=7)

#: Scatter of a day's mean about its reference. [score]
NOISE = 0.012

#: Dates of a limit are medians of a forecast; a disk that fills evenly is dated to a part of the time ahead.
LEAST_ERROR, SHARE_OF_AHEAD = pd.Timedelta(hours=12), 0.25

#: Days of notice of the shipped profiles, and the limit that is assumed.
LEAD, LIMIT = pd.Timedelta(days=14), 0.9


def faults(ctx: Context, truth: Mapping[str, Any], system: str, span: TimeRange) -> Iterator[str]:
    """Say where the answers on quality and capacity differ from the truth."""
    questions = ("quality", "capacity")
    studies = system_report(ctx, system=system, range=span, as_of=span.end, questions=questions)
    rows = studies["report_findings"].results["findings"].frame.set_index("id")
    events = [event for event in truth["events"] if event["system"] == system]
    if system == "counterfactual-lab":
        yield from _quality_faults(rows, [event for event in events if event["kind"].endswith("_drift")], span)
    yield from _capacity_faults(rows, [event for event in events if event["kind"] == "filling_disk"], span)


def _quality_faults(rows: pd.DataFrame, events: list[dict[str, Any]], span: TimeRange) -> Iterator[str]:
    own = {value: event for event in events if _inside(event, span) for values in event["where"].values()
           for value in values}  # fmt: skip
    answer = rows[rows["question"] == "quality"].iloc[0]
    facts = answer["facts"]
    if facts["drifted"] != len(own):
        yield f"{facts['drifted']} scores drifted, true {sorted(own)}"
    if not own or "series" not in facts:
        return
    event = own.get(facts["series"].rpartition(" ")[2])
    if event is None:
        yield f"{facts['series']} drifted, true {sorted(own)}"
        return
    rise = event["magnitude"] if event["kind"] == "bias_drift" else -event["magnitude"]
    if facts["direction"] != ("higher" if rise > 0 else "lower"):
        yield f"{facts['series']} was {facts['direction']}, true {rise}"
    low, high = _worst_day(event)
    if not low - NOISE <= facts["difference"] <= high + NOISE:
        yield f"{facts['series']} by {facts['difference']}, true {low} to {high}"
    start, end = (pd.Timestamp(event[edge]) for edge in ("start", "end"))
    onset, _, ended = facts["when"].removeprefix("from ").partition(" on ")
    if not start.normalize() <= pd.Timestamp(onset, tz="UTC") <= start + ONSET:
        yield f"{facts['series']} {facts['when']}, true from {start}"
    if ended == "and it is so still":
        if end < span.end - SETTLED:
            yield f"{facts['series']} {facts['when']}, true until {end}"
        return
    days = {(end - END_OF_DRIFT).normalize(), (end + END_OF_DRIFT).normalize()}
    if pd.Timestamp(ended.removeprefix("until "), tz="UTC") not in days:
        yield f"{facts['series']} {facts['when']}, true until {end}"


def _inside(event: Mapping[str, Any], span: TimeRange) -> bool:
    return pd.Timestamp(event["start"]) >= span.start and pd.Timestamp(event["end"]) <= span.end


def _worst_day(event: Mapping[str, Any]) -> tuple[float, float]:
    """Greatest mean of a day of a ramp from 0 up to the magnitude: of all its hours, and of those in the ramp. [score]

    The level of a day is robust: hours that are far from the others of the day count less, so it lies between the two.
    """
    minutes = pd.date_range(event["start"], event["end"], freq="min", inclusive="left")
    level = pd.Series([abs(event["magnitude"]) * (place + 1) / len(minutes) for place in range(len(minutes))], minutes)
    days = level.groupby(minutes.floor("D"))
    return float((days.sum() / 1440).max()), float(days.mean().max())


def _capacity_faults(rows: pd.DataFrame, events: list[dict[str, Any]], span: TimeRange) -> Iterator[str]:
    as_of = pd.Timestamp(span.end)
    filling = [event for event in events if pd.Timestamp(event["start"]) < as_of < pd.Timestamp(event["end"])]
    answer = rows[rows["question"] == "capacity"].iloc[0]
    reached = {tuple(value for values in event["where"].values() for value in values): _reached(event)
               for event in filling}  # fmt: skip
    near = {place: at for place, at in reached.items() if at <= as_of + LEAD}
    if not near:
        if answer.name != "report/capacity/calm" or answer["facts"]["risky"]:
            yield f"{answer['text']}: no disk reaches its limit, true {reached}"
        return
    first = min(near.items(), key=lambda item: item[1])
    full = [place for place, at in near.items() if at <= as_of]
    if answer.name != ("report/capacity/full" if full else "report/capacity/risk"):
        yield f"{answer['text']}: true {near}"
        return
    if not all(value in answer["facts"]["series"] for value in first[0]):
        yield f"{answer['facts']['series']} is named, true {first}"
    decision = rows.loc[["report/decision/full" if full else "report/decision/capacity"]].iloc[0]
    if not full:
        said = pd.Timestamp(answer["facts"]["at"])
        if abs(said - first[1]) > max(LEAST_ERROR, SHARE_OF_AHEAD * (first[1] - as_of)):
            yield f"{said} is the date, true {first[1]}"
        if decision["facts"]["at"] != answer["facts"]["at"]:
            yield f"{decision['text']} beside {answer['text']}"


def _reached(event: Mapping[str, Any]) -> pd.Timestamp:
    """Instant at which a disk that fills evenly reaches its limit, from the instant at which it is full."""
    (full,) = event["expected"]["full_at"].values()
    length = pd.Timestamp(event["end"]) - pd.Timestamp(event["start"])
    return pd.Timestamp(full) - length * ((1 - LIMIT) / event["magnitude"])


def checked(folder: Path, seed: int) -> list[str]:
    """Build a drawn scenario and check two months of the two systems with scores or disks."""
    if not (folder / "demo" / "truth.json").exists():
        build_demo(folder / "demo", scenario=write_levels(folder / "drawn.yaml", seed), seed=seed, end=END)
    truth = json.loads((folder / "demo" / "truth.json").read_text())
    source = ArchiveSource("demo", Archive.open(folder / "demo"))
    ctx = Context(sources={"demo": source}, catalog=load_catalog(), clock=lambda: END)
    spans = periods_up_to(calendar_range("2026-10", zone="UTC", now=END), zone="UTC", count=2)
    return [
        f"{system} {span}: {text}"
        for span in spans
        for system in ("counterfactual-lab", "llm-ab-testing")
        for text in faults(ctx, truth, system, span)
    ]


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", [5, 6])
def test_quality_and_capacity_of_a_first_page_say_what_happened(seed: int, tmp_path: Path) -> None:
    assert checked(tmp_path, seed) == []
