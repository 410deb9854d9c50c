"""The status of a review: in order is only what was judged so, by data or by people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workbench.analysis.reviews.items import Evaluation, Item, review_items

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("verdicts", "ticked", "status"),
    [
        ([], [], "no_data"),
        (["open", "open"], [], "no_data"),
        (["open", "open"], [0], "ok"),
        (["open", "ok"], [], "ok"),
        (["ok", "not_measured"], [], "no_data"),
        (["ok", "unavailable"], [], "unavailable"),
        (["open", "attention"], [], "at_risk"),
    ],
)
def test_a_review_is_in_order_only_where_something_was_judged(verdicts, ticked, status) -> None:
    items = [Item(str(number), "month", "List", "Look", "Right?") for number in range(len(verdicts))]
    judged = [(item, Evaluation(verdict, "")) for item, verdict in zip(items, verdicts, strict=True)]
    ticks = {str(number): (NOON, "ana", "") for number in ticked}
    assert review_items("month", judged, last={}, since=None, ticks=ticks, open_since=NOON)[1] == status
