"""Who tries to get in, and who is refused: shares of failed sign-ins, and hours with far more events than usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.core.result import Result
from workbench.core.timerange import TimeRange

#: An hour is judged where this much of it was observed, and where so many hours of history are. [ratio, count]
OBSERVED, LEAST_HOURS = 0.9, 72

#: A rise is this many times the usual scatter, at least this many times the usual count, and so many events more.
SCATTERS, TIMES, LEAST_MORE = 6.0, 2.0, 10.0

#: Hours of the same hour of the day below which the whole day is taken as one. [count]
_ALIKE = 5

_HOUR = pd.Timedelta(hours=1)


@dataclass(frozen=True, eq=False, repr=False)
class SignIns(Result):
    """Attempts to sign in and how many failed; one row per counter and group, ``dimension`` empty for the whole.

    Columns of ``frame``: ``role``, ``title``, ``dimension``, ``group`` (str), ``attempts``, ``failed`` [count],
    ``share`` and ``share_before`` (failed / attempts, in the period and the one before) [ratio]. NaN where a count is
    not known.
    """


@dataclass(frozen=True, eq=False, repr=False)
class Rises(Result):
    """Stretches of hours with far more events than usual; the newest first.

    Columns of ``frame``: ``role``, ``title`` (str), ``start``, ``end`` [UTC], ``amount`` and ``usual`` [count],
    ``dimension``, ``group`` (of a label with several values, the one that most of the events have; empty where none has
    half) and ``part`` (its part of them) [ratio], ``open`` (bool: it lasts to the end of the period).

    Attributes
    ----------
    hours, judged : int
        Hours of the period over all counters, and those that could be judged. [count]
    """

    hours: int
    judged: int


def sign_ins(amounts: pd.DataFrame, pairs: Mapping[str, str]) -> SignIns:
    """Set failed attempts beside all attempts.

    Parameters
    ----------
    amounts : DataFrame
        Columns of :class:`workbench.analysis.operations.activity.ActivityTotals`. [count]
    pairs : mapping of str to str
        Role of all attempts -> role of those that failed.

    Returns
    -------
    SignIns

    Examples
    --------
    >>> names = ["role", "title", "dimension", "group", "amount", "before"]
    >>> rows = [("tries", "Tries", "", "", 200.0, 100.0), ("wrong", "Wrong", "", "", 30.0, 5.0)]
    >>> sign_ins(pd.DataFrame(rows, columns=names), {"tries": "wrong"}).frame["share"].tolist()
    [0.15]
    """
    rows = []
    for attempts, failures in pairs.items():
        failed = amounts[amounts["role"] == failures].set_index(["dimension", "group"])
        for row in amounts[amounts["role"] == attempts].itertuples():
            key = (row.dimension, row.group)
            if row.dimension not in failed.index.get_level_values("dimension"):
                continue
            known = key in failed.index
            wrong, before = (float(failed.loc[key, name]) if known else 0.0 for name in ("amount", "before"))
            rows.append(
                {
                    "role": row.role,
                    "title": row.title,
                    "dimension": row.dimension,
                    "group": row.group,
                    "attempts": row.amount,
                    "failed": wrong,
                    "share": wrong / row.amount if row.amount > 0 else np.nan,
                    "share_before": before / row.before if row.before > 0 else np.nan,
                }
            )
    columns = ["role", "title", "dimension", "group", "attempts", "failed", "share", "share_before"]
    return SignIns(pd.DataFrame(rows, columns=columns))


def rises(hourly: pd.DataFrame, titles: Mapping[str, str], *, period: TimeRange) -> Rises:
    """Find the hours of a period in which far more happened than is usual for that hour of the day.

    Parameters
    ----------
    hourly : DataFrame
        ``role``, ``start`` [UTC, whole hours], ``amount`` [count], ``covered`` [ratio], and further columns of labels
        (str): one row per label set and hour, of the period and of the time before.
    titles : mapping of str to str
        Role -> what is counted. Only these are judged.
    period : TimeRange
        Period to read, without its end.

    Returns
    -------
    Rises

    Notes
    -----
    Counts are made alike in scatter by ``2 sqrt(x + 3/8)`` (Anscombe 1948). Usual is the median of the same hour of all
    days, the scatter 1.4826 times the median absolute deviation from it, at least that of Poisson counts (1). An hour
    rises by six scatters, twice the usual count and ten events; neighbours are one stretch.
    """
    names = [name for name in hourly.columns if name not in ("role", "start", "end", "amount", "covered")]
    rows, hours, judged = [], 0, 0
    for role, title in titles.items():
        mine = hourly[hourly["role"] == role]
        labels = [name for name in names if len(set(mine.loc[mine["amount"] > 0, name])) > 1]
        whole = mine.groupby("start").agg(amount=("amount", "sum"), covered=("covered", "min")).sort_index()
        seen = whole[whole["covered"] >= OBSERVED]
        inside = (whole.index >= period.start) & (whole.index < period.end)
        hours += int(inside.sum())
        if len(seen) < LEAST_HOURS:
            continue
        usual, high = _judged(seen["amount"])
        within = (seen.index >= period.start) & (seen.index < period.end)
        judged += int(within.sum())
        for start, end in _stretches(seen.index[high & within]):
            at = (seen.index >= start) & (seen.index < end)
            part = mine[(mine["start"] >= start) & (mine["start"] < end)]
            rows.append(
                {
                    "role": role,
                    "title": title,
                    "start": start,
                    "end": end,
                    "amount": float(seen["amount"][at].sum()),
                    "usual": float(usual[at].sum()),
                    **_most(part, labels),
                    "open": end >= pd.Timestamp(period.end) - _HOUR,
                }
            )
    columns = ["role", "title", "start", "end", "amount", "usual", "dimension", "group", "part", "open"]
    frame = pd.DataFrame(rows, columns=columns).astype({"open": bool})
    return Rises(frame.sort_values("start", ascending=False, ignore_index=True), hours=hours, judged=judged)


def _judged(amounts: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return what is usual in each hour, and whether the hour rises above it."""
    values = amounts.to_numpy(np.float64)
    even = pd.Series(2 * np.sqrt(values + 0.375))
    hour = pd.Series(amounts.index.hour)
    alike = even.groupby(hour)
    centre = alike.transform("median").where(alike.transform("size") >= _ALIKE, even.median())
    rest = (even - centre).to_numpy()
    scatter = max(1.0, 1.4826 * float(np.median(np.abs(rest))))
    usual = np.maximum((centre.to_numpy() / 2) ** 2 - 0.375, 0.0)
    high = (rest >= SCATTERS * scatter) & (values >= TIMES * usual) & (values - usual >= LEAST_MORE)
    return usual, high


def _stretches(starts: pd.DatetimeIndex) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Join hours that follow one another."""
    joined: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    for start in starts:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], start + _HOUR
        else:
            joined.append((start, start + _HOUR))
    return joined


def _most(part: pd.DataFrame, labels: list[str]) -> dict[str, object]:
    """Name the label value that most of the events of a stretch have, where it tells them apart."""
    best: dict[str, object] = {"dimension": "", "group": "", "part": float("nan")}
    total, most = float(part["amount"].sum()), 0.5
    for name in labels:
        sums = part.groupby(name, observed=True)["amount"].sum()
        sums = sums[sums.index.astype(str) != ""]
        if len(sums) and total > 0 and (share := float(sums.max()) / total) > most:
            best, most = {"dimension": name, "group": str(sums.idxmax()), "part": share}, share
    return best
