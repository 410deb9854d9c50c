"""Months written anew: small files become few, sorted by series and time, and what was written twice is dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.archive import samples
from workbench.archive.storage import parquet
from workbench.archive.storage.layout import SAMPLES, month_edges
from workbench.archive.storage.parquet import DataFile
from workbench.archive.storage.tables import CommitConflict, Tables

#: Samples of one pass: some series of a month at a time, so that memory stays bounded.
_PASS = 16_000_000


@dataclass(frozen=True)
class Compacted:
    """Files and bytes of the months that were written anew, before and after."""

    months: int
    files: tuple[int, int]
    size: tuple[int, int]


def compact(
    tables: Tables, ids: NDArray[np.int32], *, whole: bool = False, report: Callable[[float], object] = lambda _: None
) -> Compacted:
    """Write months anew whose files overlap or are small; with ``whole`` every month, e.g. for a newer encoding.

    Readers go on with the files they opened; what is written meanwhile stays the later.

    Parameters
    ----------
    tables : Tables
        The tables of the archive.
    ids : int32 array
        Numbers of all series, rising.
    """
    months: dict[str, list[DataFile]] = {}
    for file in tables.files(SAMPLES):
        months.setdefault(file.month, []).append(file)
    chosen = {month: files for month, files in months.items() if whole or _is_scattered(files)}
    before, after = [], []
    for number, (month, files) in enumerate(sorted(chosen.items())):
        fresh = _rewritten(tables, ids, month, files)
        try:
            tables.replace(SAMPLES, files, fresh)
        except CommitConflict:
            parquet.discard(tables.folder(SAMPLES), fresh)
            continue
        before += files
        after += fresh
        report((number + 1) / len(chosen))
    size = (sum(file.size for file in before), sum(file.size for file in after))
    return Compacted(len({file.month for file in before}), (len(before), len(after)), size)


def _is_scattered(files: list[DataFile]) -> bool:
    """Whether a month has more files than its rows need, or files that may hold the same sample."""
    needed = sum(file.rows for file in files) // samples.FILE_ROWS + 1
    return len(files) > needed + 1 or bool(parquet.overlapping(files, SAMPLES).any())


def _rewritten(tables: Tables, ids: NDArray[np.int32], month: str, files: list[DataFile]) -> list[DataFile]:
    year, number = map(int, month.split("-"))
    start = month_edges(*[int(np.datetime64(f"{year}-{number:02d}", "ms").astype(np.int64))] * 2)
    share = max(-(-sum(file.rows for file in files) // _PASS), 1)
    sequence = max(file.sequence for file in files)
    fresh: list[DataFile] = []
    for part in np.array_split(ids, share):
        month_samples = samples.read(
            tables, part, [{"row": str(row)} for row in range(len(part))], start[0], start[1] - 1, files=files
        )
        held = np.array([int(labels["row"]) for labels in month_samples.labels], np.intp)
        fresh += samples.written(tables, part[held], month_samples, sequence=sequence)
    return fresh
