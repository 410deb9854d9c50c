"""The planning table: by when to act, from the earliest date and the lead time."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from workbench.analysis.capacity.level import CapacityLimit, Level
from workbench.analysis.capacity.levels import capacity
from workbench.charts.capacity.tables import chance_text, plan_rows, plan_table

AS_OF = datetime(2026, 11, 17, tzinfo=UTC)
HOURS = np.arange(60 * 24)


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


def test_simulated_paths_tell_neither_never_nor_certainly() -> None:
    assert [chance_text(value) for value in (0.0, 0.5, 1.0)] == ["< 1 %", "50 %", "> 99 %"]
