"""A source that stopped weeks ago: nothing is said of now, and nothing of what was not observed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.alerts.summary import alert_episodes
from workbench.analysis.counting.limits import Limit, limit_breaches
from workbench.analysis.slo.compliance import compliance
from workbench.analysis.slo.objective import Goal
from workbench.charts.alerts.figures import episodes_figure
from workbench.charts.performance.tables import threshold_rows
from workbench.charts.unusual import alert_lines, last_seen, usual_sentence
from workbench.core.result import Result
from workbench.core.series import Metrics
from workbench.core.timerange import TimeRange

END = datetime(2026, 11, 29, tzinfo=UTC)
SPAN = TimeRange(END - timedelta(days=30), END)
STOPPED = datetime(2026, 11, 1, tzinfo=UTC)
DAY_MS = 86_400_000


def study(name: str, newest: datetime, coverage: float, **frames: pd.DataFrame) -> Any:
    results = {key: Result(frame) for key, frame in frames.items()}
    return SimpleNamespace(
        name=name, range=SPAN, as_of=END, freshness=newest, coverage=coverage, results=results, status="ok"
    )


def slo(days: int, bad: float = 0.0) -> tuple[str, float, tuple[str, ...]]:
    from decimal import Decimal

    covered = np.r_[np.ones(days), np.zeros(30 - days)]
    events = pd.DataFrame(
        {
            "objective": "api",
            "time": pd.date_range(SPAN.start, periods=30, freq="D"),
            "good": (1000 - bad) * covered,
            "total": 1000 * covered,
            "covered": covered,
        }
    )
    goal = Goal("api", "API", Decimal("0.99"), SPAN, slice_ms=DAY_MS)
    result = compliance(events, [goal], as_of=END)
    row = result.frame.iloc[0]
    return str(row["status"]), float(row["total"]), result.notes


def test_an_slo_whose_source_stopped_is_not_ok_and_keeps_its_counts() -> None:
    status, total, notes = slo(days=2)
    assert (status, total) == ("no_data", 2000.0)
    assert "nothing was observed since 2026-11-01 00:00 UTC; whether it is met is unknown." in notes[0] + notes[-1]
    assert slo(days=29)[0] == "ok"
    assert slo(days=2, bad=500)[0] == "spent"


def test_a_threshold_without_values_at_the_end_is_unknown_since_then() -> None:
    times = np.arange(0, 4 * 3_600_000, 60_000)
    present = (times < 3_600_000)[None, :]
    answer = Metrics(times, ({},), np.where(present, 1.0, np.nan), present)
    limit = Limit("p95", "p95", ">", 5.0, "s", "warning", 0, answer)
    end = datetime.fromtimestamp(times[-1] / 1000, UTC)
    _, totals = limit_breaches([limit], as_of=end, step_ms=60_000)
    assert threshold_rows(totals)[0]["state"] == "Unknown since 1 Jan 1970 00:59 UTC"
    _, fresh = limit_breaches(
        [replace(limit, answer=Metrics(times, ({},), np.ones((1, 240)), np.ones((1, 240), bool)))],
        as_of=end,
        step_ms=60_000,
    )
    assert threshold_rows(fresh)[0]["state"] == "Within"


def episodes(newest: datetime) -> Any:
    frame = pd.DataFrame(
        {
            "alertname": ["Spent"],
            "open": [True],
            "starts_at": [pd.Timestamp("2026-10-20T03:30Z")],
            "duration_s": [40 * 86_400.0],
            "labels": [""],
        }
    )
    rules = pd.DataFrame({"alertname": ["Spent", "Other"], "episodes": [0, 0], "open": [1, 0], "flapping": [0, 0]})
    measures = pd.DataFrame({"status": []})
    return study("alert_load", newest, 0.064, episodes=frame, rules=rules, measures=measures)


def test_an_alert_fires_as_long_as_it_was_seen_to() -> None:
    stale, fresh = episodes(STOPPED), episodes(END)
    assert last_seen(stale) == STOPPED
    assert last_seen(fresh) is None
    assert last_seen(episodes(END - timedelta(minutes=4))) is None
    assert last_seen(episodes(END - timedelta(minutes=50))) == END - timedelta(minutes=50)
    (line,) = alert_lines(stale)
    assert line.evidence == "firing when last seen, 1 Nov 2026 00:00 UTC; since 20 Oct 2026 03:30 UTC"
    assert usual_sentence(stale) == "1 of 2 rules did not fire in the 6.4 % of the period that was observed."


def test_thresholds_are_kept_in_what_was_observed_and_budgets_without_data_are_counted_as_such() -> None:
    thresholds = pd.DataFrame({"status": ["ok", "no_data"], "breaches": [0, 0], "unknown": [0.0, 60.0]})
    said = usual_sentence(study("service_performance", STOPPED, 0.064, thresholds=thresholds))
    assert said == "1 of 1 threshold kept in the 6.4 % of the period that was observed; 1 not known."
    said = usual_sentence(study("service_performance", END, 1.0, thresholds=thresholds))
    assert said == "1 of 1 threshold kept all the time; 1 not known."
    partly = thresholds.assign(unknown=[1500.0, 60.0])
    said = usual_sentence(study("service_performance", END, 0.9995, thresholds=partly))
    assert said == "1 of 1 threshold kept while observed (up to 25 min unknown); 1 not known."
    budgets = pd.DataFrame({"status": ["ok", "no_data"]})
    said = usual_sentence(study("spend_and_tokens", END, 1.0, budgets=budgets))
    assert said == "1 of 1 budgets are used to less than 80 %. 1 of 2 budgets have no data."


def test_no_bar_of_an_alert_is_drawn_through_time_that_nobody_watched() -> None:
    starts = pd.to_datetime(["2026-10-31T12:00Z", "2026-11-10T00:00Z"], utc=True).as_unit("ms")
    episodes = pd.DataFrame(
        {
            "alertname": pd.Series(["A", "B"], dtype="str"),
            "severity": pd.Series(["page", "page"], dtype="str"),
            "labels": [{}, {}],
            "active_at": starts,
            "starts_at": starts,
            "ends_at": pd.DatetimeIndex([pd.NaT, pd.NaT], tz="UTC").as_unit("ms"),
            "left_censored": False,
            "right_censored": True,
            "unknown_s": 0.0,
        }
    )
    seen = np.array([[SPAN.start_ms, round(STOPPED.timestamp() * 1000)]], np.int64)
    alerts = alert_episodes(episodes, SPAN, observed_s=86_400.0, observed=seen)
    figure = episodes_figure(alerts)
    bars = [(bar.y, list(bar.x)) for bar in figure.data if bar.base is not None]
    assert bars == [(("A",), [43_200_000])]
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(pd.Timestamp(STOPPED), pd.Timestamp(END))]
    assert "Not observed" in {trace.name for trace in figure.data}
