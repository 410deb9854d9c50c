"""Counters that hold each other: one target under several names, a series that is the sum of the others, a gauge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workbench.core.counters.falls import counted_samples
from workbench.core.series import Labels, SeriesSet
from workbench.core.units import significant_text

#: Labels that say where and by whom a series was scraped, not what it counts.
TARGET = frozenset(
    {
        "job", "instance", "service", "endpoint", "pod", "container", "namespace", "node", "prometheus", "host", "app",
        "address", "exported_job", "exported_instance", "pod_name", "kubernetes_name", "kubernetes_namespace",
        "kubernetes_pod_name",
    }
)  # fmt: skip

#: Values of a label that mean all others.
_ALL = frozenset({"total", "all", "*", "_all", "sum", "overall"})

#: Two counters whose newest values differ by more are not compared. [ratio]
_NEAR = 0.05

#: How near a sum of parts is to the whole. [ratio]
_SUM = 0.02

#: A series that falls in so many of its changes, to more than a tenth, so often, is a gauge. [ratio], [count]
_FALLING, _FALLS = 0.25, 20

#: A smaller fall is one of rounding. A counter that falls still reaches new heights so often as it falls. [ratio]
_DUST, _HIGHER = 1e-6, 0.2


@dataclass(frozen=True)
class Overlap:
    """Series that count the same events.

    Attributes
    ----------
    metric : str
        Name of the metric.
    first, second : Labels
        One of the pairs: under two names, or the whole and one of its parts.
    whole : str
        Label whose value means all others; empty for one target under several names.
    counted : float
        Increase over all series of the metric. [count]
    at_stake : float
        What of it is counted once too often. [count]
    """

    metric: str
    first: Labels
    second: Labels
    whole: str
    counted: float
    at_stake: float


def named_twice(series: SeriesSet, same: Callable[[int, int], bool]) -> Overlap | None:
    """Tell whether a target was scraped under several sets of labels, as a service and a pod monitor do.

    Parameters
    ----------
    series : SeriesSet
        Samples of the counters of one selector.
    same : callable
        Whether the series of two rows show one counter.
    """
    groups: dict[frozenset[tuple[str, str]], list[int]] = {}
    for row, labels in enumerate(series.labels):
        groups.setdefault(frozenset(pair for pair in labels.items() if pair[0] not in TARGET), []).append(row)
    newest = [_newest(series, row) for row in range(len(series))]
    pairs = []
    for rows in groups.values():
        ordered = sorted(rows, key=lambda row: newest[row])
        for first, second in pairwise(ordered):
            if newest[second] - newest[first] <= _NEAR * newest[second] and same(first, second):
                pairs.append((first, second))
    if not pairs:
        return None
    rises = [_rise(series, row) for row in range(len(series))]
    first, second = max(pairs, key=lambda pair: rises[pair[1]])
    names = series.labels[first], series.labels[second]
    at_stake = sum(rises[second] for _, second in pairs)
    return Overlap(series.labels[0].get("__name__", ""), *names, "", sum(rises), at_stake) if at_stake > 0 else None


def sum_beside_parts(series: SeriesSet) -> Overlap | None:
    """Tell whether a series is the sum of the others, as ``code="total"`` of some exporters is.

    Examples
    --------
    >>> seen = [({"__name__": "a_total", "code": code}, np.arange(9) * 60, np.arange(9.0) * n)
    ...         for code, n in (("200", 9), ("500", 1), ("total", 10))]
    >>> overlap = sum_beside_parts(SeriesSet.of(seen))
    >>> overlap.whole, overlap.counted, overlap.at_stake
    ('code', 160.0, 80.0)
    """
    totals = {name for labels in series.labels for name, value in labels.items() if value.lower() in _ALL}
    rises = [_rise(series, row) for row in range(len(series))] if totals else []
    for name in sorted(totals):
        groups: dict[frozenset[tuple[str, str]], tuple[list[int], list[int]]] = {}
        for row, labels in enumerate(series.labels):
            key = frozenset(pair for pair in labels.items() if pair[0] != name)
            wholes, parts = groups.setdefault(key, ([], []))
            (wholes if labels.get(name, "").lower() in _ALL else parts).append(row)
        at_stake, example = 0.0, None
        for wholes, parts in groups.values():
            if len(wholes) != 1 or not parts:
                continue
            whole, summed = rises[wholes[0]], sum(rises[row] for row in parts)
            if whole > 0 and abs(whole - summed) <= _SUM * whole:
                at_stake += whole
                example = example or (series.labels[wholes[0]], series.labels[parts[0]])
        if example:
            return Overlap(example[0].get("__name__", ""), *example, name, sum(rises), at_stake)
    return None


def gauges_in(series: SeriesSet) -> list[int]:
    """Return the rows that fall as a gauge does: often, and not to where a counter starts again.

    Examples
    --------
    >>> times, values = np.arange(100) * 60, 10.0 + np.arange(100) % 7 % 3
    >>> gauges_in(SeriesSet.of([({"__name__": "active"}, times, values)]))
    [0]
    """
    gauges = []
    for row, falls in series.falls.items():
        if len(falls) < _FALLS:
            continue
        _, values = counted_samples(series, row)
        steps = np.diff(values)
        fell = (steps < -_DUST * values[:-1]) & (values[1:] > 0.1 * values[:-1])
        often = fell.sum() >= max(_FALLS, _FALLING * np.count_nonzero(steps))
        higher = values[1:] > np.maximum.accumulate(values)[:-1]
        if often and higher[len(higher) // 2 :].sum() < _HIGHER * fell.sum():
            gauges.append(row)
    return gauges


def overlap_note(overlap: Overlap) -> str:
    """Say what may be counted twice, how much is at stake, and what to do.

    Examples
    --------
    >>> pair = {"job": "api", "pod": "p"}, {"job": "pods", "pod": "p"}
    >>> overlap_note(Overlap("a_total", *pair, "", 200.0, 100.0)).partition(":")[0]
    'Counted twice'
    """
    too_much = f"{significant_text(overlap.at_stake)} of {significant_text(overlap.counted)} is too much"
    if overlap.whole:
        value = overlap.first[overlap.whole]
        return (
            f'Counted twice: {overlap.metric}{{{overlap.whole}="{value}"}} is the sum of its other series; {too_much}. '
            f'Add {overlap.whole}!="{value}" to the selector.'
        )
    differing = {*overlap.first.items()} ^ {*overlap.second.items()}
    names = sorted({name for name, _ in differing}, key=lambda name: (name != "job", name))
    sides = (overlap.first, overlap.second)
    texts = [", ".join(f'{name}="{labels[name]}"' for name in names if labels.get(name)) for labels in sides]
    return (
        f"Counted twice: series of {overlap.metric} show the same counter under {texts[0]} and under {texts[1]}; "
        f"{too_much}. Add `{names[0]}: {overlap.first.get(names[0], '')}` to `scope` in the profile."
    )


def _newest(series: SeriesSet, row: int) -> float:
    _, values = counted_samples(series, row)
    return float(values[-1]) if len(values) else 0.0


def _rise(series: SeriesSet, row: int) -> float:
    _, values = counted_samples(series, row)
    steps = np.diff(values)
    return float(np.where(steps < 0, values[1:], steps).sum())
