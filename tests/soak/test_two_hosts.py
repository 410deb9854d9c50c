"""Two hosts at one PostgreSQL, some commands killed: nothing is lost or given twice, and nobody waits for long."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from tests.soak.test_sixty_kills import MONTH, ROOT, SETTINGS
from tests.studies.conftest import END, SYSTEM, lab_series
from workbench.archive import Archive
from workbench.core.settings import load_settings
from workbench.report.issue.issue import placed
from workbench.report.issue.reproduce import reproduce
from workbench.store import open_store

pytestmark = [pytest.mark.soak, pytest.mark.live, pytest.mark.timeout(1_800)]

ROUNDS = int(os.environ.get("WORKBENCH_ROUNDS", "8"))
PROGRAM = (
    "import socket, sys; socket.gethostname = lambda host=sys.argv.pop(1): host; "
    "from workbench.cli.main import main; main()"
)


def host(name: str, folder: Path, ended: list[tuple[str, int, float]]) -> None:
    """Exclude, issue and collect in turn, as one host; every third command is killed."""
    chance = random.Random(name)
    for number in range(ROUNDS):
        start = END - timedelta(days=6) + timedelta(minutes=5 * number)
        words = (
            ["slo", "exclude", "add", SYSTEM, "--from", start.isoformat(), "--for", "5m", "--reason", name],
            ["report", "issue", *MONTH],
            ["collect"],
        )[number % 3]
        begun = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, name, *words], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            _, errors = process.communicate(timeout=chance.uniform(1, 6) if number % 3 == chance.randrange(3) else 400)
            assert b"fault of the workbench" not in errors, errors
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        if process.returncode not in (0, 1, 3, 11, -signal.SIGKILL):
            raise AssertionError(f"{words} ended with {process.returncode}: {errors.decode()[-600:]}")
        ended.append((words[1 if words[0] == "slo" else 0], process.returncode, time.monotonic() - begun))


def test_two_hosts_at_one_postgresql_lose_and_double_nothing(
    tmp_path: Path, empty_database: str, monkeypatch: pytest.MonkeyPatch, omit: Callable[[str], NoReturn]
) -> None:
    monkeypatch.setenv("WORKBENCH_STORE_URL", empty_database)
    ended: dict[str, list[tuple[str, int, float]]] = {"one": [], "two": []}
    for name in ended:
        (tmp_path / name).mkdir()
        (tmp_path / name / "workbench.toml").write_text(SETTINGS)
        Archive.open(tmp_path / name / "home" / "archive", create=True).append_samples(lab_series())
    (tmp_path / "one" / "home" / "issued").mkdir()  # on a disk that both have, as docs/backup.md asks for
    (tmp_path / "two" / "home" / "issued").symlink_to(tmp_path / "one" / "home" / "issued")
    hosts = [threading.Thread(target=host, args=(name, tmp_path / name, done)) for name, done in ended.items()]
    for each in hosts:
        each.start()
    for each in hosts:
        each.join()
    settings = load_settings(tmp_path / "one" / "workbench.toml")
    with closing(open_store(settings)) as store:
        issues = store.issues()
        exclusions = len(store.exclusions(SYSTEM))
        audit = [line for line in store.audit() if line.action == "exclusion.add"]
    every = [each for done in ended.values() for each in done]
    print(ended)
    assert all(len(done) == ROUNDS for done in ended.values())
    assert {code for _, code, _ in every} <= {0, 1, 3, 11, -signal.SIGKILL}
    assert sorted(issue.number for issue in issues) == list(range(1, len(issues) + 1))
    assert len(issues) >= 2
    assert all(reproduce(settings, placed(issue, settings)).whole for issue in issues)
    assert len(audit) == exclusions >= sum(name == "exclude" and code == 0 for name, code, _ in every)
    assert all(code == 0 for name, code, _ in every if name == "exclude" and code >= 0)
