"""Values of results as plain JSON and back, exact to the last digit: what JSON has no word for carries its kind."""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from workbench.core.timerange import TimeRange

#: Text of a value of each kind, and what reads it back.
_TEXTS: dict[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "timestamp": (pd.Timestamp, lambda value: f"{value.isoformat()}/{value.unit}", lambda text: _timestamp(text)),
    "datetime": (datetime, datetime.isoformat, datetime.fromisoformat),
    "date": (date, date.isoformat, date.fromisoformat),
    "decimal": (Decimal, str, Decimal),
    "timedelta64": (pd.Timedelta, lambda value: f"{value.value}/{value.unit}", lambda text: _timedelta(text)),
    "timedelta": (timedelta, lambda value: str(value // timedelta(microseconds=1)), lambda text: _microseconds(text)),
}

#: Classes of results are looked up below here only.
_ROOT = "workbench."


class NotKeptError(Exception):
    """A value has no exact form, so the answer is not kept."""


def written(value: Any, frame: Callable[[pd.DataFrame], int]) -> Any:
    """Return a value as plain JSON.

    Parameters
    ----------
    value : object
        Plain values, times, Decimals, containers, arrays of numbers, frames, and our own frozen dataclasses.
    frame : callable
        Takes a frame aside and gives its number.

    Raises
    ------
    NotKeptError
        There is no exact form.
    """
    match value:
        case None | bool() | str():
            if isinstance(value, str) and type(value) is not str:
                raise NotKeptError(f"{type(value)} is a text of its own kind.")
            return value
        case np.generic() if not isinstance(value, (np.datetime64, np.timedelta64)):
            return {"": "number", "dtype": value.dtype.str, "value": written(value.item(), frame)}
        case int():
            return value
        case float():
            return value if math.isfinite(value) else {"": "float", "value": repr(value)}
        case pd.DataFrame():
            return {"": "frame", "value": frame(value)}
        case np.ndarray() if value.dtype.kind in "iufb":
            return {
                "": "array", "dtype": value.dtype.str, "shape": list(value.shape),
                "value": [written(item, frame) for item in value.ravel().tolist()],
            }  # fmt: skip
        case tuple() | list() | frozenset() | set():
            kind = type(value).__name__
            if kind not in _CONTAINERS:
                raise NotKeptError(f"{type(value)} is not kept.")
            items = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
            return {"": kind, "value": [written(item, frame) for item in items]}
        case TimeRange():
            return {"": "range", "value": [written(value.start, frame), written(value.end, frame)]}
        case Mapping():
            return {"": "mapping", "value": [[written(part, frame) for part in pair] for pair in value.items()]}
    if value is pd.NaT or value is pd.NA:
        return {"": "nat" if value is pd.NaT else "na"}
    for kind, (cls, text, _) in _TEXTS.items():
        if type(value) is cls:
            return {"": kind, "value": text(value)}
    if dataclasses.is_dataclass(value) and type(value).__module__.startswith(_ROOT):
        name = f"{type(value).__module__}:{type(value).__qualname__}"
        fields = {each.name: written(getattr(value, each.name), frame) for each in dataclasses.fields(value)}
        return {"": "object", "class": name, "value": fields}
    raise NotKeptError(f"{type(value)} is not kept.")


_CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {"tuple": tuple, "list": list, "set": set, "frozenset": frozenset}


def read(value: Any, frames: list[pd.DataFrame]) -> Any:
    """Return what :func:`written` was given.

    Raises
    ------
    NotKeptError
        It is nothing that :func:`written` wrote.
    """
    if not isinstance(value, dict):
        return value
    kind, inner = value.get(""), value.get("value")
    match kind:
        case "number":
            return np.dtype(value["dtype"]).type(read(inner, frames))
        case "float":
            return float(str(inner))
        case "frame":
            return frames[int(str(inner))]
        case "array":
            items = [read(item, frames) for item in inner or []]
            return np.array(items, np.dtype(value["dtype"])).reshape(value["shape"])
        case "range":
            start, end = (read(item, frames) for item in inner or [])
            return TimeRange(start, end)
        case "mapping":
            return {read(key, frames): read(item, frames) for key, item in inner or []}
        case "nat" | "na":
            return pd.NaT if kind == "nat" else pd.NA
        case "object":
            fields = {name: read(item, frames) for name, item in (inner or {}).items()}
            return _class(value["class"])(**fields)
    if kind in _CONTAINERS:
        return _CONTAINERS[kind]([read(item, frames) for item in inner or []])
    if kind in _TEXTS:
        return _TEXTS[kind][2](str(inner))
    raise NotKeptError(f"{kind!r} is no kind of value.")


def _class(name: str) -> Callable[..., Any]:
    module, _, qualified = name.partition(":")
    if not module.startswith(_ROOT):
        raise NotKeptError(f"{name} is not a class of the workbench.")
    cls = getattr(importlib.import_module(module), qualified, None)
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise NotKeptError(f"{name} is not a result.")
    return cls


def _timestamp(text: str) -> pd.Timestamp:
    value, _, unit = text.rpartition("/")
    return pd.Timestamp(value).as_unit(unit)


def _timedelta(text: str) -> pd.Timedelta:
    value, _, unit = text.rpartition("/")
    return pd.Timedelta(int(value), unit="ns").as_unit(unit)


def _microseconds(text: str) -> timedelta:
    return timedelta(microseconds=int(text))
