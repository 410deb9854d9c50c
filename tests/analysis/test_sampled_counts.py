"""Counts and shares from sampled records against draws whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from workbench.analysis.counting.sampled import count_interval, sampled_counts, sampled_shares, weighted_quantiles


def test_what_was_all_kept_is_counted_exactly() -> None:
    counts = sampled_counts(np.ones(7), np.array([0, 0, 0, 1, 1, 1, 1]), np.arange(7), size=3)
    assert counts["count"].tolist() == counts["low"].tolist() == [3, 4, 0]
    assert counts["error"].tolist() == [0, 0, 0]
    assert np.isnan(counts["high"][2]), "of a group without a record nobody knows how many were dropped"


def test_spans_of_one_trace_are_not_independent() -> None:
    alone = sampled_counts(np.full(100, 10.0), np.zeros(100, np.int64), np.arange(100), size=1)
    together = sampled_counts(np.full(100, 10.0), np.zeros(100, np.int64), np.arange(100) // 10, size=1)
    assert alone["count"][0] == together["count"][0] == 1000
    assert together["error"][0] == pytest.approx(alone["error"][0] * np.sqrt(10))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("truth", "probability"),
    [(300, 1 / 8), (1000, 0.1), (60, 0.1), (1280, 1 / 128), (20_000, 1 / 25), (51_200, 1 / 128), (40, 0.5)],
)
def test_the_true_count_is_in_95_of_100_intervals(truth: int, probability: float) -> None:
    spread = 10 * np.sqrt(truth * probability)  # beyond it lies less than 1e-12 of the draws
    kept = np.arange(max(1, int(truth * probability - spread)), min(truth, int(truth * probability + spread)) + 1)
    low, high = count_interval(kept / probability, kept * (1 - probability) / probability**2)
    inside = (low <= truth) & (truth <= high)
    assert 0.93 <= binom.pmf(kept[inside], truth, probability).sum() <= 0.97


def test_the_true_error_share_is_in_95_of_100_intervals_with_two_rates_of_sampling() -> None:
    rng, draws, failures, successes = np.random.default_rng(6), 1000, 600, 9000
    failed, fine = rng.binomial(failures, 1 / 8, draws), rng.binomial(successes, 1 / 128, draws)
    groups = np.concatenate([np.repeat(np.arange(draws), failed), np.repeat(np.arange(draws), fine)])
    hits = np.arange(len(groups)) < failed.sum()
    weights = np.where(hits, 8.0, 128.0)
    rows = sampled_shares(weights, hits, groups, np.arange(len(groups)), size=draws)
    truth = failures / (failures + successes)
    assert 0.93 <= ((rows["low"] <= truth) & (truth <= rows["high"])).mean() <= 0.97
    assert abs(rows["share"].mean() - truth) < 0.002, "the plain share of kept records would be 52 %"


def test_quantiles_are_of_the_weighted_values_and_equal_weights_change_none() -> None:
    values, shares = np.array([5.0, 1.0, 3.0, 2.0]), np.array([0.25, 0.5, 0.75, 1.0])
    for weight in (1.0, 128.0):
        assert weighted_quantiles(values, np.full(4, weight), shares).tolist() == [1, 2, 3, 5]
