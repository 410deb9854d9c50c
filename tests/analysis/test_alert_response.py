"""Time to acknowledge and to resolve; clock hours in zones that are half an hour off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.alerts.hours import alert_interruptions
from workbench.analysis.alerts.response import alert_responses
from workbench.analysis.alerts.summary import alert_episodes
from workbench.core.timerange import TimeRange

DAY = datetime(2026, 10, 5, tzinfo=UTC)
SPAN = TimeRange(DAY, DAY + timedelta(days=1))


def instants(*seconds: float) -> pd.Series:
    marks = [pd.NaT if np.isnan(each) else pd.Timestamp(DAY) + pd.Timedelta(each, "s") for each in seconds]
    return pd.Series(pd.DatetimeIndex(marks, tz="UTC"))


def test_times_are_of_what_was_acknowledged_and_of_what_is_over():
    """One is from the day before, one nobody saw, one is not over, one was acknowledged before it began."""
    none = float("nan")
    table = pd.DataFrame(
        {
            "starts_at": instants(-60, 9 * 3600, 10 * 3600, 23 * 3600, 11 * 3600),
            "acknowledged_at": instants(0, 9 * 3600 + 120, none, 23 * 3600 + 600, 11 * 3600 - 5),
            "ends_at": instants(60, 9 * 3600 + 1200, 10 * 3600 + 60, none, 11 * 3600 + 300),
            "urgency": ["high", "high", "low", "high", "high"],
        }
    )
    frame = alert_responses(table, SPAN).frame.set_index("group")
    row = frame.loc["all"]
    assert row[["incidents", "acknowledged", "auto_resolved", "unresolved"]].tolist() == [4, 3, 1, 1]
    assert row[["mtta_s", "tta_median_s", "mttr_s", "ttr_median_s"]].tolist() == [360, 360, 520, 300]
    assert row["tta_p90_s"] == pytest.approx(552)
    assert row[["within_1_min", "within_5_min", "within_10_min"]].tolist() == [0, 0.25, 0.5]
    assert frame.loc[["high", "low", "business", "off", "sleep"], "incidents"].tolist() == [3, 1, 3, 0, 1]
    assert np.isnan(frame.loc["low", "mtta_s"])


def test_hours_with_a_page_are_those_of_the_wall_clock():
    starts = pd.DatetimeIndex(["2026-10-05T08:20Z", "2026-10-05T08:40Z"]).as_unit("ms")
    frame = pd.DataFrame(
        {
            "alertname": pd.Series(["A", "A"], dtype="str"),
            "severity": pd.Series(["critical", "critical"], dtype="str"),
            "labels": [{}, {}],
            "active_at": starts,
            "starts_at": starts,
            "ends_at": starts + timedelta(minutes=1),
            "left_censored": False,
            "right_censored": False,
            "unknown_s": 0.0,
        }
    )

    def hours(zone: str) -> int:
        alerts = alert_episodes(frame, SPAN, observed_s=86_400, zone=zone)
        return int(alert_interruptions(alerts).frame.set_index("hours").loc["all", "hours_with_page"])

    assert (hours("UTC"), hours("Asia/Kolkata")) == (1, 2)
