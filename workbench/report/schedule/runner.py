"""The scheduler: plans what is due, makes it, and sends it; any number of them may share one store.

A job is a row in the store. A scheduler claims it with a lease, and a job whose scheduler died is claimed by the next.
The end of a job and its messages are written in one transaction, on the condition that the lease is still held: so each
report is ended once, and what is sent follows from what was ended.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from workbench.core.errors import WorkbenchError
from workbench.core.executor import Executor
from workbench.core.processes import this_process
from workbench.core.settings import Settings
from workbench.report.delivery.messages import failure_messages, report_messages
from workbench.report.delivery.send import Sent, send_waiting
from workbench.report.schedule.plan import plan
from workbench.store import Job, Store
from workbench.studies.schedule.entries import Entry

#: How long a lease outlives a scheduler that was killed, and how often a living one renews it.
LASTS, RENEWED_S = timedelta(seconds=60), 15.0

#: Waits between the attempts at a report that failed; after the last it is given up.
RETRIES = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))

#: Wait for data that are late.
LATE = timedelta(minutes=10)

#: Stands for the schedule in jobs that people asked for; each scheduler makes them, and none is tried again.
REQUESTED = "on request"

#: The function that makes a report.
MAKE = "workbench.report.schedule.make:make_report"

#: How long files of messages that were sent are kept, and how often they are looked through.
KEPT, TIDIED = timedelta(days=1), timedelta(hours=1)

#: Messages sent in one turn. [count]
_SENT_A_TURN = 20


@dataclass(frozen=True)
class Event:
    """Something the scheduler did, for the log: ``planned``, ``begun``, ``ended``, ``postponed``, ``sent``, ..."""

    at: datetime
    what: str
    subject: str
    detail: str = ""


@dataclass
class _Working:
    job: Job
    holder: str
    future: Future[Any]


@dataclass
class Scheduler:
    """One scheduler over a store.

    Attributes
    ----------
    settings : Settings
    store : Store
    entries : sequence of Entry
    systems : sequence of str
        Systems of an entry for all.
    executor : Executor
        Where reports are made.
    clock : callable
        Gives the aware instant "now".
    say : callable
        Is told each :class:`Event`.
    look_back : bool
        Plan the newest due instant of schedules that were never planned.
    make : str
        Function that makes a report (``module:name``).
    """

    settings: Settings
    store: Store
    entries: Sequence[Entry]
    systems: Sequence[str]
    executor: Executor
    clock: Callable[[], datetime]
    say: Callable[[Event], None] = lambda event: None
    look_back: bool = False
    make: str = MAKE
    _working: dict[str, _Working] = field(default_factory=dict)
    _next: dict[str, datetime] = field(default_factory=dict)
    _tidy: datetime | None = None

    def run(
        self, stop: Callable[[], bool], *, once: bool, until: datetime | None = None, rest_s: float = 5.0
    ) -> list[str]:
        """Work until ``stop`` says so, until an instant, or with ``once`` until nothing is to be done now.

        Returns
        -------
        list of str
            Errors of the jobs that ended without a report.
        """
        errors: list[str] = []
        pause = threading.Event()
        with self._renewing():
            while not stop():
                now = self.clock()
                self._plan(min(now, until) if until else now)
                self._begin()
                errors += self._settle()
                sent = self._send()
                if until is not None and now >= until and not self._working and not self._begin():
                    break
                if once and not self._working and not sent and not self._begin():
                    break
                pause.wait(min(rest_s, 0.2) if self._working or sent or once else rest_s)
            self._give_back()
        return errors

    def _plan(self, now: datetime) -> None:
        for entry in self.entries:
            if entry.name in self._next and now < self._next[entry.name]:
                continue
            count = plan(
                self.store,
                entry,
                now=now,
                systems=self.systems,
                settings=self.settings,
                look_back=self.look_back,
            )
            if count:
                self.say(Event(now, "planned", entry.name, f"{count} reports"))
            coming = next(entry.when.after(now), None)
            self._next[entry.name] = coming or now + timedelta(days=1)

    def _begin(self) -> bool:
        """Claim jobs for the free slots; whether any was claimed."""
        begun = False
        while len(self._working) < self.executor.slots:
            now = self.clock()
            holder = f"{this_process()}/{uuid.uuid4().hex[:8]}"
            only = [REQUESTED, *(entry.name for entry in self.entries)]
            job = self.store.claim_job(holder, now=now, lasts=LASTS, only=only)
            if job is None:
                return begun
            begun = True
            self._working[job.id] = _Working(job, holder, self.executor.submit(self.make, self._arguments(job, now)))
            self.say(Event(now, "begun", _subject(job)))
        return begun

    def _arguments(self, job: Job, now: datetime) -> dict[str, Any]:
        return {
            "settings": self.settings.model_dump(mode="json"),
            "job": job.id,
            "schedule": job.schedule,
            "system": job.system,
            "period": job.period,
            "template": job.document["template"],
            "outputs": job.document["outputs"],
            "send": bool(job.document["to"]),
            "now": now.isoformat(),
            "due": job.due.isoformat(),
            "deadline": job.deadline.isoformat(),
        }

    def _settle(self) -> list[str]:
        errors = []
        for job_id, working in list(self._working.items()):
            if not working.future.done():
                continue
            try:
                outcome = working.future.result()
            except WorkbenchError as error:
                outcome = {"status": "failed", "error": str(error)}
            fault = self._ended(working.job, working.holder, outcome)
            del self._working[job_id]
            if fault:
                errors.append(f"{_subject(working.job)}: {fault}")
        return errors

    def _ended(self, job: Job, holder: str, outcome: Mapping[str, Any]) -> str:
        """Write down how an attempt ended; returns the error of a job that is given up."""
        now = self.clock()
        status, error = outcome["status"], outcome["error"]
        retry = LATE if status == "late" else _retry(job, status)
        if retry is not None:
            kept = self.store.postpone_job(job.id, holder, until=now + retry, error=error, failed=status != "late")
            self.say(Event(now, "postponed" if kept else "lost", _subject(job), error))
            return ""
        if status == "done":
            messages = report_messages(job, outcome["content"], self.settings)
        else:
            messages = failure_messages(job, error, self.settings)
        kept = self.store.end_job(
            job.id,
            holder,
            status={"wrong": "failed"}.get(status, status),
            now=now,
            run_id=outcome.get("run_id", ""),
            error=error,
            messages=messages,
        )
        self.say(Event(now, "ended" if kept else "lost", _subject(job), error or status))
        return "" if status == "done" or not kept else error

    def _give_back(self) -> None:
        """Leave the jobs that are not ended to the next scheduler."""
        for working in self._working.values():
            self.store.postpone_job(
                working.job.id, working.holder, until=self.clock(), error="its scheduler was stopped", failed=False
            )

    def _send(self) -> list[Sent]:
        now = self.clock()
        if self._tidy is None or now >= self._tidy:
            self.store.tidy_outbox(now=now, older=KEPT)
            self._tidy = now + TIDIED
        sent = send_waiting(self.store, self.settings.channels, clock=self.clock, limit=_SENT_A_TURN)
        for each in sent:
            self.say(Event(self.clock(), each.status, f"{each.channel} {each.subject}", each.error))
        return sent

    @contextmanager
    def _renewing(self) -> Iterator[None]:
        over = threading.Event()

        def renew() -> None:
            while not over.wait(RENEWED_S):
                for working in list(self._working.values()):
                    try:
                        self.store.renew_job(working.job.id, working.holder, now=self.clock(), lasts=LASTS)
                    except WorkbenchError:
                        continue  # the next turn says what is wrong with the store

        thread = threading.Thread(target=renew, name="leases-of-jobs", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _retry(job: Job, status: str) -> timedelta | None:
    """Return the wait before the next attempt; None when there is none."""
    if status in ("done", "wrong") or job.schedule == REQUESTED or job.failures >= len(RETRIES):
        return None
    return RETRIES[job.failures]


def _subject(job: Job) -> str:
    return f"{job.schedule}: {job.system} {job.period}"
