"""Schedulers in processes of their own at one store: each due report once, whoever dies."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from workbench.core.executor import LocalProcesses
from workbench.core.settings import Settings
from workbench.report.schedule import Event, Scheduler
from workbench.store import Store
from workbench.studies.schedule.entries import Destination, Entry
from workbench.studies.schedule.when import read_when

#: Ten days from 20 October: the clocks of Berlin go back on the 25th.
START = datetime(2026, 10, 20, tzinfo=UTC)
END = START + timedelta(days=10)

PROGRAM = """
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from tests.report.made_reports import made
from tests.report.test_scheduler import END, ENTRIES, scheduler
from workbench.report.schedule.clock import rehearsal_clock
from workbench.core.executor import LocalProcesses
from workbench.core.settings import Settings
from workbench.store import Store

class Threads:
    slots = 2
    def __init__(self):
        self.pool = ThreadPoolExecutor(2)
    def submit(self, function, arguments):
        return self.pool.submit(made, arguments)
    def close(self):
        self.pool.shutdown()

url, folder, start, speed, processes = sys.argv[1:6]
store = Store(url)
executor = LocalProcesses(2) if processes == "processes" else Threads()
clock = rehearsal_clock(datetime.fromisoformat(start), float(speed))
settings = Settings.model_validate({
    "home": folder, "sources": {}, "store_url": url, "channels": {"out": {"kind": "folder", "path": folder}}})
work = scheduler(settings, store, executor, clock, make="tests.report.made_reports:made")
work.run(lambda: False, once=False, until=END, rest_s=0.05)
executor.close()
store.close()
"""


def entry(name: str, when: str, zone: str = "Europe/Berlin") -> Entry:
    return Entry(
        name, "monthly", (), read_when(when, zone=zone), "1d", timedelta(0), timedelta(days=35), ("html",),
        (Destination("out"),),
    )  # fmt: skip


ENTRIES = (
    entry("night", "30 2 * * *"),
    entry("noon", "0 12 * * *", "America/New_York"),
    entry("week", "0 7 * * 1"),
    entry("working", "17th working day at 09:00"),
)

#: Worked out by hand: 10 nights, 10 noons, Monday 26 October, and 23 October as the 17th working day.
EXPECTED = {"night": 10, "noon": 10, "week": 1, "working": 1}


def scheduler(settings: Settings, store: Store, executor: object, clock: object, **options: object) -> Scheduler:
    return Scheduler(
        settings=settings, store=store, entries=ENTRIES, systems=("lab", "conduit"), executor=executor, clock=clock,
        **options,
    )  # type: ignore[arg-type]  # fmt: skip


@pytest.fixture
def database(postgres_url: str) -> Iterator[str]:
    name = f"schedule_{os.getpid()}"
    server = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def begun(url: str, folder: Path, *, start: datetime, speed: float, work_s: float, kind: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "WORKBENCH_TEST_LEDGER": str(folder / "ledger"),
        "WORKBENCH_TEST_WORK_S": str(work_s),
    }
    command = [sys.executable, "-c", PROGRAM, url, str(folder), start.isoformat(), str(speed), kind]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)


def planned_from_start(url: str) -> None:
    """Plan every schedule up to the start, so that the ten days do not depend on which scheduler is up first."""
    store = Store(url)
    for each in ENTRIES:
        store.plan_jobs(each.name, lambda held: (), now=START)
    store.close()


def ended_jobs(url: str) -> Counter[str]:
    store = Store(url)
    jobs = store.jobs()
    sent = store.deliveries()
    store.close()
    assert {job.status for job in jobs} == {"done"}
    assert {each.status for each in sent} == {"sent"}
    assert len({each.message.job_id for each in sent}) == len(sent) == len(jobs)
    return Counter(job.schedule for job in jobs)


@pytest.mark.live
@pytest.mark.slow
def test_two_schedulers_on_one_postgresql_make_each_report_of_ten_days_once(tmp_path: Path, database: str) -> None:
    planned_from_start(database)
    speed = timedelta(days=10) / timedelta(seconds=15)
    both = [begun(database, tmp_path, start=START, speed=speed, work_s=0.01, kind="threads") for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    assert ended_jobs(database) == {name: 2 * count for name, count in EXPECTED.items()}
    lines = Counter((tmp_path / "ledger").read_text().splitlines())
    assert set(lines.values()) == {1}
    assert len(lines) == 2 * sum(EXPECTED.values())


@pytest.mark.slow
def test_a_report_that_always_fails_is_given_up_and_said(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    planned_from_start(url)
    store, now = Store(url), [START + timedelta(days=1)]
    settings = Settings.model_validate({"home": tmp_path, "sources": {}})
    events: list[Event] = []
    executor = LocalProcesses(2)
    work = scheduler(
        settings, store, executor, lambda: now[0], say=events.append, make="tests.report.made_reports:fails"
    )
    errors: list[str] = []
    for _ in range(5):
        errors += work.run(lambda: False, once=True, rest_s=0.01)
        now[0] += timedelta(hours=3)
    executor.close()
    night = [job for job in store.jobs(schedule="night") if job.due < START + timedelta(days=1)]
    assert {(job.status, job.error, job.failures) for job in night} == {("failed", "cell 3: no such metric", 3)}
    assert any("night: lab 2026-10-19..2026-10-20: cell 3: no such metric" in error for error in errors)
    store.close()


@pytest.mark.slow
def test_a_report_whose_process_is_killed_is_tried_again_later(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    planned_from_start(url)
    store = Store(url)
    settings = Settings.model_validate({"home": tmp_path, "sources": {}})
    executor = LocalProcesses(2)
    clock = START + timedelta(hours=3)
    work = scheduler(settings, store, executor, lambda: clock, make="tests.report.made_reports:killed")
    assert work.run(lambda: False, once=True, rest_s=0.01) == []
    executor.close()
    jobs = store.jobs()
    store.close()
    assert {(job.status, job.claims, job.next) for job in jobs} == {("waiting", 1, clock + timedelta(minutes=5))}
    assert all("signal 9" in job.error for job in jobs)


@pytest.mark.soak
@pytest.mark.live
def test_twenty_kills_of_schedulers_lose_and_double_nothing(tmp_path: Path, database: str) -> None:
    planned_from_start(database)
    speed, began = timedelta(days=10) / timedelta(seconds=60), time.monotonic()
    start = {"speed": speed, "work_s": 0.2, "kind": "processes"}
    running = [begun(database, tmp_path, start=START, **start) for _ in range(2)]  # type: ignore[arg-type]
    for kill in range(20):
        time.sleep(2.5)
        victim = kill % 2
        running[victim].kill()
        running[victim].communicate()
        now = START + timedelta(seconds=(time.monotonic() - began) * speed)
        running[victim] = begun(database, tmp_path, start=now, **start)  # type: ignore[arg-type]
    for process in running:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    assert ended_jobs(database) == {name: 2 * count for name, count in EXPECTED.items()}
