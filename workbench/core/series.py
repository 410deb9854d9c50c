"""Samples and matrices as whole arrays: what sources give and what the PromQL engine works on."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.errors import FrameError
from workbench.core.histograms import Histogram, Histograms, is_mark, marked_rows

Labels = Mapping[str, str]
LabelKey = tuple[tuple[str, str], ...]

#: Bits of the NaN by which Prometheus ends a series; it is a mark, not a value.
STALE_BITS = np.int64(0x7FF0000000000002)
_SCRAPER = re.compile(r"replica|prometheus|monitor|scrap|collector|agent")

#: Levels of a column index up to this many texts are kept. [count]
_SMALL_LEVEL = 64
STALE = float(np.array(STALE_BITS).view(np.float64))

#: Places are few where so many values stand between two of them. [count]
_FEW = 100


def target_of(labels: Labels) -> tuple[str, str]:
    """Job and instance of a series: what was scraped.

    Examples
    --------
    >>> target_of({"__name__": "up", "job": "web", "instance": "a:1"})
    ('web', 'a:1')
    """
    return labels.get("job", ""), labels.get("instance", "")


def names_scraper(label: str) -> bool:
    """Whether a label says who scraped a series, as its name tells.

    Examples
    --------
    >>> [names_scraper(label) for label in ("prometheus_replica", "__replica__", "instance")]
    [True, True, False]
    """
    return _SCRAPER.search(label) is not None


def label_key(labels: Labels) -> LabelKey:
    """Return the identity of a label set: sorted pairs, empty values left out (they mean "absent")."""
    return tuple(sorted((name, value) for name, value in labels.items() if value != ""))


def is_stale(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mask of stale marks; an ordinary NaN is a value and is not marked."""
    mask: NDArray[np.bool_] = np.ascontiguousarray(values).view(np.int64) == STALE_BITS
    return mask


def left_out(values: NDArray[Any], places: NDArray[np.intp]) -> NDArray[Any]:
    """Leave out sorted places; between few of them whole stretches are copied, several times as fast as by a mask.

    Examples
    --------
    >>> left_out(np.arange(5), np.array([1, 3])).tolist()
    [0, 2, 4]
    """
    if len(places) * _FEW > len(values):
        return np.delete(values, places)
    edges = [0, *(places + 1).tolist()], [*places.tolist(), len(values)]
    return np.concatenate([values[start:end] for start, end in zip(*edges, strict=True)])


@dataclass(frozen=True)
class SeriesSet:
    """Raw samples of several series in one block.

    Series ``i`` owns ``times[offsets[i]:offsets[i + 1]]``, strictly increasing, and the values beside them.

    Attributes
    ----------
    labels : tuple of Labels, length n
        One label set a series, ``__name__`` included.
    offsets : int64 array, length n + 1
    times : int64 array
        Scrape times. [ms since the epoch]
    values : float64 array
        Sample values; a stale mark keeps its bits.
    histograms : Histograms, optional
        What the marks among the values stand for, see :mod:`workbench.core.histograms`; None for floats alone.
    """

    labels: tuple[Labels, ...]
    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    histograms: Histograms | None = None

    def __post_init__(self) -> None:
        if len(self.offsets) != len(self.labels) + 1 or len(self.times) != len(self.values):
            raise FrameError(
                f"A series set of {len(self.labels)} label sets has {len(self.offsets)} offsets, "
                f"{len(self.times)} times and {len(self.values)} values."
            )

    @classmethod
    def empty(cls) -> SeriesSet:
        """Return a set without series."""
        return cls((), np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0))

    @classmethod
    def of(
        cls, series: Iterable[tuple[Labels, Sequence[int] | NDArray[Any], Sequence[float] | NDArray[Any]]]
    ) -> SeriesSet:
        """Join ``(labels, times_ms, values)`` triples.

        Examples
        --------
        >>> SeriesSet.of([({"__name__": "up"}, [0, 60_000], [1.0, 1.0])]).offsets.tolist()
        [0, 2]
        """
        items = list(series)
        times = [np.asarray(t, np.int64) for _, t, _ in items]
        values = [np.asarray(v, np.float64) for _, _, v in items]
        if not items:
            return cls.empty()
        return cls(
            tuple(dict(labels) for labels, _, _ in items),
            np.concatenate([[0], np.cumsum([len(t) for t in times])]).astype(np.int64),
            np.concatenate(times),
            np.concatenate(values),
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[tuple[Labels, NDArray[np.int64], NDArray[np.float64]]]:
        for i, labels in enumerate(self.labels):
            part = slice(int(self.offsets[i]), int(self.offsets[i + 1]))
            yield labels, self.times[part], self.values[part]

    @property
    def samples(self) -> int:
        """Number of samples. [count]"""
        return len(self.times)

    def unmarked(self) -> SeriesSet:
        """Return the same series without stale marks; itself where there is none.

        Examples
        --------
        >>> ended = SeriesSet.of([({}, [0, 1, 2], [5.0, 6.0, STALE])]).unmarked()
        >>> ended.times.tolist(), ended.values.tolist(), ended.offsets.tolist()
        ([0, 1], [5.0, 6.0], [0, 2])
        """
        marks = np.flatnonzero(is_stale(self.values))
        if not len(marks):
            return self
        offsets = self.offsets - np.searchsorted(marks, self.offsets)
        times, values = left_out(self.times, marks), left_out(self.values, marks)
        return SeriesSet(self.labels, offsets, times, values, self.histograms)

    def sampled(self) -> SeriesSet:
        """Return the series that have samples; itself where all have."""
        rows = np.flatnonzero(np.diff(self.offsets))
        if len(rows) == len(self):
            return self
        labels, offsets = tuple(self.labels[row] for row in rows), np.append(self.offsets[rows], self.offsets[-1])
        return SeriesSet(labels, offsets, self.times, self.values, self.histograms)

    @cached_property
    def finite(self) -> bool:
        """Whether every sample is a number, and no mark, NaN or infinity."""
        return bool(np.isfinite(self.values).all())

    @cached_property
    def newest_ms(self) -> int:
        """Time of the newest number; 0 without any. [ms since the epoch]"""
        times = self.times if self.finite else self.times[np.isfinite(self.values)]
        return int(times.max(initial=0))

    @cached_property
    def falls(self) -> Mapping[int, NDArray[np.int64]]:
        """Rows of the series that fall, with the places of the lower samples among the samples that are numbers.

        Examples
        --------
        >>> {row: places.tolist() for row, places in SeriesSet.of([({}, [0, 1, 2, 3], [5, 6, 0, 1])]).falls.items()}
        {0: [2]}
        """
        values, offsets = self.values, self.offsets
        if not self.finite:
            numbers = np.isfinite(values)
            values, offsets = values[numbers], np.concatenate([[0], np.cumsum(numbers)])[offsets]
        fell = values[1:] < values[:-1]
        first = offsets[1:-1][(offsets[1:-1] > 0) & (offsets[1:-1] < len(values))]
        fell[first - 1] = False  # from one series to the next
        at = np.flatnonzero(fell) + 1
        rows = np.searchsorted(offsets, at, side="right") - 1
        begins = np.flatnonzero(np.diff(rows, prepend=-1))
        parts = np.split(at - offsets[rows], begins[1:])
        return dict(zip(rows[begins].tolist(), parts, strict=False))


@dataclass(frozen=True)
class Metrics:
    """Answer of a range or instant query: a matrix with a mask, and the METRICS frame on demand.

    ``values`` holds NaN where the value is NaN; a missing point is False in ``present`` (its value is NaN too).
    The frame is built once, when it is first asked for: label tables cost more than the numbers.

    Attributes
    ----------
    times : int64 array, (n_steps,)
        Evaluation times. [ms since the epoch]
    labels : tuple of Labels, length n_series
    values : float64 array, (n_series, n_steps), C order
    present : bool array, (n_series, n_steps)
    meta : mapping
        ``query, source, engine, semantics, range, step_ms, warnings, infos, tier``.
    histograms : Histograms, optional
        Native histograms of the answer; their points are marks among the values, NaN to everyone else.
    """

    times: NDArray[np.int64]
    labels: tuple[Labels, ...]
    values: NDArray[np.float64]
    present: NDArray[np.bool_]
    meta: Mapping[str, Any] = field(default_factory=dict)
    histograms: Histograms | None = None

    def __post_init__(self) -> None:
        shape = (len(self.labels), len(self.times))
        if self.values.shape != shape or self.present.shape != shape:
            raise FrameError(
                f"A matrix of {shape[0]} series and {shape[1]} steps has values {self.values.shape} "
                f"and mask {self.present.shape}."
            )

    @cached_property
    def frame(self) -> pd.DataFrame:
        """METRICS frame: UTC index ``time`` in ms, one float64 column a series, labels as column levels."""
        index = pd.DatetimeIndex(self.times.view("datetime64[ms]"), name="time").tz_localize("UTC")
        frame = pd.DataFrame(self.values.T, index=index, columns=_label_index(self.labels), copy=False)
        frame.attrs.update(self.meta)
        return frame

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of the server or engine, in order."""
        return tuple(self.meta.get("warnings", ()))

    def long(self) -> pd.DataFrame:
        """Tidy frame: ``time``, a categorical column a label, ``value``; missing points left out."""
        series, step = np.nonzero(self.present)
        columns: dict[str, Any] = {"time": pd.to_datetime(self.times[step], unit="ms", utc=True).as_unit("ms")}
        for name in sorted({name for labels in self.labels for name in labels}):
            codes, texts = pd.factorize(np.array([labels.get(name, "") for labels in self.labels], dtype=object))
            columns[name] = pd.Categorical.from_codes(codes[series], categories=[str(text) for text in texts])
        columns["value"] = self.values[series, step]
        return pd.DataFrame(columns)

    def histogram(self, series: int, step: int) -> Histogram | None:
        """Native histogram of one point; None where the point is a float or missing."""
        point = self.values[series, step : step + 1]
        if self.histograms is None or not self.present[series, step] or not is_mark(point)[0]:
            return None
        return self.histograms.at(int(marked_rows(point)[0]))

    def last(self) -> dict[LabelKey, float]:
        """Value of each series at the last step where it is present."""
        newest: dict[LabelKey, float] = {}
        for labels, values, present in zip(self.labels, self.values, self.present, strict=True):
            steps = np.flatnonzero(present)
            newest[label_key(labels)] = float(values[steps[-1]]) if len(steps) else math.nan
        return newest


@lru_cache(maxsize=1024)
def _level(texts: tuple[str, ...]) -> pd.Index:
    """Return an index of few label values, kept: a dashboard asks for the same ones again and again."""
    return pd.Index(list(texts), dtype="str")


def _label_index(series: Sequence[Labels]) -> pd.MultiIndex:
    """Return one level a label, absent ones empty; five times faster than ``from_arrays``."""
    names = sorted({name for labels in series for name in labels}) or ["series"]
    levels, codes = [], []
    for name in names:
        texts = [labels.get(name, "") for labels in series]
        level = sorted(set(texts))
        place = {text: code for code, text in enumerate(level)}
        levels.append(_level(tuple(level)) if len(level) <= _SMALL_LEVEL else pd.Index(level, dtype="str"))
        codes.append([place[text] for text in texts])
    return pd.MultiIndex(levels=levels, codes=codes, names=names, verify_integrity=False)
