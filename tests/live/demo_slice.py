"""A slice of the demo that holds every series, a reset, a gap and an outage, in the archive and in both servers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
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
from workbench.core.series import SeriesSet, label_key

DAY_MS = 86_400_000
DAYS = 8
MOST_SAMPLES = 20_000_000


@dataclass(frozen=True)
class DemoServers:
    """The same samples three times: an archive, Prometheus 2.42 and Prometheus 3."""

    archive: Archive
    servers: dict[str, Server]
    start_ms: int
    end_ms: int

    def grids(self) -> dict[str, Grid]:
        """Several ranges and steps over the slice."""
        minute, end = 60_000, self.end_ms
        last_day = end - DAY_MS
        return {
            "days, a step an hour": Grid(self.start_ms, end, 60 * minute),
            "two days, unaligned": Grid(end - 3 * DAY_MS + 7_123, end - DAY_MS, 7 * minute + 11_001),
            "step below the scrape interval": Grid(last_day + 1_777, last_day + 90 * minute, 7_000),
            "step above the lookback": Grid(self.start_ms - DAY_MS, end + 5_000, 13 * 60 * minute),
            "six hours, a step a minute": Grid(last_day, last_day + 360 * minute, minute),
        }


def slice_of(archive: Archive) -> tuple[SeriesSet, int, int]:
    """Return the last eight days with a reset, a gap and an outage; series that are silent then come whole.

    Stale marks are dropped: promtool cannot load them, and both sides must hold the same samples.
    """
    oldest, newest = archive.oldest_ms(), archive.newest_ms()
    assert oldest is not None
    assert newest is not None
    for back in range((newest - oldest) // DAY_MS - DAYS + 1):
        end = newest - back * DAY_MS
        if _eventful(archive, end - DAYS * DAY_MS, end):
            break
    else:
        raise AssertionError(f"No {DAYS} days of the demo hold a reset, a gap and an outage.")
    inside = without_stale_marks(archive.select([], end - DAYS * DAY_MS, end))
    present = {label_key(labels) for labels, times, _ in inside if len(times)}
    everything = archive.series([], oldest, newest)
    silent = [labels for labels in everything if label_key(labels) not in present]
    rows = [row for row in inside if len(row[1])]
    for labels in silent:
        rows += [row for row in without_stale_marks(_whole(archive, labels, oldest, newest)) if len(row[1])]
    chosen = SeriesSet.of(rows)
    assert chosen.samples <= MOST_SAMPLES
    assert {label_key(labels) for labels in chosen.labels} == {label_key(labels) for labels in everything}
    return chosen, end - DAYS * DAY_MS, end


def _whole(archive: Archive, labels: dict[str, str], start_ms: int, end_ms: int) -> SeriesSet:
    from workbench.promql.matchers import Matcher

    found = archive.select([Matcher(name, "=", value) for name, value in labels.items()], start_ms, end_ms)
    return SeriesSet.of([row for row in found if label_key(row[0]) == label_key(labels)])


def _eventful(archive: Archive, start_ms: int, end_ms: int) -> bool:
    from workbench.promql.matchers import Matcher

    ups = archive.select([Matcher("__name__", "=", "up")], start_ms, end_ms)
    starts = archive.select([Matcher("__name__", "=", "process_start_time_seconds")], start_ms, end_ms)
    outage = bool((ups.values == 0).any())
    gap = any(len(times) > 1 and int(np.diff(times).max()) > 300_000 for _, times, _ in ups)
    reset = any((np.diff(values[np.isfinite(values)]) > 0).any() for _, _, values in starts)
    return outage and gap and reset


@pytest.fixture(scope="session")
def demo_servers(demo_home: Path, tmp_path_factory: pytest.TempPathFactory, omit: Omit) -> Iterator[DemoServers]:
    """The slice loaded once and served by both releases; the second gets hard links to the first one's blocks."""
    releases = {semantics: release_or_omit(semantics, omit) for semantics in ("v2", "v3")}
    series, start_ms, end_ms = slice_of(Archive.open(demo_home / "demo"))
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
        yield DemoServers(archive, servers, start_ms, end_ms)
