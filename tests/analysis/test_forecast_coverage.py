"""How often the truth lies in the 80 % band, by distance ahead, over real series of operations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.forecast.forecast import STRETCHES, forecast, refusal
from workbench.analysis.forecast.pool import HOURLY

SERIES = Path(__file__).parents[3] / "shared" / "datasets" / "forecast" / "ops_hourly.csv.gz"

#: Days before the end from which is forecast up to the end, most history given, and least.
BACK_DAYS, HISTORY_DAYS, LEAST_DAYS = (28, 14), 63, 14


@pytest.mark.slow
def test_the_band_holds_what_it_goals_at_every_distance(omit: Callable[[str], NoReturn]) -> None:
    if not SERIES.exists():
        omit("the real series do not stand beside the checkout (shared/datasets/forecast/ops_hourly.csv.gz)")
    inside: dict[int, list[float]] = {end: [] for end in STRETCHES[HOURLY]}
    for _, part in pd.read_csv(SERIES, parse_dates=["ds"]).groupby("series"):
        values = part.set_index("ds")["y"].resample("h").mean().to_numpy(np.float64)
        for back in BACK_DAYS:
            place = len(values) - back * 24
            past = values[max(0, place - HISTORY_DAYS * 24) : max(0, place)]
            if len(past) < LEAST_DAYS * 24 or refusal(past):
                continue
            found, truth = forecast(past, back * 24), values[place:]
            held = np.where(np.isnan(truth), np.nan, (truth >= found.low) & (truth <= found.high))
            start = 0
            for end in STRETCHES[HOURLY]:
                if np.isfinite(held[start:end]).any():
                    inside[end].append(float(np.nanmean(held[start:end])))
                start = end
    shares = {end: float(np.mean(found)) for end, found in inside.items()}
    assert all(len(found) >= 15 for found in inside.values())
    assert all(0.70 <= share <= 0.88 for share in shares.values()), shares
