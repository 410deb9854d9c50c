"""Counters that fall: misreads are corrected and restarts counted, whatever the counter counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.counting.amounts import exact_amounts
from workbench.analysis.counting.increase import exact_increases
from workbench.core.counters.dips import Evidence, dip_notes, doubtful, without_dips
from workbench.core.counters.falls import doubtful_falls, falls_in
from workbench.core.series import SeriesSet

STEP = 60_000
LABELS = {"__name__": "a_total", "job": "x", "instance": "1"}


def counted(values, labels=LABELS, times=None) -> SeriesSet:
    times = np.arange(len(values)) * STEP if times is None else times
    return SeriesSet.of([(labels, times, values)])


def whole(series: SeriesSet) -> float:
    """Increase over all samples."""
    return float(exact_increases(series, [0, int(series.times.max())]).sum())


@st.composite
def counters(draw: st.DrawFn) -> tuple[np.ndarray, np.random.Generator, float]:
    """Return what a counter counts a scrape, a generator, and its unit: steady, in bursts, rare, or of money."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size, kind = draw(st.integers(120, 400)), draw(st.sampled_from(["steady", "bursts", "rare", "money"]))
    if kind == "steady":
        return rng.poisson(draw(st.sampled_from([3, 60, 5_000])), size).astype(float), rng, 1.0
    if kind == "bursts":
        return np.where(rng.random(size) < 0.1, rng.integers(1, 500, size), 0).astype(float), rng, 1.0
    if kind == "rare":
        return (rng.random(size) < 0.05).astype(float), rng, 1.0
    return np.round(rng.gamma(2.0, 0.01, size) + 0.001, 6), rng, 0.001


@settings(max_examples=100, deadline=None)
@given(counters(), st.integers(0, 3), st.sampled_from([0.0, 0.3, 1.0, 5.0, 900.0, 5_000.0]), st.booleans())
def test_falls_that_are_seen_to_be_restarts_at_a_glance_are_not_doubtful(counter, restarts, high, late) -> None:
    steps, rng, _ = counter
    read, times = np.cumsum(steps), np.arange(len(steps)) * STEP
    for at in np.sort(rng.choice(np.arange(30, len(read) - 25), restarts, replace=False)).tolist():
        read[at:] += high * steps[at] - read[at]
        times[at:] += 10 * STEP * late
    series = counted(np.maximum(read, 0), times=times)
    every = [fall for falls in falls_in(series).values() for fall in falls]
    assert doubtful_falls(series) == any(fall.strange or fall.doubtful or fall.leapt for fall in every)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(counters(), st.integers(1, 3), st.sampled_from([1, 2, 20]), st.booleans())
def test_misreads_change_a_large_count_by_no_more_than_they_fell(counter, dips, lasting, returns) -> None:
    steps, rng, unit = counter
    values = 50_000 * max(float(steps.max()), unit) + np.cumsum(steps)
    truth, fallen = values[-1] - values[0], 0.0
    read = values.copy()
    for at in np.sort(rng.choice(np.arange(30, len(values) - 25, 30), dips, replace=False)):
        depth = unit * float(rng.choice([1, 3, 1_000])) + steps[at]
        read[at : at + lasting if returns else None] -= depth
        fallen += depth
    series = counted(read)
    fixed, found = without_dips(series)
    assert len(found) >= 1
    assert doubtful(series)
    assert (np.diff(fixed.values) >= 0).all()
    assert abs(whole(fixed) - truth) <= fallen + 1e-6
    amounts = exact_amounts(fixed, [0, int(series.times.max())])
    assert abs(float(amounts.to_pylist()[0]) - truth) <= fallen + 1e-6
    assert all("Corrected: a_total" in note for note in dip_notes(found, since_ms=0))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(counters(), st.integers(1, 4))
def test_a_process_that_started_again_is_counted_from_zero(counter, restarts) -> None:
    steps, rng, _ = counter
    values, total = [float(rng.integers(0, 100_000))], 0.0
    places = set(rng.choice(np.arange(20, len(steps) - 5), restarts, replace=False).tolist())
    for at, step in enumerate(steps[1:].tolist(), start=1):
        values.append(step if at in places else values[-1] + step)
        total += step
    series = counted(values)
    falls = np.diff(values) < 0
    fixed, found = without_dips(series)
    assert found == ()
    assert whole(fixed) == whole(series)
    if falls.sum() == len(places):
        assert whole(fixed) == pytest.approx(total)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(counters(), st.sampled_from([0.4, 0.1]), st.booleans())
def test_a_fall_to_a_count_that_no_restart_has_goes_on_from_there(counter, kept, missed) -> None:
    """Another worker answers, or state was lost: ten times as much as ever was not counted in one scrape."""
    steps, rng, unit = counter
    steps = np.where(steps > 0, steps, unit)
    values = 100 * float(steps.max()) + np.cumsum(steps)
    at = int(rng.integers(80, len(values) - 20))
    read = values.copy()
    read[at:] -= np.floor(values[at - 1] * (1 - kept))
    times = np.arange(len(values)) * STEP + np.where(np.arange(len(values)) >= at, 10 * STEP if missed else 0, 0)
    fixed, found = without_dips(counted(read, times=times))
    if missed or read[at] <= 10 * (steps.max() + 1):
        return  # a restart may have counted it
    assert len(found) == 1
    assert whole(fixed) == pytest.approx(values[-1] - values[0] - steps[at])


def test_one_scrape_that_reads_zero_is_a_misread() -> None:
    values = np.arange(7_000_000.0, 7_000_600.0, 6.0)
    values[50] = 0
    fixed, (dip,) = without_dips(counted(values))
    assert (whole(fixed), dip.at_stake) == (values[-1] - values[0], values[49])


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(counters(), st.integers(1, 3), st.sampled_from([1, 2, 10]), st.sampled_from([1.5, 20.0, 1e5]))
def test_leaps_that_fall_back_count_nothing(counter, leaps, lasting, factor) -> None:
    steps, rng, unit = counter
    values = 50_000 * max(float(steps.max()), unit) + np.cumsum(steps)
    read = values.copy()
    for at in rng.choice(np.arange(30, len(values) - 25, 30), leaps, replace=False):
        read[at : at + lasting] = np.ceil(read[at : at + lasting] * factor)
    fixed, found = without_dips(counted(read))
    assert (len(found), doubtful(counted(read))) == (leaps, True)
    assert whole(fixed) == pytest.approx(values[-1] - values[0])
    (note,) = dip_notes(found, since_ms=0)
    assert "and fell back, so it was misread" in note


def test_two_replicas_behind_one_address_are_counted_once() -> None:
    true = np.arange(100_000.0, 130_000.0, 60.0)
    values = np.where(np.arange(len(true)) % 2, true - 500, true)
    fixed, found = without_dips(counted(values))
    assert abs(whole(fixed) - (true[-1] - true[0])) <= 560
    assert len(found) > 100


def test_a_restart_after_a_dip_that_went_on_counts_from_zero_again() -> None:
    values = [10_000.0, 10_010, 10_020, 9_990, 10_000, 10_010, 4, 14]
    fixed, found = without_dips(counted(values))
    assert len(found) == 1
    assert whole(fixed) == 10 + 10 + 0 + 10 + 10 + 4 + 10


def evidence(starts=(), created=()) -> Evidence:
    times = np.arange(6) * STEP
    empty = SeriesSet.empty()
    return Evidence(
        SeriesSet.of([({"job": "x", "instance": "1"}, times, starts)]) if starts else empty,
        SeriesSet.of([({**LABELS, "__name__": "a_created"}, times, created)]) if created else empty,
    )


STEADY, CHANGED = [5.0] * 6, [5.0] * 3 + [9.0] * 3


@pytest.mark.parametrize(
    ("values", "known", "count"),
    [
        ([8, 8, 8, 7, 8, 8], evidence(), 7 + 1),  # no evidence: so few may be counted at once
        ([12, 12, 12, 11, 12, 12], evidence(starts=STEADY), 0),
        ([12, 12, 12, 11, 12, 12], evidence(created=STEADY), 0),
        ([900, 910, 920, 800, 810, 820], evidence(), 40),  # a fall by an eighth with nothing that tells of a restart
        ([900, 910, 920, 800, 810, 820], evidence(starts=CHANGED), 20 + 800 + 20),
        ([900, 910, 920, 915, 925, 935], evidence(starts=CHANGED), 40),  # kept over the restart
        ([900, 910, 920, 915, 925, 935], evidence(created=CHANGED), 20 + 915 + 20),
    ],
)
def test_evidence_decides(values, known, count) -> None:
    assert whole(without_dips(counted(values), known)[0]) == count


def test_other_series_of_the_target_tell() -> None:
    times = np.arange(6) * STEP
    failed = ({**LABELS, "code": "500"}, times, [100, 100, 100, 60, 61, 61])
    went_on = ({**LABELS, "code": "200"}, times, [9_000, 9_100, 9_200, 9_300, 9_400, 9_500])
    restarted = ({**LABELS, "code": "200"}, times, [9_000, 9_100, 9_200, 100, 200, 300])
    fixed, found = without_dips(SeriesSet.of([failed, went_on]))
    assert (len(found), whole(fixed)) == (1, 500 + 1)
    fixed, found = without_dips(SeriesSet.of([failed, restarted]))
    assert (len(found), whole(fixed)) == (0, 200 + 100 + 200 + 60 + 1)


def test_missed_scrapes_before_a_fall_may_hide_a_restart() -> None:
    times = np.array([0, 1, 2, 62, 63, 64]) * STEP
    assert without_dips(counted([900, 901, 902, 700, 701, 702], times=times))[1] == ()
