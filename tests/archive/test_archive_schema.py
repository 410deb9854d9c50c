"""An archive that an earlier version wrote (schema 1, without scales) is read, and raised by the first write."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.archive import Archive
from workbench.archive.sql import connect
from workbench.archive.storage import decimals
from workbench.core.errors import ArchiveError
from workbench.core.series import STALE, SeriesSet

START = 1_793_491_200_000
ALWAYS = (0, 2**60)
GAUGE = [*(np.arange(49) * 0.25 + 1 / 3), STALE]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    shutil.copytree(Path(__file__).parent / "schema1", tmp_path / "old")
    return tmp_path / "old"


def bits(values: object) -> list[int]:
    return np.asarray(values, np.float64).view(np.int64).tolist()


def test_an_old_archive_is_read_as_it_is(old):
    archive = Archive.open(old)
    counter, gauge = archive.select([], *ALWAYS)
    assert counter[2].tolist() == list(range(50))
    assert bits(gauge[2]) == bits(GAUGE)
    assert archive.covered("prod") == {}
    assert json.loads((old / "archive.json").read_text())["schema"] == 1
    assert connect(archive).execute("select count(*), max(value) from samples where series_id = 0").fetchall() == [
        (50, 49.0)
    ]


def test_the_first_write_raises_the_schema_and_old_and_new_files_stand_together(old):
    archive = Archive.open(old)
    fresh = SeriesSet.of([({"__name__": "g"}, START + 3_600_000 + np.arange(20) * 1000, np.arange(20) * 0.01)])
    archive.append_samples(fresh)
    assert json.loads((old / "archive.json").read_text())["schema"] == 2
    gauge = Archive.open(old).select([], *ALWAYS).values[50:]
    assert bits(gauge) == bits([*GAUGE, *(np.arange(20) * 0.01)])
    summed = connect(archive).execute("select sum(value) from samples where series_id = 1 and not isnan(value)")
    assert summed.fetchone()[0] == pytest.approx(sum(GAUGE[:-1]) + 1.9, rel=1e-12)
    archive.replace_samples(SeriesSet.empty(), START, START + 600_000)
    assert bits(Archive.open(old).select([], *ALWAYS).values[40:]) == bits([*GAUGE[10:], *(np.arange(20) * 0.01)])


def test_a_newer_schema_is_refused_with_what_to_do(old):
    document = json.loads((old / "archive.json").read_text())
    (old / "archive.json").write_text(json.dumps(document | {"schema": 3}))
    with pytest.raises(ArchiveError, match="has format 3; this workbench reads 1 to 2"):
        Archive.open(old)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 9),
    st.lists(
        st.one_of(st.integers(-(10**12), 10**12), st.floats(), st.sampled_from([-0.0, STALE, 1e300, 2.0**60])),
        min_size=1,
        max_size=40,
    ),
)
def test_any_values_come_back_to_the_bit_at_any_scale(tmp_path_factory, places, raw):
    values = np.array([one / 10**places if isinstance(one, int) else one for one in raw])
    archive = Archive.open(tmp_path_factory.mktemp("scaled") / "a", create=True)
    archive.append_samples(SeriesSet.of([({"a": "b"}, START + np.arange(len(values)), values)]))
    assert bits(archive.select([], *ALWAYS).values) == bits(values)
    told = connect(archive).execute("select value from samples order by ts").fetchnumpy()["value"]
    np.testing.assert_array_equal(told, values)


def test_prices_and_percentages_become_whole_numbers():
    values = np.round(np.random.default_rng(1).uniform(0, 100, 1000), 2)
    assert decimals.places(values, np.array([0]), np.array([1000])).tolist() == [2]
    numbers, exact = decimals.scaled(values, np.full(1000, 2, np.int8))
    assert exact.all()
    assert (numbers == np.rint(values * 100)).all()
