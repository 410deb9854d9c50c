"""Counters of several processes in one series, leaps that no pace explains, series that go on under other labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workbench.analysis.counting.births import going_on
from workbench.analysis.counting.increase import Sightings, exact_increases
from workbench.analysis.counting.leaps import _even, _surely_even, leap_notes, leaps_in, several_processes
from workbench.analysis.counting.overlaps import gauges_in
from workbench.core.counters.dips import without_dips
from workbench.core.counters.falls import IMPOSSIBLE, usual_pace
from workbench.core.series import SeriesSet

STEP = 60_000
LABELS = {"__name__": "a_total", "job": "x", "instance": "1"}
STEPS = np.arange(600)


def counted(values, labels=LABELS, first=0) -> tuple[dict[str, str], np.ndarray, np.ndarray]:
    return labels, (np.arange(len(values)) + first) * STEP, np.asarray(values, float)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.sampled_from([2, 60, 5_000]))
def test_workers_that_answer_in_turn_are_seen(seed, workers, pace) -> None:
    rng = np.random.default_rng(seed)
    own = np.cumsum(rng.poisson(pace / workers, (workers, len(STEPS))), axis=1)
    # workers that were started at other times: their counts differ by hours of traffic
    own += (rng.permutation(workers) * pace * 300)[:, None]
    read = own[rng.integers(0, workers, len(STEPS)), STEPS]
    assert several_processes(SeriesSet.of([counted(read)])) == [0]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(2, 4), st.sampled_from([0.2, 2, 20]), st.sampled_from([0.02, 0.1, 1.0]),
    st.booleans(),
)  # fmt: skip
def test_an_address_that_moves_between_workers_is_seen(seed, workers, pace, moving, known) -> None:
    """A scraper keeps its connection for a while; counts may be small, and all workers may have begun together."""
    rng = np.random.default_rng(seed)
    steps = 2_880
    own = np.cumsum(rng.poisson(pace * rng.dirichlet(np.full(workers, 5.0))[:, None], (workers, steps)), axis=1)
    moves = np.cumsum(rng.random(steps) < moving)
    worker = rng.integers(0, workers, moves[-1] + 1)[moves]
    read = SeriesSet.of([counted(own[worker, np.arange(steps)])])
    starts = SeriesSet.of([counted(1e9 + worker, {**LABELS, "__name__": "process_start_time_seconds"})])
    counts = exact_increases(without_dips(read)[0], [0, steps * STEP]).sum()
    assume(counts > 3 * pace * steps or (known and counts > 1.5 * pace * steps))
    assert several_processes(read, starts if known else None) or gauges_in(read)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 2.0, 60.0]), st.sampled_from([0.002, 0.02, 0.2]))
def test_a_process_that_crashes_at_random_in_bursts_of_traffic_is_one_process(seed, pace, crashing) -> None:
    rng = np.random.default_rng(seed)
    rises = rng.poisson(pace * rng.choice([0.1, 1.0, 10.0], len(STEPS)))
    values, count = np.zeros(len(STEPS)), 0
    for at, crashes in enumerate(rng.random(len(STEPS)) < crashing):
        count = rng.binomial(rises[at], rng.random()) if crashes else count + rises[at]
        values[at] = count
    assert several_processes(SeriesSet.of([counted(values)])) == []


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 60, 5_000]), st.integers(15, 200), st.booleans())
def test_a_process_that_restarts_or_dips_is_one_process(seed, pace, every, restarts) -> None:
    steps = np.random.default_rng(seed).poisson(pace, len(STEPS)).astype(float)
    values = 1e6 + np.cumsum(steps)
    for at in range(every, len(STEPS), every):
        values[at:] -= values[at] - steps[at] if restarts else 0.0
        values[at] -= 0.0 if restarts else 1.0
    series = SeriesSet.of([counted(values)])
    assert several_processes(series) == []
    assert leaps_in(without_dips(series)[0], since_ms=0) == ()


@pytest.mark.parametrize("later", [lambda seen: seen + 5e6, lambda seen: seen * 1_000])
def test_an_import_or_a_changed_unit_is_named_with_its_amount(later) -> None:
    values = 7e6 + STEPS * 60.0
    values[400:] = later(values[400:])
    (leap,) = leaps_in(SeriesSet.of([counted(values)]), since_ms=0)
    assert (leap.time_ms, leap.rise) == (400 * STEP, values[400] - values[399])
    assert "Doubtful: a_total" in leap_notes([leap])[0]
    assert leaps_in(SeriesSet.of([counted(values)]), since_ms=401 * STEP) == ()


def test_bursts_of_a_counter_are_no_leaps() -> None:
    steps = np.where(STEPS % 50 == 0, 20_000.0, 1.0)
    assert leaps_in(SeriesSet.of([counted(np.cumsum(steps))]), since_ms=0) == ()


def test_a_count_that_no_process_can_have_counted_since_a_restart_is_none() -> None:
    values = 7e6 + STEPS * 60.0
    values[300:] -= 5e6
    fixed, (dip,) = without_dips(SeriesSet.of([counted(values)]))
    assert exact_increases(fixed, [0, 600 * STEP]).sum() == 598 * 60
    assert dip.before - dip.after == pytest.approx(5e6 - 60)


@pytest.mark.parametrize(("beginning", "rest"), [(7e6 + 60 * 580, 20), (7e6 + 60 * 580, 300), (9e8, 300)])
def test_a_series_that_goes_on_under_other_labels_counts_no_millions(beginning, rest) -> None:
    old = counted(7e6 + np.arange(580) * 60.0, {**LABELS, "version": "1"})
    new = counted(beginning + np.arange(rest) * 60.0, {**LABELS, "version": "2"}, first=580)
    goes_on, too_high = going_on(SeriesSet.of([old, new]), np.array([False, True]))
    assert goes_on.tolist() == [False, beginning < 9e8]
    assert too_high.tolist() == [False, beginning == 9e8]


@pytest.mark.parametrize("first", [1.0, 60.0, 300.0])
def test_a_series_born_with_what_it_counted_since_goes_on_from_none(first) -> None:
    old = counted(np.arange(580) * 60.0, {**LABELS, "code": "200"})
    new = counted(first + np.arange(100) * 60.0, {**LABELS, "code": "500"}, first=580)
    assert not np.any(going_on(SeriesSet.of([old, new]), np.array([False, True])))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_counts_are_not_observed(value) -> None:
    values = np.where(STEPS < 300, STEPS * 60.0, value)
    assert Sightings([0, 200 * STEP, 400 * STEP, 600 * STEP]).share(SeriesSet.of([counted(values)])).tolist() == [
        1,
        1,
        0,
    ]


@pytest.mark.parametrize("minutes", [1, 4, 6, 10, 30, 60])
@pytest.mark.parametrize("offset", [0, 7_000, 240_000])
def test_a_target_that_is_scraped_seldom_is_observed_but_for_its_gaps(minutes, offset) -> None:
    """Exporters of clouds and bills are scraped once in ten minutes or an hour; a day of them is missing."""
    times = np.arange(-86_400_000, 4 * 86_400_000 + 1, minutes * STEP) + offset
    times = times[(times < 86_400_000) | (times >= 2 * 86_400_000)]
    series = SeriesSet.of([(LABELS, times, times / 1e3)])
    share = Sightings(np.arange(0, 3 * 86_400_000 + 1, 300_000)).share(series)
    days = share.reshape(3, -1).mean(axis=1)
    assert days == pytest.approx([1, 0, 1], abs=1.1 * minutes / 1440 + 0.004)


@pytest.mark.slow
@given(
    st.lists(st.floats(0, 1e12), min_size=50, max_size=400),
    st.floats(1, 1e6),
    st.integers(0, 3),
    st.sampled_from([1, 4, 50]),
)
def test_series_called_even_without_their_pace_have_no_leap(rises, height, leaps, late):
    steps = np.array(rises)
    steps[:leaps] = height * 10_000
    gaps = np.full(len(steps), 60_000)
    gaps[len(steps) // 2 :] *= late
    lengths = gaps.astype(np.float64)
    usual = usual_pace(steps, lengths)
    assert _even(steps, lengths) or not _surely_even(steps, gaps)
    if _even(steps, lengths) and usual is not None:
        assert not (steps > IMPOSSIBLE * (usual * lengths)).any()
