"""Does a score drift? Each day against a reference of weeks; a drift stays open until the level is back or accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from workbench.analysis.quality.days import KEYS, ScoreDays, score_days
from workbench.analysis.quality.detect import BUDGET, DayVerdicts, day_verdicts
from workbench.analysis.quality.edges import DAY, edge, worst_level
from workbench.analysis.quality.levels import LevelComparisons, level_comparisons
from workbench.analysis.quality.looks import LEAST_REFERENCE
from workbench.analysis.quality.terms import accepted_days, better_sides, frozen_days, margin_of, touched_days
from workbench.core.result import Result
from workbench.core.timerange import HOUR_MS, TimeRange

Floats = NDArray[np.float64]

#: Hours that a day must have to stand for the present state; else the day before does. [h]
LEAST_HOURS = 12

CONFIDENCE = 0.95

#: A level beyond this many times the largest reading before is on another scale, as one beyond 1 after shares. [ratio]
OTHER_SCALE = 2.0


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
    role, title      what is scored (str)
    series           its labels (str)
    start            start of the day in the zone [UTC]
    hours, length    hours with samples, and hours of the day inside the period [count]
    samples          samples behind them [count]
    mean, reference  mean of the hours, and of the reference on this weekday [score]
    difference       level of the day less that of its reference, hours far out cut back [score]
    low, high        95 % interval of it [score]
    week             mean difference of the last 7 days, the slow look [score]
    p                smaller p-value of the two looks [probability]
    reference_days   days in the reference [count]
    verdict          ``drift``, ``none``, ``not_enough``, ``not_updated`` or ``no_samples`` (str)
    ================ ==================================================================================
    """

    range: TimeRange


@dataclass(frozen=True, eq=False, repr=False)
class QualityDrifts(Result):
    """Drifts, by onset; also those that began before the period and reach into it.

    Columns of ``frame``: ``role``, ``title``, ``series``, ``direction`` (``lower`` or ``higher`` than the reference),
    ``onset`` and ``end`` (hours) [UTC], ``days`` (length) [d], ``difference`` (of the worst day) [score], ``samples``
    [count], ``open`` (neither back nor accepted at the end of the period), ``ended`` (``back``, ``accepted`` or
    ``adopted``: a change for the better that is the reference now; empty while open), ``rescaled`` (the readings are on
    another scale than before), ``better`` (a change for the better, on the same scale).
    """

    range: TimeRange


@dataclass(frozen=True, eq=False, repr=False)
class QualityStates(Result):
    """Where each score stands at the end of the period; one row per series.

    Columns of ``frame``: those of :class:`DriftDays` for the last day, and ``title``, ``status`` (``ok``, ``at_risk``
    or ``no_data``), ``coverage`` (share of the hours with samples of those that are usual on a day) [ratio],
    ``drift_days`` (days of drift in the period) [d], ``judged_days`` and ``period_days`` (days of the period with a
    verdict, and all) [d].
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
    levels: LevelComparisons


def quality(
    hours: pd.DataFrame,
    span: TimeRange,
    *,
    zone: str = "UTC",
    margins: Mapping[str, float] | None = None,
    incidents: pd.DataFrame | None = None,
    accepted: pd.DataFrame | None = None,
    better: Mapping[str, str] | None = None,
    frozen: Mapping[str, TimeRange] | None = None,
    budget: float = BUDGET,
) -> Quality:
    """Judge scores day by day.

    Parameters
    ----------
    hours : DataFrame
        Columns ``role, title, series, time, value, samples``, and ``gauge`` where some are gauges, from before the
        period on: the reference of its first day lies there, and that of older drifts
        (:func:`workbench.analysis.quality.older_drifts.older_drifts`). [score, count]
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
    better : mapping of str to str, optional
        Role -> ``higher``, ``lower`` or ``neither`` is better; by default ``higher`` of quality, ``neither`` of bias.
    frozen : mapping of str to TimeRange, optional
        Role -> days that are its reference whatever the day; by default the reference rolls. [UTC]
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
    sides, settled = better_sides(laid, better), accepted_days(laid, accepted)
    verdicts = day_verdicts(
        laid.values, laid.weekday, margin=margin_of(laid, margins), accepted=settled, better=sides, budget=budget,
        left_out=touched_days(laid, incidents, span.end) | laid.still, frozen=frozen_days(laid, frozen),
    )  # fmt: skip
    inside = np.flatnonzero((laid.starts + DAY > pd.Timestamp(span.start)) & (laid.starts < pd.Timestamp(span.end)))
    days = _days(laid, verdicts, inside, span)
    drifts = _drifts(hours, laid, verdicts, span, settled, sides)
    states = _states(laid, days, drifts, span, budget)
    return Quality(_hours(hours, laid, verdicts, span), days, drifts, states, level_comparisons(laid, span))


def _days(laid: ScoreDays, verdicts: DayVerdicts, inside: NDArray[np.int64], span: TimeRange) -> DriftDays:
    count, wide = len(laid.series), len(inside)
    seen = np.isfinite(laid.values).sum(axis=2)[:, inside]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(seen > 0, np.nansum(laid.values, axis=2)[:, inside] / seen, np.nan)
    reach = scipy.special.stdtrit(verdicts.freedom, (1 + CONFIDENCE) / 2) * verdicts.error
    known = verdicts.judged[:, inside] & (seen > 0)
    verdict = np.where(known, np.where(verdicts.drifting[:, inside], "drift", "none"), "not_enough")
    verdict = np.where(laid.still[:, inside] & (verdict != "drift"), "not_updated", verdict)
    verdict = np.where((seen == 0) & (verdict != "drift"), "no_samples", verdict)
    frame = pd.DataFrame(
        {
            "role": np.repeat(laid.series["role"].to_numpy(), wide),
            "title": np.repeat(laid.series["title"].to_numpy(), wide),
            "series": np.repeat(laid.series["series"].to_numpy(), wide),
            "start": np.tile(laid.starts[inside], count),
            "hours": seen.ravel(),
            "length": np.tile(_lengths(laid.starts[inside], span), count),
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


def _lengths(starts: pd.DatetimeIndex, span: TimeRange) -> Floats:
    """Hours of each day inside a period. [h]"""
    first = np.maximum(starts.as_unit("ms").asi8, span.start_ms)
    last = np.minimum((starts + DAY).as_unit("ms").asi8, span.end_ms)
    hours: Floats = np.maximum(last - first, 0) / HOUR_MS
    return hours


def _drifts(
    hours: pd.DataFrame,
    laid: ScoreDays,
    verdicts: DayVerdicts,
    span: TimeRange,
    accepted: NDArray[np.bool_],
    sides: NDArray[np.int64],
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
            ended = [name for name, marks in (("accepted", accepted), ("adopted", verdicts.adopted))
                     if marks[number, last + 1 : last + 2].any()]  # fmt: skip
            later = np.isfinite(verdicts.level[number, last + 1 :]).any()
            is_open = not later and not ended
            size = float(np.nanmedian(verdicts.level[number, days]))
            onset = edge(own, laid, verdicts, number, first, size, rising=True)
            end = until if is_open else laid.starts[last + 1] if ended else edge(
                own, laid, verdicts, number, last + 1, size, rising=False
            )  # fmt: skip
            if end <= pd.Timestamp(span.start) or onset >= until:
                continue
            rows.append(
                {
                    **key._asdict(),
                    "direction": "lower" if size < 0 else "higher",
                    "onset": onset,
                    "end": end,
                    "days": (end - onset) / DAY,
                    "difference": worst_level(own, laid, verdicts, number, onset, end, size),
                    "samples": float(laid.samples[number, days].sum()),
                    "open": is_open,
                    "ended": "" if is_open else (*ended, "back")[0],
                    "rescaled": (rescaled := _rescaled(own, onset, end)),
                    "better": bool(sides[number] * size > 0 and not rescaled),
                }
            )
    columns = [*KEYS, "direction", "onset", "end", "days", "difference", "samples", "open", "ended", "rescaled",
               "better"]  # fmt: skip
    kinds = {
        "open": "bool",
        "days": "float64",
        "difference": "float64",
        "ended": "str",
        "rescaled": "bool",
        "better": "bool",
    }
    frame = pd.DataFrame(rows, columns=columns).astype(kinds)
    for name in ("onset", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    return QualityDrifts(frame.sort_values(["onset", "series"], kind="stable", ignore_index=True), range=span)


def _rescaled(own: pd.DataFrame, onset: pd.Timestamp, end: pd.Timestamp) -> bool:
    """Whether the readings of a drift are larger than the scale of those before it allows."""
    before = own.loc[own["time"] < onset, "value"].abs().max()
    level = own.loc[(own["time"] >= onset) & (own["time"] < end), "value"].abs().median()
    return bool(level > (1.0 if before <= 1 else OTHER_SCALE * before))


def _hours(hours: pd.DataFrame, laid: ScoreDays, verdicts: DayVerdicts, span: TimeRange) -> QualityHours:
    times = pd.date_range(span.start, span.end, freq="h", inclusive="left").as_unit("ms")
    known = hours.drop_duplicates([*KEYS, "time"])[[*KEYS, "time", "value", "samples"]]
    grid = laid.series.reset_index(names="code").merge(pd.DataFrame({"time": times}), how="cross")
    both = grid.merge(known, how="left", on=[*KEYS, "time"])
    place = np.searchsorted(laid.starts, both["time"], side="right") - 1
    both["reference"] = verdicts.reference[both["code"].to_numpy(), place]
    both["difference"] = both["value"] - both["reference"]
    return QualityHours(both[[*KEYS, "time", "value", "reference", "difference", "samples"]], range=span)


def _states(laid: ScoreDays, days: DriftDays, drifts: QualityDrifts, span: TimeRange, budget: float) -> QualityStates:
    """Say where each score stands: at risk is one in an open drift that is not for the better."""
    rows = []
    start = pd.Timestamp(span.start)
    seen = np.isfinite(laid.values).sum(axis=2)
    for number, key in enumerate(laid.series.itertuples(index=False)):
        tests = days.frame[(days.frame["role"] == key.role) & (days.frame["series"] == key.series)]
        own = drifts.frame[(drifts.frame["role"] == key.role) & (drifts.frame["series"] == key.series)]
        if tests.empty:
            continue
        usual = float(np.median(seen[number][seen[number] > 0])) if seen[number].any() else 24.0
        needed = min(LEAST_HOURS, usual / 2)
        newest = tests.iloc[-1]
        if newest["hours"] < needed and len(tests) > 1 and tests["hours"].iloc[-2] >= needed:
            newest = tests.iloc[-2]
        verdict = "drift" if own["open"].any() else "none" if newest["verdict"] == "drift" else newest["verdict"]
        expected = usual * tests["length"] / 24
        rows.append(
            {
                **newest.to_dict(),
                **key._asdict(),
                "verdict": verdict,
                "status": "at_risk"
                if (own["open"] & ~own["better"]).any()
                else "ok"
                if verdict in ("none", "drift")
                else "no_data",
                "coverage": float(np.minimum(tests["hours"], expected).sum() / expected.sum()),
                "drift_days": float(((own["end"] - own["onset"].clip(lower=start)) / DAY).sum()),
                "judged_days": int(tests["verdict"].isin(["drift", "none"]).sum()),
                "period_days": len(tests),
            }
        )
    columns = [*KEYS, "status", *(name for name in days.frame.columns if name not in (*KEYS, "length")), "coverage",
               "drift_days", "judged_days", "period_days"]  # fmt: skip
    notes = (
        f"A verdict needs {LEAST_REFERENCE} days of reference. "
        f"At most {100 * budget:g} % of steady scores show a false drift in 30 days.",
    )
    return QualityStates(pd.DataFrame(rows, columns=columns), notes=notes if rows else (), range=span, budget=budget)
