from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.pages.lab import build_lab
from workbench.core.timerange import TimeRange
from workbench.store import Store

pytestmark = pytest.mark.slow

SYSTEM = "counterfactual-lab"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    newest = datetime.now(UTC).replace(second=0, microsecond=0)
    return build_lab(tmp_path_factory.mktemp("collect") / "archive", newest)


@pytest.fixture
def home(archive: Path, tmp_path: Path) -> Path:
    (tmp_path / "workbench.toml").write_text(
        f'home = "home"\n[sources.demo]\nkind = "archive"\npath = "{archive}"\nsystems = ["{SYSTEM}"]\n'
    )
    return tmp_path


def begun(home: Path, *arguments: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    environment = {**kept, "WORKBENCH_CONFIG": str(home / "workbench.toml"), "NO_COLOR": "1"}
    command = [sys.executable, "-c", "from workbench.cli.main import main; main()", "collect", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            stdin=subprocess.DEVNULL)  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end; exit code and what was said."""
    _, said = process.communicate(timeout=180)
    return process.returncode, said


def store(home: Path) -> Store:
    return Store(f"sqlite:///{home / 'home' / 'workbench.db'}")


def collected(home: Path, turns: int = 1) -> None:
    """Wait until the counts were collected so often."""
    opened, seen, until = store(home), set(), time.monotonic() + 120
    while len(seen) < turns:
        assert time.monotonic() < until
        seen |= {one.tried for one in opened.collections() if one.kind == "counts"}
        time.sleep(0.2)
    opened.close()


def test_one_turn_prints_each_part_and_ends_well(home: Path) -> None:
    process = begun(home, "--format", "json")
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    rows = json.loads(out)["results"]["collection"]["rows"]
    assert {(row["subject"], row["kind"], row["stale"]) for row in rows} == {
        (SYSTEM, "counts", False),
        (SYSTEM, "episodes", False),
    }
    assert "workbench collect --backfill 30d" in err


def test_a_collector_stops_at_a_signal_and_leaves_the_lease_to_the_next(home: Path) -> None:
    first = begun(home, "--every", "10m")
    collected(home)
    second = begun(home)
    code, err = ended(second)
    assert code == 1
    assert f"Another process does this job: collect (process {first.pid} on " in err
    first.send_signal(signal.SIGTERM)
    assert ended(first)[0] == 0
    third = begun(home)
    assert ended(third)[0] == 0


def test_a_killed_collector_holds_up_no_one_and_its_counts_stay(home: Path) -> None:
    killed = begun(home, "--every", "10m")
    collected(home)
    killed.kill()
    ended(killed)
    after = begun(home)
    assert ended(after)[0] == 0


def test_a_backfill_shows_coverage_and_check_alarms_when_a_part_is_late(home: Path) -> None:
    filling = begun(home, "--backfill", "2d")
    _, err = filling.communicate(timeout=240)
    assert filling.returncode == 0, err
    assert f"{SYSTEM}: " in err
    assert "observed of" in err
    opened = store(home)
    opened.note_collection("prod", "rules", at=datetime.now(UTC) - timedelta(hours=2), every=timedelta(minutes=5))
    assert opened.episodes(SYSTEM, TimeRange(datetime.now(UTC) - timedelta(days=2), datetime.now(UTC))).empty
    opened.close()
    checked = begun(home, "--check")
    out, err = checked.communicate(timeout=60)
    assert checked.returncode == 3
    assert "late" in out
    assert "prod, rules is not collected: last collected 2 h ago" in err


def test_too_short_a_schedule_is_refused_with_the_next_step(home: Path) -> None:
    process = begun(home, "--every", "1s")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Every 1s is too often." in err
