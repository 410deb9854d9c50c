"""Counters of tokens that hold each other: no token is added twice, whatever a source counts inside what."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest

from tests.analysis.test_cost_amounts import BEGIN, DAY, PERIODS, seen
from workbench.analysis.cost.ledger import Account
from workbench.analysis.cost.spend import spend_groups, spend_totals
from workbench.analysis.cost.token_classes import class_of, settled_classes, token_classes, token_usage
from workbench.analysis.cost.units import unit_costs


def counted(**amounts: str) -> pd.DataFrame:
    """A ledger of one amount a day for four days, by role or by ``role:value`` of a class label."""
    rows = []
    for name, amount in amounts.items():
        role, _, value = name.partition("__")
        role = "tokens" if role == "tokens" else role.replace("_", ".")
        rows += [
            {"role": role, "model": "m", "token_class": value, "start": BEGIN + n * DAY, "end": BEGIN + (n + 1) * DAY}
            | {"amount": Decimal(amount)}
            for n in range(4)
        ]
    return pd.DataFrame(rows).astype({"start": "datetime64[ms, UTC]", "end": "datetime64[ms, UTC]"})


def account(role: str, family: str = "", **keys: object) -> Account:
    return Account(role, role, "tokens", ("model",), family=family, stated=bool(keys), **keys)


def total_of(book: pd.DataFrame, accounts: list[Account]) -> tuple[Decimal, dict[str, Decimal], list[str]]:
    watched = seen(sorted(set(book["role"])), [1.0] * 4)
    ledger, watched, settled, notes = settled_classes(book, watched, accounts)
    totals = spend_totals(ledger, watched, settled, PERIODS)
    classes = token_classes(ledger, watched, settled, PERIODS)
    amounts = dict(zip(classes.frame["token_class"], classes.frame["amount"], strict=True))
    groups = spend_groups(ledger, watched, settled, PERIODS).frame
    model = groups[groups["dimension"] == "model"]["amount"].iloc[0]
    assert model == totals.frame["amount"].iloc[0], "groups add up to the total"
    return totals.frame["amount"].iloc[0], amounts, [*notes, *classes.notes]


GATEWAY = [
    account("tokens.input", "proxy_input_tokens_metric_total"),
    account("tokens.output", "proxy_output_tokens_metric_total"),
    account("tokens.cached", "proxy_cached_tokens_metric_total"),
    account("tokens.total", "proxy_total_tokens_metric_total"),
]
PARTITION = {"uncached_input": Decimal(120), "cache_read": Decimal(80), "visible_output": Decimal(60)}


def test_four_drafted_counters_that_say_nothing_are_input_and_output_once():
    book = counted(tokens_input="100", tokens_output="30", tokens_cached="40", tokens_total="130")
    amount, classes, notes = total_of(book, GATEWAY)
    assert amount == Decimal(260), "and not 600"
    assert classes == PARTITION
    assert any("sum of input and output" in note for note in notes)


@pytest.mark.slow
def test_a_total_shows_that_the_parts_stand_beside_their_whole():
    book = counted(tokens_input="60", tokens_output="30", tokens_cached="40", tokens_total="130")
    amount, classes, _ = total_of(book, GATEWAY)
    assert amount == Decimal(260)
    assert classes == PARTITION


@pytest.mark.slow
def test_keys_of_the_profile_are_never_overruled():
    stated = [
        account("tokens.input", token_class="input"),
        account("tokens.output", token_class="output"),
        account("tokens.cached", token_class="cache_read", inside="tokens.input"),
        account("tokens.total", token_class="total", view_of="tokens.input", view_with=("tokens.output",)),
    ]
    book = counted(tokens_input="100", tokens_output="30", tokens_cached="40", tokens_total="130")
    assert total_of(book, stated) == (Decimal(260), PARTITION, [])
    beside = [*stated[:2], account("tokens.cached", token_class="cache_read")]
    assert total_of(book[book["role"] != "tokens.total"], beside)[0] == Decimal(340)


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ({"prompt": "100", "completion": "30", "cached": "40"}, 260),
        ({"input": "100", "output": "30", "total": "130"}, 260),
        ({"input": "60", "output": "30", "cacheRead": "30", "cacheCreation": "10"}, 260),
        ({"input": "20", "output": "30", "cached": "80"}, 260),
        ({"input": "100", "output": "30", "reasoning": "20"}, 260),
        ({"input": "100", "output": "30"}, 260),
    ],
)
def test_values_of_one_label_are_added_once(amounts: dict[str, str], expected: int):
    book = counted(**{f"tokens__{value}": amount for value, amount in amounts.items()})
    tokens = Account("tokens", "Tokens", "tokens", ("model", "token_class"))
    amount, classes, _ = total_of(book, [tokens])
    assert amount == expected
    assert sum(classes.values()) == expected


def test_what_a_profile_says_of_values_counts():
    tokens = Account("tokens", "Tokens", "tokens", ("model", "token_class"))
    book = counted(tokens__input="100", tokens__cached="40", tokens__output="30")
    inside = replace(tokens, parts=(("cached", "input"),))
    assert total_of(book, [inside]) == (Decimal(260), PARTITION, [])
    beside = replace(tokens, parts=(("cached", "apart"),))
    amount, classes, notes = total_of(book, [beside])
    assert amount == sum(classes.values()) == Decimal(340)
    assert notes == []


def test_a_part_larger_than_its_whole_is_an_error_of_the_data_and_is_not_cut():
    stated = [
        account("tokens.input", token_class="input"),
        account("tokens.cached", token_class="cache_read", inside="tokens.input"),
    ]
    book = counted(tokens_input="10", tokens_cached="40")
    usage, notes = token_usage(book, stated)
    assert "larger than their whole" in notes[0]
    rest = usage.loc[usage["token_class"] == "uncached_input", "amount"]
    assert rest.tolist() == [Decimal(-30)] * 4


def test_a_thousand_tokens_have_one_cost_and_spend_without_tokens_is_named():
    book = counted(tokens_input="100", tokens_output="30", tokens_cached="40", tokens_total="130", cost="2")
    images = counted(cost="1").assign(model="pictures")
    book = pd.concat([book, images], ignore_index=True)
    ledger, watched, settled, _ = settled_classes(
        book, seen(sorted(set(book["role"])), [1.0] * 4), [*GATEWAY, Account("cost", "Spend", "USD", ("model",))]
    )
    result = unit_costs(ledger, watched, settled, PERIODS)
    (row,) = result.frame.itertuples()
    assert (row.per, row.cost, row.count) == ("1,000 tokens", Decimal(4), Decimal(260))
    assert result.notes == (
        "2.00 of 6.00 USD was spent on what has no tokens (such as images or storage); it is not in the spend per "
        "1,000 tokens.",
    )


def test_words_of_many_systems_name_their_class():
    words = {
        "prompt_tokens": "input",
        "gen_ai_token_type_output": "output",
        "cached_content_token_count": "cache_read",
        "cache_creation_input_tokens": "cache_write",
        "cache-write-1h": "cache_write_1h",
        "thoughts_token_count": "reasoning",
        "input_audio_tokens": "audio_input",
        "output_image_tokens": "image_output",
        "vllm:generation_tokens_total": "output",
        "tokens": "",
        "total": "total",
    }
    assert {word: class_of(word) for word in words} == words
