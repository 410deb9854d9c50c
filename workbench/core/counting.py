"""Log lines counted a step, for sources whose backend cannot: pieces of LOGS in, counts out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from workbench.core.timerange import TimeRange


def field_of(frame: pd.DataFrame, name: str) -> pd.Series:
    """Column of a LOGS or SPANS frame, else the attribute of that name, empty text where a row has none."""
    if name in frame.columns:
        return frame[name]
    return pd.Series([str(held.get(name, "")) for held in frame["attributes"]], index=frame.index, dtype="str")


def counted_lines(
    pieces: Iterable[pd.DataFrame], span: TimeRange, *, step_ms: int, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Count the lines of pieces of LOGS in steps.

    Parameters
    ----------
    pieces : iterable of DataFrame
        Frame contract LOGS.
    span : TimeRange
        What lies outside is not counted.
    step_ms : int
        Steps begin at whole multiples of it since the epoch; the first and the last one may be cut by the range. [ms]
    by : sequence of str
        Columns or attributes to count by.

    Returns
    -------
    DataFrame
        ``time`` (start of step, UTC), the columns of ``by`` (str), ``count`` (int64); steps without lines are no rows.

    Examples
    --------
    >>> line = {"time_ns": [61_000_000_000], "severity": ["INFO"], "attributes": [{"model": "a"}]}
    >>> span = TimeRange.from_ms(0, 120_000)
    >>> counted_lines([pd.DataFrame(line)], span, step_ms=60_000, by=["model"])[["model", "count"]].values.tolist()
    [['a', 1]]
    """
    totals: dict[tuple[object, ...], int] = {}
    for piece in pieces:
        inside = piece[piece["time_ns"].between(span.start_ms * 1_000_000, span.end_ms * 1_000_000, inclusive="left")]
        steps = inside["time_ns"].to_numpy() // (step_ms * 1_000_000) * step_ms
        keys = pd.DataFrame({"time": steps, **{name: field_of(inside, name).to_numpy() for name in by}})
        for key, count in keys.groupby(["time", *by], sort=False, observed=True).size().items():
            at = key if isinstance(key, tuple) else (key,)
            totals[at] = totals.get(at, 0) + int(count)
    return count_frame([(*key, count) for key, count in totals.items()], by)


def count_frame(rows: Sequence[tuple[object, ...]], by: Sequence[str]) -> pd.DataFrame:
    """Return rows of ``(start of step in ms, *by, count)`` as a frame of counts, by time."""
    times = np.array([row[0] for row in rows], np.int64).view("datetime64[ms]")
    frame = pd.DataFrame({"time": pd.DatetimeIndex(times, tz="UTC")})
    for place, name in enumerate(by, start=1):
        frame[name] = pd.Series([str(row[place]) for row in rows], dtype="str")
    frame["count"] = pd.Series([row[-1] for row in rows], dtype="int64")
    return frame.sort_values(["time", *by], kind="stable", ignore_index=True)
