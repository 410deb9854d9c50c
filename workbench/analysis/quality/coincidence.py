"""What happened shortly before a drift began: deployments and models that came or went. A coincidence is no cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.quality.days import KEYS
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

#: How long before the onset of a drift an event is looked for, and how exact an onset is. [h]
BEFORE, EXACT = pd.Timedelta(hours=24), pd.Timedelta(hours=1)

#: Days over which it is counted how often an hour follows an event. [d]
COUNTED = pd.Timedelta(days=28)


@dataclass(frozen=True, eq=False, repr=False)
class Coincidences(Result):
    """The newest event within 24 hours before each drift, where there is one.

    Columns of ``frame``: ``role``, ``title``, ``series`` of the drift, ``onset`` [UTC], ``event`` (its text), ``at``
    (its instant) [UTC], ``hours`` (from the event to the onset, 0 where both lie in one hour) [h], ``events`` (in these
    24 hours) [count], ``chance`` (share of the hours of the four weeks before the onset that follow an event as
    closely) [ratio].
    """

    range: TimeRange


def coincidences(drifts: pd.DataFrame, events: pd.DataFrame, span: TimeRange) -> Coincidences:
    """Find for each drift what happened shortly before it began.

    Parameters
    ----------
    drifts : DataFrame
        ``role, title, series, onset``. [UTC]
    events : DataFrame
        ``time, text``, and ``series`` where an event is the first or last reading of a series; that series' own drifts
        do not count it. [UTC]
    span : TimeRange
        Period of the drifts.

    Returns
    -------
    Coincidences

    Notes
    -----
    ``chance`` is what the same closeness is worth: where it is deployed every six hours, nearly every hour follows a
    deployment within a day.

    Examples
    --------
    >>> onset = pd.Timestamp("2026-11-10T04:00Z")
    >>> drifts = pd.DataFrame({"role": ["quality"], "title": ["Q"], "series": ["a"], "onset": [onset]})
    >>> events = pd.DataFrame({"time": [onset - pd.Timedelta("2h")], "text": ["Release 2.3"], "series": [""]})
    >>> result = coincidences(drifts, events, TimeRange(onset.to_pydatetime(), (onset + COUNTED).to_pydatetime()))
    >>> result.frame[["event", "hours", "chance"]].round(4).values.tolist()
    [['Release 2.3', 2.0, 0.0045]]
    """
    rows: list[dict[str, Any]] = []
    for drift in drifts.itertuples():
        others = events[events["series"] != drift.series].sort_values("time", kind="stable")
        inside = others[(others["time"] >= drift.onset - BEFORE) & (others["time"] < drift.onset + EXACT)]
        if inside.empty:
            continue
        newest = inside.iloc[-1]
        lag = max(drift.onset - newest["time"], pd.Timedelta(0))
        rows.append(
            {
                "role": drift.role,
                "title": drift.title,
                "series": drift.series,
                "onset": drift.onset,
                "event": str(newest["text"]),
                "at": newest["time"],
                "hours": lag / pd.Timedelta(hours=1),
                "events": len(inside),
                "chance": _chance(pd.DatetimeIndex(others["time"]), drift.onset, lag),
            }
        )
    columns = [*KEYS, "onset", "event", "at", "hours", "events", "chance"]
    frame = pd.DataFrame(rows, columns=columns)
    for name in ("onset", "at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    note = "What happened in the 24 hours before a drift began. A coincidence is no cause."
    return Coincidences(frame, notes=(note,) if rows else (), range=span)


def _chance(times: pd.DatetimeIndex, onset: pd.Timestamp, lag: pd.Timedelta) -> float:
    """Share of the hours before an onset, itself included, that follow an event within a lag."""
    hours = pd.date_range(onset - COUNTED + EXACT, onset, freq="h").as_unit("ms").asi8
    ends = np.sort(times.as_unit("ms").asi8)
    # An event in the hour of an onset stands before it.
    newest = np.searchsorted(ends, hours + EXACT.value // 1_000_000, side="left") - 1
    since = hours - ends[np.maximum(newest, 0)]
    return float(((newest >= 0) & (since <= lag.value // 1_000_000)).mean())


def births_and_ends(hours: pd.DataFrame) -> pd.DataFrame:
    """Return when series came after the others, and went before them: ``time, text, series``.

    Parameters
    ----------
    hours : DataFrame
        ``title, series, time, value``. [UTC]

    Examples
    --------
    >>> times = pd.date_range("2026-10-01", periods=72, freq="h", tz="UTC")
    >>> frame = pd.DataFrame({"title": "Q", "series": "model a", "time": times, "value": 1.0})
    >>> late = frame[40:].assign(series="model b")
    >>> births_and_ends(pd.concat([frame, late]))["text"].tolist()
    ['First reading of Q, model b']
    """
    known = hours[hours["value"].notna()]
    if known.empty:
        return pd.DataFrame({"time": pd.DatetimeIndex([], tz="UTC"), "text": [], "series": []})
    edges = known.groupby(["title", "series"], sort=True)["time"].agg(["min", "max"])
    first, last = known["time"].min(), known["time"].max()
    day = pd.Timedelta(days=1)
    rows = [
        (moment, f"{word} reading of {title}, {series}", series)
        for (title, series), low, high in zip(edges.index, edges["min"], edges["max"], strict=True)
        for moment, word, is_edge in ((low, "First", low > first + day), (high, "Last", high < last - day))
        if is_edge
    ]
    return pd.DataFrame(rows, columns=["time", "text", "series"])
