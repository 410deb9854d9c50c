"""Spent budgets are shared out without a rest, whatever the counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.counting.events import slice_events, timeslice_events
from workbench.analysis.slo.attribution import LabelledCounts, contributions
from workbench.analysis.slo.companions import Moment, companions, template
from workbench.analysis.slo.objective import Goal
from workbench.analysis.slo.spending import Spending, spending
from workbench.core.timerange import TimeRange

START = datetime(2026, 10, 1, tzinfo=UTC)
WEEK = TimeRange(START, START + timedelta(days=7))
PROMISE = Goal("api", "API", Decimal("0.999"), WEEK)
SLICES = 2016


def labelled(seed: int, first: int, length: int, *, struck: str) -> LabelledCounts:
    """Three providers on two endpoints; one provider fails half of its requests for a while."""
    rng = np.random.default_rng(seed)
    labels = tuple(
        {"__name__": "requests_total", "provider": provider, "endpoint": endpoint}
        for provider in ("a", "b", "c")
        for endpoint in ("/chat", "/embed")
    )
    total = rng.poisson(200, (6, SLICES)).astype(float)
    share = np.full((6, SLICES), 2e-4)
    for row, each in enumerate(labels):
        if struck in ("all", each["provider"], each["endpoint"]):
            share[row, first : first + length] = 0.5
    bad = rng.binomial(total.astype(int), share).astype(float)
    return LabelledCounts(WEEK.start_ms, 300_000, labels, total, labels, total - bad, "good")


def spent_of(counts: LabelledCounts) -> tuple[Spending, pd.DataFrame]:
    good, total = counts.part.sum(axis=0), counts.total.sum(axis=0)
    events = slice_events("api", WEEK.edges_ms(300_000), good=good, total=total, covered=np.ones(SLICES))
    return spending(events, [PROMISE], as_of=WEEK.end), events


@pytest.mark.parametrize(
    ("struck", "narrowed"),
    [("b", {("provider", "b")}), ("/embed", {("endpoint", "/embed")}), ("all", set())],
)
def test_an_episode_is_narrowed_to_where_it_was(struck: str, narrowed: set[tuple[str, str]]) -> None:
    counts = labelled(1, 700, 6, struck=struck)
    found = contributions(spent_of(counts)[0], {"api": counts}).frame
    here = found[(found["episode"] == 1) & found["narrowed"]]
    assert set(zip(here["dimension"], here["value"], strict=True)) == narrowed


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 1900), st.integers(1, 90), st.sampled_from(["a", "/chat", "all", "none"]))
def test_episodes_and_labels_add_up_exactly(seed: int, first: int, length: int, struck: str) -> None:
    counts = labelled(seed, first, length, struck=struck)
    spent, events = spent_of(counts)
    bad = float((events["total"] - events["good"]).sum())
    assert spent.frame["bad"].sum() == bad
    assert spent.frame["minutes"].sum() == 7 * 1440
    found = contributions(spent, {"api": counts}).frame
    for _, part in found.groupby("dimension"):
        by_episode = part.groupby("episode")["bad"].sum()
        own = spent.frame.set_index("episode")["bad"].loc[by_episode.index]
        assert by_episode.to_list() == own.to_list()
        assert part["bad"].sum() == bad


def test_row_order_changes_no_episode() -> None:
    counts = labelled(3, 400, 12, struck="a")
    spent, events = spent_of(counts)
    mixed = spending(events.sample(frac=1, random_state=1), [PROMISE], as_of=WEEK.end)
    pd.testing.assert_frame_equal(mixed.frame, spent.frame)


def test_a_label_that_tells_good_from_bad_narrows_nothing() -> None:
    total = np.array([[1000.0] * SLICES, [0.0] * SLICES])
    total[1, 900:910] = 400
    labels = ({"status": "200"}, {"status": "503"})
    counts = LabelledCounts(
        WEEK.start_ms, 300_000, labels, total, labels[:1], total[:1], "good", outcomes=frozenset({"status"})
    )
    found = contributions(spent_of(counts)[0], {"api": counts}).frame
    assert not found["narrowed"].any()
    assert found.set_index(["episode", "value"]).loc[(1, "503"), "share"] == 1


def test_bad_slices_with_three_good_ones_between_are_one_episode() -> None:
    good = np.ones(SLICES)
    good[[100, 104, 105, 300]] = 0
    events = slice_events("api", WEEK.edges_ms(300_000), good=good, total=np.ones(SLICES), covered=np.ones(SLICES))
    sliced = timeslice_events(events, slice_target=Decimal("0.9"), slice_ms=300_000)
    goal = Goal("api", "API", Decimal("0.99"), WEEK, budgeting="timeslices")
    found = spending(sliced, [goal], as_of=WEEK.end).frame
    assert found[["kind", "bad", "minutes"]].to_numpy().tolist()[:2] == [["episode", 3, 30], ["episode", 1, 5]]


def test_companions_are_near_and_new() -> None:
    spent, _ = spent_of(labelled(1, 700, 6, struck="b"))
    start = spent.frame["start"].iloc[0]
    moments = [
        Moment("restart", "processes restarted", start - timedelta(minutes=20 - 2 * i), f"api-{i}") for i in (1, 2)
    ]
    moments.append(Moment("deploy", "2.4.0", start - timedelta(hours=3)))
    lines = pd.DataFrame({
        "time_ns": [start.value + i * 10**9 for i in range(6)], "service": "api", "trace_id": "",
        "message": [f"timeout after {i} s" for i in range(5)] + ["cache miss 17"],
    })  # fmt: skip
    before = pd.DataFrame({"time_ns": [start.value - 1], "service": "api", "message": ["cache miss 3"], "trace_id": ""})
    found = companions(spent, moments=moments, records={("api", 1): {"log": (lines, before)}}).frame
    assert found[["kind", "what", "count"]].to_numpy().tolist() == [
        ["restart", "processes restarted", 2], ["log", "api: timeout after <*> s", 5],
    ]  # fmt: skip
    assert found["detail"].iloc[0] == "api-1, api-2"


@pytest.mark.parametrize(("message", "shape"), [
    ("GET /api/v1/images/3613dbef 503 in 0.1 s", "GET /api/<*>/images/<*> <*> in <*> s"),
    ("user 'x y' of team=7", "user <*> of team=<*>"), ("", ""),
])  # fmt: skip
def test_templates_leave_out_what_varies(message: str, shape: str) -> None:
    assert template(message) == shape
