"""Whose share of a budget it was: the bad events of each episode by model, provider, endpoint and every other label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.edges import Floats
from workbench.analysis.slo.spending import Burn, Spending
from workbench.core.result import Result
from workbench.core.series import Labels

#: Labels that are no dimension of traffic.
NO_DIMENSIONS = frozenset({"__name__", "le", "quantile"})

#: More values than this are no dimension a reader can look through (user ids, trace ids). [count]
MOST_VALUES = 200

#: A value is spared when less than this part of the others' excess shows in it. [ratio]
SPARED = 0.25

#: An excess counts from so many standard deviations of what is usual on. [x]
_SIGNIFICANT = 4.0

#: A value with fewer expected bad events says nothing about being spared. [events]
_EXPECTED = 5.0


@dataclass(frozen=True)
class LabelledCounts:
    """Counts of one objective per slice and label set.

    Attributes
    ----------
    start_ms : int
        Start of the first slice. [ms since the epoch]
    slice_ms : int
        [ms]
    total_labels, total : label sets and float64 array, (n_sets, n_slices)
        All events. [events/slice]
    part_labels, part : label sets and float64 array, (n_sets, n_slices)
        Good or bad ones. [events/slice]
    part_is : {"good", "bad"}
    outcomes : frozenset of str
        Labels that tell good from bad (a status code): they describe a failure and narrow nothing.
    """

    start_ms: int
    slice_ms: int
    total_labels: tuple[Labels, ...]
    total: Floats
    part_labels: tuple[Labels, ...]
    part: Floats
    part_is: str
    outcomes: frozenset[str] = frozenset()

    def without(self, excluded: NDArray[np.bool_]) -> LabelledCounts:
        """Return the counts with nothing in the slices that are excluded."""
        kept = np.where(excluded, 0.0, 1.0)
        return replace(self, total=self.total * kept, part=self.part * kept)


@dataclass(frozen=True, eq=False, repr=False)
class Contributions(Result):
    """Bad events of each episode by each label; the rows of one dimension add up to the episode.

    Columns of ``frame``:

    ========== ==============================================================================================
    objective  identity (str)
    episode    number as in :class:`~workbench.analysis.slo.spending.Spending`; 0 is all other time (int)
    dimension  what is told apart: ``model``, ``provider``, ``endpoint``, ... or the label itself (str)
    label      label of the series (str)
    value      its value, empty where a series has none (str)
    bad        bad events [events]
    total      events; NaN where the total does not have the label [events]
    bad_ratio  bad / total; NaN without events [ratio]
    share      bad / all bad ones of the episode [ratio]
    excess     bad less what is usual for this value in as much traffic [events]
    narrowed   whether the episode was here and spared others (bool)
    ========== ==============================================================================================
    """

    as_of: datetime


COLUMNS = ["objective", "episode", "dimension", "label", "value", "bad", "total", "bad_ratio", "share", "excess",
           "narrowed"]  # fmt: skip


def contributions(
    spent: Spending,
    counts: Mapping[str, LabelledCounts],
    *,
    dimensions: Mapping[str, Mapping[str, str]] | None = None,
) -> Contributions:
    """Share out the bad events of each episode by label.

    Parameters
    ----------
    spent : Spending
        Episodes in which budget was used.
    counts : mapping of str to LabelledCounts
        By objective; one without counts has no rows.
    dimensions : mapping of str to mapping, optional
        Label -> the name of its dimension, by objective.

    Returns
    -------
    Contributions

    Notes
    -----
    Per label value: bad = total - good summed over its series. Usual is the value's own share of bad events outside
    of all episodes, times its events inside. An episode is *narrowed* to the values that hold the excess when others,
    with enough traffic to have shown it, show less than a quarter of its share; a label that tells good from bad, such
    as a status code, narrows nothing.

    Examples
    --------
    >>> from datetime import UTC
    >>> burn = Burn("api", 1, 0, ((1, 2),))
    >>> spent = Spending(pd.DataFrame({"objective": ["api"]}), as_of=datetime(2026, 10, 1, tzinfo=UTC), burns=(burn,))
    >>> labels = ({"provider": "a"}, {"provider": "b"})
    >>> total = np.array([[100.0, 100.0], [100.0, 100.0]])
    >>> good = np.array([[100.0, 40.0], [100.0, 100.0]])
    >>> counts = LabelledCounts(0, 300_000, labels, total, labels, good, "good")
    >>> found = contributions(spent, {"api": counts}).frame
    >>> found[found["episode"] == 1][["value", "bad", "share", "narrowed"]].values.tolist()
    [['a', 60.0, 1.0, True], ['b', 0.0, 0.0, False]]
    """
    rows: list[dict[str, Any]] = []
    for objective, each in counts.items():
        burns = [burn for burn in spent.burns if burn.objective == objective]
        named = (dimensions or {}).get(objective, {})
        for label in dimension_labels(each):
            rows.extend(_by_label(objective, label, named.get(label, label), each, burns))
    frame = pd.DataFrame(rows, columns=COLUMNS).astype({"narrowed": np.bool_})
    order = frame.sort_values(["objective", "episode", "dimension", "bad"], ascending=[True, True, True, False])
    return Contributions(order.reset_index(drop=True), as_of=spent.as_of)


def dimension_labels(counts: LabelledCounts) -> list[str]:
    """Labels that tell bad events apart: those of the part, and of the total too when the part is the good ones."""
    names = _names(counts.part_labels)
    if counts.part_is == "good":
        names &= _names(counts.total_labels)
    both = (*counts.total_labels, *counts.part_labels)
    sizes = {name: len({labels.get(name, "") for labels in both}) for name in names - NO_DIMENSIONS}
    return sorted(name for name, size in sizes.items() if 1 < size <= MOST_VALUES)


def _names(labels: Sequence[Labels]) -> set[str]:
    return {name for each in labels for name in each}


def _by_label(
    objective: str, label: str, dimension: str, counts: LabelledCounts, burns: Sequence[Burn]
) -> list[dict[str, Any]]:
    values = sorted({each.get(label, "") for each in (*counts.total_labels, *counts.part_labels)})
    on_total = label in _names(counts.total_labels)
    total = _summed(counts.total_labels, counts.total, label, values)
    part = _summed(counts.part_labels, counts.part, label, values)
    bad = total - part if counts.part_is == "good" else part
    whole = counts.total.sum(axis=0)
    exposure = total if on_total else np.broadcast_to(whole, total.shape)
    quiet = np.ones(bad.shape[1], np.bool_)
    for burn in burns:
        for first, last in burn.slices:
            quiet[first:last] = False
    usual = bad[:, quiet].sum(axis=1) / np.maximum(exposure[:, quiet].sum(axis=1), 1e-300)
    rows = []
    for number, inside in [*((burn.number, _mask(burn, len(quiet))) for burn in burns), (0, quiet)]:
        own, events = np.maximum(bad[:, inside].sum(axis=1), 0.0), exposure[:, inside].sum(axis=1)
        expected = usual * events
        narrow = on_total and number and label not in counts.outcomes
        narrowed = _narrowed(own, events, expected) if narrow else np.zeros(len(values), np.bool_)
        all_bad = float(own.sum())
        for i, value in enumerate(values):
            if not (own[i] or events[i]):
                continue
            rows.append(
                {
                    "objective": objective,
                    "episode": number,
                    "dimension": dimension,
                    "label": label,
                    "value": value,
                    "bad": own[i],
                    "total": events[i] if on_total else np.nan,
                    "bad_ratio": own[i] / events[i] if on_total and events[i] else np.nan,
                    "share": own[i] / all_bad if all_bad else np.nan,
                    "excess": own[i] - expected[i],
                    "narrowed": bool(narrowed[i]),
                }
            )
    return rows


def _mask(burn: Burn, length: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    inside = np.zeros(length, np.bool_)
    for first, last in burn.slices:
        inside[first:last] = True
    return inside


def _summed(labels: Sequence[Labels], counts: Floats, label: str, values: Sequence[str]) -> Floats:
    place = {value: number for number, value in enumerate(values)}
    sums = np.zeros((len(values), counts.shape[1]))
    for each, row in zip(labels, counts, strict=True):
        sums[place[each.get(label, "")]] += row
    return sums


def _narrowed(bad: Floats, events: Floats, expected: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Values that hold the excess, when the others with traffic are spared; none when all are alike."""
    excess = bad - expected
    struck = excess > _SIGNIFICANT * np.sqrt(expected) + 1
    nobody = np.zeros(len(bad), np.bool_)
    if not struck.any():
        return nobody
    for _ in range(len(bad)):
        share = excess[struck].sum() / events[struck].sum()
        weak = struck & (excess < SPARED * share * events)
        if not weak.any():
            break
        struck &= ~weak
    shown = share * events
    spared = ~struck & (shown >= _EXPECTED) & (excess < SPARED * shown)
    held = excess[struck].sum() >= 0.8 * excess[excess > 0].sum()
    return struck if spared.any() and held else nobody
