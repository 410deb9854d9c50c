"""How soon people act: time to acknowledge and to resolve, where somebody writes acknowledgements down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.alerts.hours import hour_classes
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

#: Shares are given of what was acknowledged within these minutes (Grafana OnCall). [min]
WITHIN_MIN = (1, 5, 10, 60)


@dataclass(frozen=True, eq=False, repr=False)
class AlertResponses(Result):
    """Time from the start of an incident to its acknowledgement and to its end; one row a group, ``all`` first.

    Columns of ``frame``:

    ============== ===================================================================================
    group          ``all``, an urgency of the table, or hours (``business``, ``off``, ``sleep``) (str)
    incidents      begun in the period [count]
    acknowledged   of them those that somebody acknowledged [count]
    auto_resolved  over without an acknowledgement [count]
    unresolved     without an end [count]
    mtta_s         mean time to acknowledge, ``tta_median_s`` and ``tta_p90_s`` [s]
    mttr_s         mean time to resolve of those that are over, ``ttr_median_s`` and ``ttr_p90_s`` [s]
    within_5_min   acknowledged within so many minutes / incidents, for each of :data:`WITHIN_MIN` [ratio]
    ============== ===================================================================================

    NaN where there is nothing to divide by.
    """

    zone: str


def alert_responses(incidents: pd.DataFrame, span: TimeRange, *, zone: str = "UTC") -> AlertResponses:
    """Measure how soon people acknowledged and resolved the incidents of a period.

    Parameters
    ----------
    incidents : DataFrame
        ``starts_at``, ``acknowledged_at``, ``ends_at`` [UTC, NaT where it did not happen] and ``urgency`` (str).
    span : TimeRange
        Incidents count by their start.
    zone : str
        Where the people on call live.

    Notes
    -----
    Means are given because they are asked for; a few long ones make them, so median and 90th percentile stand beside
    them. An incident that is not over is not in the times to resolve; one nobody acknowledged is in no time to
    acknowledge, and counts against the shares. An instant
    before the start gives no time: no clock runs backwards.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> day = TimeRange(datetime(2026, 10, 5, tzinfo=timezone.utc), datetime(2026, 10, 6, tzinfo=timezone.utc))
    >>> at = pd.to_datetime(["2026-10-05T09:00Z", "2026-10-05T10:00Z"])
    >>> acknowledged, ends = at + pd.to_timedelta([60, 180], unit="s"), at + pd.to_timedelta([600, 1800], unit="s")
    >>> table = pd.DataFrame({"starts_at": at, "acknowledged_at": acknowledged, "ends_at": ends, "urgency": "page"})
    >>> alert_responses(table, day).frame.loc[0, ["mtta_s", "ttr_median_s"]].tolist()
    [120.0, 1200.0]
    """
    begun = (incidents["starts_at"] >= span.start) & (incidents["starts_at"] < span.end)
    frame = incidents[begun].reset_index(drop=True)
    taken = {name: _seconds(frame, name) for name in ("acknowledged_at", "ends_at")}
    classes = hour_classes(frame["starts_at"], zone) if len(frame) else np.zeros(0, "<U8")
    urgency = frame["urgency"].astype("str").to_numpy()
    groups: list[tuple[str, NDArray[np.bool_]]] = [("all", np.ones(len(frame), np.bool_))]
    groups += [(str(name), urgency == name) for name in sorted(set(urgency) - {""})]
    groups += [(name, classes == name) for name in ("business", "off", "sleep")]
    answered = frame["acknowledged_at"].notna().to_numpy()
    rows = [_row(name, answered[mine], {key: values[mine] for key, values in taken.items()}) for name, mine in groups]
    return AlertResponses(pd.DataFrame(rows), zone=zone)


def _row(name: str, acknowledged: NDArray[np.bool_], taken: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    answered, over = taken["acknowledged_at"], taken["ends_at"]
    count = len(answered)
    row: dict[str, Any] = {
        "group": name,
        "incidents": count,
        "acknowledged": int(acknowledged.sum()),
        "auto_resolved": int((~acknowledged & np.isfinite(over)).sum()),
        "unresolved": int((~np.isfinite(over)).sum()),
    }
    for short, times in (("tta", answered), ("ttr", over)):
        known = times[np.isfinite(times)]
        row[f"m{short}_s"] = float(known.mean()) if len(known) else np.nan
        row[f"{short}_median_s"] = float(np.median(known)) if len(known) else np.nan
        row[f"{short}_p90_s"] = float(np.quantile(known, 0.9)) if len(known) else np.nan
    for minutes in WITHIN_MIN:
        row[f"within_{minutes}_min"] = float((answered <= 60 * minutes).sum() / count) if count else np.nan
    return row


def _seconds(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    seconds = (pd.to_datetime(frame[name], utc=True) - frame["starts_at"]).dt.total_seconds().to_numpy(np.float64)
    return np.where(seconds >= 0, seconds, np.nan)
