"""Text made to crash, hang or confuse: it is read, or refused with a place; the process lives on."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import textwrap

import pytest

from workbench.core.errors import QueryRejected, QueryTooExpensive
from workbench.core.series import SeriesSet
from workbench.promql import EvaluationLimits, MemoryStore, evaluate_instant, evaluate_range, parse

DEEP = {
    "parentheses": "(" * 3000 + "a" + ")" * 3000,
    "open parentheses": "(" * 8000,
    "calls": "abs(" * 1500 + "a" + ")" * 1500,
    "signs": "-" * 8000 + "a",
    "powers": "a" + "^a" * 3000,
    "sums": "a" + "+a" * 3000,
    "sets": "a" + " or a" * 1500,
    "subqueries": "max_over_time(" * 300 + "a" + "[1m:1s])" * 300,
    "mixed": "(-" * 2000 + "a" + ")" * 2000,
    "braces": "{" * 4000,
    "brackets": "a" + "[" * 4000,
}


HOSTILE = [
    *("\x00", "a\x00b", "a{b='\x00'}", "a{\ud800}", "a{b='\ud800'}", "'\\ud800'", r'a{b="\xff"}', r"'\U00110000'"),
    *("'" + "x" * 8000 + "'", '"' + "x" * 8000, "`" + "x" * 8000, "a" * 8000, "a" + " " * 8000 + "b", "#" * 8000),
    *("1" * 5000, "0x" + "f" * 400, "1e99999999", "." + "0" * 5000 + "1", "1" + "_1" * 2000, "1" + "e1" * 2000),
    *("a @ 9e18", "a @ -9e18", "a @ 1e400", "a @ Inf", "a @ NaN", "a offset Inf", "a offset -NaN", "a offset 1e30"),
    *(
        "a[1e30]",
        "a[Inf]",
        "a[5m:1e30]",
        "a[99999999999999999y]",
        "a offset 99999999999y",
        "a[5m:0s]",
        "a[0s]",
        "a[-5m]",
    ),
    *('a{b=~"' + "(" * 2000 + '"}', 'a{b=~"' + "a?" * 2000 + '"}', 'a{b=~"(((a{100}){100}){100})"}', 'a{b=~"["}'),
    *(
        "a{b='" * 1000,
        '"' * 8001,
        "'\"" * 4000,
        "\\" * 8000,
        "a" + "[5m]" * 1500,
        "a" + "[5m:1m]" * 1000,
        "a or " * 1500,
    ),
    *(
        "sum by (" * 900,
        "topk(" * 1500,
        "a{" * 4000,
        "a," * 4000,
        "=" * 8000,
        "!" * 8000,
        "@" * 8000,
        ":" * 8000,
        "\ufeffa",
    ),
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_read_or_refused_with_its_place(text: str) -> None:
    refusals = []
    try:
        parse(text)
    except QueryRejected as refused:
        refusals.append(refused)
    for refused in refusals:
        assert refused.position is not None or "bytes" in refused.message or "empty" in refused.message
        assert max(map(len, str(refused).splitlines())) < 500


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_evaluated_or_refused(text: str) -> None:
    store = MemoryStore(SeriesSet.of([({"__name__": "a", "b": "1"}, [0, 60_000], [1.0, 2.0])]))
    with contextlib.suppress(QueryRejected, QueryTooExpensive):
        evaluate_instant(text, store, time_ms=60_000)


@pytest.mark.slow
@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_deep_nesting_is_refused_before_the_parser_sees_it(text: str) -> None:
    with pytest.raises(QueryRejected):
        parse(text)


@pytest.mark.slow
def test_hostile_text_never_takes_the_process_down() -> None:
    """The corpus runs in a thread with a small stack in a process of its own; it must end by itself."""
    program = """
        import threading
        from workbench.core.errors import QueryRejected
        from workbench.promql import parse
        corpus = {corpus!r}
        def run():
            for text in corpus:
                try:
                    parse(text)
                except QueryRejected:
                    pass
            print("alive")
        threading.stack_size(512 * 1024)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    """
    corpus = [*DEEP.values(), *HOSTILE, "(" * 190 + "a" + ")" * 190, "-" * 190 + "a", "a" + "^a" * 190]
    code = textwrap.dedent(program).format(corpus=corpus)
    done = subprocess.run([sys.executable, "-"], input=code, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "alive", done.stderr


STORE = MemoryStore(
    SeriesSet.of([({"__name__": "a", "b": str(i)}, range(0, 600_000, 60_000), range(10)) for i in range(5)])
)


@pytest.mark.parametrize(
    ("query", "limits", "words"),
    [
        ("a", EvaluationLimits(max_samples=20), "max_samples = 20"),
        ("sum_over_time(a[5m:1s])", EvaluationLimits(max_samples=1_000), "max_samples = 1,000"),
        ("max_over_time(vector(1)[9y:1ms])", EvaluationLimits(), "max_samples = 150,000,000"),
        ("a", EvaluationLimits(max_series=4), "max_series = 4"),
        ("a * on() group_left() sum(a)", EvaluationLimits(max_series=4), "max_series = 4"),
        ('count_values("v", a)', EvaluationLimits(max_series=5), "max_series = 5"),
        ("sum(a)", EvaluationLimits(max_seconds=0.0), "max_seconds = 0"),
    ],
)
def test_a_limit_is_named_with_what_to_do(query: str, limits: EvaluationLimits, words: str) -> None:
    with pytest.raises(QueryTooExpensive, match=words) as caught:
        evaluate_range(query, STORE, start_ms=0, end_ms=540_000, step_ms=60_000, limits=limits)
    assert caught.value.hint
    assert caught.value.query == query


def test_the_place_of_an_error_is_shown_below_its_own_line() -> None:
    with pytest.raises(QueryRejected) as caught:
        parse("a +\n  b + * c")
    assert str(caught.value).splitlines()[1:3] == ["query:   b + * c", "             ^"]
