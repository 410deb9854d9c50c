"""Scores of a profile as series over time: their queries, and the answers as rows of one shape."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.catalog.profile.model import Role
from workbench.core.series import Labels, Metrics
from workbench.core.timerange import HOUR_MS, TimeRange

#: Dimensions that say who measured, not what: they are averaged away.
_WHERE = ("instance", "job", "host", "container", "deployment", "region")


def score_queries(role: Role, window: str = "1h", step: str = "5m") -> tuple[str, str] | None:
    """PromQL of the mean of a score over a window and of the samples behind it; None for a kind that is no score.

    Parameters
    ----------
    role : Role
        Gauge, histogram or expression.
    window : str
        PromQL duration of the mean.
    step : str
        PromQL duration between two looks at an expression.
    """
    by = scored_by(role)
    if role.kind == "gauge":
        return (
            f"sum by ({by}) (sum_over_time({role.select}[{window}])) / "
            f"sum by ({by}) (count_over_time({role.select}[{window}]))",
            f"sum by ({by}) (count_over_time({role.select}[{window}]))",
        )
    if role.kind == "histogram":
        total, count = (f"sum by ({by}) (increase({role.part(part)}[{window}]))" for part in ("_sum", "_count"))
        return f"{total} / {count}", count
    if role.kind == "expr":
        inner = f"({role.select})[{window}:{step}]"
        return f"avg by ({by}) (avg_over_time({inner}))", f"sum by ({by}) (count_over_time({inner}))"
    return None


def scored_by(role: Role) -> str:
    """Labels that say what was scored."""
    return ", ".join(label for word, label in role.labels.items() if word not in _WHERE)


def no_hours() -> pd.DataFrame:
    """Rows of no score."""
    columns = {
        "role": "str", "title": "str", "series": "str", "time": "datetime64[ms, UTC]", "value": "float64",
        "samples": "float64", "gauge": "bool",
    }  # fmt: skip
    frame = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    return frame


def score_rows(
    name: str, role: Role, value: Metrics, samples: Metrics, span: TimeRange, warnings: list[str],
    step_ms: int = HOUR_MS,
) -> pd.DataFrame:  # fmt: skip
    """Lay the answers to :func:`score_queries` out: ``role, title, series, time, value, samples, gauge``.

    Parameters
    ----------
    name : str
        Name of the role.
    role : Role
        What is scored, and by which labels.
    value, samples : Metrics
        Means, and the samples behind them, at the end of each step. [score, count]
    span : TimeRange
        Period whose readings that are no numbers are counted.
    warnings : list of str
        Gets a sentence on each series with such readings.
    step_ms : int
        Length of a step. [ms]
    """
    words = {label: word for word, label in role.labels.items()}
    counted = {_series(labels, words): row for labels, row in zip(samples.labels, samples.values, strict=True)}
    starts = pd.DatetimeIndex((value.times - step_ms).view("datetime64[ms]")).tz_localize("UTC")
    frames = []
    for labels, values, present in zip(value.labels, value.values, value.present, strict=True):
        series = _series(labels, words)
        counted_here = counted.get(series, np.zeros(len(values)))
        known = present & np.isfinite(values)
        unread = present & ~known & (counted_here > 0)
        if lost := int((unread & (starts >= pd.Timestamp(span.start))).sum()):
            count = "1 hour of the period holds" if lost == 1 else f"{lost:,} hours of the period hold"
            warnings.append(f"{name} of {series}: {count} readings that are NaN or infinite; they are not observed.")
        # A series whose readings are all NaN stays a score, without a verdict.
        known = known if known.any() else unread
        frames.append(
            pd.DataFrame(
                {
                    "role": name,
                    "title": role.title or name,
                    "series": series,
                    "time": starts[known],
                    "value": np.where(np.isfinite(values[known]), _significant(values[known]), np.nan),
                    "samples": np.where(np.isfinite(values[known]), counted_here[known], 0.0),
                    "gauge": role.kind == "gauge",
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else no_hours()


def _significant(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values to 12 digits: a sum of equal readings over their count is the reading but for the last bits."""
    with np.errstate(divide="ignore"):
        digits = 11 - np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** np.where(np.isfinite(digits), digits, 0.0)
    rounded: NDArray[np.float64] = np.round(values * scale) / scale
    return rounded


def _series(labels: Labels, words: dict[str, str]) -> str:
    return ", ".join(f"{words.get(name, name)} {labels[name]}" for name in sorted(labels)) or "all"
