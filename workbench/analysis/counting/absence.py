"""What slices without data count as: nothing, failures, successes, or what came before them."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.events import slice_events
from workbench.analysis.counting.history import histories
from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange

Absence = Literal["ignore", "bad", "good", "hold"]

ABSENCES: tuple[Absence, ...] = get_args(Absence)

#: So many slices before the end may only be late, and are left alone. [count]
LATE_SLICES = 3


def filled(
    events: pd.DataFrame, span: TimeRange, slice_ms: int, policy: Absence, *, slices: bool
) -> tuple[pd.DataFrame, int]:
    """Count the slices of one objective that were not observed, by its policy.

    Parameters
    ----------
    events : DataFrame
        EVENTS of one objective with ``covered``. [events/slice]
    span : TimeRange
        Elapsed part of its window, on slice edges.
    slice_ms : int
        [ms]
    policy : {"ignore", "bad", "good", "hold"}
        ``hold`` repeats the last observed slice.
    slices : bool
        Whether slices are what is counted; else a slice without data is given the mean traffic of the others.

    Returns
    -------
    events : DataFrame
        With a row a slice; ``covered`` stays 0 where nothing was observed, so coverage tells the same as before.
    absent : int
        Slices that were filled. [count]

    Raises
    ------
    ParameterError
        Unknown policy.

    Examples
    --------
    >>> seen = np.array([1.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    >>> events = slice_events("api", range(0, 7), good=seen * 9, total=seen * 10, covered=seen)
    >>> for policy in ("bad", "hold"):
    ...     print(filled(events, TimeRange.from_ms(0, 6), 1, policy, slices=False)[0]["good"].tolist())
    [9.0, 0.0, 0.0, 9.0, 9.0, 9.0]
    [9.0, 9.0, 9.0, 9.0, 9.0, 9.0]
    """
    if policy not in ABSENCES:
        raise ParameterError(f"{policy!r} is no policy for absent data.", hint=f"Use one of: {', '.join(ABSENCES)}.")
    if policy == "ignore" or events.empty:
        return events, 0
    (name, history), *_ = histories(events).items()
    whole = history.regular(span, slice_ms)
    seen = whole.covered > 0
    if not seen.any():
        return events, 0
    newest = int(np.flatnonzero(seen)[-1])
    absent = ~seen
    if len(seen) - 1 - newest <= LATE_SLICES:
        absent[newest + 1 :] = False
    total = whole.total.copy()
    if policy == "hold":
        last = np.maximum.accumulate(np.where(seen, np.arange(len(seen)), -1))
        absent &= last >= 0
        total[absent] = whole.total[last[absent]]
    else:
        total[absent] = 1.0 if slices else whole.total[seen].mean()

    def kept(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        good = counts.copy()
        good[absent] = counts[last[absent]] if policy == "hold" else total[absent] if policy == "good" else 0.0
        return good

    frame = slice_events(
        name,
        np.append(whole.start_ms, whole.start_ms[-1] + slice_ms),
        good=kept(whole.good),
        total=total,
        covered=whole.covered,
        bounds=None if whole.low is None or whole.high is None else (kept(whole.low), kept(whole.high)),
    )
    return frame, int(absent.sum())
