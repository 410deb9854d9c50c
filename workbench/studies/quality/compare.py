"""Rows of answers from a table or a file, compared between two models or variants."""

from __future__ import annotations

from pathlib import Path

from workbench.analysis.quality.compare import Columns, ModelComparison, compare_arms
from workbench.core.errors import ParameterError
from workbench.store.tables import TableSource
from workbench.studies.quality.numbers import numbers
from workbench.studies.sources.context import Context


def model_comparison(
    ctx: Context,
    *,
    rows: str | Path,
    columns: Columns,
    arms: tuple[str, str] | None = None,
    expected: tuple[float, float] = (0.5, 0.5),
    margin: float | None = None,
    any_time: bool = False,
) -> ModelComparison:
    """Compare two models or variants by rows of answers.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    rows : str or Path
        Name of a table of the settings, or a CSV or Parquet file; one row an answer.
    columns : Columns
        Which columns hold what.
    arms : tuple of str, optional
        First (the base) and second; by default the two values that there are.
    expected, margin, any_time
        As for :func:`workbench.analysis.quality.compare.compare_arms`. [ratio], [points of the score]

    Returns
    -------
    ModelComparison

    Raises
    ------
    ParameterError
        A column or an arm is absent, or a value is no number; with what there is.
    SourceError
        The table cannot be read.
    """
    table = ctx.tables.get(str(rows)) or TableSource(Path(rows).name, Path(rows))
    frame = table.read()
    named = [name for name in vars(columns).values() if name]
    if absent := [name for name in named if name not in frame.columns]:
        raise ParameterError(
            f"{table.name} has no column {absent[0]!r}.", hint=f"Columns: {', '.join(map(str, frame.columns))}."
        )
    values = sorted(frame[columns.arm].astype("str").unique())
    if arms is None and len(values) != 2:
        raise ParameterError(
            f"{columns.arm} has {len(values):,} values, two are compared.",
            hint=f"Say which: --arms FIRST,SECOND. There are: {', '.join(values[:20])}.",
        )
    first, second = arms or (values[0], values[1])
    if absent := [arm for arm in (first, second) if arm not in values]:
        raise ParameterError(f"{columns.arm} has no {absent[0]!r}.", hint=f"There are: {', '.join(values[:20])}.")
    frame = frame[frame[columns.arm].astype("str").isin([first, second])].reset_index(drop=True)
    for name in (columns.score, columns.cost, columns.latency, columns.before):
        if name:
            frame[name] = numbers(frame[name], name)
    return compare_arms(frame, columns, (first, second), expected=expected, margin=margin, any_time=any_time)
