"""Jobs of the schedules: planned once, claimed by one scheduler at a time, ended together with their messages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from workbench.core.timerange import from_ms, to_ms
from workbench.store.connection import Connected, dialect_insert, upsert
from workbench.store.decided.audit import AuditEntry, note
from workbench.store.leasing import FREE, holds, leased
from workbench.store.models import jobs, schedules
from workbench.store.outbox import Message, put_messages

#: Claims of one job that ended with the death of its scheduler, after which it is given up. [count]
MOST_CLAIMS = 100

#: Candidates looked at for one claim. [count]
_CANDIDATES = 200


@dataclass(frozen=True)
class NewJob:
    """A report that is due; ``missed`` ones are written down and not made."""

    id: str
    schedule: str
    system: str
    period: str
    due: datetime
    deadline: datetime
    missed: bool
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """A job as the store keeps it.

    Attributes
    ----------
    id, schedule, system, period : str
    due, deadline : datetime
        When it was due, and until when it waits for late data.
    next : datetime
        Not before this is it tried.
    status : str
        ``waiting``, ``running``, ``done``, ``incomplete``, ``failed`` or ``missed``.
    claims, failures : int
        How often it was begun, and how often it failed.
    holder : str
        Who works at it.
    begun, ended : datetime or None
    run_id, error : str
    document : mapping
        Template, outputs, destinations, parameters.
    """

    id: str
    schedule: str
    system: str
    period: str
    due: datetime
    deadline: datetime
    next: datetime
    status: str
    claims: int
    failures: int
    holder: str
    begun: datetime | None
    ended: datetime | None
    run_id: str
    error: str
    document: Mapping[str, Any]


class Jobs(Connected):
    """The part of the store that schedulers share."""

    def plan_jobs(self, schedule: str, propose: Callable[[datetime | None], Iterable[NewJob]], *, now: datetime) -> int:
        """Write down what became due since the last planning; two schedulers plan one after the other.

        Parameters
        ----------
        schedule : str
            Name of the schedule.
        propose : callable
            Is given the instant up to which the schedule was planned (None the first time), and gives the jobs due
            since then.
        now : datetime
            Up to when the schedule is planned after this.

        Returns
        -------
        int
            New jobs.
        """
        with self._writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"schedule/{schedule}"))))
            held = connection.execute(select(schedules.c.planned_ms).where(schedules.c.name == schedule)).scalar()
            if held is not None and held >= to_ms(now):
                return 0
            rows = [_new_row(job) for job in propose(None if held is None else from_ms(held))]
            count = 0
            for row in rows:
                statement = dialect_insert(connection, jobs).values(**row).on_conflict_do_nothing()
                count += connection.execute(statement.returning(jobs.c.id)).first() is not None
            upsert(connection, schedules, [{"name": schedule, "planned_ms": to_ms(now)}], on=("name",))
        return count

    def add_job(self, job: NewJob, *, who: str) -> None:
        """Put a job that somebody asked for into the queue, with a line of the audit trail."""
        self._may_write(job.system)
        row = _new_row(job)
        facts = {"period": job.period, **job.document}
        with self._writing() as connection:
            connection.execute(dialect_insert(connection, jobs).values(**row))
            note(connection, AuditEntry(0, job.due, who, "report.request", job.system, job.id, facts, None, row))

    def claim_job(self, holder: str, *, now: datetime, lasts: timedelta, only: Collection[str] = ()) -> Job | None:
        """Take the job that is due longest and at which nobody works; one whose holder died is taken over.

        Parameters
        ----------
        holder : str
            A process with a mark behind it, another one for each claim.
        now : datetime
            The present instant.
        lasts : timedelta
            The lease; renewed by :meth:`renew_job`.
        only : collection of str
            Names of schedules; empty for all.
        """
        query = (
            select(jobs)
            .where(jobs.c.status.in_(("waiting", "running")), jobs.c.next_ms <= to_ms(now))
            .order_by(jobs.c.due_ms, jobs.c.id)
            .limit(_CANDIDATES)
        )
        if only:
            query = query.where(jobs.c.schedule.in_(list(only)))
        with self._writing() as connection:
            for row in connection.execute(query.with_for_update(skip_locked=True)).all():
                if row.status == "running" and holds(row, now, lasts):
                    continue
                if row.claims >= MOST_CLAIMS:
                    reason = f"given up: its scheduler died {row.claims} times at this job"
                    _change(connection, row.id, {"status": "failed", "error": reason, "ended_ms": to_ms(now), **FREE})
                    continue
                begun = row.begun_ms if row.begun_ms is not None else to_ms(now)
                values = {"status": "running", "claims": row.claims + 1, "begun_ms": begun}
                _change(connection, row.id, {**values, **leased(holder, now, lasts)})
                changed = connection.execute(select(jobs).where(jobs.c.id == row.id)).one()
                return _job(changed)
        return None

    def renew_job(self, job_id: str, holder: str, *, now: datetime, lasts: timedelta) -> bool:
        """Renew the lease of a job; False when another has taken it over."""
        with self._writing() as connection:
            return _change(connection, job_id, leased(holder, now, lasts), held_by=holder)

    def postpone_job(self, job_id: str, holder: str, *, until: datetime, error: str, failed: bool) -> bool:
        """Let a job wait: it failed and is tried again, or its data are late. False when another has taken it over."""
        more = {"failures": jobs.c.failures + 1} if failed else {}
        with self._writing() as connection:
            values = {"status": "waiting", "next_ms": to_ms(until), "error": error, **more, **FREE}
            return _change(connection, job_id, values, held_by=holder)

    def end_job(
        self,
        job_id: str,
        holder: str,
        *,
        status: str,
        now: datetime,
        run_id: str = "",
        error: str = "",
        messages: Sequence[Message] = (),
        files: Mapping[str, bytes] | None = None,
    ) -> bool:
        """End a job and put its messages into the outbox, both or neither. False when another has taken it over."""
        with self._writing() as connection:
            values = {"status": status, "run_id": run_id, "error": error, "ended_ms": to_ms(now), **FREE}
            if not _change(connection, job_id, values, held_by=holder):
                return False
            put_messages(connection, messages, files or {}, now=now)
        return True

    def jobs(self, *, schedule: str = "", limit: int = 1_000) -> list[Job]:
        """Return jobs, the one due last first."""
        query = (
            select(jobs)
            .where(*self._visible_rows(jobs.c.system))
            .order_by(jobs.c.due_ms.desc(), jobs.c.system)
            .limit(limit)
        )
        if schedule:
            query = query.where(jobs.c.schedule == schedule)
        with self._reading() as connection:
            return [_job(row) for row in connection.execute(query)]

    def next_job(self) -> datetime | None:
        """Return when the first waiting job may be tried; None without any."""
        with self._reading() as connection:
            query = select(func.min(jobs.c.next_ms)).where(jobs.c.status == "waiting")
            first = connection.execute(query).scalar()
        return None if first is None else from_ms(first)


def _new_row(job: NewJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "schedule": job.schedule,
        "system": job.system,
        "period": job.period,
        "due_ms": to_ms(job.due),
        "deadline_ms": to_ms(job.deadline),
        "next_ms": to_ms(job.due),
        "status": "missed" if job.missed else "waiting",
        "claims": 0,
        "failures": 0,
        "run_id": "",
        "error": "missed for longer than catch_up allows" if job.missed else "",
        "document": dict(job.document),
        **FREE,
    }


def _change(connection: Connection, job_id: str, values: Mapping[str, Any], *, held_by: str | None = None) -> bool:
    statement = update(jobs).where(jobs.c.id == job_id).values(**values)
    if held_by is not None:
        statement = statement.where(jobs.c.holder == held_by, jobs.c.status == "running")
    return connection.execute(statement).rowcount == 1


def _job(row: Row[Any]) -> Job:
    instants = {
        name: None if row._mapping[f"{name}_ms"] is None else from_ms(row._mapping[f"{name}_ms"])
        for name in ("due", "deadline", "next", "begun", "ended")
    }
    names = ("id", "schedule", "system", "period", "status", "claims", "failures", "holder", "run_id", "error")
    return Job(**{name: row._mapping[name] for name in names}, **instants, document=row.document)  # type: ignore[arg-type]
