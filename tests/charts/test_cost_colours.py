"""One group has one colour, in the figure of money and in that of tokens beside it."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from workbench.analysis.cost.spend import DailySpend
from workbench.charts.cost.figures import daily_figure


def test_a_group_has_one_colour_in_money_and_in_tokens():
    amounts = [("cost", "USD", "anthropic", 9), ("cost", "USD", "openai", 1),
               ("tokens", "tokens", "openai", 7), ("tokens", "tokens", "anthropic", 5)]  # fmt: skip
    frame = pd.DataFrame(
        [
            {"measure": measure, "unit": unit, "dimension": "provider", "group": group, "day": "2026-11-23",
             "amount": Decimal(amount), "covered": 1.0, "whole": True}
            for measure, unit, group, amount in amounts
        ]
    )  # fmt: skip
    days = DailySpend(frame, zone="UTC")
    figures = [daily_figure(days, measure) for measure in ("cost", "tokens")]
    money, tokens = ({bar.name: bar.marker.color for bar in figure.data} for figure in figures)
    assert money == tokens
