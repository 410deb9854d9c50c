"""When a score leaves its reference and when it comes back: three looks a day, over all series at once.

A score has one level per day: the mean over its hours, each less what is usual at that hour. A fast look compares the
last day with the reference, a slow look up to a week of days; a far look compares four weeks with the oldest weeks that
are kept, so that neither a slope nor a fall of the size of ordinary days takes its reference along. A drift that is
found stays open, against the reference that it left, until the level is back or a person accepts it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.quality.looks import LEAST_REFERENCE, REFERENCE_DAYS, Reference
from workbench.analysis.quality.open_drifts import OpenDrifts

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

#: Days of the slow look, and the fewest that it needs. [d]
SLOW_DAYS, LEAST_SLOW = 7, 3

#: Oldest day of the far look's reference, and how much older than the other it must be; it is renewed once a week. [d]
FAR_DAYS, FAR_AHEAD, FAR_RENEWED = 91, 7, 7

#: Days of the far look: as many as its reference has, so that a fall is seen that no single week shows. [d]
FAR_LOOK = 28

#: Days after which a change for the better is the reference, so that a fall from it is seen. [d]
ADOPTED_DAYS = 28

#: Days of the far look that count as one test, as its 28 days change little from one day to the next. [d]
FAR_ALIKE = 5

#: Looks of a day. [count]
LOOKS = 3

#: Days after which :data:`BUDGET` of quiet series have one false drift. [d]
BUDGET_DAYS = 30

#: Share of quiet series with a false drift in :data:`BUDGET_DAYS`. [ratio]
BUDGET = 0.05

#: Share of the p-value of a drift that a recovery must reach: a false recovery hides a fall. [ratio]
SURER = 0.1


@dataclass(frozen=True)
class DayVerdicts:
    """Verdicts by series (rows) and day (columns).

    Attributes
    ----------
    level : float array
        Level of the day less that of its reference; NaN where one is missing. The tests see it with hours far out cut
        back. [score]
    error : float array
        Standard error of the fast look. [score]
    freedom : float array
        Degrees of freedom of the reference's scatter. [count]
    slow : float array
        Mean level of the slow look. [score]
    slow_error : float array
        Its standard error. [score]
    p : float array
        Smallest p-value of the three looks, two-sided; that of the far look over :data:`FAR_ALIKE`. [probability]
    reference : float array
        Mean of the reference, on this weekday. [score]
    scatter : float array
        Robust standard deviation of the reference's hours. [score]
    reference_days : int array
        Days that the reference holds. [count]
    drifting : bool array
        The day belongs to a drift.
    judged : bool array
        There was a reference and a level.
    run : int array
        Number of the drift that the day belongs to, by series; -1 for none.
    adopted : bool array
        On this day a change for the better became the reference.
    """

    level: Floats
    error: Floats
    freedom: Floats
    slow: Floats
    slow_error: Floats
    p: Floats
    reference: Floats
    scatter: Floats
    reference_days: NDArray[np.int64]
    drifting: Booleans
    judged: Booleans
    run: NDArray[np.int64]
    adopted: Booleans


def threshold(budget: float = BUDGET) -> float:
    """p-value at which one look at one series tells a drift. [probability]

    Notes
    -----
    0.75 budget / (3 looks x :data:`BUDGET_DAYS`): the union bound over the looks of a month, and a quarter kept for
    scatter that is not normal. The p-value of the far look is taken over :data:`FAR_ALIKE` first, as its month has so
    many times fewer tests [1]_. Over several series the values of a day are held against it by Benjamini and
    Hochberg's steps; this is the level of the largest.

    References
    ----------
    .. [1] C. Genovese, K. Roeder, L. Wasserman, False discovery control with p-value weighting, Biometrika 93, 2006.

    Examples
    --------
    >>> round(threshold(), 6)
    0.000417
    """
    return 0.75 * budget / (LOOKS * BUDGET_DAYS)


def day_verdicts(
    hours: Floats,
    weekday: NDArray[np.int64],
    *,
    margin: Floats | float = 0.0,
    left_out: Booleans | None = None,
    accepted: Booleans | None = None,
    better: NDArray[np.int64] | None = None,
    frozen: Booleans | None = None,
    budget: float = BUDGET,
) -> DayVerdicts:
    """Judge every day of every series.

    Parameters
    ----------
    hours : array, (series, days, hours of the day)
        Hourly means, or one mean a day, NaN where there is none. [score]
    weekday : int array, (days,)
        Day of the week, 0 to 6.
    margin : float or array, (series,)
        Difference below which a drift does not matter. [score]
    left_out : bool array, (series, days), optional
        Days that belong in no reference, such as days of incidents.
    accepted : bool array, (series, days), optional
        Days at whose start a person accepted the level: a drift ends there and the reference restarts.
    better : int array, (series,), optional
        1 where a higher score is better, -1 where a lower one is, 0 where neither: after 28 days a change for the
        better is the reference.
    frozen : bool array, (series, days), optional
        Days that are the reference of a series whatever the day, until a level is accepted or adopted.
    budget : float
        Share of quiet series with a false drift in 30 days. [ratio]

    Returns
    -------
    DayVerdicts

    Notes
    -----
    The reference of a day is the newest 28 clean days (21 at least) before the week of the slow look; a day is clean
    when it has data, is not left out and belongs to no drift. Levels have the mean of their weekday in the reference
    taken off; their scatter s has as many degrees of freedom as days less weekdays. The fast look is
    r / (s sqrt(1 + 1/n)), n being the reference's days of that weekday; the slow look is the mean of the last 7 days,
    with the correlation of adjacent days that the hours show. The far look is the mean of the last 28 days against the
    oldest 28 clean days of the last 91. All are t tests [1]_; where most hours show one value, the other hours must be
    as surprising (:func:`~workbench.analysis.quality.lumps.surprise`). A drift ends when the days since a cumulative
    log likelihood ratio [2]_ of "back at the reference" against "still at the level of the drift" left zero differ from
    those of the drift by a t test at :data:`SURER` of the level of a drift, and lie at the reference.

    References
    ----------
    .. [1] D. S. Wilks, Statistical Methods in the Atmospheric Sciences, 3rd ed., 2011, 5.2.4.
    .. [2] E. S. Page, Continuous inspection schemes, Biometrika 41, 1954.
    """
    count, days, _ = hours.shape
    present = np.isfinite(hours)
    seen = present.sum(axis=2)
    clean = seen > 0
    if left_out is not None:
        clean &= ~left_out
    shape = (count, days)
    out = {
        name: np.full(shape, np.nan)
        for name in ("level", "error", "freedom", "slow", "slow_error", "p", "base", "scatter")
    }
    held_days = np.zeros(shape, np.int64)
    # Days of drifts and the day on which one ends are in no reference.
    unfit = np.zeros(shape, np.bool_)
    drifting, judged, run = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_), np.full(shape, -1, np.int64)
    margins = np.broadcast_to(np.asarray(margin, np.float64), (count,))
    state = OpenDrifts.none(count, days)
    since = np.zeros(count, np.int64)
    far: Reference | None = None
    adopted = np.zeros(shape, np.bool_)
    for day in range(days):
        if better is not None:
            adopted[:, day] = state.open & (np.sign(state.size) * better > 0) & (day - state.onset >= ADOPTED_DAYS)
        settled = adopted[:, day] if accepted is None else adopted[:, day] | accepted[:, day]
        if settled.any():
            # The accepted level is that of the drift, so its days are the new reference.
            begun = np.where(state.open, state.onset, day)
            for series in np.flatnonzero(settled):
                since[series] = begun[series]
                unfit[series, begun[series] :] = False
            state.close(settled)
            far = None
        if not seen[:, max(0, day - SLOW_DAYS + 1) : day + 1].any():
            continue
        members = _reference(clean & ~unfit, day, since)
        if frozen is not None:
            fixed = _newest(frozen) >= since
            members[fixed] = (frozen & clean)[fixed]
        kept = state.open | ((members.sum(axis=1) < LEAST_REFERENCE) & (state.since == since))
        members[kept] = state.members[kept]
        state.keep(members, since)
        held_days[:, day] = members.sum(axis=1)
        if not (members.sum(axis=1) >= LEAST_REFERENCE).any():
            continue
        reference = Reference(hours, present, weekday, members, day)
        fast, fast_error, freedom, base = reference.look(np.array([day]))
        week = np.arange(max(0, day - SLOW_DAYS + 1), day + 1)
        slow, slow_error, _, _ = reference.look(week, least=LEAST_SLOW, without=unfit[:, week])
        if far is None or day % FAR_RENEWED == 0:
            far = Reference(hours, present, weekday, _oldest(clean & ~unfit, day, since), day)
        long = np.arange(max(0, day - FAR_LOOK + 1), day + 1)
        away, away_error, _, _ = far.look(long, least=LEAST_SLOW, without=unfit[:, long])
        away = np.where(_newest(far.members) + FAR_AHEAD <= _newest(members), away, np.nan)
        p_fast = reference.p(fast, fast_error, np.array([day]))
        p_slow = reference.p(slow, slow_error, week, without=unfit[:, week])
        p_far = far.p(away, away_error, long, without=unfit[:, long]) / FAR_ALIKE
        whole = reference.levels(np.array([day]), cut=False)[:, 0]
        out["level"][:, day] = np.where(np.isfinite(fast), whole, np.nan)
        out["error"][:, day], out["freedom"][:, day] = fast_error, freedom
        out["scatter"][:, day] = reference.spread
        out["slow"][:, day], out["slow_error"][:, day], out["base"][:, day] = slow, slow_error, base
        out["p"][:, day] = np.fmin(np.fmin(p_fast, p_slow), p_far)
        judged[:, day] = np.isfinite(out["p"][:, day])
        small = _discoveries(np.stack([p_fast, p_slow, p_far]), threshold(budget), ~state.open)
        matters = np.stack([np.abs(fast), np.abs(slow), np.abs(away)]) >= np.maximum(margins, 0.0)
        begins = (small & matters).any(axis=0) & ~state.open
        if begins.any():
            only_far = begins & ~(small & matters)[:2].any(axis=0)
            state.begin(begins & ~only_far, members | unfit, reference, week, day)
            state.begin(only_far, far.members | unfit, far, long, day)
            state.members[only_far] = far.members[only_far]
            for series in np.flatnonzero(begins):
                first = int(state.onset[series])
                drifting[series, first : day + 1] = unfit[series, first : day + 1] = True
                run[series, first : day + 1] = state.number[series]
        held = state.open & ~begins
        if held.any():
            back = state.follow(held, fast, fast_error, reference, SURER * threshold(budget), day)
            turned: Booleans = back & small[0] & matters[0] & (np.sign(fast) != np.sign(state.size))
            going = held & ~back
            drifting[going, day], run[going, day] = True, state.number[going]
            unfit[held, day] = True
            for series in np.flatnonzero(back):
                cut = int(state.candidate[series])
                drifting[series, cut : day + 1], run[series, cut : day + 1] = False, -1
                unfit[series, cut + 1 : day + 1] = False
            state.close(back)
            if turned.any():
                state.turn(turned, fast, day)
                for series in np.flatnonzero(turned):
                    first = int(state.onset[series])
                    drifting[series, first : day + 1] = unfit[series, first : day + 1] = True
                    run[series, first : day + 1] = state.number[series]
    return DayVerdicts(
        level=out["level"], error=out["error"], freedom=out["freedom"], slow=out["slow"],
        slow_error=out["slow_error"], p=out["p"], reference=out["base"], scatter=out["scatter"],
        reference_days=held_days, drifting=drifting, judged=judged, run=run, adopted=adopted,
    )  # fmt: skip


def _reference(clean: Booleans, day: int, since: NDArray[np.int64]) -> Booleans:
    """Mark the newest 28 clean days before the week of the slow look, no older than 56 days before it."""
    last = max(0, day - SLOW_DAYS + 1)
    first = max(0, last - 2 * REFERENCE_DAYS)
    members = np.zeros_like(clean)
    window: Booleans = clean[:, first:last] & (np.arange(first, last)[None, :] >= since[:, None])
    members[:, first:last] = window & (np.cumsum(window[:, ::-1], axis=1)[:, ::-1] <= REFERENCE_DAYS)
    # A short history lends its newest days too, where nothing in it was out of the ordinary.
    recent: Booleans = clean[:, last:day] & np.all(clean[:, first:day], axis=1, keepdims=True)
    lacking = REFERENCE_DAYS - members.sum(axis=1)
    members[:, last:day] = recent & (np.cumsum(recent, axis=1) <= lacking[:, None])
    return members


def _oldest(clean: Booleans, day: int, since: NDArray[np.int64]) -> Booleans:
    """Mark the oldest 28 clean days of the last 91, before the week of the slow look."""
    first, last = max(0, day - FAR_DAYS), max(0, day - FAR_LOOK + 1)
    members = np.zeros_like(clean)
    window: Booleans = clean[:, first:last] & (np.arange(first, last)[None, :] >= since[:, None])
    members[:, first:last] = window & (np.cumsum(window, axis=1) <= REFERENCE_DAYS)
    return members


def _newest(members: Booleans) -> NDArray[np.int64]:
    """Newest day of each reference; -1 for none."""
    days: NDArray[np.int64] = np.where(members, np.arange(members.shape[1])[None, :], -1).max(axis=1)
    return days


def _discoveries(p: Floats, level: float, tested: Booleans) -> Booleans:
    """Benjamini and Hochberg's steps over looks and series, at ``level`` for one series.

    A series whose drift is open, or that has nothing to judge, is no test: it makes no other drift harder to find.
    """
    sure = np.where(np.isfinite(p), p, 1.0)
    flat = np.sort(sure.min(axis=0)[tested & np.isfinite(p).any(axis=0)])
    steps = level * np.arange(1, len(flat) + 1) / max(len(flat), 1)
    passed = np.flatnonzero(flat <= steps)
    cut = flat[passed[-1]] if len(passed) else level / max(len(flat), 1)
    passing: Booleans = sure <= cut
    return passing
