"""Of which limits the state at the end of a period is known: old samples say nothing of now."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from workbench.core.result import Result

#: The last evaluation with a value may be this much older than the end: as far as PromQL looks back for a sample.
_AGE = timedelta(minutes=5)


def known_now(totals: Result) -> pd.Series:
    """Say of each row whether the limit was seen to be kept or broken at the end of the period.

    Parameters
    ----------
    totals : Result
        :class:`~workbench.analysis.counting.limits.LimitTotals`.

    Returns
    -------
    Series of bool
        False without a value in the last minutes, and where the limit was broken when it was seen last.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from workbench.analysis.counting.limits import LimitTotals
    >>> now = pd.Timestamp("2026-11-30T11:30Z")
    >>> frame = pd.DataFrame({
    ...     "status": ["ok", "ok", "ok", "at_risk"],
    ...     "last_known": [now, now - _AGE, now - 2 * _AGE, now],
    ...     "last_end": [pd.NaT, now - timedelta(minutes=4), pd.NaT, now + timedelta(minutes=1)],
    ... })
    >>> known_now(LimitTotals(frame, as_of=datetime(2026, 11, 30, 11, 30, tzinfo=UTC), step_ms=60_000)).tolist()
    [True, False, False, True]
    """
    frame = totals.frame
    young = frame["last_known"] >= pd.Timestamp(vars(totals)["as_of"]) - _AGE
    unclosed = frame["status"].eq("ok") & (frame["last_end"] > frame["last_known"])
    return frame["status"].ne("no_data") & young & ~unclosed
