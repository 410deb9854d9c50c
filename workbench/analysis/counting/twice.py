"""Counters that were scraped twice: the two replicas of a Prometheus pair, or one target under two names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workbench.core.counters.falls import counted_samples
from workbench.core.series import SeriesSet
from workbench.core.units import significant_text

#: A label that parts what was counted, not who scraped it, has more values than this. [count]
_MOST_SCRAPERS = 8

#: Pairs of series that are compared per label, and their newest samples. [count]
_PAIRS, _SAMPLES = 20, 5_000

#: Two counters that rise together are one when they were seen to rise so often. [count]
_LEAST_RISES = 20

#: Counters that rise by few sizes of steps can rise alike without being one. [count]
_VARIED = 5

#: Labels that name who scraped. Two series scraped at the same instants are one counter only under such a label.
_SCRAPER = re.compile(r"replica|prometheus|monitor|scrap|collector|agent")


@dataclass(frozen=True)
class Twice:
    """A label by which a metric was scraped more than once.

    Attributes
    ----------
    metric, label : str
    values : tuple of str
        Of the label: the scrapers.
    counted : float
        Increase over all series of the metric. [count]
    at_stake : float
        What of it is counted once too often. [count]
    """

    metric: str
    label: str
    values: tuple[str, ...]
    counted: float
    at_stake: float


def scraped_twice(series: SeriesSet, *, since_ms: int | None = None) -> Twice | None:
    """Tell whether series that differ in one label are one counter, scraped by several.

    Parameters
    ----------
    series : SeriesSet
        Samples of the counters of one selector.
    since_ms : int, optional
        Start of the period that is counted; samples before it tell that counters are one. [ms since the epoch]

    Returns
    -------
    Twice or None
        The label that is shared by most pairs.

    Notes
    -----
    Two scrapes of one counter never disagree: all samples of both, in the order of time, rise as one counter does, and
    fall only where one of the two fell. Two counters of their own soon break that order. Where both were scraped at the
    same instants that says less (what begins and what ends rise together), so there the name of the label counts too.

    Examples
    --------
    >>> seen = [({"__name__": "a_total", "replica": name}, np.arange(40) * 60 + at, np.arange(40) * 60.0 + at)
    ...         for name, at in (("x", 0), ("y", 25))]
    >>> twice = scraped_twice(SeriesSet.of(seen))
    >>> twice.label, twice.values, twice.counted, twice.at_stake
    ('replica', ('x', 'y'), 4680.0, 2340.0)
    """
    best: tuple[int, str, tuple[str, ...], list[list[int]]] | None = None
    for label, values in _labels(series):
        groups = [rows for rows in _groups(series, label) if len(rows) > 1]
        alike = [_one_counter(series, rows[0], rows[1], label) for rows in groups[:_PAIRS]]
        agree, differ = alike.count(True), alike.count(False)
        if agree and not differ and (best is None or agree > best[0]):
            best = agree, label, values, groups
    if best is None:
        return None
    _, label, values, groups = best
    rises = [_rise(series, row, since_ms) for row in range(len(series))]
    at_stake = sum(sum(own) - max(own) for own in ([rises[row] for row in rows] for rows in groups))
    metric = series.labels[0].get("__name__", "")
    return Twice(metric, label, values, sum(rises), at_stake) if at_stake > 0 else None


def one_counter(series: SeriesSet, first: int, second: int) -> bool:
    """Whether two rows show one counter, whoever scraped it: also at the same instants, if its steps are no rhythm.

    Parameters
    ----------
    series : SeriesSet
        Samples of the counters of one selector.
    first, second : int
        Rows.
    """
    if _one_counter(series, first, second, "scraper"):
        (times, values), (other_times, _) = (counted_samples(series, row) for row in (first, second))
        together = len(np.intersect1d(times, other_times)) > 0
        return not together or len(np.unique(np.diff(values))) >= _VARIED
    return False


def twice_note(twice: Twice) -> str:
    """Say what may be counted twice, how much is at stake, and what to do.

    Examples
    --------
    >>> twice_note(Twice("a_total", "replica", ("x", "y"), 200.0, 100.0)).partition(":")[0]
    'Counted twice'
    """
    return (
        f"Counted twice: series of {twice.metric} that differ only in {twice.label} ({', '.join(twice.values)}) show "
        f"the same counter; {significant_text(twice.at_stake)} of {significant_text(twice.counted)} is too much. "
        f"Add `{twice.label}: {twice.values[0]}` to `scope` in the profile, or query one replica."
    )


def _labels(series: SeriesSet) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Labels that may name a scraper, with their values."""
    values: dict[str, set[str]] = {}
    for labels in series.labels:
        for name, value in labels.items():
            held = values.setdefault(name, set())
            if len(held) <= _MOST_SCRAPERS:
                held.add(value)
    for name, held in sorted(values.items()):
        if 1 < len(held) <= _MOST_SCRAPERS and name not in ("__name__", "le", "quantile"):
            yield name, tuple(sorted(held))


def _groups(series: SeriesSet, label: str) -> list[list[int]]:
    """Rows that are alike but for one label."""
    groups: dict[frozenset[tuple[str, str]], list[int]] = {}
    for row, labels in enumerate(series.labels):
        groups.setdefault(frozenset(pair for pair in labels.items() if pair[0] != label), []).append(row)
    return list(groups.values())


def _one_counter(series: SeriesSet, first: int, second: int, label: str) -> bool | None:
    """Whether two series show one counter; None where they rise too seldom to tell."""
    (times, values), (other_times, other_values) = (counted_samples(series, row) for row in (first, second))
    if not (len(times) and len(other_times)):
        return None
    since, until = max(times[0], other_times[0]), min(times[-1], other_times[-1])
    parts = []
    for part, (own_times, own) in enumerate(((times, values), (other_times, other_values))):
        inside = np.flatnonzero((own_times >= since) & (own_times <= until))[-_SAMPLES:]
        fell = np.append(False, np.diff(own[inside]) < 0)
        parts.append((own_times[inside], own[inside], fell, np.full(len(inside), part)))
    merged = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    order = np.lexsort((merged[1], merged[0]))
    at, counts, fell, side = (column[order] for column in merged)
    if not len(at):
        return None
    together = np.diff(at) == 0
    steps = np.diff(counts)
    if (steps[together] != 0).any() or ((steps < 0) & ~fell[1:]).any():
        return False
    if together.any() and not _SCRAPER.search(label):
        return False
    turns = np.diff(side) != 0
    return True if min((steps > 0).sum(), turns.sum()) >= _LEAST_RISES else None


def _rise(series: SeriesSet, row: int, since_ms: int | None) -> float:
    times, values = counted_samples(series, row)
    if since_ms is not None:
        values = values[max(int(np.searchsorted(times, since_ms, side="right")) - 1, 0) :]
    steps = np.diff(values)
    return float(np.where(steps < 0, values[1:], steps).sum())
