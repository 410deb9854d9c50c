"""Function calls: which rule of evaluation each function follows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from workbench.core.errors import QueryRejected
from workbench.core.histograms import is_mark
from workbench.promql.engine import over_time, rates
from workbench.promql.engine.evaluation import Evaluation
from workbench.promql.engine.functions import DATE_PARTS, ELEMENTWISE, clamped, date_part, rounded
from workbench.promql.engine.histogram import Buckets, Findings, apart, bucket_fraction, bucket_quantile, per_histogram
from workbench.promql.engine.labels import absent_labels, joiner, natural, readable, replacer, shown
from workbench.promql.engine.values import (
    DuplicateLabels,
    Floats,
    Ints,
    Scalar,
    Text,
    Vector,
    go_float,
    merged,
    nameless,
    relabelled,
)
from workbench.promql.engine.windows import Kernel, Matrix
from workbench.promql.native import vectors as native_vectors
from workbench.promql.native import windows as native_windows
from workbench.promql.parser.nodes import NAME, Call, Node, Selector, bare

Value = Scalar | Text | Vector | Matrix
Evaluate = Callable[[Node, Evaluation], Value]

EXPERIMENTAL = frozenset(
    {
        "double_exponential_smoothing",
        "info",
        "mad_over_time",
        "sort_by_label",
        "sort_by_label_desc",
        "ts_of_first_over_time",
        "ts_of_last_over_time",
        "ts_of_max_over_time",
        "ts_of_min_over_time",
        "first_over_time",
        "histogram_quantiles",
    }
)
_NOT_EVALUATED = frozenset({"info", "histogram_quantiles", "ts_of_first_over_time"})
_COUNTER_ENDINGS = ("_total", "_sum", "_count", "_bucket")

#: Functions of windows alone.
_OVER_WINDOWS: dict[str, Kernel] = {
    "avg_over_time": over_time.avg_over_time,
    "changes": partial(rates.events, resets=False),
    "count_over_time": over_time.count_over_time,
    "first_over_time": over_time.first_over_time,
    "idelta": partial(rates.instant_change, counter=False, per_second=False),
    "irate": partial(rates.instant_change, counter=True, per_second=True),
    "last_over_time": over_time.last_over_time,
    "mad_over_time": over_time.mad_over_time,
    "max_over_time": partial(over_time.extreme_over_time, largest=True),
    "min_over_time": partial(over_time.extreme_over_time, largest=False),
    "present_over_time": over_time.present_over_time,
    "resets": partial(rates.events, resets=True),
    "stddev_over_time": partial(over_time.spread_over_time, root=True),
    "stdvar_over_time": partial(over_time.spread_over_time, root=False),
    "sum_over_time": over_time.sum_over_time,
    "ts_of_last_over_time": over_time.last_time,
    "ts_of_max_over_time": partial(over_time.extreme_time, largest=True),
    "ts_of_min_over_time": partial(over_time.extreme_time, largest=False),
}
#: Functions whose answer is still the metric itself.
_KEEP_NAME = frozenset({"last_over_time", "first_over_time"})


def call(node: Call, run: Evaluation, evaluate: Evaluate) -> Value:
    """Evaluate a function call; the parser has checked number and types of the arguments."""
    func, args = node.func, node.args
    if func in EXPERIMENTAL and not run.experimental:
        raise run.reject(f"{func}() is experimental in Prometheus and not evaluated here", node)
    if func in _NOT_EVALUATED:
        raise run.reject(f"{func}() is not evaluated here", node)
    if func in native_vectors.READERS:
        return native_vectors.read(func, _vector(args[0], run, evaluate), run.pool)
    match func:
        case "time":
            return Scalar(run.times / 1000.0)
        case "pi":
            return Scalar(np.full(run.steps, np.pi))
        case "vector":
            values = _scalar(args[0], run, evaluate)[None, :]
            return Vector(({},), values, np.ones(values.shape, np.bool_))
        case "scalar":
            return _single(_floats(args[0], run, evaluate))
        case "timestamp":
            return _timestamp(args[0], run, evaluate)
        case "absent":
            return _absence(_vector(args[0], run, evaluate), args[0])
        case "absent_over_time":
            return _absence(_matrix(args[0], run, evaluate).apply(over_time.count_over_time), args[0])
        case "label_replace" | "label_join":
            return _relabel(node, run, evaluate)
        case "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc":
            return _sorted(node, run, evaluate)
        case "histogram_quantile":
            return _histogram_quantile(node, run, evaluate)
        case "histogram_fraction":
            return _histogram_fraction(node, run, evaluate)
    if func in ELEMENTWISE or func in DATE_PARTS or func in ("round", "clamp", "clamp_min", "clamp_max"):
        return _of_points(node, run, evaluate)
    return _of_windows(node, run, evaluate)


def _vector(node: Node, run: Evaluation, evaluate: Evaluate) -> Vector:
    value = evaluate(node, run)
    assert isinstance(value, Vector)
    return value


def _known(node: Node, run: Evaluation, evaluate: Evaluate) -> Vector:
    """Evaluate a vector once for all queries over one state of the samples, if there is nothing to say of it.

    Several quantiles are asked of the same buckets.
    """
    ledger = run.ledger
    if ledger.known is None:
        return _vector(node, run, evaluate)
    times = run.times.tobytes(), run.start_ms, run.end_ms
    key = node, times, run.lookback_ms, run.v2, run.experimental, run.subquery_step_ms
    if key in ledger.known:
        vector, samples = ledger.known[key]
        run.charge(samples, len(vector))
        return vector
    before, warnings, infos = ledger.samples, ledger.warnings, ledger.infos
    ledger.warnings, ledger.infos = {}, {}
    vector = _vector(node, run, evaluate)
    if not (ledger.warnings or ledger.infos or run.native):
        vector.values.flags.writeable = vector.present.flags.writeable = False
        ledger.known[key] = vector, ledger.samples - before
    ledger.warnings, ledger.infos = warnings | ledger.warnings, infos | ledger.infos
    return vector


def _floats(node: Node, run: Evaluation, evaluate: Evaluate) -> Vector:
    """Vector without its histograms, which functions of single floats pass over."""
    vector = _vector(node, run, evaluate)
    return native_vectors.floats_of(vector).seen() if run.native else vector


def _matrix(node: Node, run: Evaluation, evaluate: Evaluate) -> Matrix:
    value = evaluate(node, run)
    assert isinstance(value, Matrix)
    return value


def _scalar(node: Node, run: Evaluation, evaluate: Evaluate) -> Floats:
    value = evaluate(node, run)
    assert isinstance(value, Scalar)
    return value.values


def _text(node: Node, run: Evaluation, evaluate: Evaluate) -> str:
    value = evaluate(node, run)
    assert isinstance(value, Text)
    return value.value


def _single(vector: Vector) -> Scalar:
    """Value of the only series at each step, NaN where there is none or several."""
    alone = vector.present.sum(axis=0) == 1
    values = np.where(vector.present, vector.values, 0.0).sum(axis=0)
    return Scalar(np.where(alone, values, np.nan))


def _timestamp(arg: Node, run: Evaluation, evaluate: Evaluate) -> Vector:
    selector = bare(arg)
    if isinstance(selector, Selector):
        return nameless(run.vector(selector, sample_times=True))
    vector = _vector(arg, run, evaluate)
    return nameless(Vector(vector.labels, np.broadcast_to(run.times / 1000.0, vector.values.shape), vector.present))


def _absence(vector: Vector, arg: Node) -> Vector:
    """1 at the steps where no series has a point."""
    absent = np.asarray(~vector.present.any(axis=0, keepdims=True))
    return Vector((absent_labels(arg),), np.ones(absent.shape), absent).seen()


def _relabel(node: Call, run: Evaluation, evaluate: Evaluate) -> Vector:
    vector = _vector(node.args[0], run, evaluate)
    target, *rest = (_text(arg, run, evaluate) for arg in node.args[1:])
    if not target or not readable(target):
        raise run.reject(f"invalid destination label name in {node.func}(): {shown(target)}", node.args[1])
    unreadable = next((text for text in rest if not readable(text)), None)
    if unreadable is not None:
        raise run.reject(f'invalid UTF-8 in "{shown(unreadable)}"', node)
    if node.func == "label_join":
        return relabelled(vector, joiner(target, rest[0], rest[1:]))
    try:
        return relabelled(vector, replacer(vector.labels, target, *rest))
    except QueryRejected as fault:
        raise run.reject(fault.message, node.args[4], hint=fault.hint) from None


def _sorted(node: Call, run: Evaluation, evaluate: Evaluate) -> Vector:
    """Order series; over several steps there is no one order of values, and Prometheus ignores it."""
    vector = (_vector if node.func.startswith("sort_by_label") else _floats)(node.args[0], run, evaluate)
    descending = node.func.endswith("_desc")
    if node.func.startswith("sort_by_label"):
        names = [_text(arg, run, evaluate) for arg in node.args[1:]]
        keys = [([natural(labels.get(name, "")) for name in names], sorted(labels.items())) for labels in vector.labels]
        return vector.rows(sorted(range(len(vector)), key=keys.__getitem__, reverse=descending))
    if run.steps != 1:
        return vector
    value = vector.values[:, 0]
    return vector.rows(np.lexsort((-value if descending else value, np.isnan(value))))


def _of_points(node: Call, run: Evaluation, evaluate: Evaluate) -> Vector:
    func, args = node.func, node.args
    if not args:
        values = (run.times / 1000.0)[None, :]
        vector = Vector(({},), values, np.ones(values.shape, np.bool_))
    else:
        vector = _floats(args[0], run, evaluate)
    bounds = [_scalar(arg, run, evaluate) for arg in args[1:]]
    values, present = vector.values, vector.present
    with np.errstate(all="ignore"):
        if func in ELEMENTWISE:
            values = ELEMENTWISE[func](values)
        elif func in DATE_PARTS:
            values = date_part(func, values)
        elif func == "round":
            values = rounded(values, bounds[0] if bounds else np.ones(run.steps))
        else:
            endless = np.full(run.steps, np.inf)
            low = -endless if func == "clamp_max" else bounds[0]
            high = endless if func == "clamp_min" else bounds[-1]
            values, present = clamped(values, present, low, high)
    return nameless(Vector(vector.labels, values, present).seen())


def _of_windows(node: Call, run: Evaluation, evaluate: Evaluate) -> Vector:
    func, args = node.func, node.args
    kernel: Kernel
    matrix_arg = 1 if func == "quantile_over_time" else 0
    if func == "avg_over_time" and run.v2:
        kernel = over_time.running_avg_over_time
    elif func in _OVER_WINDOWS:
        kernel = _OVER_WINDOWS[func]
    elif func in ("rate", "increase", "delta"):
        counter, per_second = func != "delta", func == "rate"
        kernel = partial(rates.extrapolated, counter=counter, per_second=per_second, v2=run.v2)
    elif func == "deriv":
        kernel = rates.deriv
    elif func == "predict_linear":
        kernel = partial(rates.predicted, ahead=_scalar(args[1], run, evaluate))
    elif func == "quantile_over_time":
        q = _scalar(args[0], run, evaluate)
        _check_quantile(q, node, run)
        kernel = partial(over_time.quantile_over_time, q=q)
    elif func == "double_exponential_smoothing":
        factors = [_scalar(arg, run, evaluate) for arg in args[1:]]
        for factor, word in zip(factors, ("smoothing", "trend"), strict=True):
            if not ((factor > 0) & (factor < 1)).all():
                raise run.reject(f"invalid {word} factor. Expected: 0 < {word[0]}f < 1, got: {factor[0]:f}", node)
        kernel = partial(over_time.smoothed, smoothing=factors[0], trend_factor=factors[1])
    else:
        raise run.reject(f"{func}() is not evaluated here", node)
    matrix = _matrix(args[matrix_arg], run, evaluate)
    if run.native and is_mark(matrix.samples.values).any():
        vector = _mixed(node, matrix, kernel, run)
    else:
        vector = matrix.apply(kernel, run.check)
    run.charge(vector.values.size, len(vector))
    if func in ("rate", "increase"):
        _note_gauges(matrix, args[0], run)
    if func in _KEEP_NAME:
        return vector
    _check_distinct(vector)
    return nameless(vector)


def _mixed(node: Call, matrix: Matrix, kernel: Kernel, run: Evaluation) -> Vector:
    """Evaluate a function over windows that hold histograms."""
    answer = native_windows.over_windows(node.func, matrix, kernel, run.pool, run.check, v2=run.v2)
    place = node.args[-1] if node.func == "quantile_over_time" else node.args[0]
    for text, name in answer.warnings:
        run.warn(f'{text} "{name}"', place)
    for text, name in answer.infos:
        run.inform(f'{text} "{name}"', place)
    return Vector(matrix.labels, answer.values, answer.present).seen()


def _check_distinct(vector: Vector) -> None:
    """Series that differ only by name collide even when their points never share a step."""
    if len({frozenset((k, v) for k, v in labels.items() if k != NAME) for labels in vector.labels}) < len(vector):
        raise DuplicateLabels


def _note_gauges(matrix: Matrix, arg: Node, run: Evaluation) -> None:
    native = is_mark(matrix.samples.values)
    floats = np.add.reduceat(~native, matrix.samples.offsets[:-1]) if native.any() else np.ones(len(matrix.labels))
    for name in dict.fromkeys(matrix.labels[row].get(NAME, "") for row in np.flatnonzero(floats)):
        if name and not name.endswith(_COUNTER_ENDINGS):
            run.inform(f'metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "{name}"', arg)


def _check_quantile(q: Floats, node: Call, run: Evaluation) -> None:
    for value in np.unique(q[np.isnan(q) | (q < 0) | (q > 1)]):
        run.warn(f"quantile value should be between 0 and 1, got {go_float(float(value))}", node.args[0])


def _histogram_quantile(node: Call, run: Evaluation, evaluate: Evaluate) -> Vector:
    q = _scalar(node.args[0], run, evaluate)
    vector = _known(node.args[1], run, evaluate)
    _check_quantile(q, node, run)
    findings = Findings([], set())

    def read(buckets: Buckets, steps: Ints, metric: str) -> Floats:
        result, repaired = bucket_quantile(q[steps], buckets)
        if repaired:
            findings.repaired.add(metric)
        return result

    classic, native = _by_kind(vector, node, run, findings)
    result = per_histogram(classic, read, findings)
    for metric in sorted(findings.repaired):
        run.inform(
            "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/"
            f'prometheus/latest/querying/functions/#histogram_quantile) for metric name "{metric}"',
            node.args[1],
        )
    _note_bad_buckets(findings, node, run)
    return result if native is None else _both(native_vectors.read_quantile(native, q, node.args[0], run), result)


def _histogram_fraction(node: Call, run: Evaluation, evaluate: Evaluate) -> Vector:
    low, high = (_scalar(arg, run, evaluate) for arg in node.args[:2])
    vector = _vector(node.args[2], run, evaluate)
    findings = Findings([], set())

    def read(buckets: Buckets, steps: Ints, metric: str) -> Floats:
        return bucket_fraction(low[steps], high[steps], buckets)

    classic, native = _by_kind(vector, node, run, findings)
    if run.v2:
        classic = Vector.empty(run.steps)  # Prometheus 2 knows fractions of native histograms alone
    result = per_histogram(classic, read, findings)
    _note_bad_buckets(findings, node, run)
    if native is None:
        return result
    return _both(native_vectors.read_fraction(native, low, high, node.args[0], run), result)


def _by_kind(vector: Vector, node: Call, run: Evaluation, findings: Findings) -> tuple[Vector, Vector | None]:
    """Classic buckets and native histograms of a vector; where both tell of the same labels neither is taken."""
    if not run.native or not native_vectors.histograms_of(vector).any():
        return vector, None
    classic, native, clashing = apart(vector, native_vectors.histograms_of(vector))
    for name in clashing:
        run.warn(f'vector contains a mix of classic and native histograms for metric name "{name}"', node.args[-1])
    return classic, native


def _both(native: Vector, classic: Vector) -> Vector:
    return merged(
        Vector(
            native.labels + classic.labels,
            np.concatenate([native.values, classic.values]),
            np.concatenate([native.present, classic.present]),
        ).seen()
    )


def _note_bad_buckets(findings: Findings, node: Call, run: Evaluation) -> None:
    for metric, text in dict.fromkeys(findings.bad_labels):
        run.warn(
            f'bucket label "le" is missing or has a malformed value of "{text}" for metric name "{metric}"',
            node.args[-1],
        )
