"""Reading a demo back whole, for comparisons."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.archive import Archive
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.series import LabelKey, label_key
from workbench.core.timerange import TimeRange

ANCHOR = datetime(2026, 11, 1, tzinfo=UTC)
SMALL = Path(__file__).with_name("small.yaml")
ALWAYS = TimeRange.from_ms(0, 9_000_000_000_000)

Samples = dict[LabelKey, tuple[np.ndarray, np.ndarray]]


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
