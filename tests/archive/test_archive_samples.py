from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.archive import Archive
from workbench.archive.storage.layout import SAMPLES, SERIES
from workbench.core.errors import FrameError, ParameterError
from workbench.core.series import STALE, SeriesSet, label_key
from workbench.promql.parser.matchers import Matcher

OCTOBER = 1_790_812_800_000  # 2026-10-01T00:00Z
NOVEMBER = 1_793_491_200_000
DAY = 86_400_000
ALWAYS = (0, 2**60)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive", create=True)


def counters(count: int, times: np.ndarray) -> SeriesSet:
    return SeriesSet.of(
        ({"__name__": "requests_total", "n": str(i)}, times, np.arange(len(times)) * (i + 1)) for i in range(count)
    )


def number_of_commits(archive: Archive) -> int:
    return int(archive.versions()["samples"].split("@")[1])


def as_dict(series: SeriesSet) -> dict:
    return {label_key(labels): (times.tolist(), values.view(np.int64).tolist()) for labels, times, values in series}


def test_samples_come_back_bit_for_bit_with_every_odd_value(archive):
    values = [1.0, -0.0, 0.0, np.nan, STALE, np.inf, -np.inf, 0.1, 2.0**53 + 2, 1e300, -(2.0**63), 2.0**63, 5e-324]
    odd = np.array([0x7FF8000000001234], np.int64).view(np.float64)
    written = SeriesSet.of([({"__name__": "odd"}, NOVEMBER + np.arange(14) * 1000, [*values, odd[0]])])
    archive.append_samples(written)
    assert as_dict(archive.select([], *ALWAYS)) == as_dict(written)


def test_a_whole_number_gauge_with_stale_marks_keeps_both(archive):
    values = np.tile([3.0, 4.0, STALE, 5.0], 50)
    archive.append_samples(SeriesSet.of([({"__name__": "g"}, NOVEMBER + np.arange(200) * 1000, values)]))
    assert archive.select([], *ALWAYS).values.view(np.int64).tolist() == values.view(np.int64).tolist()


def test_both_ends_of_a_selection_belong_to_it(archive):
    archive.append_samples(counters(2, NOVEMBER + np.arange(10) * 1000))
    found = archive.select([], NOVEMBER + 2000, NOVEMBER + 4000)
    assert found.times.tolist() == [NOVEMBER + 2000, NOVEMBER + 3000, NOVEMBER + 4000] * 2
    assert found.offsets.tolist() == [0, 3, 6]


def test_months_lie_in_partitions_and_are_joined_in_order(archive):
    times = OCTOBER + np.arange(0, 60 * DAY, 3_600_000)
    written = counters(3, times)
    archive.append_samples(written)
    assert {path.name for path in (archive.root / "samples").glob("month=*")} == {"month=2026-10", "month=2026-11"}
    assert as_dict(archive.select([], *ALWAYS)) == as_dict(written)
    assert (archive.oldest_ms(), archive.newest_ms()) == (times[0], times[-1])


def test_a_range_reads_only_the_files_of_its_months(archive):
    archive.append_samples(counters(3, OCTOBER + np.arange(0, 60 * DAY, 3_600_000)))
    files = archive._tables.files(SAMPLES, {"ts": (NOVEMBER, NOVEMBER + DAY)})
    assert [file.month for file in files] == ["2026-11"]


def test_appending_the_same_samples_twice_writes_nothing(archive):
    written = counters(3, NOVEMBER + np.arange(100) * 60_000)
    archive.append_samples(written)
    before = archive.versions()
    archive.append_samples(written)
    assert archive.versions() == before
    assert as_dict(archive.select([], *ALWAYS)) == as_dict(written)


def test_an_overlapping_append_adds_only_what_is_new(archive):
    archive.append_samples(counters(2, NOVEMBER + np.arange(0, 60) * 60_000))
    whole = counters(2, NOVEMBER + np.arange(0, 90) * 60_000)
    archive.append_samples(whole)
    assert sum(file.rows for file in archive._tables.files(SAMPLES)) == 180
    assert as_dict(archive.select([], *ALWAYS)) == as_dict(whole)


def test_the_later_value_for_one_time_wins(archive):
    labels = {"__name__": "g"}
    archive.append_samples(SeriesSet.of([(labels, NOVEMBER + np.arange(4) * 1000, [1, 2, 3, 4])]))
    archive.append_samples(SeriesSet.of([(labels, [NOVEMBER + 1000, NOVEMBER + 1500], [20, 25])]))
    found = archive.select([], *ALWAYS)
    assert (found.times - NOVEMBER).tolist() == [0, 1000, 1500, 2000, 3000]
    assert found.values.tolist() == [1, 20, 25, 3, 4]


def test_late_samples_find_their_place_between_older_ones(archive):
    labels = {"__name__": "g"}
    archive.append_samples(SeriesSet.of([(labels, NOVEMBER + np.array([0, 4000, 8000]), [0, 4, 8])]))
    archive.append_samples(SeriesSet.of([(labels, NOVEMBER + np.array([2000, 6000]), [2.5, 6.5])]))
    assert archive.select([], *ALWAYS).values.tolist() == [0, 2.5, 4, 6.5, 8]


def test_a_replacement_deletes_inside_the_half_open_range_only(archive):
    archive.append_samples(counters(2, NOVEMBER + np.arange(10) * 1000))
    fresh = SeriesSet.of([({"__name__": "requests_total", "n": "0"}, [NOVEMBER + 3500], [99.0])])
    archive.replace_samples(fresh, NOVEMBER + 2000, NOVEMBER + 5000)
    first, second = archive.select([], *ALWAYS)
    assert (first[1] - NOVEMBER).tolist() == [0, 1000, 3500, 5000, 6000, 7000, 8000, 9000]
    assert (second[1] - NOVEMBER).tolist() == [0, 1000, 5000, 6000, 7000, 8000, 9000]


def test_a_replacement_over_months_is_one_commit_and_leaves_other_series(archive):
    times = OCTOBER + np.arange(0, 60 * DAY, 3_600_000)
    archive.append_samples(counters(2, times))
    before = number_of_commits(archive)
    archive.replace_samples(SeriesSet.empty(), OCTOBER, NOVEMBER + 60 * DAY, matchers=[Matcher("n", "=", "1")])
    assert number_of_commits(archive) == before + 1
    found = archive.select([], *ALWAYS)
    assert [labels["n"] for labels in found.labels] == ["0"]
    assert found.samples == len(times)


def test_a_replacement_outside_its_range_is_refused(archive):
    with pytest.raises(ParameterError, match="has samples from"):
        archive.replace_samples(counters(1, NOVEMBER + np.arange(3) * 1000), NOVEMBER, NOVEMBER + 2000)


def test_the_older_file_stays_the_older_after_a_rewrite(archive):
    labels = {"__name__": "g"}
    archive.append_samples(SeriesSet.of([(labels, NOVEMBER + np.arange(10) * 1000, np.arange(10))]))
    archive.append_samples(SeriesSet.of([(labels, [NOVEMBER + 5000], [55.0])]))
    archive.replace_samples(SeriesSet.empty(), NOVEMBER, NOVEMBER + 2000)
    assert archive.select([], NOVEMBER + 5000, NOVEMBER + 5000).values.tolist() == [55.0]


def test_times_that_do_not_rise_name_the_series(archive):
    bad = SeriesSet.of([({"__name__": "a"}, [5, 6], [1, 1]), ({"__name__": "b"}, [7, 7], [1, 1])])
    with pytest.raises(FrameError, match=r"'b'.*7 ms is followed by 7 ms"):
        archive.append_samples(bad)
    with pytest.raises(FrameError, match="Two series have the labels"):
        archive.append_samples(SeriesSet.of([({"__name__": "a"}, [1], [1]), ({"__name__": "a", "x": ""}, [2], [2])]))


def test_an_empty_archive_answers_with_nothing(archive):
    assert len(archive.select([], *ALWAYS)) == 0
    assert archive.newest_ms() is None
    assert archive.oldest_ms() is None
    archive.append_samples(SeriesSet.empty())
    archive.append_samples(SeriesSet.of([({"__name__": "silent"}, [], [])]))
    archive.replace_samples(SeriesSet.empty(), 0, 1000)
    assert len(archive.select([], *ALWAYS)) == 0


def test_ranges_beside_the_data_and_gaps_are_empty(archive):
    times = np.concatenate([NOVEMBER + np.arange(10) * 1000, NOVEMBER + DAY + np.arange(10) * 1000])
    archive.append_samples(counters(2, times))
    for start, end in ((0, NOVEMBER - 1), (NOVEMBER + 60_000, NOVEMBER + DAY - 1), (NOVEMBER + 2 * DAY, 2**60), (9, 8)):
        assert archive.select([], start, end).samples == 0
    assert archive.select([], NOVEMBER + 9000, NOVEMBER + DAY).samples == 4


def test_matchers_follow_the_rules_of_prometheus(archive):
    sets = [
        {"__name__": "up", "job": "api"},
        {"__name__": "up", "job": "api-v2", "zone": "a"},
        {"__name__": "up", "job": "batch\nnight", "zone": "b"},
        {"__name__": "down"},
    ]
    archive.append_samples(SeriesSet.of((labels, [NOVEMBER], [1]) for labels in sets))

    def found(*matchers: tuple[str, str, str]) -> list[int]:
        selected = archive.select([Matcher(*each) for each in matchers], *ALWAYS)
        return [sets.index(dict(labels)) for labels in selected.labels]

    assert found(("__name__", "=", "up")) == [0, 1, 2]
    assert found(("job", "=~", "api")) == [0]
    assert found(("job", "=~", "api.*")) == [0, 1]
    assert found(("job", "=~", "batch.night")) == [2]
    assert found(("job", "=~", "api|")) == [0, 3]
    assert found(("zone", "=", "")) == [0, 3]
    assert found(("zone", "!=", "")) == [1, 2]
    assert found(("zone", "!~", "a|b")) == [0, 3]
    assert found(("absent", "!~", ".+"), ("__name__", "!=", "up")) == [3]
    assert archive.select([Matcher("no", "=", "x")], *ALWAYS).samples == 0


def test_series_lists_only_label_sets_with_samples_in_the_range(archive):
    archive.append_samples(
        SeriesSet.of([({"__name__": "old"}, [OCTOBER], [1]), ({"__name__": "new"}, [NOVEMBER], [1])])
    )
    assert [dict(labels) for labels in archive.series([], NOVEMBER, NOVEMBER)] == [{"__name__": "new"}]
    assert len(archive.series([])) == 2


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.sets(st.integers(0, 12)), min_size=1, max_size=4), st.integers(-1, 13), st.integers(-1, 13))
def test_series_with_samples_in_a_range_are_those_that_select_gives(tmp_path_factory, held, start, end):
    archive = Archive.open(tmp_path_factory.mktemp("presence") / "a", create=True)
    for parity in (0, 1):
        parts = [sorted(t for t in times if t % 2 == parity) for times in held]
        archive.append_samples(
            SeriesSet.of(({"n": str(n)}, NOVEMBER + np.array(t, int), np.ones(len(t))) for n, t in enumerate(parts))
        )
    expected = archive.select([], NOVEMBER + start, NOVEMBER + end).labels
    assert archive.series([], NOVEMBER + start, NOVEMBER + end) == expected


def test_series_keep_their_number_when_the_archive_is_opened_again(archive):
    archive.append_samples(counters(3, np.array([NOVEMBER])))
    again = Archive.open(archive.root)
    again.append_samples(counters(5, np.array([NOVEMBER + 1000])))
    assert archive._registry.current().ids.tolist() == [0, 1, 2, 3, 4]
    assert sum(file.rows for file in archive._tables.files(SERIES)) == 5


def test_odd_label_names_and_values_are_text(archive):
    odd = {"__name__": "m.with dots", "ключ": "'; DROP TABLE", "empty": "", "emoji 🙂": "a\nb\x00c", "": "no name"}
    archive.append_samples(SeriesSet.of([(odd, [NOVEMBER], [1.0])]))
    found = Archive.open(archive.root).select([Matcher("emoji 🙂", "=~", "a.b.c")], *ALWAYS)
    assert dict(found.labels[0]) == {name: value for name, value in odd.items() if value}
    with pytest.raises(FrameError, match="half a character"):
        archive.append_samples(SeriesSet.of([({"a": "\ud800"}, [NOVEMBER], [1.0])]))


@pytest.mark.slow
def test_threads_share_one_archive(archive):
    def write(era: int) -> None:
        archive.append_samples(SeriesSet.of([({"era": str(era)}, NOVEMBER + np.arange(50) * 1000, np.ones(50))]))

    def look(_: int) -> int:
        return archive.select([Matcher("era", "!=", "")], *ALWAYS).samples

    with ThreadPoolExecutor(8) as pool:
        written, seen = pool.map(write, range(12)), pool.map(look, range(40))
        assert all(samples % 50 == 0 for samples in seen)
        assert len(list(written)) == 12
    assert look(0) == 600


SERIES_OF_SAMPLES = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]),
    st.dictionaries(
        st.integers(NOVEMBER - 5, NOVEMBER + 5), st.sampled_from([0.0, -0.0, 1.5, 7.0, STALE, np.inf]), min_size=1
    ),
    max_size=4,
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SERIES_OF_SAMPLES, min_size=1, max_size=3))
def test_any_order_of_appends_leaves_the_last_value_of_each_time(tmp_path_factory, appends):
    archive = Archive.open(tmp_path_factory.mktemp("any") / "a", create=True)
    expected: dict[str, dict[int, float]] = {}
    for each in appends:
        archive.append_samples(
            SeriesSet.of(({"n": n}, sorted(held), [held[t] for t in sorted(held)]) for n, held in each.items())
        )
        for name, held in each.items():
            expected.setdefault(name, {}).update(held)
    held = {
        labels["n"]: (times.tolist(), values.view(np.int64).tolist())
        for labels, times, values in archive.select([], *ALWAYS)
    }
    wanted = {
        name: (sorted(held), np.array([held[t] for t in sorted(held)]).view(np.int64).tolist())
        for name, held in expected.items()
    }
    assert held == wanted
