"""Four writers, one that replaces and a kill -9 now and then, at one archive."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from workbench.archive import Archive
from workbench.promql.parser.matchers import Matcher

START = 1_793_491_200_000
COMMITS, SERIES, SAMPLES = 120, 5, 20

APPEND = f"""
import sys
import numpy as np
from workbench.archive import Archive
from workbench.core.series import SeriesSet
archive = Archive.open(sys.argv[1])
for commit in range({COMMITS}):
    times = {START} + (commit * {SAMPLES} + np.arange({SAMPLES})) * 1000
    archive.append_samples(SeriesSet.of(
        ({{"who": sys.argv[2], "n": str(n), "era": str(commit // 5)}}, times, times / 7) for n in range({SERIES})))
"""

REPLACE = f"""
import sys
from workbench.archive import Archive
from workbench.core.series import SeriesSet
archive = Archive.open(sys.argv[1])
for turn in range(60):
    fresh = SeriesSet.of([({{"who": "replacer"}}, [{START} + turn], [float(turn)])])
    archive.replace_samples(fresh, {START}, {START} + 10_000)
"""


def start(program: str, root: Path, who: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program, str(root), who], stderr=subprocess.PIPE, text=True)


@pytest.mark.soak
def test_four_writers_a_replacer_and_killed_ones_lose_nothing(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    archive = Archive.open(root, create=True)
    lasting = [*(start(APPEND, root, who) for who in "abcd"), start(REPLACE, root, "replacer")]
    rng = np.random.default_rng(5)
    for turn in range(6):
        with start(APPEND, root, f"killed{turn}") as victim:
            time.sleep(float(rng.uniform(1.0, 3.0)))
            victim.kill()
    for process in lasting:
        _, told = process.communicate(timeout=300)
        assert process.returncode == 0, told
    after_replaced = START + 10_000
    kept = archive.select([Matcher("who", "=~", "[abcd]")], after_replaced, 2**60)
    assert kept.samples == 4 * SERIES * (COMMITS * SAMPLES - 10)
    assert (kept.values == kept.times / 7).all()
    for labels, _, _ in archive.select([Matcher("who", "=~", "killed.*")], after_replaced, 2**60):
        era = archive.select([Matcher(name, "=", value) for name, value in labels.items()], 0, 2**60)
        assert era.samples % SAMPLES in (0, SAMPLES - 10)
    archive.vacuum(hours=0)
    assert archive.select([Matcher("who", "=~", "[abcd]")], after_replaced, 2**60).samples == kept.samples
