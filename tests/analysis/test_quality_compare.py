"""Models and variants compared: published numbers, error rates by simulation, and the words that follow."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.quality import distances
from workbench.analysis.quality.compare import Columns, compare_arms
from workbench.analysis.quality.effects import Moments, adjusted, at_any_time, linearised, paired, sample_ratio_p, welch
from workbench.core.errors import ParameterError

PRIMES = Path(__file__).parents[3] / "shared" / "datasets" / "llmdrift" / "PRIME_FULL_EVAL.csv"
SENSITIVE = PRIMES.with_name("SENSITIVEQ_EVAL.csv")


#: Amount and count of now and of before, by side: sums, and sums of squares and products, of gbstats' tests (MIT).
RATIOS = [
    (
        [485.112236689623, 679.9093275844917, 192.59138069991536, 290.1398399750233],
        [
            [2715.484666118136, 3602.146836776702, 1113.6215759318352, 1559.2878434944676],
            [3602.146836776702, 4939.424001640236, 1460.3181079276983, 2130.9404074446747],
            [1113.6215759318352, 1460.3181079276983, 460.076026390857, 634.239482353647],
            [1559.2878434944676, 2130.9404074446747, 634.239482353647, 920.9461385038898],
        ],
    ),
    (
        [514.7757826608777, 705.4090874383759, 206.94157227402536, 302.54389139107326],
        [
            [2994.897482705013, 3918.1561431600717, 1237.0953021125997, 1701.0287270040265],
            [3918.1561431600717, 5291.36604146392, 1604.0759503266522, 2292.081739775257],
            [1237.0953021125997, 1604.0759503266522, 514.2903702246757, 698.4173425817908],
            [1701.0287270040265, 2292.081739775257, 698.4173425817908, 994.4506208125663],
        ],
    ),
]


def digits(values: tuple[float, ...], places: int) -> tuple[float, ...]:
    return tuple(round(value, places) for value in values)


def test_effects_are_those_of_growthbook() -> None:
    first, second = Moments.of_sums(3407, 1396.87, 52377.9767), Moments.of_sums(3461, 2422.7, 134698.29)
    plain, lift = welch(first, second), welch(first, second, relative=True)
    assert digits((plain.difference, plain.low, plain.high, plain.p), 5) == (0.29, 0.04538, 0.53462, 0.02016)
    assert digits((lift.difference, lift.low, lift.high, lift.p), 5) == (0.70732, -0.03526, 1.44989, 0.06191)
    share = welch(Moments.of_proportion(28, 14), Moments.of_proportion(30, 16), relative=True)
    assert digits((share.difference, share.low, share.high, share.p), 5) == (0.06667, -0.47767, 0.61101, 0.80707)


@pytest.mark.parametrize(("tuning", "low", "high"), [(1_000, -0.55844, 1.56516), (5_000, -0.50972, 1.51644)])
def test_intervals_at_any_time_are_those_of_growthbook(tuning: int, low: float, high: float) -> None:
    first, second = Moments.of_sums(3000, 1396.87, 52377.9767), Moments.of_sums(3461, 2422.7, 134698.29)
    effect = at_any_time(first, second, relative=True, tuning=tuning)
    assert digits((effect.difference, effect.low, effect.high), 5) == (0.50336, low, high)
    assert effect.p == 1


def values_of(n: int, sums: list[float], products: list[list[float]], seed: int) -> np.ndarray:
    """Draw n rows of values with these sums, and these sums of squares and of products."""
    mean = np.array(sums) / n
    wanted = (np.array(products) - n * np.outer(mean, mean)) / n
    drawn = np.random.default_rng(seed).normal(size=(n, len(sums)))
    drawn -= drawn.mean(axis=0)
    white = drawn @ np.linalg.inv(np.linalg.cholesky(drawn.T @ drawn / n)).T
    return white @ np.linalg.cholesky(wanted).T + mean


def lift(
    first: np.ndarray, second: np.ndarray, before: tuple[np.ndarray, np.ndarray], weight: float
) -> tuple[Moments, Moments]:
    """Moments of adjusted scores as shares of the first mean as it was: the convention behind growthbook's lifts.

    The base is of the first sample too, so that its scores weigh more (delta method): by the ratio of the means as they
    were for means, by that of the adjusted ones for ratios. Which of them decides the fifth digit.
    """
    base = first.mean()
    low, high = adjusted(first, second, before)
    spread = float(np.var((weight - 1) * first + low, ddof=1)) / base**2
    return Moments(len(first), low.mean() / base, spread), Moments.of(high / base)


def test_lifts_adjusted_by_a_value_from_before_are_those_of_growthbook() -> None:
    first = values_of(3000, [1396.87, 16.87], [[52377.9767, 1.0], [1.0, 527.9767]], 1)
    second = values_of(3461, [2422.7, 22.7], [[134698.29, 1.0], [1.0, 1348.29]], 2)
    weight = second[:, 0].mean() / first[:, 0].mean()
    effect = at_any_time(*lift(first[:, 0], second[:, 0], (first[:, 1], second[:, 1]), weight))
    assert digits((effect.difference, effect.low, effect.high), 5) == (0.50338, -0.50969, 1.51646)
    assert effect.p == 1


def test_ratios_adjusted_by_a_ratio_from_before_are_those_of_growthbook() -> None:
    sides = []
    for seed, (sums, products) in enumerate(RATIOS):
        paid, used, paid_before, used_before = values_of(100, sums, products, seed).T
        sides.append((linearised(paid, used)[1], linearised(paid_before, used_before)[1]))
    effect = welch(*lift(sides[0][0], sides[1][0], (sides[0][1], sides[1][1]), 1 - 0.0007))
    assert digits((effect.difference, effect.low, effect.high, effect.p), 5) == (-0.0007, -0.00841, 0.007, 0.85771)


def test_sample_ratios_are_the_published_ones() -> None:
    assert round(sample_ratio_p((1000, 1200)), 9) == 0.000020079
    assert round(sample_ratio_p((44_700, 45_489)), 6) == 0.008608


def test_distances_are_the_published_ones() -> None:
    tiny = float(np.finfo(float).tiny)
    first, second = np.random.RandomState(31).normal(1, 1, 100), np.random.RandomState(31).normal(5, 2, 100)
    psi = distances.stability_index
    assert psi(first, second, bins="width", empty=tiny) == pytest.approx(461.20379435743666, rel=1e-12)
    assert round(psi(first, second, bins="width"), 6) == 6.728773
    assert round(psi(first, second, bins="sturges"), 6) == 7.863150
    assert round(psi(first, second), 6) == 5.193952
    stream = np.random.RandomState(31)
    assert (
        round(psi(stream.normal(1, 1, 500), stream.normal(1, 1, 500), bins="width", empty=tiny), 12) == 0.018400728874
    )
    stream = np.random.RandomState(31)
    shifted = psi(stream.normal(0, 1, 100), stream.normal(1, 1, 100), bins="width", count=20, empty=tiny)
    assert shifted == pytest.approx(134.95409065116183, rel=1e-12)
    assert round(distances.wasserstein(first, second), 8) == 3.85346007
    assert round(distances.wasserstein(first, second, normed=True), 9) == 3.773086520
    assert round(distances.kolmogorov_smirnov(first, second)[0], 2) == 0.81
    stream = np.random.RandomState(1)
    assert round(distances.jensen_shannon(stream.normal(0, 1, 10_000), stream.normal(0, 1, 1_000)), 4) == 0.0472
    names = np.random.RandomState(1)
    two = names.choice(list("abcd"), 10_000), names.choice(list("abce"), 1_000)
    assert round(distances.jensen_shannon_counts(*distances.counts_of(*two)), 4) == 0.5038
    stream = np.random.RandomState(1)
    assert round(distances.wasserstein(stream.normal(0, 1, 10_000), stream.normal(1, 1, 1_000)), 4) == 1.0114


@pytest.mark.slow
def test_twenty_looks_at_any_time_give_few_false_wins_and_a_plain_test_many() -> None:
    random = np.random.default_rng(4)
    runs, looks, step = 400, 20, 100
    first, second = random.normal(size=(2, runs, looks * step))
    wins = {"any": 0, "plain": 0}
    for run in range(runs):
        sizes = range(step, looks * step + 1, step)
        pairs = [(Moments.of(first[run, :size]), Moments.of(second[run, :size])) for size in sizes]
        wins["any"] += any(at_any_time(*pair).p <= 0.05 for pair in pairs)
        wins["plain"] += any(welch(*pair).p <= 0.05 for pair in pairs)
    assert wins["any"] / runs <= 0.05
    assert wins["plain"] / runs > 0.15


def test_a_value_from_before_takes_its_share_of_the_variance_out_and_leaves_the_difference() -> None:
    random = np.random.default_rng(5)
    before = random.normal(size=4_000), random.normal(size=4_000)
    first, second = (values + random.normal(scale=0.5, size=4_000) for values in before)
    plain = welch(Moments.of(first), Moments.of(second + 0.1))
    exact = welch(*(Moments.of(values) for values in adjusted(first, second + 0.1, before)))
    assert (exact.high - exact.low) < 0.5 * (plain.high - plain.low)
    assert exact.low < 0.1 < exact.high


@pytest.mark.slow
def test_a_paired_bootstrap_covers_the_true_difference() -> None:
    random = np.random.default_rng(6)
    inside = 0
    for _ in range(200):
        items = random.exponential(size=80)
        effect = paired(items + random.normal(size=80), items + 0.3 + random.normal(size=80))
        inside += effect.low < 0.3 < effect.high
    assert 0.9 <= inside / 200 <= 0.99


def answers(first: list[float], second: list[float], **more: list[object]) -> pd.DataFrame:
    arms = ["a"] * len(first) + ["b"] * len(second)
    return pd.DataFrame({"arm": arms, "score": [*first, *second], **more})


def test_a_wrong_sample_ratio_stops_the_verdicts() -> None:
    rows = answers([1.0, 0.0] * 500, [1.0, 1.0] * 600)
    result = compare_arms(rows, Columns("arm", "score"), ("a", "b"))
    assert result.frame["verdict"].tolist() == ["not_comparable"]
    assert result.notes[0].startswith("The sample ratio is wrong: 1,000 to 1,200 answers (p 2e-05).")
    assert compare_arms(rows, Columns("arm", "score"), ("a", "b"), expected=(5, 6)).frame["verdict"].tolist() == [
        "higher"
    ]


def test_no_difference_shown_is_not_shown_equal() -> None:
    rows = answers([1.0, 0.0] * 20, [0.0, 1.0] * 20)
    columns = Columns("arm", "score")
    assert compare_arms(rows, columns, ("a", "b"), margin=0.05).frame["verdict"].item() == "no_difference"
    assert compare_arms(rows, columns, ("a", "b"), margin=0.3).frame["verdict"].item() == "equal"


@pytest.mark.slow
def test_segments_are_adjusted_together_and_one_of_many_is_not_named_by_chance() -> None:
    random = np.random.default_rng(7)
    named = 0
    for _ in range(40):
        rows = answers(*random.normal(size=(2, 600)).tolist(), part=[str(number % 20) for number in range(1_200)])
        frame = compare_arms(rows, Columns("arm", "score", segment="part"), ("a", "b")).frame
        named += frame[frame["segment"] != "all"]["verdict"].isin(["higher", "lower"]).any()
    assert named <= 5


def test_only_items_that_both_answered_once_are_paired() -> None:
    rows = answers([1.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0], id=["x", "y", "z", "z", "x", "y", "w"])
    result = compare_arms(rows, Columns("arm", "score", item="id"), ("a", "b"))
    assert (result.frame["n_first"].item(), result.frame["difference"].item()) == (2, -1.0)
    assert result.notes == ("3 answers are left out: their item was not answered exactly once by both.",)


def primes(omit: Callable[[str], NoReturn]) -> pd.DataFrame:
    if not PRIMES.exists():
        omit("the answers do not stand beside the checkout (shared/datasets/llmdrift)")
    rows = pd.read_csv(PRIMES, usecols=["model", "id", "ref_answer", "answer", "cost", "latency"])
    words = [re.findall(r"\b(yes|no)\b", str(answer).lower()) for answer in rows["answer"]]
    truth = rows["ref_answer"].astype(str).str.strip().str.lower()
    return rows.assign(score=[float(bool(said) and said[-1] == want) for said, want in zip(words, truth, strict=True)])


@pytest.mark.slow
def test_the_fall_of_a_model_between_versions_is_found_from_its_rows(omit: Callable[[str], NoReturn]) -> None:
    columns = Columns("model", "score", item="id", cost="cost", latency="latency")
    arms = ("openaichat/gpt-4-0314", "openaichat/gpt-4-0613")
    frame = compare_arms(primes(omit), columns, arms).frame.set_index("metric")
    assert digits(tuple(frame.loc["score", ["first", "second"]]), 3) == (0.84, 0.511)
    assert f"{frame.loc['score', 'p']:.1e}" == "2.1e-41"
    assert digits(tuple(frame.loc["cost per success", ["first", "second"]]), 6) == (0.016461, 0.002101)
    assert digits(tuple(frame.loc["latency", ["first", "second"]]), 2) == (8.02, 3.21)
    assert frame["verdict"].tolist() == ["lower"] * 4


@pytest.mark.slow
def test_random_halves_of_one_version_differ_as_often_as_they_may(omit: Callable[[str], NoReturn]) -> None:
    rows = primes(omit)
    rows = rows[rows["model"] == "openaichat/gpt-4-0314"]
    random, alarms = np.random.default_rng(8), 0
    for _ in range(300):
        picked = random.permutation(len(rows))[:400]
        halves = rows.iloc[picked].assign(model=np.repeat(["a", "b"], 200))
        verdict = compare_arms(halves, Columns("model", "score"), ("a", "b")).frame["verdict"].item()
        alarms += verdict in ("higher", "lower")
    assert alarms / 300 <= 0.05


@pytest.mark.slow
def test_answers_of_one_user_are_not_independent() -> None:
    """40 users an arm, 25 answers each, no difference: answers as units err in a third of the tests, users in 5 %."""
    random, wrong = np.random.default_rng(8), {"": 0, "user": 0}
    for _ in range(200):
        users = np.arange(80)
        level = 0.5 * random.normal(size=80)
        rows = pd.DataFrame({"user": np.repeat(users, 25), "score": np.repeat(level, 25) + random.normal(size=2_000)})
        rows["arm"] = np.where(rows["user"] < 40, "a", "b")
        for unit in wrong:
            result = compare_arms(rows, Columns("arm", "score", unit=unit), ("a", "b"))
            wrong[unit] += result.frame["verdict"].item() != "no_difference"
    assert wrong[""] > 40
    assert wrong["user"] <= 20
    assert result.frame[["n_first", "n_second"]].to_numpy().tolist() == [[40, 40]]


def test_units_keep_means_and_ratios_and_are_counted_in_the_sample_ratio() -> None:
    random = np.random.default_rng(9)
    rows = pd.DataFrame({"user": random.integers(0, 50, 900), "score": random.integers(0, 2, 900).astype(float)})
    rows["cost"] = random.random(900)
    rows["arm"] = np.where(rows["user"] < 25, "a", "b")
    plain, units = (
        compare_arms(rows, Columns("arm", "score", cost="cost", unit=unit), ("a", "b")) for unit in ("", "user")
    )
    for name in ("first", "second", "difference"):
        np.testing.assert_allclose(units.frame[name], plain.frame[name])
    assert units.ratio_p == pytest.approx(1.0)
    nameless = pd.concat([rows, rows[:10].assign(user=np.nan)])
    again = compare_arms(nameless, Columns("arm", "score", cost="cost", unit="user"), ("a", "b"))
    pd.testing.assert_frame_equal(again.frame, units.frame)
    assert "10 answers have no user and are left out." in again.notes
    both = rows.assign(arm=np.where(np.arange(900) % 2, "a", "b"))
    assert any(
        "50 units are in both arms" in note
        for note in compare_arms(both, Columns("arm", "score", unit="user"), ("a", "b")).notes
    )
    with pytest.raises(ParameterError, match="Items are paired"):
        compare_arms(rows, Columns("arm", "score", item="user", unit="user"), ("a", "b"))


def test_items_whose_segment_differs_between_the_sides_are_in_no_segment() -> None:
    """Segments of different items were paired with each other, or the comparison failed."""
    items = np.arange(60)
    kinds = np.where(items < 30, "chat", "code")
    first = pd.DataFrame({"id": items, "model": "a", "score": items % 7 / 6, "kind": kinds})
    second = first.assign(model="b", score=first["score"] + 0.1, kind=np.where(items % 40 < 20, "chat", "code"))
    result = compare_arms(pd.concat([first, second]), Columns("model", "score", item="id", segment="kind"), ("a", "b"))
    frame = result.frame.set_index("segment")
    same = first["kind"] == second["kind"]
    for kind in ("chat", "code"):
        assert frame.loc[kind, "n_first"] == frame.loc[kind, "n_second"] == int((same & (first["kind"] == kind)).sum())
        assert frame.loc[kind, "difference"] == pytest.approx(0.1)
    assert f"{int((~same).sum())} items have another kind on each side and are in no segment." in result.notes
