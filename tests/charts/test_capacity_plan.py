"""The planning table: by when to act, from the earliest date and the lead time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from workbench.analysis.capacity.level import CapacityLimit, Level
from workbench.analysis.capacity.levels import capacity
from workbench.charts.capacity.tables import chance_text, plan_rows, plan_table, use_rows

AS_OF = datetime(2026, 11, 17, tzinfo=UTC)
HOURS = np.arange(60 * 24)


@pytest.mark.slow
def test_a_filling_disk_says_by_when_to_act_and_a_calm_level_is_left_out() -> None:
    full = (CapacityLimit("full", 1.0),)
    disk = Level("disk", "Disk", "/", "ratio", 0.2 + 0.01 * HOURS / 24, full, accumulates=True, lead_days=10)
    calm = Level("cpu", "CPU", "a", "ratio", 0.6 + 0.1 * np.sin(2 * np.pi * HOURS / 24), full)
    wide = Level("memory", "Memory", "b", "ratio", np.full(len(HOURS), 0.1), full)
    limits, _ = capacity([disk, calm, wide], as_of=AS_OF, horizon_days=60)
    rows = plan_rows(limits)
    assert [row["resource"] for row in rows] == ["Disk", "Memory"]
    assert rows[0]["act by"] == "27 Nov 2026"  # full on 7 December, less ten days
    assert rows[1]["what to do"] == "could be made smaller"
    assert "Act by" in plan_table(limits)._repr_html_()


def test_another_size_costs_more_or_less_where_the_cost_is_known() -> None:
    """A disk that needs 1.2 times its size costs a fifth more; memory used to 10 % fits into a sixth at 60 %."""
    full = (CapacityLimit("full", 1.0),)
    cost = {"monthly_cost": Decimal("300"), "currency": "EUR"}
    disk = Level("disk", "Disk", "/", "ratio", 0.6 + 0.01 * HOURS / 24, full, accumulates=True, **cost)
    wide = Level("memory", "Memory", "b", "ratio", np.full(len(HOURS), 0.1), full, **cost)
    limits, _ = capacity([disk, wide], as_of=AS_OF, horizon_days=30)
    needed = float(limits.frame.set_index("resource").loc["disk", "needed"])
    assert abs(needed - 1.5) < 0.02
    costs = dict(zip(limits.frame["resource"], limits.frame["cost_change"], strict=True))
    assert costs["disk"] == (300 * (Decimal(repr(needed)) - 1)).quantize(Decimal("0.01"))
    assert costs["memory"] == Decimal("-250.00")
    assert [row["cost"][-12:] for row in plan_rows(limits)] == [" EUR a month"] * 2
    assert plan_rows(limits)[1]["cost"] == "-250.00 EUR a month"
    use = use_rows(limits)
    assert [(row["resource"], row["utilisation"], row["errors"]) for row in use] == [
        ("Disk", "120 %", "not measured"), ("Memory", "10 %", "not measured")
    ]  # fmt: skip


def test_a_limit_that_is_raised_in_time_is_not_reached() -> None:
    raised = (CapacityLimit("full", 1.0, changes=((AS_OF + timedelta(days=5), 2.0),)),)
    values = 0.3 + 0.01 * HOURS / 24
    for limits, status in (((CapacityLimit("full", 1.0),), "at_risk"), (raised, "ok")):
        frame = capacity([Level("disk", "Disk", "/", "ratio", values, limits, accumulates=True)], as_of=AS_OF,
                         horizon_days=30)[0].frame  # fmt: skip
        assert frame["status"].tolist() == [status]


def test_simulated_paths_tell_neither_never_nor_certainly() -> None:
    assert [chance_text(value) for value in (0.0, 0.5, 1.0)] == ["< 1 %", "50 %", "> 99 %"]
