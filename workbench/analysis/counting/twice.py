"""Counters that were scraped twice: the two replicas of a Prometheus pair, or one target under two names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workbench.core.counters.falls import LATE, Samples, counted_samples, usual_spacing
from workbench.core.series import SeriesSet, names_scraper
from workbench.core.units import significant_text

#: A label that parts what was counted, not who scraped it, has more values than this. [count]
_MOST_SCRAPERS = 8

#: Pairs of series that are compared per label, and their newest samples. [count]
_PAIRS, _SAMPLES = 20, 5_000

#: Two counters that rise together are one when they were seen to rise so often. [count]
_LEAST_RISES = 20

#: Counters that rise by few sizes of steps can rise alike without being one. [count]
_VARIED = 5

_NO_TIMES, _NO_VALUES = np.zeros(0, np.int64), np.zeros(0)


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
    groups : tuple of tuple of int
        Rows that show one counter each.
    once : bool
        Whether two scrapers are sure, so that one is enough: the label names who scraped, and no rows of a group share
        an instant. One scrape gives all series of a target one instant; two of its own that rise alike share them all.
    """

    metric: str
    label: str
    values: tuple[str, ...]
    counted: float
    at_stake: float
    groups: tuple[tuple[int, ...], ...] = ()
    once: bool = False


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
        The label that is shared by most pairs; ``at_stake`` is 0 where nothing rose.

    Notes
    -----
    Two scrapes of one counter never disagree: all samples of both, in the order of time, rise as one counter does, and
    fall only where one of the two fell. Two counters of their own soon break that order. Where both were scraped at the
    same instants that says less (what begins and what ends rise together), so there the name of the label counts too.
    One scrape gives one instant to all series of a target: under a label that names who scraped, series of one target
    that share no instant are one counter unless their samples contradict it, however seldom they rise.

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
    once = names_scraper(label) and all(_apart(series, rows) for rows in groups)
    return Twice(metric, label, values, sum(rises), at_stake, tuple(map(tuple, groups)), once)


def scraped_once(series: SeriesSet, twice: Twice) -> SeriesSet:
    """Join the series of each counter that was scraped more than once.

    Parameters
    ----------
    series : SeriesSet
        Samples of counters.
    twice : Twice
        Of the same series.

    Returns
    -------
    SeriesSet
        The same rows. The one with most samples of each counter has those of the others where its own are missing;
        the others have none.

    Examples
    --------
    >>> seen = [({"replica": "x"}, [0, 60, 120, 180], [1.0, 2.0, 3.0, 4.0]), ({"replica": "y"}, [90, 240], [2.0, 5.0])]
    >>> once = scraped_once(SeriesSet.of(seen), Twice("", "replica", ("x", "y"), 6.0, 3.0, ((0, 1),)))
    >>> [times.tolist() for _, times, _ in once]
    [[0, 60, 120, 180, 240], []]
    """
    samples = {row: counted_samples(series, row) for rows in twice.groups for row in rows}
    for rows in twice.groups:
        first, *others = sorted(rows, key=lambda row: -len(samples[row][0]))
        for row in others:
            samples[first], samples[row] = _joined(samples[first], samples[row]), (_NO_TIMES, _NO_VALUES)
    return SeriesSet.of((labels, *samples.get(row, own)) for row, (labels, *own) in enumerate(series))


def _joined(first: Samples, second: Samples) -> Samples:
    """Join samples of the first with those of the second where the first has none for two scrapes, or not yet."""
    (times, values), (other_times, other_values) = first, second
    if len(times) == 0 or len(other_times) == 0:
        return second if len(times) == 0 else first
    longest = LATE * usual_spacing(times)
    edges = np.concatenate([[np.iinfo(np.int64).min // 2], times, [np.iinfo(np.int64).max // 2]])
    places = np.searchsorted(edges, other_times, side="right") - 1
    apart = edges[places] != other_times
    taken = apart & (edges[np.minimum(places + 1, len(edges) - 1)] - edges[places] > longest)
    every, counts = np.append(times, other_times[taken]), np.append(values, other_values[taken])
    order = np.argsort(every, kind="stable")
    return every[order], counts[order]


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
    """Say what was scraped twice and how it was counted, how much is at stake, and what to do.

    Examples
    --------
    >>> twice_note(Twice("a_total", "replica", ("x", "y"), 200.0, 100.0, once=True)).partition(":")[0]
    'Counted once'
    >>> twice_note(Twice("a_total", "cluster", ("x", "y"), 200.0, 100.0)).partition(":")[0]
    'Counted twice'
    """
    amount = f"{significant_text(twice.at_stake)} of {significant_text(twice.counted)}"
    series = (
        f"series of {twice.metric} that differ only in {twice.label} ({', '.join(twice.values)}) show the same counter"
    )
    scope = f"dd `{twice.label}: {twice.values[0]}` to `scope` in the profile, or query one replica."
    if twice.once:
        return f"Counted once: {series}, so {amount} is left out. Gauges and charts still hold each: a{scope}"
    return f"Counted twice: {series}; {amount} is too much. A{scope}"


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
    named = names_scraper(label)
    if (steps[together] != 0).any() or ((steps < 0) & ~fell[1:]).any():
        return False
    if together.any() and not named:
        return False
    turns = int((np.diff(side) != 0).sum())
    apart = named and not together.any() and "instance" in series.labels[first]
    return True if min(turns if apart else int((steps > 0).sum()), turns) >= _LEAST_RISES else None


def _apart(series: SeriesSet, rows: list[int]) -> bool:
    """Whether no two series have a sample at one instant."""
    times = np.concatenate([counted_samples(series, row)[0] for row in rows])
    return len(np.unique(times)) == len(times)


def _rise(series: SeriesSet, row: int, since_ms: int | None) -> float:
    times, values = counted_samples(series, row)
    if since_ms is not None:
        values = values[max(int(np.searchsorted(times, since_ms, side="right")) - 1, 0) :]
    steps = np.diff(values)
    return float(np.where(steps < 0, values[1:], steps).sum())
