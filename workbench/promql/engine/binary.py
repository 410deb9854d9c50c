"""Binary operators: arithmetic, comparison and set operators between scalars and vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from workbench.core.series import LabelKey, Labels, label_key
from workbench.promql.engine.aggregate import Charge
from workbench.promql.engine.values import (
    Bools,
    DuplicateLabels,
    Floats,
    Scalar,
    Vector,
    merged,
    nameless,
    without_name,
)
from workbench.promql.parser.nodes import NAME, Binary, Matching

ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISON: dict[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    ">": np.greater,
    "<=": np.less_equal,
    ">=": np.greater_equal,
}


#: Mends the points at which a histogram takes part: of operands, result, verdict and presence makes the last three.
Mend = Callable[[Floats, Floats, Floats, Bools, Bools], tuple[Floats, Bools, Bools]]


class MatchingError(Exception):
    """Series cannot be paired; the engine turns it into a rejection with a place."""


def scalars(op: str, lhs: Scalar, rhs: Scalar) -> Scalar:
    """Apply an operator to two scalars; a comparison gives 0 or 1."""
    with np.errstate(all="ignore"):
        if op in ARITHMETIC:
            return Scalar(ARITHMETIC[op](lhs.values, rhs.values))
        return Scalar(COMPARISON[op](lhs.values, rhs.values).astype(np.float64))


def with_scalar(
    node: Binary, vector: Vector, scalar: Scalar, *, scalar_left: bool, mend: Mend | None = None, v2: bool = False
) -> Vector:
    """Apply an operator to each point of a vector and a scalar; a comparison without ``bool`` filters."""
    same = np.broadcast_to(scalar.values, vector.values.shape)
    sides = (same, vector.values) if scalar_left else (vector.values, same)
    values, present = operated(node, *sides, vector.present, vector.values, mend)
    if drops_name(node, v2):
        return nameless(Vector(vector.labels, values, present).seen())
    return Vector(vector.labels, values, present).seen()


def drops_name(node: Binary, v2: bool) -> bool:
    """Whether a result is no longer the metric it was made from; Prometheus 2 forgot that of ``atan2``."""
    return node.returns_bool or (node.op in ARITHMETIC and not (v2 and node.op == "atan2"))


def operated(
    node: Binary, left: Floats, right: Floats, present: Bools, filtered: Floats, mend: Mend | None
) -> tuple[Floats, Bools]:
    """Apply an operator to paired points; ``filtered`` is what a comparison without ``bool`` lets through."""
    with np.errstate(all="ignore"):
        if node.op in ARITHMETIC:
            values, kept = ARITHMETIC[node.op](left, right), None
        else:
            values, kept = filtered, COMPARISON[node.op](left, right)
    if mend is not None:
        every = np.ones(present.shape, np.bool_) if kept is None else kept
        values, every, present = mend(left, right, values, every, present)
        kept = None if kept is None else every
    if kept is None:
        return values, present
    return (kept.astype(np.float64), present) if node.returns_bool else (values, present & kept)


def signature(matching: Matching, labels: Labels) -> LabelKey:
    """Return the part of a label set by which series are paired."""
    if matching.on:
        return label_key({name: labels.get(name, "") for name in matching.labels})
    ignored = {*matching.labels, NAME}
    return label_key({name: value for name, value in labels.items() if name not in ignored})


def set_operation(node: Binary, lhs: Vector, rhs: Vector) -> Vector:
    """``and``, ``or``, ``unless``."""
    left = [signature(node.matching, labels) for labels in lhs.labels]
    right = [signature(node.matching, labels) for labels in rhs.labels]
    if node.op == "or":
        hidden = _any_of(left, lhs.present, right)
        return merged(
            Vector(
                lhs.labels + rhs.labels,
                np.concatenate([lhs.values, rhs.values]),
                np.concatenate([lhs.present, rhs.present & ~hidden]),
            ).seen()
        )
    matched = _any_of(right, rhs.present, left)
    return Vector(lhs.labels, lhs.values, lhs.present & (matched if node.op == "and" else ~matched)).seen()


def _any_of(keys: list[LabelKey], present: Bools, wanted: list[LabelKey]) -> Bools:
    """For each wanted signature and step, whether some series with it is present."""
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    some = np.zeros((len(numbers) + 1, present.shape[1]), np.bool_)
    for row, key in enumerate(keys):
        some[numbers[key]] |= present[row]
    return some[[numbers.get(key, -1) for key in wanted]] if wanted else some[:0]


def between(
    node: Binary, lhs: Vector, rhs: Vector, charge: Charge, mend: Mend | None = None, *, v2: bool = False
) -> Vector:
    """Apply an operator to the paired points of two vectors; ``charge`` is asked for the size before memory is taken.

    Raises
    ------
    MatchingError
        With Prometheus' words: several series on a side that must be unique at some step.
    """
    matching = node.matching
    many, one = (rhs, lhs) if matching.group == "right" else (lhs, rhs)
    if matching.fills:
        many, one = _filled(matching, many, one)
    if not len(many) or not len(one):
        return Vector.empty(lhs.values.shape[1])
    many_keys = [signature(matching, labels) for labels in many.labels]
    one_rows: dict[LabelKey, list[int]] = {}
    for row, labels in enumerate(one.labels):
        one_rows.setdefault(signature(matching, labels), []).append(row)
    _check_one_side(node, one, one_rows, np.asarray(many.present.any(axis=0)))
    count = sum(len(one_rows.get(key, ())) for key in many_keys)
    charge(count * lhs.values.shape[1], count)
    pairs = [(i, j) for i, key in enumerate(many_keys) for j in one_rows.get(key, ())]
    if not pairs:
        return Vector.empty(lhs.values.shape[1])
    i, j = np.array(pairs, np.intp).T
    sides = (one.values[j], many.values[i]) if matching.group == "right" else (many.values[i], one.values[j])
    values, present = operated(node, *sides, many.present[i] & one.present[j], sides[0], mend)
    if not matching.group:
        _check_many_side([many_keys[row] for row in i], present)
    names = tuple(_result_labels(node, many.labels[a], one.labels[b], v2) for a, b in pairs)
    result = Vector(names, values, present).seen()
    try:
        return merged(result)
    except DuplicateLabels:
        if matching.group:
            raise MatchingError("multiple matches for labels: grouping labels must ensure unique matches") from None
        raise


def _filled(matching: Matching, many: Vector, one: Vector) -> tuple[Vector, Vector]:
    """Give each side a series for every group of labels that it lacks at some step and the other side has.

    Under ``group_right`` Prometheus swaps the operands and keeps the fills, so ``fill_left`` fills the side of many
    series, and ``fill_right`` the side of one, whichever stands left.
    """
    return (
        _completed(matching, many, one, matching.fill_left),
        _completed(matching, one, many, matching.fill_right),
    )


def _completed(matching: Matching, side: Vector, other: Vector, fill: float | None) -> Vector:
    if fill is None:
        return side
    keys = [signature(matching, labels) for labels in other.labels]
    wanted = list(dict.fromkeys(keys))
    own = [signature(matching, labels) for labels in side.labels]
    missing = _any_of(keys, other.present, wanted) & ~_any_of(own, side.present, wanted)
    shape = (len(wanted), side.values.shape[1])
    return Vector(
        side.labels + tuple(dict(key) for key in wanted),
        np.concatenate([side.values, np.full(shape, fill)]),
        np.concatenate([side.present, missing.reshape(shape)]),
    ).seen()


def _check_one_side(node: Binary, one: Vector, rows: dict[LabelKey, list[int]], wanted: Bools) -> None:
    for key, members in rows.items():
        if len(members) < 2:
            continue
        twice = (one.present[members].sum(axis=0) > 1) & wanted
        if twice.any():
            step = int(np.flatnonzero(twice)[0])
            shown = [label_text(one.labels[row]) for row in members if one.present[row, step]][:2]
            side = "left" if node.matching.group == "right" else "right"
            raise MatchingError(
                f"found duplicate series for the match group {label_text(dict(key))} on the {side} hand-side of the "
                f"operation: [{', '.join(reversed(shown))}];many-to-many matching not allowed: matching labels must "
                "be unique on one side"
            )


def _check_many_side(keys: Sequence[LabelKey], present: Bools) -> None:
    taken: dict[LabelKey, Bools] = {}
    for row, key in enumerate(keys):
        before = taken.get(key)
        if before is None:
            taken[key] = present[row]
            continue
        if (before & present[row]).any():
            raise MatchingError(
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            )
        taken[key] = before | present[row]


def _result_labels(node: Binary, many: Labels, one: Labels, v2: bool) -> Labels:
    matching = node.matching
    labels = dict(without_name(many) if node.op in ARITHMETIC and drops_name(node, v2) else many)
    if not matching.group:
        if matching.on:
            labels = {name: value for name, value in labels.items() if name in matching.labels}
        else:
            labels = {name: value for name, value in labels.items() if name not in matching.labels}
    for name in matching.include:
        if one.get(name, ""):
            labels[name] = one[name]
        else:
            labels.pop(name, None)
    return without_name(labels) if node.returns_bool else labels


def label_text(labels: Labels) -> str:
    """Write a label set as Prometheus writes it."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}"
