"""Where a drift begins and ends to the hour, and how far it went on its worst day."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis.quality.days import ScoreDays
from workbench.analysis.quality.detect import DayVerdicts

#: A slope begins where it leaves the scatter of the hours: this many standard deviations of it. [sd]
EDGE = 4.0
DAY = pd.Timedelta(days=1)


def worst_level(
    own: pd.DataFrame,
    laid: ScoreDays,
    verdicts: DayVerdicts,
    number: int,
    onset: pd.Timestamp,
    end: pd.Timestamp,
    size: float,
) -> float:
    """Mean difference on the worst day of a drift, over the hours that belong to it."""
    part = own[(own["time"] >= onset) & (own["time"] < end) & own["value"].notna()]
    place = np.clip(np.searchsorted(laid.starts, part["time"], side="right") - 1, 0, len(laid.starts) - 1)
    rest = part["value"].to_numpy(np.float64) - verdicts.reference[number, place]
    count, total = (np.bincount(place, weights, len(laid.starts)) for weights in (None, np.nan_to_num(rest)))
    enough = count >= min(3, float(count.max(initial=0)))
    with np.errstate(invalid="ignore", divide="ignore"):
        levels = np.where(enough & (count > 0), total / count, np.nan)
    return float(np.nanmin(levels) if size < 0 else np.nanmax(levels))


def edge(
    own: pd.DataFrame, laid: ScoreDays, verdicts: DayVerdicts, number: int, day: int, size: float, *, rising: bool
) -> pd.Timestamp:
    """Hour at which a drift begins before or ends after a border of days: where two levels split the hours best."""
    starts = laid.starts
    border = starts[day] if day < len(starts) else starts[-1] + DAY
    around = own[(own["time"] >= border - DAY) & (own["time"] < border + DAY) & own["value"].notna()]
    if around.empty:
        return pd.Timestamp(border)
    place = np.clip(np.searchsorted(starts, around["time"], side="right") - 1, 0, len(starts) - 1)
    base = verdicts.reference[number, place]
    scatter = np.nanmax(verdicts.scatter[number, place], initial=0.0)
    small = np.sign(size) * (min(abs(size), EDGE * scatter) if scatter > 0 else abs(size))
    rest = (around["value"].to_numpy(np.float64) - base) / small
    gain = np.where(np.isfinite(rest), rest - 0.5, 0.0) * (1 if rising else -1)
    after = np.r_[np.cumsum(gain[::-1])[::-1], 0.0]
    split = int(np.argmax(after))
    if split == len(around):
        return pd.Timestamp(around["time"].iloc[-1]) + pd.Timedelta(hours=1)
    return pd.Timestamp(around["time"].iloc[split])
