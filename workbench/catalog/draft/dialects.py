"""Dialects: what the metrics of well-known exporters mean, one file of data each.

A dialect says which counter counts the requests and which label marks failures, what contains what among its tokens,
and which metrics are deprecated, so that a draft need not guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from workbench.catalog.profile.vocabulary import Kind
from workbench.catalog.profile.words import Dimension, LabelName, MetricName, Name, RoleName, Text, Unit, nearest
from workbench.catalog.yaml_lines import read_documents
from workbench.core.errors import CatalogError, ParameterError
from workbench.core.shipped import shipped

Layer = Literal["gateway", "model server", "application", "proxy", "service", "machine", "monitoring"]

#: Whose requests are the system's: of several dialects the first of these gives the plain roles.
LAYERS: tuple[Layer, ...] = get_args(Layer)


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Labels = Annotated[tuple[LabelName, ...], BeforeValidator(_several)]
Metrics = Annotated[tuple[MetricName, ...], BeforeValidator(_several)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DialectRole(_Frozen):
    """What one metric of a dialect is for.

    Attributes
    ----------
    metric : tuple of str
        Names it has had, the newest first; the first that a server has is taken.
    together_with : tuple of str
        Counters that make the whole with it, where they can be told apart by a label.
    labels : mapping
        Our dimension to labels that may carry it, the best first.
    where : mapping
        Label to the values wanted, the best first: the first that occurs is matched.
    without : mapping
        Label to a pattern of values that are not counted (``except`` in the file).
    failed, limited : mapping
        Label to a pattern of values that mean a failure, or a refusal by a limit.
    view_of, inside : str
        Role that counts the same things, or that contains these. A view of what is absent stands for itself; a part
        of what is absent is left out.
    units : mapping
        Unit of older names that differ.
    check : str
        What only the owner can say.
    """

    metric: Metrics
    kind: Kind
    unit: Unit
    title: Text
    together_with: Metrics = ()
    expr: str = ""
    units: dict[MetricName, Unit] = {}
    labels: dict[Dimension, Labels] = {}
    where: dict[LabelName, tuple[str, ...]] = {}
    without: dict[LabelName, str] = Field(default={}, alias="except")
    failed: dict[LabelName, str] = {}
    limited: dict[LabelName, str] = {}
    view_of: RoleName | None = None
    inside: RoleName | None = None
    note: str = ""
    check: str = ""


class Dialect(_Frozen):
    """One exporter: how it is recognised, what its metrics are for, and where the facts come from."""

    schema_version: Literal[1] = Field(alias="schema")
    dialect: Name
    title: Text
    layer: Layer
    variant: str = ""
    facts: tuple[Text, ...] = Field(min_length=1)
    recognised_by: Metrics = Field(min_length=1)
    covers: tuple[str, ...] = ()
    roles: dict[RoleName, DialectRole]
    left_out: dict[MetricName, Text] = {}

    def knows(self, metric: str) -> bool:
        """Whether a metric is one of this exporter's, so that nothing about it need be guessed."""
        return metric.startswith(self.covers) if self.covers else False


@lru_cache(maxsize=1)
def dialects() -> tuple[Dialect, ...]:
    """Return every dialect, by layer and then by name.

    Raises
    ------
    CatalogError
        A file is no dialect.
    """
    known = [_read(path) for path in sorted(shipped("data", "dialects").glob("*.yaml"))]
    return tuple(sorted(known, key=lambda dialect: (LAYERS.index(dialect.layer), dialect.dialect)))


def recognised(names: Iterable[str]) -> tuple[Dialect, ...]:
    """Return the dialects that metrics of these names speak, by layer.

    Examples
    --------
    >>> [dialect.dialect for dialect in recognised(["node_cpu_seconds_total", "vllm:num_requests_running"])]
    ['vllm', 'node-exporter']
    """
    present = frozenset(names)
    return tuple(dialect for dialect in dialects() if not present.isdisjoint(dialect.recognised_by))


def named(words: Sequence[str]) -> tuple[Dialect, ...]:
    """Return the dialects of these names.

    Raises
    ------
    ParameterError
        There is no dialect of that name.
    """
    known = {dialect.dialect: dialect for dialect in dialects()}
    for word in words:
        if word not in known:
            near = nearest(word, known)
            hint = (f"Did you mean {near!r}? " if near else "") + f"Known: {', '.join(sorted(known))}."
            raise ParameterError(f"There is no dialect {word!r}.", hint=hint)
    return tuple(dialect for name, dialect in known.items() if name in words)


def _read(path: Path) -> Dialect:
    (document,) = read_documents(path)
    try:
        return Dialect.model_validate(document.data)
    except ValidationError as error:
        places = [(tuple(fault["loc"]), fault["msg"]) for fault in error.errors(include_url=False)]
        raise CatalogError(tuple(document.fault(place, why) for place, why in places)) from None
