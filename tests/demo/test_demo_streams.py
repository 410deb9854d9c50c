from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.demo.engine.calls import kept
from workbench.demo.engine.day import MINUTES, Day
from workbench.demo.engine.histogram import Buckets
from workbench.demo.engine.season import growth, season
from workbench.demo.engine.streams import split_counts, split_evenly, split_like, stream

COUNTS = st.lists(st.integers(0, 300), min_size=1, max_size=8)
SEEDS = st.integers(0, 2**63)


@pytest.mark.slow
def test_a_stream_is_the_same_in_another_process() -> None:
    text = (
        "from workbench.demo.engine.streams import stream; "
        "print(stream(7, 'lab/x', 20_000).integers(0, 2**62, 5).tolist())"
    )
    there = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, timeout=60).stdout
    assert there.strip() == str(stream(7, "lab/x", 20_000).integers(0, 2**62, 5).tolist())


def test_streams_of_other_days_names_and_seeds_differ() -> None:
    drawn = {
        tuple(stream(seed, name, day).integers(0, 2**62, 4).tolist())
        for seed in (1, 2)
        for name in ("a", "b")
        for day in (20_000, 20_001)
    }
    assert len(drawn) == 8


@pytest.mark.slow
@given(COUNTS, SEEDS)
def test_parts_of_a_minute_add_up_to_it(counts: list[int], seed: int) -> None:
    whole = np.array([counts, counts[::-1]])
    for parts in (split_counts(stream(seed, "x", 0), whole, 4), split_evenly(whole, 4)):
        assert parts.shape == (2, len(counts) * 4)
        assert (parts >= 0).all()
        assert (parts.reshape(2, -1, 4).sum(axis=2) == whole).all()


@pytest.mark.slow
@given(st.lists(st.tuples(*[st.integers(0, 60)] * 3), min_size=1, max_size=6), SEEDS)
def test_two_classifications_of_the_same_requests_agree_in_every_part(rows: list[tuple[int, ...]], seed: int) -> None:
    classes = np.array(rows).T
    rng = stream(seed, "x", 0)
    totals = split_counts(rng, classes.sum(axis=0), 4)
    split = split_like(rng, classes, totals)
    assert (split >= 0).all()
    assert (split.sum(axis=0) == totals).all()
    assert (split.reshape(3, -1, 4).sum(axis=2) == classes).all()


@pytest.mark.slow
@given(COUNTS, st.floats(0, 1), st.floats(1.1, 50), SEEDS)
def test_slowing_down_loses_no_request_and_makes_none_faster(
    counts: list[int], level: float, factor: float, seed: int
) -> None:
    buckets = Buckets((0.1, 0.5, 2.0))
    before = np.resize(np.array(counts), (4, 5))
    leaving, arriving = buckets.slow_down(stream(seed, "x", 0), before, np.full(5, level), factor)
    after = before - leaving + arriving
    assert (after >= 0).all()
    assert (after.sum(axis=0) == before.sum(axis=0)).all()
    assert (np.cumsum(after, axis=0) <= np.cumsum(before, axis=0)).all()


def test_shares_of_a_log_normal_add_up_and_split_at_its_median() -> None:
    shares = Buckets((0.5, 1.0, 2.0)).shares(np.array([1.0, 0.5]), 0.8)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-15)
    np.testing.assert_allclose(shares[0, :2].sum(), 0.5, rtol=1e-12)
    np.testing.assert_allclose(shares[1, 0], 0.5, rtol=1e-12)


def test_load_is_high_in_the_afternoon_low_at_night_lower_at_weekends_and_grows() -> None:
    monday = 20_755 * 1440  # 2026-10-29 is a Thursday, four days before a Monday
    monday += (4 - (20_755 % 7)) % 7 * 1440
    week = season(monday + np.arange(7 * 1440)).reshape(7, 1440)
    assert abs(int(week[1].argmax()) / 60 - 13) < 2
    assert week[1].max() > 3 * week[1].min()
    assert week[5:].mean() < 0.75 * week[1:4].mean()
    assert growth(np.array([monday + 52 * 10_080]))[0] > growth(np.array([monday]))[0] + 0.35


@pytest.mark.slow
@given(st.lists(st.tuples(*[st.integers(0, 40)] * 3), min_size=2, max_size=40), st.integers(1, 30), SEEDS)
def test_over_any_stretch_the_kept_requests_stand_for_all_but_less_than_one_round(
    rows: list[tuple[int, ...]], keep: int, seed: int
) -> None:
    counts = np.zeros((3, MINUTES), np.int64)
    counts[:, : len(rows)] = np.array(rows).T
    day = Day(seed, 20_000, 1, (), {}, recorded=True)
    chosen = np.stack(kept(day, "x", list(counts), keep))
    assert ((chosen >= 0) & (chosen <= counts)).all()
    off = np.concatenate([[0], np.cumsum(chosen.sum(axis=0) * keep - counts.sum(axis=0))])
    assert off.max() - off.min() < keep
    assert (np.stack(kept(day, "x", list(counts), 1)) == counts).all()
