"""The engine on small hand-made samples: semantics, errors, limits and notes that a reader can check by eye."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from workbench.core.errors import ParameterError, QueryRejected, QueryTooExpensive
from workbench.core.series import STALE, Metrics, SeriesSet
from workbench.promql import EvaluationLimits, Matcher, MemoryStore, evaluate_instant, evaluate_range

MINUTE = 60_000


def store(*series: tuple[str, Sequence[float | None]], step_ms: int = MINUTE) -> MemoryStore:
    """Series written as ``("name,label=value", values)``, one value a step from 0; None is a missed scrape."""
    triples = []
    for text, values in series:
        name, *pairs = text.split(",")
        labels = {"__name__": name} | dict(pair.split("=") for pair in pairs)
        kept = [(step * step_ms, value) for step, value in enumerate(values) if value is not None]
        triples.append((labels, [time for time, _ in kept], [value for _, value in kept]))
    return MemoryStore(SeriesSet.of(triples))


def ask(text: str, samples: MemoryStore, minutes: float, **options: Any) -> dict[str, float]:
    """Answer at one time, by the labels written ``a=1,b=2``."""
    answer = evaluate_instant(text, samples, time_ms=int(minutes * MINUTE), **options)
    return {named(labels): float(row[0]) for labels, row in zip(answer.labels, answer.values, strict=True)}


def named(labels: Any) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))


def test_a_sample_counts_for_the_lookback_and_no_longer() -> None:
    samples = store(("up", [1.0]))
    assert ask("up", samples, 4.999) == {"__name__=up": 1.0}
    assert ask("up", samples, 5) == {}
    assert ask("up", samples, 5, semantics="v2") == {"__name__=up": 1.0}
    assert ask("up", samples, 1, lookback_ms=MINUTE) == {}


def test_a_stale_mark_ends_a_series_at_once_and_is_no_value() -> None:
    samples = store(("up", [1.0, STALE, None, float("nan")]))
    assert ask("up", samples, 1) == {}
    assert ask("count_over_time(up[10m])", samples, 3) == {"": 2.0}
    assert np.isnan(ask("up", samples, 3)["__name__=up"])


def test_prometheus_3_opens_ranges_on_the_left() -> None:
    samples = store(("hits_total", range(20)))
    assert ask("count_over_time(hits_total[5m])", samples, 10) == {"": 5.0}
    assert ask("count_over_time(hits_total[5m])", samples, 10, semantics="v2") == {"": 6.0}


def test_the_zero_cut_off_comes_after_the_gap_rule_in_prometheus_3_and_before_it_in_2() -> None:
    samples = store(("hits_total", [None, None, None, 1.0, 11.0, 21.0]))
    # First sample 1 at 3 min, slope 10 a minute: zero lies 0.1 min before it, half a gap 0.5 min before it.
    assert ask("increase(hits_total[5m])", samples, 5) == {"": pytest.approx(20 * (2 + 0.1) / 2)}
    assert ask("increase(hits_total[5m])", samples, 5, semantics="v2") == {"": pytest.approx(20 * (2 + 0.1) / 2)}
    samples = store(("hits_total", [None, None, None, 19.0, 29.0, 39.0]))
    # Zero lies 1.9 gaps before the first sample: v3 has already settled on half a gap, v2 compares 1.9 with 1.1 gaps.
    assert ask("increase(hits_total[5m])", samples, 5) == {"": pytest.approx(20 * (2 + 0.5) / 2)}
    assert ask("increase(hits_total[5m])", samples, 5, semantics="v2") == {"": pytest.approx(20 * (2 + 0.5) / 2)}
    samples = store(("hits_total", [None, None, None, 8.0, 18.0, 28.0]))
    assert ask("increase(hits_total[5m])", samples, 5) == {"": pytest.approx(20 * (2 + 0.5) / 2)}
    assert ask("increase(hits_total[5m])", samples, 5, semantics="v2") == {"": pytest.approx(20 * (2 + 0.8) / 2)}


def test_resets_of_a_counter_are_added_back() -> None:
    samples = store(("hits_total", [0, 5, 10, 3, 6, 1, 2]))
    assert ask("increase(hits_total[7m])", samples, 6)[""] == pytest.approx(2 + 10 + 6)
    assert ask("resets(hits_total[7m])", samples, 6) == {"": 2.0}
    assert ask("irate(hits_total[7m])", samples, 5) == {"": 1 / 60}


def test_offsets_point_both_ways_and_at_fixes_the_time() -> None:
    samples = store(("x", range(60)))
    assert ask("x offset 10m", samples, 30) == {"__name__=x": 20.0}
    assert ask("x offset -10m", samples, 30) == {"__name__=x": 40.0}
    assert ask("x @ 600", samples, 30) == {"__name__=x": 10.0}
    assert ask("x @ 600 offset 5m", samples, 30) == {"__name__=x": 5.0}
    answer = evaluate_range("x - x @ start()", samples, start_ms=10 * MINUTE, end_ms=12 * MINUTE, step_ms=MINUTE)
    assert answer.values.tolist() == [[0.0, 1.0, 2.0]]
    answer = evaluate_range("x @ end()", samples, start_ms=10 * MINUTE, end_ms=12 * MINUTE, step_ms=MINUTE)
    assert answer.values.tolist() == [[12.0, 12.0, 12.0]]


def test_subqueries_lie_on_absolute_multiples_of_their_step() -> None:
    samples = store(("x", range(60)))
    assert ask("count_over_time(x[10m:3m])", samples, 30) == {"": 4.0}
    assert ask("max_over_time(x[10m:7m])", samples, 30) == {"": 28.0}
    assert ask("sum_over_time(vector(1)[5m:])", samples, 30) == {"": 5.0}
    assert ask("sum_over_time(vector(1)[5m:])", samples, 30, semantics="v2") == {"": 6.0}
    assert ask("sum_over_time(vector(1)[5m:])", samples, 30, subquery_step_ms=30_000) == {"": 10.0}


def test_a_range_selector_gives_its_samples_to_an_instant_query_only() -> None:
    samples = store(("x,i=1", range(10)), ("x,i=2", [None, *range(9)]))
    answer = evaluate_instant("x[2m]", samples, time_ms=5 * MINUTE)
    assert answer.times.tolist() == [4 * MINUTE, 5 * MINUTE]
    assert answer.values.tolist() == [[4.0, 5.0], [3.0, 4.0]]
    with pytest.raises(QueryRejected, match="range vector"):
        evaluate_range("x[2m]", samples, start_ms=0, end_ms=1, step_ms=1)


def test_missing_points_are_masked_and_nan_is_a_value() -> None:
    samples = store(("x", [1.0, float("nan"), STALE, 4.0]))
    answer = evaluate_range("x * 2", samples, start_ms=0, end_ms=3 * MINUTE, step_ms=MINUTE)
    assert answer.present.tolist() == [[True, True, False, True]]
    assert np.isnan(answer.values[0, 1:3]).all()


VECTORS = store(
    ("req,code=200,job=a", [10]),
    ("req,code=500,job=a", [5]),
    ("req,code=200,job=b", [20]),
    ("limit,job=a", [100]),
    ("limit,job=b", [200]),
    ("quota,job=a", [300]),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('req{code="500"} / on(job) limit', {"job=a": 0.05}),
        ("req / on(job) group_left limit", {"code=200,job=a": 0.1, "code=500,job=a": 0.05, "code=200,job=b": 0.1}),
        ('req{code="200"} > on(job) req{code="500"}', {"job=a": 10.0}),
        ('req{code="200"} > bool ignoring(code) req{code="500"}', {"job=a": 1.0}),
        ("100 < limit", {"__name__=limit,job=b": 200.0}),
        ("limit and on(job) req{code='500'}", {"__name__=limit,job=a": 100.0}),
        ("limit unless on(job) req{code='500'}", {"__name__=limit,job=b": 200.0}),
        ("topk(1, req)", {"__name__=req,code=200,job=b": 20.0}),
        ("bottomk by (job) (1, req)", {"__name__=req,code=500,job=a": 5.0, "__name__=req,code=200,job=b": 20.0}),
        ("count_values('n', limit > bool 100)", {"n=0": 1.0, "n=1": 1.0}),
        ("quantile by (job) (0.5, req)", {"job=a": 7.5, "job=b": 20.0}),
        ("absent(nothing{job='x', code=~'5..'})", {"job=x": 1.0}),
        ("label_replace(limit, 'to', '<$1>', 'job', '(.*)') * 0", {"job=a,to=<a>": 0.0, "job=b,to=<b>": 0.0}),
        ("scalar(limit{job='a'}) + 1", {"": 101.0}),
    ],
)
def test_operators_and_functions_of_vectors(text: str, expected: dict[str, float]) -> None:
    assert ask(text, VECTORS, 0) == expected


@pytest.mark.parametrize(
    ("text", "words", "position"),
    [
        ("limit * on(job) req", 'found duplicate series for the match group {job="a"} on the right hand-side', 6),
        ("req * on(job) limit", "many-to-one matching must be explicit (group_left/group_right)", 4),
        ("req * on() group_left(job) limit", "many-to-many matching not allowed", 4),
        ("req * on(job) group_left(code) limit", "grouping labels must ensure unique matches", 4),
        ("-{__name__=~'limit|quota'}", "vector cannot contain metrics with the same labelset", 0),
        ("abs({__name__=~'limit|quota'})", "vector cannot contain metrics with the same labelset", 0),
        ("label_replace(req, 'x', '$1', 'job', '(')", "regular expression", 37),
        ("topk(NaN, req)", "overflows int64", 5),
        ("info(req)", "info() is experimental", 0),
        ("limitk(1, req)", "experimental", 0),
        ("sort_by_label(req, 'job')", "sort_by_label() is experimental", 0),
        ("'text'", "string", 0),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_reason_and_place(text: str, words: str, position: int) -> None:
    with pytest.raises(QueryRejected) as caught:
        ask(text, VECTORS, 1)
    assert words in caught.value.message
    assert caught.value.position == position
    assert caught.value.query == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r'label_replace(limit, "x", "\xff", "job", ".*")', r'invalid UTF-8 in "\xff"'),
        (r'label_replace(limit, "\xff", "a", "job", ".*")', r"invalid destination label name in label_replace(): \xff"),
        (r'label_join(limit, "x", "-", "a\xc5z")', r'invalid UTF-8 in "a\xc5z"'),
        (r'count_values("a\xc5z", limit)', r'invalid label name "a\xc5z"'),
    ],
)
def test_strings_that_are_not_utf_8_are_refused_and_shown_escaped(text: str, words: str) -> None:
    with pytest.raises(QueryRejected) as caught:
        ask(text, VECTORS, 0)
    assert words in caught.value.message
    assert str(caught.value).encode()


@pytest.mark.parametrize(
    ("template", "pattern", "expected"),
    [
        ("$1$$ ${1}", "(a)", "a$ a"),
        ("${n}-$n-$nx", "(?P<n>a)", "a-a-"),
        (r"\\1 $2", "(a)", r"\1 "),
        ("$1x", "(a)", ""),
    ],
)
def test_templates_expand_as_in_go(template: str, pattern: str, expected: str) -> None:
    answer = evaluate_instant(f'label_replace(quota, "to", "{template}", "job", "{pattern}")', VECTORS, time_ms=0)
    assert answer.labels[0].get("to", "") == expected


def test_experimental_functions_are_evaluated_on_request() -> None:
    assert ask("limitk(1, limit)", VECTORS, 0, experimental=True) == {"__name__=limit,job=a": 100.0}


def test_matching_is_checked_step_by_step() -> None:
    moved = store(("a,job=x", [1, 1, None]), ("b,job=x,pod=1", [2, STALE]), ("b,job=x,pod=2", [None, 3, 3]))
    answer = evaluate_range("a * on(job) b", moved, start_ms=0, end_ms=MINUTE, step_ms=MINUTE)
    assert answer.values.tolist() == [[2.0, 3.0]]


BUCKETS = store(
    ("h_bucket,le=1", [10]), ("h_bucket,le=2.0", [20]), ("h_bucket,le=4e0", [20]), ("h_bucket,le=+Inf", [25])
)


def test_quantiles_of_classic_histograms_are_linear_inside_a_bucket() -> None:
    assert ask("histogram_quantile(0.6, h_bucket)", BUCKETS, 0) == {"": 1.5}
    assert ask("histogram_quantile(0.9, h_bucket)", BUCKETS, 0) == {"": 4.0}
    assert ask("histogram_quantile(0.2, h_bucket)", BUCKETS, 0) == {"": 0.5}
    assert ask("histogram_fraction(1, 1.5, h_bucket)", BUCKETS, 0) == {"": 0.2}


def notes(answer: Metrics) -> list[str]:
    return [*answer.meta["warnings"], *answer.meta["infos"]]


NOT_A_COUNTER = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket"
BAD_BUCKET = 'bucket label "le" is missing or has a malformed value of ""'


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("sum(rate(h[5m]))", f'PromQL info: {NOT_A_COUNTER}: "h" (1:10)'),
        ("quantile(2, h)", "PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)"),
        ("histogram_quantile(NaN, h)", "PromQL warning: quantile value should be between 0 and 1, got NaN (1:20)"),
        ("histogram_quantile(0.5, h)", f'PromQL warning: {BAD_BUCKET} for metric name "h" (1:25)'),
    ],
)
def test_odd_input_is_noted_with_its_place(text: str, note: str) -> None:
    assert note in notes(evaluate_instant(text, store(("h", [1, 2])), time_ms=MINUTE))


def test_buckets_that_fall_are_mended_and_said() -> None:
    samples = store(("h_bucket,le=1", [10]), ("h_bucket,le=2", [5]), ("h_bucket,le=+Inf", [20]))
    answer = evaluate_instant("histogram_quantile(0.25, h_bucket)", samples, time_ms=0)
    assert answer.values.tolist() == [[0.5]]
    assert "monotonicity" in answer.meta["infos"][0]


def test_the_answer_says_how_it_was_made() -> None:
    answer = evaluate_range("x", store(("x", [1])), start_ms=0, end_ms=MINUTE, step_ms=MINUTE, semantics="v2")
    assert answer.meta["engine"] == "workbench"
    assert (answer.meta["query"], answer.meta["semantics"], answer.meta["step_ms"]) == ("x", "v2", MINUTE)


def test_series_of_a_range_answer_are_sorted_and_ranks_of_an_instant_answer_kept() -> None:
    answer = evaluate_range("req", VECTORS, start_ms=0, end_ms=0, step_ms=1)
    assert [labels["code"] + labels["job"] for labels in answer.labels] == ["200a", "200b", "500a"]
    assert list(ask("sort_desc(req)", VECTORS, 0).values()) == [20.0, 10.0, 5.0]
    assert list(ask("topk(2, req)", VECTORS, 0).values()) == [20.0, 10.0]


@pytest.mark.parametrize(
    ("limits", "word"),
    [
        (EvaluationLimits(max_samples=10), "max_samples = 10"),
        (EvaluationLimits(max_series=2), "max_series = 2"),
        (EvaluationLimits(max_seconds=0.0), "max_seconds = 0"),
    ],
)
def test_a_limit_is_named_with_the_way_out(limits: EvaluationLimits, word: str) -> None:
    samples = store(*((f"x,i={i}", range(10)) for i in range(3)))
    with pytest.raises(QueryTooExpensive, match=word) as caught:
        evaluate_range("rate(x[5m])", samples, start_ms=0, end_ms=9 * MINUTE, step_ms=MINUTE, limits=limits)
    assert caught.value.hint


def test_endless_ranges_are_refused_before_memory_is_taken() -> None:
    with pytest.raises(QueryTooExpensive):
        evaluate_range("up", store(("up", [1])), start_ms=0, end_ms=10**15, step_ms=1)
    with pytest.raises(QueryTooExpensive):
        ask("max_over_time(vector(1)[100000d:1ms])", store(("up", [1])), 0)
    with pytest.raises(ParameterError):
        evaluate_range("up", store(("up", [1])), start_ms=0, end_ms=10, step_ms=0)


def test_operations_that_multiply_series_are_charged_before_memory_is_taken() -> None:
    noisy = store(*((f"x,i={i}", np.random.default_rng(i).random(60)) for i in range(20)))
    limits = EvaluationLimits(max_samples=10_000)
    with pytest.raises(QueryTooExpensive):
        evaluate_range("count_values('v', x)", noisy, start_ms=0, end_ms=59 * MINUTE, step_ms=MINUTE, limits=limits)
    churned = store(*((f"x,i={i}", [None] * i + [1.0, STALE]) for i in range(50)))
    with pytest.raises(QueryTooExpensive):
        evaluate_range(
            "x * on() group_left() x", churned, start_ms=0, end_ms=60 * MINUTE, step_ms=MINUTE, limits=limits
        )


def test_the_store_is_asked_once_for_each_distinct_selection() -> None:
    asked = []

    class Counting(MemoryStore):
        def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, marks: bool = True) -> SeriesSet:
            asked.append((tuple(matchers), start_ms, end_ms, marks))
            return super().select(matchers, start_ms, end_ms, marks=marks)

    counting = Counting(VECTORS.samples)
    evaluate_range("req / req + req offset 5m", counting, start_ms=0, end_ms=MINUTE, step_ms=MINUTE)
    assert len(asked) == len(set(asked)) == 2


def test_averages_keep_the_last_digits_of_the_release_they_stand_for() -> None:
    samples = store(("x", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]))
    mean = 0.0
    for count, value in enumerate([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], start=1):
        mean += value / count - mean / count
    assert ask("avg_over_time(x[6m])", samples, 6, semantics="v2")[""] == pytest.approx(mean, rel=1e-15)
    assert ask("avg_over_time(x[7m])", samples, 6) == {"": pytest.approx(0.4, rel=1e-15)}


def test_limit_ratio_takes_the_series_that_prometheus_takes() -> None:
    """Picked by Prometheus 3.5.3 with its feature flag; long values have another length prefix."""
    many = [{"__name__": "many", "i": str(i), "kind": "é" * (i % 3)} for i in range(40)]
    long = [{"__name__": "long", "x": "v" * size} for size in (5, 120, 130, 200, 254, 255, 256, 400)]
    store = MemoryStore(SeriesSet.of([(labels, [0], [1.0]) for labels in [*many, *long]]))

    def taken(ratio: float, name: str, label: str) -> set[str]:
        answer = evaluate_instant(f"limit_ratio({ratio}, {name})", store, time_ms=0, experimental=True)
        return {labels[label] for labels in answer.labels}

    assert taken(0.1, "many", "i") == {"1", "16", "21", "29", "36"}
    assert {len(text) for text in taken(0.5, "long", "x")} == {5, 120, 130, 200, 255, 256}
    assert taken(0.1, "many", "i") | taken(-0.9, "many", "i") == {str(i) for i in range(40)}
    assert not taken(0.1, "many", "i") & taken(-0.9, "many", "i")


def test_buckets_of_several_quantiles_are_evaluated_once_and_what_is_said_of_them_each_time() -> None:
    names = [f"{metric},le={le}" for metric in ("d_bucket", "odd") for le in ("1", "5", "+Inf")]
    rows = [(name, [float(n * (place + 1)) for n in range(30)]) for place, name in enumerate(names)]
    samples, known = store(*rows), {}

    class Counting(MemoryStore):
        asked = 0

        def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, marks: bool = True) -> SeriesSet:
            Counting.asked += 1
            return super().select(matchers, start_ms, end_ms, marks=marks)

    for metric, times in (("d_bucket", 1), ("odd", 2)):  # the name of the other is no counter's, and each query says so
        Counting.asked = 0
        for q in (0.5, 0.9):
            query = f"histogram_quantile({q}, sum by (le) (rate({metric}[5m])))"
            span = {"start_ms": 10 * MINUTE, "end_ms": 20 * MINUTE, "step_ms": MINUTE}
            given = evaluate_range(query, Counting(samples.samples), **span, known=known)
            alone = evaluate_range(query, samples, **span)
            assert given.values.tolist() == alone.values.tolist()
            assert (given.meta["warnings"], given.meta["infos"]) == (alone.meta["warnings"], alone.meta["infos"])
        assert Counting.asked == times
    assert len(known) == 1
    with pytest.raises(QueryTooExpensive, match="max_samples"):
        evaluate_range(query.replace("odd", "d_bucket"), samples, **span, known=known, limits=EvaluationLimits(50))
