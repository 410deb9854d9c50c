"""Scenario files: what happens in a demo, when, and how strongly. The format is described in docs/demo.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from workbench.catalog.faults import validated
from workbench.catalog.profile.words import nearest
from workbench.catalog.yaml_lines import Document, parse_documents
from workbench.core.errors import CatalogError, Fault, ParameterError
from workbench.core.timerange import MINUTE_MS, calendar_month, duration_ms, from_ms
from workbench.demo.kinds import KINDS, Kind
from workbench.demo.traffic import Traffic

_OFFSET = re.compile(r"(?P<base>anchor|last-month)?(?P<sign>[+-])?(?P<length>[0-9a-z]+)?")


def offset_ms(text: str, anchor_ms: int) -> int:
    """Absolute time of an offset such as ``-9d12h``, ``+4d``, ``anchor`` or ``last-month+7d13h``. [ms since the epoch]

    ``last-month`` is the start, in UTC, of the calendar month before the anchor.

    Raises
    ------
    ParameterError
        The text is not an offset.

    Examples
    --------
    >>> offset_ms("-1d", 86_400_000 * 3) // 86_400_000
    2
    """
    match = _OFFSET.fullmatch(text.strip())
    base, sign, length = (match["base"], match["sign"], match["length"]) if match else (None, None, None)
    if not match or (sign is None) != (length is None) or (base is None and sign is None):
        raise ParameterError(
            f"{text!r} is not an offset.", hint="Write -9d12h, +4d or last-month+7d13h20m (days, hours, minutes)."
        )
    start = anchor_ms
    if base == "last-month":
        instant = from_ms(anchor_ms - 1)
        year, month = (instant.year, instant.month) if _first_of_month(anchor_ms) else _previous(from_ms(anchor_ms))
        start = calendar_month(year, month, "UTC").start_ms
    moved = duration_ms(length) if length else 0
    return start + (-moved if sign == "-" else moved)


def _first_of_month(ms: int) -> bool:
    return from_ms(ms).day == 1


def _previous(instant: Any) -> tuple[int, int]:
    return (instant.year - 1, 12) if instant.month == 1 else (instant.year, instant.month - 1)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    kind: str
    system: str
    start: str
    duration: str = "0s"
    magnitude: float | None = None
    where: dict[str, str | list[str]] = {}
    shape: Literal["constant", "ramp", "pulses"] | None = None
    on: str = "12m"
    off: str = "18m"
    factor: float = Field(default=6.0, gt=1)
    mode: Literal["monitoring", "target"] = "monitoring"
    signal: Literal["requests", "generation"] = "requests"
    version: str = ""
    note: str = ""

    @field_validator("start")
    @classmethod
    def _offset(cls, text: str) -> str:
        try:
            offset_ms(text, 0x1_0000_0000_00)
        except ParameterError as error:
            raise ValueError(f"{error.message} {error.hint}") from None
        return text

    @field_validator("duration", "on", "off")
    @classmethod
    def _duration(cls, text: str) -> str:
        try:
            length = duration_ms(text)
        except ParameterError as error:
            raise ValueError(f"{error.message} {error.hint}") from None
        if length % MINUTE_MS:
            raise ValueError(f"{text} is not whole minutes; the simulator moves in minutes")
        return text


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Literal[1] = Field(alias="schema")
    name: Annotated[str, Field(min_length=1)]
    title: str = ""
    days: Annotated[int, Field(ge=1, le=400)] = 90
    traffic: Traffic | None = None
    events: list[Any] = []


@dataclass(frozen=True)
class Event:
    """One event, placed in time. Minutes are counted since the epoch; the event acts in ``[start, end)``."""

    id: str
    kind: str
    system: str
    start: int
    end: int
    magnitude: float
    where: Mapping[str, tuple[str, ...]]
    shape: str
    on: int
    off: int
    factor: float
    mode: str
    signal: str
    version: str
    note: str

    def concerns(self, **labels: str) -> bool:
        """Whether the event acts on a thing with these labels; a label that ``where`` leaves out does not restrict."""
        return all(labels[name] in values for name, values in self.where.items() if name in labels)

    def level(self, minutes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Strength in each minute: the magnitude times the shape, 0 outside the event."""
        inside = (minutes >= self.start) & (minutes < self.end)
        if self.shape == "ramp":
            rise = (minutes + 1 - self.start) / max(self.end - self.start, 1)
            return np.where(inside, self.magnitude * rise, 0.0)
        if self.shape == "pulses":
            inside &= (minutes - self.start) % (self.on + self.off) < self.on
        return np.where(inside, self.magnitude, 0.0)

    @cached_property
    def length(self) -> int:
        """Duration. [min]"""
        return self.end - self.start


@dataclass(frozen=True)
class Scenario:
    """A validated scenario file, not yet placed in time."""

    name: str
    title: str
    days: int
    digest: str
    entries: tuple[_Entry, ...]
    traffic: Traffic | None = None

    def place(self, anchor_ms: int) -> tuple[Event, ...]:
        """Return the events at their absolute times, earliest first."""
        return tuple(sorted((_placed(entry, anchor_ms) for entry in self.entries), key=lambda e: (e.start, e.id)))


def _placed(entry: _Entry, anchor_ms: int) -> Event:
    start = offset_ms(entry.start, anchor_ms) // MINUTE_MS
    return Event(
        id=entry.id,
        kind=entry.kind,
        system=entry.system,
        start=start,
        end=start + duration_ms(entry.duration) // MINUTE_MS,
        magnitude=entry.magnitude or 0.0,
        where={name: (value,) if isinstance(value, str) else tuple(value) for name, value in entry.where.items()},
        shape=entry.shape or KINDS[entry.kind].shape,
        on=duration_ms(entry.on) // MINUTE_MS,
        off=duration_ms(entry.off) // MINUTE_MS,
        factor=entry.factor,
        mode=entry.mode,
        signal=entry.signal,
        version=entry.version,
        note=entry.note,
    )


def load_scenario(
    path: Path,
    dimensions: Mapping[str, Mapping[str, tuple[str, ...]]],
    kinds: Mapping[str, Sequence[str]] | None = None,
) -> Scenario:
    """Read and check a scenario file.

    Parameters
    ----------
    path : Path
        The YAML file.
    dimensions : mapping of system to mapping of label to values
        What an event's ``where`` may name.
    kinds : mapping of system to sequence of str
        Kinds of events that act on a system; all of them by default.

    Raises
    ------
    CatalogError
        With every mistake found: file, line, the text there, why, and the nearest valid word.
    """
    raw, document = _read(path)
    head = validated(_File, document)
    entries: list[_Entry] = []
    faults: list[Fault] = []
    seen: set[str] = set()
    for index, data in enumerate(head.events):
        place = ("events", index)
        try:
            entry = validated(_Entry, document, at=place, data=data)
        except CatalogError as error:
            faults.extend(error.faults)
            continue
        if entry.id in seen:
            faults.append(document.fault((*place, "id"), f"the id {entry.id!r} stands here twice"))
        seen.add(entry.id)
        faults.extend(_mistakes(document, index, entry, dimensions, kinds or {}))
        entries.append(entry)
    if faults:
        raise CatalogError(tuple(faults), hint="docs/demo.md describes the format of scenarios.")
    return Scenario(head.name, head.title, head.days, sha256(raw).hexdigest(), tuple(entries), head.traffic)


def load_traffic(path: Path) -> Traffic | None:
    """Read only which recorded traffic a scenario asks for; None when all of it is simulated.

    Raises
    ------
    CatalogError
        As :func:`load_scenario`, for everything but the events.
    """
    return validated(_File, _read(path)[1]).traffic


def _read(path: Path) -> tuple[bytes, Document]:
    try:
        raw = path.read_bytes()
        documents = parse_documents(raw.decode("utf-8"), file=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError((Fault(str(path), 1, "", f"the scenario cannot be read: {error}"),)) from None
    if len(documents) != 1:
        raise CatalogError(
            (Fault(str(path), 1, "", f"a scenario is one YAML document, this file holds {len(documents)}"),)
        )
    return raw, documents[0]


def _mistakes(
    document: Document,
    index: int,
    entry: _Entry,
    dimensions: Mapping[str, Mapping[str, tuple[str, ...]]],
    kinds: Mapping[str, Sequence[str]],
) -> list[Fault]:
    place = ("events", index)
    if entry.kind not in KINDS:
        why = f"{entry.kind!r} is not a kind of event; there are {', '.join(KINDS)}"
        return [document.fault((*place, "kind"), why, nearest(entry.kind, tuple(KINDS)))]
    if entry.system not in dimensions:
        why = f"{entry.system!r} is not a simulated system; there are {', '.join(dimensions)}"
        return [document.fault((*place, "system"), why, nearest(entry.system, tuple(dimensions)))]
    possible = tuple(kinds.get(entry.system, KINDS))
    if entry.kind not in possible:
        why = f"a {entry.kind} does nothing to {entry.system}; there are {', '.join(possible)}"
        return [document.fault((*place, "kind"), why, nearest(entry.kind, possible))]
    kind = KINDS[entry.kind]
    faults = [document.fault((*place, key), why) for key, why in _unfit(kind, entry)]
    known = dimensions[entry.system]
    for label, value in entry.where.items():
        at = (*place, "where", label)
        allowed = tuple(name for name in kind.where if name in known)
        if label not in allowed:
            why = f"a {entry.kind} is not narrowed by {label!r}; use {', '.join(allowed) or 'no where at all'}"
            faults.append(document.fault(at, why, nearest(label, allowed)))
            continue
        for word in [value] if isinstance(value, str) else value:
            values = known.get(label, ())
            if word not in values:
                why = f"{entry.system} has no {label} {word!r}; there are {', '.join(values) or 'none'}"
                faults.append(document.fault(at, why, nearest(word, values)))
    return faults


def _unfit(kind: Kind, entry: _Entry) -> list[tuple[str, str]]:
    faults = []
    low, high = kind.magnitude
    if entry.magnitude is None and high > 0:
        faults.append(("magnitude", f"a {entry.kind} needs a magnitude: {kind.unit}"))
    if entry.magnitude is not None and not low <= entry.magnitude <= high:
        faults.append(("magnitude", f"magnitude {entry.magnitude:g} is outside {low:g} to {high:g} ({kind.unit})"))
    if kind.lasts and duration_ms(entry.duration) == 0:
        faults.append(("duration", f"a {entry.kind} needs a duration, e.g. 30m"))
    if not kind.lasts and duration_ms(entry.duration) != 0:
        faults.append(("duration", f"a {entry.kind} has no duration"))
    return faults
