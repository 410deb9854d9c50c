"""Instant vectors that hold native histograms: operators between points, aggregations, functions of one histogram."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workbench.core.histograms import Histograms, is_mark, marked_rows, marks
from workbench.promql.engine.aggregate import aggregate as aggregate_floats
from workbench.promql.engine.aggregate import grouped
from workbench.promql.engine.evaluation import Evaluation
from workbench.promql.engine.values import Bools, Floats, Vector, nameless
from workbench.promql.native.operations import Pool, combined, equal, scaled
from workbench.promql.native.statistics import fractions, quantiles, variances
from workbench.promql.native.windows import MIXED_LAYOUTS
from workbench.promql.parser.nodes import NAME, Aggregate, Binary, Node

_READ: dict[str, Callable[[Histograms], Floats]] = {
    "histogram_count": lambda block: block.count,
    "histogram_sum": lambda block: block.sum,
    "histogram_avg": lambda block: block.sum / block.count,
    "histogram_stdvar": variances,
    "histogram_stddev": lambda block: np.sqrt(variances(block)),
}
READERS = frozenset(_READ)
_TYPES = {False: "float", True: "histogram"}


def histograms_of(vector: Vector) -> Bools:
    """Mask of the points that are histograms."""
    return vector.present & is_mark(vector.values)


def floats_of(vector: Vector) -> Vector:
    """Leave the histograms out; the series stay."""
    return Vector(vector.labels, vector.values, vector.present & ~is_mark(vector.values))


def read(func: str, vector: Vector, pool: Pool) -> Vector:
    """``histogram_count`` and its kind: one number of each histogram, nothing of floats."""
    at = histograms_of(vector)
    values = np.full(vector.values.shape, np.nan)
    with np.errstate(all="ignore"):
        values[at] = _READ[func](pool.block.take(marked_rows(vector.values[at])))
    return nameless(Vector(vector.labels, values, at).seen())


def read_quantile(vector: Vector, q: Floats, node: Node, run: Evaluation) -> Vector:
    """``histogram_quantile`` of the native histograms of a vector; ``node`` is the place of remarks."""
    at = histograms_of(vector)
    values = np.full(vector.values.shape, np.nan)
    row, step = np.nonzero(at)
    values[at], lost, skewed = quantiles(run.pool.block.take(marked_rows(vector.values[at])), q[step])
    text = "input to histogram_quantile has NaN observations, result is"
    _inform(run, vector, row[lost], f"{text} NaN for metric name", node)
    _inform(run, vector, row[skewed], f"{text} skewed higher for metric name", node)
    return nameless(Vector(vector.labels, values, at).seen())


def read_fraction(vector: Vector, lower: Floats, upper: Floats, node: Node, run: Evaluation) -> Vector:
    """``histogram_fraction`` of the native histograms of a vector."""
    at = histograms_of(vector)
    values = np.full(vector.values.shape, np.nan)
    row, step = np.nonzero(at)
    values[at], odd = fractions(run.pool.block.take(marked_rows(vector.values[at])), lower[step], upper[step])
    text = "input to histogram_fraction has NaN observations, which are excluded from all fractions for metric name"
    _inform(run, vector, row[odd], text, node)
    return nameless(Vector(vector.labels, values, at).seen())


def _inform(run: Evaluation, vector: Vector, rows: NDArray[np.intp], text: str, node: Node) -> None:
    for name in dict.fromkeys(vector.labels[row].get(NAME, "") for row in np.unique(rows)):
        run.inform(f'{text} "{name}"', node)


def negated(vector: Vector, pool: Pool) -> Floats:
    """Values with the sign turned, histograms too."""
    values = -vector.values
    at = histograms_of(vector)
    result = scaled(pool.block.take(marked_rows(vector.values[at])), np.full(int(at.sum()), -1.0))
    values[at] = marks(pool.add(result) + np.arange(len(result)))
    return values


def operated(
    node: Binary, left: Floats, right: Floats, values: Floats, kept: Bools, present: Bools, run: Evaluation
) -> tuple[Floats, Bools, Bools]:
    """Mend the points of a binary operation at which a histogram takes part.

    Parameters
    ----------
    node : Binary
        The binary operation.
    left, right : float arrays of one shape
        Operands; marks stand for histograms.
    values, kept, present : arrays of that shape
        What the operator gives for floats: result, verdict of a comparison, presence.

    Returns
    -------
    values, kept, present : arrays
        Points of types that do not go together are absent, and noted.
    """
    native_left, native_right = is_mark(left), is_mark(right)
    touched = present & (native_left | native_right)
    if not touched.any():
        return values, kept, present
    values, kept, present = values.copy(), kept.copy(), present & ~touched
    both = touched & native_left & native_right
    op, pool = node.op, run.pool
    if op in ("==", "!="):
        verdict = equal(pool.block, marked_rows(left[both]), marked_rows(right[both]))
        kept[both] = verdict == (op == "==")
        done = both
    elif op in ("+", "-"):
        done = _summed(node, left, right, values, both, run)
    elif op in ("*", "/"):
        done = touched & ~both & (native_left | (op == "*"))
        native, factor = np.where(native_left, left, right)[done], np.where(native_left, right, left)[done]
        result = scaled(pool.block.take(marked_rows(native)), factor, divide=op == "/")
        values[done] = marks(pool.add(result) + np.arange(len(result)))
    else:
        done = np.zeros_like(touched)
    refused = touched & ~done if op not in ("+", "-") else touched & ~both
    for one, other in {(bool(a), bool(b)) for a, b in zip(native_left[refused], native_right[refused], strict=True)}:
        text = "incompatible sample types encountered for binary operator"
        run.inform(f'{text} "{op}": {_TYPES[one]} {op} {_TYPES[other]}', node)
    return values, kept, present | done


def _summed(node: Binary, left: Floats, right: Floats, values: Floats, both: Bools, run: Evaluation) -> Bools:
    """Add or subtract histograms where both sides are one; write marks into ``values``, return where."""
    block = run.pool.block
    one, other = marked_rows(left[both]), marked_rows(right[both])
    fits = block.custom[one] == block.custom[other]
    if not fits.all():
        run.warn(f"incompatible bucket layout encountered for binary operator {node.op}", node)
    one, other = one[fits], other[fits]
    number = np.arange(len(one))
    sign = 1.0 if node.op == "+" else -1.0
    weight = np.repeat([1.0, sign], len(one))
    result = combined(block, np.concatenate([one, other]), np.concatenate([number, number]), len(one), weight)
    done = both.copy()
    done[both] = fits
    values[done] = marks(run.pool.add(result) + number)
    return done


def aggregate(node: Aggregate, vector: Vector, run: Evaluation) -> Vector:
    """Evaluate the aggregations without a parameter over floats and histograms."""
    if node.op in ("count", "group"):
        return aggregate_floats(node, vector)
    native = histograms_of(vector)
    answer = aggregate_floats(node, floats_of(vector), v2=run.v2)
    if node.op not in ("sum", "avg"):
        if native.any():
            run.inform(f"ignored histogram in {node.op} aggregation", node.expr)
        return answer.seen()
    _, group = grouped(node, vector.labels)
    row, step = np.nonzero(native)
    steps = vector.values.shape[1]
    cell = group[row] * steps + step
    cells, place = np.unique(cell, return_inverse=True)
    block, rows = run.pool.block, marked_rows(vector.values[native])
    mixed = answer.present.reshape(-1)[cells]
    if mixed.any():
        run.warn("encountered a mix of histograms and floats for aggregation", node.expr)
    bad = mixed | _unlike(block, rows, row, place, len(cells), vector, node, run)
    chosen = np.flatnonzero(~bad)
    renumbered = np.cumsum(~bad) - 1
    inside = ~bad[place]
    members = np.bincount(place, minlength=len(cells))
    weight = 1 / members[place[inside]] if node.op == "avg" else None
    result = combined(block, rows[inside], renumbered[place[inside]], len(chosen), weight)
    values, present = answer.values.copy(), answer.present.copy()
    present.reshape(-1)[cells[mixed]] = False
    values.reshape(-1)[cells[chosen]] = marks(run.pool.add(result) + np.arange(len(result)))
    present.reshape(-1)[cells[chosen]] = True
    return Vector(answer.labels, values, present).seen()


def _unlike(
    block: Histograms,
    rows: NDArray[np.int64],
    series: NDArray[np.intp],
    place: NDArray[np.intp],
    places: int,
    vector: Vector,
    node: Aggregate,
    run: Evaluation,
) -> Bools:
    """Which groups hold histograms that cannot be added; warned about by the name of the first that does not fit."""
    layout = block.custom[rows]
    first = np.zeros(places, np.int64)
    first[place[::-1]] = layout[::-1]
    differs = layout != first[place]
    kinds = (layout < 0) != (first[place] < 0)
    for text, which in zip(MIXED_LAYOUTS, (kinds, differs & ~kinds), strict=True):
        for name in dict.fromkeys(vector.labels[row].get(NAME, "") for row in np.unique(series[which])):
            run.warn(f'{text} "{name}"', node.expr)
    return np.bincount(place, differs, places) > 0
