"""One look a question, each row group decoded once: the same samples as read one by one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.archive import Archive, groups, samples
from workbench.archive.source import ArchiveSource
from workbench.archive.storage.layout import SAMPLES
from workbench.archive.storage.tables import Tables
from workbench.core.series import STALE, SeriesSet, label_key
from workbench.core.timerange import from_ms
from workbench.promql.parser.matchers import Matcher

NOVEMBER = 1_793_491_200_000
ALWAYS = (0, 2**60)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive", create=True)


def gauge(name: str, start_ms: int, values: list[float], *, missed: int = 0) -> SeriesSet:
    """One sample a second; from ``missed`` on, where it is given, a second later."""
    seconds = np.arange(len(values))
    return SeriesSet.of([({"__name__": name}, start_ms + (seconds + (seconds >= (missed or np.inf))) * 1000, values)])


def as_dict(series: SeriesSet) -> dict:
    return {label_key(labels): (times.tolist(), values.view(np.int64).tolist()) for labels, times, values in series}


ODD = st.sampled_from([1.0, 0.25, 41.73, -0.0, float("nan"), STALE, float("inf"), 2.0**53 + 2, 1 / 3, -7.0])


@pytest.mark.slow
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.tuples(
            st.integers(0, 4), st.integers(0, 60), st.lists(ODD, min_size=1, max_size=30), st.sampled_from([0, 0, 1, 4])
        ),
        max_size=8,
    ),
    start=st.integers(-5, 70),
    length=st.integers(0, 90),
)
def test_kept_groups_give_what_a_first_read_gives(tmp_path_factory, parts, start, length):
    archive = Archive.open(tmp_path_factory.mktemp("archive"), create=True)
    expected: dict[str, dict[int, float]] = {}
    for number, begin, values, missed in parts:
        written = gauge(f"g{number}", NOVEMBER + begin * 1000, values, missed=missed)
        archive.append_samples(written)
        held = expected.setdefault(f"g{number}", {})
        held |= dict(zip(written.times.tolist(), values, strict=True))
    span = NOVEMBER + start * 1000, NOVEMBER + (start + length) * 1000
    by_hand = {}
    for name, held in expected.items():
        times = [time for time in sorted(held) if span[0] <= time <= span[1]]
        if times:
            by_hand[(("__name__", name),)] = times, np.array([held[time] for time in times]).view(np.int64).tolist()
    groups.forget()
    first = as_dict(archive.select([], *span))
    with archive.one_look():
        again = as_dict(archive.select([], *span))
        single = [as_dict(archive.select([Matcher("__name__", "=", f"g{n}")], *span)) for n in range(5)]
    assert first == again == {key: value for one in single for key, value in one.items()}
    assert first == by_hand
    unmarked = archive.select([], *span).unmarked().sampled()
    assert as_dict(archive.history([], *span)) == as_dict(unmarked)
    assert as_dict(archive.select([], *span, marks=False)) == as_dict(unmarked)
    groups.forget()
    assert as_dict(archive.history([], *span)) == as_dict(unmarked)


def test_a_question_looks_at_each_table_once_and_decodes_each_row_group_once(archive, monkeypatch):
    archive.append_samples(
        SeriesSet.of(
            ({"__name__": "requests_total", "n": str(n)}, NOVEMBER + np.arange(9000) * 1000, np.arange(9000.0))
            for n in range(40)
        )
    )
    looks, read = [], []
    current, whole = Tables._current, pq.ParquetFile.read_row_groups
    monkeypatch.setattr(Tables, "_current", lambda self, layout: looks.append(layout.name) or current(self, layout))
    monkeypatch.setattr(
        pq.ParquetFile, "read_row_groups", lambda self, part, **how: read.extend(part) or whole(self, part, **how)
    )
    groups.forget()
    with archive.one_look():
        for number in range(40):
            wanted = [Matcher("n", "=", str(number))]
            assert archive.estimate(wanted, *ALWAYS)[0] == 1
            assert archive.select(wanted, *ALWAYS).samples == 9000
    assert sorted(looks) == sorted(set(looks))
    assert read == list(range(11))


def test_series_of_a_metric_lie_side_by_side_in_whatever_order_they_came(archive, monkeypatch):
    scraped = [{"__name__": f"metric_{metric}", "instance": str(one)} for one in range(8) for metric in range(8)]
    times = NOVEMBER + np.arange(8192) * 1000
    archive.append_samples(SeriesSet.of((labels, times, np.arange(8192.0)) for labels in scraped))
    read, whole = [], pq.ParquetFile.read_row_groups
    monkeypatch.setattr(
        pq.ParquetFile, "read_row_groups", lambda self, part, **how: read.extend(part) or whole(self, part, **how)
    )
    groups.forget()
    assert archive.select([Matcher("__name__", "=", "metric_3")], *ALWAYS).samples == 8 * 8192
    assert len(read) == 2, "two of sixteen row groups"


def test_a_question_reads_a_selection_once_and_again_after_its_own_write(archive, monkeypatch):
    archive.append_samples(gauge("a", NOVEMBER, [1.0, 2.0]))
    reads, whole = [], samples.read
    monkeypatch.setattr(samples, "read", lambda *given, **how: reads.append(given[3:]) or whole(*given, **how))
    wanted = [Matcher("__name__", "=", "a")]
    with archive.one_look():
        first, again = (archive.select(wanted, *ALWAYS) for _ in range(2))
        assert first.values.tolist() == again.values.tolist() == [1.0, 2.0]
        assert reads == [ALWAYS]
        with pytest.raises(ValueError, match="read-only"):
            again.values[0] = 5.0
        archive.replace_samples(gauge("a", NOVEMBER, [3.0]), NOVEMBER, NOVEMBER + 1000)
        assert archive.select(wanted, *ALWAYS).values.tolist() == [3.0, 2.0]


def test_inside_a_look_another_writer_is_not_seen_and_after_it_is(archive):
    archive.append_samples(gauge("a", NOVEMBER, [1.0]))
    other = Archive.open(archive.root)
    with archive.one_look():
        before = archive.versions()
        other.append_samples(gauge("b", NOVEMBER, [2.0]))
        other.update_meta({"seed": 5})
        assert archive.versions() == before
        assert "seed" not in archive.meta
        assert archive.series_count() == 1
    assert archive.series_count() == 2
    assert archive.meta["seed"] == 5


def test_a_commit_in_the_same_tick_of_the_disk_is_seen_and_a_log_without_one_is_not_asked(archive, monkeypatch):
    looks = []
    once = DeltaTable.update_incremental
    monkeypatch.setattr(DeltaTable, "update_incremental", lambda table: (looks.append(table), once(table)))
    other, log = Archive.open(archive.root), Path(str(archive.root)) / "samples" / "_delta_log"
    archive.append_samples(gauge("a", NOVEMBER, [1.0]))
    for _ in range(2):
        assert archive.select([], *ALWAYS).samples == 1
    looks.clear()
    assert archive.select([], *ALWAYS).samples == 1
    assert looks == []
    then = log.stat().st_mtime_ns
    other.append_samples(gauge("a", NOVEMBER + 5000, [1.0]))
    os.utime(log, ns=(then, then))
    assert archive.select([], *ALWAYS).samples == 2


def test_inside_a_look_quantiles_are_those_of_the_samples_that_are_there(archive):
    source = ArchiveSource("kept", archive)

    def buckets(start_ms: int, paces: list[float]) -> SeriesSet:
        times = start_ms + np.arange(20) * 1000
        return SeriesSet.of(
            [
                ({"__name__": "d_bucket", "le": le}, times, pace * np.arange(20.0))
                for le, pace in zip(("1", "5", "+Inf"), paces, strict=True)
            ]
        )

    def seconds(at_ms: int) -> list[float]:
        query = "histogram_quantile(0.5, sum by (le) (rate(d_bucket[1m])))"
        return source.instant(query, from_ms(at_ms)).values.ravel().tolist()

    archive.append_samples(buckets(NOVEMBER, [0, 2, 2]))
    with archive.one_look():
        assert seconds(NOVEMBER + 19_000) == seconds(NOVEMBER + 19_000) == [3.0]
        archive.replace_samples(buckets(NOVEMBER, [2, 2, 2]), NOVEMBER, NOVEMBER + 60_000)
        assert seconds(NOVEMBER + 19_000) == [0.5]
    assert seconds(NOVEMBER + 19_000) == [0.5]


def test_inside_a_look_ones_own_writes_are_seen(archive):
    with archive.one_look():
        archive.append_samples(gauge("a", NOVEMBER, [1.0]))
        archive.update_meta({"seed": 5})
        archive.replace_samples(gauge("a", NOVEMBER, [3.0]), NOVEMBER, NOVEMBER + 1000)
        assert archive.select([], *ALWAYS).values.tolist() == [3.0]
        assert archive.meta["seed"] == 5


def test_a_look_of_one_thread_does_not_hold_another_still(archive):
    from concurrent.futures import ThreadPoolExecutor

    with archive.one_look(), ThreadPoolExecutor(1) as pool:
        assert archive.newest_ms() is None
        Archive.open(archive.root).append_samples(gauge("a", NOVEMBER, [1.0]))
        assert pool.submit(archive.newest_ms).result() == NOVEMBER
        assert archive.newest_ms() is None


def test_samples_equally_far_apart_take_hardly_any_memory_for_their_times(archive):
    whole = [float(value) for value in range(1000)]
    sizes = []
    for missed in (0, 700):
        archive.append_samples(gauge(f"from_{missed}", NOVEMBER, whole, missed=missed))
        groups.forget()
        archive.select([Matcher("__name__", "=", f"from_{missed}")], *ALWAYS)
        sizes.append(groups._kept._bytes)
    assert max(sizes) < 4.2 * 1000


def test_memory_of_kept_groups_is_bounded(archive, monkeypatch):
    archive.append_samples(gauge("a", NOVEMBER, list(np.arange(150_000.0))))
    groups.forget()
    monkeypatch.setattr(groups, "KEPT_BYTES", 1000)
    assert archive.select([], *ALWAYS).samples == 150_000
    assert groups._kept._bytes <= 1000
    assert sum(file.rows for file in archive.files(SAMPLES)) == 150_000
