"""When does a resource run out? Each level against each of its limits: forecast, probability, dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.capacity.level import CapacityLimit, Level
from workbench.analysis.capacity.risk import LEADS, Paths, headroom, paths_of, pinned, reached_now, risk
from workbench.analysis.forecast.changes import leak
from workbench.analysis.forecast.cycles import Cycle, budget_cycle
from workbench.analysis.forecast.forecast import Forecast, forecast, refusal
from workbench.core.result import Result

Floats = NDArray[np.float64]

#: A limit is at risk where it is reached within the lead time with this probability or more. [ratio]
RISK = 1 / 3

#: What never passes this share of its limit at the 99th percentile can be made smaller. [ratio]
OVERSIZED = 0.4

#: What is made smaller is left so much of its limit at the 99th percentile. [ratio]
RIGHT_SIZED = 0.6

#: Columns of the probabilities.
WITHIN = tuple(f"within_{days}d" for days in LEADS)

_COLUMNS = ("resource", "title", "series", "limit", "documented", "signal", "status", "unit", "now", "value", "used",
            "trend", "lead_days", "at_lead", "at_horizon", *WITHIN, "reached_at", "earliest", "latest", "saturated",
            "headroom", "headroom_p95", "headroom_p99", "needed", "oversized", "cost_change", "currency",
            "method", "error", "naive_error",
            "score", "covered", "origins", "ahead_days", "measured_days", "verdict", "history_days", "changed_at",
            "anew_at", "leak_rate", "restarted_at")  # fmt: skip

_DAILY = ("resource", "title", "series", "unit", "day", "actual", "middle", "low", "high", "low95", "high95", "limit")


@dataclass(frozen=True, eq=False, repr=False)
class CapacityLimits(Result):
    """Each level against each of its limits, the highest risk first.

    Columns of ``frame``:

    ============== ====================================================================================
    resource       role or threshold of the profile; ``title`` in words (str)
    series         its labels (str)
    limit          name of the limit (str)
    documented     whether the document names it (bool)
    signal         whether reaching it says that the resource is short (bool)
    status         ok, at_risk (above now, or within the lead time with a probability of a third or more) or no_data
    unit           of ``now``, ``value``, ``trend``, ``error``, the headroom and ``needed`` (str)
    now            highest of the last day; 0 where the level restarts at ``as_of`` [``unit``]
    value          the limit [``unit``]
    used           now / value [ratio]
    trend          slope of the forecast [``unit``/d]
    lead_days      time that people need to act [d]
    at_lead        probability that the limit is reached within that time, or the horizon if shorter [ratio]
    at_horizon     the same within the horizon [ratio]
    within_1d ...  the same within 1, 7, 14, 30 and 90 days; NaN beyond the horizon [ratio]
    reached_at     by when with a probability of 50 %; NaT when not within the horizon [UTC]
    earliest       by when with 10 %; NaT likewise [UTC]
    latest         by when with 90 %; NaT likewise [UTC]
    saturated      share of the last fortnight at 98 % of the limit or more [ratio]
    headroom       value - now [``unit``]
    headroom_p95   value less the 95th percentile of the daily peaks of four weeks; ``headroom_p99`` likewise [``unit``]
    needed         limit that is not reached within the horizon with 90 % [``unit``]
    oversized      whether the 99th percentile of the hours is at most 40 % of the highest limit (bool)
    cost_change    what the limit that is needed costs more, or, negative, what a limit of which the 99th percentile is
                   60 % costs less; None where the cost is not known (Decimal) [``currency``/month]
    currency       of it (str)
    method         pool, a line, seasonal naive, or the mean of it and another (str)
    error          mean absolute error of the backtest [``unit``]
    naive_error    that of seasonal naive [``unit``]
    score          error / naive_error [ratio]
    covered        share of backtest values inside the 80 % band of the other origins [ratio]
    origins        backtests [count]
    ahead_days     how far ahead was looked [d]
    measured_days  how far ahead the band rests on errors of that distance [d]
    verdict        normal, limited, or why nothing is forecast (str)
    history_days   from the first value on [d]
    changed_at     when the level or trend last changed; NaT without [UTC]
    anew_at        when the level restarts, as budgets do; NaT for others [UTC]
    leak_rate      how fast it climbs between restarts; NaN where that is not seen [``unit``/d]
    restarted_at   the last restart; NaT without a leak [UTC]
    ============== ====================================================================================
    """

    as_of: datetime
    horizon_days: int


@dataclass(frozen=True, eq=False, repr=False)
class CapacityForecasts(Result):
    """Daily peaks of each level and of its forecast.

    Columns of ``frame``: ``resource``, ``title``, ``series``, ``unit``, ``day`` (start) [UTC], ``actual`` (NaN ahead),
    ``middle``, ``low``, ``high`` (80 %), ``low95``, ``high95`` (NaN before) [``unit``], ``limit`` (the lowest of the
    level) [``unit``].
    """

    as_of: datetime


def capacity(
    levels: Sequence[Level], *, as_of: datetime, horizon_days: int
) -> tuple[CapacityLimits, CapacityForecasts]:
    """Forecast each level and say how likely and when it reaches each of its limits.

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
    See :func:`workbench.analysis.forecast.forecast.forecast` for the forecast and
    :func:`workbench.analysis.capacity.risk.risk` for probability and dates. Shares are cut at 0 and 1, other levels at
    0. A budget (:func:`workbench.analysis.forecast.cycles.budget_cycle`) is looked at up to the end of its window.
    """
    rows: list[dict[str, Any]] = []
    frames = []
    for level in levels:
        why = refusal(level.hourly)
        cycle = None
        if level.is_budget or level.window is not None or level.budget is None:
            cycle = budget_cycle(level.hourly, as_of=as_of, window=level.window, budget=level.is_budget)
        prediction, paths = (None, None) if why else _looked_ahead(level, cycle, as_of, horizon_days)
        rows += [_row(level, limit, prediction, paths, why, cycle, as_of) for limit in level.limits]
        frames.append(_daily(level, prediction, as_of))
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    for name in ("reached_at", "earliest", "latest", "changed_at", "anew_at", "restarted_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    for name in ("documented", "signal", "oversized"):
        frame[name] = frame[name].astype("bool")
    order = frame.sort_values(
        ["signal", "at_lead", "at_horizon", "reached_at", "used"],
        ascending=[False, False, False, True, False],
        kind="stable",
    )
    daily = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(_DAILY))
    return (
        CapacityLimits(order.reset_index(drop=True), as_of=as_of, horizon_days=horizon_days),
        CapacityForecasts(daily, as_of=as_of),
    )


def _looked_ahead(level: Level, cycle: Cycle | None, as_of: datetime, horizon_days: int) -> tuple[Forecast, Paths]:
    """Forecast and paths, no further than the history is long, and than a budget lasts."""
    values = level.hourly if cycle is None else cycle.unrolled
    first = int(np.flatnonzero(np.isfinite(values))[0])
    hours = min(horizon_days * 24, len(values) - first)
    if cycle is not None:
        hours = min(hours, max(cycle.hours, 1))
    upper = 1.0 if level.unit == "ratio" and cycle is None else np.inf
    markers = [
        place - first for at in level.markers if (place := len(values) - int((as_of - at) / timedelta(hours=1))) > first
    ]
    prediction = forecast(values, hours, lower=0.0 if cycle is None else -np.inf, upper=upper, markers=markers)
    if cycle is not None:
        names = ("middle", "low", "high", "low95", "high95")
        shifted = {name: np.maximum(getattr(prediction, name) - cycle.base, 0) for name in names}
        prediction = replace(prediction, **shifted)
    return prediction, paths_of(level, cycle, hours, markers)


def _row(
    level: Level,
    limit: CapacityLimit,
    prediction: Forecast | None,
    paths: Paths | None,
    why: str,
    cycle: Cycle | None,
    as_of: datetime,
) -> dict[str, Any]:
    last = level.hourly[-24:][np.isfinite(level.hourly[-24:])]
    now = float(last.max()) if len(last) else np.nan
    if cycle is not None:
        begun = cycle.unrolled[np.isfinite(cycle.unrolled)]
        now = max(float(begun[-1] - cycle.base), 0.0)
    known = np.flatnonzero(np.isfinite(level.hourly))
    ample, near = headroom(level.hourly, limit.value)
    row: dict[str, Any] = {
        "resource": level.resource,
        "title": level.title,
        "series": level.series,
        "limit": limit.name,
        "documented": limit.documented,
        "signal": level.signal,
        "status": "no_data",
        "unit": level.unit,
        "now": now,
        "value": limit.value,
        "used": now / limit.value if limit.value else np.nan,
        "lead_days": level.lead_days,
        "saturated": pinned(level.hourly, limit.value),
        "headroom": limit.value - now,
        "headroom_p95": ample,
        "headroom_p99": near,
        "oversized": False,
        "cost_change": None,
        "currency": level.currency,
        "origins": 0,
        "ahead_days": 0.0,
        "measured_days": 0.0,
        "method": "",
        "verdict": why,
        "anew_at": None if cycle is None else as_of + timedelta(hours=cycle.hours),
        "history_days": (len(level.hourly) - known[0]) / 24 if len(known) else 0.0,
    }
    if prediction is None or paths is None:
        return row
    above = reached_now(level, limit, cycle)
    ends = cycle is not None and paths.hours >= cycle.hours
    seen = risk(paths, limit, as_of=as_of, lead_days=level.lead_days, above=above, ends=ends)
    at_risk = level.signal and (above or seen.lead >= RISK)
    climb = leak(level.hourly) if cycle is None else None
    changed = None if prediction.changed is None else as_of - timedelta(hours=prediction.changed)
    highest = max(other.value for other in level.limits)
    peak = float(np.nanquantile(level.hourly, 0.99))
    oversized = peak <= OVERSIZED * highest and cycle is None
    return row | dict(zip(WITHIN, seen.within, strict=True)) | {
        "status": "at_risk" if at_risk else "ok",
        "trend": prediction.slope,
        "at_lead": seen.lead,
        "at_horizon": seen.horizon,
        "earliest": seen.dates[0],
        "reached_at": seen.dates[1],
        "latest": seen.dates[2],
        "needed": seen.needed,
        "oversized": oversized,
        "cost_change": _cost_change(level, limit, needed=seen.needed, peak=peak if oversized and not at_risk else None)
        if cycle is None
        else None,
        "method": prediction.method,
        "error": _finite(prediction.error),
        "naive_error": _finite(prediction.naive_error),
        "score": _finite(prediction.error / prediction.naive_error) if prediction.naive_error else np.nan,
        "covered": prediction.covered,
        "origins": prediction.origins,
        "ahead_days": len(prediction.middle) / 24,
        "measured_days": prediction.measured / 24,
        "verdict": prediction.verdict,
        "changed_at": changed,
        "leak_rate": np.nan if climb is None else climb.rate,
        "restarted_at": None if climb is None else as_of - timedelta(hours=climb.restarts[-1]),
    }  # fmt: skip


def _cost_change(level: Level, limit: CapacityLimit, *, needed: float, peak: float | None) -> Decimal | None:
    """Return what another size costs more or less a month, each part of the size at the price of now."""
    if level.monthly_cost is None or not limit.value > 0:
        return None
    share = max(needed / limit.value - 1, 0.0) if peak is None else min(peak / (RIGHT_SIZED * limit.value) - 1, 0.0)
    return (level.monthly_cost * Decimal(repr(share))).quantize(Decimal("0.01"))


def _finite(value: float) -> float:
    return value if np.isfinite(value) else float("nan")


def _daily(level: Level, prediction: Forecast | None, as_of: datetime) -> pd.DataFrame:
    past = len(level.hourly)
    ahead = 0 if prediction is None else len(prediction.middle)
    times = pd.date_range(end=pd.Timestamp(as_of) + pd.Timedelta(hours=ahead - 1), periods=past + ahead, freq="h")
    nothing, behind = np.full(ahead, np.nan), np.full(past, np.nan)
    columns = {"day": times.as_unit("ms").floor("D"), "actual": np.concatenate([level.hourly, nothing])}
    for name in ("middle", "low", "high", "low95", "high95"):
        columns[name] = behind if prediction is None else np.concatenate([behind, getattr(prediction, name)])
    daily = pd.DataFrame(columns).groupby("day", as_index=False).max()
    lowest = min((limit.value for limit in level.limits), default=np.nan)
    return daily.assign(resource=level.resource, title=level.title, series=level.series, unit=level.unit, limit=lowest)[
        list(_DAILY)
    ]
