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
from workbench.archive.storage.parquet import DataFile, column_array
from workbench.archive.storage.place import Place

#: Environment variable with the memory of all groups that are kept. [MiB]
VARIABLE = "WORKBENCH_DECODED_MIB"

#: Memory of all groups that are kept; the one used longest ago goes first. [bytes]
KEPT_BYTES = int(os.environ.get(VARIABLE) or 128) << 20


@dataclass(frozen=True, eq=False)
class SampleGroup:
    """One row group: samples sorted by series and time; series ``i`` has the rows ``bounds[i]:bounds[i + 1]``.

    A time is ``first_ms + since``. A value is ``whole / 10 ** scale`` where ``exact`` says so, else ``other``. Both are
    kept in four bytes where they fit.
    """

    ids: NDArray[np.int32]
    bounds: NDArray[np.int64]
    first_ms: int
    last_ms: int
    since: NDArray[np.uint32] | NDArray[np.int64]
    whole: NDArray[np.int32] | NDArray[np.int64] | None
    scale: NDArray[np.int8] | None
    other: NDArray[np.float64] | None
    exact: NDArray[np.bool_] | None

    @property
    def size(self) -> int:
        """Memory it takes. [bytes]"""
        return sum(array.nbytes for array in vars(self).values() if isinstance(array, np.ndarray))

    def within(
        self, numbers: NDArray[np.int64], start_ms: int, end_ms: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the first and the end of the rows of each of some series with ``start_ms <= t <= end_ms``."""
        lows, highs = self.bounds[numbers], self.bounds[numbers + 1]
        if start_ms <= self.first_ms and end_ms >= self.last_ms:
            return lows, highs
        kind, most = self.since.dtype.type, np.iinfo(self.since.dtype).max
        start, end = max(start_ms - self.first_ms, 0), max(end_ms - self.first_ms + 1, 0)
        cut = [lows.copy(), highs.copy()]
        for place, (first, last) in enumerate(zip(lows.tolist(), highs.tolist(), strict=True)):
            part: NDArray[Any] = self.since[first:last]
            for edges, edge in zip(cut, (start, end), strict=True):
                edges[place] = first + int(np.searchsorted(part, kind(edge))) if edge <= most else last
        return cut[0], cut[1]

    def ends_ms(self, low: int, high: int) -> tuple[int, int]:
        """Return the times of the first and the last of the rows ``low:high``. [ms since the epoch]"""
        return int(self.since[low]) + self.first_ms, int(self.since[high - 1]) + self.first_ms

    def write(self, low: int, high: int, times: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Write the times [ms since the epoch] and the values of the rows ``low:high`` into arrays of that length."""
        np.add(self.since[low:high], np.int64(self.first_ms), out=times)
        if self.whole is None:
            assert self.other is not None
            values[:] = self.other[low:high]
            return
        values[:] = self.whole[low:high]
        if self.scale is not None:
            values /= decimals.TENS[self.scale[low:high]]
        if self.exact is not None and self.other is not None:
            np.copyto(values, self.other[low:high], where=~self.exact[low:high])


def decoded(folder: Place, file: DataFile, numbers: Sequence[int]) -> Iterator[SampleGroup]:
    """Give row groups of a file of samples in its order, decoding those that are not kept."""
    missing = [number for number in numbers if _kept.get((folder, file.path, number)) is None]
    fresh = zip(missing, parquet.each_group(folder, file, SAMPLES, missing), strict=True)
    for number in numbers:
        group = _kept.get((folder, file.path, number))
        if group is None:
            for read, rows in fresh:
                made = _group(rows)
                _kept.put((folder, file.path, read), made)
                if read == number:
                    group = made
                    break
        if group is None:  # it was let go of meanwhile
            group = _group(next(parquet.each_group(folder, file, SAMPLES, [number])))
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


def _group(rows: pa.Table) -> SampleGroup:
    """Arrays of a row group, copied, so that nothing else of what was read stays in memory."""
    series, times = column_array(rows["series_id"], np.int32), column_array(rows["ts"], np.int64)
    bounds = np.concatenate([[0], np.flatnonzero(series[1:] != series[:-1]) + 1, [len(series)]])
    bounds = bounds if len(series) else bounds[:1]
    whole, scale, other = rows["value_int"], rows["scale"], rows["value"]
    none, mixed = whole.null_count == len(whole), 0 < whole.null_count < len(whole)
    scaled = not none and scale.null_count < len(scale)
    # Times rise in each series.
    first_ms, last_ms = (int(times[bounds[:-1]].min()), int(times[bounds[1:] - 1].max())) if len(times) else (0, 0)
    return SampleGroup(
        series[bounds[:-1]],
        bounds,
        first_ms,
        last_ms,
        (times - first_ms).astype(np.uint32) if last_ms - first_ms <= np.iinfo(np.uint32).max else times - first_ms,
        None if none else _narrow(column_array(whole, np.int64), np.int32),
        column_array(scale.fill_null(0), np.int8).copy() if scaled else None,
        column_array(other, np.float64).copy() if none or mixed else None,
        whole.is_valid().to_numpy() if mixed else None,
    )


def _narrow(numbers: NDArray[np.int64], kind: type[np.int32]) -> NDArray[np.int32] | NDArray[np.int64]:
    """Return the numbers in fewer bytes where all fit, else a copy."""
    fits = np.iinfo(kind)
    if len(numbers) and not (fits.min <= int(numbers.min()) and int(numbers.max()) <= fits.max):
        return numbers.copy()
    return numbers.astype(kind)
