"""Performance without labels, from rows of predictions: a reference with labels and the rows of now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from workbench.analysis.quality.estimate import CHUNKS, EstimatedPerformance, Predictions, estimated_performance
from workbench.core.errors import ParameterError
from workbench.studies.quality.row_files import Rows, is_number, numbers_of, open_rows
from workbench.studies.sources.context import Context


@dataclass(frozen=True)
class PredictionColumns:
    """Which columns hold what.

    Attributes
    ----------
    probability, predicted, truth : str
        Probability of class 1, the class predicted and the true one (0 or 1).
    chunk : str
        Column whose values are the chunks; by default ten parts in the order of the rows.
    """

    probability: str
    predicted: str
    truth: str
    chunk: str = ""


def performance_estimate(
    ctx: Context, *, reference: str | Path, now: str | Path, columns: PredictionColumns
) -> EstimatedPerformance:
    """Estimate how good a classifier is on rows without labels.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    reference, now : str or Path
        Table of the settings, or CSV or Parquet; the reference with the truth. Rows of now may have it.
    columns : PredictionColumns
        Which column holds the prediction, the score and the label.

    Raises
    ------
    ParameterError
        A column is absent or holds no numbers, a probability is outside 0 to 1, a class is not 0 or 1.
    """
    sides = [open_rows(ctx, rows) for rows in (reference, now)]
    return estimated_performance(_predictions(sides[0], columns, True), _predictions(sides[1], columns, False))


def _predictions(rows: Rows, columns: PredictionColumns, labelled: bool) -> Predictions:
    needed = [columns.probability, columns.predicted, *([columns.truth] if labelled else [])]
    for name in (*needed, *([columns.chunk] if columns.chunk and not labelled else [])):
        if name not in rows.columns:
            raise ParameterError(f"{rows.name} has no column {name!r}.", hint=f"Columns: {', '.join(rows.columns)}.")
    wanted = [name for name in (*needed, columns.truth, columns.chunk) if name in rows.columns]
    table = pa.Table.from_batches(rows.batches(list(dict.fromkeys(wanted)))).combine_chunks()
    values = {}
    for name in dict.fromkeys((columns.probability, columns.predicted, columns.truth)):
        if name not in table.column_names:
            values[name] = np.full(table.num_rows, np.nan)
            continue
        column = table.column(name).combine_chunks()
        if not is_number(column.type) and not pa.types.is_null(column.type):
            raise ParameterError(f"{name} of {rows.name} holds {column.type}, no numbers.", hint="Write 0 and 1.")
        values[name] = numbers_of(column)
    for name in needed:
        place = np.flatnonzero(~np.isfinite(values[name]) | (values[name] < 0) | (values[name] > 1))
        if len(place):
            raise ParameterError(
                f"{values[name][place[0]]:g} in row {place[0] + 1:,} of {name} ({rows.name}) is not between 0 and 1.",
                hint="Probabilities and classes lie between 0 and 1; drop rows without them.",
            )
    parts = np.minimum(np.arange(table.num_rows) * CHUNKS // max(1, table.num_rows), CHUNKS - 1) + 1
    chunk = parts.astype(str)
    if columns.chunk in table.column_names and not labelled:
        chunk = np.asarray([str(value) for value in table.column(columns.chunk).to_pylist()])
    return Predictions(values[columns.probability], values[columns.predicted], values[columns.truth], chunk)
