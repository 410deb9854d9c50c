"""What an index can be asked about a field: the name that compares whole values, and what may be missing there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.core.errors import QueryRejected
from workbench.query.logs.shape import LogShape

_EXACT = frozenset({"keyword", "constant_keyword", "wildcard", "ip", "version", "boolean", "flattened"})
_NUMBERS = frozenset(
    {"long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long"}
)
_TIMES = frozenset({"date", "date_nanos"})


@dataclass(frozen=True)
class Exact:
    """A name under which a field holds whole values.

    ``under`` is the field itself where the name is a part of it that leaves long values out (``message.keyword``).
    """

    name: str
    number: bool = False
    text: bool = True
    under: str = ""


@dataclass(frozen=True)
class Fields:
    """Fields of some indices with their types; a field of several types in several indices has all of them."""

    types: Mapping[str, frozenset[str]]
    indices: tuple[str, ...]

    @classmethod
    def of(cls, caps: Mapping[str, Any]) -> Fields:
        """Read an answer of ``_field_caps``."""
        told = caps.get("fields") or {}
        return cls({name: frozenset(kinds) - {"unmapped", "object", "nested"} for name, kinds in told.items()},
                   tuple(caps.get("indices") or ()))  # fmt: skip

    def mapped(self, place: str) -> bool:
        """Say whether a place of the records is a field."""
        return bool(self.types.get(place))

    def exact(self, place: str) -> Exact | None:
        """Return the name under which a place can be compared; None for text that is only searched by words."""
        kinds = self.types.get(place, frozenset())
        if kinds and kinds <= _EXACT:
            return Exact(place)
        if kinds and kinds <= _NUMBERS:
            return Exact(place, number=True, text=False)
        for part in ("keyword", "raw"):
            if self.types.get(f"{place}.{part}") == frozenset({"keyword"}):
                return Exact(f"{place}.{part}", under=place)
        return None

    def places(self, shape: LogShape, column: str) -> tuple[str, ...]:
        """Places of a column that are fields."""
        return tuple(place for place in shape.places(column) if self.mapped(place))

    def time(self, shape: LogShape) -> str:
        """Return the field that holds the time of a record.

        Raises
        ------
        QueryRejected
            None of the places is a field of dates.
        """
        candidates: Sequence[str] = (*shape.own.get("time_ns", ())[:1], "@timestamp", *shape.places("time_ns"))
        dated = [place for place in candidates if self.types.get(place, frozenset()) & _TIMES]
        if not dated:
            raise QueryRejected(
                f"No field of dates holds the time of a record (looked for: {', '.join(dict.fromkeys(candidates))}).",
                hint='Name it in the settings of this source: fields = { time_ns = "…" }.',
            )
        # What collectors put beside a record's own time is what their indices are cut and sorted by.
        return "@timestamp" if "@timestamp" in dated else dated[0]
