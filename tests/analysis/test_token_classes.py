"""Token classes inside each other are counted once where the profile says so, and asked about where it does not."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.cost.ledger import Account
from workbench.analysis.cost.token_classes import counted_once, doubtful_classes
from workbench.analysis.counting.amounts import AMOUNT

ACCOUNT = Account("tokens", "Tokens", "tokens", ("model", "token_class"))


def ledger(rows: list[tuple[str, str, str, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["role", "model", "token_class", "amount"])
    return frame.assign(amount=pd.Series([Decimal(n) for n in frame["amount"]], dtype=pd.ArrowDtype(AMOUNT)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 10**9), st.integers(0, 100), st.integers(0, 10**6)),
                min_size=1, max_size=5))  # fmt: skip
def test_the_classes_add_up_to_what_was_used(requests) -> None:
    rows, used, cached = [], 0, 0
    for model, size, share, answer in requests:
        part = size * share // 100
        rows += [("tokens", model, "input", size), ("tokens", model, "input_cached", part),
                 ("tokens", model, "output", answer), ("requests", model, "", 1)]  # fmt: skip
        used, cached = used + size + answer, cached + part
    once = counted_once(ledger(rows), "tokens", {"input_cached": "input"})
    mine = once[once["role"] == "tokens"]
    assert sum(mine["amount"]) == used
    assert sum(mine[mine["token_class"] == "input_cached"]["amount"]) == cached
    assert all(sum(part["amount"]) >= 0 for _, part in mine.groupby(["model", "token_class"], observed=True))
    assert sum(once[once["role"] == "requests"]["amount"]) == len(requests)


def test_a_class_that_may_lie_inside_another_is_asked_about_with_both_totals() -> None:
    rows = [("tokens", "a", "prompt", 100), ("tokens", "a", "cache_read", 80), ("tokens", "a", "completion", 7)]
    (asked,) = doubtful_classes(ledger(rows), [ACCOUNT], {})
    assert "187 in all" in asked
    assert "it is 107: write classes: {cache_read: prompt} under the role tokens" in asked
    for known in ({"cache_read": "prompt"}, {"cache_read": "apart"}):
        assert doubtful_classes(ledger(rows), [ACCOUNT], {"tokens": known}) == ()
    assert doubtful_classes(ledger(rows[::2]), [ACCOUNT], {}) == ()
    more = [("tokens", "a", "input", 10), ("tokens", "a", "input_cached", 80)]
    assert doubtful_classes(ledger(more), [ACCOUNT], {}) == ()  # more than the input cannot lie inside it
