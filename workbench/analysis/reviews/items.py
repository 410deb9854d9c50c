"""The items of a checklist with their verdicts, and what changed since the last review."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pandas as pd

from workbench.core.result import Result, Status
from workbench.core.timerange import TimeRange

#: ``ok`` and ``attention`` are judged from data; ``open`` waits for people, ``done`` was ticked off by them.
Verdict = Literal["ok", "attention", "not_measured", "unavailable", "open", "done"]

#: Reviews by name -> length of the window they look back. [d]
REVIEWS: dict[str, int] = {
    "morning": 1, "day": 1, "evening": 1, "weekday": 7, "week": 7, "month": 30, "quarter": 92, "year": 365,
}  # fmt: skip

#: The longest period in which a review comes round once. [d]
_ROUNDS = {1.5: ("morning", "day", "evening"), 8.0: ("weekday", "week"), 32.0: ("month",), 93.0: ("quarter",)}

_WEEKDAY = re.compile(r"(Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b", re.IGNORECASE)
_PLACE = {"attention": 0, "unavailable": 1, "open": 2, "not_measured": 3, "ok": 4, "done": 5}


@dataclass(frozen=True)
class Evaluation:
    """What the data says of one item: the verdict, the number in words, and the page that shows more."""

    verdict: Verdict
    number: str
    page: str = ""


@dataclass(frozen=True)
class Item:
    """One item of a checklist of a profile."""

    id: str
    review: str
    checklist: str
    text: str
    question: str
    not_measured: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class ReviewItems(Result):
    """Items of a review with their verdicts; one row per item, what asks for somebody first.

    Columns of ``frame``: ``item`` (id), ``review``, ``checklist``, ``text``, ``question`` (str), ``verdict``
    (``attention``, ``unavailable``, ``open``, ``not_measured``, ``ok``, ``done``), ``number`` (what was measured, in
    words), ``page`` (of the dashboard), ``before`` (verdict at the last finished review, empty without one),
    ``number_before``, ``changed`` (verdict or number differ, bool), ``ticked_at`` [UTC], ``ticked_by``, ``note`` (str).
    """

    review: str
    since: datetime | None


def item_id(checklist: str, text: str) -> str:
    """Return a stable id of an item.

    Examples
    --------
    >>> item_id("Morning Checklist", "Verify backup completion status")
    'morning-checklist/verify-backup-completion-status'
    """
    return "/".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in (checklist, text))[:120]


def review_of(cadence: str, checklist: str, text: str) -> str:
    """Return the review an item belongs to.

    Examples
    --------
    >>> review_of("daily", "End-of-Day Review", "x"), review_of("weekly", "Weekly", "Monday: rules")
    ('evening', 'weekday')
    """
    if cadence == "daily":
        title = checklist.lower()
        return (
            "evening" if "end-of-day" in title or "end of day" in title else "day" if "ongoing" in title else "morning"
        )
    if cadence == "weekly":
        return "weekday" if _WEEKDAY.match(text) else "week"
    return {"monthly": "month", "quarterly": "quarter", "yearly": "year"}[cadence]


def reviews_in(period: TimeRange) -> tuple[str, ...]:
    """Return the reviews that come round once in a period of this length.

    Parameters
    ----------
    period : TimeRange
        Period of a report, such as a calendar week.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> reviews_in(TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)))
    ('month',)
    """
    days = period.seconds / 86_400
    return next((names for longest, names in _ROUNDS.items() if days <= longest), ("year",))


def on_day(item: Item, day: str) -> bool:
    """Whether an item is for a day of the week; all are that name none."""
    named = _WEEKDAY.match(item.text)
    return named is None or named[1].lower() == day.lower()


def review_items(
    review: str,
    judged: Sequence[tuple[Item, Evaluation]],
    *,
    last: Mapping[str, Mapping[str, str]],
    since: datetime | None,
    ticks: Mapping[str, tuple[datetime, str, str]],
    open_since: datetime,
) -> tuple[ReviewItems, Status]:
    """Put items, verdicts, ticks and the last review together.

    Parameters
    ----------
    review : str
        Name of the review.
    judged : sequence of (Item, Evaluation)
        Items with what the data says about them.
    last : mapping of item to ``verdict`` and ``number``
        As they stood at the last finished review.
    since : datetime or None
        When that was.
    ticks : mapping of item to (when, who, note)
        The newest tick of each item.
    open_since : datetime
        Ticks before it are of an earlier round: shown, but the item is open again.
    """
    rows = []
    for item, evaluation in judged:
        at, who, note = ticks.get(item.id, (None, "", ""))
        verdict = "done" if evaluation.verdict == "open" and at is not None and at >= open_since else evaluation.verdict
        before = last.get(item.id, {})
        old, number = before.get("verdict", ""), before.get("number", "")
        changed = bool(before) and (old != verdict or (number != evaluation.number and verdict not in ("open", "done")))
        rows.append((item.id, item.review, item.checklist, item.text, item.question, verdict, evaluation.number,
                     evaluation.page, old, number, changed, at, who, note))  # fmt: skip
    columns = ["item", "review", "checklist", "text", "question", "verdict", "number", "page", "before",
               "number_before", "changed", "ticked_at", "ticked_by", "note"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    frame["ticked_at"] = pd.to_datetime(frame["ticked_at"], utc=True)
    frame = frame.assign(_o=frame["verdict"].map(_PLACE)).sort_values("_o", kind="stable").drop(columns="_o")
    verdicts = set(frame["verdict"])
    status: Status = "no_data" if frame.empty else "at_risk" if "attention" in verdicts else "ok"
    if status == "ok" and "unavailable" in verdicts:
        status = "unavailable"
    if status == "ok" and ("not_measured" in verdicts or verdicts == {"open"}):
        status = "no_data"  # what nothing was measured for, and what nobody has answered yet, is not in order
    return ReviewItems(frame.reset_index(drop=True), review=review, since=since), status
