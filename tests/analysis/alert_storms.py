"""Random weeks of alerts with planted storms: days and nights, week ends, a level that moves, small groups."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from tests.analysis.test_alert_counting import BASE, START
from workbench.analysis.alerts.summary import AlertEpisodes, alert_episodes
from workbench.core.timerange import TimeRange

PERIOD_MS, DAY = 600_000, 144


def stormy(seed: int, days: int = 28) -> tuple[AlertEpisodes, list[tuple[int, int]]]:
    """Draw alerts and storms; returns the storms as periods ``[start, end)``."""
    draw = np.random.default_rng(seed)
    base, periods = 10 ** draw.uniform(-1.7, 0.7), np.arange(days * DAY)
    usual = base * np.exp(draw.uniform(0, 1.2) * np.sin((periods % DAY / 6 - 9) / 24 * 2 * np.pi))
    usual = np.where(periods // DAY % 7 >= 5, usual * draw.uniform(0.3, 1), usual)
    if draw.random() < 0.5:
        usual[int(draw.uniform(0.2, 0.8) * len(usual)) :] *= draw.choice([0.3, 2, 3])
    together = draw.uniform(0, 0.5)
    groups = draw.poisson(usual * (1 - together))
    counts = np.array([draw.geometric(1 - together, size).sum() for size in groups])
    storms: list[tuple[int, int]] = []
    for _ in range(int(draw.integers(0, 7))):
        length = int(draw.integers(1, 7))
        start = int(draw.integers(DAY // 4, len(counts) - length))
        if not any(start <= last + 6 and start + length >= first - 6 for first, last in storms):
            weights = np.exp(-np.arange(length) / 2)
            size = int(draw.integers(10, 80)) + int(4 * base * length)
            counts[start : start + length] += draw.multinomial(size, weights / weights.sum())
            storms.append((start, start + length))
    starts = np.repeat(periods, counts) * PERIOD_MS + draw.integers(0, PERIOD_MS, counts.sum()) + BASE
    times = pd.to_datetime(np.sort(starts), unit="ms", utc=True).as_unit("ms")
    names = draw.integers(0, 40, len(times))
    frame = pd.DataFrame(
        {
            "alertname": pd.Series([f"R{name}" for name in names], dtype="str"),
            "severity": pd.Series(["warning"] * len(times), dtype="str"),
            "labels": [{} for _ in times],
            "active_at": times,
            "starts_at": times,
            "ends_at": times + pd.Timedelta(minutes=5),
            "left_censored": False,
            "right_censored": False,
            "unknown_s": 0.0,
        }
    )
    span = TimeRange(START, START + timedelta(days=days))
    return alert_episodes(frame, span, observed_s=span.seconds), storms


def scored(stretches: list[tuple[int, int]], storms: list[tuple[int, int]]) -> tuple[int, int, int]:
    """Count storms that were named, stretches without a storm, and storms that were not named."""

    def meets(one: tuple[int, int], others: list[tuple[int, int]]) -> bool:
        return any(one[0] < last and one[1] > first for first, last in others)

    named = sum(meets(storm, stretches) for storm in storms)
    return named, sum(not meets(stretch, storms) for stretch in stretches), len(storms) - named
