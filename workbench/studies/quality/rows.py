"""Do rows of answers drift? A file or table, split by time or by a column, judged column by column and by segment."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.analysis.quality.columns import ALPHA, LEAST_MOVED, RowsDrift, drift_of_columns
from workbench.analysis.quality.tally import NumberTally, Tally, cells_of
from workbench.core.errors import ParameterError
from workbench.core.timerange import named_zone
from workbench.studies.quality.row_files import (
    Rows,
    codes_of,
    is_name,
    is_number,
    numbers_of,
    open_rows,
    times_of,
)
from workbench.studies.sources.context import Context

#: Days of the present and of the reference before it. [d]
NOW_DAYS, REFERENCE_DAYS = 7, 28

#: Columns that are counted at the same time. [count]
THREADS = 2

#: Most categories of a column, and most segments; columns with more categories hold names, ids or text. [count]
MOST_CATEGORIES, MOST_SEGMENTS = 100, 20

#: Name of the segments beyond the most frequent, and of rows without one.
REST, NONE = "(others)", "(none)"


@dataclass(frozen=True)
class Split:
    """What is the reference and what is now.

    Attributes
    ----------
    by : str
        Column whose values are compared, such as the model; or else:
    sides : tuple of str, optional
        Reference and now; by default the two values that there are.
    time : str
        Column of the instant of an answer.
    since : datetime, optional
        Aware instant from which on it is now; by default the last ``days`` days of the rows.
    until : datetime, optional
        End of now; by default after the last row.
    days, reference_days : int
        Length of now and of the reference before it. [d]
    """

    by: str = ""
    sides: tuple[str, str] | None = None
    time: str = ""
    since: datetime | None = None
    until: datetime | None = None
    days: int = NOW_DAYS
    reference_days: int = REFERENCE_DAYS


@dataclass(frozen=True, eq=False)
class RowsAnswer:
    """Verdicts on rows, and how they were split.

    Attributes
    ----------
    drift : RowsDrift
    reference, now : str
        What was compared, in words.
    notes : tuple of str
        What was left out.
    """

    drift: RowsDrift
    reference: str
    now: str
    notes: tuple[str, ...]


def rows_drift(
    ctx: Context,
    *,
    rows: str | Path,
    split: Split,
    columns: Sequence[str] = (),
    segment: str = "",
    alpha: float = ALPHA,
    least: float = LEAST_MOVED,
) -> RowsAnswer:
    """Judge rows of answers.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    rows : str or Path
        Name of a table of the settings, or a CSV or Parquet file or a pattern of them; one row an answer.
    split : Split
        Where the reference ends and the judged period begins.
    columns : sequence of str, optional
        Columns that are judged; by default all that hold numbers or up to 100 categories.
    segment : str, optional
        Column by whose values the rows are judged as well.
    alpha, least : float
        As for :func:`workbench.analysis.quality.columns.drift_of_columns`. [ratio]

    Raises
    ------
    ParameterError
        A column is absent or cannot be judged, a time cannot be read, or a side has no rows.

    Notes
    -----
    Parquet is read in batches, twice: a sample of 200,000 rows gives the cells, then all rows are counted in them.
    """
    source = open_rows(ctx, rows)
    wanted = [name for name in (split.by, split.time, segment, *columns) if name]
    for name in wanted:
        if name not in source.columns:
            raise ParameterError(f"{source.name} has no column {name!r}.", hint=f"Columns: {_listed(source.columns)}.")
    if bool(split.by) == bool(split.time):
        raise ParameterError(
            "Say what is compared with what.", hint="Name one column: --by model, or --time created_at."
        )
    sample = source.sample(source.columns)
    notes: list[str] = []
    judged = _judged(sample, list(columns) or None, {split.by, split.time, segment}, notes)
    units = _BySide.of(source, split) if split.by else _ByDay.of(source, split, ctx.zone)
    parts = _segments(source, segment)
    tallies: list[_Counter] = [
        _Counter.of(name, sample.column(name).combine_chunks(), units.count, max(1, len(parts))) for name in judged
    ]
    needed = [name for name in dict.fromkeys((split.by or split.time, segment, *judged)) if name]
    left_out = 0
    with ThreadPoolExecutor(THREADS) as pool:
        for batch in source.batches(needed):
            unit = units.place(batch)
            group = unit
            if segment:
                code = codes_of(_named(batch.column(segment)), parts)
                rest = len(parts) - 1 if REST in parts.to_pylist() else -1
                code = np.where(code < 0, rest, code)
                group = np.where((unit >= 0) & (code >= 0), unit * len(parts) + code, -1)
            left_out += int((unit < 0).sum())
            held = [batch.column(tally.name) for tally in tallies]
            list(pool.map(_Counter.add, tallies, held, [group] * len(tallies)))
    now = units.now
    done = [tally.done() for tally in tallies]
    for side, word in ((~now, "reference"), (now, "now")):
        if not sum(float(tally.counts[side].sum() + tally.missing[side].sum()) for tally in done):
            raise ParameterError(f"No row belongs to {word}: {units.words[int(word == 'now')]}.", hint=units.hint)
    if left_out:
        notes.append(f"{left_out:,} of {source.count:,} rows belong to neither side.")
    drift = drift_of_columns(done, now, parts.to_pylist(), weekdays=units.weekdays, alpha=alpha, least=least)
    return RowsAnswer(drift, *units.words, tuple(notes))


def _judged(sample: pa.Table, named: list[str] | None, used: set[str], notes: list[str]) -> list[str]:
    """Columns that can be judged; says which cannot."""
    judged, passed = [], []
    for name in named or sample.column_names:
        if name in used:
            continue
        column = sample.column(name)
        values = len(pc.unique(column.combine_chunks())) if not pa.types.is_nested(column.type) else 0
        is_id = values == len(column) or name.lower().endswith(("_id", " id")) or name.lower() == "id"
        counter = pa.types.is_integer(column.type) and is_id and values > 50
        number = is_number(column.type) and (named or not counter)
        category = is_name(column.type) and 0 < values <= MOST_CATEGORIES
        if number or category or pa.types.is_null(column.type):
            judged.append(name)
        elif named:
            held = f"{values:,} different texts" if is_name(column.type) else str(column.type)
            raise ParameterError(
                f"{name} holds {held}; it cannot be judged.", hint=f"Up to {MOST_CATEGORIES} categories, or numbers."
            )
        else:
            passed.append(name)
    if not judged:
        raise ParameterError("No column holds numbers or categories.", hint=f"Columns: {_listed(sample.column_names)}.")
    if passed:
        notes.append(f"Not compared (ids, times or text): {_listed(passed)}.")
    return judged


@dataclass(eq=False)
class _Counter:
    """Counts one column, numbers or categories, batch by batch."""

    name: str
    numbers: NumberTally | None
    labels: pa.Array
    counts: NDArray[np.float64]
    missing: NDArray[np.float64]
    shape: tuple[int, int]

    @classmethod
    def of(cls, name: str, sample: pa.Array, units: int, segments: int) -> _Counter:
        nothing = np.zeros(0)
        if is_number(sample.type) or pa.types.is_null(sample.type):
            places, exact = cells_of(numbers_of(sample))
            return cls(
                name, NumberTally(name, units, segments, places, exact), pa.array([], pa.string()), nothing, nothing,
                (units, segments),
            )  # fmt: skip
        texts = sorted(value for value in pc.unique(_text(sample)).to_pylist() if value is not None)
        groups = units * segments
        return cls(
            name, None, pa.array([*texts, REST], pa.string()), np.zeros(groups * (len(texts) + 1)), np.zeros(groups),
            (units, segments),
        )  # fmt: skip

    def add(self, column: pa.Array, groups: NDArray[np.int64]) -> None:
        if self.numbers is not None:
            self.numbers.add(numbers_of(column), groups)
            return
        column = _text(column)
        codes = codes_of(column, self.labels)
        absent = np.asarray(column.is_null().to_numpy(zero_copy_only=False), np.bool_)
        cells, inside = len(self.labels), groups >= 0
        codes = np.where(codes < 0, cells - 1, codes)
        known = inside & ~absent
        self.counts += np.bincount(groups[known] * cells + codes[known], minlength=len(self.counts))
        self.missing += np.bincount(groups[inside & absent], minlength=len(self.missing))

    def done(self) -> Tally:
        if self.numbers is not None:
            return self.numbers.done()
        nothing = np.full(self.shape, np.nan)
        return Tally(
            self.name, "category", np.arange(len(self.labels), dtype=float), tuple(self.labels.to_pylist()),
            self.counts.reshape(*self.shape, -1), self.missing.reshape(self.shape), nothing, nothing, True,
        )  # fmt: skip


def _text(column: pa.Array) -> pa.Array:
    return column if pa.types.is_dictionary(column.type) else column.cast(pa.string())


def _named(column: pa.Array) -> pa.Array:
    return pc.fill_null(column.cast(pa.string()), NONE)


def _segments(source: Rows, segment: str) -> pa.Array:
    """Name the most frequent segments, and one of all others where there are more."""
    if not segment:
        return pa.array([], pa.string())
    counts: dict[str, int] = {}
    for batch in source.batches([segment]):
        for entry in pc.value_counts(_named(batch.column(0))).to_pylist():
            counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
    names = sorted(counts, key=lambda name: (-counts[name], name))
    if len(names) <= MOST_SEGMENTS:
        return pa.array(sorted(names), pa.string())
    return pa.array([*sorted(names[: MOST_SEGMENTS - 1]), REST], pa.string())


class _BySide:
    """Rows split by the values of a column."""

    weekdays: NDArray[np.int64] | None = None
    hint = "Say which values: --sides REFERENCE,NOW."

    def __init__(self, column: str, sides: tuple[str, str]) -> None:
        self.column, self.sides = column, pa.array(sides, pa.string())
        self.count, self.now = 2, np.array([False, True])
        self.words = (f"{column} {sides[0]}", f"{column} {sides[1]}")

    @classmethod
    def of(cls, source: Rows, split: Split) -> _BySide:
        names: set[str] = set()
        for batch in source.batches([split.by]):
            names |= set(pc.unique(batch.column(0).cast(pa.string())).to_pylist())
        values = sorted(name for name in names if name is not None)
        if split.sides is None and len(values) != 2:
            raise ParameterError(
                f"{split.by} has {len(values):,} {'value' if len(values) == 1 else 'values'}, two are compared.",
                hint=f"Say which: --sides REFERENCE,NOW. There are: {_listed(values)}.",
            )
        first, second = split.sides or (values[0], values[1])
        for side in (first, second):
            if side not in values:
                raise ParameterError(f"{split.by} has no {side!r}.", hint=f"There are: {_listed(values)}.")
        return cls(split.by, (first, second))

    def place(self, batch: pa.RecordBatch) -> NDArray[np.int64]:
        return codes_of(batch.column(self.column).cast(pa.string()), self.sides)


class _ByDay:
    """Rows split by time: the days of the reference, then the days of now."""

    hint = "Move --since, or lengthen --reference-days."

    def __init__(self, column: str, edges: pd.DatetimeIndex, first_now: int) -> None:
        self.column = column
        self.edges = edges.as_unit("ms").asi8
        self.count = len(edges) - 1
        self.now = np.arange(self.count) >= first_now
        self.weekdays: NDArray[np.int64] | None = np.asarray(edges[:-1].day_of_week, np.int64)
        texts = [f"{moment:%-d %b %Y}" for moment in (edges[0], edges[first_now], edges[-1])]
        self.words = (f"{texts[0]} to {texts[1]}", f"{texts[1]} to {texts[2]}")

    @classmethod
    def of(cls, source: Rows, split: Split, zone: str) -> _ByDay:
        local = named_zone(zone)
        newest = np.iinfo(np.int64).min
        if split.until is None:
            for batch in source.batches([split.time]):
                newest = max(newest, int(times_of(batch.column(0), split.time).max(initial=newest)))
            if newest == np.iinfo(np.int64).min:
                raise ParameterError(f"{split.time} holds no time.", hint="Name the column of the instant: --time.")
        until = split.until or pd.Timestamp(newest, unit="ms", tz="UTC") + timedelta(milliseconds=1)
        end = pd.Timestamp(until).tz_convert(local)
        end = end if end == end.normalize() else end.normalize() + pd.DateOffset(days=1)
        start = pd.Timestamp(split.since).tz_convert(local).normalize() if split.since else None
        start = end - pd.DateOffset(days=split.days) if start is None else start
        if start >= end:
            raise ParameterError(
                f"Now begins on {start:%-d %b %Y}, after the last row ({end:%-d %b %Y}).", hint="Move --since."
            )
        first = start - pd.DateOffset(days=split.reference_days)
        edges = pd.date_range(first, end, freq="D", tz=local)
        return cls(split.time, edges, int(np.searchsorted(edges, start)))

    def place(self, batch: pa.RecordBatch) -> NDArray[np.int64]:
        times = times_of(batch.column(self.column), self.column)
        place = np.searchsorted(self.edges, times, side="right") - 1
        return np.where((place >= 0) & (place < self.count), place, -1)


def _listed(names: Sequence[Any]) -> str:
    texts = [str(name) for name in names]
    return ", ".join(texts[:20]) + (f" and {len(texts) - 20} more" if len(texts) > 20 else "")
