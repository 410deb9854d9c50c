"""A bit of a data file that tips over is an error that names the file, or nothing that counts: never another number."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.archive import Archive
from workbench.archive.sql import rows_of
from workbench.archive.storage.parquet import SEALED, checked_tail
from workbench.core.errors import ArchiveError
from workbench.core.series import SeriesSet


def read(folder: Path) -> bytes:
    series = Archive.open(folder).select([], 0, 2**60)
    return b"".join(times.tobytes() + values.tobytes() for _, times, values in series)


@pytest.mark.parametrize("table", ["samples", "series"])
def test_no_tipped_bit_is_another_number(tmp_path: Path, table: str) -> None:
    chance = np.random.default_rng(5)
    times = np.arange(0, 300_000, 1_000)
    Archive.open(tmp_path / "whole", create=True).append_samples(
        SeriesSet.of([({"__name__": f"m{n}", "job": "a"}, times, chance.normal(size=len(times))) for n in range(5)])
    )
    whole = read(tmp_path / "whole")
    (file,) = (tmp_path / "whole" / table).rglob("*.parquet")
    content, chosen, errors = file.read_bytes(), random.Random(7), 0
    for number in range(60):
        harmed = bytearray(content)
        harmed[chosen.randrange(4, len(content))] ^= 1 << chosen.randrange(8)
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(tmp_path / "whole", copy)
        path = copy / file.relative_to(tmp_path / "whole")
        path.chmod(0o600)
        path.write_bytes(harmed)
        try:
            assert read(copy) == whole
        except ArchiveError as error:
            assert path.name in error.message  # noqa: PT017
            errors += 1
    assert errors >= 20


def test_a_file_of_before_without_a_checksum_of_its_footer_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.parquet"
    pq.write_table(pa.table({"a": list(range(9))}), path)
    footer = pq.read_metadata(pa.BufferReader(checked_tail(path, path.name, path.stat().st_size)))
    assert footer.num_rows == 9
    with pytest.raises(OSError, match="another size"):
        checked_tail(path, path.name, 1)
    with pytest.raises(OSError, match="footer is damaged"):
        checked_tail(path, f"x{SEALED}", path.stat().st_size)


@pytest.mark.slow
def test_no_tipped_bit_is_another_number_in_sql(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    times = np.arange(0, 300_000, 1_000)
    Archive.open(tmp_path / "whole", create=True).append_samples(
        SeriesSet.of([({"__name__": f"m{n}", "job": "a"}, times, chance.normal(size=len(times))) for n in range(5)])
    )
    query = "SELECT metric, ts, value FROM samples JOIN series USING (series_id) ORDER BY ALL"
    whole = rows_of(Archive.open(tmp_path / "whole"), query)
    (file,) = (tmp_path / "whole" / "samples").rglob("*.parquet")
    content, chosen, errors = file.read_bytes(), random.Random(9), 0
    for _ in range(40):
        harmed = bytearray(content)
        harmed[chosen.randrange(4, len(content))] ^= 1 << chosen.randrange(8)
        file.chmod(0o600)
        file.write_bytes(harmed)
        try:
            assert rows_of(Archive.open(tmp_path / "whole"), query) == whole
        except ArchiveError as error:
            assert file.name in error.message  # noqa: PT017
            errors += 1
    assert errors >= 20
