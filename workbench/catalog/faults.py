"""Mistakes found by pydantic, said in the words of the file: place, why, and the nearest valid word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from workbench.catalog.profile.words import nearest
from workbench.catalog.yaml_lines import Document, Place
from workbench.core.errors import CatalogError, Fault

_WHOLE: Any = object()

ModelT = TypeVar("ModelT", bound=BaseModel)

_WHY = {
    "missing": "{key} is required here",
    "extra_forbidden": "{key} is not a key of this entry",
    "literal_error": "{value} is not one of {expected}",
    "string_type": "this must be text; put it in quotes if it looks like a number",
    "string_too_short": "this must not be empty",
    "tuple_type": "this must be a list",
    "dict_type": "this must be a map of keys to values",
    "model_type": "this must be a map of keys to values",
    "model_attributes_type": "this must be a map of keys to values",
    "mapping_type": "this must be a map of keys to values",
}


def validated(model: type[ModelT], document: Document, *, at: Place = (), data: Any = _WHOLE) -> ModelT:
    """Build ``model`` from a document, or from the value ``data`` that stands at ``at`` in it.

    Raises
    ------
    CatalogError
        With one fault per mistake, each placed in the file.
    """
    try:
        return model.model_validate(document.data if data is _WHOLE else data)
    except ValidationError as error:
        faults = (_fault(model, document, at, detail) for detail in _causes(model, error.errors()))
        raise CatalogError(tuple(sorted(faults, key=lambda fault: fault.line))) from None


def _causes(model: type[BaseModel], details: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Leave out what only follows: a list is short because its one item is wrong, a key missing because misspelt."""
    meant = {
        (*detail["loc"][:-1], nearest(str(detail["loc"][-1]), _keys_at(model, detail["loc"][:-1])))
        for detail in details
        if detail["type"] == "extra_forbidden"
    }
    for detail in details:
        place, kind = detail["loc"], detail["type"]
        inside = (other["loc"] for other in details if len(other["loc"]) > len(place))
        if kind == "too_short" and any(loc[: len(place)] == place for loc in inside):
            continue
        if kind == "missing" and place in meant:
            continue
        yield detail


def _fault(model: type[BaseModel], document: Document, at: Place, detail: ErrorDetails) -> Fault:
    place = tuple(part for part in detail["loc"] if part != "[key]")
    context: Mapping[str, Any] = detail.get("ctx") or {}
    kind, word = detail["type"], str(detail.get("input", ""))
    valid: tuple[str, ...] = tuple(context.get("valid", ()))
    if kind == "literal_error":
        valid = tuple(re.findall(r"'([^']*)'", context.get("expected", "")))
    elif kind == "extra_forbidden":
        word, valid = str(place[-1]), _keys_at(model, place[:-1])
    elif "at" in context:
        place = (*place, context["at"])
    why = detail["msg"]
    if kind in _WHY:
        key = repr(str(place[-1])) if place else ""
        why = _WHY[kind].format(key=key, value=repr(word), expected=", ".join(valid))
    return document.fault((*at, *place), why, nearest(word, valid) if valid else "")


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _keys_at(model: type[BaseModel], place: Place) -> tuple[str, ...]:
    """Keys a map at ``place`` may have; indexes and free keys on the way are stepped over."""
    current = model
    for part in place:
        fields = {field.alias or name: field for name, field in current.model_fields.items()}
        if part in fields:
            current = next(_models_in(fields[str(part)].annotation), current)
    return tuple(field.alias or name for name, field in current.model_fields.items())
