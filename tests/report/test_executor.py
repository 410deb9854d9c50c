"""Where tasks run: processes of this machine, and a real Dask cluster of one scheduler and two workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.report.test_scheduler import START, entry
from workbench.core.errors import SettingsError
from workbench.core.executor import LocalProcesses, TaskDied, run_in_process
from workbench.core.executor import cluster as dask
from workbench.core.executor.cluster import Cluster
from workbench.core.settings import Settings
from workbench.core.timerange import TimeRange
from workbench.report.schedule import Scheduler
from workbench.store import Store
from workbench.studies import open_context
from workbench.studies.slo.scorecard import slo_scorecard

ECHO = "workbench.core.executor.task:echo"


def test_a_task_gets_and_gives_json() -> None:
    arguments = {"text": "ü \U0001f600", "number": 1.5}
    assert run_in_process(ECHO, arguments) == arguments


def test_a_task_that_raises_is_an_error_with_its_words() -> None:
    with pytest.raises(TaskDied, match="AttributeError"):
        run_in_process("workbench.core.executor.task:nothing", {})


@pytest.mark.slow
def test_closing_ends_what_runs() -> None:
    executor = LocalProcesses(1)
    running = executor.submit("time:sleep", {})  # fails at once: a mapping is no number
    assert isinstance(running.exception(), TaskDied)
    waiting = executor.submit("tests.report.made_reports:waits", {"seconds": 60})
    time.sleep(1.5)
    began = time.monotonic()
    executor.close()
    assert time.monotonic() - began < 10
    assert waiting.cancelled() or isinstance(waiting.exception(), TaskDied)


@pytest.mark.slow
def test_a_task_does_not_outlive_its_parent(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    program = (
        "from workbench.core.executor import run_in_process\n"
        "run_in_process('tests.report.made_reports:beats', {'seconds': 60})\n"
    )
    environment = {**os.environ, "WORKBENCH_TEST_LEDGER": str(ledger)}
    parent = subprocess.Popen([sys.executable, "-c", program], env=environment)
    deadline = time.monotonic() + 60
    while not ledger.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    parent.kill()
    parent.wait()
    time.sleep(1.0)
    beats = ledger.read_text()
    time.sleep(1.5)
    assert ledger.read_text() == beats


def _worker(address: str, environment: dict[str, str], name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny",
               "--no-dashboard", "--name", name, "--host", "127.0.0.1"]  # fmt: skip
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def dask_cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    pytest.importorskip("distributed")
    environment = {
        **os.environ,
        "WORKBENCH_TEST_LEDGER": str(tmp_path / "ledger"),
        "WORKBENCH_TEST_WORK_S": "1.0",
        "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    }
    file = tmp_path / "scheduler.json"
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
         "--no-dashboard", "--scheduler-file", str(file)],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 90
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    address = json.loads(file.read_text())["address"]
    workers = [_worker(address, environment, name) for name in ("a", "b")]
    yield address, workers
    for process in (*workers, scheduler):
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_worker_killed_in_mid_run_leaves_every_report_once(
    dask_cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, workers = dask_cluster
    settings = Settings.model_validate(
        {"home": tmp_path, "sources": {}, "channels": {"out": {"kind": "folder", "path": str(tmp_path)}}}
    )
    deadline = time.monotonic() + 90
    while True:  # until both workers are there
        executor = _opened(address, settings)
        if executor is not None and executor.slots == 2:
            break
        if executor is not None:
            executor.close()
        assert time.monotonic() < deadline
        time.sleep(0.5)
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    store.plan_jobs("night", lambda held: (), now=START)
    systems = tuple(f"system-{number}" for number in range(8))
    work = Scheduler(
        settings=settings, store=store, entries=[entry("night", "30 2 * * *")], systems=systems, executor=executor,
        clock=lambda: START + timedelta(hours=3), make="tests.report.made_reports:made_once",
    )  # fmt: skip
    began = time.monotonic()

    def killing() -> bool:
        if time.monotonic() - began > 3 and workers[0].poll() is None:
            workers[0].kill()
        return False

    assert work.run(killing, once=True, rest_s=0.05) == []
    executor.close()
    assert workers[0].poll() is not None
    assert Counter(job.status for job in store.jobs()) == {"done": 8}
    sent = store.deliveries()
    store.close()
    assert {each.status for each in sent} == {"sent"}
    assert len({each.message.job_id for each in sent}) == len(sent) == 8
    lines = Counter((tmp_path / "ledger").read_text().splitlines())
    assert len(lines) == 8
    assert set(lines.values()) == {1}


def _opened(address: str, settings: Settings) -> Cluster | None:
    try:
        return Cluster(address, settings)
    except SettingsError:
        return None


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_said() -> None:
    pytest.importorskip("distributed")
    settings = Settings.model_validate({"home": "/tmp/x", "sources": {}})
    with pytest.raises(SettingsError, match="Write tcp"):
        Cluster("localhost:8786", settings)


def test_places_of_one_host_are_named_for_workers_of_others() -> None:
    settings = Settings.model_validate(
        {
            "home": "/srv/home",
            "sources": {
                "demo": {"kind": "archive", "path": "/srv/archive"},
                "s3": {"kind": "archive", "url": "s3://bucket/history"},
                "prom": {"kind": "prometheus", "url": "http://prometheus:9090"},
            },
        }
    )
    assert dask.local_places(settings) == ["source demo (/srv/archive)", "store (SQLite)"]
    shared = settings.model_copy(
        update={
            "store_url": "postgresql://u@h/n",
            "sources": {k: v for k, v in settings.sources.items() if k != "demo"},
        }
    )
    assert dask.local_places(shared) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_workers_here_answer_studies_and_those_of_another_host_are_refused_with_the_reason(
    dask_cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, _ = dask_cluster
    settings = Settings.model_validate(
        {"home": tmp_path, "sources": {"demo": {"kind": "archive", "path": "/srv/archive"}}}
    )
    deadline = time.monotonic() + 90
    while (opened := _opened(address, settings)) is None and time.monotonic() < deadline:
        time.sleep(0.5)
    assert opened is not None
    week = TimeRange(START - timedelta(days=7), START)
    asked: Any = {"systems": ("conduit", "choreoai"), "range": week, "count": 2, "as_of": START}
    ctx = open_context(settings)
    there, own = slo_scorecard(ctx, **asked, executor=opened), slo_scorecard(ctx, **asked)
    assert there.to_dict() == own.to_dict()
    assert there.status == "unavailable"
    assert ctx.store is not None
    ctx.store.close()
    opened.close()
    here = dask.worker_place()
    monkeypatch.setattr(dask, "this_place", lambda: "elsewhere/boot")
    with pytest.raises(SettingsError) as caught:
        Cluster(address, settings)
    assert here.split("/")[0] in str(caught.value)
    assert "source demo (/srv/archive)" in str(caught.value)
