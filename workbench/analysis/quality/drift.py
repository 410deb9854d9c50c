"""Does a score drift? Each day against a reference of weeks; a drift stays open until the level is back or accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from workbench.analysis.quality.days import KEYS, ScoreDays, score_days
from workbench.analysis.quality.detect import BUDGET, DayVerdicts, day_verdicts
from workbench.analysis.quality.looks import LEAST_REFERENCE
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

Floats = NDArray[np.float64]

#: Hours that a day must have to stand for the present state; else the day before does. [h]
LEAST_HOURS = 12

CONFIDENCE = 0.95

#: A slope begins where it leaves the scatter of the hours: this many standard deviations of it. [sd]
EDGE = 4.0
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, eq=False, repr=False)
class QualityHours(Result):
    """Each hour of the period, by series and time.

    Columns of ``frame``: ``role``, ``title``, ``series`` (its labels, str), ``time`` (start of the hour) [UTC],
    ``value`` [score], ``reference`` (mean of the reference on this weekday) [score], ``difference`` [score],
    ``samples`` [count]. What was not observed is NaN.
    """

    range: TimeRange


@dataclass(frozen=True, eq=False, repr=False)
class DriftDays(Result):
    """The verdict on each day, by series and time.

    Columns of ``frame``:

    ================ ==================================================================================
    role, series     what is scored (str)
    start            start of the day in the zone [UTC]
    hours            hours with samples [count]
    samples          samples behind them [count]
    mean, reference  mean of the hours, and of the reference on this weekday [score]
    difference       level of the day less that of its reference, hours far out cut back [score]
    low, high        95 % interval of it [score]
    week             mean difference of the last 7 days, the slow look [score]
    p                smaller p-value of the two looks [probability]
    reference_days   days in the reference [count]
    verdict          ``drift``, ``none``, ``not_enough`` or ``not_updated`` (str)
    ================ ==================================================================================
    """

    range: TimeRange


@dataclass(frozen=True, eq=False, repr=False)
class QualityDrifts(Result):
    """Drifts, by onset; also those that began before the period and reach into it.

    Columns of ``frame``: ``role``, ``title``, ``series``, ``direction`` (``lower`` or ``higher`` than the reference),
    ``onset`` and ``end`` (hours) [UTC], ``days`` (length) [d], ``difference`` (of the worst day) [score], ``samples``
    [count], ``open`` (neither back nor accepted at the end of the period).
    """

    range: TimeRange


@dataclass(frozen=True, eq=False, repr=False)
class QualityStates(Result):
    """Where each score stands at the end of the period; one row per series.

    Columns of ``frame``: those of :class:`DriftDays` for the last day, and ``title``, ``status`` (``ok``, ``at_risk``
    or ``no_data``), ``coverage`` (share of the hours of the period with samples) [ratio], ``drift_days`` (days of
    drift in the period) [d].
    """

    range: TimeRange
    budget: float


@dataclass(frozen=True, eq=False)
class Quality:
    """What :func:`quality` found."""

    hours: QualityHours
    days: DriftDays
    drifts: QualityDrifts
    states: QualityStates


def quality(
    hours: pd.DataFrame,
    span: TimeRange,
    *,
    zone: str = "UTC",
    margins: Mapping[str, float] | None = None,
    incidents: pd.DataFrame | None = None,
    accepted: pd.DataFrame | None = None,
    budget: float = BUDGET,
) -> Quality:
    """Judge scores day by day.

    Parameters
    ----------
    hours : DataFrame
        Columns ``role, title, series, time, value, samples``, and ``gauge`` where some are gauges, from before the
        period on: the reference of its first day lies there. [score, count]
    span : TimeRange
        Period, on hours.
    zone : str
        IANA zone whose days are judged.
    margins : mapping of str to float, optional
        Role -> change that is too small to matter; 0 where none is named. [score]
    incidents : DataFrame, optional
        ``start, end``: times whose days belong in no reference. [UTC]
    accepted : DataFrame, optional
        ``role, series, time``: a person accepted the level; from then on it is the reference. [UTC]
    budget : float
        Share of quiet series with a false drift in 30 days. [ratio]

    Returns
    -------
    Quality

    Notes
    -----
    The tests are those of :func:`workbench.analysis.quality.detect.day_verdicts`. Days are fixed days of the zone, so
    the hour at which a period ends changes no verdict on an earlier day. Onset and end are the hours that split the
    levels around the first and after the last day of a drift best.
    """
    start = min(span.start, hours["time"].min().to_pydatetime()) if len(hours) else span.start
    laid = score_days(hours, start=start, end=span.end, zone=zone)
    margin = np.array([(margins or {}).get(role, 0.0) for role in laid.series["role"]])
    verdicts = day_verdicts(
        laid.values, laid.weekday, margin=margin, left_out=_touched(laid, incidents, span.end) | laid.still,
        accepted=_accepted(laid, accepted), budget=budget,
    )  # fmt: skip
    inside = np.flatnonzero((laid.starts + DAY > pd.Timestamp(span.start)) & (laid.starts < pd.Timestamp(span.end)))
    days = _days(laid, verdicts, inside, span)
    drifts = _drifts(hours, laid, verdicts, span, _accepted(laid, accepted))
    grid = _hours(hours, laid, verdicts, span)
    return Quality(grid, days, drifts, _states(laid, days, drifts, grid, span, budget))


def _touched(laid: ScoreDays, incidents: pd.DataFrame | None, until: datetime) -> NDArray[np.bool_]:
    """Mark days that an incident touches, for all series alike."""
    marks = np.zeros(len(laid.starts), np.bool_)
    for row in () if incidents is None else incidents.itertuples():
        end = pd.Timestamp(until) if pd.isna(row.end) else row.end
        marks |= np.asarray((laid.starts < end) & (laid.starts + DAY > row.start))
    return np.broadcast_to(marks, laid.samples.shape).copy()


def _accepted(laid: ScoreDays, accepted: pd.DataFrame | None) -> NDArray[np.bool_]:
    """Mark the first day of each series after its level was accepted."""
    marks = np.zeros(laid.samples.shape, np.bool_)
    for row in [] if accepted is None else accepted.itertuples():
        same = (laid.series["role"] == row.role) & (laid.series["series"] == row.series)
        day = int(np.searchsorted(laid.starts, row.time, side="right")) - 1
        if 0 <= day < len(laid.starts):
            marks[same.to_numpy(), day] = True
    return marks


def _days(laid: ScoreDays, verdicts: DayVerdicts, inside: NDArray[np.int64], span: TimeRange) -> DriftDays:
    count, wide = len(laid.series), len(inside)
    seen = np.isfinite(laid.values).sum(axis=2)[:, inside]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(seen > 0, np.nansum(laid.values, axis=2)[:, inside] / seen, np.nan)
    reach = special.stdtrit(verdicts.freedom, (1 + CONFIDENCE) / 2) * verdicts.error
    known = verdicts.judged[:, inside]
    verdict = np.where(known, np.where(verdicts.drifting[:, inside], "drift", "none"), "not_enough")
    verdict = np.where(laid.still[:, inside] & (verdict != "drift"), "not_updated", verdict)
    frame = pd.DataFrame(
        {
            "role": np.repeat(laid.series["role"].to_numpy(), wide),
            "series": np.repeat(laid.series["series"].to_numpy(), wide),
            "start": np.tile(laid.starts[inside], count),
            "hours": seen.ravel(),
            "samples": laid.samples[:, inside].ravel(),
            "mean": mean.ravel(),
            "reference": verdicts.reference[:, inside].ravel(),
            "difference": verdicts.level[:, inside].ravel(),
            "low": (verdicts.level - reach)[:, inside].ravel(),
            "high": (verdicts.level + reach)[:, inside].ravel(),
            "week": verdicts.slow[:, inside].ravel(),
            "p": verdicts.p[:, inside].ravel(),
            "reference_days": verdicts.reference_days[:, inside].ravel(),
            "verdict": verdict.ravel(),
        }
    )
    frame["start"] = pd.to_datetime(frame["start"], utc=True).dt.as_unit("ms")
    return DriftDays(frame, range=span)


def _drifts(
    hours: pd.DataFrame, laid: ScoreDays, verdicts: DayVerdicts, span: TimeRange, accepted: NDArray[np.bool_]
) -> QualityDrifts:
    rows: list[dict[str, Any]] = []
    until = pd.Timestamp(span.end)
    for number, key in enumerate(laid.series.itertuples(index=False)):
        runs = verdicts.run[number]
        own = hours[(hours["role"] == key.role) & (hours["series"] == key.series)].sort_values("time")
        for run in range(int(runs.max(initial=-1)) + 1):
            days = np.flatnonzero(runs == run)
            if not len(days):
                continue
            first, last = int(days[0]), int(days[-1])
            ended = bool(accepted[number, last + 1 : last + 2].any())
            later = np.isfinite(verdicts.level[number, last + 1 :]).any()
            is_open = not later and not ended
            size = float(np.nanmedian(verdicts.level[number, days]))
            onset = _edge(own, laid, verdicts, number, first, size, rising=True)
            end = until if is_open else _edge(own, laid, verdicts, number, last + 1, size, rising=False)
            if end <= pd.Timestamp(span.start) or onset >= until:
                continue
            rows.append(
                {
                    **key._asdict(),
                    "direction": "lower" if size < 0 else "higher",
                    "onset": onset,
                    "end": end,
                    "days": (end - onset) / DAY,
                    "difference": _worst(own, laid, verdicts, number, onset, end, size),
                    "samples": float(laid.samples[number, days].sum()),
                    "open": is_open,
                }
            )
    columns = [*KEYS, "direction", "onset", "end", "days", "difference", "samples", "open"]
    frame = pd.DataFrame(rows, columns=columns).astype({"open": "bool", "days": "float64", "difference": "float64"})
    for name in ("onset", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    return QualityDrifts(frame.sort_values(["onset", "series"], kind="stable", ignore_index=True), range=span)


def _worst(
    own: pd.DataFrame,
    laid: ScoreDays,
    verdicts: DayVerdicts,
    number: int,
    onset: pd.Timestamp,
    end: pd.Timestamp,
    size: float,
) -> float:
    """Mean difference on the worst day of a drift, over the hours that belong to it."""
    part = own[(own["time"] >= onset) & (own["time"] < end) & own["value"].notna()]
    place = np.clip(np.searchsorted(laid.starts, part["time"], side="right") - 1, 0, len(laid.starts) - 1)
    rest = part["value"].to_numpy(np.float64) - verdicts.reference[number, place]
    count, total = (np.bincount(place, weights, len(laid.starts)) for weights in (None, np.nan_to_num(rest)))
    enough = count >= min(3, count.max(initial=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        levels = np.where(enough & (count > 0), total / count, np.nan)
    return float(np.nanmin(levels) if size < 0 else np.nanmax(levels))


def _edge(
    own: pd.DataFrame, laid: ScoreDays, verdicts: DayVerdicts, number: int, day: int, size: float, *, rising: bool
) -> pd.Timestamp:
    """Hour at which a drift begins before or ends after a border of days: where two levels split the hours best."""
    starts = laid.starts
    border = starts[day] if day < len(starts) else starts[-1] + DAY
    around = own[(own["time"] >= border - DAY) & (own["time"] < border + DAY) & own["value"].notna()]
    if around.empty:
        return pd.Timestamp(border)
    place = np.clip(np.searchsorted(starts, around["time"], side="right") - 1, 0, len(starts) - 1)
    base = verdicts.reference[number, place]
    scatter = np.nanmax(verdicts.scatter[number, place], initial=0.0)
    small = np.sign(size) * (min(abs(size), EDGE * scatter) if scatter > 0 else abs(size))
    rest = (around["value"].to_numpy(np.float64) - base) / small
    gain = np.where(np.isfinite(rest), rest - 0.5, 0.0) * (1 if rising else -1)
    after = np.r_[np.cumsum(gain[::-1])[::-1], 0.0]
    split = int(np.argmax(after))
    if split == len(around):
        return pd.Timestamp(around["time"].iloc[-1]) + pd.Timedelta(hours=1)
    return pd.Timestamp(around["time"].iloc[split])


def _hours(hours: pd.DataFrame, laid: ScoreDays, verdicts: DayVerdicts, span: TimeRange) -> QualityHours:
    times = pd.date_range(span.start, span.end, freq="h", inclusive="left").as_unit("ms")
    known = hours.drop_duplicates([*KEYS, "time"])[[*KEYS, "time", "value", "samples"]]
    grid = laid.series.reset_index(names="code").merge(pd.DataFrame({"time": times}), how="cross")
    both = grid.merge(known, how="left", on=[*KEYS, "time"])
    place = np.searchsorted(laid.starts, both["time"], side="right") - 1
    both["reference"] = verdicts.reference[both["code"].to_numpy(), place]
    both["difference"] = both["value"] - both["reference"]
    return QualityHours(both[[*KEYS, "time", "value", "reference", "difference", "samples"]], range=span)


def _states(
    laid: ScoreDays, days: DriftDays, drifts: QualityDrifts, grid: QualityHours, span: TimeRange, budget: float
) -> QualityStates:
    """Say where each score stands: at risk is a quality score in an open fall, or a bias score in any open drift."""
    rows = []
    coverage = grid.frame["value"].notna().groupby([grid.frame["role"], grid.frame["series"]]).mean()
    start = pd.Timestamp(span.start)
    for key in laid.series.itertuples(index=False):
        tests = days.frame[(days.frame["role"] == key.role) & (days.frame["series"] == key.series)]
        own = drifts.frame[(drifts.frame["role"] == key.role) & (drifts.frame["series"] == key.series)]
        bad = own[(own["direction"] == "lower") | (key.role.partition(".")[0] != "quality")]
        full = tests[tests["hours"] >= LEAST_HOURS]
        newest = tests.iloc[-1]
        if newest["hours"] < LEAST_HOURS and len(full) and newest["start"] - full["start"].iloc[-1] <= DAY:
            newest = full.iloc[-1]
        verdict = "drift" if own["open"].any() else "none" if newest["verdict"] == "drift" else newest["verdict"]
        quiet = "no_data" if verdict in ("not_enough", "not_updated") else "ok"
        rows.append(
            {
                **newest.to_dict(),
                **key._asdict(),
                "verdict": verdict,
                "status": "at_risk" if bad["open"].any() else quiet,
                "coverage": float(coverage.get((key.role, key.series), np.nan)),
                "drift_days": float(((own["end"] - own["onset"].clip(lower=start)) / DAY).sum()),
            }
        )
    columns = [*KEYS, "status", *(name for name in days.frame.columns if name not in KEYS), "coverage", "drift_days"]
    notes = (
        f"A verdict needs {LEAST_REFERENCE} days of reference. "
        f"At most {100 * budget:g} % of steady scores show a false drift in 30 days.",
    )
    return QualityStates(pd.DataFrame(rows, columns=columns), notes=notes, range=span, budget=budget)
