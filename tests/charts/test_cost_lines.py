"""Budgets that are overrun before the month ends, as lines of the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pandas as pd

from workbench.analysis.cost.budgets import Budget, budget_use
from workbench.analysis.cost.jumps import spend_jumps
from workbench.analysis.cost.landing import spend_forecast
from workbench.analysis.cost.ledger import Account, Periods
from workbench.charts.unusual import Line, cost_lines
from workbench.core.result import Provenance, Study
from workbench.core.timerange import TimeRange

BEGIN, NOW = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 11, tzinfo=UTC)
MONTH = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
SPAN = TimeRange(MONTH.start, NOW)
ACCOUNTS = [Account("cost", "Spend", "USD", ("key",))]


def lines_of(left: dict[str, float]) -> tuple[Line, ...]:
    """Lines of two keys that spend 10 USD a day each, and of what is left of their budgets of 1,000."""
    days = [BEGIN + timedelta(days=n) for n in range((NOW - BEGIN).days)]
    slices = pd.DataFrame({"start": days}).assign(end=lambda frame: frame["start"] + timedelta(days=1))
    for name in ("start", "end"):
        slices[name] = slices[name].dt.as_unit("ms")
    rows = [slices.assign(role="cost", key=key, amount=[Decimal(10)] * len(days)) for key in ("a", "b")]
    ledger, seen = pd.concat(rows, ignore_index=True), slices.assign(role="cost", covered=1.0)
    periods = Periods(SPAN, SPAN, MONTH)
    budgets = budget_use(
        [Budget("key", key, limit=1000, left=rest, unit="USD") for key, rest in left.items()], as_of=NOW
    )
    results = {
        "budgets": budgets,
        "forecast": spend_forecast(ledger, seen, ACCOUNTS, periods, budgets.frame, zone="UTC"),
        "jumps": spend_jumps(ledger, seen, ACCOUNTS, periods, zone="UTC"),
    }
    how = Provenance(source="s", engine="", semantics="", method="exact", queries=(), tier="raw", version="0")
    return cost_lines(
        Study(
            name="spend_and_tokens", system="s", range=SPAN, as_of=NOW, results=results, status="ok", freshness=None,
            coverage=1.0, provenance=how, warnings=(),
        )
    )  # fmt: skip


def test_a_budget_that_the_rest_of_the_month_overruns_is_a_line_with_its_day() -> None:
    # 21 days of 10 USD are ahead, so 205 are gone on the last of them and 300 are not; limits are 1,000.
    lines = [line for line in lines_of({"a": 205.0, "b": 300.0}) if line.id == "cost/overrun"]
    assert [line.title for line in lines] == ["Budget of key a"]
    assert lines[0].evidence.startswith("205 USD left; used up from 31 Oct 2026 on (")


def test_a_budget_that_lasts_and_one_that_is_spent_are_no_overruns() -> None:
    ids = [line.id for line in lines_of({"a": 700.0, "b": 0.0})]
    assert ids == ["cost/budget"]


def test_a_jump_keeps_the_case_of_what_it_names() -> None:
    jump = {"measure": "cost", "unit": "USD", "dimension": "kind", "group": "API costs", "expected": 5.0, "impact": 9.0,
            "change_ratio": 1.8, "first": "2026-10-02", "last": "2026-10-02", "days": 1, "direction": "up",
            "hours": float("nan"), "also": "", "ongoing": False}  # fmt: skip
    other = {**jump, "first": "2026-10-06", "last": "2026-10-06", "dimension": "task_type", "group": "OCR"}
    empty = SimpleNamespace(frame=pd.DataFrame({"status": []}))
    results = {"budgets": empty, "forecast": None, "jumps": SimpleNamespace(frame=pd.DataFrame([jump, other]))}
    assert [line.title for line in cost_lines(SimpleNamespace(results=results))] == ["API costs", "Task type OCR"]
