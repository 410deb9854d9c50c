"""How good a classifier probably is while no labels are there: estimated from its confidence, chunk by chunk."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from workbench.analysis.quality.distances import Floats
from workbench.core.errors import ParameterError
from workbench.core.result import Result

#: Chunks of rows of reference and of now, and rows that a chunk needs. [count]
CHUNKS, LEAST_ROWS = 10, 100

#: An estimate is out of line beyond this many standard deviations of the reference's chunks.
REACH = 3.0

#: Smallest change that counts. [points of the metric]
LEAST_CHANGE = 0.02

#: What the estimate cannot see; printed with every result.
LIMITS = (
    "The estimate holds while the same input still has the same outcome: a changed relation between input and outcome "
    "(concept drift) stays unseen until labels arrive.",
    "It needs probabilities; they are calibrated on the labels of the reference.",
)


@dataclass(frozen=True, eq=False, repr=False)
class EstimatedPerformance(Result):
    """One row a metric and chunk, those of the reference first.

    Columns of ``frame``:

    ============ ==================================================================================
    metric       ``accuracy`` or ``ROC AUC`` (str)
    part         ``reference`` or ``now`` (str)
    chunk        its number or value (str)
    n            rows [count]
    estimate     from the confidence alone, with ``low`` and ``high``: three sampling errors [ratio]
    realised     from labels, NaN where there are none [ratio]
    lower, upper band of the reference: mean plus and minus three standard deviations of its chunks [ratio]
    verdict      ``alarm``, ``small``, ``none`` or ``not_enough`` (str)
    ============ ==================================================================================
    """

    alarmed: bool


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of one period.

    Attributes
    ----------
    probability : float array, (rows,)
        Probability of class 1. [ratio]
    predicted, truth : float array, (rows,)
        0 or 1; the truth is NaN where it is not known yet.
    chunk : array of str, (rows,)
    """

    probability: Floats
    predicted: Floats
    truth: Floats
    chunk: NDArray[np.str_]


def estimated_performance(reference: Predictions, now: Predictions) -> EstimatedPerformance:
    """Estimate accuracy and ROC AUC without labels, and hold them against the chunks of the reference.

    Parameters
    ----------
    reference : Predictions
        With its truth.
    now : Predictions
        Scores of the period without labels.

    Raises
    ------
    ParameterError
        The reference has no two classes, fewer than 6 chunks or rows without truth.

    Notes
    -----
    Confidence-based performance estimation [1]_: probabilities are calibrated by isotonic regression on the reference;
    the expected share of right answers is the mean of the calibrated probability of the class that was predicted, the
    expected AUC follows from expected hits at each threshold. The band is that of realised values of the reference.

    References
    ----------
    .. [1] J. Bialek et al., Estimating model performance under covariate shift without labels (2024).

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> def drawn(sure: float) -> Predictions:
    ...     chance = np.where(random.random(6_000) < sure, random.choice([0.05, 0.95], 6_000), 0.5)
    ...     truth = (random.random(6_000) < chance).astype(float)
    ...     return Predictions(chance, (chance >= 0.5).astype(float), truth, np.repeat(list("abcdef"), 1_000))
    >>> estimated_performance(drawn(0.8), drawn(0.8)).alarmed, estimated_performance(drawn(0.8), drawn(0.3)).alarmed
    (False, True)
    """
    truth = reference.truth
    if not np.isfinite(truth).all() or len(np.unique(truth)) != 2:
        raise ParameterError("The reference needs the truth of every row, and both classes.", hint="Drop other rows.")
    order = np.argsort(reference.probability, kind="stable")
    steps = scipy.optimize.isotonic_regression(truth[order]).x
    places, first = np.unique(reference.probability[order], return_index=True)
    levels = np.add.reduceat(steps, first) / np.diff(np.r_[first, len(steps)])
    rows = []
    for part, rest in (("reference", reference), ("now", now)):
        calibrated = np.interp(rest.probability, places, levels)
        for chunk in dict.fromkeys(rest.chunk.tolist()):
            rows += _chunk(part, chunk, rest, calibrated, rest.chunk == chunk)
    frame = pd.DataFrame(rows)
    for metric in ("accuracy", "ROC AUC"):
        own = frame["metric"] == metric
        base = frame[own & (frame["part"] == "reference") & frame["realised"].notna()]
        if len(base) < 6:
            raise ParameterError(
                f"The reference has {len(base)} chunks of {LEAST_ROWS} rows, a band needs 6.", hint="Make them smaller."
            )
        middle, spread = base["realised"].mean(), base["realised"].std(ddof=0)
        frame.loc[own, "lower"], frame.loc[own, "upper"] = middle - REACH * spread, middle + REACH * spread
        outside = (frame["estimate"] < frame["lower"]) | (frame["estimate"] > frame["upper"])
        far = (frame["estimate"] - middle).abs() >= LEAST_CHANGE
        known = frame["estimate"].notna()
        verdict = np.select([~known, outside & far, outside], ["not_enough", "alarm", "small"], "none")
        frame.loc[own, "verdict"] = verdict[own]
    alarmed = bool(((frame["part"] == "now") & (frame["verdict"] == "alarm")).any())
    return EstimatedPerformance(frame, notes=LIMITS, alarmed=alarmed)


def _chunk(
    part: str, chunk: str, rows: Predictions, calibrated: Floats, own: NDArray[np.bool_]
) -> list[dict[str, object]]:
    n, chance = int(own.sum()), calibrated[own]
    score, predicted, truth = rows.probability[own], rows.predicted[own], rows.truth[own]
    labelled = bool(np.isfinite(truth).all())
    right = np.where(predicted == 1, chance, 1 - chance)
    table = []
    for metric, estimate, realised, error in (
        ("accuracy", float(right.mean()), float((predicted == truth).mean()) if labelled else math.nan,
         math.sqrt(float((right * (1 - right)).mean()) / n)),
        ("ROC AUC", expected_auc(score, chance), _auc(score, truth) if labelled else math.nan,
         _auc_error(expected_auc(score, chance), float(chance.sum()), n - float(chance.sum()))),
    ):  # fmt: skip
        enough = n >= LEAST_ROWS
        table.append(
            {
                "metric": metric, "part": part, "chunk": chunk, "n": n, "estimate": estimate if enough else math.nan,
                "low": estimate - REACH * error if enough else math.nan,
                "high": estimate + REACH * error if enough else math.nan,
                "realised": realised if enough else math.nan, "lower": math.nan, "upper": math.nan, "verdict": "",
            }
        )  # fmt: skip
    return table


def expected_auc(score: Floats, chance: Floats) -> float:
    """ROC AUC that is expected when a row is of class 1 with the given chance.

    Examples
    --------
    >>> expected_auc(np.array([0.1, 0.9]), np.array([0.0, 1.0]))
    1.0
    """
    places, code = np.unique(score, return_inverse=True)
    hits, misses = np.bincount(code, chance, len(places)), np.bincount(code, 1 - chance, len(places))
    if not hits.sum() or not misses.sum():
        return math.nan
    below = np.cumsum(misses) - misses
    return float(np.sum(hits * (below + misses / 2)) / (hits.sum() * misses.sum()))


def _auc(score: Floats, truth: Floats) -> float:
    ranks, ones = scipy.stats.rankdata(score), float(truth.sum())
    zeros = len(truth) - ones
    return float((ranks[truth == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros)) if ones and zeros else math.nan


def _auc_error(auc: float, ones: float, zeros: float) -> float:
    """Estimate the standard error after Hanley and McNeil (1982)."""
    if not math.isfinite(auc) or min(ones, zeros) < 1:
        return math.nan
    first, second = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread = auc * (1 - auc) + (ones - 1) * (first - auc * auc) + (zeros - 1) * (second - auc * auc)
    return math.sqrt(max(0.0, spread) / (ones * zeros))
