"""More numbers of others: cases of slo-generator, roll-ups of Nobl9, states of Kibana, ideal lines of sloth."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from tests.analysis.test_slo_golden_numbers import judge
from workbench.analysis.counting.events import slice_events
from workbench.analysis.slo.burn import budget_history
from workbench.analysis.slo.compliance import compliance
from workbench.analysis.slo.objective import Goal
from workbench.analysis.slo.review import kept_share, review_queue
from workbench.catalog.slo.burn_policies import read_burn_policies
from workbench.core.errors import FrameError
from workbench.core.slo.burn_alerts import BurnAlert
from workbench.core.timerange import TimeRange, duration_ms

START = datetime(2025, 11, 1, tzinfo=UTC)
DAY = 86_400_000


class TestSloGeneratorDummies:
    """google/slo-generator, tests/unit/fixtures/dummy_tests.json, goal 0.99; a -1 there is a count that is absent."""

    @pytest.mark.parametrize(("good", "bad", "sli"), [(5, 5, 0.5), (0, 15, 0), (15, 0, 1)])
    def test_ratios(self, good: int, bad: int, sli: float) -> None:
        row = judge([good], [good + bad], "0.99")
        assert row.sli == sli
        assert (row.status == "spent") is (sli < 0.99)

    def test_no_events_are_no_ratio(self) -> None:
        row = judge([0], [0], "0.99")
        assert (row.status, np.isnan(row.sli), np.isnan(row.burn_rate)) == ("no_traffic", True, True)

    @pytest.mark.parametrize(("good", "total"), [(-1, -2), (np.nan, 9), (5, np.inf)])
    def test_what_is_no_count_is_no_report(self, good: float, total: float) -> None:
        with pytest.raises(FrameError):
            judge([good], [total], "0.99")

    def test_just_above_the_goal_nothing_is_overspent(self) -> None:
        row = judge([991], [1000], "0.99")
        assert (row.sli, row.burn_rate < 1, row.status) == (0.991, True, "at_risk")


class TestRollUp:
    """Nobl9's reliability roll-up: the share of the period in which an SLO was at or above its target."""

    def queue(self, bad: list[float]) -> tuple[pd.DataFrame, dict[str, float]]:
        edges = [TimeRange(START, START).start_ms + step * 3_600_000 for step in range(len(bad) + 1)]
        total = np.full(len(bad), 100.0)
        events = slice_events("x", edges, good=total - bad, total=total, covered=np.ones(len(bad)))
        goal = Goal("x", "X", Decimal("0.99"), TimeRange.from_ms(edges[0], edges[-1]), slice_ms=3_600_000)
        until = goal.window.end
        judged = compliance(events, [goal], as_of=until)
        scores = kept_share(budget_history(events, [goal], as_of=until), judged)
        return review_queue([judged], {}, as_of=until, scores=scores).frame, scores

    def test_below_target_for_a_tenth_of_the_period_is_ninety_percent(self) -> None:
        frame, scores = self.queue([0.0] * 90 + [100.0] * 10)  # overspent from the first bad hour on
        assert scores == {"x": 0.9}
        assert frame["score"].tolist() == [0.9]

    def test_exactly_at_the_target_is_kept(self) -> None:
        assert self.queue([1.0] * 100)[1] == {"x": 1.0}


class TestWorkbook:
    """The Site Reliability Workbook, ch. 5: time to exhaustion, and alerts of a short window."""

    @pytest.mark.parametrize(("burn", "errors", "minutes"), [
        (1, "0.001", 43_200), (2, "0.002", 21_600), (10, "0.01", 4_320), (1000, "1", 43),
    ])  # fmt: skip
    def test_a_burn_rate_lasts(self, burn: int, errors: str, minutes: int) -> None:
        assert Decimal(errors) / Decimal("0.001") == burn
        assert int(30 * 1440 / burn) == minutes

    def test_ten_minutes_at_the_budget_fire_144_times_a_day(self) -> None:
        alert = BurnAlert("page", 600_000, 600_000, Fraction(1))
        assert DAY // alert.long_ms == 144
        assert float(alert.budget_at_fire(30 * DAY)) * 100 == pytest.approx(0.0231, abs=5e-5)


def test_kibana_is_degrading_while_a_period_has_budget_left() -> None:
    row = judge([1.0] * 8 + [0.0] * 2, [1.0] * 10, "0.9", slice_ms=3_600_000, budgeting="timeslices", days=100 / 24)
    assert (row.sli, row.budget_left_ratio) == (0.8, pytest.approx(-1))  # what Kibana calls degrading
    assert (row.status, row.period_left_ratio) == ("ok", pytest.approx(0.8))


def test_the_ideal_line_of_sloth_on_the_fourteenth_day() -> None:
    row = judge([1.0] * 14, [1.0] * 14, "0.999", days=30)
    assert round(100 * (1 - row.elapsed), 2) == 53.33


@pytest.mark.parametrize(("target", "minutes"), [("0.99", 10), ("0.999", 3)])
def test_pyrra_calls_a_metric_absent_when_silence_would_have_fired(target: str, minutes: int) -> None:
    first = read_burn_policies()["pyrra"].policy(28 * DAY).alerts[0]
    waits = float(first.factor) * float(1 - Decimal(target)) * first.long_ms + first.for_ms
    assert round(waits / duration_ms("1m")) == minutes
