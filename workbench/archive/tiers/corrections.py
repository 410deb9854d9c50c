"""Counters that fell without a restart, taken out of the slices: one lower scrape is no count of millions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from workbench.archive.tiers.columns import Slices
from workbench.archive.tiers.rollup import rollup
from workbench.core.counters.dips import Dip, Evidence, doubtful, without_dips
from workbench.core.series import Labels, SeriesSet, label_key

#: How far around a day counters are read, to see what happened at its borders. [ms]
MARGIN_MS = 1_800_000

_COUNTING = ("_total", "_bucket", "_count", "_sum", "_created")


def is_counter(labels: Labels, families: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether a series is a counter: by the type of its family, else by its name.

    Parameters
    ----------
    labels : Labels
        Labels of the series, its name included.
    families : mapping of str to mapping
        Metadata of metric families by name, with their ``type``.

    Examples
    --------
    >>> [is_counter({"__name__": name}, {"x_total": {"type": "gauge"}}) for name in ("a_total", "x_total", "up")]
    [True, False, False]
    """
    name = labels.get("__name__", "")
    for family in (name, name.removesuffix("_total")):
        if family in families:
            return families[family].get("type") in ("counter", "histogram", "summary")
    return name.endswith(_COUNTING)


def rolled_up(
    series: SeriesSet, step_ms: int, families: Mapping[str, Mapping[str, str]], *, start_ms: int, end_ms: int
) -> Slices:
    """Cut series into slices whose increases pass over falls of counters that were no restarts.

    Parameters
    ----------
    series : SeriesSet
        All series of a day: start times and other counters of a target tell a restart from a misread. Samples of
        :data:`MARGIN_MS` around it tell what happened at its borders.
    step_ms : int
        Length of a slice. [ms]
    families : mapping of str to mapping
        Metadata of metric families by name.
    start_ms, end_ms : int
        First and last instant of the samples that slices are made of. [ms since the epoch]

    Returns
    -------
    Slices
        As :func:`workbench.archive.tiers.rollup.rollup` gives them. Where a misread ended, the first and the last value
        of a slice are those from before it; the least, the greatest and the sum are those of the samples.
    """
    slices = rollup(_between(series, start_ms, end_ms), step_ms)
    with np.errstate(invalid="ignore"):
        falls = np.flatnonzero(np.diff(series.values) < 0) + 1
    falling = np.unique(np.searchsorted(series.offsets, falls, side="right") - 1)
    if not doubtful(_part(series, [row for row in falling.tolist() if is_counter(series.labels[row], families)])):
        return slices
    rows = [row for row, labels in enumerate(series.labels) if is_counter(labels, families)]
    counters = _part(series, rows)
    mended, dips = without_dips(counters, _evidence(series))
    fallen = {label_key(dip.labels) for dip in dips}
    places = [place for place, row in enumerate(rows) if label_key(series.labels[row]) in fallen]
    own = np.isin(slices.row, [rows[place] for place in places])
    increase, first, last = slices.increase.copy(), slices.first.copy(), slices.last.copy()
    increase[own] = rollup(_between(_part(mended, places), start_ms, end_ms), step_ms).increase
    held = rollup(_between(_held(_part(counters, places), dips), start_ms, end_ms), step_ms)
    first[own], last[own] = held.first, held.last
    return replace(slices, increase=increase, first=first, last=last)


def _between(series: SeriesSet, start_ms: int, end_ms: int) -> SeriesSet:
    """Return the samples within two instants, both included."""
    inside = (series.times >= start_ms) & (series.times <= end_ms)
    if inside.all():
        return series
    offsets = np.append(0, np.cumsum(inside))[series.offsets]
    return SeriesSet(series.labels, offsets, series.times[inside], np.compress(inside, series.values))


def _part(series: SeriesSet, rows: list[int]) -> SeriesSet:
    wanted = set(rows)
    return SeriesSet.of(each for row, each in enumerate(series) if row in wanted)


def _evidence(series: SeriesSet) -> Evidence:
    names = [labels.get("__name__", "") for labels in series.labels]
    starts = [row for row, name in enumerate(names) if name == "process_start_time_seconds"]
    created = [row for row, name in enumerate(names) if name.endswith("_created")]
    return Evidence(_part(series, starts), _part(series, created))


def _held(series: SeriesSet, dips: tuple[Dip, ...]) -> SeriesSet:
    """Return the samples with misreads that ended at the value from before them."""
    values = series.values.copy()
    row_of = {label_key(labels): row for row, labels in enumerate(series.labels)}
    for dip in dips:
        if dip.back_ms is not None:
            first, last = series.offsets[row_of[label_key(dip.labels)] :][:2]
            times = series.times[first:last]
            misread = np.flatnonzero((times >= dip.time_ms) & (times < dip.back_ms)) + first
            values[misread[np.isfinite(values[misread])]] = dip.before
    return replace(series, values=values)
