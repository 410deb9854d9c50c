"""Write the days of a demo into its archive, oldest first, and the truth beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workbench.archive import Archive
from workbench.core.errors import ParameterError
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, from_ms
from workbench.demo.alerts import Episode, episodes_frame
from workbench.demo.batch import join_days, merged, series_set
from workbench.demo.samples import Block
from workbench.demo.scenario import Scenario
from workbench.demo.simulation import Simulation
from workbench.demo.span import DAY_MS, Span
from workbench.demo.state import State
from workbench.demo.systems import SYSTEMS

_END_OF_TIME_MS = 253_402_300_799_000


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

    The first commit of an extension replaces the days that change their resolution and the unfinished one; a build
    that is killed leaves the old state, and the next one starts from the same day again.

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
    simulations = [Simulation.start(model, archive, before.starts.get(start), start) for model in SYSTEMS]
    waiting: list[list[Block]] = []
    derived: list[SeriesSet] = []
    for day in range(start, span.last + 1):
        if day in (span.recent, span.last):
            state.starts[day] = {one.model.name: one.to_json() for one in simulations}
        blocks: list[Block] = []
        state.days[day] = {"samples": 0, "systems": {}}
        for simulation in simulations:
            found, recorded, counts = simulation.advance(seed, events, span, day)
            blocks += found
            derived.append(recorded)
            state.days[day]["systems"][simulation.model.name] = counts
            state.days[day]["samples"] += recorded.samples
        waiting.append(blocks)
        state.days[day]["samples"] += sum(_samples(block) for block in blocks)
        if _closes(day, span):
            first = (day - len(waiting) + 1) * DAY_MS
            archive.replace_samples(merged([series_set(join_days(waiting)), *derived]), first, _END_OF_TIME_MS)
            waiting.clear()
            derived.clear()
        report((day - start + 1) / (span.last - start + 1))
    state.open_episodes = [vars(episode) for one in simulations for episode in one.carry.firing]
    write_episodes(archive, state)
    demo = {"anchor_ms": state.anchor_ms, "end_ms": end_ms, "seed": seed, "scenario": scenario.name}
    archive.update_meta({"demo": demo})
    state.save(directory)
    return state


def write_episodes(archive: Archive, state: State) -> None:
    """Replace the episodes of the whole history: an extension can end an open one or redo a day."""
    found = [Episode(**episode) for episode in state.episodes]
    archive.replace_episodes(episodes_frame(found), TimeRange.from_ms(0, _END_OF_TIME_MS))


def _closes(day: int, span: Span) -> bool:
    """Whether the days so far are written: at the end of a month, and each recent day by itself, as it will change."""
    following = from_ms((day + 1) * DAY_MS)
    return following.day == 1 or day + 1 >= span.recent or day == span.last


def _samples(block: Block) -> int:
    return block.values.size if block.present is None else int(block.present.sum())
