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


def test_the_legend_of_a_group_is_plain_although_its_first_day_is_hatched():
    frame = pd.DataFrame(
        [
            {"measure": "cost", "unit": "USD", "dimension": "provider", "group": "openai", "day": f"2026-11-2{day}",
             "amount": Decimal(1), "covered": 1.0, "whole": day > 3}
            for day in (3, 4)
        ]
    )  # fmt: skip
    bars, legend = daily_figure(DailySpend(frame, zone="UTC")).data
    assert list(bars.marker.pattern.shape) == ["/", ""]
    assert (bars.showlegend, legend.showlegend) == (False, True)
    assert legend.marker.pattern.shape is None
    assert (legend.name, legend.legendgroup, legend.marker.color) == (bars.name, bars.legendgroup, bars.marker.color)
