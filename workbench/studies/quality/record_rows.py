"""Answers with a score that stand in log lines or spans of a system, as rows of a table."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.logs.sampling import MARKS, TAIL_MARKS, kept_share
from workbench.core.errors import QueryTooExpensive
from workbench.core.timerange import TimeRange
from workbench.core.units import count_text
from workbench.store.tables import MAX_ROWS, TableSource
from workbench.studies.quality.numbers import score_of
from workbench.studies.sources.context import Context
from workbench.studies.sources.table_records import field_text, only_system, record_pieces

#: How far back lines and spans are read where no period is given. [d]
DAYS = 91


def recorded_answers(ctx: Context, *, system: str, table: TableSource, span: TimeRange) -> pd.DataFrame:
    """Read the lines or spans of a system that carry a score.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system whose lines or spans are read.
    table : TableSource
        With ``records``; its ``fields`` name the attributes, or the columns such as ``service``.
    span : TimeRange
        Times of the lines, or starts of the spans, without the end.

    Returns
    -------
    DataFrame
        ``time`` [UTC], ``score`` (NaN where it is no number) and a column of text for each further field; sentences
        on what was left out in ``.attrs["warnings"]``. Without an ``event`` a record is an answer when it has a score.

    Raises
    ------
    SourceError
        As the source raises it.
    QueryTooExpensive
        More than a million answers.
    """
    parts: list[pd.DataFrame] = []
    warnings: dict[str, None] = {}
    shares: set[float] = set()
    count = 0
    for piece in record_pieces(ctx, system, table, span):
        warnings |= dict.fromkeys(map(str, piece.attrs.get("warnings", ())))
        rows = pd.DataFrame({name: field_text(piece, place) for name, place in table.fields.items() if name != "time"})
        answers = (rows["score"] != "").to_numpy(np.bool_) | bool(table.event)
        rows.insert(0, "time", pd.to_datetime(_instants(piece), unit="ns", utc=True).dt.as_unit("ms"))
        shares |= _shares(piece[answers])
        parts.append(rows[answers])
        count += int(answers.sum())
        if count > MAX_ROWS:
            title = ctx.catalog.title(system)
            raise QueryTooExpensive(
                f"{table.name}: the {table.records} of {title} hold more than {MAX_ROWS:,} answers.",
                source=table.name, hint="Name an event or a service, or shorten the period.",
            )  # fmt: skip
    names = ["time", *(name for name in table.fields if name != "time")]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({name: [] for name in names}, dtype="str")
    frame["time"] = pd.to_datetime(frame["time"], utc=True).dt.as_unit("ms")
    texts = frame["score"]
    frame["score"] = texts.map({text: score_of(text) for text in texts.unique()}).astype(np.float64)
    unread = int((frame["score"].isna() & (texts != "")).sum())
    if unread:
        warnings[
            f"{table.name}: {count_text(unread)} of {count_text(count)} answers have a score that is no number; "
            "they count as answers without one."
        ] = None
    if len(shares) > 1:
        warnings[
            f"{table.name}: answers are kept at different rates (sampling), and each counts once; what is kept more "
            "often weighs more."
        ] = None
    frame.attrs["warnings"] = tuple(warnings)
    return frame


def recent_answers(ctx: Context, table: TableSource) -> pd.DataFrame:
    """Read the answers of the last :data:`DAYS` days, for a question about rows without a period."""
    now = ctx.clock()
    span = TimeRange(now - timedelta(days=DAYS), now)
    return recorded_answers(ctx, system=only_system(ctx, table), table=table, span=span)


def _instants(piece: pd.DataFrame) -> pd.Series:
    return piece["time_ns"] if "time_ns" in piece else piece["start_ns"]


def _shares(piece: pd.DataFrame) -> set[float]:
    """Shares at which these records were kept; -1 where it is not known. [ratio]"""
    if "weight" in piece:
        return {round(1 / weight, 9) if weight > 0 else -1.0 for weight in piece["weight"].unique()}
    marks = {_mark(attributes) for attributes in piece["attributes"]}
    shares = {-1.0 if mark is None else kept_share(mark) for mark in marks}
    return {-1.0 if np.isnan(share) else float(share) for share in shares}


def _mark(attributes: dict[str, Any]) -> str | None:
    if any(attributes.get(name) for name in TAIL_MARKS):
        return None
    return next((str(attributes[name]) for name in MARKS if attributes.get(name)), "")
