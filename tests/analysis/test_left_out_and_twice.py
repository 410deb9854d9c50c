"""What a count cannot know is named with its amount: series that begin with a value, counters scraped twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workbench.analysis.counting.births import birth_notes, unseen_births
from workbench.analysis.counting.twice import scraped_twice, twice_note
from workbench.core.series import SeriesSet

STEP = 15_000


def labels(**more: str) -> dict[str, str]:
    return {"__name__": "requests_total", "job": "api", "instance": "10.0.0.1:80", **more}


def test_only_series_that_begin_later_with_a_value_and_unseen_are_left_out() -> None:
    series = SeriesSet.of(
        [
            (labels(pod="a"), [0, 60, 120], [5.0, 6.0, 7.0]),
            (labels(pod="b"), [120, 180], [40.0, 41.0]),
            (labels(pod="c"), [120, 180], [2.0, 3.0]),
            (labels(pod="d"), [120, 180], [0.0, 3.0]),
            (labels(pod="e"), [120, 180], [np.nan, 8.0]),
        ]
    )
    births = unseen_births(series, np.array([False, False, True, False, False]), since_ms=0)
    assert [(birth.labels["pod"], birth.value) for birth in births] == [("b", 40.0), ("e", 8.0)]
    assert unseen_births(series, np.zeros(5, bool), since_ms=150) == births[1:]
    (note,) = birth_notes(births)
    assert "up to 48 of requests_total" in note
    assert "2 series" in note
    assert "pod b" in note


def test_the_beginning_of_the_data_is_no_birth() -> None:
    series = SeriesSet.of([(labels(pod=name), [900, 960], [7e6, 7e6 + 1]) for name in "ab"])
    assert unseen_births(series, np.zeros(2, bool), since_ms=0) == ()


@st.composite
def counters(draw: st.DrawFn) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    """Return a generator and the instants [ms] and values of a counter that restarts now and then."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    instants = np.sort(rng.integers(0, 4 * 3_600_000, draw(st.integers(2_000, 4_000))))
    values = np.arange(1.0, len(instants) + 1)
    for cut in np.sort(rng.integers(0, len(values), draw(st.integers(0, 2)))):
        values[cut:] -= values[cut] - 1
    return rng, instants, values


def scraped(instants: np.ndarray, values: np.ndarray, offset: int, own: dict[str, str]):
    times = np.arange(offset, 4 * 3_600_000, STEP)
    places = np.searchsorted(instants, times, side="right") - 1
    return own, times, np.where(places >= 0, values[places], 0.0)


@settings(max_examples=25, deadline=None)
@given(counters(), st.integers(0, STEP - 1), st.sampled_from(["prometheus_replica", "cluster", "job"]))
def test_a_pair_of_prometheus_is_seen_by_its_samples(counter, offset, label) -> None:
    _, instants, values = counter
    same = offset == 0 and label != "prometheus_replica"
    pair = [
        scraped(instants, values * weight, shift, labels(**{"code": code, label: name}))
        for code, weight in (("200", 1.0), ("500", 2.0))
        for name, shift in (("x", 0), ("y", offset))
    ]
    twice = scraped_twice(SeriesSet.of(pair))
    if same:
        assert twice is None
        return
    assert twice is not None
    assert (twice.label, twice.values) == (label, ("x", "y"))
    assert twice.at_stake == pytest.approx(twice.counted / 2, rel=0.05)
    assert f"differ only in {label} (x, y)" in twice_note(twice)


@settings(max_examples=25, deadline=None)
@given(counters(), counters(), st.integers(0, STEP - 1))
def test_two_counters_of_their_own_are_no_pair(counter, other, offset) -> None:
    assume(len(counter[1]) != len(other[1]))
    pair = [
        scraped(counter[1], counter[2], 0, labels(replica="x")),
        scraped(other[1], other[2], offset, labels(replica="y")),
    ]
    assert scraped_twice(SeriesSet.of(pair)) is None


def test_counters_that_begin_and_end_together_are_no_pair() -> None:
    times = np.arange(0, 3_600_000, STEP)
    series = SeriesSet.of([(labels(phase=phase), times, times / 1000) for phase in ("begun", "done")])
    assert scraped_twice(series) is None
