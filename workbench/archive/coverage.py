"""What was copied into the archive, from which source and for which time, so that a copy goes on where it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from workbench.archive.storage import parquet
from workbench.archive.storage.layout import COVERAGE
from workbench.archive.storage.tables import CommitConflict, Tables

Stretch = tuple[int, int]

#: Rows of a table of coverage in many files from which on it is written anew as one.
_MANY_FILES = 32


def covered(tables: Tables, source: str | None) -> dict[str, list[Stretch]]:
    """Half-open stretches that were copied of a source, or of any, joined and in order, by subject. [ms since epoch]"""
    merged: dict[str, list[Stretch]] = {}
    for row in _rows(tables).to_pylist():
        if source is None or row["source"] == source:
            merged.setdefault(row["subject"], []).append((row["start_ms"], row["end_ms"]))
    return {subject: joined(stretches) for subject, stretches in merged.items()}


def note(tables: Tables, source: str, subjects: Sequence[str], start_ms: int, end_ms: int) -> None:
    """Note that the subjects of a source were copied for ``[start_ms, end_ms)``; noting it twice changes nothing."""
    columns = {
        "source": [source] * len(subjects),
        "subject": list(subjects),
        "start_ms": [start_ms] * len(subjects),
        "end_ms": [end_ms] * len(subjects),
    }
    rows = pa.table(columns, schema=COVERAGE.schema)
    held = tables.files(COVERAGE)
    if len(held) < _MANY_FILES:
        tables.append(COVERAGE, parquet.write(tables.folder(COVERAGE), COVERAGE, "", [rows]))
        return
    files = parquet.write(tables.folder(COVERAGE), COVERAGE, "", [_condensed(pa.concat_tables([_rows(tables), rows]))])
    try:
        tables.replace(COVERAGE, held, files)
    except CommitConflict:
        parquet.discard(tables.folder(COVERAGE), files)
        tables.append(COVERAGE, parquet.write(tables.folder(COVERAGE), COVERAGE, "", [rows]))


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Join stretches that meet, in order of time.

    Examples
    --------
    >>> joined([(5, 9), (0, 3), (3, 4)])
    [(0, 4), (5, 9)]
    """
    whole: list[Stretch] = []
    for start, end in sorted(stretches):
        if whole and start <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end))
        else:
            whole.append((start, end))
    return whole


def missing(stretches: Sequence[Stretch], start_ms: int, end_ms: int) -> list[Stretch]:
    """Parts of ``[start_ms, end_ms)`` that joined stretches do not cover.

    Examples
    --------
    >>> missing([(2, 4), (6, 7)], 0, 10)
    [(0, 2), (4, 6), (7, 10)]
    """
    gaps, position = [], start_ms
    for start, end in stretches:
        if start > position:
            gaps.append((position, min(start, end_ms)))
        position = max(position, end)
        if position >= end_ms:
            break
    if position < end_ms:
        gaps.append((position, end_ms))
    return [(start, end) for start, end in gaps if start < end]


def _rows(tables: Tables) -> pa.Table:
    parts = [COVERAGE.schema.empty_table()]
    for file in tables.files(COVERAGE):
        groups = parquet.row_groups(tables.folder(COVERAGE), file, COVERAGE, {})
        parts += parquet.batches(tables.folder(COVERAGE), file, COVERAGE, groups)
    return pa.concat_tables(parts)


def _condensed(rows: pa.Table) -> pa.Table:
    held: dict[tuple[str, str], list[Stretch]] = {}
    for row in rows.to_pylist():
        held.setdefault((row["source"], row["subject"]), []).append((row["start_ms"], row["end_ms"]))
    flat = [(*key, *stretch) for key, stretches in held.items() for stretch in joined(stretches)]
    columns = [
        pa.array(column, each.type) for column, each in zip(zip(*flat, strict=True), COVERAGE.schema, strict=True)
    ]
    return pa.table(columns, schema=COVERAGE.schema).sort_by([("start_ms", "ascending"), ("end_ms", "ascending")])
