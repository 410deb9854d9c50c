"""The archive: a place that keeps samples, logs, spans and alert episodes, and answers like a backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.archive import coverage, native, samples
from workbench.archive.looks import Looks
from workbench.archive.presence import present
from workbench.archive.records import records
from workbench.archive.series import SeriesRegistry
from workbench.archive.storage import commits, document
from workbench.archive.storage.commits import Commit
from workbench.archive.storage.compaction import Compacted, compact
from workbench.archive.storage.document import RAW_DELETED_BEFORE, SCHEMA, Document
from workbench.archive.storage.layout import EPISODES, HISTOGRAMS, LAYOUTS, LOGS, SAMPLES, SPANS, Layout
from workbench.archive.storage.parquet import DataFile
from workbench.archive.storage.place import LOCK, LocalFolder, Place, place_of
from workbench.archive.storage.tables import Tables
from workbench.archive.tiers.long_history import long_history
from workbench.archive.tiers.slices import TABLES
from workbench.archive.tiers.verdicts import RAW, Tier
from workbench.core.errors import ArchiveError
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.mixed import concatenated, float_samples
from workbench.core.series import Labels, SeriesSet
from workbench.core.timerange import DAY_MS, TimeRange
from workbench.promql.parser.matchers import Matcher


class Archive:
    """History kept in one folder or below one URL of an object store; open it with :meth:`open`.

    Readers never wait for writers: each call answers from the newest commit. Two processes may append at once, and a
    writer that is killed leaves what was committed before.

    Examples
    --------
    >>> import tempfile
    >>> archive = Archive.open(tempfile.mkdtemp(), create=True)
    >>> archive.append_samples(SeriesSet.of([({"__name__": "up", "job": "api"}, [0, 60_000], [1.0, 0.0])]))
    >>> archive.select([], 0, 60_000).values.tolist()
    [1.0, 0.0]
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._tables = Tables(place)
        self._registry = SeriesRegistry(self._tables)
        self._document = Document(place)
        self._raised = False
        self.looks = Looks(self._tables, self._document)

    @classmethod
    def open(cls, path: str | Path, create: bool = False) -> Archive:
        """Open the archive in a folder or below a URL.

        Parameters
        ----------
        path : str or Path
            Folder, or ``s3://bucket/path``, ``gs://bucket/path``, ``az://container/path``.
        create : bool
            Make an empty archive where the place does not exist or is empty.

        Raises
        ------
        ArchiveError
            No archive there, a foreign folder, a newer format, or no permission.
        """
        archive = cls(place_of(path))
        try:
            if create and not archive._document.exists():
                archive._document.create(archive._make_tables)
            archive._document.read()
        except OSError as error:
            raise ArchiveError(
                f"The archive in {archive.place} cannot be opened: {error.strerror or error}.",
                hint="Check the path and the permissions of the folder.",
            ) from error
        return archive

    @classmethod
    def is_at(cls, path: str | Path) -> bool:
        """Say whether an archive lies in a folder or below a URL."""
        return cls(place_of(path))._document.exists()

    def _make_tables(self) -> None:
        foreign = [name for name in self.place.names() if name not in _OWN]
        if foreign:
            raise ArchiveError(
                f"{self.place} is not an archive and not empty: it holds {', '.join(foreign[:3])}.",
                hint="Name a new or empty folder for the archive.",
            )
        for layout in LAYOUTS:
            if layout != HISTOGRAMS:  # many archives never hold one, and none should pay for the look
                self._tables.create(layout)

    @property
    def root(self) -> Path:
        """Folder of an archive on this machine.

        Raises
        ------
        ArchiveError
            It lies in an object store.
        """
        if not isinstance(self.place, LocalFolder):
            raise ArchiveError(f"{self.place} is not a folder of this machine.", hint="Name an archive in a folder.")
        return self.place.path

    # What the archive says about itself

    @property
    def meta(self) -> dict[str, Any]:
        """Small JSON document of whoever fills the archive (anchor, seed, scenario, ...)."""
        return dict(self.looks.document["meta"])

    def update_meta(self, values: Mapping[str, Any]) -> None:
        """Set keys of :attr:`meta`, in one step also for other processes; values are plain JSON."""
        self.looks.update("meta", dict(values))

    @property
    def families(self) -> dict[str, dict[str, str]]:
        """``metric family -> {type, help, unit}``."""
        return dict(self.looks.document["families"])

    def update_families(self, families: Mapping[str, Mapping[str, str]]) -> None:
        """Add or replace metric families: ``{"http_requests": {"type": "counter", "help": "...", "unit": ""}}``."""
        self.looks.update("families", {name: dict(family) for name, family in families.items()})

    def newest_ms(self) -> int | None:
        """Time of the newest sample; None in an empty archive. [ms since the epoch]"""
        return max((file.high["ts"] for file in self._sampled()), default=None)

    def oldest_ms(self) -> int | None:
        """Time of the oldest sample; None in an empty archive. [ms since the epoch]"""
        return min((file.low["ts"] for file in self._sampled()), default=None)

    def _sampled(self) -> tuple[DataFile, ...]:
        return self._tables.files(SAMPLES) + self._tables.files(HISTOGRAMS)

    def one_look(self) -> AbstractContextManager[None]:
        """Answer what this thread asks inside from one state, which is looked at once and not before every read."""
        return self.looks.single()

    def versions(self) -> dict[str, str]:
        """Version of each table; equal versions give equal answers, so they belong into cache keys."""
        return {layout.name: self._tables.version(layout) for layout in LAYOUTS}

    def files(self, layout: Layout) -> tuple[DataFile, ...]:
        """Parquet files of one table at the newest commit, below ``place / layout.name``, oldest first."""
        return self._tables.files(layout)

    def state_of(self, layout: Layout) -> Commit | None:
        """Return the newest commit of a table, with its counts of files and rows; None where there is no table."""
        return self._tables.state(layout)

    def files_at(self, layout: Layout, state: Commit) -> tuple[DataFile, ...]:
        """Parquet files of one table as :meth:`state_of` found it."""
        return self._tables.files_at(layout, state)

    @property
    def tables(self) -> Tables:
        """The tables, for the parts of this room that write more than samples."""
        return self._writable()

    def matching(self, matchers: Sequence[Matcher]) -> tuple[NDArray[np.int32], list[Labels]]:
        """Numbers, rising, and labels of the series that fulfil all matchers."""
        table = self._registry.current()
        rows = table.matching(matchers)
        return table.ids[rows], [table.labels[row] for row in rows]

    def ids_of(self, labels: Sequence[Labels]) -> NDArray[np.int32]:
        """Numbers of series; unknown ones get one."""
        return self._registry.register(labels)

    def rolled_until(self, tier: Tier) -> int:
        """Return the end of the newest day that has slices of a tier; 0 without any. [ms since the epoch]"""
        newest = max((file.high["ts"] for file in self._tables.files(TABLES[tier.name])), default=0)
        return -(-newest // DAY_MS) * DAY_MS

    def oldest_of(self, tier: Tier) -> int | None:
        """Return the time of the oldest sample or slice of a tier. [ms since the epoch]"""
        layout = SAMPLES if tier == RAW else TABLES[tier.name]
        return min((file.low["ts"] for file in self._tables.files(layout)), default=None)

    def rows(self, name: str) -> int:
        """Rows of one table, by its name. [count]"""
        return sum(file.rows for layout in LAYOUTS if layout.name == name for file in self._tables.files(layout))

    def compact(self, *, whole: bool = False, report: Callable[[float], object] = lambda _: None) -> Compacted:
        """Write months of many small files anew, sorted (:func:`workbench.archive.storage.compaction.compact`)."""
        native.compact(self._writable())
        return compact(self._tables, self._registry.current().ids, whole=whole, report=report)

    def vacuum(self, *, hours: int = 168) -> int:
        """Delete files that no version of the last hours holds, such as those of a killed writer. [count]

        A reader that opened an older version, and a writer that has not committed yet, need theirs: keep the hours
        longer than the longest read or write.
        """
        return sum(self._tables.vacuum(layout, hours=hours) for layout in LAYOUTS)

    # Samples

    def append_samples(self, series: SeriesSet) -> None:
        """Add samples; appending the same ones again changes nothing, and another value for a time wins.

        Parameters
        ----------
        series : SeriesSet
            Times rise strictly in each series.

        Raises
        ------
        FrameError
            Times that do not rise, or two series of one label set.
        ArchiveError
            The disk is full, or the folder cannot be written.
        """
        ids = self._registry.register(series.labels)
        samples.check(ids, series)
        if series.histograms is None:
            return samples.write(self._writable(), ids, series)
        native.write(self._writable(), ids, series)
        floats = float_samples(series)
        samples.write(self._tables, self._registry.register(floats.labels), floats)

    def replace_samples(
        self, series: SeriesSet, start_ms: int, end_ms: int, *, matchers: Sequence[Matcher] = ()
    ) -> None:
        """Delete what the archive holds in ``[start_ms, end_ms)`` and add ``series`` instead.

        Floats change in one commit, and so do native histograms.

        Parameters
        ----------
        series : SeriesSet
            All samples inside the range.
        start_ms, end_ms : int
            Range. [ms since the epoch]
        matchers : sequence of matchers
            Delete only series that fulfil them; without any, all series.
        """
        ids = self._registry.register(series.labels)
        table = self._registry.current()
        doomed = table.ids[table.matching(matchers)]
        native.rewrite(self._writable(), ids, series, doomed, start_ms, end_ms)
        floats = float_samples(series)
        samples.rewrite(self._tables, self._registry.register(floats.labels), floats, doomed, start_ms, end_ms)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, marks: bool = True) -> SeriesSet:
        """Read the samples with ``start_ms <= t <= end_ms`` of the series that fulfil all matchers.

        Series without a sample in the range are left out. Only the needed row groups are read.
        """
        ids, labels = self.matching(matchers)
        floats = self._floats(ids, labels, start_ms, end_ms, marks=marks)
        histograms = native.read(self._tables, ids, labels, start_ms, end_ms)
        both = floats if histograms is None else concatenated([floats, histograms])
        return both if marks or histograms is None else both.unmarked()

    def floats(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, marks: bool = True) -> SeriesSet:
        """Read as :meth:`select`, without native histograms, and stale marks only with ``marks``; no look keeps it."""
        return self._floats(*self.matching(matchers), start_ms, end_ms, kept=False, marks=marks)

    def _floats(
        self,
        ids: NDArray[np.int32],
        labels: Sequence[Labels],
        start_ms: int,
        end_ms: int,
        *,
        kept: bool = True,
        marks: bool = True,
    ) -> SeriesSet:
        read = partial(samples.read, self._tables, ids, labels, start_ms, end_ms, marks=marks)
        selection = self._tables.version(SAMPLES), ids.tobytes(), start_ms, end_ms, marks
        return self.looks.once(selection, read, kept=kept)

    def native_only(self, matchers: Sequence[Matcher]) -> bool | None:
        """Say whether all series that fulfil the matchers hold native histograms, or some (None), or none."""
        if not self._tables.files(HISTOGRAMS):
            return False
        ids, _ = self.matching(matchers)
        held = np.isin(ids, native.series_with(self._tables))
        return None if held.any() and not held.all() else bool(held.any())

    def history(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesSet:
        """Read as :meth:`floats`, without marks; slices stand in for deleted samples (``long_history.py``)."""
        cut_ms = int(self.meta.get(RAW_DELETED_BEFORE, 0))
        if start_ms > cut_ms:
            return self.floats(matchers, start_ms, end_ms, marks=False)
        return long_history(self, matchers, start_ms, cut_ms, end_ms)

    def series(
        self, matchers: Sequence[Matcher], start_ms: int | None = None, end_ms: int | None = None
    ) -> tuple[Labels, ...]:
        """Label sets that fulfil all matchers and, where a range is given, have a sample in ``[start_ms, end_ms]``."""
        table = self._registry.current()
        rows = table.matching(matchers)
        if start_ms is not None and end_ms is not None:
            there = present(self._tables, table.ids[rows], start_ms, end_ms)
            rows = rows[there | present(self._tables, table.ids[rows], start_ms, end_ms, layout=HISTOGRAMS)]
        return tuple(table.labels[row] for row in rows)

    def series_count(self) -> int:
        """Label sets the archive has ever held. [count]"""
        return len(self._registry.current())

    def estimate(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> tuple[int, int]:
        """Series that fulfil all matchers, and about how many samples :meth:`select` would read; reads none."""
        table = self._registry.current()
        rows = table.matching(matchers)
        ids = table.ids[rows]
        held = samples.estimate(self._tables, ids, start_ms, end_ms)
        return len(rows), held + samples.estimate(self._tables, ids, start_ms, end_ms, layout=HISTOGRAMS)

    # Logs, spans, episodes

    def append_logs(self, frame: pd.DataFrame) -> None:
        """Add a LOGS frame; lines the archive holds already are read once only."""
        records.append(self._tables, LOGS, frame)

    def replace_logs(self, frame: pd.DataFrame, span: TimeRange) -> None:
        """Delete the lines of the range and add a LOGS frame instead."""
        records.replace(self._tables, LOGS, frame, span)

    def logs(self, wanted: LogFilter, span: TimeRange) -> pd.DataFrame:
        """Lines of ``[start, end)`` that pass the filter: LOGS, oldest first."""
        return records.logs(self._tables, wanted, span)

    def append_spans(self, frame: pd.DataFrame) -> None:
        """Add a SPANS frame; a span the archive holds already (trace and span id) is replaced by the new one."""
        records.append(self._tables, SPANS, frame)

    def replace_spans(self, frame: pd.DataFrame, span: TimeRange) -> None:
        """Delete the spans that start in the range and add a SPANS frame instead."""
        records.replace(self._tables, SPANS, frame, span)

    def spans(self, wanted: SpanFilter, span: TimeRange) -> pd.DataFrame:
        """Spans that start in ``[start, end)`` and pass the filter: SPANS, oldest first."""
        return records.spans(self._tables, wanted, span)

    def append_episodes(self, frame: pd.DataFrame) -> None:
        """Add an EPISODES frame; an episode held already (labels and start) is replaced, so open ones can end."""
        records.append(self._tables, EPISODES, frame)

    def replace_episodes(self, frame: pd.DataFrame, span: TimeRange) -> None:
        """Delete the episodes that start in the range and add an EPISODES frame instead."""
        records.replace(self._tables, EPISODES, frame, span)

    def episodes(self, span: TimeRange) -> pd.DataFrame:
        """Episodes that overlap ``[start, end)``: EPISODES, by start; an open one has no end."""
        return records.episodes(self._tables, span)

    # What was copied from sources

    def covered(self, source: str | None = None) -> dict[str, list[tuple[int, int]]]:
        """Stretches of time that were copied from a source, by subject: :mod:`workbench.archive.coverage`."""
        return coverage.covered(self._tables, source)

    def note_covered(self, source: str, subjects: Sequence[str], start_ms: int, end_ms: int) -> None:
        """Note that the subjects of a source were copied for ``[start_ms, end_ms)``, after their data was appended."""
        coverage.note(self._writable(), source, subjects, start_ms, end_ms)

    def copying(self) -> AbstractContextManager[None]:
        """Be the only process that copies into this archive; the lock of one that is killed ends by itself.

        Raises
        ------
        ArchiveError
            Another process is at it.
        """
        held: AbstractContextManager[None] = self.place.alone(_COPYING)
        return held

    def _writable(self) -> Tables:
        """Bring an archive of an older schema to this one before the first write."""
        if not self._raised:
            if self._document.read()["schema"] < SCHEMA:
                for layout in LAYOUTS:
                    if layout != HISTOGRAMS:
                        self._tables.create(layout)
                self._document.raise_schema()
            self._raised = True
        return self._tables


_COPYING = "copying.lock"
_OWN = {_COPYING, document.NAME, commits.NAME, LOCK, *(layout.name for layout in LAYOUTS)}
