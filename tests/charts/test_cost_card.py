"""The card of cost claims nothing of budgets that could not be read."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pandas as pd
import pytest

from workbench.charts.overview.questions import cost_card


@pytest.mark.parametrize(
    ("read", "statuses", "note"),
    [
        (6, ["spent"], "1 of 6 budgets spent"),
        (4, ["spent"], "1 of 4 budgets spent; 2 of 6 budgets could not be read"),
        (0, [], "6 of 6 budgets could not be read"),
    ],
)
def test_budgets_that_were_not_read_are_named_and_not_called_unused(read, statuses, note) -> None:
    spend = pd.DataFrame(
        {"system": ["a", "b"], "unit": "USD", "coverage": 1.0, "spent": [Decimal(1), Decimal(2)], "change_ratio": 0.0}
    )
    budgets = pd.DataFrame({"status": statuses, "system": ["a"] * len(statuses)})
    evidence = pd.DataFrame({"clause": ["budget"], "known": [6], "read": [read]})
    frames = {"spend": spend, "budgets": budgets, "evidence": evidence}
    study = SimpleNamespace(results={name: SimpleNamespace(frame=frame) for name, frame in frames.items()})
    card = cost_card(study)
    assert card.note == f"this month, 2 of 2 systems; {note}"
    assert card.status == ("spent" if statuses else "no_data")
