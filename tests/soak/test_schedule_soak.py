"""Twenty kills each of the runner, the kernel, the scheduler and the delivery, on SQLite and on PostgreSQL.

Nothing is half, lost or twice.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nbformat
import pytest

from workbench.core.settings import Settings, load_settings
from workbench.store import Message, Store, message_id, open_store

pytestmark = [pytest.mark.soak, pytest.mark.timeout(5_400)]

KILLS = 20

#: So long the small reports may take with twenty kills, on a busy machine too. [s]
LONGEST_S = 1200

CONFIG = """
home = "home"
[sources.demo]
kind = "archive"
path = "nothing"
[channels.hook]
kind = "webhook"
url = "{url}"
secret = {{ env = "TEST_HOOK" }}
[channels.share]
kind = "folder"
path = "share"
"""

SCHEDULE = """
schema: 1
schedules:
  - {name: daily, template: monthly, systems: all, when: "0 2 * * *", period: 1d, to: [hook, share]}
"""

SCHEDULER = """
import sys
from datetime import datetime
from pathlib import Path
from workbench.core.executor import LocalProcesses
from workbench.core.settings import load_settings
from workbench.report.schedule import Scheduler, open_schedule
from workbench.report.schedule.clock import rehearsal_clock
from workbench.studies import open_context

settings = load_settings(Path("workbench.toml"))
context = open_context(settings)
executor = LocalProcesses(2)
start, until = map(datetime.fromisoformat, sys.argv[1:3])
Scheduler(settings=settings, store=context.store, entries=open_schedule(settings, context), systems=context.systems,
          executor=executor, clock=rehearsal_clock(start, 1800.0), make="tests.report.made_reports:small_report",
          ).run(lambda: False, once=False, until=until, rest_s=0.1)
executor.close()
"""

#: Leases that a test can wait for: a scheduler that was killed leaves its jobs to the next one after five seconds.
SHORT_LEASES = """
from datetime import timedelta
from workbench.report.schedule import runner
runner.LASTS, runner.RENEWED_S = timedelta(seconds=5), 1.0
"""

PARAMETERS = 'system = ""\nperiod = ""\nzone = ""\nas_of = ""\nhome = ""\nconfig = ""'


class Sink(ThreadingHTTPServer):
    """A receiver that knows repeats by their key."""

    posts: list[str]


@pytest.fixture
def sink() -> Iterator[Sink]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            server.posts.append(self.headers["webhook-id"])
            time.sleep(0.02)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = Sink(("127.0.0.1", 0), Handler)
    server.posts = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def place(request: pytest.FixtureRequest, tmp_path: Path, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings, schedule and a small template, over a store of each kind."""
    if request.param == "postgresql":
        monkeypatch.setenv("WORKBENCH_STORE_URL", request.getfixturevalue("empty_database"))
    monkeypatch.setenv("TEST_HOOK", "secret")
    (tmp_path / "share").mkdir()
    (tmp_path / "reports").mkdir()
    (tmp_path / "workbench.toml").write_text(CONFIG.format(url=f"http://127.0.0.1:{sink.server_port}/"))
    (tmp_path / "reports" / "schedule.yaml").write_text(SCHEDULE)
    cells = [
        nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("import time\ntime.sleep(0.8)"),
        nbformat.v4.new_code_cell('print(f"{system} {period} whole")'),
    ]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "small.ipynb")
    monkeypatch.setenv("WORKBENCH_TEST_TEMPLATE", str(tmp_path / "small.ipynb"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def processes(root: int, words: str) -> list[int]:
    """Return the processes below one whose command line holds the words."""
    parents, lines = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                lines[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
    below = {root}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    return sorted(pid for pid in below if words in lines.get(pid, ""))


@pytest.mark.parametrize(
    ("what", "words"), [("runner", "-m workbench.core.executor"), ("kernel", "ipykernel_launcher")]
)
def test_kills_of_runner_and_kernel(what: str, words: str, place: Path, sink: Sink) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    until = start + timedelta(days=7)
    settings = load_settings(place / "workbench.toml")
    store = open_store(settings)
    store.plan_jobs("daily", lambda held: (), now=start)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    scheduler = subprocess.Popen(
        [sys.executable, "-c", SCHEDULER, start.isoformat(), until.isoformat()], env=environment, cwd=place
    )
    chance, kills, begun = random.Random(7), 0, time.monotonic()
    try:
        while scheduler.poll() is None and time.monotonic() - begun < LONGEST_S:
            time.sleep(chance.uniform(0.2, 1.5))
            if kills < KILLS and (victims := processes(scheduler.pid, words)):
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(victims), signal.SIGKILL)
                    kills += 1
    finally:
        if over := scheduler.poll() is not None:
            returned = scheduler.returncode
        scheduler.kill()
        scheduler.wait()
    print(json.dumps({"killed": what, "kills": kills, "seconds": round(time.monotonic() - begun)}))
    assert over, f"{sum(job.status == 'done' for job in store.jobs())} of 28 reports after {LONGEST_S} s"
    assert returned == 0
    assert kills == KILLS
    given_up = [job for job in store.jobs() if job.status != "done"]
    assert all(job.failures >= 3 for job in given_up), given_up
    assert whole_and_once(store, settings, place, sink, reports=28) == 0
    store.close()


def whole_and_once(store: Store, settings: Settings, place: Path, sink: Sink, *, reports: int) -> int:
    """Check that each report is whole and was sent; returns how many messages came again under their key."""
    jobs = store.jobs()
    assert len(jobs) == reports
    done = {run.id for run in store.runs(limit=1000) if run.status == "done"}
    assert {job.run_id for job in jobs if job.status == "done"} <= done
    assert len({job.run_id for job in jobs if job.status == "done"}) == sum(job.status == "done" for job in jobs)
    for job in jobs:
        if job.status == "done":
            run = store.run(job.run_id)
            assert f"{run.system} {run.period} whole" in (settings.home / str(run.path)).read_text()
            copy = place / "share" / job.system / job.period / f"monthly-{job.system}-{job.period}.html"
            assert copy.read_bytes() == (settings.home / str(run.path)).read_bytes()
    sent = store.deliveries()
    assert {each.status for each in sent} == {"sent"}
    keys = Counter(sink.posts)
    assert set(keys) == {each.message.id for each in sent if each.message.channel == "hook"}
    return sum(keys.values()) - len(keys)


def test_kills_of_the_scheduler(place: Path, sink: Sink) -> None:
    settings = load_settings(place / "workbench.toml")
    store = open_store(settings)
    now = datetime.now(UTC)
    store.plan_jobs("daily", lambda held: (), now=now - timedelta(days=10))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    program = SHORT_LEASES + SCHEDULER.replace("1800.0", "1.0")
    chance, begun = random.Random(7), time.monotonic()
    for kill in range(KILLS + 1):
        start = datetime.now(UTC)
        command = [sys.executable, "-c", program, start.isoformat(), (start + timedelta(days=1)).isoformat()]
        scheduler = subprocess.Popen(command, env=environment, cwd=place)
        end = time.monotonic() + (chance.uniform(5.0, 15.0) if kill < KILLS else 1800.0)
        while time.monotonic() < end and scheduler.poll() is None and (kill < KILLS or not over(store)):
            time.sleep(0.2)
        assert scheduler.poll() is None
        scheduler.kill()
        scheduler.wait()
    repeats = whole_and_once(store, settings, place, sink, reports=40)
    claims = sum(job.claims for job in store.jobs())
    store.close()
    facts = {"kills": KILLS, "reports": 40, "claims": claims, "repeats under the same key": repeats}
    print(json.dumps(facts | {"seconds": round(time.monotonic() - begun)}))
    assert repeats <= KILLS


def over(store: Store) -> bool:
    """Whether every job ended and every message was sent."""
    jobs, sent = store.jobs(), store.deliveries()
    return len(jobs) == 40 and all(job.status == "done" for job in jobs) and all(one.status == "sent" for one in sent)


def test_kills_of_the_delivery(place: Path, sink: Sink) -> None:
    settings = load_settings(place / "workbench.toml")
    store = open_store(settings)
    now = datetime.now(UTC)
    content = {"text": "x", "html": "", "files": [], "system": "lab", "period": "2026-10"}
    messages = [
        Message(message_id("soak", str(number)), "", "report", "hook", "", f"message {number}", content)
        for number in range(300)
    ]
    store.put_messages(messages, {}, now=now)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    program = "from workbench.cli.main import main; main(['delivery', 'send'])"
    command = [sys.executable, "-c", program]
    chance = random.Random(7)
    for _ in range(KILLS):
        before = len(sink.posts)
        sender = subprocess.Popen(command, env=environment, cwd=place, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while len(sink.posts) < before + 3 and sender.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(chance.uniform(0.0, 0.15))
        sender.kill()
        sender.wait()
    last = subprocess.run(command, env=environment, cwd=place, capture_output=True, text=True, timeout=300)
    assert last.returncode == 0, last.stderr
    sent = store.deliveries()
    store.close()
    assert len(sent) == 300
    assert {each.status for each in sent} == {"sent"}
    keys = Counter(sink.posts)
    assert set(keys) == {message.id for message in messages}
    repeats = sum(keys.values()) - len(keys)
    print(json.dumps({"kills": KILLS, "messages": len(keys), "repeats under the same key": repeats}))
    assert repeats <= KILLS
