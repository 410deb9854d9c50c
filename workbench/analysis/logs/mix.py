"""What the lines of a period are: levels over time, error ratios, latency, security events, and what they lack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis.counting.sampled import count_interval
from workbench.analysis.logs.sampling import estimates, share_of
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

#: Attributes that hold the duration of a request, by their last part. [ms]
DURATIONS = ("duration_ms", "DurationMs", "latency_ms", "elapsed_ms", "response_time_ms")

#: Event types of security, and words of messages that tell of it where there is no event type.
_SECURITY_EVENTS = ("security", "auth", "authentication", "audit")
_SECURITY = (
    r"(?i)wrong password|unauthori[sz]ed|forbidden|permission denied|access denied|failing sign-ins?|invalid token"
)
_SECURITY += r"|authentication fail"

ERRORS = ("ERROR", "FATAL")
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, eq=False, repr=False)
class LevelHistory(Result):
    """Lines by level over time; one row per step and level.

    Columns of ``frame``: ``time`` (start of the step) [UTC], ``severity`` (str, ``(none)`` for lines without),
    ``kept`` [lines], ``estimate`` (what they stand for; NaN where a rate is unknown), ``low`` and ``high`` (95 %
    interval) [lines/step].
    """

    range: TimeRange
    step_s: float


@dataclass(frozen=True, eq=False, repr=False)
class ErrorRatios(Result):
    """Share of error lines, one row per service.

    Columns of ``frame``: ``service`` (str), ``kept`` [lines], ``estimate`` [lines], ``errors_kept`` [lines], ``share``
    with ``share_low`` and ``share_high``, its 95 % interval; NaN where a rate of sampling is unknown [ratio].
    """


@dataclass(frozen=True, eq=False, repr=False)
class LineLatency(Result):
    """Durations that lines tell, one row per service, event type and level.

    Columns of ``frame``: ``service``, ``event_type``, ``severity`` (str), ``kept`` [lines], ``p50``, ``p95``, ``p99``
    (weighted quantiles) [ms].
    """


@dataclass(frozen=True, eq=False, repr=False)
class LineFields(Result):
    """How many lines have each field; one row per field.

    Columns of ``frame``: ``field`` (str), ``kept`` [lines], ``share`` of the kept lines [ratio].
    """


def level_history(lines: pd.DataFrame, range: TimeRange, *, step_ms: int) -> LevelHistory:
    """Count lines by level in steps.

    Parameters
    ----------
    lines : DataFrame
        LOGS with ``probability``: share of lines of its kind kept, NaN where not known [ratio].
    range : TimeRange
        Period to read, without its end.
    step_ms : int
        Steps begin at whole multiples of it since the epoch. [ms]
    """
    steps = lines["time_ns"].to_numpy(np.int64) // (step_ms * 1_000_000) * step_ms
    severity = lines["severity"].astype("str").replace("", "(none)")
    keyed = pd.DataFrame(
        {"time": steps, "severity": severity.to_numpy(), "probability": lines["probability"].to_numpy()}
    )
    probabilities = keyed["probability"].to_numpy(np.float64)
    keyed = keyed.assign(kept=1, estimate=1 / probabilities, variance=(1 - probabilities) / probabilities**2)
    keys, figures = ["time", "severity"], ["kept", "estimate", "variance"]
    sums = keyed.groupby(keys, sort=True)[figures].sum(skipna=False).reset_index()
    low, high = count_interval(sums["estimate"].to_numpy(np.float64), sums["variance"].to_numpy(np.float64))
    frame = pd.DataFrame(
        {
            "time": pd.to_datetime(sums["time"], unit="ms", utc=True).dt.as_unit("ms"),
            "severity": sums["severity"],
            "kept": sums["kept"].astype(np.int64),
            "estimate": sums["estimate"],
            "low": np.maximum(low, sums["kept"]),
            "high": high,
        }
    )
    return LevelHistory(frame, range, step_ms / 1000)


def error_ratios(lines: pd.DataFrame) -> ErrorRatios:
    """Return the share of error lines of each service; all services together first."""
    rows = []
    for service, own in [("(all)", lines), *lines.groupby("service", sort=True, observed=True)]:
        kept = pd.DataFrame({"value": own["severity"], "probability": own["probability"], "count": 1})
        whole = estimates(kept.assign(value="all"), by="all").frame
        share, low, high = share_of(kept, ERRORS, by="severity")
        rows.append(
            {
                "service": str(service),
                "kept": len(own),
                "estimate": float(whole["estimate"].iloc[0]) if len(whole) else 0.0,
                "errors_kept": int(own["severity"].isin(ERRORS).sum()),
                "share": share,
                "share_low": low,
                "share_high": high,
            }
        )
    return ErrorRatios(pd.DataFrame(rows))


def line_latency(lines: pd.DataFrame) -> LineLatency:
    """Return quantiles of the durations that lines tell, weighed by what they stand for."""
    durations = np.array([_duration(held) for held in lines["attributes"]], np.float64)
    weights = 1 / lines["probability"].fillna(1.0).to_numpy(np.float64)
    keys = lines[["service", "event_type", "severity"]].astype("str").assign(ms=durations, weight=weights)
    rows = [
        {"service": key[0], "event_type": key[1], "severity": key[2], "kept": len(own), **_quantiles(own)}
        for key, own in keys[np.isfinite(durations)].groupby(["service", "event_type", "severity"], sort=True)
    ]
    columns = ["service", "event_type", "severity", "kept", *_QUANTILES]
    return LineLatency(pd.DataFrame(rows, columns=columns))


def line_fields(lines: pd.DataFrame) -> LineFields:
    """Return how many lines have a level, a service, an event type, a trace id, a duration and a message."""
    has = {name: (lines[name].astype("str") != "").to_numpy(np.bool_)
           for name in ("severity", "service", "event_type", "trace_id", "message")}  # fmt: skip
    has["duration"] = np.array([np.isfinite(_duration(held)) for held in lines["attributes"]], np.bool_)
    rows = [
        {"field": name, "kept": int(held.sum()), "share": float(held.mean()) if len(held) else np.nan}
        for name, held in has.items()
    ]
    return LineFields(pd.DataFrame(rows))


def is_security(lines: pd.DataFrame) -> pd.Series:
    """Whether each line tells of security: by its event type, else by its words."""
    by_type = lines["event_type"].astype("str").str.lower().isin(_SECURITY_EVENTS)
    return by_type | lines["message"].astype("str").str.contains(_SECURITY, regex=True)


def _duration(attributes: object) -> float:
    if isinstance(attributes, dict):
        for name, value in attributes.items():
            if str(name).rsplit(".", 1)[-1] in DURATIONS:
                try:
                    duration = float(value)
                except (TypeError, ValueError):
                    continue
                return duration if np.isfinite(duration) and duration >= 0 else float("nan")
    return float("nan")


def _quantiles(own: pd.DataFrame) -> dict[str, float]:
    """Weighted quantiles: the least duration up to which this part of the weight lies."""
    ordered = own.sort_values("ms", kind="stable")
    part = ordered["weight"].cumsum().to_numpy() / ordered["weight"].sum()
    values = ordered["ms"].to_numpy()
    return {
        name: float(values[min(int(np.searchsorted(part, level - 1e-12)), len(values) - 1)])
        for name, level in _QUANTILES.items()
    }
