"""Sixty kills of the commands that write, on SQLite and on PostgreSQL: nothing is lost, half, or given twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.studies.conftest import END, SYSTEM, lab_series
from workbench.archive import Archive
from workbench.core.errors import WorkbenchError
from workbench.core.settings import Settings, load_settings
from workbench.report.issue.issue import placed
from workbench.report.issue.reproduce import reproduce
from workbench.store import open_store
from workbench.studies.upkeep.backup import restore
from workbench.studies.upkeep.doctor import diagnose

pytestmark = [pytest.mark.soak, pytest.mark.timeout(2_400)]

KILLS = int(os.environ.get("WORKBENCH_KILLS", "60"))
ROOT = Path(__file__).parents[2]
MONTH = ("--system", SYSTEM, "--period", "2026-10")
SETTINGS = f"""
home = "home"
[sources.history]
kind = "archive"
path = "home/archive"
systems = ["{SYSTEM}"]
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    (tmp_path / "workbench.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    if request.param == "postgresql":
        monkeypatch.setenv("WORKBENCH_STORE_URL", request.getfixturevalue("empty_database"))
    Archive.open(tmp_path / "home" / "archive", create=True).append_samples(lab_series())
    return load_settings(tmp_path / "workbench.toml")


def command(number: int, folder: Path) -> tuple[str, list[str]]:
    """Return the n-th command, by its name: each changes something, so that there is something to lose."""
    start = END - timedelta(days=6) + timedelta(minutes=5 * number)
    every = {
        "exclude": ["slo", "exclude", "add", SYSTEM, "--from", start.isoformat(), "--for", "5m", "--reason", "Kill"],
        "issue": ["report", "issue", *MONTH],
        "run": ["report", "run", "monthly", *MONTH],
        "collect": ["collect"],
        "backup": ["backup", str(folder / "backup")],
        "restore": ["--home", str(folder / "elsewhere"), "restore", str(folder / "backup"), "--replace"],
    }
    name = tuple(every)[number % len(every)]
    return name, every[name]


def started(words: list[str]) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-c", "from workbench.cli.main import main; main()", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if "restore" in words:
        environment.pop("WORKBENCH_STORE_URL", None)  # a server's database must be empty: the copy goes to a file
    return subprocess.Popen(
        program, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def excluded(settings: Settings) -> int:
    with closing(open_store(settings)) as store:
        return len(store.exclusions(SYSTEM))


def said(settings: Settings) -> str:
    """Whether a home that was restored has its exclusions, or says that its store is lost."""
    try:
        return "whole" if excluded(settings) else "empty"
    except WorkbenchError as error:
        return "lost" if "was there before" in error.message else error.message


def test_sixty_kills_lose_nothing(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    longest, written = {}, Archive.open(settings.history).select([], 0, 2**60).values.tobytes()
    for number in range(6):
        name, words = command(number, tmp_path)
        begun = time.monotonic()
        assert started(words).wait(180) in (0, 3, 11), name
        longest[name] = time.monotonic() - begun
    chance, least, killed = random.Random(int(os.environ.get("WORKBENCH_SEED", "11"))), excluded(settings), 0
    assert least == 1
    for number in range(6, 6 + KILLS):
        name, words = command(number, tmp_path)
        process = started(words)
        try:
            process.wait(chance.uniform(min(0.8, longest[name] / 2), longest[name]))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        ended = process.wait(30)
        exclusions = excluded(settings)
        assert exclusions - least in ((1,) if name == "exclude" and ended == 0 else (0, 1 * (name == "exclude")))
        least = exclusions
        with closing(open_store(settings)) as store:
            numbers = [issue.number for issue in store.issues()]
            audit = [row for row in store.audit() if row.action == "exclusion.add"]
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), name
        assert len(audit) == exclusions
        elsewhere = settings.model_copy(update={"home": tmp_path / "elsewhere", "store_url": None})
        assert said(elsewhere) in ("whole", "lost"), name
    for number in range(6 + KILLS, 12 + KILLS):
        name, words = command(number, tmp_path)
        begun = time.monotonic()
        assert started(words).wait(180) in (0, 3, 11), name
        assert time.monotonic() - begun < 3 * longest[name] + 20, f"{name} waits for a holder that is dead"
    assert Archive.open(settings.history).select([], 0, 2**60).values.tobytes() == written
    with closing(open_store(settings)) as store:
        issues = [placed(issue, settings) for issue in store.issues()]
    assert len(issues) >= 2
    assert all(reproduce(settings, issue).whole for issue in issues)
    broken = [each.text for each in diagnose(settings, now=datetime.now(UTC), whole=True) if each.status == "broken"]
    assert [text for text in broken if "are free" not in text] == []
    monkeypatch.delenv("WORKBENCH_STORE_URL", raising=False)
    last = load_settings(tmp_path / "workbench.toml").model_copy(update={"home": tmp_path / "last"})
    shutil.rmtree(tmp_path / "elsewhere")
    restore(last, tmp_path / "backup", now=datetime.now(UTC))
    assert excluded(last) == least + 1
    print(f"{killed} of {KILLS} commands were killed, {len(issues)} issues, {least + 1} exclusions")
    assert killed >= KILLS // 2
