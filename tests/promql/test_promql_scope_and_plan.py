"""Scope injection, and which queries can be counted exactly."""

from __future__ import annotations

import pytest

from workbench.core.errors import QueryRejected
from workbench.promql import CounterPlan, counter_plan, scoped


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("up", 'up{system="lab"}'),
        ('rate(a[5m]) / b{system="other"}', 'rate(a{system="lab"}[5m]) / b{system="other"}'),
        ('b{system=~"x|y"}', 'b{system=~"x|y"}'),
        ("sum by (job) (a offset 5m) > 1", 'sum by (job) (a{system="lab"} offset 5m) > 1'),
        ("max_over_time((a - b)[1h:])", 'max_over_time((a{system="lab"} - b{system="lab"})[1h:])'),
        ("quantile(scalar(q), -a)", 'quantile(scalar(q{system="lab"}), -a{system="lab"})'),
        ("vector(1)", "vector(1)"),
    ],
)
def test_every_selector_gets_the_scope_unless_it_matches_the_label(text: str, expected: str) -> None:
    assert scoped(text, {"system": "lab"}) == expected


def test_hostile_scope_values_stay_inside_the_string() -> None:
    assert scoped("a", {"x": '"} or b{y="'}) == 'a{x="\\"} or b{y=\\""}'


def test_an_empty_scope_leaves_the_text_alone() -> None:
    assert scoped("sum( a )", {}) == "sum( a )"


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("a", CounterPlan("a")),
        ("(a)", CounterPlan("a")),
        ("sum(a)", CounterPlan("a", "sum")),
        ('sum by (job, code) ((a{b="c"}))', CounterPlan('a{b="c"}', "sum", by=("job", "code"))),
        ("sum without (pod) (a)", CounterPlan("a", "sum", without=("pod",))),
        ("sum without () (a)", CounterPlan("a", "sum", without=())),
    ],
)
def test_a_sum_of_one_selector_is_counted_exactly(text: str, plan: CounterPlan) -> None:
    assert counter_plan(text) == plan


@pytest.mark.parametrize("text", ["rate(a[5m])", "sum(increase(a[1h]))", "sum(rate(a[5m])) + sum(rate(b[5m]))"])
def test_a_query_with_rates_is_evaluated_as_given(text: str) -> None:
    assert counter_plan(text) is None


@pytest.mark.parametrize("text", ["a + b", "max(a)", "sum(a) - sum(b)", "sum(abs(a))", "a offset 5m", "1", "a[5m]"])
def test_anything_else_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(QueryRejected) as caught:
        counter_plan(text)
    assert caught.value.position is not None
