"""The series table: which number stands for which label set, and which label sets a selector means."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.archive.storage import parquet
from workbench.archive.storage.layout import SERIES
from workbench.archive.storage.tables import CommitConflict, Tables
from workbench.core.errors import ArchiveError, FrameError
from workbench.core.series import LabelKey, Labels, label_key
from workbench.promql.parser.matchers import Matcher

_ATTEMPTS = 50


class SeriesTable:
    """One version of the series table in memory, immutable; rows are sorted by id."""

    def __init__(self, ids: NDArray[np.int32], labels: Sequence[Labels]) -> None:
        self.ids = ids
        self.labels = tuple(labels)
        self.index: dict[LabelKey, int] = {label_key(each): row for row, each in enumerate(self.labels)}
        self._columns: dict[str, tuple[tuple[str, ...], NDArray[np.int32]]] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def matching(self, matchers: Iterable[Matcher]) -> NDArray[np.intp]:
        """Rows that fulfil all matchers; a label that a series lacks is the empty text.

        Raises
        ------
        QueryRejected
            A regular expression is not RE2.
        """
        wanted = np.ones(len(self), bool)
        for matcher in matchers:
            values, codes = self.column(matcher.name)
            wanted &= matcher.keep(values)[codes]
        return np.flatnonzero(wanted)

    def column(self, name: str) -> tuple[tuple[str, ...], NDArray[np.int32]]:
        """Distinct values of a label (the first is the empty text) and the code of each row."""
        if name not in self._columns:
            known: dict[str, int] = {"": 0}
            codes = [known.setdefault(labels.get(name, ""), len(known)) for labels in self.labels]
            self._columns[name] = (tuple(known), np.array(codes, np.int32))
        return self._columns[name]


class SeriesRegistry:
    """Gives every label set its number, once, also when two processes ask at the same moment."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._cached: tuple[str, SeriesTable] | None = None
        self._lock = threading.Lock()

    def current(self) -> SeriesTable:
        """Newest version, read only when it changed."""
        return self._versioned()[1]

    def register(self, labels: Sequence[Labels]) -> NDArray[np.int32]:
        """Give each label set its number; unknown ones are added in one commit.

        Samples are sorted by these numbers, so series of one metric get them side by side: who asks for a metric over
        all instances then reads few row groups.

        Raises
        ------
        ArchiveError
            Other writers kept coming first, or the numbers are used up.
        """
        keys = [label_key(each) for each in labels]
        for _ in range(_ATTEMPTS):
            version, table = self._versioned()
            unknown = _neighbours(dict.fromkeys(key for key in keys if key not in table.index))
            if not unknown:
                return table.ids[[table.index[key] for key in keys]] if keys else np.zeros(0, np.int32)
            try:
                rows = _rows(table, unknown)
            except UnicodeEncodeError as error:
                raise FrameError(
                    f"A label holds half a character ({error.object!r}), which is no text.", hint="Clean the label."
                ) from None
            files = parquet.write(self._tables.folder(SERIES), SERIES, "", [rows])
            try:
                self._tables.append(SERIES, files, expect=version)
            except CommitConflict:
                parquet.discard(self._tables.folder(SERIES), files)
        raise ArchiveError(
            f"Other writers changed the series table {_ATTEMPTS} times in a row.", hint="Run the command again."
        )

    def _versioned(self) -> tuple[str, SeriesTable]:
        with self._lock:
            version = self._tables.version(SERIES)
            if self._cached is None or self._cached[0] != version:
                self._cached = (version, _read(self._tables))
            return self._cached


def _neighbours(keys: Iterable[LabelKey]) -> list[LabelKey]:
    """Label sets with those of each metric side by side, metrics and label sets in order of first appearance."""
    of_metric: dict[str, list[LabelKey]] = {}
    for key in keys:
        of_metric.setdefault(dict(key).get("__name__", ""), []).append(key)
    return [key for several in of_metric.values() for key in several]


def _rows(table: SeriesTable, keys: Sequence[LabelKey]) -> pa.Table:
    first = int(table.ids[-1]) + 1 if len(table) else 0
    if first + len(keys) > np.iinfo(np.int32).max:
        raise ArchiveError("The archive holds two billion series; their numbers are used up.")
    digests = [hashlib.blake2b(repr(key).encode(), digest_size=8).digest() for key in keys]
    return pa.table(
        {
            "series_id": np.arange(first, first + len(keys), dtype=np.int32),
            "metric": [dict(key).get("__name__", "") for key in keys],
            "labels": [[pair for pair in key if pair[0] != "__name__"] for key in keys],
            "fingerprint": [int.from_bytes(digest, "little", signed=True) for digest in digests],
        },
        schema=SERIES.schema,
    )


def _read(tables: Tables) -> SeriesTable:
    folder = tables.folder(SERIES)
    parts: list[pa.Table] = []
    for file in tables.files(SERIES):
        groups = parquet.row_groups(folder, file, SERIES, {})
        parts.extend(parquet.batches(folder, file, SERIES, groups, ["series_id", "metric", "labels"]))
    if not parts:
        return SeriesTable(np.zeros(0, np.int32), ())
    rows = pa.concat_tables(parts).sort_by("series_id")
    labels = [
        {"__name__": metric, **dict(pairs)} if metric else dict(pairs)
        for metric, pairs in zip(rows["metric"].to_pylist(), rows["labels"].to_pylist(), strict=True)
    ]
    return SeriesTable(rows["series_id"].to_numpy(), labels)
