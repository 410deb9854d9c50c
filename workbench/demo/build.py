"""Build a demo folder, or extend one to a later end."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from workbench.archive import Archive
from workbench.core.errors import ArchiveError, ParameterError
from workbench.core.shipped import shipped
from workbench.core.timerange import DAY_MS, MINUTE_MS, TimeRange, from_ms, to_ms
from workbench.demo.engine.lock import building
from workbench.demo.engine.simulation import rules_of
from workbench.demo.scenario import Scenario, load_scenario
from workbench.demo.state import FILE, GENERATOR, State
from workbench.demo.world import World, world_of
from workbench.demo.write import interrupted, span_of, write_days

Progress = Callable[[float], object]


@dataclass(frozen=True)
class DemoSummary:
    """What a build left behind.

    Attributes
    ----------
    samples, series : int
        In the whole archive. [count]
    bytes : int
        Of the whole folder. [B]
    seconds : float
        Taken by this build. [s]
    anchor : datetime
        Midnight UTC to which the scenario's events relate.
    range : TimeRange
        History in the archive.
    appended : bool
        True when an earlier build was kept and extended (or already reached the end).
    """

    samples: int
    series: int
    bytes: int
    seconds: float
    anchor: datetime
    range: TimeRange
    appended: bool


def build_demo(
    directory: str | Path,
    *,
    scenario: Path | None = None,
    source: Path | None = None,
    seed: int = 7,
    end: datetime | None = None,
    anchor: datetime | None = None,
    progress: Progress | None = None,
) -> DemoSummary:
    """Write the simulated history and ``truth.json`` into a folder.

    A folder that holds a demo of the same scenario, seed and program is extended up to ``end``; the result is, bit for
    bit, what one build up to ``end`` with the same anchor gives. Any other demo is replaced as a whole. Readers see
    either the old or the new demo, also when the build is killed.

    Parameters
    ----------
    directory : str or Path
        New, empty, or a demo.
    scenario : Path
        Scenario file; the shipped one by default. Format: docs/demo.md.
    source : Path
        Folder of the recorded traffic of a scenario that asks for it; its own slice by default.
    seed : int
        Seed of all random streams.
    end : datetime
        Last instant of the history, cut to the full minute; now by default.
    anchor : datetime
        Midnight UTC to which events relate, for a new demo; that of ``end`` by default. An existing demo keeps its own.
    progress : callable
        Called with the share done, 0 to 1.

    Raises
    ------
    CatalogError
        The scenario is wrong; file, line and reason of each mistake.
    ParameterError
        ``end`` has no time zone or lies before the history starts, or the recorded traffic is not in ``source``.
    ArchiveError
        The folder holds something else, or another process has been building it for long.
    """
    began = time.monotonic()
    directory = Path(directory).expanduser().absolute()
    file = scenario or shipped("data", "scenarios", "demo.yaml")
    world = world_of(file, source)
    dimensions = {model.name: model.dimensions for model in world.models}
    kinds = {model.name: model.kinds for model in world.models}
    loaded = load_scenario(file, dimensions, kinds)
    end_ms = to_ms(end or datetime.now(UTC)) // MINUTE_MS * MINUTE_MS
    report = progress or (lambda _share: None)
    with building(directory):
        state = State.load(directory)
        fingerprint = _fingerprint(loaded, seed, world)
        same = state is not None and state.fingerprint == fingerprint
        if state is None or not same or (anchor is not None and to_ms(anchor) != state.anchor_ms):
            anchor_ms = _midnight(anchor, end_ms)
            appended, empty = False, State(fingerprint, anchor_ms, 0)
            state = _anew(directory, loaded, seed, empty, end_ms, report, world)
        else:
            appended = True
            if end_ms > state.end_ms or interrupted(Archive.open(directory), state):
                state = write_days(directory, loaded, seed, state, max(end_ms, state.end_ms), report, world)
        archive = Archive.open(directory)
        first = span_of(loaded, state.anchor_ms, state.end_ms).first
        return DemoSummary(
            samples=state.samples,
            series=archive.series_count(),
            bytes=sum(file.stat().st_size for file in directory.rglob("*") if file.is_file()),
            seconds=time.monotonic() - began,
            anchor=from_ms(state.anchor_ms),
            range=TimeRange.from_ms(first * DAY_MS, state.end_ms),
            appended=appended,
        )


def _midnight(anchor: datetime | None, end_ms: int) -> int:
    if anchor is None:
        return end_ms // DAY_MS * DAY_MS
    if to_ms(anchor) % DAY_MS:
        raise ParameterError(
            f"The anchor {anchor.isoformat()} is not midnight UTC.", hint="Use e.g. 2026-11-01T00:00Z."
        )
    return to_ms(anchor)


def _fingerprint(scenario: Scenario, seed: int, world: World) -> str:
    rules = [rules_of(model.name) for model in world.models]
    texts = [str(GENERATOR), str(seed), scenario.digest, *(rule.digest_text for rule in rules if rule)]
    texts += [str(world.input["sha256"])] if world.input else []
    return sha256("\0".join(texts).encode()).hexdigest()


def _anew(
    directory: Path, scenario: Scenario, seed: int, empty: State, end_ms: int, report: Progress, world: World
) -> State:
    """Build beside the folder and exchange the two at the end."""
    _refuse_foreign(directory)
    fresh, old = (directory.with_name(f".{directory.name}.{word}") for word in ("building", "old"))
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    state = write_days(fresh, scenario, seed, empty, end_ms, report, world)
    if directory.exists():
        os.rename(directory, old)
    os.rename(fresh, directory)
    shutil.rmtree(old, ignore_errors=True)
    return state


def _refuse_foreign(directory: Path) -> None:
    if not directory.exists():
        return
    if not directory.is_dir() or (any(directory.iterdir()) and not (directory / FILE).is_file()):
        raise ArchiveError(
            f"{directory} is not a demo and not empty; a build would delete it.",
            hint="Name a new or empty folder with --to.",
        )
