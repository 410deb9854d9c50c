"""PromQL evaluated in process: one pass a selector and function, over all steps and series."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np

from workbench.core.errors import ParameterError, QueryTooExpensive
from workbench.core.series import Metrics
from workbench.core.timerange import MINUTE_MS
from workbench.promql.engine import aggregate, answers, binary, sampling
from workbench.promql.engine.calls import Value, call
from workbench.promql.engine.evaluation import Evaluation, Known, Ledger
from workbench.promql.engine.labels import readable, shown
from workbench.promql.engine.store import EvaluationLimits, SampleStore
from workbench.promql.engine.values import (
    SAME_LABELSET,
    DuplicateLabels,
    Floats,
    Ints,
    Scalar,
    Text,
    Vector,
    go_float,
    nameless,
)
from workbench.promql.engine.windows import Matrix, as_samples, sliding
from workbench.promql.native import vectors as native_vectors
from workbench.promql.native import windows as native_windows
from workbench.promql.parser.lexer import rejected
from workbench.promql.parser.nodes import (
    Aggregate,
    Binary,
    Call,
    Node,
    Number,
    Paren,
    Selector,
    String,
    Subquery,
    Unary,
    children,
    walk,
)
from workbench.promql.parser.parse import parse

Semantics = Literal["v2", "v3"]
LOOKBACK_MS = 300_000

#: Functions that read the evaluation time, so their answer moves even over a fixed ``@``.
_TIME_DEPENDENT = frozenset({"time", "timestamp", "predict_linear", "minute", "hour", "month", "year"})
_TIME_DEPENDENT |= {"day_of_week", "day_of_month", "day_of_year", "days_in_month"}


def evaluate_range(
    text: str,
    store: SampleStore,
    *,
    start_ms: int,
    end_ms: int,
    step_ms: int,
    semantics: Semantics = "v3",
    lookback_ms: int = LOOKBACK_MS,
    limits: EvaluationLimits | None = None,
    subquery_step_ms: int = MINUTE_MS,
    experimental: bool = False,
    known: Known | None = None,
) -> Metrics:
    """Evaluate a query at ``start, start + step, ...`` up to and including the end.

    Parameters
    ----------
    text : str
        The query: a scalar or an instant vector.
    store : SampleStore
        Where samples come from; it is asked once for each distinct selector.
    start_ms, end_ms : int
        First and last possible evaluation time. [ms since the epoch]
    step_ms : int
        Distance of evaluation times. [ms]
    semantics : {"v3", "v2"}
        Left-open ranges as in Prometheus 3, or closed ones as in Prometheus 2.
    lookback_ms : int
        How old a sample may be to count as current. [ms]
    limits : EvaluationLimits, optional
        How large an evaluation may be.
    subquery_step_ms : int
        Resolution of subqueries that give none. [ms]
    experimental : bool
        Evaluate functions that Prometheus keeps behind a feature flag.
    known : dict, optional
        What earlier queries over the same samples gave; the buckets of a quantile are taken from it, and put there.

    Returns
    -------
    Metrics
        Series in the order of their labels; ``meta`` holds query, engine, semantics, range, step, warnings, infos.

    Raises
    ------
    QueryRejected
        The query cannot be read or evaluated; with its place.
    QueryTooExpensive
        A limit was reached; the message names it.

    Examples
    --------
    >>> from workbench.core.series import SeriesSet
    >>> from workbench.promql.engine.store import MemoryStore
    >>> store = MemoryStore(SeriesSet.of([({"__name__": "hits_total"}, range(0, 600_000, 60_000), range(0, 600, 60))]))
    >>> evaluate_range("rate(hits_total[5m])", store, start_ms=300_000, end_ms=420_000, step_ms=60_000).values.tolist()
    [[1.0, 1.0, 1.0]]
    """
    if step_ms <= 0 or end_ms < start_ms:
        raise ParameterError(
            f"No steps from {start_ms} to {end_ms} every {step_ms} ms.",
            hint="Give a positive step and an end after the start.",
        )
    limits = limits or EvaluationLimits()
    if (end_ms - start_ms) // step_ms + 1 > limits.max_samples:
        raise QueryTooExpensive(
            f"The range has more steps than max_samples = {limits.max_samples:,}.",
            query=text,
            hint="Ask for a longer step.",
        )
    times = np.arange(start_ms, end_ms + 1, step_ms, dtype=np.int64)
    run = Evaluation(
        text,
        store,
        times,
        start_ms,
        end_ms,
        lookback_ms,
        semantics == "v2",
        experimental,
        subquery_step_ms,
        Ledger(limits, known=known),
    )
    tree = parse(text)
    value = evaluate(tree, run)
    if isinstance(value, Text | Matrix):
        kind = "string" if isinstance(value, Text) else "range vector"
        raise rejected(
            f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector', text, tree.position
        )
    return answers.metrics(value, run, step_ms, ordered=True)


def evaluate_instant(
    text: str,
    store: SampleStore,
    *,
    time_ms: int,
    semantics: Semantics = "v3",
    lookback_ms: int = LOOKBACK_MS,
    limits: EvaluationLimits | None = None,
    subquery_step_ms: int = MINUTE_MS,
    experimental: bool = False,
    known: Known | None = None,
) -> Metrics:
    """Evaluate a query once; the matrix has one step and keeps the order of ``sort`` and ``topk``.

    A range selector gives its samples, one column for every distinct time. Parameters as in :func:`evaluate_range`.

    Examples
    --------
    >>> from workbench.promql.engine.store import MemoryStore
    >>> from workbench.core.series import SeriesSet
    >>> evaluate_instant("1 + 2", MemoryStore(SeriesSet.empty()), time_ms=0).values.tolist()
    [[3.0]]
    """
    times = np.array([time_ms], np.int64)
    run = Evaluation(
        text,
        store,
        times,
        time_ms,
        time_ms,
        lookback_ms,
        semantics == "v2",
        experimental,
        subquery_step_ms,
        Ledger(limits or EvaluationLimits(), known=known),
    )
    value = evaluate(parse(text), run)
    if isinstance(value, Text):
        raise rejected("a string has no samples", text, 0, hint="Strings are arguments of functions.")
    if isinstance(value, Matrix):
        return answers.raw(value, run)
    return answers.metrics(value, run, 0, ordered=False)


def evaluate(node: Node, run: Evaluation) -> Value:
    """Evaluate a part of a query at all steps of ``run``."""
    run.check()
    if (
        run.steps > 1
        and _constant(node)
        and not _gives_matrix(node)
        and any(isinstance(n, Selector) for n in walk(node))
    ):
        return _repeated(evaluate(node, run.over(run.times[:1])), run.steps)
    try:
        return _dispatch(node, run)
    except DuplicateLabels:
        raise run.reject(
            SAME_LABELSET, node, hint="Aggregate, or match one metric name: names are dropped by this operation."
        ) from None
    except binary.MatchingError as fault:
        raise run.reject(
            str(fault), node, hint="Say on(...) or ignoring(...) which labels pair the series, or aggregate one side."
        ) from None


def _dispatch(node: Node, run: Evaluation) -> Value:
    match node:
        case Number(value=value):
            return Scalar(np.full(run.steps, value))
        case String(value=value):
            return Text(value)
        case Paren(expr=expr):
            return evaluate(expr, run)
        case Unary(expr=expr):
            inner = evaluate(expr, run)
            if isinstance(inner, Scalar):
                return Scalar(-inner.values)
            assert isinstance(inner, Vector)
            turned = native_vectors.negated(inner, run.pool) if run.native else -inner.values
            return nameless(Vector(inner.labels, turned, inner.present))
        case Selector(range_ms=None):
            return run.vector(node)
        case Selector():
            return run.matrix(node)
        case Subquery():
            return _subquery(node, run)
        case Call():
            return call(node, run, evaluate)
        case Aggregate():
            return _aggregate(node, run)
        case Binary():
            return _binary(node, run)


def _constant(node: Node) -> bool:
    """Whether every step gives the same answer because ``@`` fixes all times."""
    match node:
        case Selector(at=at) | Subquery(at=at):
            return at is not None
        case Call(func=func) if func in _TIME_DEPENDENT:
            return False
    return all(_constant(child) for child in children(node))


def _gives_matrix(node: Node) -> bool:
    while isinstance(node, Paren):
        node = node.expr
    return isinstance(node, Subquery) or (isinstance(node, Selector) and node.range_ms is not None)


def _repeated(value: Value, steps: int) -> Value:
    match value:
        case Scalar(values=values):
            return Scalar(np.broadcast_to(values, (steps,)))
        case Vector(labels=labels, values=points, present=present):
            shape = (len(labels), steps)
            return Vector(labels, np.broadcast_to(points, shape), np.broadcast_to(present, shape))
    return value


def _subquery(node: Subquery, run: Evaluation) -> Matrix:
    """Evaluate inside once, on the absolute multiples of the step that some window needs."""
    step = node.step_ms or run.subquery_step_ms
    ends = run.ends(node.offset_ms, node.at)
    opening = int(ends[0]) - node.range_ms
    first = opening + (-opening) % step
    if first == opening and not run.v2:
        first += step
    run.charge(max(0, (int(ends[-1]) - first) // step), 0)
    times: Ints = np.arange(first, int(ends[-1]) + 1, step, dtype=np.int64)
    if not len(times):
        vector = Vector.empty(0)
    else:
        inner = evaluate(node.expr, run.over(times))
        if isinstance(inner, Scalar):
            inner = Vector(({},), inner.values[None, :], np.ones((1, len(times)), np.bool_))
        assert isinstance(inner, Vector)
        vector = inner.seen()
    samples = as_samples(vector, times)
    if run.native:
        samples = native_windows.resampled(samples, run.pool)
    return sliding(samples, range_ms=node.range_ms, ends=ends, evaluated=run.times, closed=run.v2)


def _aggregate(node: Aggregate, run: Evaluation) -> Vector:
    if node.op in ("limitk", "limit_ratio") and not run.experimental:
        raise run.reject(f"{node.op} is experimental in Prometheus and not evaluated here", node)
    vector = evaluate(node.expr, run)
    assert isinstance(vector, Vector)
    if node.param is None:
        if run.native:
            return native_vectors.aggregate(node, vector, run)
        return aggregate.aggregate(node, vector, v2=run.v2)
    param = evaluate(node.param, run)
    if isinstance(param, Text):
        if not param.value or not readable(param.value):
            raise run.reject(f'invalid label name "{shown(param.value)}"', node.param)
        return aggregate.count_values(node, vector, param.value, run.charge, run.written)
    assert isinstance(param, Scalar)
    if run.native and node.op in ("quantile", "topk", "bottomk") and native_vectors.histograms_of(vector).any():
        run.inform(f"ignored histogram in {node.op} aggregation", node.expr if node.op == "quantile" else node)
        vector = native_vectors.floats_of(vector).seen()
    if node.op == "quantile":
        for value in np.unique(param.values[~((param.values >= 0) & (param.values <= 1))]):
            run.warn(f"quantile value should be between 0 and 1, got {go_float(float(value))}", node.param)
        return aggregate.quantiles(node, vector, param.values)
    wild = param.values[~(np.abs(param.values) < 2.0**63)]
    if len(wild) and node.op != "limit_ratio":
        raise run.reject(f"Scalar value {wild[0]:g} overflows int64", node.param)
    if node.op == "limitk":
        return aggregate.limited(node, vector, param.values)
    if node.op == "limit_ratio":
        return _sampled(node, vector, param.values, run)
    if node.op in ("topk", "bottomk"):
        return aggregate.ranked(node, vector, param.values)
    raise run.reject(f"{node.op} is not evaluated here", node)


def _sampled(node: Aggregate, vector: Vector, ratio: Floats, run: Evaluation) -> Vector:
    assert node.param is not None
    if np.isnan(ratio).any():
        raise run.reject("Ratio value is NaN", node.param)
    for value in np.unique(ratio[np.abs(ratio) > 1]):
        text = f"ratio value should be between -1 and 1, got {go_float(float(value))}, capping to {np.sign(value):.0f}"
        run.warn(text, node.param)
    return sampling.sampled(vector, np.clip(ratio, -1.0, 1.0))


def _binary(node: Binary, run: Evaluation) -> Value:
    lhs, rhs = evaluate(node.lhs, run), evaluate(node.rhs, run)
    if isinstance(lhs, Scalar) and isinstance(rhs, Scalar):
        return binary.scalars(node.op, lhs, rhs)
    mend = partial(native_vectors.operated, node, run=run) if run.native else None
    if isinstance(lhs, Vector) and isinstance(rhs, Scalar):
        return binary.with_scalar(node, lhs, rhs, scalar_left=False, mend=mend, v2=run.v2)
    if isinstance(lhs, Scalar) and isinstance(rhs, Vector):
        return binary.with_scalar(node, rhs, lhs, scalar_left=True, mend=mend, v2=run.v2)
    assert isinstance(lhs, Vector)
    assert isinstance(rhs, Vector)
    if node.op in ("and", "or", "unless"):
        return binary.set_operation(node, lhs, rhs)
    return binary.between(node, lhs, rhs, run.charge, mend, v2=run.v2)
