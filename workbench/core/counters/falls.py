"""Where counters fall, and what each fall looks like: how far, how late, whether the count came back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.series import SeriesSet

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Samples = tuple[Times, Floats]

#: A count is implausible when so many times what the series counts at most in as long, and so many of its units more.
IMPLAUSIBLE = 10.0

#: A count so many times above what 99 of 100 rises count in as long is impossible, not only implausible.
IMPOSSIBLE = 1_000.0

#: The pace of a series is known from so many rises. [count]
_RISES = 50

#: A scrape so many times later than usual was missed, and may hide a restart. [x]
LATE = 2.5

#: How many samples after a fall its return is looked for. [samples]
RETURN_SAMPLES = 100

#: A series that falls more often than this is not examined. [count]
_MOST_FALLS = 50_000

#: Restarts that are seen at a glance are no more than this. [count]
_FEW_FALLS = 20


@dataclass(frozen=True)
class Fall:
    """One fall of a counter.

    Attributes
    ----------
    row, at : int
        Series, and place of the lower sample among its samples that are counts.
    back : int or None
        Place of the first sample after it that is as high as before.
    low, high : float
        Values at and before the fall. [count]
    strange : bool
        Whether ``low`` is far more than the series counts in as long, so that it is no count since a restart.
    impossible : bool
        Whether it is a thousand times what the series usually counts in as long; where no scrape was missed, ten times
        what a series with a known pace counts at most.
    doubtful : bool
        Whether ``low`` is more than the series ever counted in as long.
    leapt : bool
        Whether the count came back in one step that it could not have counted.
    late : bool
        Whether the scrape before it was missed.
    """

    row: int
    at: int
    back: int | None
    low: float
    high: float
    strange: bool
    impossible: bool
    doubtful: bool
    leapt: bool
    late: bool


def falls_in(series: SeriesSet) -> dict[int, list[Fall]]:
    """Return the falls of each series that has any, by its row."""
    falls = {}
    for row, places in series.falls.items():
        if own := _falls_of(row, *counted_samples(series, row), places.tolist()):
            falls[row] = own
    return falls


def doubtful_falls(series: SeriesSet) -> bool:
    """Whether some fall may be no restart: to a count that is strange or doubtful, or from which it leapt back."""
    for row, places in series.falls.items():
        times, values = counted_samples(series, row)
        if not _plain(times, values, places.tolist()):
            falls = _falls_of(row, times, values, places.tolist())
            if any(fall.strange or fall.doubtful or fall.leapt for fall in falls):
                return True
    return False


def _plain(times: Times, values: Floats, places: list[int]) -> bool:
    """Whether samples just before each fall show that it is neither strange nor doubtful, nor does the count come back.

    They show at least so fast a count, and so many rises above a thousandth of it that 99 of 100 cannot be below. False
    tells nothing. Most falls are restarts, and to look at a part of the samples takes a tenth of looking at all.
    """
    if len(places) > _FEW_FALLS:
        return False
    taken = max(RETURN_SAMPLES, len(values) // 50)
    for at in places:
        begin, low, length = max(at - 1 - taken, 0), float(values[at]), float(times[at] - times[at - 1])
        if _back(values, at) is not None:
            return False
        rates = np.diff(values[begin:at]) / np.diff(times[begin:at])
        rates = rates[rates > 0]
        if low and not (
            low <= float(rates.max(initial=0.0)) * length
            and np.count_nonzero(IMPOSSIBLE * rates * length >= low) >= len(values) / 100 + 2
        ):
            return False
    return True


def counted_samples(series: SeriesSet, row: int) -> Samples:
    """Return times and values of the samples of a series that are counts."""
    first, last = series.offsets[row : row + 2]
    times, values = series.times[first:last], series.values[first:last]
    if series.finite:
        return times, values
    counted = np.isfinite(values)
    return times[counted], values[counted]


def usual_spacing(times: Times) -> float:
    """Median time between neighbouring samples; 0 with fewer than two. [ms]

    Most scrapes are as far apart as the one in the middle, and to count those takes a tenth of ordering all.

    Examples
    --------
    >>> usual_spacing(np.array([0, 60, 120, 135, 150])), usual_spacing(np.array([0, 10, 30, 60, 70]))
    (37.5, 15.0)
    """
    gaps = np.diff(times)
    if not len(gaps):
        return 0.0
    guess = gaps[len(gaps) // 2]
    fewer, upto = np.count_nonzero(gaps < guess), np.count_nonzero(gaps <= guess)
    sure = fewer <= (len(gaps) - 1) // 2 and upto > len(gaps) // 2
    return float(guess if sure else np.median(gaps))


def usual_pace(steps: Floats, lengths: Floats) -> float | None:
    """Most that 99 of 100 rises count [count per ms]; None where too few rises tell it."""
    rising = steps > 0
    if rising.sum() < _RISES:
        return None
    return float(np.quantile(steps[rising] / lengths[rising], 0.99, method="lower"))


def _falls_of(row: int, times: Times, values: Floats, places: list[int]) -> list[Fall]:
    if len(places) > _MOST_FALLS:
        return []
    steps = np.diff(values)
    backs = {at: _back(values, at) for at in places}
    usual = np.ones(len(steps), np.bool_)
    usual[[at - 1 for at in places]] = False
    usual[[back - 1 for back in backs.values() if back is not None]] = False
    lengths = np.diff(times).astype(np.float64)
    if usual.any():
        fastest = float((steps[usual] / lengths[usual]).max())
        small = steps[usual & (steps > 0)]
    else:
        top = np.maximum.accumulate(values)
        fastest, small = float((top[-1] - top[0]) / max(times[-1] - times[0], 1)), steps[steps > 0]
    spacing = usual_spacing(times)
    whole = bool((values == np.floor(values)).all())
    unit = 1.0 if whole else float(small.min(initial=np.inf)) if len(small) else 0.0
    pace = usual_pace(steps, lengths)
    falls, until = list[Fall](), 0
    for at in places:
        if at < until:
            continue
        low, high, back = float(values[at]), float(values[at - 1]), backs[at]
        most = fastest * float(lengths[at - 1])
        late, strange = float(lengths[at - 1]) > LATE * spacing, low > IMPLAUSIBLE * (most + unit)
        impossible = pace is not None and (
            low > IMPOSSIBLE * (pace * float(lengths[at - 1]) + unit) or (strange and not late)
        )
        leapt = back is not None and _leapt(values, times, at, back, fastest, unit)
        falls.append(
            Fall(
                row,
                at,
                back,
                low,
                high,
                strange=impossible or strange,
                impossible=impossible,
                doubtful=impossible or low > most,
                leapt=leapt,
                late=late,
            )
        )
        until = back if leapt and back is not None else 0
    return falls


def _back(values: Floats, at: int) -> int | None:
    """First sample after a fall that is as high as before it."""
    reached = np.flatnonzero(values[at : at + RETURN_SAMPLES] >= values[at - 1])
    return at + int(reached[0]) if len(reached) else None


def _leapt(values: Floats, times: Times, at: int, back: int, fastest: float, unit: float) -> bool:
    """Whether the count came back in one step that it could not have counted, while it could from before the fall."""

    def plausible(rise: float, length_ms: float) -> bool:
        return bool(rise <= IMPLAUSIBLE * (fastest * length_ms + unit))

    leap = float(values[back] - values[back - 1])
    over = float(values[back] - values[at - 1])
    return not plausible(leap, float(times[back] - times[back - 1])) and plausible(
        over, float(times[back] - times[at - 1])
    )
