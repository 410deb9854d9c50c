"""Periods as people write them, turned into ranges."""

from __future__ import annotations

from datetime import datetime

from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange, duration_ms, parse_month


def window(text: str, *, zone: str, as_of: datetime) -> TimeRange:
    """Read ``30d`` (rolling, ending at ``as_of``) or ``last-month``, ``this-month``, ``2026-10`` (in ``zone``).

    Raises
    ------
    ParameterError
        Neither a duration nor a month.

    Examples
    --------
    >>> from datetime import UTC
    >>> str(window("last-month", zone="UTC", as_of=datetime(2026, 11, 21, tzinfo=UTC)))
    '2026-10-01 00:00 to 2026-11-01 00:00 UTC'
    """
    cleaned = text.strip().lower()
    if "month" in cleaned or cleaned[4:5] == "-":
        return parse_month(cleaned, zone=zone, now=as_of)
    try:
        length_ms = duration_ms(cleaned)
    except ParameterError:
        raise ParameterError(
            f"{text!r} is not a period.", hint="Write e.g. 30d, 12h, last-month, this-month or 2026-10."
        ) from None
    if length_ms == 0:
        raise ParameterError(f"The period {text!r} is empty.", hint="Write e.g. 30d.")
    return TimeRange.from_ms(TimeRange(as_of, as_of).end_ms - length_ms, TimeRange(as_of, as_of).end_ms)
