"""Builds of the demo killed with SIGKILL at any moment: the old state or the new one, and the same end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from workbench.archive import Archive
from workbench.core.errors import ArchiveError
from workbench.core.series import SeriesSet, label_key
from workbench.demo import build_demo

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

END = datetime(2026, 11, 1, tzinfo=UTC)
EARLIER = datetime(2026, 10, 30, 7, 13, tzinfo=UTC)
SCENARIO = """
schema: 1
name: killed
days: 12
events:
  - {id: short-outage, kind: outage, system: counterfactual-lab, start: -1d, duration: 20m, magnitude: 0.5}
"""


def held(archive: Archive) -> dict[tuple, tuple[bytes, bytes]]:
    """Every sample of every series, to the bit."""
    newest = archive.newest_ms()
    series = archive.select([], 0, newest) if newest is not None else SeriesSet.empty()
    return {label_key(labels): (times.tobytes(), values.tobytes()) for labels, times, values in series}


def build(scenario: Path, target: Path) -> subprocess.Popen[bytes]:
    command = [Path(sys.executable).with_name("workbench"), "demo", "build", "--scenario", scenario, "--to", target]
    return subprocess.Popen([*command, "--end", END.isoformat()], stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.mark.parametrize("begun", [False, True], ids=["from nothing", "extending"])
def test_a_build_killed_again_and_again_ends_like_one_left_alone(tmp_path: Path, begun: bool) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO)
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    began = time.monotonic()
    build_demo(alone, scenario=scenario, end=END, anchor=END)
    whole = time.monotonic() - began
    if begun:
        build_demo(killed, scenario=scenario, end=EARLIER, anchor=END)
    chance = random.Random(7)
    for _ in range(12):
        process = build(scenario, killed)
        time.sleep(chance.uniform(0.2, whole + 1))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        try:
            seen = held(Archive.open(killed))
        except ArchiveError:
            assert not begun, "an archive that was there is gone"
            continue
        assert set(seen) <= set(held(Archive.open(alone)))
    assert build(scenario, killed).wait(300) == 0
    assert held(Archive.open(killed)) == held(Archive.open(alone))
    assert (killed / "truth.json").read_bytes() == (alone / "truth.json").read_bytes()
