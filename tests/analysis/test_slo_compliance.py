from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.counting.events import raw_events, slice_events, threshold_events, timeslice_events
from workbench.analysis.overview.board import goal_board
from workbench.analysis.slo.burn import budget_history, burn_rates
from workbench.analysis.slo.compliance import compliance
from workbench.analysis.slo.objective import Goal, goal_status
from workbench.core.errors import FrameError, ParameterError
from workbench.core.series import Metrics
from workbench.core.timerange import TimeRange, to_ms

START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = 3_600_000


def history(good: list[float], total: list[float], covered: list[float] | None = None, name: str = "x") -> pd.DataFrame:
    edges = [to_ms(START) + i * HOUR for i in range(len(good) + 1)]
    seen = np.ones(len(good)) if covered is None else np.array(covered)
    return slice_events(name, edges, good=np.array(good, float), total=np.array(total, float), covered=seen)


def promised(hours: float, target: str = "0.9", name: str = "x", **more: object) -> Goal:
    window = TimeRange(START, START + timedelta(hours=hours))
    return Goal(name, "X", Decimal(target), window, slice_ms=HOUR, **more)


def judged(events: pd.DataFrame, goal: Goal, hours: float | None = None) -> pd.Series:
    as_of = goal.window.end if hours is None else START + timedelta(hours=hours)
    return compliance(events, [goal], as_of=as_of).frame.iloc[0]


class TestStatus:
    @pytest.mark.parametrize(
        ("bad", "status"), [(0, "ok"), (75, "ok"), (76, "at_risk"), (100, "at_risk"), (101, "spent")]
    )
    def test_both_sides_of_every_border(self, bad: int, status: str) -> None:
        row = judged(history([1000 - bad], [1000]), promised(1))
        assert row.status == status

    def test_a_target_is_met_exactly_although_floats_differ(self) -> None:
        assert 999 / 1000 >= 0.999
        assert 1 - 0.999 < 0.001000000000000001
        for total in (1_000, 3_000, 7_000_000):
            assert goal_status(total * 0.999, total, Decimal("0.999"), covered=True) == "at_risk"
            assert goal_status(total * 0.999 - 1, total, Decimal("0.999"), covered=True) == "spent"

    def test_nothing_observed_is_no_data_and_no_number(self) -> None:
        row = judged(history([0, 0], [0, 0], [0, 0]), promised(2))
        assert row.status == "no_data"
        assert row.coverage == 0
        assert row[["good", "total", "sli", "budget_left_ratio", "burn_rate", "budget_left"]].isna().all()

    def test_an_objective_without_rows_is_no_data(self) -> None:
        assert judged(history([1], [1], name="other"), promised(1)).status == "no_data"

    def test_observed_silence_is_no_traffic_and_not_success(self) -> None:
        row = judged(history([0, 0], [0, 0]), promised(2))
        assert row.status == "no_traffic"
        assert np.isnan(row.sli)

    def test_silence_in_a_small_part_of_the_window_is_not_silence_in_all_of_it(self) -> None:
        window = promised(2)
        result = compliance(history([0], [0]), [window], as_of=window.window.end)
        row = result.frame.iloc[0]
        assert (row.status, row.coverage, row.total) == ("no_data", 0.5, 0)
        assert result.notes[-1] == "x: no events in what was observed; whether there were others is unknown."

    def test_a_failing_source_is_its_own_status_without_numbers(self) -> None:
        result = compliance(
            history([], []), [promised(1)], as_of=START + timedelta(hours=1), unanswered={"x": "unavailable"}
        )
        row = result.frame.iloc[0]
        assert row.status == "unavailable"
        assert row[["sli", "good", "total", "coverage"]].isna().all()

    def test_more_good_than_total_is_shown_flagged_and_refused(self) -> None:
        result = compliance(history([10, 12], [10, 10]), [promised(2)], as_of=START + timedelta(hours=2))
        row = result.frame.iloc[0]
        assert (row.status, row.sli, row.bad) == ("refused", 1.1, -2)
        assert "more good events than events in 1 slice," in result.notes[0]
        assert "2026-10-01 01:00 UTC (12 of 10)" in result.notes[0]


class TestWindow:
    def test_only_slices_that_begin_inside_count(self) -> None:
        events = history([5] * 6, [10] * 6)
        inside = TimeRange(START + timedelta(hours=1), START + timedelta(hours=4))
        row = judged(events, Goal("x", "X", Decimal("0.9"), inside, slice_ms=HOUR))
        assert (row.good, row.total, row.coverage) == (15, 30, 1)

    def test_history_after_the_instant_is_not_known(self) -> None:
        row = judged(history([10, 10, 0, 0], [10] * 4), promised(4), hours=2.5)
        assert (row.good, row.total, row.elapsed) == (20, 20, 0.5)

    def test_a_month_half_over_shows_spent_against_elapsed_and_whole(self) -> None:
        row = judged(history([95, 95], [100, 100]), promised(4), hours=2)
        assert (row.budget_total, row.budget_spent, row.budget_left_ratio) == (20, 10, 0.5)
        assert (row.period_budget, row.period_left_ratio) == (40, 0.75)
        assert (row.budget_minutes, row.spent_minutes, row.left_minutes) == (24, 6, 18)

    def test_before_it_begins_a_window_has_no_data(self) -> None:
        row = judged(history([], []), promised(4), hours=0)
        assert (row.status, row.elapsed) == ("no_data", 0)

    def test_missing_and_unseen_slices_lower_the_coverage_and_say_so(self) -> None:
        result = compliance(history([9, 0], [10, 0], [1, 0.5]), [promised(4)], as_of=START + timedelta(hours=4))
        assert result.frame.iloc[0].coverage == 1.5 / 4
        assert "only 37.5 % of the window was observed" in result.notes[0]


class TestExhaustion:
    def test_a_budget_that_ran_out_says_when(self) -> None:
        row = judged(history([8, 7, 10, 10], [10] * 4), promised(4))
        assert row.status == "spent"
        assert row.exhausted_at == START + timedelta(hours=2)

    def test_a_budget_spent_to_the_last_event_has_not_run_out(self) -> None:
        row = judged(history([8, 8, 10, 10], [10] * 4), promised(4))
        assert row.status == "at_risk"
        assert pd.isna(row.exhausted_at)

    def test_the_budget_of_a_period_that_is_over_will_not_run_out_any_more(self) -> None:
        events = history([99] * 24, [100] * 24)
        assert pd.isna(judged(events, promised(24)).exhausted_at)
        # 24 of 240 are spent in a day: 216 more take nine days, beyond the day that a moving window looks ahead
        assert pd.isna(judged(events, promised(24, rolling=True)).exhausted_at)
        # 96 of 240 are spent: 144 more take a day and a half; 144 of 240 leave 96 for 16 hours
        faster = history([94] * 24, [100] * 24)
        assert judged(faster, promised(24, rolling=True)).exhausted_at == START + timedelta(hours=24 + 16)

    def test_a_pace_gives_the_day_the_budget_ends(self) -> None:
        row = judged(history([40] * 24, [100] * 24), promised(480, "0.5"), hours=24)
        # 1,440 of 24,000 are spent, 60 an hour: 376 more hours
        assert row.exhausted_at == START + timedelta(hours=24 + 376)

    def test_a_pace_that_lasts_beyond_the_window_gives_none(self) -> None:
        assert pd.isna(judged(history([60] * 24, [100] * 24), promised(480, "0.5"), hours=24).exhausted_at)

    def test_without_recent_failures_there_is_no_such_day(self) -> None:
        good = [90.0] + [100.0] * 99
        assert pd.isna(judged(history(good, [100] * 100), promised(100)).exhausted_at)

    def test_what_an_incident_took_that_is_over_for_a_day_is_no_pace(self) -> None:
        # 7,200 of 72,000 may be bad: 4,000 were within 40 hours, and 1 an hour is ever since
        good, total = [100.0] * 672 + [0.0] * 40 + [99.0] * 8, [100.0] * 720
        goal = promised(720, rolling=True)
        now = judged(history(good, total), goal)
        # 4,008 in three days leave 3,192 for 57.3 hours
        assert (now.status, now.exhausted_at) == ("ok", START + timedelta(hours=720 + 57, minutes=20))
        good = [100.0] * 632 + [0.0] * 40 + [99.0] * 48
        assert judged(history(good, total), goal).status == "ok"
        assert pd.isna(judged(history(good, total), goal).exhausted_at)
        # where the last day was not observed, nobody knows that it is over
        seen = [1.0] * 696 + [0.0] * 24
        blind = judged(history([*good[:696], *[0.0] * 24], [*total[:696], *[0.0] * 24], seen), goal)
        assert pd.notna(blind.exhausted_at)


class TestTimeSlices:
    def answer(self, values: list[list[float]], present: list[list[bool]] | None = None) -> Metrics:
        array = np.array(values, float)
        mask = np.ones_like(array, bool) if present is None else np.array(present)
        times = np.array([to_ms(START) + (i + 1) * HOUR for i in range(array.shape[1])])
        return Metrics(times, tuple({"i": str(i)} for i in range(len(array))), array, mask)

    @pytest.mark.parametrize(("op", "good"), [(">", [0, 0, 1]), (">=", [0, 1, 1]), ("<", [1, 0, 0]), ("<=", [1, 1, 0])])
    def test_the_operator_holds_or_not_at_the_end_of_each_slice(self, op: str, good: list[float]) -> None:
        events = threshold_events("q", self.answer([[0.7, 0.8, 0.9]]), op=op, threshold=0.8, slice_ms=HOUR)
        assert events["good"].tolist() == good
        assert events["total"].tolist() == [1, 1, 1]
        assert events["time"].iloc[0] == START

    def test_a_missing_point_is_unseen_and_nan_is_seen_without_meaning(self) -> None:
        answer = self.answer([[0.9, np.nan, np.nan]], [[True, True, False]])
        events = threshold_events("q", answer, op=">", threshold=0.8, slice_ms=HOUR)
        assert events[["good", "total", "covered"]].to_numpy().tolist() == [[1, 1, 1], [0, 0, 1], [0, 0, 0]]

    def test_a_slice_of_several_series_is_good_when_all_are(self) -> None:
        answer = self.answer([[0.9, 0.9, 0.9], [0.9, 0.5, np.nan]])
        events = threshold_events("q", answer, op=">", threshold=0.8, slice_ms=HOUR)
        assert events["good"].tolist() == [1, 0, 1]

    def test_an_unknown_operator_is_refused(self) -> None:
        with pytest.raises(ParameterError, match="'gt' is not a threshold operator"):
            threshold_events("q", self.answer([[1.0]]), op="gt", threshold=0, slice_ms=HOUR)

    def test_a_slice_that_keeps_its_target_exactly_is_good(self) -> None:
        events = timeslice_events(history([999, 998, 0], [1000, 1000, 0]), slice_target=Decimal("0.999"), slice_ms=HOUR)
        assert events[["good", "total"]].to_numpy().tolist() == [[1, 1], [0, 1], [0, 0]]

    def test_longer_slices_sum_before_they_judge(self) -> None:
        joined = timeslice_events(history([0, 10, 10, 10], [10] * 4), slice_target=Decimal("0.5"), slice_ms=2 * HOUR)
        assert joined["good"].tolist() == [1, 1]
        assert joined["time"].tolist() == [START, START + timedelta(hours=2)]

    def test_a_share_counts_as_it_is_and_failures_as_what_they_leave(self) -> None:
        shares = self.answer([[0.25, np.nan, 1.0]])
        assert raw_events("q", shares, kind="success", slice_ms=HOUR)["good"].tolist() == [0.25, 0, 1]
        assert raw_events("q", shares, kind="failure", slice_ms=HOUR)["good"].tolist() == [0.75, 0, 0]
        assert raw_events("q", shares, kind="success", slice_ms=HOUR)["total"].tolist() == [1, 0, 1]

    def test_percentages_and_several_shares_are_refused(self) -> None:
        with pytest.raises(FrameError, match=r"99.5, outside \[0, 1\]"):
            raw_events("q", self.answer([[99.5]]), kind="success", slice_ms=HOUR)
        with pytest.raises(FrameError, match="2 series"):
            raw_events("q", self.answer([[0.5], [0.5]]), kind="success", slice_ms=HOUR)


class TestHistory:
    def test_the_burn_down_ends_where_compliance_stands(self) -> None:
        rng = np.random.default_rng(7)
        total = rng.integers(1, 500, 72).astype(float)
        events = history(list(total - rng.binomial(total.astype(int), 0.05)), list(total))
        goal = promised(72)
        for step in (HOUR, 6 * HOUR, 24 * HOUR):
            drawn = budget_history(events, [goal], as_of=goal.window.end, step_ms=step).frame
            assert drawn["budget_left_ratio"].iloc[-1] == pytest.approx(
                judged(events, goal).budget_left_ratio, rel=1e-12
            )
            assert (drawn["budget_left_ratio"].diff().dropna() <= 0).all()
            assert drawn["total"].sum() == total.sum()
            assert drawn["covered"].tolist() == [1.0] * len(drawn)

    def test_silence_draws_a_flat_line_without_a_ratio(self) -> None:
        drawn = budget_history(
            history([9, 0, 9], [10, 0, 10]), [promised(3, "0.5")], as_of=START + timedelta(hours=3)
        ).frame
        assert np.isnan(drawn["sli"].iloc[1])
        assert drawn["budget_left_ratio"].iloc[1] == drawn["budget_left_ratio"].iloc[0]

    def test_steps_begin_with_the_window_also_off_the_hour(self) -> None:
        start = START + timedelta(minutes=30)
        events = history([10] * 4, [10] * 4).assign(time=lambda frame: frame["time"] + timedelta(minutes=30))
        goal = Goal("x", "X", Decimal("0.9"), TimeRange(start, start + timedelta(hours=4)), slice_ms=HOUR)
        drawn = budget_history(events, [goal], as_of=goal.window.end, step_ms=2 * HOUR).frame
        assert drawn["time"].tolist() == [start, start + timedelta(hours=2)]

    def test_nothing_gives_an_empty_frame_with_all_columns(self) -> None:
        drawn = budget_history(history([], []), [promised(3)], as_of=START).frame
        assert list(drawn.columns) == ["time", "objective", "good", "total", "sli", "budget_left_ratio", "covered"]

    def test_each_look_back_has_its_own_burn_rate(self) -> None:
        events = history([100] * 23 + [80], [100] * 24)
        rates = burn_rates(events, [promised(24)], as_of=START + timedelta(hours=24), lookbacks=["1h", "24h"]).frame
        assert rates["burn_rate"].tolist() == pytest.approx([2, 2 / 24])
        assert rates["budget_spent"].tolist() == pytest.approx([20 / 240] * 2)
        assert rates["covered"].tolist() == [1, 1]

    def test_a_silent_look_back_has_no_burn_rate(self) -> None:
        rates = burn_rates(
            history([0], [0], [0]), [promised(1)], as_of=START + timedelta(hours=1), lookbacks=["1h"]
        ).frame
        assert rates["burn_rate"].isna().all()
        assert rates["covered"].tolist() == [0]


class TestBoard:
    def test_the_worst_system_and_its_worst_goal_come_first(self) -> None:
        as_of = START + timedelta(hours=1)

        def result(bad: dict[str, int]) -> object:
            events = pd.concat(
                [history([1000 - n], [1000], name=name).astype({"objective": str}) for name, n in bad.items()]
            )
            return compliance(events, [promised(1, name=name) for name in bad], as_of=as_of)

        board = goal_board(
            {"calm": result({"a": 0}), "burnt": result({"b": 10, "c": 500, "d": 90})},
            titles={"calm": "Calm"}, as_of=as_of,
        )  # fmt: skip
        shown = board.frame[["system", "system_title", "system_status", "objective"]].to_numpy().tolist()
        assert shown == [
            ["burnt", "burnt", "spent", "c"], ["burnt", "burnt", "spent", "d"], ["burnt", "burnt", "spent", "b"],
            ["calm", "Calm", "ok", "a"],
        ]  # fmt: skip

    def test_systems_with_and_without_goals_stand_on_one_board(self) -> None:
        as_of = START + timedelta(hours=1)
        kept, nothing = (compliance(history([9], [10]), goals, as_of=as_of) for goals in ([promised(1, "0.5")], []))
        board = goal_board({"kept": kept, "new": nothing}, titles={}, as_of=as_of).frame
        assert board[["system", "status"]].to_numpy().tolist() == [["new", "no_data"], ["kept", "ok"]]
        assert board["sli"].dtype == board["bad"].dtype == np.float64
        assert str(board["window_end"].dtype) == "datetime64[ms, UTC]"

    def test_a_system_without_goals_is_shown_as_no_data(self) -> None:
        nothing = compliance(history([], []), [], as_of=START)
        board = goal_board({"new": nothing}, titles={}, as_of=START).frame
        assert board[["system", "objective", "status"]].to_numpy().tolist() == [["new", "", "no_data"]]


@pytest.mark.parametrize("target", ["1", "0", "-0.1", "99.9"])
def test_a_target_that_leaves_no_budget_or_is_a_percentage_is_refused(target: str) -> None:
    with pytest.raises(ParameterError, match="not inside"):
        promised(1, target)


@pytest.mark.parametrize("column", ["objective", "time", "good", "total", "covered"])
def test_a_frame_without_a_column_is_refused_by_its_name(column: str) -> None:
    with pytest.raises(FrameError, match=column):
        compliance(history([1], [1]).drop(columns=column), [promised(1)], as_of=START)


@pytest.mark.parametrize(("good", "total"), [(np.nan, 1), (1, np.inf), (-1, 1)])
def test_what_is_no_count_is_refused(good: float, total: float) -> None:
    with pytest.raises(FrameError, match="are not counts"):
        compliance(history([good], [total]), [promised(1)], as_of=START + timedelta(hours=1))


counts = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 500)), min_size=1, max_size=30)
targets = st.integers(1, 9_999).map(lambda n: str(Decimal(n) / 10_000))
NUMBERS = ["sli", "good", "total", "burn_rate", "budget_left_ratio", "coverage"]


def of(pairs: list[tuple[int, int]]) -> pd.DataFrame:
    return history([float(good) for good, _ in pairs], [float(good + bad) for good, bad in pairs])


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(counts, targets, st.randoms(use_true_random=False))
def test_row_order_changes_nothing(pairs: list[tuple[int, int]], target: str, random: object) -> None:
    events, goal = of(pairs), promised(len(pairs), target)
    order = list(range(len(pairs)))
    random.shuffle(order)
    pd.testing.assert_series_equal(judged(events, goal), judged(events.iloc[order], goal))


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(counts, targets, st.integers(2, 1_000))
def test_scaling_all_counts_changes_no_ratio_and_no_status(pairs: list[tuple[int, int]], target: str, by: int) -> None:
    goal = promised(len(pairs), target)
    plain = judged(of(pairs), goal)
    scaled = judged(of([(good * by, bad * by) for good, bad in pairs]), goal)
    assert scaled.status == plain.status
    np.testing.assert_allclose(
        scaled[["sli", "burn_rate", "budget_left_ratio"]].to_numpy(float),
        plain[["sli", "burn_rate", "budget_left_ratio"]].to_numpy(float), rtol=1e-12, atol=1e-12,
    )  # fmt: skip


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(counts, targets, st.integers(0, 29), st.integers(1, 500))
def test_more_bad_events_never_lower_the_burn(pairs: list[tuple[int, int]], target: str, at: int, more: int) -> None:
    goal = promised(len(pairs), target)
    worse = [(good, bad + more) if i == at % len(pairs) else (good, bad) for i, (good, bad) in enumerate(pairs)]
    before, after = judged(of(pairs), goal), judged(of(worse), goal)
    assert after.budget_spent == before.budget_spent + more
    assert np.isnan(before.burn_rate) or after.burn_rate >= before.burn_rate
    assert not (before.status == "spent" and after.status != "spent")


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(counts, targets, st.integers(0, 30))
def test_two_parts_of_a_window_add_up_to_the_whole(pairs: list[tuple[int, int]], target: str, cut: int) -> None:
    events, middle = of(pairs), START + timedelta(hours=min(cut, len(pairs)))
    whole = promised(len(pairs), target)
    parts = [span for span in (TimeRange(START, middle), TimeRange(middle, whole.window.end)) if span.seconds]
    rows = [judged(events, Goal("x", "X", Decimal(target), span, slice_ms=HOUR)) for span in parts]
    for name in ("good", "total", "bad"):
        assert sum(row[name] for row in rows) == judged(events, whole)[name]
