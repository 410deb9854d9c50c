"""What a count cannot know is named with its amount: series that begin with a value, counters scraped twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workbench.analysis.counting.births import birth_notes, unseen_births
from workbench.analysis.counting.increase import exact_increases
from workbench.analysis.counting.overlaps import gauges_in, named_twice, overlap_note, sum_beside_parts
from workbench.analysis.counting.twice import one_counter, scraped_once, scraped_twice, twice_note
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
    series = SeriesSet.of([(labels(pod=pod), [at, at + 60], [7e6, 7e6 + 1]) for pod, at in (("a", 900), ("b", 940))])
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
    late = scraped_twice(SeriesSet.of(pair), since_ms=int(pair[0][1][len(pair[0][1]) // 2]))
    assert late is not None
    assert late.at_stake <= twice.at_stake
    assert twice.at_stake == pytest.approx(twice.counted / 2, rel=0.05)
    assert f"differ only in {label} (x, y)" in twice_note(twice)
    assert twice.once == (label == "prometheus_replica" and offset > 0)


@settings(max_examples=25, deadline=None)
@given(counters(), st.integers(1, STEP - 1), st.data())
def test_a_pair_counts_once_what_one_of_the_two_saw(counter, offset, data) -> None:
    _, instants, values = counter
    pair = [scraped(instants, values, shift, labels(replica=name)) for name, shift in (("x", 0), ("y", offset))]
    whole = exact_increases(SeriesSet.of(pair[:1]), [0, 4 * 3_600_000]).sum()
    outage = data.draw(st.integers(0, len(pair[0][1]) - 200))
    (own, times, seen), other = pair
    first = own, np.delete(times, slice(outage, outage + 100)), np.delete(seen, slice(outage, outage + 100))
    series = SeriesSet.of([first, other])
    twice = scraped_twice(series)
    assume(twice is not None)
    once = scraped_once(series, twice)
    assert once.labels == series.labels
    assert exact_increases(once, [0, 4 * 3_600_000]).sum() == pytest.approx(whole, rel=0.02)
    assert np.diff(np.sort(once.times)).max() <= 2.5 * STEP


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


@settings(max_examples=25, deadline=None)
@given(counters(), st.sampled_from(["agent", "replica", "collector"]))
def test_two_agents_that_always_work_together_are_warned_about_and_both_counted(counter, label) -> None:
    _, instants, values = counter
    pair = [scraped(instants, values, 0, labels(**{label: name})) for name in ("planner", "executor")]
    twice = scraped_twice(SeriesSet.of(pair))
    assert twice is not None
    assert not twice.once, "one target's series share their instants: nothing says that two scraped it"
    assert twice_note(twice).startswith("Counted twice")


TARGETS = [
    ({"job": "api", "service": "api", "endpoint": "http"}, {"job": "pods", "container": "c", "pod": "p"}),
    ({"job": "api", "instance": "10.0.0.1:80"}, {"job": "api", "instance": "api:80"}),
    ({"job": "api", "instance": "a"}, {"job": "federate", "instance": "b", "exported_job": "api"}),
]


@pytest.mark.parametrize(("first", "second"), TARGETS)
@pytest.mark.parametrize("offset", [0, 7])
def test_one_target_under_several_sets_of_labels_is_named_with_what_is_counted_twice(first, second, offset) -> None:
    times = np.arange(300) * 60
    values = np.cumsum(np.random.default_rng(3).poisson(50, 300)).astype(np.float64)
    own = np.arange(300) * 71.0 + np.arange(300) % 7
    seen = SeriesSet.of([
        ({"__name__": "a_total", "code": "200", **first}, times, values),
        ({"__name__": "a_total", "code": "200", **second}, times + offset, values),
        ({"__name__": "a_total", "code": "200", "job": "api", "instance": "other"}, times, own),
    ])  # fmt: skip
    found = named_twice(seen, lambda one, other: one_counter(seen, one, other))
    assert found is not None
    assert found.at_stake == values[-1] - values[0]
    assert "Counted twice: series of a_total show the same counter under" in overlap_note(found)


def test_two_replicas_that_work_in_one_rhythm_are_two() -> None:
    times = np.arange(300) * 60
    beats = [({"__name__": "beat_total", "pod": pod, "job": "a"}, times, np.arange(300.0)) for pod in ("x", "y")]
    seen = SeriesSet.of(beats)
    assert named_twice(seen, lambda one, other: one_counter(seen, one, other)) is None


@pytest.mark.parametrize(("value", "found"), [("total", True), ("all", True), ("*", True), ("500", False)])
def test_a_series_that_is_the_sum_of_the_others_is_named(value: str, found: bool) -> None:
    times = np.arange(100) * 60
    parts = [({"__name__": "a_total", "code": code}, times, np.arange(100.0) * n)
             for code, n in (("200", 90), ("404", 10), (value, 100))]  # fmt: skip
    assert (sum_beside_parts(SeriesSet.of(parts)) is not None) == found
    parts[2] = ({"__name__": "a_total", "code": value}, times, np.arange(100.0) * 70)
    assert sum_beside_parts(SeriesSet.of(parts)) is None


@pytest.mark.parametrize(
    ("values", "gauge"),
    [
        (np.random.default_rng(1).integers(0, 50, 400), True),
        (50 + np.abs(np.cumsum(np.random.default_rng(2).integers(-2, 3, 400))) % 40, True),
        (np.arange(400) * 6, False),
        (np.arange(400) % 20 * 6, False),
        (np.arange(400) * 600 - np.arange(400) % 2, False),
        (5 + np.arange(400) % 2 * 1e-9, False),
        (np.maximum.accumulate(np.arange(400)) * 10 - np.arange(400) % 2 * 40, False),
        (np.arange(400) % 2, False),
    ],
)
def test_a_gauge_is_told_from_a_counter_that_restarts_dips_or_is_answered_by_two(values, gauge) -> None:
    seen = SeriesSet.of([({"__name__": "a"}, np.arange(400) * 60, values.astype(np.float64))])
    assert gauges_in(seen) == ([0] if gauge else [])
