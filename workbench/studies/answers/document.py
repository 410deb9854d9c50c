"""A study as bytes and back: frames as Arrow, the rest as JSON; no code is read from it."""

from __future__ import annotations

import json
from collections import deque
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.core.result import Study
from workbench.studies.answers.values import NotKeptError, read, written

_MAGIC = b"WBSTUDY1"

#: The last studies of which the bytes are known: none is written or read twice, and its readers share what is drawn.
_known: deque[tuple[Study, bytes]] = deque(maxlen=8)


def study_bytes(study: Study) -> bytes:
    """Return a study as bytes from which :func:`study_of` makes the same study.

    Raises
    ------
    NotKeptError
        Something of it would not come back exactly.
    """
    for known, content in tuple(_known):
        if known is study:
            return content
    values, frames = _taken(study)
    document: dict[str, Any] = {"study": values, "objects": []}
    parts = []
    for frame in frames:
        plain, objects = _apart(frame)
        document["objects"].append(objects)
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(sink, plain.schema, options=options) as writer:
            writer.write_table(plain)
        parts.append(sink.getvalue().to_pybytes())
    head = json.dumps(document, separators=(",", ":"), allow_nan=False).encode("utf-8", "surrogatepass")
    packed = pa.compress(head, codec="zstd", asbytes=True)
    lengths = json.dumps([len(head), len(packed), *map(len, parts)]).encode()
    made = b"".join([_MAGIC, len(lengths).to_bytes(4, "big"), lengths, packed, *parts])
    if not _same(study, study_of(made)):
        raise NotKeptError(f"{study.name} does not come back as it was.")
    return made


def remember(study: Study, content: bytes) -> None:
    """Know for a while that a study has these bytes, as :func:`study_bytes` or another process made sure."""
    if not any(known is study for known, _ in tuple(_known)):
        _known.append((study, content))


def study_of(content: bytes) -> Study:
    """Return the study that :func:`study_bytes` wrote.

    Raises
    ------
    NotKeptError
        The bytes are damaged, or of another version.
    """
    for study, held in tuple(_known):
        if held == content:
            return study
    try:
        if content[: len(_MAGIC)] != _MAGIC:
            raise NotKeptError("It is no study.")
        at = len(_MAGIC) + 4
        size = int.from_bytes(content[len(_MAGIC) : at], "big")
        whole, packed, *lengths = json.loads(content[at : at + size])
        at += size
        head = pa.decompress(content[at : at + packed], whole, codec="zstd", asbytes=True)
        document = json.loads(head.decode("utf-8", "surrogatepass"))
        at += packed
        frames = []
        for objects, length in zip(document["objects"], lengths, strict=True):
            frames.append(_together(content[at : at + length], objects))
            at += length
        study = read(document["study"], frames)
    except (ValueError, KeyError, TypeError, IndexError, pa.ArrowException, ImportError, RecursionError) as error:
        raise NotKeptError(f"The kept study is damaged: {error}.") from error
    if not isinstance(study, Study):
        raise NotKeptError("It is no study.")
    return study


def _taken(study: Study) -> tuple[Any, list[pd.DataFrame]]:
    """Values of a study, and its frames in the order of their numbers."""
    frames: list[pd.DataFrame] = []

    def aside(frame: pd.DataFrame) -> int:
        frames.append(frame)
        return len(frames) - 1

    return written(study, aside), frames


def _apart(frame: pd.DataFrame) -> tuple[pa.Table, dict[str, Any]]:
    """Split a frame into what Arrow keeps exactly and columns of objects, which are written as values."""
    if frame.attrs or frame.columns.nlevels > 1 or not frame.columns.is_unique or frame.columns.name is not None:
        raise NotKeptError("A frame has attributes or levels of columns.")
    if not all(type(name) is str for name in frame.columns):
        raise NotKeptError("A column has no text as its name.")
    if not (isinstance(frame.index, pd.RangeIndex) and (frame.index.start, frame.index.step) == (0, 1)):
        raise NotKeptError("A frame has an index of its own.")
    if frame.index.name is not None:
        raise NotKeptError("The index of a frame has a name.")
    objects, plain = {}, {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype == object:
            objects[name] = [written(value, _refused) for value in column]
        elif isinstance(column.dtype, pd.ArrowDtype):
            plain[name] = pa.chunked_array(column.array.__arrow_array__())
        else:
            plain[name] = pa.array(column, from_pandas=isinstance(column.dtype, pd.StringDtype))
    layout = {
        "objects": objects,
        "columns": list(frame.columns),
        "rows": len(frame),
        "dtypes": {name: _dtype(frame[name]) for name in plain},
    }
    return pa.table(plain), layout


def _dtype(column: pd.Series) -> Any:
    if isinstance(column.dtype, pd.CategoricalDtype):
        if column.dtype.categories.dtype == object or column.dtype.categories.name is not None:
            raise NotKeptError("Categories are objects.")
        return {"ordered": bool(column.dtype.ordered), "categories": column.dtype.categories.tolist()}
    return str(column.dtype)


def _together(content: bytes, layout: dict[str, Any]) -> pd.DataFrame:
    with pa.ipc.open_stream(content) as reader:
        table = reader.read_all()
    columns: dict[str, Any] = {}
    for name in layout["columns"]:
        if name in layout["objects"]:
            columns[name] = _objects([read(value, []) for value in layout["objects"][name]])
        else:
            columns[name] = _column(table[name], layout["dtypes"][name])
    index = pd.RangeIndex(layout["rows"])
    return (
        pd.DataFrame(columns, index=index) if columns else pd.DataFrame(index=index, columns=pd.Index([], dtype="str"))
    )


def _objects(values: list[Any]) -> Any:
    column = np.empty(len(values), object)
    for place, value in enumerate(values):
        column[place] = value
    return column


def _column(values: pa.ChunkedArray, dtype: Any) -> Any:
    if isinstance(dtype, dict):
        codes = pa.chunked_array(values).combine_chunks() if values.num_chunks else pa.array([], values.type)
        texts = codes.to_pylist() if codes.type.id != pa.lib.Type_DICTIONARY else codes.dictionary_decode().to_pylist()
        return pd.Categorical(texts, categories=dtype["categories"], ordered=dtype["ordered"])
    if dtype.endswith("[pyarrow]"):
        return pd.arrays.ArrowExtensionArray(values)
    known = _pandas_dtype(dtype)
    return values.to_numpy().astype(known) if isinstance(known, np.dtype) else known.__from_arrow__(values)


_pandas_dtype = lru_cache(maxsize=64)(pd.api.types.pandas_dtype)


def _refused(frame: pd.DataFrame) -> int:
    raise NotKeptError("A frame lies in a cell.")


def _same(one: Study, other: Study) -> bool:
    """Whether two studies are equal in every value, type and frame."""
    (document, mine), (again, theirs) = _taken(one), _taken(other)
    if document != again or len(mine) != len(theirs):
        return False
    return all(_equal(first, second) for first, second in zip(mine, theirs, strict=True))


def _equal(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        return False
    return all(
        one[name].dtype == other[name].dtype and _cells(one[name]) == _cells(other[name]) for name in one.columns
    )


def _cells(column: pd.Series) -> Any:
    """Return what is equal for columns of one type whose cells are equal to the last bit."""
    values = column.array
    if isinstance(values, pd.Categorical):
        return values.categories.tolist(), values.codes.tobytes()
    if isinstance(column.dtype, pd.StringDtype):
        return column.isna().tolist(), column.fillna("").tolist()
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert(None).to_numpy().tobytes()
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufmM":
        return column.to_numpy().tobytes()
    return [json.dumps(written(value, _refused)) for value in column]
