"""Rows of many files in the order of their times, whatever their number: sorted runs on disk, merged as they are read.

A line that two logs of one program both hold (``app.log`` and ``app_errors.log``) is one line; two equal lines of one
log, its rotated files included, are two.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.core import frames

#: Rows of a run, held in memory while it is sorted. [count]
RUN = 60_000

_SCHEMA = pa.schema(
    [
        *(
            (name, pa.int64() if kind == "int" else pa.string())
            for name, kind in list(frames.LOGS.columns.items())[:-1]
        ),
        ("attributes", pa.map_(pa.string(), pa.string())),
        ("log", pa.string()),
    ]
)
_NAMES = [name for name in _SCHEMA.names if name not in ("attributes", "log")]


class Merged:
    """Merges pieces of LOGS; ``repeated`` counts the rows left out as copies in another log.

    Parameters
    ----------
    pieces : iterable of (str, DataFrame)
        Name of the log and a piece of it.
    """

    def __init__(self, pieces: Iterable[tuple[str, pd.DataFrame]]) -> None:
        self._pieces = pieces
        self.repeated = 0

    def __iter__(self) -> Iterator[pd.DataFrame]:
        with tempfile.TemporaryDirectory(prefix="workbench-logs-") as folder:
            runs: list[Path] = []
            held: list[pa.Table] = []
            for log, piece in self._pieces:
                held.append(_table(log, piece))
                if sum(map(len, held)) >= RUN:
                    runs.append(_written(_sorted(held), Path(folder) / f"{len(runs)}.arrow"))
                    held = []
            last = [_sorted(held)] if held else []
            if not runs:
                yield from (self._frame(table) for table in last if len(table))
                return
            runs += [_written(table, Path(folder) / "last.arrow") for table in last]
            for table in _merged(runs):
                yield self._frame(table)

    def _frame(self, table: pa.Table) -> pd.DataFrame:
        frame = table.drop_columns(["attributes"]).to_pandas()
        attributes = table["attributes"].to_pylist()
        if (frame["log"] != frame["log"].iloc[0]).any():
            keys = frame[_NAMES].assign(attributes=[str(sorted(pairs)) for pairs in attributes], log=frame["log"])
            names = [*_NAMES, "attributes"]
            keys["copy"] = keys.groupby([*names, "log"]).cumcount()
            first = ~keys.duplicated([*names, "copy"])
            self.repeated += int((~first).sum())
            frame = frame[first].reset_index(drop=True)
            attributes = [pairs for pairs, kept in zip(attributes, first, strict=True) if kept]
        frame["attributes"] = pd.Series([dict(pairs) for pairs in attributes], dtype=object)
        return frame.drop(columns="log")


def _table(log: str, piece: pd.DataFrame) -> pa.Table:
    columns = {name: pa.array(piece[name], _SCHEMA.field(name).type) for name in _NAMES}
    columns["attributes"] = pa.array(
        [list(each.items()) for each in piece["attributes"]], _SCHEMA.field("attributes").type
    )
    columns["log"] = pa.array([log] * len(piece), pa.string())
    return pa.table(columns, schema=_SCHEMA)


def _sorted(tables: list[pa.Table]) -> pa.Table:
    table = pa.concat_tables(tables)
    return table.take(np.argsort(table["time_ns"].to_numpy(), kind="stable"))


def _written(table: pa.Table, path: Path) -> Path:
    with pa.ipc.new_file(path, _SCHEMA, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table, max_chunksize=1000)
    return path


def _merged(runs: list[Path]) -> Iterator[pa.Table]:
    """Give the rows of sorted runs in order; rows of one instant are never in two pieces."""
    batches = [_batches(run) for run in runs]
    held: list[pa.Table] = [_SCHEMA.empty_table()] * len(runs)
    open_runs = set(range(len(runs)))
    ready: list[pa.Table] = []
    while open_runs:
        # The run that ends first is what keeps later rows of the others back.
        for run in [run for run in open_runs if not len(held[run])] or [
            min(open_runs, key=lambda run: _last(held[run]))
        ]:
            more = next(batches[run], None)
            if more is None:
                open_runs.discard(run)
            else:
                held[run] = pa.concat_tables([held[run], more])
        bound = min((_last(held[run]) for run in open_runs), default=None)
        for run, table in enumerate(held):
            cut = len(table) if bound is None else int(np.searchsorted(table["time_ns"].to_numpy(), bound, side="left"))
            if cut:
                ready.append(table.slice(0, cut))
                held[run] = table.slice(cut)
        if sum(map(len, ready)) >= RUN // 6 or not open_runs:
            if ready:
                yield _sorted(ready)
            ready = []


def _last(table: pa.Table) -> int:
    return int(pc.max(table["time_ns"]).as_py()) if len(table) else -(2**63)


def _batches(path: Path) -> Iterator[pa.Table]:
    with pa.memory_map(str(path)) as file:
        reader = pa.ipc.open_file(file)
        for number in range(reader.num_record_batches):
            yield pa.Table.from_batches([reader.get_batch(number)])
