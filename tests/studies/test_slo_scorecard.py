"""The scorecard: issued figures as issued, everything else as counted, each said."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from workbench.charts.slo.scorecard_tables import ScorecardTable, scorecard_rows
from workbench.core.periods import calendar_name, parse_period, periods_up_to, span_name
from workbench.core.timerange import TimeRange, calendar_range
from workbench.report.issue.issue import issue_report
from workbench.studies import open_context, slo_compliance
from workbench.studies.slo.scorecard import by_quarter, slo_scorecard

LAB = "counterfactual-lab"
NOW = datetime(2026, 11, 4, tzinfo=UTC)
OCTOBER = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_periods_follow_one_another_without_gaps_in_every_zone(zone: str) -> None:
    for name in ("2026-10", "2026-Q4", "2026-W44", "2026"):
        last = calendar_range(name, zone=zone, now=NOW)
        spans = periods_up_to(last, zone=zone, count=14)
        assert spans[-1] == last
        assert all(one.end == after.start for one, after in pairwise(spans))
        assert all(span_name(span, zone)[:4].isdigit() and ".." not in span_name(span, zone) for span in spans)


@pytest.mark.slow
def test_issued_figures_stand_and_the_rest_is_counted_as_the_report_counts(demo_settings) -> None:
    context = open_context(demo_settings)
    counted = slo_scorecard(context, systems=[LAB], range=OCTOBER, count=3, as_of=NOW).results["scorecard"].frame
    true = slo_compliance(context, system=LAB, range=OCTOBER, as_of=OCTOBER.end).results["compliance"].frame
    october = counted[counted["period"] == "2026-10"]
    assert list(october["sli"]) == list(true["sli"])
    assert set(counted["basis"]) == {"counted"}
    issue = issue_report(system=LAB, period="2026-10", settings=demo_settings, now=NOW).issue
    study = slo_scorecard(context, systems=[LAB], range=OCTOBER, count=3, as_of=NOW)
    card = study.results["scorecard"].frame
    assert set(card.loc[card["period"] == "2026-10", "basis"]) == {"issued"}
    assert set(card.loc[card["period"] == "2026-09", "basis"]) == {"counted"}
    assert list(card.loc[card["period"] == "2026-10", "bad"]) == list(october["bad"])
    row = scorecard_rows(study.results["scorecard"])[0]
    assert row["2026-10"] == "99.832 %, 168 % spent, Budget spent (issued)"
    assert "status-spent" in ScorecardTable(study.results["scorecard"])._repr_html_()
    figures = Path(issue.folder) / "figures.json"
    figures.write_text(figures.read_text().replace("18667", "10"))
    changed = slo_scorecard(context, systems=[LAB], range=OCTOBER, count=3, as_of=NOW)
    again = changed.results["scorecard"].frame
    assert set(again["basis"]) == {"counted"}
    assert "is not what was issued" in changed.warnings[0]
    assert list(again["bad"]) == list(counted["bad"])


def test_quarters_hold_their_months_once() -> None:
    spans = periods_up_to(OCTOBER, zone="UTC", count=5)
    assert [span_name(one, "UTC") for one in by_quarter(spans, "UTC")] == ["2026-Q2", "2026-Q3", "2026-Q4"]


def test_a_window_between_two_instants_is_read_and_named_so_that_it_is_read_again() -> None:
    for text in ("2026-10-08T12:00Z..2026-10-08T16:00Z", " 2026-10-08T14:00+02:00 .. 2026-10-08T18:00+02:00 "):
        span = parse_period(text, zone="UTC", week_start="monday", as_of=NOW)
        assert span == TimeRange(datetime(2026, 10, 8, 12, tzinfo=UTC), datetime(2026, 10, 8, 16, tzinfo=UTC))
        name = calendar_name(text, zone="UTC", week_start="monday", as_of=NOW)
        assert parse_period(name, zone="UTC", week_start="monday", as_of=NOW) == span
