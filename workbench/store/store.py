"""The store: report runs and slice history, on SQLite by default and on PostgreSQL for teams."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from workbench.core.errors import ArchiveError, ParameterError
from workbench.core.timerange import TimeRange, from_ms, to_ms
from workbench.store.answers import Answers
from workbench.store.collected import Collected
from workbench.store.connection import upsert
from workbench.store.decided.alert_tags import AlertTags
from workbench.store.decided.audit import Audit
from workbench.store.decided.decisions import Decisions
from workbench.store.issues import Issues
from workbench.store.jobs import Jobs
from workbench.store.models import count_days, report_runs, slice_histories
from workbench.store.notices import Notices
from workbench.store.outbox import Outbox
from workbench.store.reviews import Reviews
from workbench.store.sums import COUNTED, opened, packed, sealed, unpacked

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
_DAY_MS = 86_400_000


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
        columns = {name: events[name].to_numpy(np.float64) for name in (*_COUNTS, *_BOUNDS) if name in events}
        columns = {name: np.full(size, np.nan) for name in _BOUNDS} | columns
        columns["start_ms"] = events["time"].dt.as_unit("ms").astype("int64").to_numpy(np.float64)
        columns["read_at_ms"] = np.full(size, float(to_ms(read_at)))
        with self._writing() as connection:
            history = {**vars(key), "method": method, "header": dict(header or {})}
            upsert(connection, slice_histories, [history], on=("system", "slo", "revision", "slice_ms"))
            written = connection.execute(select(slice_histories).where(*_is(key))).one()
            parts = _by_day(columns)
            partial = [day for day, part in parts.items() if len(part["start_ms"]) * key.slice_ms < _DAY_MS]
            held = self._days(connection, written, count_days.c.day.in_(partial)) if partial else {}
            rows = [
                {"history_id": written.id, "day": day, "content": sealed(packed(part), written.id, day)}
                for day, new in parts.items()
                for part in [_later(held[day], new) if day in held else new]
            ]
            if rows:
                upsert(connection, count_days, rows, on=("history_id", "day"))
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
            days = count_days.c.day.between(span.start_ms // _DAY_MS, (span.end_ms - 1) // _DAY_MS)
            held = list(self._days(connection, history, days).values()) if span.end_ms > span.start_ms else []
        columns = {name: np.concatenate([np.zeros(0), *(part[name] for part in held)]) for name in COUNTED}
        inside = (columns["start_ms"] >= span.start_ms) & (columns["start_ms"] < span.end_ms)
        columns = {name: column[inside] for name, column in columns.items()}
        names = (*_COUNTS, *_BOUNDS) if not np.isnan(columns[_BOUNDS[0]]).all() else _COUNTS
        times = pd.DatetimeIndex(columns["start_ms"].astype(np.int64).view("datetime64[ms]")).tz_localize("UTC")
        frame = pd.DataFrame({"time": times, **{name: columns[name] for name in names}})
        read_ms = columns["read_at_ms"].astype(np.int64)
        read_at = from_ms(int(read_ms.min())) if len(read_ms) else None
        return SliceHistory(key, history.method, read_at, frame, read_ms, history.header or {})

    def history_keys(self) -> list[HistoryKey]:
        """Return the indicators whose counts are stored."""
        columns = [slice_histories.c[name] for name in HistoryKey.__dataclass_fields__]
        query = select(*columns).where(*self._visible_rows(slice_histories.c.system)).order_by(slice_histories.c.id)
        with self._reading() as connection:
            return [HistoryKey(*row) for row in connection.execute(query)]

    def _days(
        self, connection: Connection, history: Row[Any], days: ColumnElement[bool]
    ) -> dict[int, dict[str, NDArray[np.float64]]]:
        """Return the counts of some days of a history by day; those that are not what was written are an error."""
        own = count_days.c.history_id == history.id
        query = select(count_days.c.day, count_days.c.content).where(own, days).order_by(count_days.c.day)
        held = {}
        for day, content in connection.execute(query):
            counts = opened(content, history.id, day)
            if counts is None:
                raise ArchiveError(
                    f"The stored counts of {history.slo} of {history.system} on {from_ms(day * _DAY_MS):%Y-%m-%d} UTC "
                    f"in {self.location} are not what was written.",
                    hint="The store is damaged. Restore it (workbench restore).",
                )
            held[day] = unpacked(counts)
        return held

    def _end_run(self, run_id: str, **values: Any) -> ReportRun:
        with self._writing() as connection:
            connection.execute(update(report_runs).where(report_runs.c.id == run_id).values(**values))
        return self.run(run_id)


def _run(row: Row[Any]) -> ReportRun:
    return ReportRun(**row._asdict())


def _is(key: HistoryKey) -> list[Any]:
    return [slice_histories.c[name] == value for name, value in vars(key).items()]


def _by_day(columns: Mapping[str, NDArray[np.float64]]) -> dict[int, dict[str, NDArray[np.float64]]]:
    """Cut counts, in any order, by the day of UTC in which their slices start."""
    columns = _ordered(columns)
    days = (columns["start_ms"] // _DAY_MS).astype(np.int64)
    first = np.flatnonzero(np.diff(days, prepend=-1))
    parts = {name: np.split(column, first[1:]) for name, column in columns.items()}
    return {day: {name: parts[name][place] for name in COUNTED} for place, day in enumerate(days[first].tolist())}


def _later(
    held: Mapping[str, NDArray[np.float64]], new: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Join counts of a day; a slice that both have is that of the new ones."""
    return _ordered({name: np.concatenate([held[name], new[name]]) for name in COUNTED})


def _ordered(columns: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Order counts by slice; of two of one slice the later stays."""
    order = np.argsort(columns["start_ms"], kind="stable")
    starts = columns["start_ms"][order]
    order = order[np.append(starts[1:] != starts[:-1], True)] if len(order) else order
    return {name: column[order] for name, column in columns.items()}
