"""Frame contracts, checked once where a frame enters a room.

========  ==================================================================================================
METRICS   ``DatetimeIndex`` named ``time`` (UTC, ms), one float64 column a series, columns a MultiIndex of labels
EVENTS    ``time`` (start of slice), dimensions, ``good``, ``total`` per slice; slice t holds samples in (t, t+d]
LOGS      ``time_ns``, ``severity``, ``message``, ``service``, ``trace_id``, ``span_id``, ``event_type``, attributes
SPANS     ``trace_id, span_id, parent_id, service, operation, kind, start_ns, duration_ns, status, weight``, attributes
EPISODES  one maximal firing interval of one label set
COSTS     ``time``, model, provider, key, token class, quantity, unit, unit price, amount, currency, provenance
========  ==================================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.core.errors import FrameError


@dataclass(frozen=True)
class Contract:
    """Columns a frame must have, with the kind of each: time, str, int, float, bool, decimal, map."""

    name: str
    columns: dict[str, str]


EVENTS = Contract("EVENTS", {"time": "time", "good": "float", "total": "float"})
LOGS = Contract(
    "LOGS",
    {
        "time_ns": "int",
        "severity": "str",
        "message": "str",
        "service": "str",
        "trace_id": "str",
        "span_id": "str",
        "event_type": "str",
        "attributes": "map",
    },
)
SPANS = Contract(
    "SPANS",
    {
        "trace_id": "str",
        "span_id": "str",
        "parent_id": "str",
        "service": "str",
        "operation": "str",
        "kind": "str",
        "start_ns": "int",
        "duration_ns": "int",
        "status": "str",
        "weight": "float",
        "attributes": "map",
    },
)
EPISODES = Contract(
    "EPISODES",
    {
        "alertname": "str",
        "severity": "str",
        "labels": "map",
        "active_at": "time",
        "starts_at": "time",
        "ends_at": "time",
        "left_censored": "bool",
        "right_censored": "bool",
        "unknown_s": "float",
    },
)
COSTS = Contract(
    "COSTS",
    {
        "time": "time",
        "model": "str",
        "provider": "str",
        "key": "str",
        "token_class": "str",
        "quantity": "decimal",
        "unit": "str",
        "unit_price": "decimal",
        "amount": "decimal",
        "currency": "str",
        "provenance": "str",
    },
)

#: OpenTelemetry's short severity names, least to most severe.
SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def _keeps(column: pd.Series, kind: str) -> bool:
    dtype = column.dtype
    match kind:
        case "time":
            return isinstance(dtype, pd.DatetimeTZDtype) and str(dtype.tz) == "UTC"
        case "str":
            return isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(dtype) or len(column) == 0
        case "int":
            return bool(dtype == np.int64)
        case "float":
            return bool(dtype == np.float64)
        case "bool":
            return bool(dtype == np.bool_)
    return True


def check(frame: pd.DataFrame, contract: Contract, *, where: str) -> pd.DataFrame:
    """Return the frame unchanged, or raise :class:`FrameError` that names the first broken column.

    Parameters
    ----------
    frame : DataFrame
        The frame to check.
    contract : Contract
        Columns, types and units that the frame must have.
    where : str
        Who made the frame, for the message.
    """
    missing = [name for name in contract.columns if name not in frame.columns]
    if missing:
        raise FrameError(
            f"No column {missing[0]!r} in the {contract.name} frame from {where} "
            f"(got: {', '.join(map(str, frame.columns))}).",
            hint=f"{contract.name} needs: {', '.join(contract.columns)}.",
        )
    for name, kind in contract.columns.items():
        if not _keeps(frame[name], kind):
            raise FrameError(
                f"Column {name!r} of the {contract.name} frame from {where} is {frame[name].dtype}, not {kind}.",
                hint="Times are aware UTC, counts float64, nanoseconds int64.",
            )
    if contract is EVENTS and len(frame):
        wrong = frame["good"] > frame["total"] * (1 + 1e-12)
        if wrong.any():
            row = frame.loc[wrong].iloc[0]
            raise FrameError(
                f"More good events ({row['good']}) than events ({row['total']}) at {row['time']} "
                f"in the frame from {where}.",
                hint="Do the good and the total selector count the same requests?",
            )
    return frame


def check_metrics(frame: pd.DataFrame, *, where: str) -> pd.DataFrame:
    """Return a METRICS frame unchanged, or raise :class:`FrameError`."""
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex) or index.name != "time" or str(index.dtype) != "datetime64[ms, UTC]":
        raise FrameError(
            f"The METRICS frame from {where} has index {index.dtype} named {index.name!r}.",
            hint="METRICS needs a DatetimeIndex named 'time' of dtype datetime64[ms, UTC].",
        )
    if any(dtype != np.float64 for dtype in frame.dtypes):
        raise FrameError(f"The METRICS frame from {where} has a column that is not float64.")
    return frame
