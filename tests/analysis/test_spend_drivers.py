"""Why spend moved: golden decompositions, identities to the last digit, and the sentence that names the cause."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.test_cost_amounts import ACCOUNTS, BOOK, PERIODS, SEEN
from workbench.analysis.cost.drivers import Item, cause_sentence, effects, spend_drivers
from workbench.charts.cost.figures import drivers_figure

SERVEGEN = Path(__file__).parents[3] / "shared" / "datasets" / "servegen" / "hourly_by_client.parquet"


def sums(before: list[Item], now: list[Item]) -> dict[str, Decimal]:
    split = effects(before, now)
    return {effect: sum(parts.values(), Decimal(0)) for effect, parts in split.items() if parts}


def test_price_volume_and_mix_are_the_published_example():
    before = [Item(("A",), Decimal(1000), Decimal(100)), Item(("B",), Decimal(200), Decimal(100))]
    now = [Item(("A",), Decimal(640), Decimal(80)), Item(("B",), Decimal(550), Decimal(220))]
    assert sums(before, now) == {"volume": 600, "mix": -560, "price": -50}


def test_two_weeks_of_real_clients_are_split_to_the_cent(omit):
    if not SERVEGEN.exists():
        omit("datasets/servegen is not beside this clone")
    hours = pd.read_parquet(SERVEGEN).query("pool == 'language/m-large'").dropna(subset=["mean_input_tokens"])
    weeks = []
    for week in (0, 1):
        rows = hours[hours["hour"] // 168 == week]
        used = pd.DataFrame(
            {
                "requests": rows["requests"],
                "input": rows["requests"] * rows["mean_input_tokens"],
                "output": rows["requests"] * rows["mean_output_tokens"],
            }
        )
        weeks.append(
            [item(str(name), row) for name, row in used.groupby(rows["client"]).sum().iterrows() if row.requests]
        )
    cents = {effect: round(amount, 2) for effect, amount in sums(*weeks).items()}
    assert cents == {
        "volume": Decimal("-69316.57"),
        "mix": Decimal("-664.57"),
        "tokens_per_request": Decimal("-45494.11"),
        "new": Decimal("19437.73"),
        "retired": Decimal("-2996.82"),
    }
    assert round(sum(sums(*weeks).values()), 2) == Decimal("-99034.34")


def item(name: str, row: pd.Series) -> Item:
    requests, read, written = (Decimal(repr(float(row[column]))) for column in ("requests", "input", "output"))
    classes = {"input": (read, read * Decimal("3e-6")), "output": (written, written * Decimal("15e-6"))}
    return Item((name,), sum((cost for _, cost in classes.values()), Decimal(0)), read + written, requests, classes)


amounts = st.decimals(0, 10**6, places=6, allow_nan=False)
items = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(amounts, amounts, st.none() | st.integers(0, 10**6)), max_size=6
).map(
    lambda rows: [
        Item((name,), cost, used, None if n is None else Decimal(n)) for name, (cost, used, n) in rows.items()
    ]
)


@given(items, items)
def test_effects_add_up_to_the_change_to_the_last_digit(before: list[Item], now: list[Item]):
    split = effects(before, now)
    change = sum((one.cost for one in now), Decimal(0)) - sum((one.cost for one in before), Decimal(0))
    assert sum((amount for parts in split.values() for amount in parts.values()), Decimal(0)) == change


def test_a_ledger_is_split_and_adds_up_and_the_figure_shows_it():
    result = spend_drivers(BOOK, SEEN, ACCOUNTS, PERIODS)
    (moved,) = result.moved.itertuples()
    assert (moved.before, moved.amount, moved.change) == (Decimal("3.00"), Decimal("5.00"), Decimal("2.00"))
    assert sum(result.frame["amount"]) == Decimal("2.00")
    assert result.labels == ("model",)
    bars = drivers_figure(result).data[0]
    assert bars.y[0] == 3.0
    assert bars.y[-1] == 5.0
    assert sum(bars.y[1:-1]) == pytest.approx(2.0)


def test_a_period_that_was_not_observed_explains_nothing():
    blind = SEEN.assign(covered=0.0)
    result = spend_drivers(BOOK, blind, ACCOUNTS, PERIODS)
    assert result.frame.empty
    assert "was not observed" in result.notes[0]


def test_the_sentence_names_what_left_and_not_who_is_largest():
    before = [
        Item(("anthropic", "opus"), Decimal(6852), Decimal(100)),
        Item(("openai", "gpt-4"), Decimal(1325), Decimal(9)),
    ]
    now = [Item(("anthropic", "opus"), Decimal(6852), Decimal(100))]
    said = cause_sentence(effects(before, now), ("provider", "model"), Decimal(-1325), Decimal(8177), "USD")
    assert said.startswith("Spend fell by 1,325.00 USD (-16.2 %), mostly because")
    assert "left (-1,325.00 USD)" in said
