"""Which of two models or variants is better: sample ratio first, then score, cost and latency, by segment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.quality.effects import (
    ALPHA,
    SMALL,
    Effect,
    Floats,
    Moments,
    adjusted,
    at_any_time,
    binary,
    holm,
    linearised,
    paired,
    proportions,
    sample_ratio_p,
    welch,
)
from workbench.core.errors import ParameterError
from workbench.core.result import Result

#: Below this p value of the sample ratio nothing else is believed. [ratio]
RATIO_P = 0.001

#: Name of the row over all segments.
ALL = "all"

#: Verdicts, and what they mean.
VERDICTS = {
    "higher": "the second is higher",
    "lower": "the second is lower",
    "equal": "shown equal: the interval lies within the margin",
    "not_worse": "not worse by more than the margin",
    "no_difference": "no difference shown; this is not proof that they are equal",
    "not_enough": "fewer than two values",
    "not_comparable": "the sample ratio is not the expected one",
}


@dataclass(frozen=True)
class Columns:
    """Which columns of the rows hold what; empty where there is none.

    Attributes
    ----------
    arm, score : str
        Model or variant, and its score.
    item : str
        What both arms answered; makes the comparison paired.
    segment, cost, latency, before : str
        ``before`` is a value from before the test, for CUPED.
    unit : str
        Who was assigned to an arm, such as a user; answers of one unit resemble each other.
    """

    arm: str
    score: str
    item: str = ""
    segment: str = ""
    cost: str = ""
    latency: str = ""
    before: str = ""
    unit: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class ModelComparison(Result):
    """One row a metric and segment; the first row is the score over all.

    Columns of ``frame``:

    ============ ================================================================================
    metric       ``score``, ``cost per success``, ``cost``, ``latency`` (str)
    segment      its value, ``all`` over all (str)
    n_first      values (or units) of the first arm; ``n_second`` of the second [count]
    first        mean or ratio of the first arm; ``second`` of the second [unit of the metric]
    difference   second less first, with ``low`` and ``high`` of its interval [unit of the metric]
    relative     difference / first [ratio]
    p            of no difference; over segments adjusted by Holm [ratio]
    test         method (str)
    verdict      one of :data:`VERDICTS` (str)
    ============ ================================================================================
    """

    arms: tuple[str, str]
    ratio_p: float
    alpha: float
    margin: float | None
    any_time: bool


def compare_arms(
    rows: pd.DataFrame,
    columns: Columns,
    arms: tuple[str, str],
    *,
    expected: tuple[float, float] = (0.5, 0.5),
    margin: float | None = None,
    any_time: bool = False,
    alpha: float = ALPHA,
) -> ModelComparison:
    """Compare two arms of a test, or two models on the same items.

    Parameters
    ----------
    rows : DataFrame
        One row an answer; score, cost, latency and the value from before as floats, NaN where missing.
    columns : Columns
        Which column holds the arm, the metric and the unit.
    arms : tuple of str
        First (the base) and second.
    expected : tuple of float
        Shares of the traffic that the arms should have; not asked where items are paired. [ratio]
    margin : float, optional
        Largest loss of score that counts as none; gives the verdicts ``equal`` and ``not_worse``. [points of the score]
    any_time : bool
        Whether intervals hold however often one looks, for a test that still runs.
    alpha : float
        Two-sided error rate; of ``equal``, alpha to either side. [ratio]

    Returns
    -------
    ModelComparison

    Notes
    -----
    A sample ratio with p < 0.001 stops everything: the verdicts are ``not_comparable``. Items that only one arm
    answered, or twice, are left out of a paired comparison with a note. "Equal" takes the interval of 1 - 2 alpha (two
    one-sided tests [1]_).

    References
    ----------
    .. [1] D. J. Schuirmann, J. Pharmacokinetics and Biopharmaceutics 15 (1987).

    Examples
    --------
    >>> rows = pd.DataFrame({"model": ["a", "b"] * 40, "score": [1.0, 0.0, 1.0, 1.0] * 20})
    >>> result = compare_arms(rows, Columns("model", "score"), ("a", "b"))
    >>> result.frame[["metric", "segment", "first", "second", "verdict"]].values.tolist()
    [['score', 'all', 1.0, 0.5, 'lower']]
    """
    notes: list[str] = []
    arm_of = rows[columns.arm].astype("str")
    pair = [rows[arm_of == arm] for arm in arms]
    if columns.item:
        pair = _matched(pair, columns.item, notes)
    counts = len(pair[0]), len(pair[1])
    if columns.unit:
        lost = sum(int(half[columns.unit].isna().sum()) for half in pair)
        if lost:
            notes.append(f"{lost:,} answers have no {columns.unit} and are left out.")
        pair = [half[half[columns.unit].notna()] for half in pair]
        counts = _units(pair, columns, notes)
    ratio_p = 1.0 if columns.item or not all(counts) else sample_ratio_p(counts, expected)
    comparison = _Comparison(columns, any_time, alpha, margin)
    table = comparison.rows(pair, ALL, notes)
    if columns.segment:
        named = [half[columns.segment].astype("str").to_numpy() for half in pair]
        if columns.item:
            same = named[0] == named[1]
            if not same.all():
                apart = int((~same).sum())
                notes.append(f"{apart:,} items have another {columns.segment} on each side and are in no segment.")
            pair, named = [half[same] for half in pair], [names[same] for names in named]
        parts = [
            comparison.rows([half[names == value] for half, names in zip(pair, named, strict=True)], value, [])
            for value in sorted({*named[0], *named[1]})
        ]
        table += _by_holm([row for part in parts for row in part], alpha)
    if ratio_p < RATIO_P:
        table = [{**row, "verdict": "not_comparable"} for row in table]
        notes.insert(
            0,
            f"The sample ratio is wrong: {counts[0]:,} to {counts[1]:,} answers (p {ratio_p:.1g}). Find out why "
            "answers are lost before you believe any difference.",
        )
    return ModelComparison(
        pd.DataFrame(table),
        notes=tuple(notes),
        arms=arms,
        ratio_p=ratio_p,
        alpha=alpha,
        margin=margin,
        any_time=any_time,
    )


@dataclass(frozen=True)
class _Comparison:
    columns: Columns
    any_time: bool
    alpha: float
    margin: float | None

    def rows(self, pair: Sequence[pd.DataFrame], segment: str, notes: list[str]) -> list[dict[str, Any]]:
        """Rows of one segment: the score, then cost per success and latency where there are such columns."""
        columns = self.columns
        scores = [_floats(half, columns.score) for half in pair]
        table = [self._row("score", segment, *self._kept(pair, scores, notes), margin=self.margin)]
        if columns.cost:
            costs = [_floats(half, columns.cost) for half in pair]
            whole = [np.isfinite(cost) & np.isfinite(score) for cost, score in zip(costs, scores, strict=True)]
            if columns.item:
                whole = [whole[0] & whole[1]] * 2
            if all(binary(score[known]) for score, known in zip(scores, whole, strict=True)):
                ratios = [
                    self._ratio(half, cost, score, known)
                    for half, cost, score, known in zip(pair, costs, scores, whole, strict=True)
                ]
                table.append(self._row("cost per success", segment, *ratios))
            table.append(self._row("cost", segment, *self._means(pair, costs, whole)))
        if columns.latency:
            times = [_floats(half, columns.latency) for half in pair]
            table.append(self._row("latency", segment, *self._finite(pair, times)))
        return table

    def _ratio(self, half: pd.DataFrame, amounts: Floats, counts: Floats, known: NDArray[np.bool_]) -> Floats:
        """Values whose mean is a ratio of sums: one a unit where units are named, else one an answer."""
        parts = amounts[known], counts[known]
        if self.columns.unit:
            code = pd.factorize(half.loc[known, self.columns.unit])[0]
            parts = np.bincount(code, parts[0]).astype(np.float64), np.bincount(code, parts[1]).astype(np.float64)
        return linearised(*parts)[1] if len(parts[0]) else parts[0]

    def _means(
        self, pair: Sequence[pd.DataFrame], values: Sequence[Floats], known: Sequence[NDArray[np.bool_]]
    ) -> list[Floats]:
        """Values of the answers, or of the units with as many answers as each has."""
        if not self.columns.unit:
            return [own[mask] for own, mask in zip(values, known, strict=True)]
        ones = [np.ones(len(own)) for own in values]
        return [self._ratio(*parts) for parts in zip(pair, values, ones, known, strict=True)]

    def _kept(self, pair: Sequence[pd.DataFrame], scores: Sequence[Floats], notes: list[str]) -> Sequence[Floats]:
        lost = sum(int((~np.isfinite(score)).sum()) for score in scores)
        if lost:
            notes.append(
                "1 answer has no score and is left out; look at it apart."
                if lost == 1
                else f"{lost:,} answers have no score and are left out; look at them apart."
            )
        if not self.columns.before:
            return self._finite(pair, scores)
        before = [_floats(half, self.columns.before) for half in pair]
        known = [np.isfinite(score) & np.isfinite(value) for score, value in zip(scores, before, strict=True)]
        if self.columns.item:
            known = [known[0] & known[1]] * 2
        first, second = (score[mask] for score, mask in zip(scores, known, strict=True))
        if len(first) < 2 or len(second) < 2:
            return first, second
        notes.append(f"Scores are adjusted by {self.columns.before} (CUPED).")
        changed = adjusted(first, second, (before[0][known[0]], before[1][known[1]]))
        halves = [half[mask] for half, mask in zip(pair, known, strict=True)]
        return self._means(halves, changed, [np.ones(len(part), np.bool_) for part in changed])

    def _finite(self, pair: Sequence[pd.DataFrame], values: Sequence[Floats]) -> Sequence[Floats]:
        known = [np.isfinite(half) for half in values]
        if self.columns.item:
            known = [known[0] & known[1]] * 2
        return self._means(pair, values, known)

    def _row(
        self, metric: str, segment: str, first: Floats, second: Floats, *, margin: float | None = None
    ) -> dict[str, Any]:
        effect = self._effect(first, second, self.alpha)
        enough = min(len(first), len(second)) > 1 and math.isfinite(effect.low)
        verdict = "not_enough"
        if enough:
            narrow = self._effect(first, second, 2 * self.alpha) if margin is not None else effect
            verdict = _verdict(effect, narrow, margin, self.alpha)
        base = float(np.mean(first)) if len(first) else math.nan
        return {
            "metric": metric,
            "segment": segment,
            "n_first": len(first),
            "n_second": len(second),
            "first": base,
            "second": float(np.mean(second)) if len(second) else math.nan,
            "difference": effect.difference,
            "low": effect.low,
            "high": effect.high,
            "relative": effect.difference / base if base else math.nan,
            "p": effect.p,
            "test": effect.test,
            "verdict": verdict,
        }

    def _effect(self, first: Floats, second: Floats, alpha: float) -> Effect:
        if min(len(first), len(second)) < 2:
            return Effect(math.nan, math.nan, math.nan, math.nan, "")
        if self.columns.item:
            return paired(first, second, alpha=alpha, any_time=self.any_time)
        if not self.any_time and max(len(first), len(second)) <= SMALL and binary(first) and binary(second):
            return proportions(first, second, alpha=alpha)
        method = at_any_time if self.any_time else welch
        return method(Moments.of(first), Moments.of(second), alpha=alpha)


def _verdict(effect: Effect, narrow: Effect, margin: float | None, alpha: float) -> str:
    if margin is not None and -margin < narrow.low and narrow.high < margin:
        return "equal"
    if effect.p <= alpha and (effect.low > 0 or effect.high < 0):
        return "higher" if effect.low > 0 else "lower"
    return "not_worse" if margin is not None and narrow.low > -margin else "no_difference"


def _by_holm(rows: list[dict[str, Any]], alpha: float) -> list[dict[str, Any]]:
    """Adjust the p values of segments, metric by metric; a difference must hold after it."""
    corrected: list[dict[str, Any]] = []
    for metric in dict.fromkeys(row["metric"] for row in rows):
        mine = [row for row in rows if row["metric"] == metric]
        tested = [row for row in mine if math.isfinite(row["p"])]
        p_values = (
            dict(zip(map(id, tested), holm(np.array([row["p"] for row in tested])), strict=True)) if tested else {}
        )
        for row in mine:
            p = float(p_values.get(id(row), math.nan))
            weak = row["verdict"] in ("higher", "lower") and not p <= alpha
            corrected.append({**row, "p": p, "verdict": "no_difference" if weak else row["verdict"]})
    return corrected


def _units(pair: Sequence[pd.DataFrame], columns: Columns, notes: list[str]) -> tuple[int, int]:
    """Units of each arm; says how many are in both, whose answers cannot be told from those of one arm."""
    if columns.item:
        raise ParameterError("Items are paired one by one; units are not used.", hint="Name an item or a unit.")
    first, second = (set(half[columns.unit]) for half in pair)
    both = len(first & second)
    if both:
        count = "1 unit is" if both == 1 else f"{both:,} units are"
        notes.append(f"{count} in both arms: what one arm did to them counts for the other too.")
    notes.append(f"The units are the values of {columns.unit}: the tests count them, not their answers.")
    return len(first), len(second)


def _matched(pair: Sequence[pd.DataFrame], item: str, notes: list[str]) -> list[pd.DataFrame]:
    """Rows of the items that each arm answered exactly once, in one order."""
    once = [half[~half[item].duplicated(keep=False)].set_index(item) for half in pair]
    shared = once[0].index.intersection(once[1].index).sort_values()
    lost = sum(len(half) for half in pair) - 2 * len(shared)
    if lost:
        phrase = "1 answer is left out: its" if lost == 1 else f"{lost:,} answers are left out: their"
        notes.append(f"{phrase} item was not answered exactly once by both.")
    return [half.loc[shared].reset_index() for half in once]


def _floats(half: pd.DataFrame, column: str) -> Floats:
    return np.asarray(half[column], np.float64)
