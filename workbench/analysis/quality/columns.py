"""Which columns of answers changed between a reference and now, in which segments, and what of it is the mix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from workbench.analysis.quality.change import (
    LEAST_ANSWERS,
    Change,
    by_days,
    change,
    day_orders,
    share_p,
)
from workbench.analysis.quality.tally import Tally
from workbench.core.result import Result

Floats = NDArray[np.float64]

#: Share of the named changes that may be false. [ratio]
ALPHA = 0.01

#: A sure change that moves fewer answers than this is called small, not a drift. [ratio]
LEAST_MOVED = 0.02

#: Segment that holds all answers.
ALL = "all"

#: From so many days of reference and so many now on, days are the units of the test. [d]
LEAST_DAYS = (14, 3)

#: Verdicts, and what they mean.
VERDICTS = {
    "drift": "drifts",
    "small": "changed, but less than the smallest change that counts",
    "none": "no drift shown",
    "not_enough": f"not judged: fewer than {LEAST_ANSWERS} answers, or too few days",
}


@dataclass(frozen=True, eq=False, repr=False)
class ColumnChanges(Result):
    """One row a column and segment, the whole first.

    Columns of ``frame``:

    ============================== ======================================================================
    column, kind, segment          ``kind`` is ``number``, ``share``, ``category`` or ``missing`` (str)
    n_reference, n_current         answers with a value; for ``missing`` all answers [count]
    reference, current             mean, or share of missing values; NaN for categories [unit of the column]
    difference, low, high          of the means, with its 95 % interval [unit of the column]
    moved                          largest gap of the distributions, or of shares [ratio]
    psi, jensen_shannon            over deciles of the reference, or categories [nat], [ratio]
    wasserstein                    mean distance that values moved [unit of the column]
    test, p, p_adjusted            method, p value, and after Benjamini and Hochberg over all rows [ratio]
    top                            value or category that gained or lost most (str)
    verdict                        one of :data:`VERDICTS` (str)
    ============================== ======================================================================
    """

    alpha: float
    least: float
    days: bool


@dataclass(frozen=True, eq=False, repr=False)
class MixChanges(Result):
    """Change of the mean of a column by segment: what of it lies in the answers, what in the mix of segments.

    Columns of ``frame``: ``column, segment, share_reference, share_current`` [ratio], ``reference, current``
    (means) [unit of the column], ``within`` (change of the segment's mean times its share in the reference), ``mix``
    (change of its share times its distance from the mean of the reference), ``contribution`` (both) [unit of the
    column]; largest contribution first. The row ``all`` of a column holds the sums: ``within`` is the change at the mix
    of the reference, ``contribution`` the raw one.
    """


@dataclass(frozen=True, eq=False)
class RowsDrift:
    """What :func:`drift_of_columns` gives."""

    changes: ColumnChanges
    mix: MixChanges


def drift_of_columns(
    tallies: Sequence[Tally],
    now: NDArray[np.bool_],
    segments: Sequence[str] = (),
    *,
    weekdays: NDArray[np.int64] | None = None,
    alpha: float = ALPHA,
    least: float = LEAST_MOVED,
) -> RowsDrift:
    """Judge columns of answers, as a whole and by segment.

    Parameters
    ----------
    tallies : sequence of Tally
        All with the same units and segments.
    now : bool array, (units,)
        Units of the present; the others are the reference.
    segments : sequence of str, optional
        Names of the segments of the tallies; none where they have one only.
    weekdays : int array, (units,), optional
        Day of the week where units are days: from 14 days of reference and 3 of the present on, days are the units of
        the test.
    alpha : float
        Share of the named changes that may be false. [ratio]
    least : float
        Smallest change that counts. [ratio]

    Returns
    -------
    RowsDrift

    Notes
    -----
    A change is a drift when it is sure (p after Benjamini and Hochberg's steps over columns, segments and missing
    values at most ``alpha``) and moves at least ``least`` of the answers. A million answers make any change sure.

    Examples
    --------
    >>> from workbench.analysis.quality.tally import numbers_tally
    >>> scores = np.repeat([1.0, 0.0, 1.0, 0.0], [80, 20, 50, 50])
    >>> tally = numbers_tally("score", scores, np.repeat([0, 1], 100))
    >>> result = drift_of_columns([tally], np.array([False, True]))
    >>> result.changes.frame[["column", "reference", "current", "verdict"]].values.tolist()
    [['score', 0.8, 0.5, 'drift']]
    """
    if weekdays is not None:
        # A day without an answer is no day.
        some = np.zeros(len(now), np.bool_)
        for tally in tallies:
            some |= tally.counts.sum(axis=(1, 2)) + tally.missing.sum(axis=1) > 0
        tallies, now, weekdays = [of_units(tally, some) for tally in tallies], now[some], weekdays[some]
    used = [int((~now).sum()), int(now.sum())]
    days = weekdays is not None and used[0] >= LEAST_DAYS[0] and used[1] >= LEAST_DAYS[1]
    strata = np.zeros(sum(used), np.int64)
    if days and weekdays is not None and used[1] >= 7:
        strata = np.r_[weekdays[~now], weekdays[now]]
    orders = day_orders(tuple(strata.tolist()), used[0]) if days else None
    rows = []
    for tally in tallies:
        for number in (None, *range(len(segments))):
            rows += _rows(tally, now, number, ALL if number is None else segments[number], orders)
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    tested = frame["p"].notna().to_numpy()
    frame["p_adjusted"] = np.nan
    if tested.any():  # the import of scipy.stats takes longer than many a command
        p_values = frame.loc[tested, "p"].to_numpy(np.float64)
        frame.loc[tested, "p_adjusted"] = scipy.stats.false_discovery_control(p_values)
    sure, moves = frame["p_adjusted"] <= alpha, frame["moved"] >= least
    frame["verdict"] = np.select([~tested, sure & moves, sure], ["not_enough", "drift", "small"], "none")
    unit = "Days are the units of the tests." if days else "Answers are taken as independent of each other."
    notes = (
        f"At most {100 * alpha:g} % of the drifts named are false. A change of less than {100 * least:g} % of the "
        f"answers is called small. {unit} PSI: deciles of the reference, an empty one as 0.0001.",
    )
    changes = ColumnChanges(frame, notes=notes, alpha=alpha, least=least, days=days)
    return RowsDrift(changes, MixChanges(_mixes(tallies, now, segments)))


def of_units(tally: Tally, some: NDArray[np.bool_]) -> Tally:
    """Take a part of the units of counts."""
    parts = (tally.counts, tally.missing, tally.sums, tally.squares)
    counts, missing, sums, squares = (part[some] for part in parts)
    return Tally(tally.name, tally.kind, tally.places, tally.labels, counts, missing, sums, squares, tally.exact)


_COLUMNS = (
    "column", "kind", "segment", "n_reference", "n_current", "reference", "current", "difference", "low", "high",
    "moved", "psi", "jensen_shannon", "wasserstein", "test", "p", "top",
)  # fmt: skip


def _rows(
    tally: Tally, now: NDArray[np.bool_], number: int | None, segment: str, orders: Floats | None
) -> list[tuple[object, ...]]:
    """Rows of one column and segment: its values, and its missing values where there are any."""
    pick = slice(None) if number is None else slice(number, number + 1)
    units = tally.counts[:, pick].sum(axis=1)
    halves = units[~now], units[now]
    counts = halves[0].sum(axis=0), halves[1].sum(axis=0)
    n = float(counts[0].sum()), float(counts[1].sum())
    absent = [float(tally.missing[side][:, pick].sum()) for side in (~now, now)]
    moments = [_moments(tally, side, pick, size) for side, size in zip((~now, now), n, strict=True)]
    difference = moments[1][0] - moments[0][0]
    reach = scipy.special.ndtri(0.975) * math.sqrt(
        sum(part[1] / max(size, 1) for part, size in zip(moments, n, strict=True))
    )
    reach = reach if min(n) > 1 else math.nan
    result = Change("", math.nan, math.nan, math.nan, math.nan, math.nan)
    top = ""
    if min(n) >= LEAST_ANSWERS:
        result = change(tally.kind, tally.places, *counts)
        top = _top(tally, counts)
    p, test = result.p, result.test
    if orders is not None and math.isfinite(p):
        p = by_days(np.vstack(halves), orders, ordered=tally.kind != "category")
        test = "days in random order"
    rows: list[tuple[object, ...]] = [
        (
            tally.name, tally.kind, segment, int(n[0]), int(n[1]), moments[0][0], moments[1][0], difference,
            difference - reach, difference + reach, result.moved, result.psi, result.jensen_shannon, result.wasserstein,
            test, p, top,
        )
    ]  # fmt: skip
    whole = n[0] + absent[0], n[1] + absent[1]
    if sum(absent) and min(whole) > 0:
        shares = [part / size for part, size in zip(absent, whole, strict=True)]
        error = math.sqrt(sum(share * (1 - share) / size for share, size in zip(shares, whole, strict=True)))
        gap = shares[1] - shares[0]
        p, test = math.nan, ""
        if min(whole) >= LEAST_ANSWERS:
            p, test = share_p((absent[0], n[0]), (absent[1], n[1])), "proportions"
            if orders is not None:
                lost = tally.missing[:, pick].sum(axis=1)
                parts = [np.column_stack([units[side].sum(axis=1), lost[side]]) for side in (~now, now)]
                p, test = by_days(np.vstack(parts), orders, ordered=True), "days in random order"
        reach = scipy.special.ndtri(0.975) * error
        rows.append(
            (
                tally.name, "missing", segment, int(whole[0]), int(whole[1]), shares[0], shares[1], gap, gap - reach,
                gap + reach, abs(gap), math.nan, math.nan, math.nan, test, p, "",
            )
        )  # fmt: skip
    return rows


def _moments(tally: Tally, side: NDArray[np.bool_], pick: slice, size: float) -> tuple[float, float]:
    """Mean and variance of one side."""
    total, squares = (float(part[side][:, pick].sum()) for part in (tally.sums, tally.squares))
    if not size:
        return math.nan, math.nan
    return total / size, max(0.0, squares - total * total / size) / max(size - 1, 1)


def _top(tally: Tally, counts: tuple[Floats, Floats]) -> str:
    """Value or category whose share changed most."""
    gaps = counts[1] / counts[1].sum() - counts[0] / counts[0].sum()
    place = int(np.argmax(np.abs(gaps)))
    if not gaps[place] or (tally.kind == "number" and len(tally.places) > 40):
        return ""
    name = tally.labels[place] if tally.labels else f"{tally.places[place]:g}"
    return f"{name} {100 * gaps[place]:+.1f} points"


def _mixes(tallies: Sequence[Tally], now: NDArray[np.bool_], segments: Sequence[str]) -> pd.DataFrame:
    columns = ["column", "segment", "share_reference", "share_current", "reference", "current", "within", "mix",
               "contribution"]  # fmt: skip
    parts = []
    for tally in tallies if len(segments) > 1 else ():
        if tally.kind == "category" or not np.isfinite(tally.sums).all():
            continue
        n = [tally.counts[side].sum(axis=(0, 2)) for side in (~now, now)]
        totals = [tally.sums[side].sum(axis=0) for side in (~now, now)]
        if not n[0].sum() or not n[1].sum():
            continue
        with np.errstate(invalid="ignore", divide="ignore"):
            means = [np.where(size > 0, total / size, np.nan) for size, total in zip(n, totals, strict=True)]
        shares = [size / size.sum() for size in n]
        whole = [float(total.sum() / size.sum()) for size, total in zip(n, totals, strict=True)]
        both = (n[0] > 0) & (n[1] > 0)
        within = np.where(both, shares[0] * (means[1] - means[0]), 0.0)
        level = np.where(n[1] > 0, means[1], means[0])
        mix = np.nan_to_num((shares[1] - shares[0]) * (level - whole[0]))
        own = pd.DataFrame(
            {
                "column": tally.name, "segment": list(segments), "share_reference": shares[0],
                "share_current": shares[1], "reference": means[0], "current": means[1], "within": within, "mix": mix,
                "contribution": within + mix,
            }
        )  # fmt: skip
        own = own[(n[0] + n[1]) > 0].sort_values("contribution", key=abs, ascending=False, kind="stable")
        total_row = (tally.name, ALL, 1.0, 1.0, *whole, within.sum(), mix.sum(), (within + mix).sum())
        parts += [pd.DataFrame([total_row], columns=columns), own]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
