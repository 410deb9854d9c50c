"""When does a resource run out? Each level against each of its limits: forecast, interval, date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.forecast.cycles import Cycle, monthly_cycle
from workbench.analysis.forecast.forecast import Forecast, first_reached, forecast, refusal
from workbench.core.result import Result

Floats = NDArray[np.float64]
HOUR_MS = 3_600_000

#: A limit reached within this long asks for action. [d]
LEAD_DAYS = 14


@dataclass(frozen=True)
class CapacityLimit:
    """A limit of a level: what it is called, and where it stands on the scale of the level."""

    name: str
    value: float
    documented: bool = True


@dataclass(frozen=True)
class Level:
    """Hourly use of one resource up to now, NaN where it is missing, with its limits. ``unit`` is ratio for shares."""

    resource: str
    title: str
    series: str
    unit: str
    hourly: Floats
    limits: tuple[CapacityLimit, ...]


@dataclass(frozen=True, eq=False, repr=False)
class CapacityLimits(Result):
    """Each level against each of its limits, the nearest date first.

    Columns of ``frame``:

    ============== ====================================================================================
    resource       role or threshold of the profile; ``title`` in words (str)
    series         its labels (str)
    limit          name of the limit (str)
    documented     whether the document names it (bool)
    status         ok, at_risk (above now, or the earliest date is within a fortnight) or no_data
    unit           of ``now``, ``value``, ``trend``, ``error`` (str)
    now            highest of the last day; 0 where the level begins anew at ``as_of`` [``unit``]
    value          the limit [``unit``]
    used           now / value [ratio]
    trend          slope of the forecast [``unit``/d]
    reached_at     when the forecast reaches the limit; NaT when not within the horizon [UTC]
    earliest       when the upper edge of the 80 % band does; NaT likewise [UTC]
    latest         when the lower edge does; NaT likewise [UTC]
    method         member of the pool (str)
    error          mean absolute error of it up to three days ahead [``unit``]
    naive_error    that of the last level [``unit``]
    covered        share of backtest values inside the 80 % band [ratio]
    origins        backtests [count]
    ahead_days     how far ahead was looked [d]
    measured_days  how far ahead the band rests on errors of that distance [d]
    verdict        normal, limited, or why nothing is forecast (str)
    anew_at        when the level begins anew, as monthly budgets do; NaT for others [UTC]
    history_days   from the first value on [d]
    changed_at     when the trend last changed; NaT without [UTC]
    ============== ====================================================================================
    """

    as_of: datetime
    horizon_days: int


@dataclass(frozen=True, eq=False, repr=False)
class CapacityForecasts(Result):
    """Daily peaks of each level and of its forecast.

    Columns of ``frame``: ``resource``, ``title``, ``series``, ``unit``, ``day`` (start) [UTC], ``actual`` (NaN ahead),
    ``middle``, ``low``, ``high`` (NaN before) [``unit``], ``limit`` (the lowest of the level) [``unit``].
    """

    as_of: datetime


def capacity(
    levels: Sequence[Level], *, as_of: datetime, horizon_days: int
) -> tuple[CapacityLimits, CapacityForecasts]:
    """Forecast each level and say when it reaches each of its limits.

    Parameters
    ----------
    levels : sequence of Level
        All end at ``as_of``.
    as_of : datetime
        Aware instant; no date is earlier.
    horizon_days : int
        How far ahead; never further than the history is long. [d]

    Notes
    -----
    See :func:`workbench.analysis.forecast.forecast.forecast`. The dates are where the forecast and the edges of its
    band meet
    the limit. A level above the limit now reaches it now. Shares are cut at 0; a level cannot be negative. A level that
    begins anew with every month (:func:`workbench.analysis.forecast.cycles.monthly_cycle`) is forecast up to the next
    beginning.
    """
    rows: list[dict[str, Any]] = []
    frames = []
    for level in levels:
        why, found = refusal(level.hourly), None
        cycle = monthly_cycle(level.hourly, as_of=as_of)
        if not why:
            found = _found(level.hourly, cycle, horizon_days)
        rows += [_row(level, limit, found, why, cycle, as_of) for limit in level.limits]
        frames.append(_daily(level, found, as_of))
    columns = ["resource", "title", "series", "limit", "documented", "status", "unit", "now", "value", "used", "trend",
               "reached_at", "earliest", "latest", "method", "error", "naive_error", "covered", "origins",
               "ahead_days", "measured_days", "verdict", "history_days", "changed_at", "anew_at"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    for name in ("reached_at", "earliest", "latest", "changed_at", "anew_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    frame["documented"] = frame["documented"].astype("bool")
    order = frame.sort_values(["reached_at", "earliest", "used"], ascending=[True, True, False], kind="stable")
    empty = pd.DataFrame(
        columns=["resource", "title", "series", "unit", "day", "actual", "middle", "low", "high", "limit"]
    )
    daily = pd.concat(frames, ignore_index=True) if frames else empty
    return (
        CapacityLimits(order.reset_index(drop=True), as_of=as_of, horizon_days=horizon_days),
        CapacityForecasts(daily, as_of=as_of),
    )


def _found(values: Floats, cycle: Cycle | None, horizon_days: int) -> Forecast:
    """Forecast no further than the history is long, and than the level goes on."""
    hours = min(horizon_days * 24, len(values) - int(np.flatnonzero(np.isfinite(values))[0]))
    if cycle is None:
        return _bounded(forecast(values, hours), 0.0)
    return _bounded(forecast(cycle.unrolled, min(hours, cycle.hours)), cycle.base)


def _bounded(found: Forecast, base: float) -> Forecast:
    paths = {name: np.maximum(getattr(found, name) - base, 0) for name in ("middle", "low", "high")}
    return replace(found, **paths)


def _row(
    level: Level, limit: CapacityLimit, found: Forecast | None, why: str, cycle: Cycle | None, as_of: datetime
) -> dict[str, Any]:
    last = level.hourly[-24:][np.isfinite(level.hourly[-24:])]
    now = float(last.max()) if len(last) else np.nan
    if cycle is not None and not cycle.unrolled[-1] > cycle.base:
        now = 0.0
    known = np.flatnonzero(np.isfinite(level.hourly))
    row: dict[str, Any] = {
        "resource": level.resource,
        "title": level.title,
        "series": level.series,
        "limit": limit.name,
        "documented": limit.documented,
        "status": "no_data",
        "unit": level.unit,
        "now": now,
        "value": limit.value,
        "used": now / limit.value if limit.value else np.nan,
        "trend": np.nan,
        "error": np.nan,
        "naive_error": np.nan,
        "covered": np.nan,
        "origins": 0,
        "ahead_days": 0.0,
        "measured_days": 0.0,
        "method": "",
        "verdict": why,
        "anew_at": None if cycle is None else as_of + timedelta(hours=cycle.hours),
        "history_days": (len(level.hourly) - known[0]) / 24 if len(known) else 0.0,
    }
    if found is None:
        return row
    above = bool(len(last)) and min(now, float(last[-1])) >= limit.value
    paths = {"reached_at": found.middle, "earliest": found.high, "latest": found.low}
    dates = {name: as_of if above else _date(path, limit.value, as_of) for name, path in paths.items()}
    soon = dates["earliest"] is not None and (dates["earliest"] - as_of).total_seconds() <= LEAD_DAYS * 86_400
    likely = dates["reached_at"] is not None
    changed = None if found.changed is None else as_of - pd.Timedelta(hours=found.changed)
    return row | dates | {
        "status": "at_risk" if soon and likely else "ok",
        "trend": found.slope,
        "method": found.method,
        "error": found.error if np.isfinite(found.error) else np.nan,
        "naive_error": found.naive_error if np.isfinite(found.naive_error) else np.nan,
        "covered": found.covered,
        "origins": found.origins,
        "ahead_days": len(found.middle) / 24,
        "measured_days": found.measured / 24,
        "verdict": found.verdict,
        "changed_at": changed,
    }  # fmt: skip


def _date(path: Floats, limit: float, as_of: datetime) -> datetime | None:
    place = first_reached(path, limit)
    return None if place is None else (pd.Timestamp(as_of) + pd.Timedelta(hours=place + 1)).to_pydatetime()


def _daily(level: Level, found: Forecast | None, as_of: datetime) -> pd.DataFrame:
    past = len(level.hourly)
    ahead = 0 if found is None else len(found.middle)
    times = pd.date_range(end=pd.Timestamp(as_of) + pd.Timedelta(hours=ahead - 1), periods=past + ahead, freq="h")
    nothing, behind = np.full(ahead, np.nan), np.full(past, np.nan)
    hourly = pd.DataFrame(
        {
            "day": times.as_unit("ms").floor("D"),
            "actual": np.concatenate([level.hourly, nothing]),
            "middle": behind if found is None else np.concatenate([behind, found.middle]),
            "low": behind if found is None else np.concatenate([behind, found.low]),
            "high": behind if found is None else np.concatenate([behind, found.high]),
        }
    )
    daily = hourly.groupby("day", as_index=False).max()
    lowest = min((limit.value for limit in level.limits), default=np.nan)
    return daily.assign(resource=level.resource, title=level.title, series=level.series, unit=level.unit, limit=lowest)[
        ["resource", "title", "series", "unit", "day", "actual", "middle", "low", "high", "limit"]
    ]
