"""Drift of scores: false drifts in quiet months and the delay until a change is found, beside a Welch test.

Run it: ``python tests/benchmarks/bench_quality.py [series] [seed]``. Each stream has 28 days of reference and 30 days
that are judged one series at a time. ``welch`` compares the last 7 daily means with the 21 before, once a day, at the
level that should give it the same budget of false alarms (0.05 / 30); in brackets behind it, at the level at which it
really has as many false drifts as we have on the same noise. Speed: 1,000 series of 120 days. Other tools on the same
streams: ``bench_quality_peers.py``.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from workbench.analysis.quality import detect  # noqa: E402
from workbench.analysis.quality.detect import DayVerdicts, day_verdicts  # noqa: E402

REFERENCE, JUDGED = 28, 30
DAYS = REFERENCE + JUDGED
Floats = NDArray[np.float64]

#: Bars: kind of noise -> share of steps of 2 hourly sd found within 3 or 7 days, slopes of 0.1 sd a day within 30 days.
STEP_3D = {"independent": 0.95, "lag .6": 0.95}
STEP_7D = {"days 0.5": 0.97, "lag .9": 0.80}
SLOPE = {"lag .6": 0.95}


def chained(rng: np.random.Generator, series: int, lag: float) -> Floats:
    shocks = rng.normal(size=(series, DAYS * 24))
    values = np.zeros_like(shocks)
    values[:, 0] = shocks[:, 0]
    for hour in range(1, values.shape[1]):
        values[:, hour] = lag * values[:, hour - 1] + np.sqrt(1 - lag**2) * shocks[:, hour]
    return values.reshape(series, DAYS, 24)


def streams(rng: np.random.Generator, series: int) -> Iterator[tuple[str, Floats]]:
    def plain() -> Floats:
        return rng.normal(size=(series, DAYS, 24))

    weekend = np.where(np.arange(DAYS) % 7 >= 5, 1.0, 0.0)[None, :, None]
    yield "independent", plain()
    yield "weekly", plain() + 2 * weekend + np.sin(np.arange(24) / 24 * 2 * np.pi) * (1 - 0.7 * weekend)
    yield "lag .6", chained(rng, series, 0.6)
    yield "lag .9", chained(rng, series, 0.9)
    yield "days 0.5", plain() + 0.5 * rng.normal(size=(series, DAYS, 1))
    yield "days 1.0", plain() + rng.normal(size=(series, DAYS, 1))
    yield "heavy tails", rng.standard_t(3, size=(series, DAYS, 24)) / np.sqrt(3)
    yield "missing 40 %", np.where(rng.random((series, DAYS, 24)) < 0.4, np.nan, plain())
    for count in (50, 500, 5000):
        hourly = max(count // 24, 1)
        share = rng.binomial(hourly, 0.8, size=(series, DAYS, 24)) / hourly
        yield f"{count} a day", (share - 0.8) / np.sqrt(0.16 / hourly)
    # Nearly every answer passes: most hours are 1.00, and many references hold few failures or none.
    for passed, hourly in ((0.98, 2), (0.995, 20), (0.999, 10)):
        share = rng.binomial(hourly, passed, size=(series, DAYS, 24)) / hourly
        yield f"{passed:g}, {hourly} an hour", (share - passed) / np.sqrt(passed * (1 - passed) / hourly)
    nightly = np.full((series, DAYS, 24), np.nan)
    nightly[:, :, 2] = (rng.binomial(200, 0.999, size=(series, DAYS)) / 200 - 0.999) / np.sqrt(0.000999 / 200)
    yield "nightly, 200", nightly


def judged(values: Floats) -> DayVerdicts:
    """Judge every series by itself, all at once: the correction over several series is left out."""
    together = detect._discoveries
    detect._discoveries = lambda p, level, tested: np.where(np.isfinite(p), p, 1.0) <= level
    try:
        return day_verdicts(values, np.arange(DAYS) % 7)
    finally:
        detect._discoveries = together


def delay(verdicts: DayVerdicts) -> Floats:
    """Days until a change is known; infinite when it never is. [d]"""
    known = (verdicts.p <= detect.threshold())[:, REFERENCE:]
    return np.where(known.any(axis=1), known.argmax(axis=1) + 1.0, np.inf)


def welch_p(values: Floats) -> Floats:
    """P values of a Welch test of the last 7 daily means against the 21 before, by series and judged day."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        daily = np.nanmean(values, axis=2)
    last = (daily[:, day - 6 : day + 1] for day in range(REFERENCE, DAYS))
    before = (daily[:, day - 27 : day - 6] for day in range(REFERENCE, DAYS))
    pairs = zip(last, before, strict=True)
    return np.stack([stats.ttest_ind(*pair, axis=1, equal_var=False).pvalue for pair in pairs], axis=1)


def within(p: Floats, level: float, days: int = JUDGED) -> float:
    """Share of series with a p value at most ``level`` on one of the first days."""
    return float((p[:, :days] <= level).any(axis=1).mean())


def level_of(quiet: Floats, share: float) -> float:
    """Level at which a share of quiet series has a false drift."""
    smallest = np.sort(quiet.min(axis=1))
    count = int(share * len(smallest))
    return float(smallest[count - 1]) if count else float(np.nextafter(smallest[0], 0))


def main() -> int:
    series = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rng = np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 20)
    missed = []
    print("noise             false (welch)          step in 3 d, 7 d (welch, fair)   open after 30 d   slope (welch)")
    for kind, quiet in streams(rng, series):
        false = judged(quiet).drifting[:, REFERENCE:].any(axis=1).mean()
        fell = quiet.copy()
        fell[:, REFERENCE:] -= 2
        step = judged(fell)
        days = delay(step)
        slid = quiet.copy()
        slid[:, REFERENCE:] -= 0.1 * np.arange(1, JUDGED + 1)[None, :, None]
        slope = np.isfinite(delay(judged(slid))).mean()
        in3, in7, still = (days <= 3).mean(), (days <= 7).mean(), step.drifting[:, -1].mean()
        p_quiet, p_fell, p_slid = (welch_p(part) for part in (quiet, fell, slid))
        fair = level_of(p_quiet, float(false))
        welch = [
            within(p_quiet, 0.05 / JUDGED), *(within(p_fell, level, 7) for level in (0.05 / JUDGED, fair)),
            *(within(p_slid, level) for level in (0.05 / JUDGED, fair)),
        ]  # fmt: skip
        print(
            f"{kind:17s} {false:.3f} ({welch[0]:.3f})          {in3:.3f}  {in7:.3f}  ({welch[1]:.3f}, {welch[2]:.3f})"
            f"             {still:.3f}             {slope:.3f} ({welch[3]:.3f}, {welch[4]:.3f})"
        )
        missed += [f"{kind}: step below Welch"] if in7 < welch[2] - 0.01 else []
        missed += [f"{kind}: slope below Welch"] if slope < welch[4] - 0.01 else []
        checks = [(false <= 0.05, "false drifts"), (in3 >= STEP_3D.get(kind, 0), "step in 3 days")]
        checks += [(in7 >= STEP_7D.get(kind, 0), "step in 7 days"), (slope >= SLOPE.get(kind, 0), "slope")]
        missed += [f"{kind}: {what}" for held, what in checks if not held]
    many = rng.normal(size=(1000, 120, 24))
    start = time.perf_counter()
    day_verdicts(many, np.arange(120) % 7)
    seconds = time.perf_counter() - start
    print(f"1,000 series of 120 days: {seconds:.1f} s (bar 30)")
    missed += ["speed"] if seconds > 30 else []
    print("missed: " + "; ".join(missed) if missed else "all bars held")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
