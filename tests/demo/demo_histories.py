"""Reading a demo back whole, for comparisons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.archive import Archive
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.series import LabelKey, label_key
from workbench.core.timerange import TimeRange
from workbench.demo import build
from workbench.demo.systems.lab import LAB
from workbench.demo.world import World

ANCHOR = datetime(2026, 11, 1, tzinfo=UTC)
SMALL = Path(__file__).with_name("small.yaml")
ALWAYS = TimeRange.from_ms(0, 9_000_000_000_000)

Samples = dict[LabelKey, tuple[np.ndarray, np.ndarray]]


def simulate_the_lab_alone(patch: pytest.MonkeyPatch) -> None:
    """Leave the other systems out, in which ``SMALL`` plans nothing and which take three quarters of a build."""
    patch.setattr(build, "world_of", lambda *_: World((LAB,)))


@pytest.fixture(scope="module", autouse=True)
def lab_alone() -> Iterator[None]:
    """For files that build many demos; all systems together are the subject of ``test_demo_systems.py``."""
    with pytest.MonkeyPatch.context() as patch:
        simulate_the_lab_alone(patch)
        yield


def samples_of(directory: Path) -> Samples:
    """Times and the bits of the values of every series."""
    found = Archive.open(directory).select([], 0, ALWAYS.end_ms)
    return {label_key(labels): (times, values.view(np.int64)) for labels, times, values in found}


def records_of(directory: Path) -> list[pd.DataFrame]:
    """Logs, spans and episodes."""
    archive = Archive.open(directory)
    return [archive.logs(LogFilter(), ALWAYS), archive.spans(SpanFilter(), ALWAYS), archive.episodes(ALWAYS)]


def assert_same_history(one: Path, other: Path) -> None:
    left, right = samples_of(one), samples_of(other)
    assert left.keys() == right.keys()
    for key in left:
        np.testing.assert_array_equal(left[key][0], right[key][0], err_msg=str(key))
        np.testing.assert_array_equal(left[key][1], right[key][1], err_msg=str(key))
    for mine, theirs in zip(records_of(one), records_of(other), strict=True):
        pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
    assert (one / "truth.json").read_text() == (other / "truth.json").read_text()
