"""A record as its index reads it: an array is no more than several values of one field.

For the index ``"a"`` and ``["a"]`` are the same, and so are ``{"x": [{"a": 1}, {"b": 2}]}`` and
``{"x": {"a": 1, "b": 2}}``. Rows follow it, so that a filter means one thing wherever it is decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.query.logs.elastic.fields import IndexFields
from workbench.query.logs.rows import text_of

_DEPTH = 20


def indexed_record(record: Mapping[str, Any], index: IndexFields | None = None) -> dict[str, Any]:
    """Return the values of a record by the path of their field.

    Parameters
    ----------
    record : mapping
        As it was written.
    index : IndexFields, optional
        Of the record: adds constant fields, and fields under their further names, as a query finds them.

    Examples
    --------
    >>> indexed_record({"tags": ["a"], "user": [{"id": 1}, {"id": 2, "name": None}], "empty": [], "x": {"y": "z"}})
    {'tags': 'a', 'user.id': [1, 2], 'x.y': 'z'}
    """
    held: dict[str, list[Any]] = {}
    _gather(record, "", held, _DEPTH)
    values = {path: _single(values) for path, values in held.items()}
    if index is None:
        return values
    values = {**index.constants, **values}
    return values | {alias: values[path] for alias, path in index.aliases.items() if path in values}


def _gather(value: Any, path: str, held: dict[str, list[Any]], depth: int) -> None:
    if isinstance(value, dict) and depth:
        for name, inner in value.items():
            _gather(inner, f"{path}.{name}" if path else str(name), held, depth - 1)
    elif isinstance(value, list) and depth:
        for inner in value:
            _gather(inner, path, held, depth - 1)
    elif value is not None:
        held.setdefault(path, []).append(value)


def _single(values: list[Any]) -> Any:
    """Return the one value, or all when they differ."""
    return values[0] if len({text_of(value) for value in values}) == 1 else values
