"""Write the days of a demo into its archive, oldest first, and the truth beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.archive import Archive
from workbench.core.errors import ParameterError
from workbench.core.series import SeriesSet
from workbench.core.timerange import from_ms
from workbench.demo.batch import join_days, merged, series_set
from workbench.demo.samples import Block, Carry
from workbench.demo.scenario import Scenario
from workbench.demo.simulate import Carries, simulate_day
from workbench.demo.span import DAY_MS, Span
from workbench.demo.state import State
from workbench.demo.systems import SYSTEMS

_END_OF_TIME_MS = 1 << 53


def span_of(scenario: Scenario, anchor_ms: int, end_ms: int) -> Span:
    """Return the history of a scenario: its days before the anchor, then on to the end."""
    first = anchor_ms // DAY_MS - scenario.days
    if end_ms <= first * DAY_MS:
        raise ParameterError(
            f"The end {from_ms(end_ms).isoformat()} lies before the history starts, {from_ms(first * DAY_MS).isoformat()}.",
            hint="Choose a later end or an earlier anchor.",
        )
    return Span(first, end_ms)


def write_days(
    directory: Path, scenario: Scenario, seed: int, before: State, end_ms: int, report: Callable[[float], object]
) -> State:
    """Write what is missing up to the end, or everything into a new folder.

    The first commit of an extension replaces the days that change their resolution and the unfinished one; a build that is
    killed leaves the old state, and the next one starts from the same day again.

    Returns
    -------
    State
        Saved in the folder as the last step.
    """
    span = span_of(scenario, before.anchor_ms, end_ms)
    events = scenario.place(before.anchor_ms)
    fresh = not before.days
    start = span.first if fresh else span.redo_from(before.end_ms)
    archive = Archive.open(directory, create=fresh)
    state = State(before.fingerprint, before.anchor_ms, end_ms)
    state.days = {day: counts for day, counts in before.days.items() if day < start}
    state.starts = {day: kept for day, kept in before.starts.items() if span.recent <= day <= start}
    carries = _read(before.starts[start]) if not fresh else {}
    waiting: list[list[Block]] = []
    rest = SeriesSet.empty()
    for day in range(start, span.last + 1):
        if day in (span.recent, span.last):
            state.starts[day] = _written(carries)
        blocks: list[Block] = []
        for model in SYSTEMS:
            simulated = simulate_day(model, seed=seed, events=events, span=span, day=day, carries=carries)
            blocks += simulated.blocks
            _remember(state.days.setdefault(day, {"systems": {}}), model.name, simulated.counts)
        waiting.append(blocks)
        state.days[day]["samples"] = sum(_samples(block) for block in blocks)
        if _closes(day, span):
            found = merged([series_set(join_days(waiting)), rest])
            first = (day - len(waiting) + 1) * DAY_MS
            archive.replace_samples(found, first, _END_OF_TIME_MS)
            waiting.clear()
        report((day - start + 1) / (span.last - start + 1))
    archive.update_meta(
        {"demo": {"anchor_ms": state.anchor_ms, "end_ms": end_ms, "seed": seed, "scenario": scenario.name}}
    )
    state.save(directory)
    return state


def _closes(day: int, span: Span) -> bool:
    """Whether the days so far are written: at the end of a month, and each recent day by itself, as it will change."""
    following = from_ms((day + 1) * DAY_MS)
    return following.day == 1 or day + 1 >= span.recent or day == span.last


def _samples(block: Block) -> int:
    return block.values.size if block.present is None else int(block.present.sum())


def _remember(day: dict[str, Any], system: str, counts: Mapping[str, Any]) -> None:
    day["systems"][system] = counts


def _written(carries: Carries) -> dict[str, Any]:
    return {"targets": {name: carry.to_json() for name, carry in carries.items()}}


def _read(start: Mapping[str, Any]) -> Carries:
    return {name: Carry.from_json(carry) for name, carry in start["targets"].items()}
