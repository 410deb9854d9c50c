from __future__ import annotations

import math

import pandas as pd
import pytest

from workbench.analysis.overview.notices import budget_notices, drift_notices, limit_notices, lines


def compliance(left: float, status: str = "ok") -> pd.DataFrame:
    row = {
        "objective": "availability", "title": "Availability", "status": status, "target": 0.999, "unit": "events",
        "budget_left_ratio": left, "budget_spent": 1000 * (1 - left), "budget_total": 1000.0, "period": "30d",
        "coverage": 1.0,
    }  # fmt: skip
    return pd.DataFrame([row])


@pytest.mark.parametrize(
    ("used", "told", "steps"),
    [
        (0.49, "", []),
        (0.5, "", ["50%"]),
        (0.8, "", ["50%", "75%"]),
        (1.2, "", ["50%", "75%", "100%"]),
        (0.72, "availability 75%", ["50%", "75%"]),
        (0.69, "availability 75%", ["50%"]),
    ],
)
def test_a_budget_is_told_at_its_steps_and_not_at_every_wobble(used: float, told: str, steps: list[str]) -> None:
    found = budget_notices("lab", compliance(1 - used), lambda subject: subject == told)
    assert [each.subject for each in found.notices] == [f"availability {step}" for step in steps]
    assert len(found.looked) == 3
    assert len(list(lines(found.notices))) == min(1, len(steps))


@pytest.mark.parametrize(("left", "status"), [(math.nan, "ok"), (0.1, "no_data"), (0.1, "unavailable")])
def test_a_budget_that_was_not_counted_is_not_looked_at(left: float, status: str) -> None:
    found = budget_notices("lab", compliance(left, status), lambda subject: True)
    assert (found.notices, found.looked) == ((), frozenset())


def test_a_closed_drift_is_none_and_a_score_without_data_stays_unknown() -> None:
    states = pd.DataFrame(
        [{"role": "quality", "series": "a", "status": "ok"}, {"role": "quality", "series": "b", "status": "no_data"}]
    )
    drift = {
        "role": "quality", "title": "Quality", "series": "a", "direction": "lower", "difference": -0.109,
        "onset": pd.Timestamp("2026-10-24T05:00Z"), "samples": 5751.0, "open": True,
    }  # fmt: skip
    found = drift_notices("lab", states, pd.DataFrame([drift]))
    assert [each.text for each in found.notices] == [
        "Quality, a: lower than the reference by 0.109 since 24 Oct 2026 05:00 UTC (5,751 samples)."
    ]
    assert drift_notices("lab", states, pd.DataFrame([{**drift, "open": False}])).notices == ()
    assert found.looked == {("notice/drift", "lab", "quality a")}


def test_a_limit_within_its_lead_time_is_told_with_its_date() -> None:
    row = {
        "resource": "disk", "title": "Disk", "series": "sda", "limit": "90 %", "status": "at_risk", "signal": True,
        "unit": "ratio", "now": 0.8, "value": 0.9, "reached_at": pd.Timestamp("2026-11-05T11:00Z"), "lead_days": 14.0,
    }  # fmt: skip
    (notice,) = limit_notices("lab", pd.DataFrame([row])).notices
    assert "about 5 Nov 2026 11:00 UTC, within the lead time of 14 days" in notice.text
    assert limit_notices("lab", pd.DataFrame([{**row, "status": "no_data"}])).looked == frozenset()
