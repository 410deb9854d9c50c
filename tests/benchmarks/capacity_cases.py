"""The edge cases of capacity forecasts, each as a question with a right answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.capacity.level import CapacityLimit, Level
from workbench.analysis.capacity.levels import capacity
from workbench.analysis.forecast.forecast import forecast, refusal

Floats = NDArray[np.float64]

AS_OF = datetime(2026, 11, 17, tzinfo=UTC)
HOURS = np.arange(60 * 24)
FULL = (CapacityLimit("full", 1.0),)


def _row(values: Floats, limits: tuple[CapacityLimit, ...] = FULL, **more: object) -> pd.Series:
    resource = str(more.pop("resource", "cpu"))
    level = Level(resource, resource, "s", "ratio", values, limits, **more)
    return capacity([level], as_of=AS_OF, horizon_days=30)[0].frame.iloc[0]


def _short() -> bool:
    return "2 days" in refusal(np.ones(40)) and _row(np.full(5 * 24, 0.5))["verdict"] == "limited"


def _horizon_beyond_history() -> bool:
    return float(_row(np.linspace(0.1, 0.4, 10 * 24))["ahead_days"]) <= 10


def _gaps() -> bool:
    values = 0.2 + 0.01 * HOURS / 24
    holed = values.copy()
    holed[100:130] = holed[700:702] = np.nan
    whole, gap = _row(values)["reached_at"], _row(holed)["reached_at"]
    return bool(abs(whole - gap) <= pd.Timedelta("1D")) and "missing" in refusal(np.where(HOURS % 2, values, np.nan))


def _constant() -> bool:
    row = _row(np.full(len(HOURS), 0.5))
    return bool(row["at_horizon"] == 0 and row["error"] == 0)


def _spikes() -> bool:
    values = np.full(len(HOURS), 0.3)
    values[::97] = 0.9
    ahead = forecast(values, 24)
    return bool(np.abs(ahead.middle - 0.3).max() < 0.1)


def _bounded() -> bool:
    ahead = forecast(np.clip(0.9 + 0.2 * np.sin(2 * np.pi * HOURS / 24), 0, 1), 72, lower=0, upper=1)
    return bool(ahead.high95.max() <= 1 and ahead.low95.min() >= 0 and (ahead.low95 <= ahead.low).all())


def _saturated() -> bool:
    return bool(_row(np.minimum(1.0, 0.8 + 0.3 * np.sin(2 * np.pi * HOURS / 24)))["saturated"] >= 0.1)


def _never_negative() -> bool:
    return bool(forecast(np.maximum(0.9 - 0.02 * HOURS / 24, 0), 168, lower=0).low95.min() >= 0)


def _jump() -> bool:
    values = 0.4 + 0.01 * np.random.default_rng(1).normal(size=len(HOURS))
    values[-6:] += 0.4
    ahead = forecast(values, 24)
    return bool(ahead.low[0] <= values[-1] <= ahead.high[0] and ahead.verdict == "limited")


def _limit_changes() -> bool:
    raised = CapacityLimit("full", 1.0, changes=((AS_OF + timedelta(days=3), 2.0),))
    values = 0.3 + 0.01 * HOURS / 24
    return bool(_row(values)["status"] == "at_risk" and _row(values, (raised,))["status"] == "ok")


def _managed() -> bool:
    return bool(_row(np.full(len(HOURS), 1.0), signal=False)["status"] == "ok")


def _already() -> bool:
    row = _row(np.linspace(0.5, 1.1, len(HOURS)), resource="disk")
    return bool(row["reached_at"] == pd.Timestamp(AS_OF) and row["within_1d"] == 1)


def _workers() -> bool:
    values = 0.4 + np.cumsum(np.random.default_rng(1).normal(0, 0.002, len(HOURS)))
    first, second = _row(values), _row(values)
    return bool(first["at_horizon"] == second["at_horizon"] and str(first["earliest"]) == str(second["earliest"]))


def _leak() -> bool:
    return bool(_row(np.tile(np.linspace(0.2, 0.93, 120), 12), resource="memory")["at_horizon"] == 0)


CASES: dict[str, Callable[[], bool]] = {
    "short history": _short,
    "horizon longer than history": _horizon_beyond_history,
    "gaps": _gaps,
    "constant": _constant,
    "near-constant with spikes": _spikes,
    "bounded ratios": _bounded,
    "saturated at the limit": _saturated,
    "negative forecasts": _never_negative,
    "level shift": _jump,
    "limit changes": _limit_changes,
    "managed limits": _managed,
    "already reached": _already,
    "same result again": _workers,
    "leak with restarts": _leak,
}
