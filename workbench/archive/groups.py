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
from typing import Any, TypeVar

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
KEPT_BYTES = int(os.environ.get(VARIABLE) or 160) << 20


N = TypeVar("N", np.int32, np.uint32)


@dataclass(frozen=True, eq=False)
class SampleGroup:
    """One row group: samples sorted by series and time; series ``i`` has the rows ``bounds[i]:bounds[i + 1]``.

    A time is ``first_ms + since``. A value is ``whole / 10 ** scale`` where ``exact`` says so, else ``other``. Both are
    kept in four bytes where they fit.
    """

    ids: NDArray[np.int32]
    bounds: NDArray[np.int64]
    first_ms: int
    since: NDArray[np.uint32] | NDArray[np.int64]
    whole: NDArray[np.int32] | NDArray[np.int64] | None
    scale: NDArray[np.int8] | None
    other: NDArray[np.float64] | None
    exact: NDArray[np.bool_] | None

    @property
    def size(self) -> int:
        """Memory it takes. [bytes]"""
        return sum(array.nbytes for array in vars(self).values() if isinstance(array, np.ndarray))

    def within(self, number: int, start_ms: int, end_ms: int) -> tuple[int, int]:
        """Return the rows of series ``number`` with ``start_ms <= t <= end_ms``, the last not included."""
        first, last = self.bounds[number : number + 2].tolist()
        part: NDArray[Any] = self.since[first:last]
        most = np.iinfo(part.dtype).max
        edges = (start_ms - self.first_ms, end_ms - self.first_ms + 1)
        low, high = (
            first + int(np.searchsorted(part, part.dtype.type(max(edge, 0)))) if edge <= most else last
            for edge in edges
        )
        return low, high

    def times(self, low: int, high: int) -> NDArray[np.int64]:
        """Return the times of the rows ``low:high``. [ms since the epoch]"""
        return self.since[low:high].astype(np.int64) + self.first_ms

    def values(self, low: int, high: int) -> NDArray[np.float64]:
        """Return the values of the rows ``low:high``."""
        if self.whole is None:
            assert self.other is not None
            return self.other[low:high]
        numbers = self.whole[low:high].astype(np.float64)
        if self.scale is not None:
            numbers /= decimals.TENS[self.scale[low:high]]
        if self.exact is None or self.other is None:
            return numbers
        return np.where(self.exact[low:high], numbers, self.other[low:high])


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
    starts = np.flatnonzero(np.append(True, series[1:] != series[:-1])) if len(series) else np.zeros(0, np.int64)
    whole, scale, other = rows["value_int"], rows["scale"], rows["value"]
    none, mixed = whole.null_count == len(whole), 0 < whole.null_count < len(whole)
    scaled = not none and scale.null_count < len(scale)
    first_ms = int(times.min()) if len(times) else 0
    return SampleGroup(
        series[starts].copy(),
        np.append(starts, len(series)).astype(np.int64),
        first_ms,
        _narrow(times - first_ms, np.uint32),
        None if none else _narrow(column_array(whole, np.int64), np.int32),
        column_array(scale.fill_null(0), np.int8).copy() if scaled else None,
        column_array(other, np.float64).copy() if none or mixed else None,
        whole.is_valid().to_numpy() if mixed else None,
    )


def _narrow(numbers: NDArray[np.int64], kind: type[N]) -> NDArray[N] | NDArray[np.int64]:
    """Return the numbers in fewer bytes where all fit, else a copy."""
    fits = np.iinfo(kind)
    if len(numbers) and not (fits.min <= int(numbers.min()) and int(numbers.max()) <= fits.max):
        return numbers.copy()
    return numbers.astype(kind)
