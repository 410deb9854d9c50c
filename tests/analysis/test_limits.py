from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.counting.limits import Limit, held_intervals, limit_breaches
from workbench.core.errors import ParameterError
from workbench.core.series import Metrics

MINUTE = 60_000
AS_OF = datetime(1970, 1, 1, 1, tzinfo=UTC)
GAP = None


def answer(*series: list[float | None], labels: tuple[dict[str, str], ...] = ()) -> Metrics:
    values = np.array([[np.nan if value is None else value for value in one] for one in series])
    present = np.array([[value is not GAP for value in one] for one in series])
    return Metrics(np.arange(values.shape[1]) * MINUTE, labels or tuple({} for _ in series), values, present)


def limit(measured: Metrics, *, op: str = ">", value: float = 5.0, minutes: int = 0) -> Limit:
    return Limit("l", "Limit", op, value, "s", "warning", minutes * MINUTE, measured)


def judged(one: Limit):
    found, totals = limit_breaches([one], as_of=AS_OF, step_ms=MINUTE)
    return found.frame, totals.frame.iloc[0]


def test_breaches_are_the_table_worked_by_hand():
    # minute    0  1  2  3  4    5  6  7  8
    values = [1, 6, 7, 1, 9, GAP, 8, 6, 1]
    found, total = judged(limit(answer(values)))
    assert found["seconds"].tolist() == [120, 60, 120]
    assert found["worst"].tolist() == [7, 9, 8]
    assert found["closed"].tolist() == [True, False, True]
    assert not found["ongoing"].any()
    assert [start.minute for start in found["start"]] == [1, 4, 6]
    assert [end.minute for end in found["end"]] == [3, 5, 8]
    assert (total["breaches"], total["seconds"], total["longest"]) == (3, 300, 120)
    assert total["share"] == pytest.approx(5 / 8)
    assert total["unknown"] == 60
    assert total["observed"] == pytest.approx(8 / 9)
    assert total["worst"] == 9
    assert total["rule"] == "> 5"
    assert total["status"] == "ok"


def test_a_breach_counts_when_it_is_held_as_long_as_the_limit_asks():
    found, total = judged(limit(answer([6, 6, 1, 6, 6, 6, 1]), minutes=2))
    assert found["seconds"].tolist() == [180]
    assert total["rule"] == "> 5 for 2m"


def test_a_breach_at_the_end_is_ongoing():
    found, total = judged(limit(answer([1, 1, 6])))
    assert found["ongoing"].tolist() == [True]
    assert not found["closed"].any()
    assert total["status"] == "at_risk"


def test_series_are_apart_and_their_time_is_counted_once():
    measured = answer([6, 6, 1, 1], [1, 6, 6, 1], labels=({"instance": "a"}, {"instance": "b"}))
    found, total = judged(limit(measured))
    assert found["group"].tolist() == ["instance=a", "instance=b"]
    assert found["seconds"].sum() == 240
    assert total["seconds"] == 180


def test_nan_breaks_nothing_and_is_known():
    found, total = judged(limit(answer([float("nan"), 6.0]), op="!=", value=6.0))
    assert found.empty
    assert total["unknown"] == 0


def test_without_a_value_nothing_is_known():
    _, total = judged(limit(Metrics(np.arange(3) * MINUTE, (), np.zeros((0, 3)), np.zeros((0, 3), np.bool_))))
    assert (total["status"], total["unknown"]) == ("no_data", 180)
    assert np.isnan(total["share"])


def test_the_worst_below_a_floor_is_the_lowest():
    _, total = judged(limit(answer([0.9, 0.7, 0.6, 0.9]), op="<", value=0.8))
    assert total["worst"] == 0.6


def test_an_unknown_comparison_is_refused():
    with pytest.raises(ParameterError, match="not a comparison"):
        judged(limit(answer([1]), op="~"))


cells = st.one_of(st.none(), st.floats(0, 10, allow_nan=False))


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(st.lists(cells, min_size=1, max_size=60))
def test_broken_kept_and_unknown_time_add_up_to_the_period(values):
    found, total = judged(limit(answer(values)))
    kept = sum(value is not None and not value > 5 for value in values) * 60
    assert found["seconds"].sum() == total["seconds"]
    assert total["seconds"] + kept + total["unknown"] == len(values) * 60


@pytest.mark.slow
@given(st.lists(st.booleans(), max_size=40))
def test_intervals_are_maximal_and_cover_what_holds(mask):
    found = held_intervals(np.array(mask, np.bool_))
    assert [i for first, last in found for i in range(first, last)] == [i for i, held in enumerate(mask) if held]
    assert all(later[0] > earlier[1] for earlier, later in pairwise(found))
