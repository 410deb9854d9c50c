"""Sample blocks, matrices, the frames they give, and the contracts."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core import money
from workbench.core.errors import FrameError, ParameterError, QueryRejected
from workbench.core.frames import EVENTS, check, check_metrics
from workbench.core.result import Provenance, Result, Study, worst
from workbench.core.series import STALE, Metrics, SeriesSet, is_stale, label_key
from workbench.core.timerange import TimeRange
from workbench.core.units import ratio_text, value_text


def matrix() -> Metrics:
    values = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, 6.0]])
    present = np.array([[True, True, True], [False, False, True]])
    labels = ({"__name__": "up", "job": "a"}, {"__name__": "up", "job": "<b>", "x": "1"})
    return Metrics(np.array([0, 60_000, 120_000]), labels, values, present, {"query": "up", "warnings": ("w",)})


def test_the_frame_of_a_matrix_keeps_the_contract():
    frame = check_metrics(matrix().frame, where="test")
    assert frame.columns.names == ["__name__", "job", "x"]
    assert frame.columns[0] == ("up", "a", "")
    assert frame.attrs["query"] == "up"
    assert frame.iloc[2].tolist() == [3.0, 6.0]


def test_a_nan_value_is_kept_and_a_missing_point_is_not():
    rows = matrix().long()
    assert len(rows) == 4
    assert rows["value"].isna().sum() == 1
    assert set(rows["job"]) == {"a", "<b>"}


def test_an_empty_matrix_has_a_frame():
    empty = Metrics(np.zeros(0, np.int64), (), np.zeros((0, 0)), np.zeros((0, 0), bool))
    assert check_metrics(empty.frame, where="test").shape == (0, 0)


def test_an_ordinary_nan_is_no_stale_mark():
    assert is_stale(np.array([np.nan, STALE, 1.0])).tolist() == [False, True, False]


def test_an_empty_label_is_an_absent_label():
    assert label_key({"a": "1", "b": ""}) == label_key({"a": "1"})


def test_series_come_back_as_they_were_joined():
    block = SeriesSet.of([({"a": "1"}, [1, 2], [0.5, STALE]), ({"a": "2"}, [], []), ({"a": "3"}, [9], [1.0])])
    assert [(dict(labels), times.tolist()) for labels, times, _ in block] == [
        ({"a": "1"}, [1, 2]),
        ({"a": "2"}, []),
        ({"a": "3"}, [9]),
    ]
    with pytest.raises(FrameError, match="offsets"):
        SeriesSet(({},), np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0))


def test_an_events_frame_with_more_good_than_total_is_refused():
    time = pd.DatetimeIndex([datetime(2026, 1, 1, tzinfo=UTC)])
    check(pd.DataFrame({"time": time, "good": [1.0], "total": [1.0]}), EVENTS, where="test")
    with pytest.raises(FrameError, match=r"More good events \(2.0\)"):
        check(pd.DataFrame({"time": time, "good": [2.0], "total": [1.0]}), EVENTS, where="test")
    with pytest.raises(FrameError, match="No column 'total'"):
        check(pd.DataFrame({"time": time, "good": [2.0]}), EVENTS, where="test")


@pytest.mark.slow
@given(st.lists(st.decimals("-1e6", "1e6", places=6)))
def test_money_adds_without_loss_in_any_order(amounts):
    assert money.total(amounts) == money.total(reversed(amounts)) == sum(amounts, Decimal(0))


def test_a_float_becomes_the_decimal_a_person_would_write():
    assert money.quantised(0.1) == Decimal("0.1")
    with pytest.raises(ParameterError, match="not an amount"):
        money.quantised(float("nan"))


@given(st.floats(0, 1))
def test_a_share_is_never_rounded_up_to_all_or_down_to_nothing(ratio):
    text = ratio_text(ratio)
    assert (text == "100.000 %") == (ratio == 1)
    assert (text == "0.000 %") == (ratio == 0)


def test_a_value_carries_its_unit():
    assert value_text(0.25, "s") == "250 ms"
    assert value_text(3.0, "requests/s") == "3 requests/s"
    assert value_text(float("nan"), "bytes") == "–"


def test_a_result_is_plain_json_and_escapes_what_it_shows():
    result = Result(pd.DataFrame({"name": ["<script>"], "sli": [np.nan]}), notes=("<b>",))
    assert result.to_dict()["rows"] == [{"name": "<script>", "sli": None}]
    assert "<script>" not in result._repr_html_()
    assert "<b>" not in result._repr_html_()


def test_a_study_says_where_its_numbers_came_from():
    span = TimeRange(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    study = Study(
        "slo", "lab", span, span.end, {}, worst(["ok", "spent"]), None, 0.5, Provenance("demo", "e", "v3", "exact")
    )
    assert study.to_dict()["status"] == "spent"
    assert study.to_dict()["provenance"]["semantics"] == "v3"
    assert worst([]) == "no_data"


def test_a_rejected_query_shows_the_place():
    error = QueryRejected("unexpected )", source="prod", query="sum(up))", position=7)
    assert str(error).splitlines() == ["prod: unexpected )", "query: sum(up))", " " * 14 + "^"]


@given(
    st.lists(
        st.lists(st.one_of(st.integers(0, 5).map(float), st.just(np.nan), st.just(np.inf)), max_size=6),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_series_fall_where_a_number_is_below_the_number_before_it(rows):
    series = SeriesSet.of([({"n": str(n)}, range(len(row)), row) for n, row in enumerate(rows)])
    numbers = [[value for value in row if np.isfinite(value)] for row in rows]
    falling = [n for n, row in enumerate(numbers) if any(after < before for before, after in pairwise(row))]
    places = [[n for n, pair in enumerate(pairwise(numbers[row]), 1) if pair[1] < pair[0]] for row in falling]
    assert [(row, own.tolist()) for row, own in series.falls.items()] == list(zip(falling, places, strict=True))
    assert series.finite == all(np.isfinite(row).all() for row in rows)
    assert series.newest_ms == max((n for row in rows for n, value in enumerate(row) if np.isfinite(value)), default=0)


@given(st.lists(st.lists(st.booleans(), max_size=400), max_size=6), st.integers(0, 3))
def test_samples_without_marks_are_those_of_each_series_alone(marked: list[list[bool]], rarity: int) -> None:
    # Few marks among many samples are left out in another way than many.
    series = [
        ({"n": str(row)}, np.arange(len(marks)), np.where(marks, STALE, np.arange(len(marks)) + row))
        for row, marks in enumerate([mark and place % 10**rarity == 0 for place, mark in enumerate(m)] for m in marked)
    ]
    unmarked = SeriesSet.of(series).unmarked()
    kept = [(labels, times[~is_stale(values)], values[~is_stale(values)]) for labels, times, values in series]
    for (labels, times, values), (own, own_times, own_values) in zip(unmarked, kept, strict=True):
        assert (labels, times.tolist(), values.tolist()) == (own, own_times.tolist(), own_values.tolist())
    sampled = unmarked.sampled()
    assert [row[0] for row in sampled] == [labels for labels, times, _ in kept if len(times)]
    assert [row[2].tolist() for row in sampled] == [values.tolist() for _, _, values in kept if len(values)]
