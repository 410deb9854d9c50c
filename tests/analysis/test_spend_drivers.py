"""Why spend moved: golden decompositions, identities to the last digit, and the sentence that names the cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.test_cost_amounts import ACCOUNTS, BOOK, PERIODS, SEEN
from workbench.analysis.cost.drivers import Item, cause_sentence, effects, spend_drivers
from workbench.analysis.cost.ledger import Account, Periods
from workbench.analysis.cost.prices.table import table_prices
from workbench.charts.cost.figures import drivers_figure
from workbench.core.money import total
from workbench.core.timerange import TimeRange

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


def named(owner: str, model: str, cost: str, tokens: int, requests: int | None = None) -> Item:
    return Item((owner, model), Decimal(cost), Decimal(tokens), None if requests is None else Decimal(requests))


def test_a_switch_of_models_is_the_moved_traffic_at_the_new_cost_less_the_old() -> None:
    before = [named("k1", "large", "100", 1000), named("k2", "small", "10", 1000)]
    now = [named("k1", "small", "12", 1200), named("k2", "small", "10", 1000)]
    split = effects(before, now, ("key", "model"))
    assert split["model_switch"] == {("k1", "large → small"): Decimal("-90")}, "1,000 tokens: 10 now, 100 before"
    assert split["new"] == {("k1", "small"): Decimal(2)}, "200 tokens more than before"
    assert not split["retired"]
    assert not split["volume"]
    said = cause_sentence(split, ("key", "model"), Decimal(-88), Decimal(110), "USD")
    assert said == (
        "Spend fell by 88.00 USD (-80.0 %), mostly because of model switch: a fifth or more of an owner's requests or "
        "tokens moved to another model (most in k1 / large → small) (-90.00 USD)."
    )


def test_a_switch_in_the_middle_of_the_period_leaves_both_models_and_their_growth() -> None:
    before = [named("k1", "old", "300", 3000, 300), named("k1", "new", "10", 100, 100)]
    now = [named("k1", "old", "100", 1000, 100), named("k1", "new", "40", 400, 400)]
    split = effects(before, now, ("key", "model"))
    assert sum(split["model_switch"].values()) == 200 * Decimal("0.1") - 200
    assert sum(split["volume"].values()) + sum(split["mix"].values()) == 10, "100 requests more on the new model"


@pytest.mark.parametrize("labels", [("model",), ("provider", "model")])
def test_without_an_owner_or_below_a_fifth_models_are_a_mix(labels: tuple[str, ...]) -> None:
    before = [Item((*["p"] * (len(labels) - 1), name), Decimal(100), Decimal(100)) for name in ("a", "b")]
    now = [Item(before[0].name, Decimal(180), Decimal(180)), Item(before[1].name, Decimal(20), Decimal(20))]
    assert not effects(before, now, labels)["model_switch"]
    small = [named("k", "a", "100", 100), named("k", "b", "100", 100)]
    moved = [named("k", "a", "130", 130), named("k", "b", "70", 70)]
    assert not effects(small, moved, ("key", "model"))["model_switch"], "30 of 200 is less than a fifth"


def test_a_change_of_the_list_price_is_told_from_the_mix_of_classes() -> None:
    def one(cost: str, input_: tuple[int, str], output: tuple[int, str]) -> Item:
        listed = {"input": (Decimal(input_[0]), Decimal(input_[1])), "output": (Decimal(output[0]), Decimal(output[1]))}
        return Item(("m",), Decimal(cost), Decimal(input_[0] + output[0]), listed=listed)

    cut = effects([one("5", (100, "0.02"), (100, "0.03"))], [one("2.5", (100, "0.01"), (100, "0.015"))])
    assert {name: sum(parts.values()) for name, parts in cut.items() if parts} == {"list_price": Decimal("-2.5")}
    mix = effects([one("5", (100, "0.02"), (100, "0.03"))], [one("6", (0, "0.02"), (200, "0.03"))])
    assert {name: sum(parts.values()) for name, parts in mix.items() if parts} == {"price": Decimal(1)}
    both = effects([one("5", (100, "0.02"), (100, "0.03"))], [one("3", (0, "0.01"), (200, "0.015"))])
    assert {name: sum(parts.values()) for name, parts in both.items() if parts} == {"list_price": -3, "price": 1}


owned = st.dictionaries(
    st.tuples(st.sampled_from("xy"), st.sampled_from("abc")),
    st.tuples(amounts, amounts, st.none() | st.integers(0, 10**6)),
    max_size=6,
).map(
    lambda rows: [Item(name, cost, used, None if n is None else Decimal(n)) for name, (cost, used, n) in rows.items()]
)


@pytest.mark.slow
@given(owned, owned)
def test_effects_with_switches_add_up_to_the_last_digit(before: list[Item], now: list[Item]):
    split = effects(before, now, ("key", "model"))
    change = sum((one.cost for one in now), Decimal(0)) - sum((one.cost for one in before), Decimal(0))
    assert total([amount for parts in split.values() for amount in parts.values()]) == change


@pytest.mark.slow
@given(items, items)
def test_effects_add_up_to_the_change_to_the_last_digit(before: list[Item], now: list[Item]):
    split = effects(before, now)
    change = sum((one.cost for one in now), Decimal(0)) - sum((one.cost for one in before), Decimal(0))
    assert total([amount for parts in split.values() for amount in parts.values()]) == change


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
    assert result.notes == ("By key, spend moved most for vk-1 (+1.40 USD) and vk-2 (+0.50 USD).",)


def test_a_period_that_was_not_observed_explains_nothing():
    blind = SEEN.assign(covered=0.0)
    result = spend_drivers(BOOK, blind, ACCOUNTS, PERIODS)
    assert result.frame.empty
    assert "neither of the two periods was observed" in result.notes[0]


def test_the_sentence_names_what_left_and_not_who_is_largest():
    before = [
        Item(("anthropic", "opus"), Decimal(6852), Decimal(100)),
        Item(("openai", "gpt-4"), Decimal(1325), Decimal(9)),
    ]
    now = [Item(("anthropic", "opus"), Decimal(6852), Decimal(100))]
    said = cause_sentence(effects(before, now), ("provider", "model"), Decimal(-1325), Decimal(8177), "USD")
    assert said.startswith("Spend fell by 1,325.00 USD (-16.2 %), mostly because")
    assert "is no longer used (-1,325.00 USD)" in said


def test_the_list_price_of_a_book_explains_a_cut_in_a_ledger_and_the_rest_stays():
    begin = datetime(2026, 10, 1, tzinfo=UTC)
    days = [begin + timedelta(days=n) for n in range(4)]
    names = {"provider": "openai", "model": "o3", "key": "k"}
    rows = []
    for n, day in enumerate(days):
        spend = Decimal(100) if n < 2 else Decimal(20)
        for role, amount in (
            ("cost", spend),
            ("tokens.input", Decimal(8_000_000)),
            ("tokens.output", Decimal(500_000)),
        ):
            rows.append({"role": role, **names, "start": day, "end": day + timedelta(days=1), "amount": amount})
    accounts = [
        Account("cost", "Spend", "USD", tuple(names)),
        Account("tokens.input", "Input", "tokens", tuple(names), token_class="input"),
        Account("tokens.output", "Output", "tokens", tuple(names), token_class="output"),
    ]
    slices = pd.DataFrame({"start": days, "end": [day + timedelta(days=1) for day in days], "covered": 1.0})
    seen = pd.concat([slices.assign(role=account.role) for account in accounts])
    periods = Periods(TimeRange(days[2], days[2] + timedelta(days=2)), TimeRange(days[0], days[2]))
    table = [
        {"provider": "openai", "model": "o3", "unit": unit, "price": price, **({"since": "2026-10-03"} if cut else {})}
        for unit, price, cut in (("input_tokens", "10", 0), ("input_tokens", "2", 1),
                                 ("output_tokens", "40", 0), ("output_tokens", "8", 1))
    ]  # fmt: skip
    ledger = pd.DataFrame(rows)
    result = spend_drivers(ledger, seen, accounts, periods, table_prices(table))
    assert result.steps("USD")[["effect", "amount"]].values.tolist() == [["list_price", Decimal(-160)]]
    assert "list price" in result.moved["cause"].iloc[0]
    plain = spend_drivers(ledger, seen, accounts, periods)
    assert plain.steps("USD")["effect"].tolist() == ["price"]


def test_spend_that_is_counted_with_nothing_has_a_plain_cause() -> None:
    split = {"unmeasured": {("stability",): Decimal(389), ("openai",): Decimal(251)}}
    said = cause_sentence(split, ("service",), Decimal(640), Decimal(16_000), "USD")
    assert said.endswith("because of spend without tokens or requests (most in stability) (+640.00 USD).")
