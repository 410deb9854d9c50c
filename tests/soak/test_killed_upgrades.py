"""Upgrades of a store killed at any moment: the old store or the new one, with every row."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from alembic import command

from tests.store.test_store_migrations import migrate
from workbench.core.timerange import TimeRange
from workbench.store import HistoryKey, Store
from workbench.store.decided.decisions import ExclusionRecord
from workbench.store.engine import open_engine

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("WORKBENCH_KILLS", "12"))
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
UPGRADE = """
import sys
from workbench.store import engine
migrate = engine._migrate
engine._migrate = lambda *given: (print("begun", flush=True), migrate(*given))
engine.open_engine(sys.argv[1])
print("done", flush=True)
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("empty_database"))
    return f"sqlite:///{tmp_path / 'workbench.db'}"


def upgrading(url: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, "-c", UPGRADE, url], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_an_upgrade_that_is_killed_loses_nothing(url: str) -> None:
    store, chance = Store(url), random.Random(int(os.environ.get("WORKBENCH_SEED", "14")))
    for hour in range(300):
        start = NOON + timedelta(hours=hour)
        store.add_exclusion(ExclusionRecord("lab", "remove", start, start + timedelta(hours=1), "Why", NOON, "ana"))
    run = store.start_run(
        report="monthly", system="lab", period="2026-10", parameters={}, started_at=NOON, version="0", identity="ana"
    )
    before = [(each.id, each.starts_at, each.reason) for each in store.exclusions("lab")]
    key, days = HistoryKey("lab", "availability", "r" * 64), TimeRange(NOON, NOON + timedelta(days=31))
    times = pd.date_range(NOON, periods=8_000, freq="5min")
    counts = pd.DataFrame({"time": times, "good": np.sqrt(np.arange(8_000.0)), "total": 100.0, "covered": 1.0})
    store.put_slices(key, counts, method="exact", read_at=NOON)
    store.close()
    lasts, killed = 0.0, 0
    for number in range(KILLS + 1):
        engine = open_engine(url)
        migrate(engine, command.downgrade, "0006")
        engine.dispose()
        process, begun = upgrading(url), time.monotonic()
        try:
            process.wait(chance.uniform(0, lasts) if number else 60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        else:
            lasts = time.monotonic() - begun
        process.communicate(timeout=30)
        store = Store(url)
        assert [(each.id, each.starts_at, each.reason) for each in store.exclusions("lab")] == before
        assert store.runs() == [run]
        history = store.slices(key, days)
        assert history is not None
        assert history.frame["good"].tolist() == counts["good"].tolist()
        assert len(store.audit(limit=1_000)) == len(before)
        store.close()
    print(f"{killed} of {KILLS} upgrades were killed, {lasts:.2f} s each")
    assert killed >= KILLS // 3
