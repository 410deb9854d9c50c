"""A slice of the demo that holds every series, a reset, a gap and an outage, in the archive and in both servers.

Every scrape is there around the events and in the last hours, fewer between: a server takes minutes to load them all.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.live.compare import Grid
from tests.servers.fixtures import Omit, release_or_omit
from tests.servers.openmetrics import without_stale_marks, write_openmetrics
from tests.servers.programs import Server
from tests.servers.prometheus import load_blocks, prometheus
from workbench.archive import Archive
from workbench.core.series import Labels, SeriesSet, label_key
from workbench.core.timerange import parse_instant, to_ms
from workbench.promql import Matcher

DAY_MS = 86_400_000
DAYS = 13
MOST_SAMPLES = 8_000_000
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
EVENTS = ("outage", "scrape_gap", "maintenance")


@dataclass(frozen=True)
class DemoServers:
    """The same samples three times: an archive, Prometheus 2.42 and Prometheus 3."""

    archive: Archive
    servers: dict[str, Server]
    start_ms: int
    end_ms: int
    events: dict[str, int]

    def grids(self) -> dict[str, Grid]:
        """Several ranges and steps over the slice."""
        minute, hour = 60_000, 3_600_000
        outage, gap, works, end = (
            self.events["outage"],
            self.events["scrape_gap"],
            self.events["maintenance"],
            self.end_ms,
        )
        return {
            "all days, a step an hour": Grid(self.start_ms, end, hour),
            "around an outage, unaligned": Grid(outage - 90 * minute + 7_123, outage + hour, 97_001),
            "over the gap, step below the scrape interval": Grid(gap - 600_777, gap + 45 * minute, 7_000),
            "through a maintenance, a step a minute": Grid(works - hour, works + 2 * hour, minute),
            "last two hours": Grid(end - 2 * hour, end, 15_000),
            "step above the lookback": Grid(self.start_ms - DAY_MS, end + 5_000, 13 * hour),
        }


def slice_of(archive: Archive, events_ms: Iterable[int]) -> SeriesSet:
    """Return the last 13 days, whole near the events; a series that is silent then comes with all it has.

    Stale marks are dropped: promtool cannot load them, and both sides must hold the same samples.
    """
    newest = archive.newest_ms()
    assert newest is not None
    whole = [(event - 2 * HOUR_MS, event + 2 * HOUR_MS) for event in events_ms] + [(newest - 2 * HOUR_MS, newest)]
    inside = thinned(without_stale_marks(archive.select([], newest - DAYS * DAY_MS, newest)), whole)
    present = {label_key(labels) for labels in inside.labels}
    rows = list(inside)
    for labels in archive.series([]):
        if label_key(labels) not in present:
            rows += without_stale_marks(_whole(archive, labels, newest))
    return SeriesSet.of([row for row in rows if len(row[1])])


def thinned(series: SeriesSet, whole: Iterable[tuple[int, int]]) -> SeriesSet:
    """Keep all samples within the given ranges [ms], one a minute before each full hour, one in four minutes else."""
    minutes = series.times // MINUTE_MS
    near_the_hour = minutes % 60 >= 45
    keep = np.diff(np.where(near_the_hour, minutes, minutes // 4), prepend=-1) != 0
    keep[series.offsets[:-1][np.diff(series.offsets) > 0]] = True
    for start, end in whole:
        keep |= (series.times >= start) & (series.times <= end)
    kept_before = np.concatenate([[0], np.cumsum(keep)])
    return SeriesSet(series.labels, kept_before[series.offsets], series.times[keep], series.values[keep])


def _whole(archive: Archive, labels: Labels, end_ms: int) -> SeriesSet:
    found = archive.select([Matcher(name, "=", value) for name, value in labels.items()], 0, end_ms)
    return SeriesSet.of([row for row in found if label_key(row[0]) == label_key(labels)])


def _of_lab(event: dict[str, str], kind: str) -> bool:
    return event["kind"] == kind and event["system"] == "counterfactual-lab"


def newest_start_ms(home: Path, kind: str) -> int:
    """Start of the Lab's newest event of a kind, as the demo's own truth has it. [ms since the epoch]"""
    events = json.loads((home / "demo" / "truth.json").read_text())["events"]
    return max(to_ms(parse_instant(event["start"])) for event in events if _of_lab(event, kind))


@pytest.fixture(scope="session")
def demo_servers(demo_home: Path, tmp_path_factory: pytest.TempPathFactory, omit: Omit) -> Iterator[DemoServers]:
    """The slice loaded once and served by both releases; the second gets hard links to the first one's blocks."""
    releases = {semantics: release_or_omit(semantics, omit) for semantics in ("v2", "v3")}
    events = {kind: newest_start_ms(demo_home, kind) for kind in EVENTS}
    series = slice_of(Archive.open(demo_home / "demo"), events.values())
    directory = tmp_path_factory.mktemp("demo-servers")
    archive = Archive.open(directory / "archive", create=True)
    archive.append_samples(series)
    text = directory / "slice.om"
    write_openmetrics(series, text)
    load_blocks(releases["v3"], text, directory / "blocks")
    text.unlink()
    with ExitStack() as stack:
        servers = {}
        for semantics, release in releases.items():
            shutil.copytree(directory / "blocks", directory / semantics / "data", copy_function=os.link)
            servers[semantics] = stack.enter_context(prometheus(release, directory / semantics))
        end_ms = int(series.times.max())
        yield DemoServers(archive, servers, end_ms - DAYS * DAY_MS, end_ms, events)
