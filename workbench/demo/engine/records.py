"""Log lines and spans of a day, collected row by row and returned as frames that keep their contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

from workbench.core import frames

_DAY_NS = 86_400_000_000_000


def hex_ids(rng: Generator, count: int, digits: int) -> list[str]:
    """Draw identifiers of 16 or 32 hexadecimal digits."""
    words = rng.integers(0, 2**64, (count, digits // 16), dtype=np.uint64, endpoint=False)
    text = words.astype(">u8").tobytes().hex()
    return [text[first : first + digits] for first in range(0, len(text), digits)]


@dataclass
class Records:
    """Rows of one day; what lies outside the day is left out, so days can be rewritten one by one."""

    day: int
    lines: list[tuple[Any, ...]] = field(default_factory=list)
    spans: list[tuple[Any, ...]] = field(default_factory=list)

    def log(
        self,
        time_ns: int,
        severity: str,
        message: str,
        *,
        service: str,
        event_type: str,
        attributes: Mapping[str, str],
        trace_id: str = "",
        span_id: str = "",
    ) -> None:
        """Add a log line."""
        if time_ns // _DAY_NS == self.day:
            self.lines.append((time_ns, severity, message, service, trace_id, span_id, event_type, attributes))

    def span(
        self,
        trace_id: str,
        span_id: str,
        parent_id: str,
        start_ns: int,
        duration_ns: int,
        *,
        service: str,
        operation: str,
        kind: str,
        status: str,
        weight: float,
        attributes: Mapping[str, str],
    ) -> None:
        """Add a span; ``weight`` is one over the share of traces kept."""
        if start_ns // _DAY_NS == self.day:
            row = (
                trace_id,
                span_id,
                parent_id,
                service,
                operation,
                kind,
                start_ns,
                duration_ns,
                status,
                weight,
                attributes,
            )
            self.spans.append(row)


def logs_frame(records: Sequence[Records], end_ms: int) -> pd.DataFrame:
    """Return the LOGS frame of what was written by the end."""
    rows = [row for record in records for row in record.lines if row[0] <= end_ms * 1_000_000]
    return _frame(sorted(rows, key=lambda row: (row[0], row[5])), frames.LOGS)


def spans_frame(records: Sequence[Records], end_ms: int) -> pd.DataFrame:
    """Return the SPANS frame of what was finished by the end."""
    rows = [row for record in records for row in record.spans if row[6] + row[7] <= end_ms * 1_000_000]
    return _frame(sorted(rows, key=lambda row: (row[6], row[1])), frames.SPANS)


def _frame(rows: Sequence[tuple[Any, ...]], contract: frames.Contract) -> pd.DataFrame:
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in contract.columns]
    dtypes = {"int": "int64", "float": "float64", "str": "str", "map": "object"}
    return pd.DataFrame(
        {
            name: pd.Series(list(column), dtype=dtypes[kind])
            for (name, kind), column in zip(contract.columns.items(), columns, strict=True)
        }
    )
