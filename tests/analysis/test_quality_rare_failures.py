"""Pass rates near one: the next failure is no drift, more failures are, and a drift stays open on days without any."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.analysis.quality.detect import day_verdicts, threshold
from workbench.analysis.quality.lumps import surprise, vanished

REFERENCE, DAYS, SERIES = 28, 58, 60
WEEK = np.arange(DAYS) % 7


def rates(share: float, per_hour: int, days: int = DAYS, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).binomial(per_hour, share, size=(SERIES, days, 24)) / per_hour


def false_drifts(values: np.ndarray) -> float:
    """Share of series that pass the threshold of a series by itself on one of 30 days."""
    return float((day_verdicts(values, WEEK).p[:, REFERENCE:] <= threshold()).any(axis=1).mean())


@pytest.mark.slow
@pytest.mark.parametrize(("share", "per_hour"), [(0.98, 2), (0.999, 2), (0.995, 20)])
def test_the_next_failure_of_a_score_that_nearly_always_passes_is_no_drift(share: float, per_hour: int) -> None:
    assert false_drifts(rates(share, per_hour)) <= 0.05


@pytest.mark.slow
def test_a_nightly_run_that_nearly_always_passes_raises_no_drift() -> None:
    values = np.full((SERIES, DAYS, 24), np.nan)
    values[:, :, 2] = np.random.default_rng(2).binomial(200, 0.9995, size=(SERIES, DAYS)) / 200
    assert false_drifts(values) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "per_hour"), [(0.99, 0.9, 2), (1.0, 0.9, 2), (1.0, 0.98, 10), (0.98, 0.9, 20)]
)
def test_more_failures_are_found_within_a_week_and_stay_open(before: float, after: float, per_hour: int) -> None:
    values = np.concatenate([rates(before, per_hour, REFERENCE), rates(after, per_hour, 30, seed=3)], axis=1)
    verdicts = day_verdicts(values, WEEK)
    assert (verdicts.p[:, REFERENCE : REFERENCE + 7] <= threshold()).any(axis=1).mean() >= 0.95
    assert verdicts.drifting[:, -1].mean() >= 0.95


@pytest.mark.slow
def test_failures_that_become_worse_are_found_though_there_are_no_more_of_them() -> None:
    failed = np.random.default_rng(4).random((SERIES, DAYS, 24)) < 0.1
    values = 1 - 0.1 * failed
    values[:, REFERENCE:] = 1 - 0.8 * failed[:, REFERENCE:]
    verdicts = day_verdicts(values, WEEK)
    assert (verdicts.p[:, REFERENCE : REFERENCE + 7] <= threshold()).any(axis=1).mean() >= 0.95


def test_one_failure_in_a_month_surprises_as_much_as_its_share_of_the_hours() -> None:
    """Given one failure in 28 + 1 days, it falls on the last with a chance of 1 in 29; three p values, two sides."""
    days, now = np.ones((1, 28, 24)), np.ones((1, 1, 24))
    now[0, 0, 5] = 0.0
    p = surprise(days, np.arange(28) % 7, now, np.array([0]), np.array([1.0]))
    assert p[0] == pytest.approx(6 / 29)


@pytest.mark.slow
def test_a_nightly_rate_that_never_reaches_its_usual_value_again_is_a_drift() -> None:
    """Failures in a few nights scatter so far that a fall of every night lies inside their scatter by t."""
    random = np.random.default_rng(5)
    nights = 1 - random.choice([0, 0.005, 0.01, 0.02], p=[0.8, 0.12, 0.05, 0.03], size=(SERIES, DAYS))
    nights[:, REFERENCE:] -= 0.004
    verdicts = day_verdicts(nights[:, :, None], WEEK)
    assert verdicts.drifting[:, -1].all()


def test_the_chance_that_the_usual_value_vanishes_is_that_of_drawing_the_others() -> None:
    days, now = np.ones((1, 28, 1)), np.full((1, 2, 1), 0.5)
    days[0, :8] = 0.5
    p = vanished(days, now, np.array([1.0]))
    assert p[0] == pytest.approx(2 * (10 * 9) / (30 * 29))
    now[0, 0] = 1.0
    assert vanished(days, now, np.array([1.0]))[0] == 1
