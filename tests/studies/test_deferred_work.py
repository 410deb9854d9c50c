"""What was counted is written down after the answer, and all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.studies.conftest import END, SYSTEM
from workbench.core.errors import ArchiveError
from workbench.core.timerange import TimeRange
from workbench.studies import Context, overview
from workbench.studies.counting.history import Shelf
from workbench.studies.counting.verdicts import objectives_of
from workbench.studies.sources.deferred_work import afterwards, answer_first


def test_work_is_done_at_once_where_nobody_waits_and_else_after_the_answer_whatever_fails() -> None:
    done: list[str] = []

    def fails() -> None:
        raise ArchiveError("The disk is full.")

    afterwards(lambda: done.append("now"))
    with pytest.raises(ArchiveError, match="full"):
        afterwards(fails)
    with answer_first():
        afterwards(fails)
        afterwards(lambda: done.append("later"))
        done.append("answer")
    afterwards(lambda: done.append("again"))
    assert done == ["now", "answer", "later", "again"]


@pytest.mark.slow
def test_an_overview_is_given_before_its_counts_are_stored_and_is_the_same_from_them(lab: Context) -> None:
    span = TimeRange(END - timedelta(days=2), END)
    shelf = Shelf.of(lab, SYSTEM, objectives_of(lab, SYSTEM), lab.store)
    with answer_first():
        first = overview(lab, system=SYSTEM, range=span, as_of=END)
        assert all(lab.store.slices(key, span) is None for key in shelf.keys.values())
    assert any(lab.store.slices(key, span) is not None for key in shelf.keys.values())
    again = overview(lab, system=SYSTEM, range=span, as_of=END)
    assert again.results["board"].frame.equals(first.results["board"].frame)
