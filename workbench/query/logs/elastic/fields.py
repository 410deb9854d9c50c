"""What each index can be asked about a place of its records: the mapping decides, index by index.

Two indices of one pattern may map a place in two ways, as they do from the day a template is added. What a mapping does
not settle is *unknown* here, and decided after reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from workbench.core.errors import QueryRejected
from workbench.query.logs.shape import LogShape

_TIMES = frozenset({"date", "date_nanos"})
_INTEGERS = {
    "byte": (-(2**7), 2**7 - 1),
    "short": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
    "unsigned_long": (0, 2**64 - 1),
}
_FLOATS = {"half_float": 65_504.0, "float": 3.4028234e38, "double": 1.7976931e308, "scaled_float": 9e15}

#: Settings of ``dynamic`` under which a place without a mapping holds no value.
_CERTAIN = ("true", "strict", "strict_allow_templates")


@dataclass(frozen=True)
class Place:
    """What an index knows of a place.

    Attributes
    ----------
    kind : str
        ``absent`` (no record has a value), ``constant`` (every record has ``value``), ``keyword``, ``number``,
        ``boolean``, ``time`` or ``unknown``.
    name : str
        Name that compares whole values; for a text field that of its keyword part.
    under : str
        The text field itself where ``name`` is a part of it.
    longest : int, optional
        Values longer than this are not in the index; None when all are. [characters]
    faithful : bool
        What is indexed is what the record says: no normalizer, no value in place of null, nothing copied in.
    legible : bool
        What is indexed is the record's own, in lower case at most: no normalizer of its owner's, nothing copied in.
    low, high : float
        Numbers that the type takes; whole ones where ``whole``.
    value : str
        Of every record, where the field is constant.
    """

    kind: Literal["absent", "constant", "keyword", "number", "boolean", "time", "unknown"]
    name: str = ""
    under: str = ""
    longest: int | None = None
    faithful: bool = True
    legible: bool = True
    whole: bool = False
    low: float = 0
    high: float = 0
    value: str = ""


ABSENT, UNKNOWN = Place("absent"), Place("unknown")


@dataclass(frozen=True)
class IndexFields:
    """Places of one index.

    Attributes
    ----------
    places : mapping of str to Place
    certain : mapping of str to bool
        By the beginning of a path, whether a place that is not listed holds no value.
    sourced : bool
        Whether the index keeps its records whole, so that they can be read back.
    aliases : mapping of str to str
        Further names of fields: queries know them, records do not.
    constants : mapping of str to str
        Values that every record of the index has, whether it says so or not.
    """

    places: Mapping[str, Place]
    certain: Mapping[str, bool] = field(default_factory=dict)
    sourced: bool = True
    aliases: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)

    def place(self, path: str) -> Place:
        """Return what is known of a path."""
        if path in self.places:
            return self.places[path]
        heads = [head for head in self.certain if path.startswith(head)]
        return ABSENT if heads and self.certain[max(heads, key=len)] else UNKNOWN

    @classmethod
    def of_mapping(cls, mapping: Mapping[str, Any]) -> IndexFields:
        """Read the mapping of an index, as ``_mapping`` gives it below ``mappings``."""
        places: dict[str, Place] = {}
        certain = {"": _certain(mapping.get("dynamic", True))}
        copied = set(_copied(mapping.get("properties") or {}))
        _walk(mapping.get("properties") or {}, "", certain[""], copied, places, certain)
        leaves = dict(_leaves(mapping.get("properties") or {}))
        aliases = {path: str(spec.get("path")) for path, spec in leaves.items() if spec.get("type") == "alias"}
        places |= {alias: places.get(path, UNKNOWN) for alias, path in aliases.items()}
        constants = {
            path: str(spec["value"])
            for path, spec in leaves.items()
            if spec.get("type") == "constant_keyword" and spec.get("value")
        }
        places |= dict.fromkeys(mapping.get("runtime") or (), UNKNOWN)
        source = mapping.get("_source") or {}
        whole = source.get("enabled", True) not in (False, "false") and not (
            source.get("excludes") or source.get("includes")
        )
        return cls(places, certain, whole, aliases, constants)

    @classmethod
    def of_types(cls, types: Mapping[str, str]) -> IndexFields:
        """Make the best of the types alone, where the mapping may not be read."""
        places = {}
        for path, kind in types.items():
            places[path] = replace(_leaf(path, {"type": kind}), faithful=False, longest=0)
            if kind in ("text", "match_only_text") and types.get(f"{path}.keyword") == "keyword":
                places[path] = Place("keyword", f"{path}.keyword", path, 0, faithful=False)
        return cls(places)


@dataclass(frozen=True)
class Fields:
    """Indices of a range with their places, what is to be said of them, and of those that no node holds."""

    indices: Mapping[str, IndexFields]
    warnings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def mapped(self, path: str) -> bool:
        """Say whether a path is a field of any index."""
        return any(index.places.get(path, ABSENT) != ABSENT for index in self.indices.values())

    def groups(self, paths: Iterable[str]) -> list[tuple[tuple[str, ...], dict[str, Place]]]:
        """Gather the indices that know the same of some paths."""
        named = tuple(dict.fromkeys(paths))
        groups: dict[tuple[Place, ...], list[str]] = {}
        for name, index in self.indices.items():
            groups.setdefault(tuple(map(index.place, named)), []).append(name)
        return [(tuple(names), dict(zip(named, known, strict=True))) for known, names in groups.items()]

    def time(self, shape: LogShape) -> str:
        """Return the field that holds the time of a record.

        Raises
        ------
        QueryRejected
            None of the places is a field of dates.
        """
        candidates = (*shape.own.get("time_ns", ())[:1], "@timestamp", *shape.places("time_ns"))
        dated = [
            path for path in candidates if any(index.place(path).kind == "time" for index in self.indices.values())
        ]
        if not dated:
            raise QueryRejected(
                f"No field of dates holds the time of a record (looked for: {', '.join(dict.fromkeys(candidates))}).",
                hint='Name it in the settings of this source: fields = { time_ns = "…" }.',
            )
        # What collectors put beside a record's own time is what their indices are cut and sorted by.
        return "@timestamp" if "@timestamp" in dated else dated[0]

    def warning_lines(self, time: str) -> tuple[str, ...]:
        """Sentences about what reading these indices leaves out."""
        undated = [name for name, index in self.indices.items() if index.place(time).kind != "time"]
        unread = [name for name, index in self.indices.items() if not index.sourced]
        sentences = [*self.warnings, *self.missing]
        if undated:
            sentences.append(f"The field {time} is no date in {', '.join(undated[:5])}: their lines are left out.")
        if unread:
            sentences.append(f"Not all fields of the records are kept (_source) in {', '.join(unread[:5])}.")
        return tuple(sentences)


def types_by_index(caps: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the type of each field, index by index, from an answer of ``_field_caps``."""
    names = tuple(caps.get("indices") or ())
    types: dict[str, dict[str, str]] = {name: {} for name in names}
    for path, kinds in (caps.get("fields") or {}).items():
        for kind, capability in kinds.items():
            for name in capability.get("indices") or names:
                if name in types and kind != "unmapped":
                    types[name][path] = kind
    return types


def _walk(
    properties: Mapping[str, Any],
    above: str,
    certain: bool,
    copied: set[str],
    places: dict[str, Place],
    heads: dict[str, bool],
) -> None:
    for name, spec in properties.items():
        path, kind = f"{above}{name}", spec.get("type", "object")
        if kind != "object":
            places[path] = _leaf(path, spec, copied=path in copied)
            if places[path] is UNKNOWN:
                heads[f"{path}."] = False
            continue
        kept = spec.get("enabled", True) not in (False, "false")
        within = kept and (_certain(spec["dynamic"]) if "dynamic" in spec else certain)
        places[path] = ABSENT if kept else UNKNOWN
        heads[f"{path}."] = within
        _walk(spec.get("properties") or {}, f"{path}.", within, copied, places, heads)


def _leaf(path: str, spec: Mapping[str, Any], *, copied: bool = False) -> Place:
    """Return what a field itself can be asked; ``copied`` when values of others are in it too."""
    kind = str(spec.get("type"))
    if kind in _TIMES:
        return Place("time", path)
    if _off(spec, "index") or _off(spec, "doc_values"):
        return UNKNOWN
    faithful = not copied and "null_value" not in spec
    if kind == "constant_keyword":
        return Place("constant", path, value=str(spec["value"])) if spec.get("value") else UNKNOWN
    if kind == "keyword":
        longest = spec.get("ignore_above")
        kept = None if longest is None else int(longest)
        normalizer = spec.get("normalizer")
        legible = normalizer in (None, "lowercase") and not copied
        return Place("keyword", path, longest=kept, faithful=faithful and normalizer is None, legible=legible)
    if kind in ("text", "match_only_text"):
        parts = [
            (int(part.get("ignore_above", 2**31)), name)
            for name, part in (spec.get("fields") or {}).items()
            if part.get("type") == "keyword" and not (_off(part, "index") or _off(part, "doc_values"))
            if "normalizer" not in part and "null_value" not in part
        ]
        if not parts:
            return UNKNOWN
        longest, name = max(parts)
        return Place("keyword", f"{path}.{name}", path, longest if longest < 2**31 else None, faithful, not copied)
    if kind in _INTEGERS:
        low, high = _INTEGERS[kind]
        return Place("number", path, faithful=faithful, whole=True, low=low, high=high)
    if kind in _FLOATS:
        return Place("number", path, faithful=faithful, low=-_FLOATS[kind], high=_FLOATS[kind])
    return Place("boolean", path, faithful=faithful) if kind == "boolean" else UNKNOWN


def _off(spec: Mapping[str, Any], option: str) -> bool:
    return spec.get(option, True) in (False, "false")


def _certain(dynamic: Any) -> bool:
    return str(dynamic).lower() in _CERTAIN


def _leaves(properties: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Fields by their path, those inside objects too."""
    for name, spec in properties.items():
        yield f"{above}{name}", spec
        yield from _leaves(spec.get("properties") or {}, f"{above}{name}.")


def _copied(properties: Mapping[str, Any]) -> Iterator[str]:
    """Fields that others are copied into."""
    for spec in properties.values():
        targets = spec.get("copy_to") or ()
        yield from [targets] if isinstance(targets, str) else targets
        yield from _copied(spec.get("properties") or {})
