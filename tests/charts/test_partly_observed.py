"""An objective that was observed for a part of its time only is called OK on no surface."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest

from workbench.analysis.counting.counts import Counts
from workbench.analysis.counting.events import slice_events
from workbench.analysis.slo.compliance import ComplianceResult
from workbench.analysis.slo.objective import Goal
from workbench.analysis.slo.scorecard import scorecard
from workbench.analysis.slo.verdict import judge
from workbench.charts.overview.questions import objectives_card
from workbench.charts.slo.scorecard_tables import ScorecardTable, scorecard_finding, scorecard_rows
from workbench.charts.tables import compliance_rows, compliance_table, slo_finding
from workbench.core.timerange import TimeRange

MONTH = TimeRange(datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC))


def verdict(observed: int, *, bad: float = 0.0) -> ComplianceResult:
    """Judge a month of which the last hours alone were observed."""
    times = [int((MONTH.end - timedelta(hours=left)).timestamp() * 1000) for left in range(observed, 0, -1)]
    whole = np.ones(observed)
    times.append(int(MONTH.end.timestamp() * 1000))
    events = slice_events("availability", times, good=(100 - bad) * whole, total=100 * whole, covered=whole)
    counts = Counts("availability", MONTH, 3_600_000, events)
    goal = Goal("availability", "Availability", Decimal("0.95"), MONTH, slice_ms=3_600_000)
    return judge([counts], [goal], {}, as_of=MONTH.end).compliance


@pytest.mark.parametrize(("observed", "word"), [(24, "Partly observed"), (31 * 24, "OK")])
def test_a_day_of_a_month_is_not_called_ok(observed: int, word: str) -> None:
    result = verdict(observed)
    assert compliance_rows(result)[0]["status"] == word
    assert f">{word}</span>" in compliance_table(result)._repr_html_()
    assert ("met, observed for less than nine tenths of the time" in slo_finding(result).text) == (word != "OK")


def test_a_budget_that_was_used_up_in_the_part_observed_is_used_up() -> None:
    assert compliance_rows(verdict(24, bad=50.0))[0]["status"] == "Budget spent"


def test_the_scorecard_names_the_budgets_that_were_used_up_and_what_was_not_observed() -> None:
    who = {"system": "lab", "system_title": "Lab", "owner": "SRE", "period": "2026-08", "basis": "counted", "number": 0}
    rows = [
        {**verdict(24, bad=bad).frame.iloc[0].to_dict(), **who, "objective": name, "title": name,
         "start": MONTH.start, "end": MONTH.end}
        for name, bad in (("a", 0.0), ("b", 50.0))
    ]  # fmt: skip
    card = scorecard(rows, as_of=MONTH.end, zone="UTC")
    assert [row["2026-08"] for row in scorecard_rows(card)] == [
        "100.000 %, 0 % spent, Partly observed (3 %)",
        "50.000 %, 1000 % spent, Budget spent (3 % observed)",
    ]
    assert "status-no_data'>Partly observed" in ScorecardTable(card)._repr_html_()
    assert scorecard_finding(card).text == (
        "1 of 2 budgets was used up: b of Lab in 2026-08 (1000 % spent). "
        "2 were observed for less than nine tenths of their period."
    )


@pytest.mark.parametrize("bad", [0.0, 50.0])
def test_a_month_of_which_an_hour_was_observed_has_no_figures(bad: float) -> None:
    hour = verdict(1, bad=bad).frame.iloc[0].to_dict()
    who = {"system": "lab", "system_title": "Lab", "owner": "SRE", "period": "2026-08", "basis": "counted", "number": 0}
    row = {**hour, **who, "objective": "a", "title": "a", "start": MONTH.start, "end": MONTH.end}
    card = scorecard([row], as_of=MONTH.end, zone="UTC")
    assert scorecard_rows(card)[0]["2026-08"] == "Partly observed (<1 %)"
    assert "000 %" not in ScorecardTable(card)._repr_html_()
    assert scorecard_finding(card).text == "No objective could be judged in any of these periods."


def test_the_card_of_the_overview_is_not_ok_where_an_objective_was_observed_in_part() -> None:
    board = verdict(24).frame.assign(system="lab")
    study = SimpleNamespace(results={"board": SimpleNamespace(frame=board)})
    card = objectives_card(study)
    assert (card.status, card.value) == ("no_data", "1 of 1 met")
    assert card.note == "0 missed, 0 at risk, 1 partly observed"
