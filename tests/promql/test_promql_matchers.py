"""Label matchers: whole values, RE2, distinct values tried once."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import QueryRejected
from workbench.promql import Matcher, keep_series


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        ("5..", "503", True),
        ("5..", "5033", False),
        ("a|b", "b", True),
        ("a|b", "ab", False),
        ("", "", True),
        ("", "x", False),
        ("a.c", "a\nc", True),
        ("(?i:prod).*", "PRODUCTION", True),
        ("((?i)pro)d", "PROd", True),
        (r"\d+", "٣", False),
        (r"\pL+", "ü", True),
        ("[[:alpha:]]+", "abc", True),
        (r"a\.b", "axb", False),
        ("x$", "x\n", False),
    ],
)
def test_a_pattern_matches_whole_values_as_re2_does(pattern: str, value: str, matches: bool) -> None:
    assert Matcher("l", "=~", pattern).accepts(value) is matches
    assert Matcher("l", "!~", pattern).accepts(value) is not matches


@pytest.mark.parametrize("pattern", ["(?=x)", "(?!x)", "(?<=x)y", r"(a)\1", "(", "a**", "[b-a]", "a{1001}", "(?P=n)"])
def test_what_is_not_re2_is_refused(pattern: str) -> None:
    with pytest.raises(QueryRejected, match="regular expression"):
        Matcher("l", "=~", pattern).accepts("x")


def test_nested_repetition_takes_linear_time() -> None:
    assert not Matcher("l", "=~", "(a*)*(b*)*c").accepts("a" * 5_000)


def test_an_absent_label_is_the_empty_value() -> None:
    labels = [{"a": "1"}, {"b": "2"}, {}]
    assert keep_series([Matcher("a", "=", "")], labels).tolist() == [1, 2]
    assert keep_series([Matcher("a", "!=", "")], labels).tolist() == [0]
    assert keep_series([Matcher("a", "=~", ".*"), Matcher("b", "!~", ".+")], labels).tolist() == [0, 2]


WORDS = st.lists(st.text("abc5", max_size=4), max_size=20)


@given(WORDS, st.sampled_from(["a|b", "a.*", "(a|5)+", "[^c]*", "b?"]))
def test_simple_patterns_agree_with_full_matches_of_python(values: list[str], pattern: str) -> None:
    expected = [re.fullmatch(pattern, value) is not None for value in values]
    assert Matcher("l", "=~", pattern).keep(values).tolist() == expected
