"""Steps of an error-budget policy and the review queue, as tables of text."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.charts.tables import Sentence, Table
from workbench.core.result import Result
from workbench.core.units import NO_VALUE, day_text, factor_text, ratio_text

_FINDINGS = {
    "contradiction": "counts contradict",
    "not_measured": "not measured",
    "always_spent": "always spent",
    "never_burnt": "never burns",
    "low_coverage": "little observed",
    "due": "review due",
    "fine": "fine",
}


def _value(measure: str, value: float, lookback: str) -> str:
    if value != value:
        return NO_VALUE
    if measure == "burn_rate":
        return f"{factor_text(value)} in {lookback}"
    return f"{ratio_text(value, digits=1)} {'left' if measure == 'budget_left' else 'by one episode'}"


def policy_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per objective and step, those that are reached first."""
    order = {"reached": 0, "unknown": 1, "clear": 2}
    rows = sorted(result.frame.to_dict(orient="records"), key=lambda row: order[row["state"]])
    return [
        {
            "objective": row["objective"],
            "step": row["step"],
            "state": row["state"],
            "now": _value(row["measure"], row["value"], row["lookback"]),
            "limit": _value(row["measure"], row["limit"], row["lookback"]),
            "consequence": row["consequence"] if row["state"] == "reached" else "",
        }
        for row in rows
    ]


def policy_table(result: Result) -> Table | Sentence:
    """Table of the steps that are reached, with what follows."""
    rows = [row for row in policy_rows(result) if row["state"] == "reached"]
    states = result.frame["state"]
    known, unknown = int((states != "unknown").sum()), int((states == "unknown").sum())
    if not rows and not known:
        return Sentence("Unknown: no step of the error-budget policy could be judged.")
    if not rows:
        rest = f"; {unknown} of {known + unknown} could not be judged" if unknown else ""
        return Sentence(f"No step of the error-budget policy is reached ({known} judged{rest}).")
    return Table(rows, left=("step", "state", "now", "limit", "consequence"))


def review_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per objective, the most urgent question first."""

    def day(value: Any) -> str:
        return "never" if pd.isna(value) else day_text(value)

    return [
        {
            "objective": row["objective"],
            "finding": _FINDINGS[row["finding"]],
            "spent in the last periods": f"{row['spent']} %" if row["spent"] else NO_VALUE,
            "at or above target": ratio_text(row["score"], digits=1),
            "reviewed": day(row["reviewed"]),
            "question": row["question"],
        }
        for row in result.frame.to_dict(orient="records")
    ]
