"""Native histograms in the archive: every part comes back as it went in, and the engine answers from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.servers.native_samples import END_MS, START_MS, native_sample_set
from workbench.archive import Archive, ArchiveSource
from workbench.archive.sql import connect
from workbench.archive.storage.layout import HISTOGRAMS
from workbench.archive.tiers.retention import Policy, expire
from workbench.cli.main import main
from workbench.core.errors import QueryRejected
from workbench.core.histograms import Histogram, Histograms, is_mark, marked_rows, marks
from workbench.core.mixed import masked, without_empty
from workbench.core.series import SeriesSet, label_key
from workbench.core.timerange import TimeRange
from workbench.promql import MemoryStore, evaluate_range
from workbench.promql.parser.matchers import Matcher
from workbench.studies.sources.read_tier import read_tier

ALWAYS = (0, 2**60)
DAY = 86_400_000
QUERIES = (
    "histogram_quantile(0.9, sum by (method) (rate(wait_seconds[5m])))",
    "histogram_count(increase(size_bytes[10m]))",
    "histogram_avg(drift)",
    "queue_age",
    "sum(level)",
    "turned",
)


def points(series: SeriesSet) -> dict[tuple, object]:
    """Every sample by series and time: bits of a float, or a whole histogram."""
    found: dict[tuple, object] = {}
    for labels, times, values in series:
        for time, value, native in zip(times.tolist(), values, is_mark(values), strict=True):
            one = series.histograms.at(int(marked_rows(np.array([value]))[0])) if native else value.tobytes()
            found[label_key(labels), time] = one
    return found


def one(*histograms: Histogram, start: int = START_MS) -> SeriesSet:
    series = SeriesSet.of(
        [({"__name__": "h"}, start + np.arange(len(histograms)) * 1000, marks(np.arange(len(histograms))))]
    )
    return replace(series, histograms=Histograms.of(histograms))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    archive = Archive.open(tmp_path_factory.mktemp("native"), create=True)
    archive.append_samples(native_sample_set())
    return archive


@pytest.mark.slow
def test_every_sample_comes_back_as_it_went_in_after_parts_repeats_and_compaction(tmp_path):
    series = native_sample_set()
    archive = Archive.open(tmp_path / "a", create=True)
    middle = (START_MS + END_MS) // 2
    for kept in (series.times <= middle, series.times > middle - 600_000):
        archive.append_samples(without_empty(masked(series, kept)))
    assert points(archive.select([], *ALWAYS)) == points(series)
    rows = archive.rows("histograms")
    archive.append_samples(series)
    assert archive.rows("histograms") == rows == int(is_mark(series.values).sum())
    archive.compact()
    assert len(archive.files(HISTOGRAMS)) == 1
    again = Archive.open(tmp_path / "a")
    assert points(again.select([], *ALWAYS)) == points(series)
    part = again.select([Matcher("__name__", "=", "turned")], middle - 30_000, middle + 30_000)
    assert points(part) == {
        key: value for key, value in points(series).items()
        if dict(key[0])["__name__"] == "turned" and middle - 30_000 <= key[1] <= middle + 30_000
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("query", QUERIES)
def test_the_engine_answers_from_it_as_from_memory(whole: Archive, query: str):
    span = TimeRange.from_ms(START_MS + 600_000, END_MS)
    found = ArchiveSource("a", whole).range(query, span, step_ms=120_000)
    known = evaluate_range(
        query, MemoryStore(native_sample_set()), start_ms=span.start_ms, end_ms=span.end_ms, step_ms=120_000
    )
    assert found.meta["tier"] == "raw"
    order = {label_key(labels): row for row, labels in enumerate(known.labels)}
    assert sorted(order) == sorted(map(label_key, found.labels))
    for row, labels in enumerate(found.labels):
        other = order[label_key(labels)]
        assert found.present[row].tolist() == known.present[other].tolist()
        for step in np.flatnonzero(found.present[row]):
            if (mine := found.histogram(row, step)) is not None:
                assert mine == known.histogram(other, step)
            else:
                assert found.values[row, step] == known.values[other, step]


def test_another_histogram_of_a_time_wins_and_a_replacement_deletes(tmp_path):
    archive = Archive.open(tmp_path, create=True)
    first, second = (
        Histogram(count=1, positive={0: 1}),
        Histogram(-53, 3, 9.5, positive={1: 3}, custom_bounds=(1.0, 2.0)),
    )
    archive.append_samples(one(first, first))
    archive.append_samples(one(second))
    assert list(points(archive.select([], *ALWAYS)).values()) == [second, first]
    archive.replace_samples(one(first), START_MS, START_MS + 1)
    assert list(points(archive.select([], *ALWAYS)).values()) == [first, first]
    archive.replace_samples(SeriesSet.empty(), START_MS, START_MS + DAY)
    assert archive.select([], *ALWAYS).samples == 0


def test_odd_numbers_keep_their_bits(tmp_path):
    odd = Histogram(8, 2.5, -0.0, 1e-300, 0.5, {-300: 0.25, 1000: 1.0}, {5: 0.75}, hint="gauge")
    nan = Histogram(-4, 1.0, float("inf"), hint="reset")
    archive = Archive.open(tmp_path, create=True)
    archive.append_samples(one(odd, nan))
    found = list(points(archive.select([], *ALWAYS)).values())
    assert found == [odd, nan]
    assert np.signbit(found[0].sum)
    assert archive.newest_ms() == START_MS + 1000
    assert len(archive.series([], START_MS, START_MS)) == 1
    assert connect(archive).execute("select count, buckets, bounds from histograms order by ts").fetchall() == [
        (2.5, [-(2**20) - 5, 0, 2**20 - 300, 2**20 + 1000], None),
        (1.0, [], None),
    ]


@pytest.mark.slow
def test_they_outlive_the_raw_floats_and_a_query_of_both_is_refused(tmp_path):
    archive = Archive.open(tmp_path, create=True)
    archive.append_samples(native_sample_set())
    now = START_MS + 100 * DAY
    told = expire(archive, Policy(raw_ms=DAY), now)
    assert told.rows["histograms"] == 0
    assert archive.rows("samples") == 0
    source, span = ArchiveSource("a", archive), TimeRange.from_ms(START_MS + 600_000, END_MS)
    assert (read_tier(source, span.start_ms), read_tier(source, now)) == ("5m", "raw")
    assert source.range("histogram_count(rate(wait_seconds[2m]))", span, step_ms=60_000).present.any()
    assert source.range("max_over_time(level[10m])", span, step_ms=600_000).meta["tier"] == "5m"
    with pytest.raises(QueryRejected, match="native histograms and for floats"):
        source.range("histogram_count(wait_seconds) + level", span, step_ms=600_000)
    assert expire(archive, Policy(raw_ms=DAY), now + 400 * DAY).rows["histograms"] > 0
    assert archive.rows("histograms") == 0


@pytest.mark.slow
def test_the_commands_say_what_a_histogram_is_not(whole: Archive, tmp_path, capsys):
    settings = tmp_path / "workbench.toml"
    settings.write_text(f'[sources.kept]\nkind = "archive"\npath = "{whole.root}"\n')
    at = ["--source", "kept", "--at", "2026-11-01T01:00Z"]
    for command, told in (
        (["query", "wait_seconds", *at], "have no single value"),
        (["archive", "export", str(tmp_path / "x.parquet"), "--archive", "kept"], "histograms are not written"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(settings), *command])
        assert not ended.value.code
        assert told in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--config", str(settings), "query", "histogram_avg(wait_seconds)", *at])
    assert "have no single value" not in capsys.readouterr().err
