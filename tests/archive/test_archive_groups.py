"""Decoded row groups give back every time and value, in four bytes where they fit and in eight where not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.archive.groups import _group, decoded
from workbench.archive.storage import parquet
from workbench.archive.storage.layout import SAMPLES
from workbench.archive.storage.parquet import RowGroup
from workbench.archive.storage.place import LocalFolder
from workbench.core.errors import ArchiveError
from workbench.core.series import STALE

FIRST_MS = 1_700_000_000_000


def row_group(rows: pa.Table) -> RowGroup:
    """A row group as a file gives it, all columns to be read."""
    columns = {name: rows[name].to_numpy() for name in ("series_id", "ts")}
    low, high = ({name: int(end(column)) for name, column in columns.items()} for end in (np.min, np.max))
    return RowGroup(len(rows), low, high, {}, tuple(rows.column_names), rows.select)


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.lists(st.integers(-9, 9), min_size=1, max_size=5, unique=True).map(sorted)),
        min_size=1,
        max_size=6,
    )
)
def test_series_are_those_that_were_written_whether_times_tell_them_or_not(series):
    ids = np.cumsum([step for step, _ in series])
    counts = [len(times) for _, times in series]
    times = [time for _, times in series for time in times]
    nothing = pa.nulls(len(times))
    rows = pa.table(
        [np.repeat(ids, counts), np.array(times), np.arange(len(times)), nothing, nothing],
        names=SAMPLES.schema.names,
    ).cast(SAMPLES.schema)
    group = _group(row_group(rows))
    assert group.ids.tolist() == ids.tolist()
    assert group.bounds.tolist() == [0, *np.cumsum(counts).tolist()]
    written = np.zeros(len(times), np.int64), np.zeros(len(times))
    for low, high in zip(group.bounds[:-1].tolist(), group.bounds[1:].tolist(), strict=True):
        group.write(low, high, *(part[low:high] for part in written))
    assert (written[0].tolist(), written[1].tolist()) == (times, list(range(len(times))))


LATE = {"never": [0] * 40, "twice": [0] * 3 + [5_000] * 20 + [9_000] * 17, "always": [n * n for n in range(40)]}


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("step_ms", [15_000, 2**31, 2**33])
@pytest.mark.parametrize("largest", [100, 2**31, 2**52])
def test_times_values_and_edges_are_those_that_were_written(step_ms: int, largest: int, late: str):
    times = FIRST_MS + np.arange(40) * step_ms + np.array(LATE[late])
    whole = np.linspace(-largest, largest, 40).astype(np.int64)
    rows = pa.table(
        [
            pa.array(np.repeat(np.array([3, 5, 9], np.int32), [15, 1, 24])),
            pa.array(times),
            pa.array(whole, mask=np.arange(40) == 17),
            pa.array([None] * 15 + [1] * 25, pa.int8()),
            pa.array([None] * 17 + [STALE] + [None] * 22, pa.float64()),
        ],
        schema=SAMPLES.schema,
    )
    group = _group(row_group(rows))
    expected = whole / np.where(np.arange(40) < 15, 1.0, 10.0)
    expected[17] = STALE
    filled = np.zeros(40, np.int64), np.zeros(40)
    for low, high in ((0, 2), (2, 4), (4, 15), (15, 16), (16, 21), (21, 40)):
        group.write(low, high, *(part[low:high] for part in filled))
        assert group.ends_ms(low, high) == (times[low], times[high - 1])
    assert filled[0].tolist() == times.tolist()
    assert filled[1].view(np.int64).tolist() == expected.view(np.int64).tolist()
    assert group.marked
    if late == "always":
        assert group.since.itemsize == (4 if 40 * step_ms < 2**32 else 8)
    else:
        assert (group.since, group.step_ms) == (None, step_ms)
        assert len(group.starts) == (3 if late == "never" else 5)
    for first, last, number in ((0, 15, 0), (15, 16, 1), (16, 40, 2)):
        for start_ms in (0, *times.tolist(), *(times + 1).tolist(), *(times - 1).tolist(), 2**60):
            for length_ms in (-1, 0, 1, step_ms, 20 * step_ms, 2**60):
                (low,), (high,) = group.within(np.array([number]), start_ms, start_ms + length_ms)
                wanted = [at for at in range(first, last) if start_ms <= times[at] <= start_ms + length_ms]
                assert list(range(low, high)) == wanted


@pytest.mark.parametrize("valued", [0, 1, 39])
def test_a_sample_without_a_value_is_an_error_that_names_the_file(tmp_path: Path, valued: int):
    place, rows = LocalFolder(tmp_path), pa.nulls(40 - valued, pa.float64())
    table = pa.table(
        [
            pa.array(np.full(40, 3, np.int32)),
            pa.array(FIRST_MS + np.arange(40)),
            pa.nulls(40, pa.int64()),
            pa.nulls(40, pa.int8()),
            pa.concat_arrays([pa.array(np.full(valued, 0.1)), rows]),
        ],
        schema=SAMPLES.schema,
    )
    (file,) = parquet.write(place, SAMPLES, "2023-11", [table])
    with pytest.raises(ArchiveError, match=r"a sample has no value(.|\n)*build the archive again") as error:
        next(decoded(place, file, [0]))
    assert file.path in error.value.message
