"""Alerting on burn rates: published factors, timings and windows, and replays worked by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.counting.counts import Counts
from workbench.analysis.counting.events import slice_events
from workbench.analysis.counting.history import histories
from workbench.analysis.slo.backtest import BudgetEvent, Firing, backtest, replay, rule_firing
from workbench.analysis.slo.burn import burn_rates
from workbench.analysis.slo.burn_policy import check_reachable, fitting_policy
from workbench.analysis.slo.objective import Goal
from workbench.analysis.slo.outlook import burn_outlook, count_interval
from workbench.analysis.slo.what_if import starter, what_if
from workbench.catalog.slo.burn_policies import read_burn_policies
from workbench.core.errors import ParameterError
from workbench.core.slo.burn_alerts import (
    BurnAlert,
    BurnPolicy,
    BurnPolicySteps,
    BurnStep,
    PeriodSteps,
    burn_factor,
    unreachable,
)
from workbench.core.timerange import TimeRange, duration_ms, duration_text

DAY = 86_400_000
START = datetime(2026, 10, 1, tzinfo=UTC)
THREE_NINES = Decimal("0.999")
WORKBOOK = read_burn_policies()["workbook"]


class TestFactors:
    """sloth's alert_test.go and example windows, Datadog's burn_rate.md, Pyrra's rules_test.go."""

    @pytest.mark.parametrize(("days", "shares", "factors"), [
        (30, ("0.02", "0.05", "0.10", "0.10"), [14.4, 6, 3, 1]),
        (28, ("0.02", "0.05", "0.10", "0.10"), [13.44, 5.6, 2.8, 0.9333]),
        (7, ("0.08", "0.125", "0.20", "0.42"), [13.44, 3.5, 1.4, 0.98]),
    ])  # fmt: skip
    def test_of_sloth_follow_the_period(self, days: int, shares: tuple[str, ...], factors: list[float]) -> None:
        steps = [
            BurnStep("page", budget=Fraction(share), long_ms=duration_ms(long), short_ms=300_000)
            for share, long in zip(shares, ("1h", "6h", "1d", "3d"), strict=True)
        ]
        policy = BurnPolicySteps("sloth", "sloth", (PeriodSteps(tuple(steps)),)).policy(days * DAY)
        assert policy.alerts[0].factor == WORKBOOK.policy(days * DAY).alerts[0].factor
        assert [round(float(alert.factor), 4) for alert in policy.alerts] == factors

    def test_of_sloths_custom_windows(self) -> None:
        pairs = [("0.01", "30m"), ("0.02", "3h"), ("0.05", "12h"), ("0.05", "36h")]
        found = [float(burn_factor(Decimal(share), 30 * DAY, duration_ms(window))) for share, window in pairs]
        assert found == [14.4, 4.8, 3, 1]

    @pytest.mark.parametrize(("days", "share", "window", "factor"), [
        (7, "0.10", "1h", 16.8), (7, "0.20", "6h", 5.6), (7, "0.40", "24h", 2.8),
        (30, "0.02", "1h", 14.4), (30, "0.05", "6h", 6), (30, "0.10", "24h", 3),
        (90, "0.01", "1h", 21.6), (90, "0.03", "6h", 10.8), (90, "0.05", "24h", 4.5),
    ])  # fmt: skip
    def test_of_datadog(self, days: int, share: str, window: str, factor: float) -> None:
        assert float(burn_factor(Decimal(share), days * DAY, duration_ms(window))) == factor

    def test_of_pyrra_stay_and_its_windows_follow(self) -> None:
        alerts = read_burn_policies()["pyrra"].policy(28 * DAY).alerts
        assert [float(alert.factor) for alert in alerts] == [14, 7, 2, 1]
        assert [duration_text(alert.for_ms) for alert in alerts] == ["2m", "15m", "1h", "3h"]
        spent = [round(float(alert.budget_at_fire(28 * DAY)) * 100, 2) for alert in alerts]
        assert spent == [2.08, 6.25, 7.14, 14.29]
        halved = read_burn_policies()["pyrra"].policy(14 * DAY).alerts
        windows = {alert.short_ms for alert in halved} | {alert.long_ms for alert in halved}
        assert sorted(map(duration_text, windows), key=duration_ms) == ["3m", "15m", "30m", "1h", "3h", "12h", "2d"]

    @pytest.mark.parametrize(("target", "fastest"), [("0.96", 25), ("0.94", 16.7), ("0.9", 10)])
    def test_nothing_burns_faster_than_all_events_bad(self, target: str, fastest: float) -> None:
        just = BurnAlert("page", DAY, DAY, 1 / (1 - Fraction(target)))
        assert round(float(just.factor), 1) == fastest
        assert unreachable(just, Decimal(target))
        assert not unreachable(BurnAlert("page", DAY, DAY, just.factor - Fraction(1, 1000)), Decimal(target))

    def test_two_percent_in_an_hour_needs_a_target_above_93_06_percent(self) -> None:
        alert = WORKBOOK.policy(30 * DAY).alerts[0]
        assert unreachable(alert, Decimal("0.9305"))
        assert not unreachable(alert, Decimal("0.9306"))

    def test_an_unreachable_policy_is_refused_with_the_arithmetic(self) -> None:
        with pytest.raises(ParameterError, match=r"14\.4 x 0\.1 = 1\.44"):
            check_reachable(WORKBOOK.policy(30 * DAY), Decimal("0.9"))
        kept, why = fitting_policy(WORKBOOK, 30 * DAY, Decimal("0.9"))
        assert [float(alert.factor) for alert in kept.alerts] == [6, 3, 1]
        assert len(why) == 1


class TestWorkbookTimings:
    """The Site Reliability Workbook, ch. 5; exact values where it rounds."""

    def test_ten_minutes_of_any_burn(self) -> None:
        alert = BurnAlert("page", 600_000, 600_000, Fraction(1))
        assert alert.fires_after_s(THREE_NINES, 1.0) == pytest.approx(0.6)
        assert float(alert.budget_at_fire(30 * DAY)) == pytest.approx(0.000231, abs=1e-6)

    def test_thirty_six_hours(self) -> None:
        alert = BurnAlert("page", duration_ms("36h"), duration_ms("36h"), Fraction(1))
        assert alert.fires_after_s(THREE_NINES, 1.0) == pytest.approx(129.6)
        bad, total = np.zeros(5000), np.full(5000, 1000.0)
        bad[2400:2403] = 1000.0  # an outage of three minutes: it fires from the third on, for the next 36 hours
        events, goal = promised(bad, total, slice_ms=60_000)
        (firing,) = replay(histories(events)["x"], goal, BurnPolicy("p", (alert,)))
        assert [ms - goal.window.start_ms for ms in (*firing.starts_ms, *firing.ends_ms)] == [
            2403 * 60_000, 2401 * 60_000 + duration_ms("36h")
        ]  # fmt: skip

    def test_an_outage_held_for_an_hour_spends_more_than_all(self) -> None:
        assert float(1 / (1 - Fraction(THREE_NINES)) * duration_ms("1h") / (30 * DAY)) == pytest.approx(1.389, abs=1e-3)

    def test_five_percent_in_an_hour(self) -> None:
        factor = burn_factor(Decimal("0.05"), 30 * DAY, duration_ms("1h"))
        assert factor == 36
        alert = BurnAlert("page", duration_ms("1h"), duration_ms("1h"), factor)
        assert alert.clears_after_s(THREE_NINES, 1.0) == pytest.approx(57.84 * 60)
        assert (
            pytest.approx(20.57, abs=5e-3) == 30 * 24 / 35
        )  # a burn of 35 never fires, and spends all in this time [h]
        assert alert.fires_after_s(THREE_NINES, 0.035) is None

    def test_fifteen_percent_of_errors_for_ten_minutes(self) -> None:
        both = WORKBOOK.policy(30 * DAY).alerts[0]
        long, short = (BurnAlert("page", ms, ms, both.factor) for ms in (both.long_ms, both.short_ms))
        assert long.fires_after_s(THREE_NINES, 0.15) == pytest.approx(5.76 * 60)
        assert short.fires_after_s(THREE_NINES, 0.15) == pytest.approx(0.48 * 60)
        assert both.fires_after_s(THREE_NINES, 0.15) == pytest.approx(5.76 * 60)
        assert both.clears_after_s(THREE_NINES, 0.15) == pytest.approx(4.52 * 60)
        assert long.clears_after_s(THREE_NINES, 0.15) == pytest.approx(54.24 * 60)

    def test_a_total_outage_at_90_percent_spends_1_4_percent_an_hour(self) -> None:
        assert 10 * duration_ms("1h") / (30 * DAY) == pytest.approx(0.01389, abs=1e-5)

    def test_a_pace_of_1_74_lasts_four_days_of_seven(self) -> None:
        assert round(7 / 1.74) == 4  # OpenObserve


def promised(bad: np.ndarray, total: np.ndarray, *, slice_ms: int = 300_000, target: Decimal = THREE_NINES):
    edges = [TimeRange(START, START).start_ms + i * slice_ms for i in range(len(bad) + 1)]
    events = slice_events("x", edges, good=total - bad, total=total, covered=np.ones(len(bad)))
    window = TimeRange.from_ms(edges[0], edges[-1])
    return events, Goal("x", "X", target, window, slice_ms=slice_ms)


def test_a_replay_fires_when_both_windows_burn_and_clears_with_the_short_one() -> None:
    bad, total = np.zeros(600), np.full(600, 1000.0)
    bad[300:302] = 150.0  # 15 % for ten minutes
    events, goal = promised(bad, total)
    policy = BurnPolicy("p", WORKBOOK.policy(30 * DAY).alerts[:1])
    (firing,) = replay(histories(events)["x"], goal, policy)
    minute = 60_000
    begun = goal.window.start_ms + 300 * 5 * minute
    assert [ms - begun for ms in (*firing.starts_ms, *firing.ends_ms)] == [10 * minute, 15 * minute]


def test_exactly_the_factor_does_not_fire() -> None:
    policy = BurnPolicy("p", (BurnAlert("page", 300_000, 300_000, Fraction(10)),))
    for failures, fires in ((10, False), (11, True)):
        events, goal = promised(np.array([0.0, failures, 0.0]), np.full(3, 1000.0))
        (firing,) = replay(histories(events)["x"], goal, policy)
        assert bool(firing.starts_ms) is fires


def test_a_rule_waits_for_its_for() -> None:
    times = np.arange(0, 600_000, 60_000)
    active = np.array([[0, 1, 1, 0, 1, 1, 1, 1, 0, 0]], bool)
    assert rule_firing("r", "page", times, active, for_ms=120_000) == Firing("r", "page", (360_000,), (480_000,))


def test_a_back_test_by_hand() -> None:
    bad, total = np.zeros(2016), np.full(2016, 1000.0)
    bad[100:106], bad[1000:1003] = 500.0, 200.0
    events, goal = promised(bad, total)
    start = goal.window.start_ms
    truths = [BudgetEvent(start + 100 * 300_000, start + 106 * 300_000, 1.5),
              BudgetEvent(start + 1000 * 300_000, start + 1003 * 300_000, 0.3)]  # fmt: skip
    firings = [
        Firing(
            "good",
            "page",
            (start + 102 * 300_000, start + 1001 * 300_000),
            (start + 108 * 300_000, start + 1004 * 300_000),
        ),
        Firing(
            "noisy",
            "page",
            (start + 101 * 300_000, start + 500 * 300_000),
            (start + 108 * 300_000, start + 501 * 300_000),
        ),
    ]
    frame = backtest("x", histories(events)["x"], goal, firings, truths, as_of=goal.window.end).frame
    rows = frame[frame["severity"] == "any"].set_index("policy")
    assert rows.loc["good", ["precision", "recall", "caught", "detection_s", "reset_s"]].tolist() == [1, 1, 2, 450, 450]
    assert rows.loc["good", "per_week"] == 2
    seen = histories(events.assign(covered=np.arange(len(events)) < len(events) / 2))["x"]
    half = backtest("x", seen, goal, firings, truths, as_of=goal.window.end).frame
    assert half.set_index(["policy", "severity"]).loc[("good", "any"), "per_week"] == 4  # of the time observed
    none = backtest("x", seen, goal, firings, [], as_of=goal.window.end).frame
    assert not none["suggested"].any()
    assert rows.loc["noisy", ["precision", "recall", "budget_missed"]].tolist() == [0.5, 0.5, 0.3]
    allowed = 0.001 * 2016 * 1000
    assert rows.loc["noisy", "spent_before"] == pytest.approx(500 / allowed)
    assert frame["policy"].iloc[0] == "good"
    assert frame.loc[frame["suggested"], "policy"].unique().tolist() == ["good"]


def test_an_alert_that_began_before_the_event_is_no_detection_and_pages_are_counted_one_by_one():
    bad = np.zeros(2016)
    bad[100:106] = 500
    events, goal = promised(bad, np.full(2016, 1000.0))
    start = goal.window.start_ms
    times = (start + 300_000 * np.arange(2016)).tolist()
    burnt = [BudgetEvent(times[100], times[106], 0.4)]
    minute = 60_000
    paging = [Firing("many", "page", (times[101] + number * minute,), (times[101] + number * minute + 30_000,))
              for number in range(12)]  # fmt: skip
    firings = [
        Firing("vector(1)", "page", (start,), (goal.window.end_ms,)),
        *paging,
        Firing("many", "ticket", (times[101],), (times[110],)),
        Firing("few", "page", (times[102],), (times[107],)),
    ]
    frame = backtest("x", histories(events)["x"], goal, firings, burnt, as_of=goal.window.end).frame
    rows = frame[frame["severity"] == "any"].set_index("policy")
    assert rows.loc["vector(1)", ["true", "precision", "recall", "budget_missed"]].tolist() == [0, 0, 0, 0.4]
    assert rows.loc["vector(1)", "firing_share"] == 1
    assert rows["alerts"].to_dict() == {"few": 1, "many": 13, "vector(1)": 1}
    assert rows.loc["many", "per_event"] == 13
    assert frame.loc[frame["suggested"], "policy"].unique().tolist() == ["few"]


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=20, max_size=80), st.integers(1, 9), st.data())
def test_more_bad_events_never_lower_a_burn_and_scaling_changes_nothing(
    failures: list[int], factor: int, data: st.DataObject
) -> None:
    bad, total = np.array(failures, float), np.full(len(failures), 100.0)
    place = data.draw(st.integers(0, len(failures) - 1))
    worse = bad.copy()
    worse[place] += data.draw(st.integers(0, 50))

    def burns(counts: np.ndarray, events: np.ndarray) -> np.ndarray:
        frame, goal = promised(counts, events)
        return burn_rates(frame, [goal], as_of=goal.window.end, lookbacks=["5m", "1h"]).frame["burn_rate"].to_numpy()

    assert (burns(worse, total) >= burns(bad, total)).all()
    assert burns(bad * factor, total * factor) == pytest.approx(burns(bad, total), rel=1e-12)


def test_an_outlook_holds_the_pace_and_says_how_sure_it_is() -> None:
    bad, total = np.zeros(30 * 288), np.full(30 * 288, 100.0)
    bad[::24] = 1.0  # every two hours: 0.042 % of 0.1 %
    events, _ = promised(bad, total)
    window = TimeRange(START, START + timedelta(days=60))
    half = Goal("x", "X", THREE_NINES, window)
    row = burn_outlook(events, [half], as_of=START + timedelta(days=30), policy=WORKBOOK).frame.iloc[0]
    assert row.burn_rate == pytest.approx(36 / (864 * 100 * 0.001), rel=1e-9)
    assert row.burn_low < row.burn_rate < row.burn_high
    assert not row.low_traffic
    low = promised(np.zeros((288.0).__int__()), np.full(288, 10 / 12))
    guarded = burn_outlook(low[0], [low[1]], as_of=low[1].window.end, policy=WORKBOOK).frame.iloc[0]
    assert guarded.one_failure_burn == pytest.approx(100)
    assert guarded.low_traffic


def test_the_interval_of_a_pace_holds_the_end_nine_times_in_ten() -> None:
    rng = np.random.default_rng(4)
    held = sum(low <= 25 <= high for low, high in (count_interval(float(k)) for k in rng.poisson(25, 600)))
    assert 0.88 <= held / 600 <= 0.96


@pytest.mark.parametrize(("measured", "target"), [(0.97123, "0.97"), (0.99979, "0.99979"), (0.9234, "0.92")])
def test_a_starter_is_rounded_down(measured: float, target: str) -> None:
    assert starter(measured) == Decimal(target)


def test_another_target_judges_the_same_counts() -> None:
    events, goal = promised(np.array([5.0, 0.0]), np.full(2, 1000.0))
    counts = Counts(goal.objective, goal.window, goal.slice_ms, events)
    frame = what_if({"": counts}, goal, {}, as_of=goal.window.end, targets=[Decimal("0.99")]).frame
    assert frame[["target", "as_defined", "status"]].to_numpy().tolist() == [
        [0.99, False, "ok"],
        [0.999, True, "spent"],
    ]
