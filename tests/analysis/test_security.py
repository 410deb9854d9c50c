"""Hours that stand out: planted ones are found, quiet weeks give none, and what was not observed is not judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.operations.security import rises, sign_ins
from workbench.core.timerange import TimeRange

START = datetime(2026, 9, 1, tzinfo=UTC)
DAYS = 60
PERIOD = TimeRange(START + timedelta(days=30), START + timedelta(days=60))


def hourly(counts: np.ndarray, **labels: str) -> pd.DataFrame:
    starts = pd.date_range(START, periods=len(counts), freq="h", unit="ms")
    return pd.DataFrame({"role": "failed", "start": starts, "amount": counts.astype(float), "covered": 1.0, **labels})


def noise(kind: str, level: float, seed: int) -> np.ndarray:
    """Counts with a course of the day: Poisson, or with twice to ten times its variance."""
    rng = np.random.default_rng(seed)
    hours = np.arange(DAYS * 24)
    mean = level * (1 + 0.6 * np.sin(2 * np.pi * hours / 24))
    if kind == "poisson":
        return rng.poisson(mean)
    size = mean / (9 if kind == "burst" else 1)
    return rng.negative_binomial(np.maximum(size, 0.5), np.maximum(size, 0.5) / (np.maximum(size, 0.5) + mean))


def test_an_attack_is_found_with_its_hours_its_events_and_its_cause():
    counts = noise("poisson", 6, 1)
    attack = np.zeros_like(counts)
    attack[40 * 24 + 1 : 40 * 24 + 4] = 9_600
    both = pd.concat([hourly(counts, method="key"), hourly(attack, method="password")])
    found = rises(both, {"failed": "Failed"}, period=PERIOD)
    (row,) = found.frame.itertuples()
    assert (row.start, row.end) == (pd.Timestamp(2026, 10, 11, 1, tz="UTC"), pd.Timestamp(2026, 10, 11, 4, tz="UTC"))
    assert row.amount == 28_800 + counts[40 * 24 + 1 : 40 * 24 + 4].sum()
    assert (row.dimension, row.group) == ("method", "password")
    assert row.part > 0.99
    assert not row.open
    assert (found.hours, found.judged) == (720, 720)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "most"), [("poisson", 0), ("double", 0), ("burst", 10)])
@pytest.mark.parametrize("level", [0.2, 5.0, 300.0])
def test_quiet_weeks_give_hardly_any(kind, most, level):
    months = [rises(hourly(noise(kind, level, seed)), {"failed": "Failed"}, period=PERIOD) for seed in range(20)]
    assert sum(len(month.frame) for month in months) <= most, "of 20 months; most only for ten times Poisson's variance"


def test_an_hour_that_was_not_observed_is_neither_usual_nor_high():
    table = hourly(noise("poisson", 6, 2))
    table.loc[1000:1100, ["amount", "covered"]] = 0.0
    found = rises(table, {"failed": "Failed"}, period=PERIOD)
    assert (found.hours, found.judged) == (720, 720 - 101)
    few = rises(table.assign(covered=np.where(np.arange(len(table)) < 1400, 0.0, 1.0)), {"failed": "F"}, period=PERIOD)
    assert (len(few.frame), few.judged) == (0, 0)


def test_a_rise_that_lasts_is_open():
    counts = noise("poisson", 6, 3)
    counts[-2:] = 900
    (row,) = rises(hourly(counts), {"failed": "Failed"}, period=PERIOD).frame.itertuples()
    assert row.open


def test_sign_ins_without_a_failed_one_have_a_share_of_zero():
    names = ["role", "title", "dimension", "group", "amount", "before"]
    rows = [
        ("a", "A", "", "", 10.0, np.nan),
        ("a", "A", "method", "key", 10.0, np.nan),
        ("f", "F", "", "", 0.0, np.nan),
        ("f", "F", "method", "password", 0.0, np.nan),
    ]
    frame = sign_ins(pd.DataFrame(rows, columns=names), {"a": "f"}).frame
    assert frame["share"].tolist() == [0.0, 0.0]
    assert frame["share_before"].isna().all()
