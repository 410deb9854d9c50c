"""Answers of recorded and scripted servers become matrices and samples."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from tests.query.served import Asked, Says, error, matrix, recorded, vector
from workbench.core.errors import AnswerUnreadable, EmptyAnswer, QueryRejected, QueryTooExpensive
from workbench.core.frames import check_metrics
from workbench.core.settings import Limits
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, from_ms
from workbench.query import PrometheusSource, require_series

MINUTE = 60_000


def ms_of(text) -> int:
    return int(Fraction(str(text)) * 1000)


def asked_range(fields) -> tuple[TimeRange, int]:
    step = {"1m": "60"}.get(str(fields["step"]), fields["step"])
    return TimeRange.from_ms(ms_of(fields["start"]), ms_of(fields["end"])), ms_of(step)


def replay(serve, name: str) -> tuple[PrometheusSource, dict]:
    request, answer = recorded(name)
    return PrometheusSource("prod", serve(lambda _: answer).url), request["query"]


def grid_server(series: dict[str, tuple[int, int]], **more):
    """A server of made-up series: label ``i`` -> first and last moment it has a value, which is its time in minutes."""

    def answer(asked: Asked) -> Says:
        if asked.path.endswith("/query"):
            return vector(({}, 0, str(len(series))))
        start, end, step = (ms_of(asked.fields[name]) for name in ("start", "end", "step"))
        found = []
        for name, (first, last) in series.items():
            points = [(t / 1000, str(t // MINUTE)) for t in range(start, end + 1, step) if first <= t <= last]
            if points:
                found.append(({"i": name}, points))
        return matrix(*found, **more)

    return answer


@pytest.mark.slow
def test_it_is_a_metric_source() -> None:
    assert isinstance(PrometheusSource("prod", "http://127.0.0.1:9"), MetricSource)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("prometheus3/query_range_matrix", 2),
        ("prometheus3/query_range_gap", 1),
        ("prometheus3/query_range_histogram_quantile", 1),
        ("prometheus3/query_range_scalar", 1),
        ("prometheus3/query_range_stats", 2),
        ("prometheus3/query_range_utf8", 1),
        ("prometheus3/query_range_unaligned", 2),
        ("prometheus3/query_range_gzip", 4),
        ("victoriametrics/query_range_matrix", 2),
        ("victoriametrics/query_range_gap_raw", 1),
        ("victoriametrics/query_range_histogram_quantile", 1),
    ],
)
def test_recorded_ranges_become_metrics(serve, name: str, series: int) -> None:
    source, fields = replay(serve, name)
    span, step = asked_range(fields)
    metrics = source.range(str(fields["query"]), span, step_ms=step)
    assert len(metrics.labels) == series
    assert metrics.times.tolist() == list(range(span.start_ms, span.end_ms + 1, step))
    assert metrics.present.any()
    assert np.isnan(metrics.values[~metrics.present]).all()
    check_metrics(metrics.frame, where=name)


def test_a_gap_is_a_missing_point_and_not_a_value(serve) -> None:
    source, fields = replay(serve, "prometheus3/query_range_gap")
    span, step = asked_range(fields)
    metrics = source.range(fields["query"], span, step_ms=step)
    present = metrics.present[0]
    assert present[0]
    assert present[-1]
    assert 0 < (~present).sum() < len(present)


def test_nan_is_a_value_that_is_present(serve) -> None:
    source, fields = replay(serve, "prometheus3/query_range_nan_inf")
    span, step = asked_range(fields)
    metrics = source.range(fields["query"], span, step_ms=step)
    by_kind = {labels["kind"]: i for i, labels in enumerate(metrics.labels)}
    assert metrics.values[by_kind["inf"]].tolist() == [-math.inf, math.inf, -math.inf, math.inf, -math.inf]
    assert np.isnan(metrics.values[by_kind["nan"]]).all()
    assert metrics.present.all()


def test_victoriametrics_leaves_nan_out_and_we_do_not_invent_it(serve) -> None:
    source, fields = replay(serve, "victoriametrics/query_range_nan_inf")
    span, step = asked_range(fields)
    metrics = source.range(fields["query"], span, step_ms=step)
    assert [labels["kind"] for labels in metrics.labels] == ["inf"]
    assert not metrics.present[0, 0]


def test_names_in_utf8_stay_as_they_are(serve) -> None:
    source, fields = replay(serve, "prometheus3/query_range_utf8")
    span, step = asked_range(fields)
    metrics = source.range(fields["query"], span, step_ms=step)
    assert metrics.labels == ({"__name__": "utf8.metric-name", "label.with.dots": 'x"yé'},)
    assert metrics.values.tolist() == [[0.0, 4.0, 8.0]]


def test_warnings_and_infos_are_kept(serve) -> None:
    source, fields = replay(serve, "prometheus3/query_range_warning_info")
    span, step = asked_range(fields)
    metrics = source.range(fields["query"], span, step_ms=step)
    assert "might not be a counter" in metrics.meta["infos"][0]
    assert metrics.frame.attrs["infos"] == metrics.meta["infos"]
    source, fields = replay(serve, "prometheus3/query_range_limit")
    span, step = asked_range(fields)
    assert source.range(fields["query"], span, step_ms=step).warnings == ("results truncated due to limit",)
    source, fields = replay(serve, "prometheus3/query_range_quantile_warning")
    assert "between 0 and 1" in source.instant(fields["query"], from_ms(ms_of(fields["time"]))).warnings[0]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("prometheus3/query_vector", 2),
        ("prometheus3/query_scalar", 1),
        ("prometheus3/query_empty", 0),
        ("victoriametrics/query_instant_vector", 2),
        ("victoriametrics/query_instant_scalar", 1),
        ("victoriametrics/query_instant_string", 0),
        ("victoriametrics/query_empty", 0),
    ],
)
def test_recorded_instants_have_one_step(serve, name: str, values: int) -> None:
    source, fields = replay(serve, name)
    metrics = source.instant(str(fields["query"]), from_ms(ms_of(fields["time"])))
    assert metrics.values.shape == (values, 1)
    assert metrics.times.tolist() == [ms_of(fields["time"])]
    assert metrics.present.all()


@pytest.mark.parametrize("name", ["prometheus3/query_string", "prometheus3/query_matrix"])
def test_an_instant_that_is_no_number_is_rejected(serve, name: str) -> None:
    source, fields = replay(serve, name)
    with pytest.raises(QueryRejected, match="not one number"):
        source.instant(fields["query"], from_ms(ms_of(fields["time"])))


def test_nothing_found_is_empty_metrics_and_an_error_only_where_asked(serve) -> None:
    source = PrometheusSource("prod", serve(lambda _: matrix()).url)
    metrics = source.range("nope", TimeRange.from_ms(0, 5 * MINUTE), step_ms=MINUTE)
    assert metrics.values.shape == (0, 6)
    assert metrics.frame.shape == (6, 0)
    with pytest.raises(EmptyAnswer, match="no series") as caught:
        require_series(metrics)
    assert (caught.value.source, caught.value.query) == ("prod", "nope")


def test_slices_are_disjoint_and_merged_by_label_set(serve) -> None:
    day = 86_400_000
    end = 30 * day
    series = {"always": (0, end), "early": (0, 3 * day), "late": (28 * day, end), "holed": (10 * day, 11 * day)}
    served = serve(grid_server(series, warnings=["w"], infos=["i", "i"]))
    metrics = PrometheusSource("prod", served.url).range("x", TimeRange.from_ms(0, end), step_ms=MINUTE)
    windows = sorted(
        (ms_of(asked.fields["start"]), ms_of(asked.fields["end"])) for asked in served.asked if "step" in asked.fields
    )
    assert len(windows) == 4
    assert windows[0][0] == 0
    assert windows[-1][1] == end
    assert all(after[0] - before[1] == MINUTE for before, after in pairwise(windows))
    assert [labels["i"] for labels in metrics.labels] == ["always", "early", "holed", "late"]
    for labels, values, present in zip(metrics.labels, metrics.values, metrics.present, strict=True):
        first, last = series[labels["i"]]
        inside = (metrics.times >= first) & (metrics.times <= last)
        assert (present == inside).all()
        assert (values[inside] == metrics.times[inside] // MINUTE).all()
    assert metrics.meta["warnings"] == ("w",)
    assert metrics.meta["infos"] == ("i",)


def test_bounds_inside_a_cut_query_stay_those_of_the_whole_range(serve) -> None:
    served = serve(grid_server({"a": (0, 10**12)}))
    span = TimeRange.from_ms(0, 20_000 * MINUTE)
    PrometheusSource("prod", served.url).range("x @ start() + x @ end()", span, step_ms=MINUTE)
    sent = {asked.fields["query"] for asked in served.asked if "step" in asked.fields}
    assert sent == {"x @ 0 + x @ 1200000"}


def test_two_series_with_the_same_labels_stay_two(serve) -> None:
    same = matrix(({}, [(0, "1"), (60, "2")]), ({}, [(0, "3")]))
    metrics = PrometheusSource("prod", serve(lambda _: same).url).range(
        "label_replace(x)", TimeRange.from_ms(0, MINUTE), step_ms=MINUTE
    )
    assert metrics.values[:, 0].tolist() == [1.0, 3.0]
    assert metrics.present.tolist() == [[True, True], [True, False]]


def test_an_empty_label_is_a_missing_label(serve) -> None:
    def answer(asked: Asked) -> Says:
        late = ms_of(asked.fields.get("start", 0)) > 0
        labels = {"job": "a", "zone": ""} if late else {"job": "a"}
        points = [(ms_of(asked.fields.get("start", 0)) / 1000, "1")]
        return vector(({}, 0, "1")) if asked.path.endswith("/query") else matrix((labels, points))

    metrics = PrometheusSource("prod", serve(answer).url).range(
        "x", TimeRange.from_ms(0, 11_000 * MINUTE), step_ms=MINUTE
    )
    assert len(metrics.labels) == 1
    assert metrics.present.sum() == 2


def test_points_at_other_times_than_asked_are_an_error_and_not_a_shift(serve) -> None:
    served = serve(lambda _: matrix(({}, [(30, "1"), (90, "2")])))
    with pytest.raises(AnswerUnreadable, match="not asked for"):
        PrometheusSource("prod", served.url).range("x", TimeRange.from_ms(0, 2 * MINUTE), step_ms=MINUTE)


def test_victoriametrics_is_told_not_to_move_an_unaligned_range(serve) -> None:
    served = serve(lambda _: matrix())
    source = PrometheusSource("prod", served.url)
    source.range("x", TimeRange.from_ms(30_500, 90_500), step_ms=MINUTE)
    source.range("x", TimeRange.from_ms(60_000, 120_000), step_ms=MINUTE)
    first, second = served.queries()
    assert (first.fields["nocache"], first.fields["start"], first.fields["step"]) == ("1", "30.500", "60")
    assert "nocache" not in second.fields


def test_the_first_failing_slice_ends_the_range(serve) -> None:
    def answer(asked: Asked) -> Says:
        return vector(({}, 0, "1")) if asked.path.endswith("/query") else error(422, "execution", "many-to-many")

    served = serve(answer)
    with pytest.raises(QueryRejected):
        PrometheusSource("prod", served.url).range("x", TimeRange.from_ms(0, 90_000 * MINUTE), step_ms=MINUTE)
    assert sum("step" in asked.fields for asked in served.asked) < 10


def test_a_range_over_the_limits_is_refused_before_it_runs(serve) -> None:
    served = serve(grid_server({str(i): (0, 10**12) for i in range(40)}))
    source = PrometheusSource("prod", served.url, limits=Limits(samples=79_999))
    span = TimeRange.from_ms(0, 1_999 * MINUTE)
    with pytest.raises(QueryTooExpensive, match="about 40 series x 2,000 steps = 80,000 points"):
        source.range("x", span, step_ms=MINUTE)
    assert not any("step" in asked.fields for asked in served.asked)
    assert source.cost("x", span, step_ms=MINUTE).points == 80_000


def test_more_series_than_allowed_are_refused(serve) -> None:
    served = serve(grid_server({str(i): (0, 10**12) for i in range(11)}))
    with pytest.raises(QueryTooExpensive, match=r"11 series; the limit is 10|more than 10 series"):
        PrometheusSource("prod", served.url, limits=Limits(series=10)).range(
            "x", TimeRange.from_ms(0, MINUTE), step_ms=MINUTE
        )


def test_a_query_that_uses_its_bounds_is_asked_whole_or_not_at_all(serve) -> None:
    served = serve(grid_server({"a": (0, 10**12)}))
    source = PrometheusSource("prod", served.url)
    source.range("x + end()", TimeRange.from_ms(0, 10_999 * MINUTE), step_ms=MINUTE)
    assert sum("step" in asked.fields for asked in served.asked) == 1
    with pytest.raises(QueryTooExpensive, match="cannot be cut"):
        source.range("x + end()", TimeRange.from_ms(0, 11_000 * MINUTE), step_ms=MINUTE)


def test_the_cost_of_a_wrong_query_is_its_rejection(serve) -> None:
    served = serve(lambda _: recorded("prometheus3/error_parse")[1])
    with pytest.raises(QueryRejected) as caught:
        PrometheusSource("prod", served.url).cost("sum(rate(x[5m])", TimeRange.from_ms(0, MINUTE), step_ms=MINUTE)
    assert caught.value.position == 15


def test_meta_says_what_was_asked_of_whom(serve) -> None:
    served = serve(grid_server({"a": (0, 10**12)}))
    meta = PrometheusSource("prod", served.url).range("x", TimeRange.from_ms(0, MINUTE), step_ms=MINUTE).meta
    assert {name: meta[name] for name in ("query", "source", "engine", "semantics", "step_ms", "tier")} == {
        "query": "x",
        "source": "prod",
        "engine": "Prometheus 3.5.3",
        "semantics": "v3",
        "step_ms": MINUTE,
        "tier": "raw",
    }
    assert meta["range"] == ("1970-01-01T00:00:00+00:00", "1970-01-01T00:01:00+00:00")
