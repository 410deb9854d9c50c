"""What people do with a system: actions, sessions, tests, features by day, and how many are active."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.core.result import Result
from workbench.core.timerange import TimeRange

#: Both periods are compared only where this much of each was observed. [ratio]
OBSERVED = 0.9


@dataclass(frozen=True)
class Activity:
    """One thing that is counted, or a level that is read.

    Attributes
    ----------
    role, title, unit : str
    level : bool
        Whether it is a level, such as active users, and not a count.
    dimensions : tuple of str
        Labels it is split by.
    """

    role: str
    title: str
    unit: str
    level: bool = False
    dimensions: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class ActivityTotals(Result):
    """The period against the one before; one row per thing and group, ``dimension`` empty for the whole.

    Columns of ``frame``: ``role``, ``title``, ``unit``, ``level`` (bool), ``dimension``, ``group`` (str), ``amount``
    (sum of a count, mean of a level), ``peak`` (of a level), ``before`` [``unit``], ``change_ratio``, ``share`` (of
    the whole) [ratio]. An amount is NaN where nothing was observed; ``before`` of a count is NaN where less than nine
    tenths of either period were.
    """

    range: TimeRange
    before: TimeRange


@dataclass(frozen=True, eq=False, repr=False)
class ActivityDays(Result):
    """Each thing by day; one row per thing and day.

    Columns of ``frame``: ``role``, ``title``, ``unit`` (str), ``level`` (bool), ``start`` [UTC], ``amount``
    [``unit``; NaN where the day was not observed], ``covered`` [ratio].
    """

    range: TimeRange


def activity_totals(
    counts: pd.DataFrame,
    levels: Mapping[str, pd.DataFrame],
    activities: Sequence[Activity],
    *,
    period: TimeRange,
    before: TimeRange,
) -> ActivityTotals:
    """Sum counts and average levels over a period and the one before.

    Parameters
    ----------
    counts : DataFrame
        ``role``, a column a dimension, ``start`` [UTC], ``amount`` (float), ``covered`` (share of the slice). [unit]
    levels : mapping of str to DataFrame
        By role: ``start`` [UTC], ``mean``, ``peak``. [unit]
    activities : sequence of Activity
        Measures of the product that the profile names.
    period, before : TimeRange
        The period, and the one to compare it with.

    Returns
    -------
    ActivityTotals
        Largest group of each label first.
    """
    rows = []
    for activity in activities:
        head = {"role": activity.role, "title": activity.title, "unit": activity.unit, "level": activity.level}
        if activity.level:
            frame = levels.get(activity.role, pd.DataFrame(columns=["start", "mean", "peak"]))
            now, then = (frame[_inside(frame, span)] for span in (period, before))
            amount, old = float(now["mean"].mean()), float(then["mean"].mean())
            rows.append(
                {
                    **head,
                    "dimension": "",
                    "group": "",
                    "peak": float(now["peak"].max()),
                    **_against(amount, old, amount),
                }
            )
            continue
        mine = counts[counts["role"] == activity.role]
        now, then = (mine[_inside(mine, span)] for span in (period, before))
        whole = _sum(now)
        comparable = _observed_share(now) >= OBSERVED and _observed_share(then) >= OBSERVED
        then = then if comparable else then.iloc[:0]
        old = _sum(then)
        rows.append({**head, "dimension": "", "group": "", "peak": np.nan, **_against(whole, old, whole)})
        for name in (label for label in activity.dimensions if label in mine):
            sums, olds = (part.groupby(name, observed=True)["amount"].sum() for part in (now, then))
            for group, amount in sums.sort_values(ascending=False).items():
                split = {"dimension": name, "group": str(group) or "(not given)", "peak": np.nan}
                rows.append({**head, **split, **_against(float(amount), float(olds.get(group, np.nan)), whole)})
    columns = [
        "role",
        "title",
        "unit",
        "level",
        "dimension",
        "group",
        "amount",
        "peak",
        "before",
        "change_ratio",
        "share",
    ]
    frame = pd.DataFrame(rows, columns=columns).astype({"level": bool})
    return ActivityTotals(frame, range=period, before=before)


def activity_days(
    counts: pd.DataFrame, levels: Mapping[str, pd.DataFrame], activities: Sequence[Activity], *, period: TimeRange
) -> ActivityDays:
    """Give each thing by day, as :func:`activity_totals` takes them."""
    parts = []
    for activity in activities:
        if activity.level:
            frame = levels.get(activity.role, pd.DataFrame(columns=["start", "mean", "peak"]))
            part = frame[_inside(frame, period)].rename(columns={"mean": "amount"})[["start", "amount"]]
            part = part.assign(covered=part["amount"].notna().astype(float))
        else:
            mine = counts[counts["role"] == activity.role]
            grouped = mine[_inside(mine, period)].groupby("start")
            part = grouped.agg(amount=("amount", "sum"), covered=("covered", "min")).reset_index()
            part["amount"] = part["amount"].where(part["covered"] > 0)
        parts.append(part.assign(role=activity.role, title=activity.title, unit=activity.unit, level=activity.level))
    columns = ["role", "title", "unit", "level", "start", "amount", "covered"]
    known = [part for part in parts if len(part)]
    frame = pd.concat(known, ignore_index=True)[columns] if known else pd.DataFrame(columns=columns)
    return ActivityDays(frame.astype({"level": bool}), range=period)


def _inside(frame: pd.DataFrame, span: TimeRange) -> pd.Series:
    starts = pd.to_datetime(frame["start"], utc=True)
    return (starts >= span.start) & (starts < span.end)


def _sum(part: pd.DataFrame) -> float:
    seen = part[part["covered"] > 0]
    return float(seen["amount"].sum()) if len(seen) else float("nan")


def _observed_share(part: pd.DataFrame) -> float:
    """Observed share of the slices of a period. [ratio]"""
    slices = part.groupby("start")["covered"].min()
    return float(slices.fillna(0.0).mean()) if len(slices) else 0.0


def _against(amount: float, before: float, whole: float) -> dict[str, float]:
    return {
        "amount": amount,
        "before": before,
        "change_ratio": amount / before - 1 if before > 0 else float("nan"),
        "share": amount / whole if whole > 0 else float("nan"),
    }
