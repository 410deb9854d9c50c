"""A bit of a data file that tips over is an error that names the file, or nothing that counts: never another number."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np

from workbench.archive import Archive
from workbench.core.errors import ArchiveError
from workbench.core.series import SeriesSet


def read(folder: Path) -> bytes:
    series = Archive.open(folder).select([], 0, 2**60)
    return b"".join(times.tobytes() + values.tobytes() for _, times, values in series)


def test_no_tipped_bit_is_another_number(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    times = np.arange(0, 300_000, 1_000)
    Archive.open(tmp_path / "whole", create=True).append_samples(
        SeriesSet.of([({"__name__": f"m{n}", "job": "a"}, times, chance.normal(size=len(times))) for n in range(5)])
    )
    whole = read(tmp_path / "whole")
    (file,) = (tmp_path / "whole" / "samples").rglob("*.parquet")
    pages = file.stat().st_size - 8 - int.from_bytes(file.read_bytes()[-8:-4], "little")
    content, chosen, errors = file.read_bytes(), random.Random(7), 0
    for number in range(40):
        harmed = bytearray(content)
        harmed[chosen.randrange(4, pages)] ^= 1 << chosen.randrange(8)
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
