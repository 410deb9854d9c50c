"""What differs in a window: ratios with their intervals, what baselines must agree on, and where failures began."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.investigate.attributes import attribute_changes, requests_of_lines, requests_of_spans
from workbench.analysis.investigate.changes import changes
from workbench.analysis.investigate.log_templates import template_changes
from workbench.analysis.investigate.objectives import objective_changes
from workbench.analysis.investigate.operations import failing_operations, slow_operations
from workbench.analysis.investigate.rates import false_discovery, rate_ratios
from workbench.analysis.investigate.windows import Baseline, Windows
from workbench.analysis.traces.origin import failure_origins, parent_rows
from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange

START = datetime(2026, 11, 25, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOWS = Windows(
    TimeRange(START, START + HOUR),
    (
        Baseline("a week before", TimeRange(START - timedelta(days=7), START - timedelta(days=7) + HOUR)),
        Baseline("the hour before", TimeRange(START - HOUR, START)),
    ),
)


def ratio(*numbers: float) -> tuple[float, float, float, float]:
    found = rate_ratios(*(np.array([number], float) for number in numbers))
    return float(found.ratio[0]), float(found.low[0]), float(found.high[0]), float(found.p[0])


def test_the_interval_is_that_of_clopper_and_pearson() -> None:
    # 10 of 13 events: the exact 95 % interval of the part is 0.4619 to 0.9496 (R: binom.test(10, 13)).
    _, low, high, _ = ratio(10, 3, 1, 1)
    assert low == pytest.approx(0.46187 / (1 - 0.46187), rel=1e-3)
    assert high == pytest.approx(0.94962 / (1 - 0.94962), rel=1e-3)


def test_a_change_within_the_margin_is_none_however_many_events_there_are() -> None:
    assert ratio(130_000, 100_000, 1, 1)[3] > 0.99
    assert ratio(160_000, 100_000, 1, 1)[3] < 1e-9


def test_nothing_before_has_no_upper_end() -> None:
    _, low, high, p = ratio(40, 0, 60, 60)
    assert np.isinf(high)
    assert low > 8
    assert p < 1e-6


def test_a_margin_below_one_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"at least 1, got 0\.5"):
        rate_ratios(np.ones(1), np.ones(1), np.ones(1), np.ones(1), margin=0.5)


def test_no_change_is_named_as_seldom_as_the_level_says() -> None:
    rng = np.random.default_rng(3)
    now, before = rng.poisson(45, 5000).astype(float), rng.poisson(30, 5000).astype(float)  # at the edge of the margin
    found = rate_ratios(now, before, np.ones(5000), np.ones(5000))
    assert (found.p <= 0.05).mean() < 0.05 + 3 * (0.05 * 0.95 / 5000) ** 0.5


@pytest.mark.slow
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_q_is_never_below_p_and_keeps_its_order(values: list[float]) -> None:
    p = np.array(values)
    q = false_discovery(p, np.full(len(p), 1e6), np.full(len(p), 0.6), np.full(len(p), 0.4))
    assert (q >= p - 1e-12).all()
    assert (np.diff(q[np.argsort(p, kind="stable")]) >= -1e-12).all()


def lines(counts: dict[str, tuple[int, int, int]], *, probability: float = 1.0) -> pd.DataFrame:
    rows = []
    for text, numbers in counts.items():
        for span, number in zip(WINDOWS.spans, numbers, strict=True):
            for place in range(number):
                at = span.start_ms * 1_000_000 + place * 1_000_000_000
                rows.append((at, "ERROR" if "fail" in text else "INFO", text, "web", "t", "", {}, probability))
    columns = ["time_ns", "severity", "message", "service", "trace_id", "event_type", "attributes", "probability"]
    return pd.DataFrame(rows, columns=columns)


def test_a_new_template_comes_before_the_many_lines_that_did_not_change() -> None:
    frame = lines({"request done in 3 ms": (900, 880, 910), "query failed: no connection": (40, 0, 0)})
    found = changes([template_changes(frame, WINDOWS)], WINDOWS).frame
    assert found["what"].tolist()[0] == "query failed: no connection"
    assert found["named"].tolist() == [True, False]
    assert found["change"].tolist()[0] == "new"
    assert found["now"].tolist()[0] == pytest.approx(40 / 60)


def test_what_only_one_baseline_lacks_is_not_named() -> None:
    frame = lines({"nightly job ended": (40, 40, 0), "query failed": (0, 300, 0)})
    assert not changes([template_changes(frame, WINDOWS)], WINDOWS).frame["named"].any()


def test_a_rate_of_sampling_that_only_some_ranges_tell_is_used_in_none() -> None:
    frame = lines({"it failed": (40, 40, 40)}, probability=1 / 8)
    frame.loc[frame["time_ns"] < frame["time_ns"].median(), "probability"] = np.nan
    assert template_changes(frame, WINDOWS).frame["ratio"].tolist() == [1.0]


def test_rates_undo_the_sampling() -> None:
    frame = lines({"it failed": (40, 10, 10)}, probability=1 / 8)
    row = changes([template_changes(frame, WINDOWS)], WINDOWS).frame.iloc[0]
    assert row["now"] == pytest.approx(40 * 8 / 60)
    assert row["kept"] == 40


def test_a_fatal_line_that_is_new_is_always_named() -> None:
    frame = lines({"killed": (1, 0, 0), "request done": (50, 50, 50)})
    frame.loc[frame["message"] == "killed", "severity"] = "FATAL"
    found = changes([template_changes(frame, WINDOWS)], WINDOWS).frame
    assert found.loc[found["named"], "what"].tolist() == ["killed"]


def spans(numbers: tuple[int, int, int], *, slow: int = 1) -> pd.DataFrame:
    """Requests with a query each; so many queries fail, and their requests with them; half go to region b."""
    rows = []
    for number, (span, failing) in enumerate(zip(WINDOWS.spans, numbers, strict=True)):
        for place in range(200):
            status, trace = "error" if place < failing else "ok", f"t{number}-{place}"
            at = span.start_ms * 1_000_000 + place * 1_000_000_000
            length = 1_000_000 * (20 + place % 10) * (slow if number == 0 else 1)
            region = {"region": "a" if place < 100 else "b", "http.response.status_code": "500"}
            rows.append((trace, "r", "", "web", "request", "server", at, length, status, 4.0, region))
            rows.append((trace, "q", "r", "web", "db.query", "client", at + 1000, length - 2000, status, 4.0, {}))
    columns = ["trace_id", "span_id", "parent_id", "service", "operation", "kind", "start_ns", "duration_ns", "status",
               "weight", "attributes"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def origins(frame: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    ends = (frame["start_ns"] + frame["duration_ns"]).to_numpy()
    return failure_origins((frame["status"] == "error").to_numpy(), parent_rows(frame), ends)


def test_the_query_is_named_and_not_the_request_that_inherits_its_failure() -> None:
    frame = spans((80, 1, 2))
    found = changes([failing_operations(frame, origins(frame), WINDOWS)], WINDOWS).frame
    assert found["what"].tolist() == ["db.query"]
    assert found["now"].tolist() == [pytest.approx(0.4)]
    assert found["effect"].tolist()[0] == pytest.approx((80 - 2) * 4 / 3600, rel=0.1)


def test_a_region_that_fails_is_over_represented_and_its_status_is_no_dimension() -> None:
    found = changes([attribute_changes(requests_of_spans(spans((80, 1, 2))), WINDOWS)], WINDOWS).frame
    named = found[found["named"] & (found["kind"] == "bad requests")]
    assert named["what"].tolist() == ["region = a"]


def test_a_slow_query_is_named_by_its_own_time() -> None:
    frame = spans((0, 0, 0), slow=3)
    own = np.where(frame["operation"] == "db.query", frame["duration_ns"], 2000).astype(np.int64)
    found = changes([slow_operations(frame, own, WINDOWS)], WINDOWS).frame
    assert found.loc[found["named"], "what"].tolist() == ["db.query"]


def test_lines_stand_for_requests_where_there_are_no_spans() -> None:
    frame = lines({"it failed": (3, 0, 0), "done": (5, 5, 5)})
    requests = requests_of_lines(frame)
    assert requests["bad"].sum() == 3
    assert requests["weight"].tolist() == [1.0] * 18


def test_equal_windows_name_nothing() -> None:
    frame = spans((2, 2, 2))
    rows = [failing_operations(frame, origins(frame), WINDOWS), attribute_changes(requests_of_spans(frame), WINDOWS)]
    assert not changes(rows, WINDOWS).frame["named"].any()


def test_nothing_at_all_has_no_rows() -> None:
    assert changes([], WINDOWS).frame.empty


def test_p_is_the_greatest_chance_within_the_margin_of_counts_so_far_apart() -> None:
    # By hand: of 12 events the part now is at most 0.6 and at least 0.4; what lies as far out on the other side counts.
    seen = ratio(11, 1, 1, 1)[3]
    tails = [math.comb(12, k) * 0.6**k * 0.4 ** (12 - k) for k in (0, 1, 11, 12)]
    assert seen == pytest.approx(sum(tails))


def test_counts_without_bounds_have_a_p() -> None:
    found = rate_ratios(*(np.array(each, float) for each in ((1e7, 0, 3e5), (1.0, 5e6, 3e5), (1, 1, 1), (1, 1, 1))))
    assert found.p.tolist() == [0.0, 0.0, 1.0]


@pytest.mark.slow
def test_few_false_rows_are_named_among_rows_of_few_events() -> None:
    # 40 rows at the edge of the margin in each of 150 windows: at least one is named in at most a twentieth of them.
    rng = np.random.default_rng(11)
    named = 0
    for _ in range(150):
        mean = rng.uniform(0.5, 12, 40)
        found = rate_ratios(
            rng.poisson(mean * 1.5).astype(float), rng.poisson(mean).astype(float), np.ones(40), np.ones(40)
        )
        named += bool((false_discovery(found.p, found.events, found.up, found.down) <= 0.05).any())
    assert named / 150 <= 0.05 + 3 * (0.05 * 0.95 / 150) ** 0.5


def test_a_key_that_changes_its_model_is_named_as_a_pair() -> None:
    rows = []
    for number, span in enumerate(WINDOWS.spans):
        for place in range(120):
            key = f"k{place % 4}"
            model = "large" if key == "k0" or (key == "k1" and number == 0) else "small"
            at = span.start_ms * 1_000_000 + place * 1_000_000_000
            rows.append((at, False, 1.0, {"key": key, "model": model, "tier": key}, f"t{number}-{place}"))
    requests = pd.DataFrame(rows, columns=["time_ns", "bad", "weight", "attributes", "trace_id"])
    found = changes([attribute_changes(requests, WINDOWS)], WINDOWS).frame
    named = found[found["named"]]
    assert named["what"].tolist()[:2] == ["key = k1 and model = large", "model = large and tier = k1"]
    # Keys and tiers are the same requests under two names: one test, one q.
    assert named["q"].nunique() <= named["q"].size / 2
    assert "key = k0 and model = large" not in named["what"].tolist()


def slices(bad: list[int], total: int = 1000, covered: float = 1.0) -> pd.DataFrame:
    lost = np.array(bad, float)
    return pd.DataFrame({"good": total - lost, "total": float(total), "covered": covered})


def test_an_objective_with_more_bad_events_is_named_by_its_exact_counts() -> None:
    events = {"latency": [slices([30] * 12), slices([3] * 12), slices([4] * 12)],
              "availability": [slices([1] * 12), slices([1] * 12), slices([1] * 12)]}  # fmt: skip
    found = changes([objective_changes(events, WINDOWS, service="web")], WINDOWS).frame
    assert found.loc[found["named"], "what"].tolist() == ["latency"]
    row = found.iloc[0]
    assert (row["now"], row["before"], row["kept"], row["kept_before"]) == (0.03, 0.004, 360, 48)


def test_bursts_that_always_come_are_no_change() -> None:
    bursts = [0] * 11 + [60]
    events = {"availability": [slices([0] * 10 + [60, 40]), slices(bursts), slices(bursts)]}
    assert not changes([objective_changes(events, WINDOWS, service="web")], WINDOWS).frame["named"].any()


def test_a_range_that_was_hardly_observed_is_not_compared() -> None:
    unseen = slices([300] * 12, covered=0.5)
    assert objective_changes({"a": [unseen, slices([1] * 12), slices([1] * 12)]}, WINDOWS, service="web").frame.empty
    assert objective_changes({"a": [slices([9] * 12), unseen, unseen]}, WINDOWS, service="web").frame.empty
    one = objective_changes({"a": [slices([90] * 12), unseen, slices([1] * 12)]}, WINDOWS, service="web").frame
    assert one["against"].tolist() == ["the hour before"]
