"""Row groups of samples, decoded once and kept in memory for the next question, within a bound.

A row group holds some series; a study asks many selectors that lie in the same groups. Data files never change, so a
decoded group stays true for as long as the process lives.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.archive.storage import decimals, parquet
from workbench.archive.storage.layout import SAMPLES
from workbench.archive.storage.parquet import DataFile, RowGroup, column_array
from workbench.archive.storage.place import Place
from workbench.core.series import is_stale

#: Environment variable with the memory of all groups that are kept. [MiB]
VARIABLE = "WORKBENCH_DECODED_MIB"

#: Times are kept by stretches of samples equally far apart where these have about so many samples on average. [count]
_STRETCH = 16

#: Numbers of the rows of a group as we write them, so that they are not made each time.
_ROWS = np.arange(SAMPLES.group_rows)

#: Memory of all groups that are kept; the one used longest ago goes first. [bytes]
KEPT_BYTES = int(os.environ.get(VARIABLE) or 96) << 20


@dataclass(frozen=True, eq=False)
class SampleGroup:
    """One row group: samples sorted by series and time; series ``i`` has the rows ``bounds[i]:bounds[i + 1]``.

    Mostly samples are equally far apart, ``step_ms``, and of the times only that of the first of each stretch without a
    missed sample is kept: the stretch ``k`` begins in row ``starts[k]`` at ``begins_ms[k]``. Else a time is
    ``first_ms + since``. A value is ``whole / 10 ** scale``, but those of the rows ``places`` are ``other``; without
    ``whole`` all are. Both are kept in four bytes where they fit. Without ``marked`` no value is a stale mark.
    """

    ids: NDArray[np.int32]
    bounds: NDArray[np.int64]
    first_ms: int
    last_ms: int
    step_ms: int
    starts: NDArray[np.int64]
    begins_ms: NDArray[np.int64]
    since: NDArray[np.uint32] | NDArray[np.int64] | None
    whole: NDArray[np.int32] | NDArray[np.int64] | None
    scale: NDArray[np.int8] | int
    other: NDArray[np.float64] | None
    places: NDArray[np.int64] | None
    marked: bool

    @property
    def size(self) -> int:
        """Memory it takes. [bytes]"""
        return sum(array.nbytes for array in vars(self).values() if isinstance(array, np.ndarray))

    def within(
        self, numbers: NDArray[np.int64], start_ms: int, end_ms: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the first and the end of the rows of each of some series with ``start_ms <= t <= end_ms``."""
        if start_ms <= self.first_ms and end_ms >= self.last_ms:
            return self.bounds[numbers], self.bounds[numbers + 1]
        edges = [[self._reaching(number, at_ms) for number in numbers.tolist()] for at_ms in (start_ms, end_ms + 1)]
        return np.array(edges[0], np.int64), np.array(edges[1], np.int64)

    def _reaching(self, number: int, at_ms: int) -> int:
        """Return the first row of a series that is not before an instant; the end of its rows where all are."""
        first, end = int(self.bounds[number]), int(self.bounds[number + 1])
        if self.since is not None:
            part: NDArray[Any] = self.since[first:end]
            after, most = max(at_ms - self.first_ms, 0), int(np.iinfo(part.dtype).max)
            return first + int(np.searchsorted(part, part.dtype.type(after))) if after <= most else end
        stretch = int(np.searchsorted(self.starts, first))
        begins_ms = self.begins_ms[stretch : int(np.searchsorted(self.starts, end))]
        before = int(np.searchsorted(begins_ms, at_ms, side="right")) - 1
        if before < 0:
            return first
        row = int(self.starts[stretch + before]) - (int(begins_ms[before]) - at_ms) // self.step_ms
        following = stretch + before + 1
        return min(row, int(self.starts[following]) if following < len(self.starts) else end, end)

    def ends_ms(self, low: int, high: int) -> tuple[int, int]:
        """Return the times of the first and the last of the rows ``low:high`` of one series. [ms since the epoch]"""
        return self._time_ms(low), self._time_ms(high - 1)

    def _time_ms(self, row: int) -> int:
        if self.since is not None:
            return int(self.since[row]) + self.first_ms
        stretch = int(np.searchsorted(self.starts, row, side="right")) - 1
        return int(self.begins_ms[stretch]) + (row - int(self.starts[stretch])) * self.step_ms

    def write(self, low: int, high: int, times: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Write times [ms since the epoch] and values of the rows ``low:high`` of one series into arrays as long."""
        if self.since is None:
            first, end = int(np.searchsorted(self.starts, low, side="right")) - 1, np.searchsorted(self.starts, high)
            edges = np.append(np.maximum(self.starts[first:end], low), high)
            offsets = self.begins_ms[first:end] - self.starts[first:end] * self.step_ms
            numbers = _ROWS[low:high] if high <= len(_ROWS) else np.arange(low, high)
            np.multiply(numbers, self.step_ms, out=times)
            times += offsets[0] if len(offsets) == 1 else np.repeat(offsets, np.diff(edges))
        else:
            np.add(self.since[low:high], np.int64(self.first_ms), out=times)
        if self.whole is None:
            assert self.other is not None
            values[:] = self.other[low:high]
            return
        values[:] = self.whole[low:high]
        if not isinstance(self.scale, int):
            values /= decimals.TENS[self.scale[low:high]]
        elif self.scale:
            values /= decimals.TENS[self.scale]
        if self.places is not None and self.other is not None:
            first, end = np.searchsorted(self.places, (low, high))
            values[self.places[first:end] - low] = self.other[first:end]


def decoded(folder: Place, file: DataFile, numbers: Sequence[int]) -> Iterator[SampleGroup]:
    """Give row groups of a file of samples in its order, decoding those that are not kept."""
    missing = [number for number in numbers if _kept.get((folder, file.path, number)) is None]
    fresh = zip(missing, parquet.each_group(folder, file, SAMPLES, missing), strict=True)
    for number in numbers:
        group = _kept.get((folder, file.path, number))
        if group is None:
            for read, part in fresh:
                made = _checked(folder, file, part)
                _kept.put((folder, file.path, read), made)
                if read == number:
                    group = made
                    break
        if group is None:  # it was let go of meanwhile
            group = _checked(folder, file, next(parquet.each_group(folder, file, SAMPLES, [number])))
        yield group


class _Kept:
    """The groups used last, up to a number of bytes; shared by threads."""

    def __init__(self) -> None:
        self._groups: OrderedDict[tuple[Any, str, int], SampleGroup] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[Any, str, int]) -> SampleGroup | None:
        with self._lock:
            group = self._groups.get(key)
            if group is not None:
                self._groups.move_to_end(key)
            return group

    def put(self, key: tuple[Any, str, int], group: SampleGroup) -> None:
        with self._lock:
            if key not in self._groups:
                self._groups[key] = group
                self._bytes += group.size
            while self._bytes > KEPT_BYTES:
                _, gone = self._groups.popitem(last=False)
                self._bytes -= gone.size

    def clear(self) -> None:
        with self._lock:
            self._groups.clear()
            self._bytes = 0


_kept = _Kept()


def forget() -> None:
    """Give the memory of all kept groups back."""
    _kept.clear()


def _checked(folder: Place, file: DataFile, part: RowGroup) -> SampleGroup:
    with parquet.reading(folder, file):
        return _group(part)


def _group(part: RowGroup) -> SampleGroup:
    """Arrays of a row group, copied, so that nothing else of what was read stays in memory."""
    size, rows = part.rows, part.read([name for name in part.names if name != "series_id"])
    held = {name: rows[name] for name in rows.column_names}
    times = column_array(held["ts"], np.int64) if "ts" in held else np.full(size, part.alike["ts"], np.int64)
    gaps = np.diff(times)
    step_ms = max(int(gaps[len(gaps) // 2]), 0) if len(gaps) else 1
    odd = np.flatnonzero(gaps != step_ms)
    ids, bounds = _series(part, odd[gaps[odd] < 0] + 1)
    starts = np.append(0, odd + 1)
    if not (gaps[bounds[1:-1] - 1] != step_ms).all():  # a series may begin just when the one before would go on
        starts = np.union1d(starts, bounds[:-1])
    if not step_ms or len(starts) - len(ids) > size // _STRETCH:
        step_ms, starts = 0, bounds[:0]
    whole, scale, other = (
        column if (column := held.get(name)) is not None and column.null_count < size else None
        for name in ("value_int", "scale", "value")
    )
    valid = None if whole is None or not whole.null_count else _valid(whole)
    places = None if valid is None else np.flatnonzero(~valid)
    floats = None
    if whole is None or places is not None:
        at = slice(None) if places is None else places
        if other is None or (other.null_count and not _valid(other)[at].all()):
            raise pa.ArrowInvalid("a sample has no value")
        floats = column_array(other, np.float64)[at].copy()
    return SampleGroup(
        ids,
        bounds,
        part.low["ts"],
        part.high["ts"],
        step_ms,
        starts,
        times[starts],
        None if step_ms else _since(times, part.low["ts"], part.high["ts"]),
        None if whole is None else _narrow(column_array(whole, np.int64), np.int32),
        0 if whole is None or scale is None else _scale(scale, valid),
        floats,
        places,
        marked=floats is not None and bool(is_stale(floats).any()),
    )


def _series(part: RowGroup, falls: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the series of a row group and the bounds of their rows, from the rows with an earlier time than before.

    Times rise within a series. Where they fall as often as there are ids to come after the first, each id is there, and
    begins where they fall; else the ids are read.
    """
    low, high = part.low["series_id"], part.high["series_id"]
    if len(falls) == high - low:
        return np.arange(low, high + 1, dtype=np.int32), np.concatenate([[0], falls, [part.rows]])
    each = column_array(part.read(["series_id"])["series_id"], np.int32)
    bounds = np.concatenate([[0], np.flatnonzero(each[1:] != each[:-1]) + 1, [part.rows]])
    return each[bounds[:-1]], bounds


def _scale(column: pa.ChunkedArray, valid: NDArray[np.bool_] | None) -> NDArray[np.int8] | int:
    """Return the scale of each whole number, one where all have the same; what stands at other rows is not used."""
    scale = column_array(column.fill_null(0), np.int8)
    if valid is not None:
        scale = np.where(valid, scale, scale[valid.argmax()])
    first, last = int(scale.min()), int(scale.max())
    return first if first == last else scale.copy()


def _valid(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Rows of a column that hold something."""
    parts = [
        np.unpackbits(np.frombuffer(chunk.buffers()[0], np.uint8), bitorder="little")[chunk.offset :][: len(chunk)]
        if chunk.null_count
        else np.ones(len(chunk), np.uint8)
        for chunk in column.chunks
    ]
    return np.concatenate(parts).view(np.bool_)


def _since(times: NDArray[np.int64], first_ms: int, last_ms: int) -> NDArray[np.uint32] | NDArray[np.int64]:
    if last_ms - first_ms > np.iinfo(np.uint32).max:
        return times - first_ms
    since = np.empty(len(times), np.uint32)
    np.subtract(times, first_ms, out=since, casting="unsafe")
    return since


def _narrow(numbers: NDArray[np.int64], kind: type[np.int32]) -> NDArray[np.int32] | NDArray[np.int64]:
    """Return the numbers in fewer bytes where all fit, else a copy."""
    fits = np.iinfo(kind)
    if len(numbers) and not (fits.min <= int(numbers.min()) and int(numbers.max()) <= fits.max):
        return numbers.copy()
    return numbers.astype(kind)
