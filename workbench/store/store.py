"""The store: report runs and slice history, on SQLite by default and on PostgreSQL for teams."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Row, insert, select, update

from workbench.core.errors import ArchiveError, ParameterError
from workbench.core.timerange import TimeRange, from_ms, to_ms
from workbench.store.answers import Answers
from workbench.store.collected import Collected
from workbench.store.connection import upsert, upsert_numbers
from workbench.store.decided.alert_tags import AlertTags
from workbench.store.decided.audit import Audit
from workbench.store.decided.decisions import Decisions
from workbench.store.issues import Issues
from workbench.store.jobs import Jobs
from workbench.store.models import report_runs, slice_counts, slice_histories
from workbench.store.notices import Notices
from workbench.store.outbox import Outbox
from workbench.store.reviews import Reviews
from workbench.store.sums import row_sums

RunStatus = Literal["running", "done", "failed", "incomplete"]


@dataclass(frozen=True)
class ReportRun:
    """One run of a report, as the store keeps it; times are aware UTC."""

    id: str
    report: str
    system: str
    period: str
    parameters: Mapping[str, Any]
    status: RunStatus
    started_at: datetime
    version: str
    identity: str
    finished_at: datetime | None = None
    path: str | None = None
    sha256: str | None = None
    error: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HistoryKey:
    """Whose counts these are: an objective as it was defined (``revision`` covers its source too)."""

    system: str
    slo: str
    revision: str
    slice_ms: int = 300_000


@dataclass(frozen=True)
class SliceHistory:
    """Stored counts: ``frame`` has ``time`` (start of slice, UTC), ``good``, ``total``, ``covered``, oldest first.

    Where the good events are known within bounds only, it has ``good_low`` and ``good_high`` too. ``header`` is what
    was written down with the counts. ``read_at`` is when the source was asked for them, the earliest time of all
    slices; None without any. ``read_ms`` has that of each slice [ms since the epoch].
    """

    key: HistoryKey
    method: str
    read_at: datetime | None
    frame: pd.DataFrame
    read_ms: NDArray[np.int64]
    header: Mapping[str, Any] = field(default_factory=dict)


_COUNTS, _BOUNDS = ("good", "total", "covered"), ("good_low", "good_high")
_WRITTEN = ("start_ms", *_COUNTS, "read_at_ms", *_BOUNDS, "row_sum")


class Store(Audit, Collected, Decisions, Issues, AlertTags, Jobs, Outbox, Notices, Answers, Reviews):
    """Everything the workbench writes down, behind few methods; safe under several processes and threads.

    The database is opened, and brought to the newest revision, at the first use.

    Parameters
    ----------
    url : str
        SQLAlchemy URL: ``sqlite:////path/file.db`` or ``postgresql://user@host/name``.

    Raises
    ------
    SettingsError
        Another kind of URL.
    """

    def start_run(
        self,
        *,
        report: str,
        system: str,
        period: str,
        parameters: Mapping[str, Any],
        started_at: datetime,
        version: str,
        identity: str,
    ) -> ReportRun:
        """Write down that a report has begun, and return the run with its new id."""
        self._may_write(system)
        run = ReportRun(
            uuid.uuid4().hex, report, system, period, dict(parameters), "running", started_at, version, identity
        )
        with self._writing() as connection:
            connection.execute(insert(report_runs).values(**vars(run)))
        return run

    def finish_run(
        self, run_id: str, *, finished_at: datetime, path: str, sha256: str, provenance: Mapping[str, Any]
    ) -> ReportRun:
        """Write down that the report is made, where it lies and from what it was made."""
        return self._end_run(
            run_id, status="done", finished_at=finished_at, path=path, sha256=sha256, provenance=dict(provenance)
        )

    def fail_run(
        self,
        run_id: str,
        *,
        finished_at: datetime,
        error: str,
        status: Literal["failed", "incomplete"] = "failed",
        path: str | None = None,
    ) -> ReportRun:
        """Write down why the report was not made, or why parts of it are unknown, and where what was made lies."""
        return self._end_run(run_id, status=status, finished_at=finished_at, error=error, path=path)

    def run(self, run_id: str) -> ReportRun:
        """Return one run.

        Raises
        ------
        ParameterError
            No run has this id.
        """
        with self._reading() as connection:
            row = connection.execute(
                select(report_runs).where(report_runs.c.id == run_id, *self._visible_rows(report_runs.c.system))
            ).one_or_none()
        if row is None:
            raise ParameterError(f"There is no report run {run_id!r}.", hint="List them with: workbench report list.")
        return _run(row)

    def runs(self, *, report: str | None = None, system: str | None = None, limit: int = 100) -> list[ReportRun]:
        """Return runs, newest first."""
        newest = (report_runs.c.started_at.desc(), report_runs.c.id)
        query = select(report_runs).where(*self._visible_rows(report_runs.c.system)).order_by(*newest).limit(limit)
        if report is not None:
            query = query.where(report_runs.c.report == report)
        if system is not None:
            query = query.where(report_runs.c.system == system)
        with self._reading() as connection:
            return [_run(row) for row in connection.execute(query)]

    def put_slices(
        self,
        key: HistoryKey,
        events: pd.DataFrame,
        *,
        method: str,
        read_at: datetime,
        header: Mapping[str, Any] | None = None,
    ) -> int:
        """Write counts of slices; a slice already there is replaced. Returns how many were written.

        Parameters
        ----------
        key : HistoryKey
            Indicator to which the counts belong.
        events : DataFrame
            ``time`` (start of slice), ``good``, ``total``, ``covered``; ``good_low`` and ``good_high`` where the good
            events are known within bounds only. [events/slice]
        method : {"exact", "corrected", "extrapolated"}
            How the events were counted.
        read_at : datetime
            Aware instant at which the source was asked for them.
        header : mapping, optional
            Plain JSON values: what is to be known about the counts.
        """
        self._may_write(key.system)
        size = len(events)
        starts = events["time"].dt.as_unit("ms").astype("int64").to_numpy()
        if not (np.diff(starts) > 0).all():
            events = events.iloc[np.argsort(starts, kind="stable")]
            starts = np.sort(starts)
        bounds = [
            [None if value != value else value for value in events[name].tolist()] if name in events else [None] * size
            for name in _BOUNDS
        ]
        with self._writing() as connection:
            history = {**vars(key), "method": method, "header": dict(header or {})}
            upsert(connection, slice_histories, [history], on=("system", "slo", "revision", "slice_ms"))
            history_id = connection.execute(select(slice_histories.c.id).where(*_is(key))).scalar_one()
            columns = {
                "history_id": [history_id] * size,
                "start_ms": starts.tolist(),
                **{name: events[name].tolist() for name in _COUNTS},
                "read_at_ms": [to_ms(read_at)] * size,
                **dict(zip(_BOUNDS, bounds, strict=True)),
            }
            columns["row_sum"] = row_sums(columns).tolist()
            upsert_numbers(
                connection,
                slice_counts,
                {column.name: columns[column.name] for column in slice_counts.columns},
                on=("history_id", "start_ms"),
            )
        return size

    def slices(self, key: HistoryKey, span: TimeRange) -> SliceHistory | None:
        """Return the counts of the slices that start in the range; None when nothing was ever written.

        Raises
        ------
        ArchiveError
            A count is not what was written.
        """
        with self._reading() as connection:
            history = connection.execute(
                select(slice_histories).where(*_is(key), *self._visible_rows(slice_histories.c.system))
            ).one_or_none()
            if history is None:
                return None
            starts = slice_counts.c.start_ms
            query = (
                select(*(slice_counts.c[name] for name in _WRITTEN))
                .where(slice_counts.c.history_id == history.id, starts >= span.start_ms, starts < span.end_ms)
                .order_by(starts)
            )
            # Plain tuples of the driver: a month of 18 objectives is 155,000 rows, and wrapping each costs seconds.
            cursor = connection.execute(query).cursor
            rows = cursor.fetchall() if cursor is not None else []
        columns = dict(zip(_WRITTEN, list(zip(*rows, strict=True)) or [()] * len(_WRITTEN), strict=True))
        self._check_sums(history, columns)
        start_ms, read_at_ms = columns["start_ms"], columns["read_at_ms"]
        known = {name: columns[name] for name in (*_COUNTS, *_BOUNDS)}
        if all(value is None for value in known[_BOUNDS[0]]):
            known = {name: known[name] for name in _COUNTS}
        times = pd.DatetimeIndex(np.array(start_ms, np.int64).view("datetime64[ms]")).tz_localize("UTC")
        frame = pd.DataFrame({"time": times, **{name: np.array(values, np.float64) for name, values in known.items()}})
        read_at = from_ms(min(read_at_ms)) if rows else None
        return SliceHistory(key, history.method, read_at, frame, np.array(read_at_ms, np.int64), history.header or {})

    def history_keys(self) -> list[HistoryKey]:
        """Return the indicators whose counts are stored."""
        columns = [slice_histories.c[name] for name in HistoryKey.__dataclass_fields__]
        query = select(*columns).where(*self._visible_rows(slice_histories.c.system)).order_by(slice_histories.c.id)
        with self._reading() as connection:
            return [HistoryKey(*row) for row in connection.execute(query)]

    def _check_sums(self, history: Row[Any], columns: Mapping[str, Sequence[Any]]) -> None:
        """Compare counts with the sums that were written with them; those of before the sums have none."""
        written = columns["row_sum"]
        rows = {name: values for name, values in columns.items() if name != "row_sum"}
        sums = row_sums({"history_id": [history.id] * len(written), **rows}).tolist()
        damaged = [
            start
            for start, then, now in zip(columns["start_ms"], written, sums, strict=True)
            if then not in (None, now)
        ]
        if damaged:
            raise ArchiveError(
                f"The stored counts of {history.slo} of {history.system} from {from_ms(damaged[0]):%Y-%m-%d %H:%M} UTC "
                f"in {self.location} are not what was written ({len(damaged)} of {len(written)} slices).",
                hint="The store is damaged. Restore it (workbench restore).",
            )

    def _end_run(self, run_id: str, **values: Any) -> ReportRun:
        with self._writing() as connection:
            connection.execute(update(report_runs).where(report_runs.c.id == run_id).values(**values))
        return self.run(run_id)


def _run(row: Row[Any]) -> ReportRun:
    return ReportRun(**row._asdict())


def _is(key: HistoryKey) -> list[Any]:
    return [slice_histories.c[name] == value for name, value in vars(key).items()]
