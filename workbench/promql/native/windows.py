"""Functions of windows that hold native histograms, alone or among floats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from workbench.core.histograms import GAUGE, NOT_RESET, RESET, UNKNOWN, Histograms, is_mark, marked_rows, marks
from workbench.core.series import SeriesSet
from workbench.promql.engine.rates import counted, instant_change, stretch
from workbench.promql.engine.sums import lockstep
from workbench.promql.engine.values import Bools, Floats, Ints
from workbench.promql.engine.windows import Kernel, Matrix, Windows
from workbench.promql.native.operations import Pool, combined, equal, resets, scaled

MIXED = "encountered a mix of histograms and floats for metric name"
IGNORED = "ignored histograms in a range containing both floats and histograms for metric name"
NOT_COUNTER = "this native histogram metric is not a counter:"
NOT_GAUGE = "this native histogram metric is not a gauge:"
MIXED_LAYOUTS = (
    "vector contains a mix of histograms with exponential and custom buckets schemas for metric name",
    "vector contains histograms with incompatible custom buckets for metric name",
)

#: Functions that read both kinds of samples as they come.
EITHER = frozenset({"count_over_time", "present_over_time", "last_over_time", "first_over_time", "absent_over_time"})
EITHER |= {"ts_of_first_over_time", "ts_of_last_over_time"}
#: Functions that need two floats before they say that histograms were ignored.
_FITTED = frozenset({"deriv", "predict_linear", "double_exponential_smoothing"})


@dataclass
class Remarks:
    """What was odd in some windows: text and the index of a sample of the series it was in."""

    remarks: list[tuple[str, NDArray[np.intp]]] = field(default_factory=list)

    def note(self, text: str, samples: NDArray[np.intp]) -> None:
        """Remember that the series that own these samples deserve a warning."""
        if len(samples):
            self.remarks.append((text, samples))

    def named(self, matrix: Matrix) -> list[tuple[str, str]]:
        """Texts and metric names, each pair once."""
        pairs: dict[tuple[str, str], None] = {}
        for text, samples in self.remarks:
            rows = np.searchsorted(matrix.samples.offsets, samples, "right") - 1
            for row in np.unique(rows):
                pairs[text, matrix.labels[row].get("__name__", "")] = None
        return list(pairs)


@dataclass(frozen=True)
class Outcome:
    """Points of a function over mixed windows, and what to say about them.

    ``warnings`` and ``infos`` are pairs of text and metric name.
    """

    values: Floats
    present: Bools
    warnings: list[tuple[str, str]]
    infos: list[tuple[str, str]]


def over_windows(
    func: str, matrix: Matrix, kernel: Kernel, pool: Pool, check: Callable[[], None], *, v2: bool
) -> Outcome:
    """Evaluate a function whose windows may hold histograms.

    Parameters
    ----------
    func : str
        Name of the PromQL function.
    matrix : Matrix
        Marks among its values stand for rows of the pool.
    kernel : Kernel
        What the function does with floats.
    pool : Pool
        Takes in the histograms that come out.
    check : callable
        Called now and then; may stop the work.
    v2 : bool
        Semantics of the extrapolation.
    """
    remarks = Remarks()
    if func in EITHER:
        return Outcome(*matrix.points(kernel, check), [], [])
    if func in ("changes", "resets", "irate", "idelta"):
        own: Kernel = partial(_events, pool=pool, resetting=func == "resets")
        if func in ("irate", "idelta"):
            own = partial(_instant, pool=pool, counter=func == "irate", remarks=remarks)
        return Outcome(*matrix.points(own, check), remarks.named(matrix), [])
    native = is_mark(matrix.samples.values)
    floats, histograms = matrix.only(~native), matrix.only(native)
    float_count, native_count = floats.counts(), histograms.counts()
    mixed = (float_count > 0) & (native_count > 0)
    names = [matrix.labels[row].get("__name__", "") for row in np.flatnonzero(mixed.any(axis=1))]
    if func not in ("rate", "increase", "delta", "sum_over_time", "avg_over_time"):
        warned = mixed & (float_count >= 2) if func in _FITTED else mixed
        names = [matrix.labels[row].get("__name__", "") for row in np.flatnonzero(warned.any(axis=1))]
        return Outcome(*floats.points(kernel, check), [], [(IGNORED, name) for name in dict.fromkeys(names)])
    if func in ("rate", "increase", "delta"):
        own = partial(_rate, pool=pool, func=func, v2=v2, remarks=remarks)
    else:
        own = partial(_total, pool=pool, mean=func == "avg_over_time", remarks=remarks)
    histograms = histograms.without(mixed)
    values, present = floats.without(mixed).points(kernel, check)
    native_values, native_present = histograms.points(own, check)
    warnings = [(MIXED, name) for name in dict.fromkeys(names)] + remarks.named(histograms)
    return Outcome(np.where(native_present, native_values, values), present | native_present, warnings, [])


def resampled(samples: SeriesSet, pool: Pool) -> SeriesSet:
    """Give the points of a subquery hints that are true of them.

    A sample that comes again has not been reset since, and one that says it continues the sample before it may not
    say so where samples were passed over.
    """
    native = np.flatnonzero(is_mark(samples.values))
    rows = marked_rows(samples.values[native])
    block = pool.block.take(rows)
    if not np.isin(block.hint, (RESET, NOT_RESET)).any():
        return samples
    again = np.zeros(len(rows), np.bool_)
    again[1:] = (rows[1:] == rows[:-1]) & (np.diff(native) == 1) & ~np.isin(native[1:], samples.offsets)
    hint = np.where(block.hint == NOT_RESET, UNKNOWN, block.hint)
    hint = np.where(again & (hint != GAUGE), NOT_RESET, hint)
    values = samples.values.copy()
    values[native] = marks(pool.add(replace(block, hint=hint)) + np.arange(len(block)))
    return replace(samples, values=values)


def _rows(windows: Windows) -> Ints:
    """Row of the pool of each sample; floats give rows that must not be used."""
    rows: Ints = windows.memo.setdefault("rows", marked_rows(windows.values))
    return rows


def _changed(windows: Windows, pool: Pool, kind: str) -> Bools:
    """For each sample, what happened since the one before: a reset, another layout, another kind of layout."""
    if kind not in windows.memo:
        rows, block = _rows(windows), pool.block
        flags = np.zeros(len(rows), np.bool_)
        if kind == "reset":
            flags[1:] = resets(block, rows[:-1], rows[1:])
        elif kind == "layout":
            flags[1:] = block.custom[rows[1:]] != block.custom[rows[:-1]]
        else:
            flags[1:] = (block.custom[rows[1:]] < 0) != (block.custom[rows[:-1]] < 0)
        windows.memo[kind] = flags
    flags_of_kind: Bools = windows.memo[kind]
    return flags_of_kind


def _within(windows: Windows, flags: Bools, first: NDArray[np.intp], last: NDArray[np.intp]) -> NDArray[np.intp]:
    """Count flags after ``first`` up to and including ``last``."""
    upto: NDArray[np.intp] = np.concatenate([[0], np.cumsum(flags)])
    return upto[last + 1] - upto[first + 1]


def _as_gauges(block: Histograms) -> Histograms:
    return replace(block, hint=np.full(len(block), GAUGE, np.int64))


def _put(shape: tuple[int, int], chosen: NDArray[np.intp], first_row: int, size: int) -> tuple[Floats, Bools]:
    """Put marks into the chosen cells of a matrix, for rows of the pool one after the other."""
    values, present = np.full(shape, np.nan), np.zeros(shape, np.bool_)
    values.reshape(-1)[chosen] = marks(np.arange(first_row, first_row + size))
    present.reshape(-1)[chosen] = True
    return values, present


def _compatible(
    windows: Windows,
    pool: Pool,
    first: NDArray[np.intp],
    last: NDArray[np.intp],
    remarks: Remarks,
) -> NDArray[np.intp]:
    """Windows, from sample to sample, that have one layout of buckets; the others are remarked upon."""
    kinds = _within(windows, _changed(windows, pool, "kind"), first, last) > 0
    layouts = _within(windows, _changed(windows, pool, "layout"), first, last) > 0
    remarks.note(MIXED_LAYOUTS[0], last[kinds])
    remarks.note(MIXED_LAYOUTS[1], last[layouts & ~kinds])
    return np.flatnonzero(~layouts)


def _lowest_schema(windows: Windows, pool: Pool, first: NDArray[np.intp], last: NDArray[np.intp]) -> Ints:
    schema = pool.block.schema[_rows(windows)]
    least = schema[last].copy()
    if (schema != schema[0]).any():
        for active, index in lockstep(first, last + 1):
            least[active] = np.minimum(least[active], schema[index])
    return least


def _rate(windows: Windows, *, pool: Pool, func: str, v2: bool, remarks: Remarks) -> tuple[Floats, Bools]:
    """``rate``, ``increase`` and ``delta``: last minus first, with what each reset threw away put back."""
    shape = windows.lo.shape
    counter = func != "delta"
    first, last = windows.lo.ravel(), windows.hi.ravel() - 1
    chosen = np.flatnonzero(last > first)
    if not len(chosen):
        return np.full(shape, np.nan), np.zeros(shape, np.bool_)
    first, last = first[chosen], last[chosen]
    rows, block = _rows(windows), pool.block
    gauge = block.hint[rows] == GAUGE
    start = first
    if counter:
        remarks.note(NOT_COUNTER, last[_within(windows, gauge, first - 1, last) > 0])
        reset = _changed(windows, pool, "reset")
        # A first sample right before a reset counts for nothing, whatever its layout.
        start = first + reset[first + 1]
        good = _compatible(windows, pool, start, last, remarks)
    else:
        remarks.note(NOT_GAUGE, last[~(gauge[first] & gauge[last])])
        kinds = (block.custom[rows[first]] < 0) != (block.custom[rows[last]] < 0)
        layouts = block.custom[rows[first]] != block.custom[rows[last]]
        remarks.note(MIXED_LAYOUTS[0], last[kinds])
        remarks.note(MIXED_LAYOUTS[1], last[layouts & ~kinds])
        good = np.flatnonzero(~layouts)
    chosen, first, last, start = chosen[good], first[good], last[good], start[good]
    number = np.arange(len(chosen))
    opened = np.flatnonzero(start == first)
    parts = [(last, number, 1.0), (first[opened], opened, -1.0)]
    if counter:
        falls = np.flatnonzero(reset)
        after, upto = np.searchsorted(falls, first + 2), np.searchsorted(falls, last, "right")
        inside = np.maximum(upto - after, 0)
        index = np.repeat(after - (np.cumsum(inside) - inside), inside) + np.arange(int(inside.sum()))
        parts.append((falls[index] - 1, number.repeat(inside), 1.0))
    schema = _lowest_schema(windows, pool, start, last) if counter else None
    change = combined(
        block,
        rows[np.concatenate([samples for samples, _, _ in parts])],
        np.concatenate([group for _, group, _ in parts]),
        len(chosen),
        np.concatenate([np.full(len(samples), weight) for samples, _, weight in parts]),
        schema,
    )
    # Prometheus 3.5 does not stop the extrapolation of a histogram at zero.
    zeros = np.zeros(shape)
    factor = stretch(windows, zeros, zeros, counter=False, per_second=func == "rate", v2=v2)
    result = _as_gauges(scaled(change, np.broadcast_to(factor, shape).reshape(-1)[chosen]))
    return _put(shape, chosen, pool.add(result), len(result))


def _total(windows: Windows, *, pool: Pool, mean: bool, remarks: Remarks) -> tuple[Floats, Bools]:
    """``sum_over_time`` and ``avg_over_time``."""
    shape = windows.lo.shape
    first, last = windows.lo.ravel(), windows.hi.ravel() - 1
    chosen = np.flatnonzero(last >= first)
    good = _compatible(windows, pool, first[chosen], last[chosen], remarks)
    chosen = chosen[good]
    if not len(chosen):
        return np.full(shape, np.nan), np.zeros(shape, np.bool_)
    size = (last - first + 1)[chosen]
    samples = np.repeat(first[chosen] - (np.cumsum(size) - size), size) + np.arange(int(size.sum()))
    group = np.arange(len(chosen)).repeat(size)
    result = combined(
        pool.block, _rows(windows)[samples], group, len(chosen), (1 / size).repeat(size) if mean else None
    )
    return _put(shape, chosen, pool.add(result), len(result))


def _instant(windows: Windows, *, pool: Pool, counter: bool, remarks: Remarks) -> tuple[Floats, Bools]:
    """``irate`` and ``idelta``: the last two samples, if they are of one kind."""
    values, present = instant_change(windows, counter=counter, per_second=counter)
    shape = windows.lo.shape
    native = is_mark(windows.values)
    last = windows.hi.ravel() - 1
    two = np.flatnonzero((windows.hi - windows.lo).ravel() >= 2)
    before, after = native[last[two] - 1], native[last[two]]
    remarks.note(MIXED, last[two[before != after]])
    present = np.broadcast_to(present, shape).copy()
    present.reshape(-1)[two[before | after]] = False
    chosen = two[before & after]
    if not len(chosen):
        return values, present
    rows, block = _rows(windows), pool.block
    later, earlier = rows[last[chosen]], rows[last[chosen] - 1]
    gauge = block.hint == GAUGE
    if counter:
        remarks.note(NOT_COUNTER, last[chosen[gauge[later] | gauge[earlier]]])
    else:
        remarks.note(NOT_GAUGE, last[chosen[~(gauge[later] & gauge[earlier])]])
    fell = resets(block, earlier, later) if counter else np.zeros(len(chosen), np.bool_)
    kinds = ~fell & ((block.custom[later] < 0) != (block.custom[earlier] < 0))
    layouts = ~fell & (block.custom[later] != block.custom[earlier])
    remarks.note(MIXED_LAYOUTS[0], last[chosen[kinds]])
    remarks.note(MIXED_LAYOUTS[1], last[chosen[layouts & ~kinds]])
    chosen, later, earlier, fell = (array[~layouts] for array in (chosen, later, earlier, fell))
    taken = np.flatnonzero(~fell)
    change = combined(
        block,
        np.concatenate([later, earlier[taken]]),
        np.concatenate([np.arange(len(chosen)), taken]),
        len(chosen),
        np.repeat([1.0, -1.0], [len(chosen), len(taken)]),
    )
    if counter:
        times = windows.times[last[chosen]] - windows.times[last[chosen] - 1]
        change = scaled(change, times / 1000.0, divide=True)
    native_values, native_present = _put(shape, chosen, pool.add(_as_gauges(change)), len(change))
    return np.where(native_present, native_values, values), present | native_present


def _events(windows: Windows, *, pool: Pool, resetting: bool) -> tuple[Floats, Bools]:
    """Count ``resets`` or ``changes``: neighbours of different kinds count as both."""
    if "happened" not in windows.memo:
        values = windows.values
        native, before, after = is_mark(values), values[:-1], values[1:]
        differs = after != before
        changed = after < before if resetting else differs & ~(np.isnan(after) & np.isnan(before))
        changed = np.where(native[1:] | native[:-1], native[1:] != native[:-1], changed)
        pairs = np.flatnonzero(native[1:] & native[:-1])
        rows = _rows(windows)
        earlier, later = rows[pairs], rows[pairs + 1]
        block = pool.block
        changed[pairs] = resets(block, earlier, later) if resetting else ~equal(block, earlier, later)
        windows.memo["happened"] = changed
    return counted(windows, windows.memo["happened"])
