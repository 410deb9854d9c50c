"""What expressions evaluate to, over all steps at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.series import LabelKey, Labels, label_key
from workbench.promql.parser.nodes import NAME

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

SAME_LABELSET = "vector cannot contain metrics with the same labelset"


@dataclass(frozen=True)
class Vector:
    """An instant vector at every step: row ``i`` is one series, absent where ``present`` is False.

    ``values`` is meaningless where a point is absent; readers mask it.
    """

    labels: tuple[Labels, ...]
    values: Floats
    present: Bools

    @classmethod
    def empty(cls, steps: int) -> Vector:
        """Return a vector without series."""
        return cls((), np.zeros((0, steps)), np.zeros((0, steps), np.bool_))

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, index: NDArray[np.intp] | Sequence[int]) -> Vector:
        """Pick some of the series, in the order given."""
        return Vector(tuple(self.labels[i] for i in index), self.values[index], self.present[index])

    def seen(self) -> Vector:
        """Keep only the series that have a point at some step."""
        some = self.present.any(axis=1)
        return self if some.all() else self.rows(np.flatnonzero(some))


@dataclass(frozen=True)
class Scalar:
    """One number at every step."""

    values: Floats


@dataclass(frozen=True)
class Text:
    """A string."""

    value: str


class DuplicateLabels(Exception):
    """Two points of one step have equal labels; the engine turns it into a rejection with a place."""


def without_name(labels: Labels) -> Labels:
    """Return the label set without the metric name."""
    return {name: value for name, value in labels.items() if name != NAME}


def merged(vector: Vector) -> Vector:
    """Join rows with equal labels whose points lie at different steps.

    Raises
    ------
    DuplicateLabels
        Two of them have a point at the same step.
    """
    keys = [label_key(labels) for labels in vector.labels]
    if len(set(keys)) == len(keys):
        return vector
    owner: dict[LabelKey, int] = {}
    values, present = vector.values.copy(), vector.present.copy()
    kept = []
    for row, key in enumerate(keys):
        first = owner.setdefault(key, row)
        if first == row:
            kept.append(row)
            continue
        if (present[first] & present[row]).any():
            raise DuplicateLabels
        values[first] = np.where(present[row], values[row], values[first])
        present[first] |= present[row]
    return Vector(tuple(vector.labels[row] for row in kept), values[kept], present[kept])


def relabelled(vector: Vector, change: Callable[[Labels], Labels]) -> Vector:
    """Give every series new labels and join what has become equal."""
    return merged(Vector(tuple(change(labels) for labels in vector.labels), vector.values, vector.present))


def nameless(vector: Vector) -> Vector:
    """Drop the metric names, as every operation that changes the meaning of a value does."""
    return relabelled(vector, without_name)


def go_float(value: float) -> str:
    """Write a float as Prometheus writes it in labels: shortest digits, never an exponent.

    Examples
    --------
    >>> go_float(6.0), go_float(1e-7), go_float(float("inf"))
    ('6', '0.0000001', '+Inf')
    """
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return np.format_float_positional(value, trim="-")
