"""Order of commits and the archive's own count of them, whatever the clock does and whichever file is lost."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from workbench.archive import Archive
from workbench.archive.sql import connect
from workbench.archive.tiers.retention import roll_up
from workbench.archive.tiers.verdicts import FIVE_MINUTES
from workbench.core.errors import ArchiveError
from workbench.core.series import SeriesSet

DAY = 86_400_000
REAL = time.time


def samples(value: float, *, count: int = 10) -> SeriesSet:
    return SeriesSet.of([({"__name__": "a"}, [60_000 * i for i in range(count)], [value] * count)])


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    """Set how far the clock of this host is off. [s]"""

    def shifted(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: REAL() + seconds)
        monkeypatch.setattr(time, "time_ns", lambda: int((REAL() + seconds) * 1e9))

    return shifted


@pytest.mark.slow
@pytest.mark.parametrize("skew_s", [-7200, 0, 7200])
@pytest.mark.parametrize("compacted", [False, True])
def test_the_later_commit_wins_whatever_the_clock_says(tmp_path, at, skew_s, compacted):
    first, second = Archive.open(tmp_path / "a", create=True), Archive.open(tmp_path / "a")
    first.append_samples(samples(1.0))
    at(skew_s)
    second.append_samples(samples(2.0))
    at(-skew_s)
    first.append_samples(samples(3.0))
    if compacted:
        first.compact(whole=True)
    assert set(second.select([], 0, DAY).values) == {3.0}
    at(0)
    second.append_samples(samples(4.0))
    assert set(first.select([], 0, DAY).values) == {4.0}
    assert connect(first).execute("SELECT DISTINCT value FROM samples").fetchall() == [(4.0,)]


def test_slices_are_made_again_for_samples_corrected_by_a_late_clock(tmp_path, at):
    archive = Archive.open(tmp_path / "a", create=True)
    archive.append_samples(samples(1.0))
    assert roll_up(archive, DAY) == 1
    at(-7200)
    archive.append_samples(samples(5.0))
    assert roll_up(archive, DAY) == 1
    assert roll_up(archive, DAY) == 0
    assert archive.rolled_until(FIVE_MINUTES) == DAY


def newest_log(folder: Path) -> Path:
    return max((folder / "_delta_log").glob("*.json"))


@pytest.mark.parametrize("table", ["samples", "series"])
@pytest.mark.parametrize("reopened", [False, True])
def test_a_lost_commit_is_an_error_that_names_the_file(tmp_path, table, reopened):
    archive = Archive.open(tmp_path / "a", create=True)
    archive.append_samples(samples(1.0))
    archive.append_samples(SeriesSet.of([({"__name__": "b"}, [DAY], [1.0])]))
    lost = newest_log(tmp_path / "a" / table)
    lost.unlink()
    if reopened:
        archive = Archive.open(tmp_path / "a")
        with pytest.raises(ArchiveError, match=rf"{table} is not whole.*{lost.name}"):
            archive.select([], 0, 2 * DAY)
        with pytest.raises(ArchiveError, match="not whole"):
            archive.append_samples(samples(2.0))


def test_rows_that_are_missing_are_counted(tmp_path):
    archive = Archive.open(tmp_path / "a", create=True)
    archive.append_samples(samples(1.0))
    archive.append_samples(samples(2.0, count=25))
    newest_log(tmp_path / "a" / "samples").unlink()
    with pytest.raises(ArchiveError, match=r"25 of 35 rows are missing"):
        Archive.open(tmp_path / "a").select([], 0, DAY)


def test_a_lost_table_is_an_error(tmp_path):
    archive = Archive.open(tmp_path / "a", create=True)
    archive.note_covered("prom", ["x"], 0, DAY)
    shutil.rmtree(tmp_path / "a" / "coverage")
    with pytest.raises(ArchiveError, match="coverage"):
        Archive.open(tmp_path / "a").covered("prom")


def test_a_crash_between_commit_and_count_loses_nothing(tmp_path):
    archive = Archive.open(tmp_path / "a", create=True)
    archive.append_samples(samples(1.0))
    before = (tmp_path / "a" / "commits.json").read_bytes()
    archive.append_samples(samples(2.0))
    (tmp_path / "a" / "commits.json").write_bytes(before)
    again = Archive.open(tmp_path / "a")
    assert set(again.select([], 0, DAY).values) == {2.0}
    again.append_samples(samples(3.0))
    assert set(archive.select([], 0, DAY).values) == {3.0}
