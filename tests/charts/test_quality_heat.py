"""The heat map of scores: worst rows on top, colours in intervals, days without readings blank."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.quality.segments import SegmentDays
from workbench.charts.quality.heat import ROWS, heat_figure


def days(rows: int) -> SegmentDays:
    starts = pd.date_range("2026-10-01", periods=5, tz="UTC")
    frames = [
        pd.DataFrame(
            {
                "role": "score", "series": f"s{row:02d}", "start": starts, "samples": 10.0, "mean": 0.9,
                "reference": 0.8, "difference": 0.01 * row, "low": 0.01 * row - 0.05, "high": 0.01 * row + 0.05,
            }
        )
        for row in range(rows)
    ]  # fmt: skip
    frame = pd.concat(frames, ignore_index=True)
    frame.loc[(frame["series"] == f"s{rows - 1:02d}") & (frame["start"] == starts[2]), ["mean", "difference"]] = np.nan
    return SegmentDays(frame)


def test_rows_farthest_from_usual_are_shown_in_units_of_their_interval() -> None:
    (heat,) = heat_figure(days(30)).data
    assert (heat.y[-1], len(heat.y)) == ("score, s29", ROWS)
    assert heat.z[-1][0] == pytest.approx(0.29 / 0.05)
    assert np.isnan(heat.z[-1][2])
    titled = SegmentDays(days(1).frame.assign(title="Quality score"))
    assert heat_figure(titled).data[0].y == ("Quality score, s00",)
    assert heat.customdata[-1][0].tolist() == pytest.approx([0.29, 0.9])


def test_nothing_to_draw_is_an_empty_figure_in_both_modes() -> None:
    assert not heat_figure(SegmentDays(days(1).frame[:0]), mode="dark").data
