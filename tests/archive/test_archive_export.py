"""What leaves an archive comes back: through promtool and through Parquet; months are written anew without a change."""

from __future__ import annotations

import subprocess

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.servers.fixtures import release_or_omit
from tests.servers.prometheus import load_blocks
from workbench.archive import Archive
from workbench.archive.exported import export
from workbench.core.errors import ArchiveError
from workbench.core.series import STALE, SeriesSet, label_key
from workbench.promql.parser.matchers import Matcher

NOVEMBER = 1_793_491_200_000
ALWAYS = (0, 2**60)


def odd() -> SeriesSet:
    times = NOVEMBER + np.arange(600) * 15_007 + 3
    values = np.random.default_rng(2).normal(0, 1, 600)
    values[:8] = [np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308, 0.1, STALE]
    rows = [
        ({"__name__": "odd_total", "path": 'C:\\new\n"x"', "job": "ä"}, times, values),
        ({"__name__": "odd_total", "job": "b"}, times, np.arange(600.0)),
        ({"__name__": "up", "job": "b"}, times[::3], np.ones(200)),
    ]
    return SeriesSet.of(rows)


@pytest.fixture
def archive(tmp_path) -> Archive:
    found = Archive.open(tmp_path / "archive", create=True)
    found.append_samples(odd())
    return found


def bits(series: SeriesSet) -> dict:
    return {label_key(labels): (times.tolist(), values.view(np.int64).tolist()) for labels, times, values in series}


@pytest.mark.live
def test_promtool_takes_the_text_and_gives_every_sample_back(archive, tmp_path, omit) -> None:
    release = release_or_omit("v3", omit)
    told = export(archive, tmp_path / "out.om", [], *ALWAYS, text=True)
    assert (told.samples, told.stale) == (1399, 1)
    load_blocks(release, tmp_path / "out.om", tmp_path / "data")
    (tmp_path / "data" / "wal").mkdir(exist_ok=True)
    dumped = subprocess.run([release.promtool, "tsdb", "dump", tmp_path / "data"], capture_output=True)
    assert dumped.returncode == 0, dumped.stderr
    rows = [line.rsplit(" ", 2) for line in dumped.stdout.decode().splitlines()]
    held: dict[str, list] = {}
    for head, value, time in rows:
        held.setdefault(head, []).append((int(time), float(value)))
    assert len(held) == 3
    for labels, times, values in odd():
        kept = values.view(np.int64) != np.float64(STALE).view(np.int64)
        match = [each for head, each in held.items() if labels["__name__"] in head and f'job="{labels["job"]}"' in head]
        (points,) = match
        assert [time for time, _ in points] == times[kept].tolist()
        np.testing.assert_array_equal([value for _, value in points], values[kept])


def test_parquet_holds_every_bit(archive, tmp_path) -> None:
    told = export(archive, tmp_path / "out.parquet", [Matcher("job", "=", "b")], *ALWAYS, text=False)
    rows = pq.read_table(tmp_path / "out.parquet")
    assert told.samples == len(rows) == 800
    assert rows["metric"].to_pylist() == ["odd_total"] * 600 + ["up"] * 200
    assert dict(rows["labels"][0].as_py()) == {"job": "b"}
    assert rows["value"].to_pylist()[:600] == np.arange(600.0).tolist()
    assert rows["time"].cast("int64").to_pylist()[600:] == odd().times[-200:].tolist()


def test_a_target_that_cannot_be_written_leaves_nothing(archive, tmp_path) -> None:
    with pytest.raises(ArchiveError, match="cannot be written"):
        export(archive, tmp_path / "absent" / "out.om", [], *ALWAYS, text=True)
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_months_of_many_files_are_written_anew_and_nothing_changes(tmp_path) -> None:
    archive = Archive.open(tmp_path / "a", create=True)
    for hour in range(12):
        times = NOVEMBER + hour * 3_600_000 + np.arange(60) * 60_000
        archive.append_samples(SeriesSet.of(({"n": str(n)}, times, times / 7 + n) for n in range(4)))
    archive.append_samples(SeriesSet.of([({"n": "0"}, [NOVEMBER], [99.0])]))
    archive.append_samples(SeriesSet.of([({"n": "0"}, [NOVEMBER - 1], [5.0])]))
    before = bits(archive.select([], *ALWAYS))
    done = archive.compact()
    assert (done.months, done.files) == (1, (13, 1))
    assert done.size[1] < done.size[0]
    assert bits(Archive.open(archive.root).select([], *ALWAYS)) == before
    assert archive.rows("samples") == 4 * 720 + 1
    assert archive.compact().months == 0
    archive.append_samples(SeriesSet.of([({"n": "0"}, [NOVEMBER], [1.0])]))
    assert archive.select([Matcher("n", "=", "0")], NOVEMBER, NOVEMBER).values.tolist() == [1.0]
