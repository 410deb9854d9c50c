"""Does a score drift? Each hour against the same hour a week before, tested day by day, with onset and echo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from workbench.core.result import Result
from workbench.core.timerange import TimeRange

Floats = NDArray[np.float64]

#: Pairs of hours below which a day says nothing. [count]
LEAST_PAIRS = 12

#: Share of false alarms among the days called drift, over all days and series of a study.
FALSE_DISCOVERY = 0.01

#: Difference, in standard deviations of the day a week before, below which a drift does not matter.
LEAST_EFFECT = 0.5

CONFIDENCE = 0.95
WEEK = timedelta(days=7)
DAY = timedelta(days=1)


@dataclass(frozen=True, eq=False, repr=False)
class QualityHours(Result):
    """Each hour of the period beside the same hour a week before, by series and time.

    Columns of ``frame``: ``role``, ``title``, ``series`` (its labels, str), ``time`` (start of the hour) [UTC],
    ``value`` and ``before`` [score], ``difference`` [score], ``samples`` and ``before_samples`` [count]. What was not
    observed is NaN.
    """

    range: TimeRange


@dataclass(frozen=True, eq=False, repr=False)
class DriftDays(Result):
    """The test of each day, by series and time.

    Columns of ``frame``:

    ============== ====================================================================================
    role, series   what is scored (str)
    start          start of the day; days are counted back from the end of the period [UTC]
    pairs          hours with a partner a week before [count]
    samples        samples behind them; ``before_samples`` those a week before [count]
    mean, before   mean of the hours, and of their partners [score]
    difference     mean of the differences [score]
    low, high      95 % interval of it; NaN with too few pairs [score]
    effect         difference / standard deviation of the partners (Glass's delta) [sd]
    p, q           p-value of the test, and adjusted for the number of tests [probability]
    verdict        ``drift``, ``none`` or ``not_enough`` data (str)
    ============== ====================================================================================
    """

    range: TimeRange


@dataclass(frozen=True, eq=False, repr=False)
class QualityDrifts(Result):
    """Runs of drifting days, by start.

    Columns of ``frame``: ``role``, ``title``, ``series``, ``direction`` (``lower`` or ``higher`` than a week before),
    ``onset`` (hour that splits the differences best) and ``end`` [UTC], ``days`` [count], ``difference`` (of the worst
    day) [score], ``effect`` [sd], ``samples`` [count], ``open`` (reaches the end of the period), ``echo`` (the opposite
    drift was there a week before: the comparison drifts, not the score).
    """

    range: TimeRange


@dataclass(frozen=True, eq=False, repr=False)
class QualityStates(Result):
    """Where each score stands over the last day of the period; one row a series.

    Columns of ``frame``: those of :class:`DriftDays` for the last day (``verdict`` may be ``echo``), and ``title``,
    ``status`` (``ok``, ``at_risk`` or ``no_data``), ``coverage`` (share of the hours of the period with samples)
    [ratio], ``drift_days`` (echoes left out) [count].
    """

    range: TimeRange


def quality_hours(hours: pd.DataFrame, span: TimeRange) -> QualityHours:
    """Put each hour of a period beside the same hour a week before.

    Parameters
    ----------
    hours : DataFrame
        Columns ``role, title, series, time, value, samples`` from a week before the period on. [score, count]
    span : TimeRange
        Period, on hours.
    """
    keys = ["role", "title", "series"]
    times = pd.date_range(span.start, span.end, freq="h", inclusive="left").as_unit("ms")
    known = hours.drop_duplicates([*keys, "time"])
    series = known[keys].drop_duplicates()
    grid = series.merge(pd.DataFrame({"time": times}), how="cross")
    now = grid.merge(known, how="left", on=[*keys, "time"])
    moved = known.assign(time=(known["time"] + WEEK).dt.as_unit("ms"))
    both = now.merge(moved, how="left", on=[*keys, "time"], suffixes=("", "_before"))
    both = both.rename(columns={"value_before": "before", "samples_before": "before_samples"})
    both["difference"] = both["value"] - both["before"]
    columns = [*keys, "time", "value", "before", "difference", "samples", "before_samples"]
    return QualityHours(both[columns], range=span)


def drift_days(hours: QualityHours) -> DriftDays:
    """Test each day of each series.

    Notes
    -----
    Mean of the paired differences with a t interval, whose sample size is n (1 - r) / (1 + r) [1]_. The lag-1
    autocorrelation r is the median over the days of the series, no less than 0. Spread and autocorrelation are those
    around a line through the day, else a score that falls all day would hide behind its own slope; the bias of r in
    short series, (2 + 4 r) / n, is taken off [4]_. The p-values of all days and series are adjusted so that at most
    1 % of the days called drift are false alarms [2]_. A day drifts when the adjusted value is at most
    :data:`FALSE_DISCOVERY` and the effect at least :data:`LEAST_EFFECT` standard deviations [3]_: with enough hours
    every difference is significant, and few matter. Fewer than :data:`LEAST_PAIRS` pairs are not enough data.

    References
    ----------
    .. [1] D. S. Wilks, Statistical Methods in the Atmospheric Sciences, 3rd ed., 2011, 5.2.4.
    .. [2] Y. Benjamini, Y. Hochberg, Controlling the false discovery rate, J. R. Statist. Soc. B 57, 1995.
    .. [3] G. V. Glass, Primary, secondary, and meta-analysis of research, Educational Researcher 5, 1976.
    .. [4] M. G. Kendall, Note on bias in the estimation of autocorrelation, Biometrika 41, 1954.
    """
    end = pd.Timestamp(hours.range.end)
    rows = []
    for (role, series), part in hours.frame.groupby(["role", "series"], sort=False):
        back = ((end - part["time"] - pd.Timedelta(1, "ms")) // pd.Timedelta(DAY)).astype("int64")
        each = sorted(part.groupby(back), key=lambda one: -one[0])
        usual = [autocorrelation(day["difference"].dropna().to_numpy(np.float64)) for _, day in each]
        correlation = min(max(float(np.median(usual)), 0.0), 0.99)
        for number, day in each:
            start = end - (int(number) + 1) * DAY
            rows.append({"role": role, "series": series, "start": start, **_tested(day, correlation)})
    columns = ["role", "series", "start", "pairs", "samples", "before_samples", "mean", "before", "difference", "low",
               "high", "effect", "p", "q", "verdict"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    frame["start"] = pd.to_datetime(frame["start"], utc=True).dt.as_unit("ms")
    known = frame["p"].notna().to_numpy()
    frame["q"] = np.nan
    if known.any():
        from scipy import stats  # a second to import: only where there is something to correct

        frame.loc[known, "q"] = stats.false_discovery_control(frame.loc[known, "p"].to_numpy())
    drifting = (frame["q"] <= FALSE_DISCOVERY) & (frame["effect"].abs() >= LEAST_EFFECT)
    frame["verdict"] = np.where(~known, "not_enough", np.where(drifting, "drift", "none"))
    return DriftDays(frame, range=hours.range)


def quality_drifts(hours: QualityHours, days: DriftDays) -> QualityDrifts:
    """Join drifting days of one direction and find when each drift began.

    Notes
    -----
    The onset is the hour that splits the differences from the day before the first drifting day to its end into two
    levels with the least squared error: for a step its hour, for a slope an hour of its first day. A drift of a week
    ago makes today's comparison drift the other way; such echoes are marked.
    """
    rows: list[dict[str, Any]] = []
    for (role, series), part in days.frame.groupby(["role", "series"], sort=False):
        own = hours.frame[(hours.frame["role"] == role) & (hours.frame["series"] == series)]
        drifting = part[part["verdict"] == "drift"]
        sign = np.sign(drifting["difference"])
        apart = (drifting["start"].diff() > pd.Timedelta(DAY)) | (sign.diff() != 0)
        for _, run in drifting.groupby(apart.cumsum()):
            rows.append(_drift(own, run, pd.Timestamp(hours.range.end)))
    columns = ["role", "title", "series", "direction", "onset", "end", "days", "difference", "effect", "samples",
               "open", "echo"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    for name in ("onset", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    frame["echo"] = np.array([_is_echo(row, frame) for _, row in frame.iterrows()], np.bool_)
    frame = frame.sort_values(["onset", "series"], kind="stable", ignore_index=True)
    return QualityDrifts(frame, range=hours.range)


def quality_states(hours: QualityHours, days: DriftDays, drifts: QualityDrifts) -> QualityStates:
    """Say where each score stands over the last day.

    Notes
    -----
    A series is at risk when a drift of it, echoes left out, reaches the end of the period: a quality score that is
    lower, a bias score that moved either way, as its good end depends on the metric.
    """
    rows = []
    for (role, title, series), part in hours.frame.groupby(["role", "title", "series"], sort=False):
        tests = days.frame[(days.frame["role"] == role) & (days.frame["series"] == series)]
        every = drifts.frame[(drifts.frame["role"] == role) & (drifts.frame["series"] == series)]
        own = every[~every["echo"]]
        bad = own[(own["direction"] == "lower") | (role.partition(".")[0] != "quality")]
        last = tests.iloc[-1].to_dict() if len(tests) else {"verdict": "not_enough"}
        if last["verdict"] == "drift" and every.loc[every["open"], "echo"].all():
            last["verdict"] = "echo"
        rows.append(
            {
                **last,
                "role": role,
                "series": series,
                "title": title,
                "status": "at_risk" if bad["open"].any() else "no_data" if last["verdict"] == "not_enough" else "ok",
                "coverage": float(part["value"].notna().mean()),
                "drift_days": int(own["days"].sum()),
            }
        )
    columns = ["role", "title", "series", "status", *(name for name in days.frame.columns if name not in
               ("role", "series")), "coverage", "drift_days"]  # fmt: skip
    return QualityStates(pd.DataFrame(rows, columns=columns), range=hours.range)


def _tested(day: pd.DataFrame, correlation: float) -> dict[str, Any]:
    paired = day[day["difference"].notna()]
    differences = paired["difference"].to_numpy(np.float64)
    count = len(differences)
    row: dict[str, Any] = {
        "pairs": count,
        "samples": float(paired["samples"].sum()),
        "before_samples": float(paired["before_samples"].sum()),
        "mean": float(paired["value"].mean()) if count else np.nan,
        "before": float(paired["before"].mean()) if count else np.nan,
        "difference": float(differences.mean()) if count else np.nan,
        "low": np.nan,
        "high": np.nan,
        "effect": np.nan,
        "p": np.nan,
    }
    if count < LEAST_PAIRS:
        return row
    mean, error, freedom = mean_and_error(differences, correlation)
    reach = float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    spread = float(paired["before"].std(ddof=1))
    p = float(2 * special.stdtr(freedom, -abs(mean) / error)) if error > 0 else float(mean == 0)
    effect = mean / spread if spread > 0 else float(np.sign(mean)) * np.inf if mean else 0.0
    return row | {"low": mean - reach, "high": mean + reach, "effect": effect, "p": p}


def autocorrelation(values: Floats) -> float:
    """Lag-1 autocorrelation around a straight line, its bias in short series taken off; 0 where nothing varies.

    Examples
    --------
    >>> autocorrelation(np.array([1.0, 2.0, 3.0, 4.0])), round(autocorrelation(np.array([0.0, 1.0] * 12)), 2)
    (0.0, -1.03)
    """
    rest = _level(values)
    squares = float((rest**2).sum())
    if squares <= 1e-24 * max(float((values**2).sum()), 1e-300):
        return 0.0
    raw = float((rest[1:] * rest[:-1]).sum()) / squares
    return raw + (2 + 4 * raw) / len(values)


def mean_and_error(values: Floats, correlation: float) -> tuple[float, float, float]:
    """Mean, its standard error and degrees of freedom for values that follow each other in time, around a line.

    Examples
    --------
    >>> mean, error, freedom = mean_and_error(np.array([1.0, -1.0] * 8), 0.0)
    >>> mean, round(error, 4), freedom
    (0.0, 0.2657, 14.0)
    """
    independent = max(len(values) * (1 - correlation) / (1 + correlation), 3.0)
    spread = np.sqrt((_level(values) ** 2).sum() / (len(values) - 2))
    return float(values.mean()), float(spread / np.sqrt(independent)), independent - 2


def _level(values: Floats) -> Floats:
    """Values less a straight line through them."""
    if len(values) < 3:
        return values - values.mean() if len(values) else values
    place = np.arange(len(values)) - (len(values) - 1) / 2
    rest: Floats = values - values.mean() - place * (place @ values) / (place @ place)
    return rest


def split_hour(values: Floats) -> int:
    """Place that splits values into two levels with the least squared error.

    Examples
    --------
    >>> split_hour(np.array([0.0, 0.1, 0.0, 1.0, 1.1]))
    3
    """
    total, count = np.cumsum(values), np.arange(1, len(values))
    left, right = total[:-1], total[-1] - total[:-1]
    gain = left**2 / count + right**2 / (len(values) - count)
    return int(np.argmax(gain)) + 1 if len(values) > 1 else 0


def _drift(own: pd.DataFrame, run: pd.DataFrame, until: pd.Timestamp) -> dict[str, Any]:
    first, end = run["start"].iloc[0], run["start"].iloc[-1] + DAY
    around = own[(own["time"] >= first - DAY) & (own["time"] < first + DAY) & own["difference"].notna()]
    worst = run.loc[run["difference"].abs().idxmax()]
    return {
        "role": own["role"].iloc[0],
        "title": own["title"].iloc[0],
        "series": own["series"].iloc[0],
        "direction": "lower" if worst["difference"] < 0 else "higher",
        "onset": around["time"].iloc[split_hour(around["difference"].to_numpy(np.float64))],
        "end": end,
        "days": len(run),
        "difference": worst["difference"],
        "effect": worst["effect"],
        "samples": run["samples"].sum(),
        "open": end >= until,
    }


def _is_echo(row: pd.Series, drifts: pd.DataFrame) -> bool:
    opposite = drifts[
        (drifts["role"] == row["role"])
        & (drifts["series"] == row["series"])
        & (drifts["direction"] != row["direction"])
        & (drifts["onset"] < row["end"] - WEEK)
        & (drifts["end"] > row["onset"] - WEEK - DAY)
    ]
    return bool((opposite["onset"] < row["onset"]).any())
