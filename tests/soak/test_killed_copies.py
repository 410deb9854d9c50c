"""The copy of `archive sync` killed with SIGKILL twenty times: the archive ends like one that was left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_copy_killed_twenty_times_ends_whole(seed: int) -> None:
    test = Path(__file__).parents[1] / "studies" / "test_sync.py"
    name = f"{test}::test_copies_killed_again_and_again_lose_and_double_nothing"
    chosen = {**os.environ, "SYNC_KILLS": "20", "SYNC_KILL_SEED": str(seed)}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", name], env=chosen, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
