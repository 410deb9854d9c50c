"""Steps of an error-budget policy and the review queue, on counts made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.slo.budget_policy import policy_state
from workbench.analysis.slo.burn import burn_rates
from workbench.analysis.slo.compliance import compliance
from workbench.analysis.slo.objective import Goal
from workbench.analysis.slo.review import EVERY, review_queue
from workbench.analysis.slo.spending import spending
from workbench.catalog.slo.policy import read_policy
from workbench.core.errors import CatalogError, ParameterError
from workbench.core.timerange import TimeRange
from workbench.studies.slo.policy import step_of

START = datetime(2026, 10, 1, tzinfo=UTC)
MONTH = TimeRange(START, START + timedelta(days=30))
STEPS = [step_of(one) for one in read_policy().steps]
GOAL = Goal("api", "API", Decimal("0.99"), MONTH)


def events(bad: np.ndarray, total: float = 100.0) -> pd.DataFrame:
    times = pd.date_range(START, periods=len(bad), freq="5min", unit="ms")
    return pd.DataFrame({"objective": "api", "time": times, "good": total - bad, "total": total, "covered": 1.0})


def states(frame: pd.DataFrame, goal: Goal = GOAL) -> dict[str, str]:
    given = frame, [goal]
    parts = [make(*given, as_of=MONTH.end) for make in (compliance, burn_rates, spending)]
    found = policy_state(*parts, STEPS, as_of=MONTH.end).frame
    return dict(zip(found["step"], found["state"], strict=True))


def outage(share_of_budget: float, at_day: int = 10) -> np.ndarray:
    """Everything fails for as long as spends this share of the month's budget of 8,640 requests."""
    bad = np.zeros(30 * 288)
    slices = round(share_of_budget * 8640 / 100)
    bad[at_day * 288 : at_day * 288 + slices] = 100
    return bad


def test_health_reaches_no_step_and_silence_is_unknown():
    assert set(states(events(np.zeros(30 * 288))).values()) == {"clear"}
    assert set(states(events(np.zeros(0))).values()) == {"unknown"}


def test_a_month_that_was_mostly_unseen_clears_no_budget_step():
    seen = events(np.zeros(30 * 288)).tail(6 * 288)
    assert states(events(np.zeros(30 * 288)).tail(2))["Burning"] == "unknown"  # ten minutes of six hours
    budget_steps = {step.name for step in STEPS if step.measure != "burn_rate"}
    assert {name for name, state in states(seen).items() if state == "unknown"} == budget_steps


@pytest.mark.parametrize(
    ("spent", "reached"),
    [(0.15, set()), (0.6, {"Post-mortem", "Watch"}), (1.1, {"Post-mortem", "Watch", "Slow down", "Freeze"})],
)
def test_in_a_mostly_unseen_month_a_step_is_reached_only_where_the_rest_could_not_mend_it(spent, reached):
    """Six of 30 days are seen, so 60 % of the month's budget is 300 % of that of the events counted."""
    found = states(events(outage(spent, at_day=25)).tail(6 * 288))
    assert {step for step, state in found.items() if state == "reached"} - {"Burning"} == reached


@pytest.mark.parametrize(
    ("spent", "reached"),
    [
        (0.15, set()),
        (0.3, {"Post-mortem"}),
        (0.6, {"Post-mortem", "Watch"}),
        (0.8, {"Post-mortem", "Watch", "Slow down"}),
        (1.1, {"Post-mortem", "Watch", "Slow down", "Freeze"}),
    ],
)
def test_one_outage_reaches_the_steps_of_what_it_spent(spent, reached):
    found = states(events(outage(spent)))
    assert {step for step, state in found.items() if state == "reached"} == reached


def test_a_drip_needs_no_post_mortem():
    found = states(events(np.full(30 * 288, 0.6)))
    assert {step for step, state in found.items() if state == "reached"} == {"Watch"}


def test_what_burns_now_reaches_burning_and_a_budget_exactly_spent_is_not_overspent():
    late = np.zeros(30 * 288)
    late[-72:] = 7
    assert states(events(late))["Burning"] == "reached"
    assert states(events(np.full(30 * 288, 1.0)))["Freeze"] == "clear"


def judged(*bad_shares: float | None) -> list:
    """Periods, the newest first, with this share bad; None for a period without samples."""
    frames = [
        events(np.full(30 * 288, 0.0 if share is None else 100 * share)).head(0 if share is None else None)
        for share in bad_shares
    ]
    return [compliance(frame, [GOAL], as_of=MONTH.end) for frame in frames]


@pytest.mark.parametrize(
    ("periods", "finding"),
    [
        ((0.02, 0.03, 0.011), "always_spent"),
        ((0.02, 0.03, 0.001), "due"),
        ((0.0, 0.0, 0.0004), "never_burnt"),
        ((0.0, None, None), "due"),
        ((None, 0.0, 0.0), "not_measured"),
        ((0.005, 0.005, 0.005), "due"),
    ],
)
def test_the_pattern_of_three_periods_is_found(periods, finding):
    queue = review_queue(judged(*periods), {}, as_of=MONTH.end)
    assert queue.frame["finding"].tolist() == [finding]
    assert bool(queue.frame["question"].iloc[0])


def test_a_review_holds_for_ninety_days():
    periods = judged(0.005, 0.005, 0.005)
    for ago, finding in ((EVERY - timedelta(minutes=1), "fine"), (EVERY, "due")):
        assert review_queue(periods, {"api": MONTH.end - ago}, as_of=MONTH.end).frame["finding"].iloc[0] == finding


def test_counts_that_contradict_come_first():
    wrong = events(np.full(30 * 288, 0.0)).assign(good=101.0)
    (newest,) = [compliance(wrong, [GOAL], as_of=MONTH.end)]
    assert review_queue([newest], {}, as_of=MONTH.end).frame["finding"].iloc[0] == "contradiction"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{schema: 1, name: x, steps: [{name: a, consequence: b}]}", "a step has one of"),
        ("{schema: 1, name: x, steps: [{name: a, consequence: b, burn_rate_above: 6}]}", "with a lookback"),
        ("{schema: 1, name: x, steps: [{name: a, consequence: b, budget_left_below: 0, incident_above: 1}]}", "one of"),
        ("{schema: 1, name: x, steps: []}", "at least 1"),
        ("{schema: 1, name: x, stepps: []}", "stepps"),
    ],
)
def test_a_policy_that_is_wrong_is_refused_with_its_place(text, why, tmp_path: Path):
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    with pytest.raises(CatalogError, match=why) as caught:
        read_policy(file)
    assert f"{file}:1" in str(caught.value)
    file.write_text("")
    with pytest.raises(ParameterError, match="holds 0 documents"):
        read_policy(file)
