"""Aggregations over series, for all steps at once; series are added in their order, as Prometheus does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.core.series import LabelKey, Labels, label_key
from workbench.promql.engine.over_time import quantile
from workbench.promql.engine.sums import added, incremental_mean, mean_of, settled
from workbench.promql.engine.values import Floats, Vector, go_float
from workbench.promql.parser.nodes import NAME, Aggregate

Charge = Callable[[int, int], None]
_Groups = tuple[list[Labels], NDArray[np.intp]]


def grouped(node: Aggregate, labels: tuple[Labels, ...]) -> _Groups:
    """Label sets of the groups, in order of appearance, and the group of each series."""
    dropped = {*node.grouping, NAME}
    names: list[Labels] = []
    numbers: dict[LabelKey, int] = {}
    group = np.zeros(len(labels), np.intp)
    for row, own in enumerate(labels):
        if node.without:
            kept = {name: value for name, value in own.items() if name not in dropped}
        else:
            kept = {name: own[name] for name in node.grouping if own.get(name, "") != ""}
        number = numbers.setdefault(label_key(kept), len(names))
        if number == len(names):
            names.append(kept)
        group[row] = number
    return names, group


def aggregate(node: Aggregate, vector: Vector, *, v2: bool = False) -> Vector:
    """Evaluate the aggregations without a parameter; for ``v2`` the spread of one value is 0 whatever it is."""
    names, group = grouped(node, vector.labels)
    shape = (len(names), vector.values.shape[1])
    present = np.zeros(shape, np.bool_)
    for row, number in enumerate(group):
        present[number] |= vector.present[row]
    with np.errstate(all="ignore"):
        match node.op:
            case "sum":
                values = settled(*_totals(vector, group, shape))
            case "avg":
                values = _means(vector, group, shape)
            case "count":
                values = _counts(vector, group, shape)
            case "group":
                values = np.ones(shape)
            case "min" | "max":
                values = _extremes(vector, group, shape, largest=node.op == "max")
            case _:
                values = _spread(vector, group, shape, root=node.op == "stddev", v2=v2)
    return Vector(tuple(names), values, present)


def _totals(vector: Vector, group: NDArray[np.intp], shape: tuple[int, int]) -> tuple[Floats, Floats]:
    total, error = np.zeros(shape), np.zeros(shape)
    whole = bool(vector.present.all())
    for row, number in enumerate(group):
        term = vector.values[row] if whole else np.where(vector.present[row], vector.values[row], 0.0)
        total[number], error[number] = added(total[number], error[number], term)
    return total, error


def _counts(vector: Vector, group: NDArray[np.intp], shape: tuple[int, int]) -> Floats:
    count = np.zeros(shape)
    for row, number in enumerate(group):
        count[number] += vector.present[row]
    return count


def _means(vector: Vector, group: NDArray[np.intp], shape: tuple[int, int]) -> Floats:
    means = mean_of(*_totals(vector, group, shape), _counts(vector, group, shape))
    for number, step in np.argwhere(np.isinf(means)):
        members = vector.values[(group == number) & vector.present[:, step], step]
        if np.isfinite(members).all():
            means[number, step] = incremental_mean(members)
    return means


def _extremes(vector: Vector, group: NDArray[np.intp], shape: tuple[int, int], *, largest: bool) -> Floats:
    pick = np.fmax if largest else np.fmin
    values = np.full(shape, np.nan)
    for row, number in enumerate(group):
        values[number] = pick(values[number], np.where(vector.present[row], vector.values[row], np.nan))
    return values


def _spread(vector: Vector, group: NDArray[np.intp], shape: tuple[int, int], *, root: bool, v2: bool) -> Floats:
    count, mean, square = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for row, number in enumerate(group):
        here = vector.present[row]
        value = vector.values[row]
        count[number] += here
        delta = value - mean[number]
        moved = mean[number] + delta / count[number]
        term = delta * (value - moved)
        term = np.where((count[number] == 1) & (np.isfinite(value) | v2), 0.0, term)
        mean[number] = np.where(here, moved, mean[number])
        square[number] = np.where(here, square[number] + term, square[number])
    variance = square / count
    return np.sqrt(variance) if root else variance


def quantiles(node: Aggregate, vector: Vector, q: Floats) -> Vector:
    """``quantile``: interpolated between the two nearest members of a group."""
    names, group = grouped(node, vector.labels)
    values = np.zeros((len(names), vector.values.shape[1]))
    present = np.zeros(values.shape, np.bool_)
    with np.errstate(all="ignore"):
        for number, members in _members(group, len(names)):
            here = vector.present[members]
            block = np.where(here, vector.values[members], np.nan)
            count = here.sum(axis=0)
            values[number] = quantile(block.T, q, count)
            present[number] = count > 0
    return Vector(tuple(names), values, present)


def _members(group: NDArray[np.intp], groups: int) -> Iterator[tuple[int, NDArray[np.intp]]]:
    for number in range(groups):
        yield number, np.flatnonzero(group == number)


def ranked(node: Aggregate, vector: Vector, k: Floats) -> Vector:
    """``topk`` and ``bottomk``: keep the k largest or smallest of each group at each step.

    Series keep all their labels; at a single step they come in the order of their rank.
    """
    _, group = grouped(node, vector.labels)
    kept = np.zeros(vector.present.shape, np.bool_)
    shown: list[NDArray[np.intp]] = []
    sign = -1.0 if node.op == "topk" else 1.0
    limit = np.clip(np.where(np.isfinite(k), k, 0), 0, len(vector)).astype(np.intp)
    for _, members in _members(group, int(group.max(initial=-1)) + 1):
        here = vector.present[members]
        value = vector.values[members]
        # NaN ranks below every number for both, a missing point below that.
        rank = np.where(here, np.where(np.isnan(value), 1, 0), 2)
        order = np.lexsort((sign * np.where(np.isnan(value), 0.0, value), rank), axis=0)
        place = np.empty_like(order)
        np.put_along_axis(place, order, np.arange(len(members))[:, None], axis=0)
        kept[members] = here & (place < limit)
        shown.append(members[order[:, 0]])
    chosen = Vector(vector.labels, vector.values, kept)
    if vector.values.shape[1] == 1 and shown:
        chosen = chosen.rows(np.concatenate(shown))
    return chosen.seen()


def limited(node: Aggregate, vector: Vector, k: Floats) -> Vector:
    """``limitk``: the first k members of each group at each step, in the order of their labels."""
    keys = [label_key(labels) for labels in vector.labels]
    vector = vector.rows(sorted(range(len(keys)), key=keys.__getitem__))
    _, group = grouped(node, vector.labels)
    kept = np.zeros(vector.present.shape, np.bool_)
    for _, members in _members(group, int(group.max(initial=-1)) + 1):
        kept[members] = vector.present[members] & (np.cumsum(vector.present[members], axis=0) <= k)
    return Vector(vector.labels, vector.values, kept).seen()


def count_values(
    node: Aggregate, vector: Vector, label: str, charge: Charge, write: Callable[[float], str] | None = None
) -> Vector:
    """``count_values``: members of each group by value, the value written into a label by ``write``.

    ``charge(points, series)`` is asked before memory is taken: every distinct value makes a series.
    """
    write = write or go_float
    reduced = [{name: value for name, value in own.items() if name != label} for own in vector.labels]
    names, group = grouped(node, tuple(reduced) if node.without else vector.labels)
    gone = node.without and label in node.grouping
    steps = vector.values.shape[1]
    counts: dict[LabelKey, Floats] = {}
    for number, members in _members(group, len(names)):
        rows, at = np.nonzero(vector.present[members])
        bits, code = np.unique(vector.values[members][rows, at].view(np.int64), return_inverse=True)
        distinct = bits.view(np.float64)
        charge(len(distinct) * steps, len(counts) + len(distinct))
        tally = np.bincount(code * steps + at, minlength=len(distinct) * steps).reshape(len(distinct), steps)
        for value, count in zip(distinct, tally, strict=True):
            key = label_key({**names[number], label: "" if gone else write(value)})
            counts[key] = counts[key] + count if key in counts else count.astype(np.float64)
    if not counts:
        return Vector.empty(steps)
    values = np.stack(list(counts.values()))
    return Vector(tuple(dict(key) for key in counts), values, values > 0)
