"""Write the days of a demo into its archive, oldest first, and the truth beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.archive import Archive
from workbench.core.errors import ParameterError
from workbench.core.series import SeriesSet
from workbench.core.timerange import DAY_MS, TimeRange, from_ms
from workbench.demo.engine.alerts import Episode, episodes_frame
from workbench.demo.engine.batch import merged
from workbench.demo.engine.records import Records, logs_frame, spans_frame
from workbench.demo.engine.simulation import Simulation, rules_of
from workbench.demo.health import answers
from workbench.demo.scenario import Scenario
from workbench.demo.span import Span
from workbench.demo.state import State, write_json
from workbench.demo.truth import deploys, truth
from workbench.demo.world import World

#: Days before the anchor from which on there are logs and traces.
RECORDED_DAYS = 14

#: Later than any end, and still in nanoseconds: the year 2255.
_END_OF_TIME_MS = 9_000_000_000_000

#: An extension by more days than this becomes visible in several steps, each longer than the one before. [d]
_DAYS_PER_COMMIT = 31

#: How long the files that an extension replaced stay for readers of the version before. [h]
_READERS_HOURS = 1


def span_of(scenario: Scenario, anchor_ms: int, end_ms: int) -> Span:
    """Return the history of a scenario: its days before the anchor, then on to the end."""
    first = anchor_ms // DAY_MS - scenario.days
    if end_ms <= first * DAY_MS:
        raise ParameterError(
            f"The end {from_ms(end_ms).isoformat()} lies before the start, {from_ms(first * DAY_MS).isoformat()}.",
            hint="Choose a later end or an earlier anchor.",
        )
    return Span(first, end_ms, max(first, anchor_ms // DAY_MS - RECORDED_DAYS))


def write_days(
    directory: Path,
    scenario: Scenario,
    seed: int,
    before: State,
    end_ms: int,
    report: Callable[[float], object],
    world: World,
) -> State:
    """Write what is missing up to the end, or everything into a new folder.

    An extension replaces the days that change their resolution and the unfinished one, and adds the new ones in the
    same commit. A build that is killed leaves the old state, and the next one starts from the same day again.

    Returns
    -------
    State
        Saved in the folder as the last step.
    """
    span = span_of(scenario, before.anchor_ms, end_ms)
    events = scenario.place(before.anchor_ms)
    models = world.anchored(before.anchor_ms).models
    fresh = not before.days
    archive = Archive.open(directory, create=fresh)
    start = span.first if fresh else span.redo_from(before.end_ms, whole=interrupted(archive, before))
    state = State(before.fingerprint, before.anchor_ms, end_ms)
    state.days = {day: counts for day, counts in before.days.items() if day < start}
    state.starts = {day: kept for day, kept in before.starts.items() if span.recent <= day <= start}
    simulations = [Simulation.start(model, archive, before.starts.get(start), start) for model in models]
    waiting = _Commit(archive, span)
    for days in _stretches(start, span):
        if days[0] in (span.recent, span.last):
            state.starts[days[0]] = {simulation.model.name: simulation.to_json() for simulation in simulations}
        for day in days:
            state.days[day] = {}
        for simulation in simulations:
            samples, counts, records = simulation.advance(seed, events, span, days)
            waiting.add(days, samples, records)
            for day, own in zip(days, counts, strict=True):
                state.days[day][simulation.model.name] = own
        if fresh or waiting.days > _DAYS_PER_COMMIT:
            waiting.write()
        report((days[-1] - start + 1) / (span.last - start + 1))
    waiting.write()
    state.open_episodes = [vars(episode) for simulation in simulations for episode in simulation.carry.firing]
    write_episodes(archive, state)
    demo = {"anchor_ms": state.anchor_ms, "end_ms": end_ms, "seed": seed, "scenario": scenario.name}
    profiles = {
        name: rules.profile
        for name in (simulation.model.name for simulation in simulations)
        if (rules := rules_of(name))
    }
    told_of_health = answers(profiles, events, span)
    archive.update_meta({"demo": demo, "deploys": deploys(events, models, span), "health": told_of_health})
    archive.update_families(
        {name: family for simulation in simulations for name, family in simulation.families().items()}
    )
    document = truth(scenario, seed, span, state, models, series=len(archive.series([], 0, end_ms)))
    write_json(directory / "truth.json", document | ({"input": world.input} if world.input else {}), indent=1)
    state.save(directory)
    archive.vacuum(hours=_READERS_HOURS)
    return state


def interrupted(archive: Archive, state: State) -> bool:
    """Whether an extension was killed after its samples were written and before its state was."""
    return (archive.newest_ms() or 0) > state.end_ms


@dataclass
class _Commit:
    """Days that become visible together; they replace whatever the archive holds from their start on."""

    archive: Archive
    span: Span
    first: int | None = None
    last: int = 0
    samples: list[SeriesSet] = field(default_factory=list)
    records: list[Records] = field(default_factory=list)

    @property
    def days(self) -> int:
        """Number of days. [d]"""
        return 0 if self.first is None else self.last - self.first + 1

    def add(self, days: Sequence[int], samples: SeriesSet, records: Sequence[Records]) -> None:
        """Add the samples and records of some days of one system."""
        self.first = days[0] if self.first is None else self.first
        self.last = days[-1]
        self.samples.append(samples)
        self.records += records

    def write(self) -> None:
        """Write and forget them; logs and traces after the samples."""
        if self.first is None:
            return
        samples = merged(self.samples) if len(self.samples) > 1 else self.samples[0]
        self.archive.replace_samples(samples, self.first * DAY_MS, _END_OF_TIME_MS)
        if self.last >= self.span.recorded:
            after = TimeRange.from_ms(self.first * DAY_MS, _END_OF_TIME_MS)
            self.archive.replace_logs(logs_frame(self.records, self.span.end_ms), after)
            self.archive.replace_spans(spans_frame(self.records, self.span.end_ms), after)
        self.first = None
        self.samples.clear()
        self.records.clear()


def write_episodes(archive: Archive, state: State) -> None:
    """Replace the episodes of the whole history: an extension can end an open one or redo a day."""
    episodes = [Episode(**episode) for episode in state.episodes]
    archive.replace_episodes(episodes_frame(episodes), TimeRange.from_ms(0, _END_OF_TIME_MS))


def _stretches(start: int, span: Span) -> Iterator[list[int]]:
    """Days that are simulated and written together: a sixth of a month, and each recent day by itself."""
    days: list[int] = []
    for day in range(start, span.last + 1):
        days.append(day)
        if from_ms((day + 1) * DAY_MS).day in (1, 6, 11, 16, 21, 26) or day + 1 >= span.recent:
            yield days
            days = []
