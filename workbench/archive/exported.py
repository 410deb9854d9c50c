"""Samples of an archive as one file for other programs: Parquet, or OpenMetrics text."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.archive.openmetrics import Written, write_openmetrics
from workbench.core.errors import ArchiveError
from workbench.core.series import SeriesSet
from workbench.promql.parser.matchers import Matcher

if TYPE_CHECKING:
    from workbench.archive.archive import Archive

_SCHEMA = pa.schema(
    [
        ("metric", pa.string()),
        ("labels", pa.map_(pa.string(), pa.string())),
        ("time", pa.timestamp("ms", "UTC")),
        ("value", pa.float64()),
    ]
)


def export(
    archive: Archive, target: Path, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, text: bool
) -> Written:
    """Write the samples with ``start_ms <= t <= end_ms`` into a file that appears only when it is whole.

    Parameters
    ----------
    archive : Archive
        The archive to read or to write.
    target : Path
        File to write.
    matchers : sequence of Matcher
        Conditions on labels; a series must fulfil all.
    start_ms, end_ms : int
        [ms since the epoch]
    text : bool
        OpenMetrics, which has no stale marks; else Parquet with ``metric``, ``labels``, ``time``, ``value``.

    Returns
    -------
    Written

    Raises
    ------
    ArchiveError
        The file cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    parts = _by_metric(archive, matchers, start_ms, end_ms)
    try:
        with temporary.open("wb") as file:
            written = write_openmetrics(parts, file) if text else _write_parquet(parts, file)
        os.replace(temporary, target)
    except OSError as error:
        raise ArchiveError(
            f"{target} cannot be written: {error.strerror or error}.", hint="Nothing was left there."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return written


def _by_metric(archive: Archive, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Iterator[SeriesSet]:
    """Give the series one metric at a time, so that memory stays bounded and families stand together."""
    names = sorted({labels.get("__name__", "") for labels in archive.series(matchers, start_ms, end_ms)})
    for name in names:
        yield archive.floats([*matchers, Matcher("__name__", "=", name)], start_ms, end_ms)


def _write_parquet(parts: Iterator[SeriesSet], file: BinaryIO) -> Written:
    samples = 0
    with pq.ParquetWriter(file, _SCHEMA, compression="zstd") as writer:
        for series in parts:
            counts = np.diff(series.offsets)
            pairs = [[pair for pair in labels.items() if pair[0] != "__name__"] for labels in series.labels]
            rows = np.repeat(np.arange(len(series)), counts)
            writer.write_table(
                pa.table(
                    [
                        pa.array([labels.get("__name__", "") for labels in series.labels]).take(rows),
                        pa.array(pairs, _SCHEMA.field("labels").type).take(rows),
                        pa.array(series.times.view("datetime64[ms]")).cast(pa.timestamp("ms", "UTC")),
                        pa.array(series.values),
                    ],
                    schema=_SCHEMA,
                )
            )
            samples += series.samples
    return Written(samples, 0)
