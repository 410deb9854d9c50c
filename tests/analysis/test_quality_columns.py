"""Columns of answers judged from rows and from buckets: known changes, quiet data, segments and mix."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from tests.analysis.test_quality_compare import PRIMES, SENSITIVE, primes
from workbench.analysis.quality.change import _chi_square_mixture, change
from workbench.analysis.quality.columns import RowsDrift, drift_of_columns
from workbench.analysis.quality.tally import NumberTally, Tally, buckets_tally, cells_of, numbers_tally

NOW = np.array([False, True])


def two(reference: NDArray[np.float64], current: NDArray[np.float64]) -> Tally:
    groups = np.repeat([0, 1], [len(reference), len(current)])
    return numbers_tally("score", np.concatenate([reference, current]), groups)


def buckets(bounds: NDArray[np.float64], *sides: NDArray[np.float64]) -> Tally:
    edges = np.append(bounds, np.inf)
    counts = [np.bincount(np.searchsorted(edges, side), minlength=len(edges)) for side in sides]
    return buckets_tally("score", edges, np.array(counts, float)[:, None, :])


def verdict(tally: Tally) -> str:
    return str(drift_of_columns([tally], NOW).changes.frame["verdict"].iloc[0])


def test_the_sum_of_weighted_squares_is_as_often_larger_as_drawn() -> None:
    weights, random = np.array([0.5, 0.2, 0.2, 0.1]), np.random.default_rng(1)
    drawn = (random.normal(size=(400_000, 4)) ** 2 * weights).sum(axis=1)
    for value in (0.2, 0.6, 1.0, 2.0, 4.0, 6.0):
        assert _chi_square_mixture(value, weights) == pytest.approx((drawn > value).mean(), rel=0.06)
    assert _chi_square_mixture(6.634897, np.array([1.0])) == pytest.approx(0.01, rel=0.06)


def test_p_values_of_numbers_are_those_of_the_table_and_hold_their_level() -> None:
    """Critical values: T. W. Anderson and D. A. Darling, A test of goodness of fit, JASA 49 (1954)."""
    series = 1 / (np.arange(1.0, 2_000) * np.arange(2.0, 2_001))
    for value, level in ((1.933, 0.1), (2.492, 0.05), (3.857, 0.01)):
        assert _chi_square_mixture(value, series) == pytest.approx(level, rel=0.1)
    random = np.random.default_rng(4)
    stars = [two(*random.choice(np.arange(1.0, 6.0), (2, 60), p=[0.02, 0.05, 0.13, 0.45, 0.35])) for _ in range(200)]
    low = [change("number", tally.places, *tally.counts[:, 0]).p <= 0.1 for tally in stars]
    assert 0.05 <= np.mean(low) <= 0.16


def test_a_fall_of_a_quarter_to_one_is_seen_though_the_mean_stays() -> None:
    random = np.random.default_rng(2)
    before = random.choice([3.0, 4.0, 5.0], 400, p=[0.25, 0.5, 0.25])
    after = np.repeat([1.0, 5.0], [100, 300])
    assert before.mean() == pytest.approx(4.0, abs=0.1)
    assert after.mean() == 4.0
    assert verdict(two(before, after)) == verdict(buckets(np.arange(1.0, 6.0), before, after)) == "drift"


@pytest.mark.slow
def test_rows_and_buckets_of_scores_give_one_verdict() -> None:
    random, same = np.random.default_rng(3), 0
    for _ in range(120):
        size, shift = int(random.choice([100, 1_000, 5_000])), random.choice([0.0, 0.0, 0.05, 0.2, 0.5])
        shares = np.array([0.02, 0.05, 0.13, 0.45, 0.35])
        before, after = (random.choice(np.arange(1.0, 6.0), size, p=shares) for _ in range(2))
        after = np.maximum(1.0, after - (random.random(size) < shift))
        same += verdict(two(before, after)) == verdict(buckets(np.arange(1.0, 6.0), before, after))
    assert same == 120


@pytest.mark.slow
@pytest.mark.parametrize("shares", [(0.02, 0.05, 0.1, 0.4, 0.43), (0.01, 0.01, 0.01, 0.07, 0.9)])
def test_quiet_data_with_ties_are_called_a_drift_no_more_often_than_allowed(shares: tuple[float, ...]) -> None:
    random = np.random.default_rng(4)
    values = [change("number", np.arange(5.0), *random.multinomial(300, shares, 2).astype(float)).p for _ in range(600)]
    assert np.mean(np.array(values) <= 0.05) <= 0.07


def test_a_change_in_a_small_tail_beside_one_common_value_is_seen() -> None:
    before = np.r_[np.full(49_950, 1.0), np.linspace(0, 0.9, 50)]
    after = np.r_[np.full(48_500, 1.0), np.linspace(0, 0.9, 1_500)]
    assert verdict(two(before, after)) == "drift"


@pytest.mark.slow
def test_a_million_answers_make_a_small_change_sure_but_not_a_drift() -> None:
    random = np.random.default_rng(5)
    before = random.normal(size=500_000)
    assert verdict(two(before, random.normal(size=500_000) + 0.02)) == "small"


def test_too_few_answers_are_not_judged_and_nothing_is_claimed() -> None:
    assert verdict(two(np.zeros(19), np.ones(19))) == "not_enough"
    assert verdict(two(np.full(30, np.nan), np.ones(30))) == "not_enough"


def test_missing_values_are_judged_apart() -> None:
    random = np.random.default_rng(6)
    before, after = random.normal(size=(2, 2_000))
    after[:200] = np.nan
    frame = drift_of_columns([two(before, after)], NOW).changes.frame.set_index("kind")
    assert frame["verdict"].to_dict() == {"number": "none", "missing": "drift"}
    assert frame.loc["missing", "difference"] == pytest.approx(0.1)


@pytest.mark.slow
def test_days_are_the_units_where_answers_of_a_day_resemble_each_other() -> None:
    random, false = np.random.default_rng(7), {True: 0, False: 0}
    day = np.repeat(np.arange(35), 100)
    now, weekdays = np.arange(35) >= 28, np.arange(35) % 7
    for _ in range(40):
        values = random.normal(size=3_500) + 0.5 * random.normal(size=35)[day]
        tally = numbers_tally("score", values, day, units=35)
        for days in (True, False):
            result = drift_of_columns([tally], now, weekdays=weekdays if days else None).changes
            false[days] += result.frame["verdict"].iloc[0] == "drift"
    assert false[True] <= 2
    assert false[False] >= 10


def test_the_mix_of_segments_is_told_from_the_answers() -> None:
    """Each segment gets better, the whole gets worse: more of the hard one is asked."""
    score = np.r_[np.repeat([1.0, 0.0], [720, 80]), np.repeat([1.0, 0.0], [80, 120]),
                  np.repeat([1.0, 0.0], [190, 10]), np.repeat([1.0, 0.0], [360, 440])]  # fmt: skip
    groups = np.repeat([0, 1, 2, 3], [800, 200, 200, 800])
    tally = numbers_tally("score", score, groups, units=2, segments=2)
    result: RowsDrift = drift_of_columns([tally], NOW, ["easy", "hard"])
    whole = result.mix.frame.set_index("segment").loc["all"]
    assert whole["contribution"] == pytest.approx(0.55 - 0.80)
    assert whole["within"] == pytest.approx(0.8 * 0.05 + 0.2 * 0.05)
    assert whole["within"] + whole["mix"] == pytest.approx(whole["contribution"])
    assert result.changes.frame["segment"].tolist() == ["all", "easy", "hard"]


def test_rows_in_batches_count_as_rows_at_once() -> None:
    random = np.random.default_rng(8)
    values, groups = random.normal(size=5_000), random.integers(0, 6, 5_000)
    whole = numbers_tally("score", values, groups, units=3, segments=2)
    part = NumberTally("score", 3, 2, whole.places, whole.exact)
    for begin in range(0, 5_000, 700):
        part.add(values[begin : begin + 700], groups[begin : begin + 700])
    assert np.array_equal(part.done().counts, whole.counts)
    assert part.done().sums == pytest.approx(whole.sums)
    assert whole.counts.sum() == 5_000


@pytest.mark.parametrize("kind", ["normal", "lognormal", "cauchy", "whole", "wide"])
def test_a_value_is_counted_in_the_first_cell_that_holds_it(kind: str) -> None:
    random = np.random.default_rng(10)
    values = {
        "normal": random.normal(size=20_000),
        "lognormal": random.lognormal(0, 2, 20_000),
        "cauchy": random.standard_cauchy(20_000),
        "whole": random.poisson(300, 20_000).astype(float),
        "wide": np.r_[np.arange(19_000.0), random.normal(1e12, 1, 1_000)],
    }[kind]
    places, exact = cells_of(values)
    more = np.concatenate([values, places, np.nextafter(places, -np.inf), [-1e300, 1e300]])
    tally = NumberTally("score", 1, 1, places, exact)
    tally.add(more, np.zeros(len(more), np.int64))
    cells = np.minimum(np.searchsorted(places, more), len(places) - 1)
    assert np.array_equal(tally.done().counts[0, 0], np.bincount(cells, minlength=len(places)))


def versions(rows: pd.DataFrame, family: str, score: str) -> Tally:
    old, new = sorted(model for model in rows["model"].unique() if model.startswith(f"openaichat/{family}"))
    return two(*(rows.loc[rows["model"] == model, score].to_numpy(float) for model in (old, new)))


@pytest.mark.slow
def test_the_changes_of_models_between_versions_are_found(omit: Callable[[str], NoReturn]) -> None:
    rows = primes(omit)
    assert verdict(versions(rows, "gpt-4", "score")) == verdict(versions(rows, "gpt-3.5", "score")) == "drift"
    assert verdict(versions(pd.read_csv(SENSITIVE), "gpt-4", "Response Rate")) == "drift"
    code = pd.read_csv(PRIMES.with_name("LEETCODE_EASY_EVAL.csv"))
    assert verdict(versions(code, "gpt-4", "Directly Usable")) == "drift"


@pytest.mark.slow
def test_halves_of_one_version_rarely_differ(omit: Callable[[str], NoReturn]) -> None:
    rows, random, false = primes(omit), np.random.default_rng(9), 0
    one = rows[rows["model"] == "openaichat/gpt-4-0314"]
    for _ in range(200):
        picked, sides = one.iloc[random.permutation(len(one))[:400]], np.repeat([0, 1], 200)
        columns = [numbers_tally(name, picked[name].to_numpy(float), sides) for name in ("score", "cost", "latency")]
        false += (drift_of_columns(columns, NOW).changes.frame["verdict"] == "drift").any()
    assert false / 200 <= 0.05


def test_days_without_answers_are_no_days_of_the_test() -> None:
    """Two days of reference and one of now in five weeks: answers are the units, not 35 days of which 32 are empty."""
    groups = np.repeat([3, 20, 31], 100)
    scores = np.r_[np.repeat([1.0, 0.0], [180, 20]), np.repeat([1.0, 0.0], [50, 50])]
    tally = numbers_tally("score", scores, groups, units=35)
    result = drift_of_columns([tally], np.arange(35) >= 28, weekdays=np.arange(35) % 7)
    assert not result.changes.days
    assert result.changes.frame["test"].tolist() == ["Fisher, exact"]
