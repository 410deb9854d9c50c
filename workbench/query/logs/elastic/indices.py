"""Which indices hold a range of time, by the date in their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from workbench.core.timerange import TimeRange

_DATE = re.compile(
    r"%?\{\+?((?:yyyy|YYYY)[.\-_/]?(?:MM(?:[.\-_/]?[dD]{2})?)?)\}|((?:yyyy|YYYY)[.\-_/]?(?:MM(?:[.\-_/]?[dD]{2})?)?)"
)
_MOST = 45


def index_names(patterns: Sequence[str], span: TimeRange) -> tuple[str, ...]:
    """Return the indices to ask for a range: those of its days (UTC), of its months or years when they are too many.

    Parameters
    ----------
    patterns : sequence of str
        ``choreoai-logs-YYYY.MM.dd``, or as Beats and Logstash write it; a name without a date stays as it is.
    span : TimeRange
        Range whose days are needed.

    Examples
    --------
    >>> span = TimeRange.from_ms(1_793_487_600_000, 1_793_494_800_000)
    >>> index_names(["choreoai-logs-YYYY.MM.dd", "audit-*"], span)
    ('choreoai-logs-2026.10.31', 'choreoai-logs-2026.11.01', 'audit-*')
    """
    return tuple(dict.fromkeys(name for pattern in patterns for name in _named(pattern.strip(), span)))


def _named(pattern: str, span: TimeRange) -> list[str]:
    match = _DATE.search(pattern)
    if not match:
        return [pattern]
    before, after = pattern[: match.start()], pattern[match.end() :]
    form = (match[1] or match[2]).lower()
    for part, wild in (("", ""), ("dd", "*"), ("mm", "*")):
        shown = form[: form.index(part)] if part and part in form else form
        if part and part not in form:
            continue
        names = list(dict.fromkeys(before + shown.replace("yyyy", f"{day:%Y}").replace("mm", f"{day:%m}")
                                   .replace("dd", f"{day:%d}") + wild + after for day in _days(span)))  # fmt: skip
        if len(names) <= _MOST:
            return names
    return [f"{before}*{after}"]


def _days(span: TimeRange) -> list[date]:
    last = (span.end - timedelta(microseconds=1)).date() if span.end > span.start else span.start.date()
    day, days = span.start.date(), []
    while day <= last:
        days.append(day)
        day += timedelta(days=1)
    return days
