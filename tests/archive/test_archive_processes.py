"""Several processes at one archive, for real: appends at once, a reader beside a writer, kill -9 in mid-write."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from workbench.archive import Archive
from workbench.archive.storage.layout import SAMPLES
from workbench.core.series import SeriesSet
from workbench.promql.parser.matchers import Matcher

pytestmark = pytest.mark.slow

NOVEMBER = 1_793_491_200_000
ALWAYS = (0, 2**60)

APPEND = f"""
import sys
import numpy as np
from workbench.archive import Archive
from workbench.core.series import SeriesSet
root, who, commits, series, samples = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
archive = Archive.open(root, create=True)
for commit in range(commits):
    times = {NOVEMBER} + (commit * samples + np.arange(samples)) * 1000
    archive.append_samples(SeriesSet.of(
        ({{"__name__": "shared" if n == 0 else "own", "who": who, "n": str(n), "era": str(commit // 5)}}, times,
         np.full(samples, commit + 0.5)) for n in range(series)))
    print(commit, flush=True)
"""

REPLACE = f"""
import sys
from workbench.archive import Archive
from workbench.core.series import SeriesSet
archive = Archive.open(sys.argv[1])
for turn in range(int(sys.argv[3])):
    archive.replace_samples(
        SeriesSet.of([({{"__name__": "r", "who": sys.argv[2]}}, [{NOVEMBER} + turn], [float(turn)])]),
        {NOVEMBER}, {NOVEMBER} + 10_000)
"""


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def test_two_processes_create_and_append_at_once_and_nothing_is_lost(tmp_path: Path):
    root = tmp_path / "archive"
    writers = [start(APPEND, root, who, 15, 3, 10) for who in ("a", "b")]
    for writer in writers:
        finished(writer)
    archive = Archive.open(root)
    found = archive.select([], *ALWAYS)
    assert found.samples == 2 * 15 * 3 * 10
    assert len(found) == 2 * 3 * 3
    ids = archive._registry.current().ids
    assert len(set(ids.tolist())) == len(ids) == 18


def test_two_processes_append_the_same_samples_and_they_are_read_once(tmp_path: Path):
    root = tmp_path / "archive"
    Archive.open(root, create=True)
    for writer in [start(APPEND, root, "same", 10, 2, 10) for _ in range(2)]:
        finished(writer)
    archive = Archive.open(root)
    assert archive.select([], *ALWAYS).samples == 10 * 2 * 10
    assert archive.series_count() == 2 * 2


def test_two_processes_replace_the_same_range_and_one_wins_whole(tmp_path: Path):
    root = tmp_path / "archive"
    Archive.open(root, create=True).append_samples(
        SeriesSet.of([({"__name__": "old"}, NOVEMBER + np.arange(20) * 1000, np.ones(20))])
    )
    for writer in [start(REPLACE, root, who, 10) for who in ("a", "b")]:
        finished(writer)
    archive = Archive.open(root)
    assert archive.select([Matcher("__name__", "=", "old")], *ALWAYS).samples == 10
    assert 1 <= archive.select([Matcher("__name__", "=", "r")], *ALWAYS).samples <= 2


def test_a_reader_beside_a_writer_sees_whole_commits_only(tmp_path: Path):
    root = tmp_path / "archive"
    archive = Archive.open(root, create=True)
    writer = start(APPEND, root, "a", 20, 3, 50)
    seen = []
    while writer.poll() is None:
        found = archive.select([], *ALWAYS)
        assert found.samples % 150 == 0
        seen.append(found.samples)
    finished(writer)
    assert seen == sorted(seen)
    assert archive.select([], *ALWAYS).samples == 20 * 150


@pytest.mark.slow
def test_a_killed_writer_loses_nothing_that_it_reported_and_leaves_a_readable_archive(tmp_path: Path):
    root = tmp_path / "archive"
    archive = Archive.open(root, create=True)
    rng = np.random.default_rng(5)
    for turn in range(12):
        writer = start(APPEND, root, f"w{turn}", 1000, 40, 2000)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(float(rng.uniform(0.0, 0.3)))
        writer.send_signal(signal.SIGKILL)
        reported = 1 + len(writer.stdout.read().splitlines())  # communicate would lose lines that readline buffered
        writer.communicate()
        found = archive.select([Matcher("who", "=", f"w{turn}")], *ALWAYS)
        assert found.samples % (40 * 2000) == 0
        assert reported <= found.samples // (40 * 2000) <= reported + 1
    before = archive.select([], *ALWAYS).samples
    archive.vacuum(hours=0)
    held = {root / "samples" / file.path for file in archive.files(SAMPLES)}
    assert set((root / "samples").rglob("month=*/*.parquet")) == held
    assert archive.select([], *ALWAYS).samples == before


FULL = f"""
import resource, signal, sys
import numpy as np
from workbench.archive import Archive
from workbench.core.errors import ArchiveError
from workbench.core.series import SeriesSet
archive = Archive.open(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
noise = np.random.default_rng(1).normal(size=200_000)
try:
    archive.append_samples(SeriesSet.of([({{"__name__": "old"}}, {NOVEMBER} + np.arange(200_000) * 1000, noise)]))
except ArchiveError as error:
    print(error)
"""


@pytest.mark.parametrize(("size", "told"), [(50_000, "cannot write below"), (1, "transaction log|cannot write")])
def test_a_disk_that_takes_no_more_leaves_the_archive_as_it_was(tmp_path: Path, size: int, told: str):
    root = tmp_path / "archive"
    archive = Archive.open(root, create=True)
    archive.append_samples(SeriesSet.of([({"__name__": "old"}, [NOVEMBER], [7.0])]))
    before = archive.versions()
    assert re.search(told, finished(start(FULL, root, size)))
    assert archive.versions() == before
    assert Archive.open(root).select([], *ALWAYS).values.tolist() == [7.0]
    archive.append_samples(SeriesSet.of([({"__name__": "old"}, [NOVEMBER + 1], [8.0])]))
    assert archive.vacuum(hours=0) >= 0
    assert archive.select([], *ALWAYS).values.tolist() == [7.0, 8.0]
