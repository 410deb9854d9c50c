from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.performance.flows import Flow, availability, cache_use, limit_state, service_flows
from workbench.analysis.performance.resources import MeasuredResource, resource_history, resource_use
from workbench.core.series import Metrics
from workbench.core.timerange import TimeRange

HOUR = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 1, 1, tzinfo=UTC))
FLOW = Flow("requests", "Requests", "requests", "errors", "rate_limited", "", ("provider", "model"), ("provider",))


def ledger(rows: list[tuple[str, str, str, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["role", "provider", "model", "amount"])
    return frame.assign(amount=[Decimal(amount) for amount in frame["amount"]])


BOOK = ledger(
    [
        ("requests", "p1", "large", 3000),
        ("requests", "p1", "small", 300),
        ("requests", "p2", "small", 300),
        ("errors", "p1", "", 30),
        ("rate_limited", "", "", 36),
        ("hits", "p1", "", 90),
        ("misses", "p1", "", 10),
        ("misses", "p2", "", 5),
    ]
)


def flows(book: pd.DataFrame = BOOK, seen: float = 1.0, **more: int):
    return service_flows(book, {"requests": seen}, [FLOW], {("requests", ""): {"": {"p95": 0.4}}}, period=HOUR, **more)


def test_rate_errors_and_duration_are_the_table_worked_by_hand():
    frame = flows().frame.set_index(["dimension", "group"])
    whole = frame.loc[("", "")]
    assert (whole["requests"], whole["rate"], whole["errors"]) == (3600, 1.0, 30)
    assert whole["error_ratio"] == pytest.approx(30 / 3600)
    assert whole["p95"] == 0.4
    assert np.isnan(whole["p99"])
    assert frame.loc[("provider", "p1"), "error_ratio"] == pytest.approx(30 / 3300)
    assert frame.loc[("provider", "p2"), "errors"] == 0


def test_a_part_without_the_label_is_not_measured_by_it():
    frame = flows().frame.set_index(["dimension", "group"])
    assert np.isnan(frame.loc[("model", "large"), "errors"])
    assert np.isnan(frame.loc[("provider", "p1"), "limited"])


def test_what_was_not_seen_is_not_zero():
    frame = flows(BOOK.iloc[:0], seen=0.0).frame
    assert len(frame) == 1
    assert frame[["requests", "errors", "rate"]].isna().all(axis=None)


def test_providers_are_available_by_their_requests_least_first():
    rows = availability(flows(), [("probes", "Health", "provider", {"p3": 0.5})]).frame
    assert rows["group"].tolist() == ["p3", "p1", "p2"]
    assert rows["share"].tolist() == pytest.approx([0.5, 1 - 30 / 3300, 1.0])


def test_refused_requests_and_what_is_left_stand_together():
    rows = limit_state(flows(), [("Tokens left", "tokens", {"p1": (40.0, 5.0)})]).frame
    assert rows["share"].iloc[0] == pytest.approx(0.01)
    assert rows[["left", "least"]].iloc[1].tolist() == [40.0, 5.0]


def test_a_cache_answers_hits_of_look_ups():
    rows = cache_use(BOOK, [("Cache", "hits", "misses", "provider")], [("Stated", {"p1": 0.8})]).frame
    assert rows["hit_ratio"].tolist() == pytest.approx([90 / 105, 0.9, 0.0, 0.8])


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.integers(0, 10**9), min_size=1, max_size=25),
    st.integers(1, 6),
)
def test_groups_of_a_label_add_up_to_the_flow(counts, top):
    book = ledger([("requests", name, "", count) for name, count in counts.items()])
    frame = flows(book, top=top).frame
    assert frame.loc[frame["dimension"] == "provider", "requests"].sum() == frame["requests"].iloc[0]


def test_means_and_peaks_of_a_resource_keep_a_short_peak():
    values = np.zeros((1, 1000))
    values[0, 777] = 1.0
    seen = np.ones((1, 1000), np.bool_)
    seen[0, :100] = False
    answer = Metrics(np.arange(1, 1001) * 300_000, ({"instance": "a"},), values, seen)
    one = MeasuredResource("cpu", "CPU", "utilisation", "ratio", answer)
    row = resource_use([one], step_ms=300_000).frame.iloc[0]
    assert (row["peak"], row["observed"]) == (1.0, 0.9)
    assert row["mean"] == pytest.approx(1 / 900)
    history = resource_history([one], step_ms=300_000, points=100)
    assert len(history.frame) == 100
    assert history.step_ms == 3_000_000
    assert history.frame["peak"].max() == 1.0
    assert history.frame["mean"].isna().sum() == 10
