"""Stretches of elevated failure are found where they were put, whatever their height."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.counting.elevated import Stretch, climbs, elevated, own_slices, usual_share

DAY = 288


def history(days: int, share: float, traffic: float, seed: int, *bursts: tuple[int, int, float]):
    rng = np.random.default_rng(seed)
    season = 1 + 0.5 * np.sin(np.arange(days * DAY) / DAY * 2 * np.pi)
    total = rng.poisson(traffic * season).astype(float)
    shares = np.full(days * DAY, share)
    for first, last, rise in bursts:
        shares[first:last] += rise
    return rng.binomial(total.astype(int), np.minimum(shares, 1)).astype(float), total


def found(bad: np.ndarray, total: np.ndarray, budget: float = 0.001) -> list[Stretch]:
    usual = usual_share(bad, total, floor=budget / 50, cap=budget, slices_a_day=DAY)
    return elevated(bad, total, usual, least=max(usual.level / 2, budget / 20))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("first", "last", "rise"), [(3000, 3003, 0.5), (5000, 5600, 0.003), (100, 101, 0.9)])
def test_a_stretch_is_found_at_its_edges(first: int, last: int, rise: float, seed: int) -> None:
    bad, total = history(30, 2e-4, 800, seed, (first, last, rise))
    (one,) = found(bad, total)
    slack = 0 if rise > 0.1 else 12
    assert abs(one.first - first) <= slack
    assert abs(one.last - last) <= slack
    assert one.rise == pytest.approx(rise, rel=0.15)


def test_an_outage_during_a_slow_burn_is_one_inside_the_other() -> None:
    bad, total = history(30, 2e-4, 800, 5, (4000, 4400, 0.003), (4100, 4104, 0.6))
    outer, inner = found(bad, total)
    assert (inner.first, inner.last) == (4100, 4104)
    assert abs(outer.first - 4000) <= 12
    assert abs(outer.last - 4400) <= 12
    assert own_slices([outer, inner])[0] == [(outer.first, 4100), (4104, outer.last)]


def test_an_outage_during_a_burn_far_above_the_budget_is_one_inside_the_other() -> None:
    """Both are so far above what is usual that one search finds them at once."""
    bad, total = history(30, 0.005, 2800, 3, (4000, 4400, 0.045), (4100, 4106, 0.14))
    edges = {(one.first, one.last) for one in found(bad, total)}
    assert (4100, 4106) in edges
    assert (4000, 4400) in edges


@pytest.mark.parametrize("seed", range(4))
def test_an_outage_that_begins_and_ends_within_slices_is_one_stretch(seed: int) -> None:
    bad, total = history(30, 2e-4, 800, seed, (4000, 4001, 0.06), (4001, 4009, 0.4), (4009, 4010, 0.1))
    (one,) = found(bad, total)
    assert (one.first, one.last) == (4000, 4010)


@pytest.mark.parametrize(("pause", "stretches"), [(1, 1), (3, 1), (24, 2)])
def test_a_short_pause_is_bridged_and_another_outage_is_not_run_into(pause: int, stretches: int) -> None:
    again = 4008 + pause
    bad, total = history(30, 2e-4, 800, 1, (4000, 4008, 0.1), (again, again + 8, 0.1))
    bad[4008:again] = 0.0
    edges = [(one.first, one.last) for one in found(bad, total)]
    assert edges == ([(4000, again + 8)] if stretches == 1 else [(4000, 4008), (again, again + 8)])


@pytest.mark.parametrize("seed", range(6))
def test_a_weak_burn_of_a_quiet_system_is_followed_to_its_end(seed: int) -> None:
    """A failure in every other slice, unevenly: two hours of it alone would hardly be more than chance."""
    bad, total = history(24, 5e-4, 25, seed, (3000, 3096, 0.02))
    (one,) = found(bad, total, budget=0.05)
    assert abs(one.first - 3000) <= 12
    assert abs(one.last - 3096) <= 12


@pytest.mark.slow
def test_chance_alone_makes_a_stretch_in_less_than_one_of_a_hundred_weeks() -> None:
    others = 0
    for seed in range(300):
        stretches = found(*history(7, 1e-3, 300, seed, (561, 569, 0.75)))
        assert (561, 569) in [(each.first, each.last) for each in stretches]
        others += len(stretches) - 1
    assert others <= 3


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(500, 1500), st.integers(2, 200), st.floats(0.1, 0.9))
def test_no_edge_is_likelier_nearby(seed: int, first: int, length: int, rise: float) -> None:
    bad, total = history(7, 1e-3, 300, seed, (first, first + length, rise))
    (one,) = [each for each in found(bad, total) if each.first < first + length and first < each.last]
    usual = usual_share(bad, total, floor=2e-5, cap=1e-3, slices_a_day=DAY).share

    def likelihood(begin: int, end: int) -> float:
        k, n, e = (float(x[begin:end].sum()) for x in (bad, total, usual * total))
        return k * np.log(k / e) + (n - k) * np.log((n - k) / (n - e)) if e < k < n else 0.0

    def near(reach: int) -> float:
        """Best likelihood with one edge moved; where only part of an edge's slice belongs to it, one slice is open."""
        steps = range(-reach, reach + 1)
        edges = [(one.first + step, one.last) for step in steps] + [(one.first, one.last + step) for step in steps]
        return max(likelihood(begin, end) for begin, end in edges if begin < end)

    assert near(12) <= near(1) + 1e-6


def test_chance_alone_is_no_stretch() -> None:
    assert [found(*history(60, 3e-4, 500, seed)) for seed in range(12)].count([]) == 12


def test_a_share_above_the_budget_all_the_time_is_one_stretch() -> None:
    bad, total = history(10, 0.004, 500, 1)
    (one,) = found(bad, total)
    assert one.last - one.first > 9.5 * DAY


def test_nothing_bad_is_no_stretch() -> None:
    assert found(np.zeros(600), np.full(600, 100.0)) == []
    assert found(np.zeros(0), np.zeros(0)) == []


def test_a_climb_ends_at_its_top() -> None:
    assert climbs(np.array([-5.0, 4.0, 4.0, -9.0, 3.0, 5.0]), 6.0) == [(1, 3), (4, 6)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(10, 1500), st.integers(1, 90), st.floats(0.01, 0.9))
def test_slices_belong_to_one_stretch_each(seed: int, first: int, length: int, rise: float) -> None:
    bad, total = history(7, 1e-3, 300, seed, (first, first + length, rise), (first + length // 3, first + length, rise))
    stretches = found(bad, total)
    parts = sorted(part for own in own_slices(stretches) for part in own)
    assert all(a < b for a, b in parts)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(parts))
