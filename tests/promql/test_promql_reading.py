"""Reading, refusing and writing back PromQL text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import QueryRejected
from workbench.promql import parse, print_query, selectors
from workbench.promql.parser.lexer import MAX_BYTES, MAX_NESTING
from workbench.promql.parser.nodes import (
    At,
    Binary,
    Call,
    Matching,
    Node,
    Number,
    Paren,
    Selector,
    Subquery,
    Unary,
    walk,
)

NAMES = st.sampled_from(["up", "requests_total", "job:rate:5m", "inf", "by_the_way", "http.requests"])
LABELS = st.sampled_from(["job", "le", "__name__x", "a b", "on"])
VALUES = st.text(alphabet='ab"\\\n\tü{}#', max_size=5)
DURATIONS = st.integers(1, 10**8)
ATS = st.sampled_from([None, At("start"), At("end"), At("time", 1_609_746_000_123), At("time", -5_000)])


def matchers() -> st.SearchStrategy[tuple[object, ...]]:
    from workbench.promql import Matcher

    one = st.builds(Matcher, LABELS, st.sampled_from(["=", "!="]), VALUES)
    return st.lists(one, max_size=3).map(tuple)


SELECTORS = st.builds(Selector, NAMES, matchers(), range_ms=st.none(), offset_ms=st.integers(-(10**6), 10**6), at=ATS)
RANGES = st.builds(Selector, NAMES, matchers(), range_ms=DURATIONS, offset_ms=st.integers(-99, 99), at=ATS)
NUMBERS = st.builds(Number, st.floats(min_value=0, allow_infinity=False, allow_nan=False))


def larger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    labels, fills = st.lists(LABELS, unique=True).map(tuple), st.sampled_from([None, 0.0, -1.5])
    groups = st.builds(Matching, st.booleans(), labels, st.just(""), st.just(()))
    filled = st.builds(Matching, st.booleans(), labels, st.just(""), st.just(()), fills, fills)
    sides = st.builds(
        Matching, st.just(True), st.just(("job",)), st.sampled_from(["left", "right"]), st.sampled_from([(), ("le",)])
    )
    return st.one_of(
        st.builds(
            Binary, st.sampled_from(["+", "-", "*", "/", "%", "^", "atan2"]), inner, inner, st.just(False), filled
        ),
        st.builds(Binary, st.sampled_from(["==", "!=", "<", ">="]), inner, inner, st.booleans(), sides),
        st.builds(Binary, st.sampled_from(["and", "or", "unless"]), inner, inner, st.just(False), groups),
        st.builds(Unary, inner),
        st.builds(Paren, inner),
        st.builds(lambda arg: Call("abs", (arg,)), inner),
        st.builds(
            lambda arg, step: Call("max_over_time", (Subquery(arg, 60_000, step, 1_000, None),)),
            inner,
            st.sampled_from([None, 5_000]),
        ),
    )


TREES = st.recursive(SELECTORS | st.builds(lambda arg: Call("rate", (arg,)), RANGES), larger, max_leaves=6)


def without_parens(node: Node) -> str:
    """Structure of a tree in which parentheses are only what the order of evaluation needs."""
    text = repr(node)
    while "Paren(expr=" in text:
        start = text.index("Paren(expr=")
        depth, at = 1, start + len("Paren(")
        while depth:
            depth += (text[at] == "(") - (text[at] == ")")
            at += 1
        text = text[:start] + text[start + len("Paren(expr=") : at - 1] + text[at:]
    return text


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(TREES)
def test_a_printed_tree_reads_back_as_the_same_operations(tree: Node) -> None:
    if any(bracket in repr(tree) for bracket in ("'(", ")'")):
        return
    again = parse(print_query(tree))
    assert without_parens(again) == without_parens(tree)
    assert parse(print_query(again)) == again


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("sum(rate(x{a='b'}[300s])) by(job)", 'sum by (job) (rate(x{a="b"}[5m]))'),
        ("a + on(x) group_left(y) b", "a + on (x) group_left (y) b"),
        ('{"http.requests", "a b"="c"}', '{__name__="http.requests","a b"="c"}'),
        ("x @ -5 offset -1h30m", "x @ -5.000 offset -1h30m"),
        ("-(a + b) ^ 2", "-(a + b) ^ 2"),
        ("deriv(x[1h:]) > bool 0.5", "deriv(x[1h:]) > bool 0.5"),
        ("1_000 * 0x10 + 5m", "1000 * 16 + 300"),
        ("topk by () (3, x)", "topk(3, x)"),
    ],
)
def test_printing_writes_the_house_form(text: str, printed: str) -> None:
    assert print_query(parse(text)) == printed


def test_every_node_knows_its_place_in_the_text() -> None:
    text = "sum by (x) (rate(a{b='('}[5m] offset -1m)) / on(a) group_left(b) -foo"
    places = {type(node).__name__: node.position for node in walk(parse(text))}
    assert text[places["Aggregate"] :].startswith("sum")
    assert text[places["Call"] :].startswith("rate")
    assert text[places["Binary"] :].startswith("/")
    assert text[places["Unary"] :].startswith("-foo")
    assert [text[s.position :][:3] for s in selectors(parse(text))] == ["a{b", "foo"]


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("foo bar", 4, "unexpected 'bar'"),
        ("a + ", 4, "unexpected end of input"),
        ("sum(a", 3, "unclosed '('"),
        ("a)", 1, "unexpected ')'"),
        ("a{x='1']", 7, "unexpected ']'"),
        ("rate(a)", 0, "expected type range vector in call to function 'rate', got instant vector"),
        ('a{x=~"(?=x)"}', 5, "illegal regex"),
        ('a{x=~"(a)\\\\1"}', 5, "illegal regex"),
        ("sum(foo(a))", 4, "unknown function"),
        ("a + * b", 4, "unexpected '*'"),
        ("1 == 2", 2, "BOOL modifier"),
        ("{}", 0, "non-empty matcher"),
        ("up offset", 9, "unexpected end of input"),
        ('"abc', 0, "unterminated quoted string"),
        ("a § b", 2, "unexpected character"),
        ("holt_winters(a[5m], 0.1, 0.1)", 0, "unknown function"),
        ('a{x="1" or y="2"}', 0, "not PromQL"),
        ("a and fill(0) b", 2, "set operators"),
    ],
)
def test_a_wrong_query_is_refused_with_its_place(text: str, position: int, words: str) -> None:
    with pytest.raises(QueryRejected) as caught:
        parse(text)
    assert caught.value.position == position
    assert words in caught.value.message
    assert caught.value.query == text


def test_the_place_is_said_as_line_and_column() -> None:
    with pytest.raises(QueryRejected, match=r"^2:3: unexpected 'b'"):
        parse("a\n  b")


def test_renamed_functions_are_named_in_the_hint() -> None:
    with pytest.raises(QueryRejected) as caught:
        parse("holt_winters(a[5m], 0.1, 0.1)")
    assert "double_exponential_smoothing" in caught.value.hint


@pytest.mark.parametrize("text", ["", "   ", "# only a comment"])
def test_an_empty_query_is_refused(text: str) -> None:
    with pytest.raises(QueryRejected):
        parse(text)


def test_long_text_is_refused_by_its_size_in_bytes() -> None:
    fits = 'x{a="' + "ü" * ((MAX_BYTES - 7) // 2) + '"}'
    assert len(fits.encode()) <= MAX_BYTES
    parse(fits)
    with pytest.raises(QueryRejected, match="bytes"):
        parse('x{a="' + "ü" * (MAX_BYTES // 2) + '"}')


def test_brackets_in_strings_and_comments_do_not_count_as_nesting() -> None:
    text = 'a{b="' + "(" * (MAX_NESTING + 5) + '"} # ' + "(" * (MAX_NESTING + 5)
    assert isinstance(parse(text), Selector)


def test_a_name_may_begin_with_a_colon_before_a_digit() -> None:
    tree = parse("a + :9 @ -5")
    assert isinstance(tree, Binary)
    assert tree.rhs == Selector(":9", (), None, 0, At("time", -5000))
    assert parse("a[5m:1m]") == parse("a[5m : 1m]")


def test_a_time_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(QueryRejected, match="time out of range"):
        parse("a @ 90005510h")


@pytest.mark.slow
@given(st.text(alphabet="ab(){}[]:,+-*/^=!~<>@ \"'`\\0159.mhs\n#", max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        tree = parse(text)
    except QueryRejected:
        return
    assert parse(print_query(tree)) == tree or "nan" in repr(tree)


@pytest.mark.parametrize("word", ["by", "without"])
def test_labels_without_parentheses_are_shown_how_they_are_written(word) -> None:
    with pytest.raises(QueryRejected, match="stand in parentheses") as caught:
        parse(f"sum(c_total) {word} job")
    assert caught.value.hint == f"Write {word} (job)."
    assert caught.value.position == len(f"sum(c_total) {word} ")
