"""The neutral filter applied to a LOGS frame in process, as the archive applies it: the last word after any backend."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.core.counting import field_of
from workbench.core.errors import ParameterError
from workbench.core.filters import Condition, LogFilter
from workbench.core.frames import LOGS, SEVERITIES
from workbench.core.timerange import TimeRange


def severities_from(least: str) -> tuple[str, ...]:
    """Severities that are at least as severe as one."""
    return SEVERITIES[SEVERITIES.index(least) :]


def matching(frame: pd.DataFrame, wanted: LogFilter, span: TimeRange) -> pd.DataFrame:
    """Return the rows of LOGS in ``[start, end)`` that pass a filter.

    Raises
    ------
    ParameterError
        A regular expression is not RE2.
    """
    passes = (
        frame["time_ns"]
        .between(span.start_ms * 1_000_000, span.end_ms * 1_000_000, inclusive="left")
        .to_numpy(copy=True)
    )
    for column, values in (("service", wanted.services), ("event_type", wanted.events)):
        if values:
            passes &= frame[column].isin(values).to_numpy()
    if wanted.severity:
        passes &= frame["severity"].isin(severities_from(wanted.severity)).to_numpy()
    if wanted.trace_id:
        passes &= (frame["trace_id"] == wanted.trace_id).to_numpy()
    if wanted.contains:
        hits = pc.match_substring(pa.array(frame["message"], pa.string()), wanted.contains)
        passes &= hits.to_numpy(zero_copy_only=False)
    for condition in wanted.attributes:
        passes &= _holds(frame, condition)
    return frame if passes.all() else frame[passes].reset_index(drop=True)


def checked(wanted: LogFilter, backend: str) -> LogFilter:
    """Return a filter that a backend may be asked, or say why not.

    Raises
    ------
    ParameterError
        Text for another backend, or a regular expression that is not RE2.
    """
    if wanted.native is not None and wanted.native.backend != backend:
        raise ParameterError(
            f"The text of the query is for {wanted.native.backend}; this source is {backend}.",
            hint="Name a source that speaks it, or use the neutral filter.",
        )
    for condition in wanted.attributes:
        if condition.op == "regex":
            _matches(pa.array([""]), condition.value)
    return wanted


def _holds(frame: pd.DataFrame, condition: Condition) -> NDArray[np.bool_]:
    """Say per row whether a condition holds; only text columns are columns, as in the archive."""
    name = condition.attribute
    column = name if LOGS.columns.get(name) == "str" else ""
    values = frame[column] if column else field_of(frame[["attributes"]], name)
    match condition.op:
        case "=":
            return np.asarray(values == condition.value, np.bool_)
        case "!=":
            return np.asarray(values != condition.value, np.bool_)
        case "in":
            return np.asarray(values.isin(condition.values), np.bool_)
        case "regex":
            return _matches(pa.array(values, pa.string()), condition.value)


def _matches(values: pa.Array, pattern: str) -> NDArray[np.bool_]:
    try:
        hits = pc.match_substring_regex(values, f"^(?s:{pattern})$")
    except pa.ArrowInvalid as error:
        raise ParameterError(
            f"{pattern!r} is not a regular expression of RE2: {error}.",
            hint="Lookaround and back references do not exist in RE2.",
        ) from None
    return np.asarray(hits.to_numpy(zero_copy_only=False), np.bool_)
