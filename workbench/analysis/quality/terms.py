"""What people settled about scores, by series and day: margins, better sides, incidents, acceptances, references."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.quality.days import ScoreDays
from workbench.analysis.quality.edges import DAY
from workbench.core.timerange import TimeRange


def margin_of(laid: ScoreDays, margins: Mapping[str, float] | None) -> NDArray[np.float64]:
    """Change of each series that is too small to matter. [score]"""
    return np.array([(margins or {}).get(role, 0.0) for role in laid.series["role"]])


def better_sides(laid: ScoreDays, better: Mapping[str, str] | None) -> NDArray[np.int64]:
    """1 where a higher score is better, -1 where a lower one is, 0 where neither."""
    sides = {"higher": 1, "lower": -1}
    roles = laid.series["role"]
    named = [(better or {}).get(role) or ("higher" if role.partition(".")[0] == "quality" else "") for role in roles]
    return np.array([sides.get(name, 0) for name in named], np.int64)


def touched_days(laid: ScoreDays, incidents: pd.DataFrame | None, until: datetime) -> NDArray[np.bool_]:
    """Mark days that an incident touches, for all series alike."""
    marks = np.zeros(len(laid.starts), np.bool_)
    for row in () if incidents is None else incidents.itertuples():
        end = pd.Timestamp(until) if pd.isna(row.end) else row.end
        marks |= np.asarray((laid.starts < end) & (laid.starts + DAY > row.start))
    return np.broadcast_to(marks, laid.samples.shape).copy()


def accepted_days(laid: ScoreDays, accepted: pd.DataFrame | None) -> NDArray[np.bool_]:
    """Mark the first day of each series after its level was accepted."""
    marks = np.zeros(laid.samples.shape, np.bool_)
    for row in [] if accepted is None else accepted.itertuples():
        same = (laid.series["role"] == row.role) & (laid.series["series"] == row.series)
        day = int(np.searchsorted(laid.starts, row.time, side="right")) - 1
        if 0 <= day < len(laid.starts):
            marks[same.to_numpy(), day] = True
    return marks


def frozen_days(laid: ScoreDays, frozen: Mapping[str, TimeRange] | None) -> NDArray[np.bool_]:
    """Mark the days of the frozen reference of each series; none where the reference rolls."""
    marks = np.zeros(laid.samples.shape, np.bool_)
    for role, days in (frozen or {}).items():
        inside = (laid.starts + DAY > pd.Timestamp(days.start)) & (laid.starts < pd.Timestamp(days.end))
        marks[np.ix_((laid.series["role"] == role).to_numpy(), np.asarray(inside))] = True
    return marks
