"""What an evaluation answers: a matrix with its series, histograms and notes."""

from __future__ import annotations

import numpy as np

from workbench.core.histograms import Histograms, is_mark, marked_rows, marks
from workbench.core.series import Metrics, label_key
from workbench.promql.engine.calls import Value
from workbench.promql.engine.evaluation import Evaluation
from workbench.promql.engine.values import Floats, Scalar, Vector
from workbench.promql.engine.windows import Matrix


def metrics(value: Value, run: Evaluation, step_ms: int, *, ordered: bool) -> Metrics:
    """Give a scalar or vector as a matrix; ``ordered`` sorts its series by their labels."""
    if isinstance(value, Scalar):
        value = Vector(({},), value.values[None, :], np.ones((1, run.steps), np.bool_))
    assert isinstance(value, Vector)
    vector = value.seen()
    if ordered:
        keys = [label_key(labels) for labels in vector.labels]
        vector = vector.rows(sorted(range(len(keys)), key=keys.__getitem__))
    values = np.where(vector.present, vector.values, np.nan)
    present = np.array(vector.present)
    return Metrics(run.times, vector.labels, values, present, _meta(run, step_ms), _held(values, run))


def _held(values: Floats, run: Evaluation) -> Histograms | None:
    """Histograms of an answer; the marks among its values are made to stand for their rows."""
    native = is_mark(values)
    if not run.native or not native.any():
        return None
    rows, place = np.unique(marked_rows(values[native]), return_inverse=True)
    values[native] = marks(place)
    return run.pool.block.take(rows)


def raw(matrix: Matrix, run: Evaluation) -> Metrics:
    """Lay the samples of a range selector over the union of their times."""
    low, high = matrix.lo[matrix.grid, 0], matrix.hi[matrix.grid, 0]
    series = [
        (labels, times[a:b], values[a:b])
        for (labels, times, values), a, b in zip(matrix.samples, low, high, strict=True)
        if a < b
    ]
    grid = np.unique(np.concatenate([times for _, times, _ in series])) if series else run.times[:0]
    values = np.full((len(series), len(grid)), np.nan)
    present = np.zeros(values.shape, np.bool_)
    for row, (_, times, points) in enumerate(series):
        column = np.searchsorted(grid, times)
        values[row, column], present[row, column] = points, True
    return Metrics(grid, tuple(labels for labels, _, _ in series), values, present, _meta(run, 0), _held(values, run))


def _meta(run: Evaluation, step_ms: int) -> dict[str, object]:
    return {
        "query": run.query,
        "engine": "workbench",
        "semantics": "v2" if run.v2 else "v3",
        "range": (run.start_ms, run.end_ms),
        "step_ms": step_ms,
        "warnings": tuple(run.ledger.warnings),
        "infos": tuple(run.ledger.infos),
        "samples": run.ledger.samples,
        "tier": "raw",
    }
