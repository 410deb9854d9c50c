"""Objectives with another share of bad events than before, by their exact counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.investigate.changes import Rows, change_of, compared
from workbench.analysis.investigate.windows import Floats, Windows

#: A range of which less than this was observed is not compared. [ratio]
LEAST_COVERED = 0.9


def objective_changes(events: Mapping[str, Sequence[pd.DataFrame]], windows: Windows, *, service: str) -> Rows:
    """Compare the share of bad events of each objective.

    Parameters
    ----------
    events : mapping of str to sequence of DataFrame
        By objective: EVENTS of the window, then of each baseline, one row per slice. [events/slice]
    windows : Windows
        The window to explain and the windows to compare it with.
    service : str
        System of the objectives.

    Returns
    -------
    Rows
        One per objective with events in the window and in a baseline.

    Notes
    -----
    Bad events come in bursts, so they tell less than as many independent ones: counts are divided by their dispersion,
    chi squared by degrees of freedom of the slices of all baselines, where that is above 1 [1]_.

    References
    ----------
    .. [1] P. McCullagh, J. A. Nelder, Generalized Linear Models (1989), 4.5: quasi-likelihood.
    """
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, frames in sorted(events.items()):
        unseen = tuple(number for number, frame in enumerate(frames[1:]) if not _covered(frame))
        if _covered(frames[0]) and len(unseen) < len(windows.baselines):
            groups.setdefault(unseen, []).append(name)
    parts = []
    for unseen, names in groups.items():
        seen = {name: [frame for place, frame in enumerate(events[name]) if place - 1 not in unseen] for name in names}
        parts.append(_rows(names, seen, windows.without(unseen), service))
    return Rows(pd.concat(parts, ignore_index=True) if parts else pd.DataFrame())


def _rows(
    names: Sequence[str], events: Mapping[str, Sequence[pd.DataFrame]], windows: Windows, service: str
) -> pd.DataFrame:
    slices = [[_bad_and_total(frame) for frame in events[name]] for name in names]
    bad = [np.array([own[place][0].sum() for own in slices]) for place in range(len(windows.spans))]
    total = [np.array([own[place][1].sum() for own in slices]) for place in range(len(windows.spans))]
    spread = np.array([_dispersion(own[1:]) for own in slices])
    ratios, against = compared([np.floor(each / spread) for each in bad], [each / spread for each in total])
    rows = np.arange(len(names))
    before, before_total = (np.stack(each[1:])[against, rows] for each in (bad, total))
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = bad[0] / total[0], before / before_total
    frame = pd.DataFrame(
        {
            "kind": "objective",
            "what": names,
            "service": service,
            "detail": "bad events, by the counts of the objective",
            "change": change_of(bad[0], before, ratios.ratio),
            "now": shares[0],
            "before": shares[1],
            "unit": "of events bad",
            **ratios.columns(),
            "always": False,
            "effect": ratios.bound,
            "kept": bad[0].astype(np.int64),
            "kept_before": before.astype(np.int64),
            "against": [windows.baselines[number].name for number in against],
            "first_ns": windows.range.start_ms * 1_000_000,
            "example": "",
            "trace_id": "",
        }
    )
    return frame[total[0] > 0]


def _bad_and_total(frame: pd.DataFrame) -> tuple[Floats, Floats]:
    """Bad and all events of each slice."""
    good, total = (frame[name].fillna(0).to_numpy(np.float64) for name in ("good", "total"))
    return np.maximum(total - good, 0), total


def _covered(frame: pd.DataFrame) -> bool:
    return len(frame) > 0 and float(frame["covered"].mean()) >= LEAST_COVERED


def _dispersion(baselines: Sequence[tuple[Floats, Floats]]) -> float:
    """Variance of the bad events of slices as a multiple of Poisson's, at least 1. [ratio]"""
    squares, degrees = 0.0, 0
    for bad, total in baselines:
        expected: NDArray[np.float64] = total * (bad.sum() / total.sum()) if total.sum() else np.zeros(0)
        known = expected > 0
        squares += float(((bad[known] - expected[known]) ** 2 / expected[known]).sum()) if known.any() else 0.0
        degrees += max(int(known.sum()) - 1, 0)
    return max(1.0, squares / degrees) if degrees else 1.0
