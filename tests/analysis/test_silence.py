"""Silence of log lines and spans: believed where nothing happened or chance explains it, not where a shipper died."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.analysis.counting.silence import observed_slices

DAY = 288


def known(records: np.ndarray, requests: np.ndarray | None = None, slices_a_day: int = DAY) -> list[bool]:
    return observed_slices(np.asarray(records, float), requests, slices_a_day=slices_a_day).tolist()


def test_before_the_first_record_and_after_the_last_nobody_knows() -> None:
    assert known(np.array([0, 1, 1, 0])) == [False, True, True, False]
    assert known(np.zeros(3)) == [False] * 3
    assert known(np.zeros(0)) == []


@pytest.mark.parametrize(("traffic", "share", "believed"), [
    (0.0, 1.0, True), (4.0, 1.0, True), (6.0, 1.0, False), (40.0, 0.1, True), (60.0, 0.1, False), (60.0, 5.0, False),
])  # fmt: skip
def test_silence_is_held_against_the_requests_of_its_time(traffic: float, share: float, believed: bool) -> None:
    """Five records must be missing, of lines as of traces of which one in ten is kept; five lines a request are one."""
    requests = np.full(100, 200.0)
    records = requests * share
    requests[50], records[50] = traffic, 0.0
    assert known(records, requests)[50] is believed


def test_where_counters_saw_nothing_either_the_other_days_are_asked() -> None:
    records = np.tile(np.where(np.arange(DAY) < 144, 3.0, 0.0), 3)
    records[2 * DAY + 60 : 2 * DAY + 72] = 0.0
    for requests in (None, np.full(3 * DAY, np.nan)):
        found = np.array(known(records, requests))
        assert found[144:DAY].all()
        assert not found[2 * DAY + 60 : 2 * DAY + 72].any()


def test_one_rare_line_a_day_is_no_shipper_that_dies_daily() -> None:
    records = np.zeros(10 * DAY)
    records[100::DAY] = 1.0
    assert all(known(records)[100 : 9 * DAY + 101])
