"""The schedule file, read and checked: every mistake with file and line."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from workbench.catalog.yaml_lines import Document, Place, read_documents
from workbench.core.errors import CatalogError, Fault, ParameterError
from workbench.core.timerange import duration_ms, named_zone
from workbench.studies.schedule.entries import Destination, Entry, period_name
from workbench.studies.schedule.when import read_when

_TOP = ("schema", "zone", "holidays", "schedules")
_KEYS = ("name", "template", "systems", "when", "zone", "holidays", "period", "grace", "catch_up", "outputs", "to")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")


@dataclass(frozen=True)
class Known:
    """What the names in a schedule are checked against; ``channels`` has the kind of each channel."""

    systems: Collection[str]
    templates: Collection[str]
    outputs: Collection[str]
    channels: Mapping[str, str]
    zone: str = "UTC"
    week_start: str = "monday"


@dataclass
class _Reading:
    document: Document
    known: Known
    faults: list[Fault] = field(default_factory=list)
    zone: str = "UTC"
    calendars: dict[str, frozenset[date]] = field(default_factory=dict)

    def fault(self, path: Place, why: str, nearest: str = "") -> None:
        self.faults.append(self.document.fault(path, why, nearest, id="schedule/entry"))

    def keys(self, data: Mapping[str, Any], path: Place, allowed: Collection[str]) -> None:
        for key in data:
            if key not in allowed:
                self.fault((*path, key), f"unknown key {key!r}.", *get_close_matches(key, allowed, n=1))

    def among(self, value: Any, path: Place, what: str, names: Collection[str]) -> str:
        if not isinstance(value, str) or value not in names:
            near = get_close_matches(str(value), names, n=1)
            listed = "" if near else f" There is: {', '.join(sorted(names)) or 'none'}."
            self.fault(path, f"there is no {what} {value!r}.{listed}", *near)
        return str(value)

    def duration(self, value: Any, path: Place) -> timedelta:
        try:
            return timedelta(milliseconds=duration_ms(str(value)))
        except ParameterError as error:
            self.fault(path, f"{error.message} {error.hint}")
        except OverflowError:
            self.fault(path, f"{str(value)[:40]!r} is too long a time")
        return timedelta(0)

    def zone_of(self, value: Any, path: Place) -> str:
        try:
            named_zone(str(value))
        except ParameterError as error:
            self.fault(path, f"{error.message} {error.hint}")
            return "UTC"
        return str(value)


def read_schedule(path: Path, known: Known) -> tuple[Entry, ...]:
    """Read a schedule file.

    Parameters
    ----------
    path : Path
        YAML with ``schema: 1`` and a list ``schedules``.
    known : Known
        Systems, templates, outputs and channels that there are.

    Returns
    -------
    tuple of Entry

    Raises
    ------
    CatalogError
        With every mistake of the file, its line and the nearest known name.
    """
    entries: list[Entry] = []
    faults: list[Fault] = []
    for document in read_documents(path):
        reading = _Reading(document, known, zone=known.zone)
        entries += _entries(reading)
        faults += reading.faults
    if faults:
        raise CatalogError(tuple(faults), hint="docs/schedule.md lists every key.")
    return tuple(entries)


def _entries(reading: _Reading) -> list[Entry]:
    data = reading.document.data
    if not isinstance(data, dict):
        reading.fault((), "a schedule file is a map with schema: 1 and a list of schedules")
        return []
    reading.keys(data, (), _TOP)
    if data.get("schema") != 1:
        reading.fault(("schema",), f"schema is 1, not {data.get('schema')!r}")
    if "zone" in data:
        reading.zone = reading.zone_of(data["zone"], ("zone",))
    _read_holidays(reading, data.get("holidays"))
    listed = data.get("schedules") or []
    if not isinstance(listed, list):
        reading.fault(("schedules",), "schedules is a list")
        return []
    entries: list[Entry] = []
    for number, item in enumerate(listed):
        entry = _entry(reading, item, ("schedules", number))
        if entry is None:
            continue
        if entry.name in {each.name for each in entries}:
            reading.fault(("schedules", number, "name"), f"the name {entry.name!r} stands here twice")
        entries.append(entry)
    return entries


def _read_holidays(reading: _Reading, data: Any) -> None:
    if data is None:
        return
    if not isinstance(data, dict):
        reading.fault(("holidays",), "holidays is a map of lists of dates, e.g. company: [2026-12-25]")
        return
    for name, days in data.items():
        dates = set()
        for number, day in enumerate(days if isinstance(days, list) else [days]):
            try:
                dates.add(date.fromisoformat(str(day)))
            except ValueError:
                reading.fault(("holidays", name, number), f"{day!r} is not a date; write e.g. 2026-12-25")
        reading.calendars[name] = frozenset(dates)


def _entry(reading: _Reading, item: Any, path: Place) -> Entry | None:
    if not isinstance(item, dict):
        reading.fault(path, "an entry is a map with name, template, when and period")
        return None
    before = len(reading.faults)
    reading.keys(item, path, _KEYS)
    for key in ("name", "template", "when", "period"):
        if key not in item:
            reading.fault(path, f"{key} is missing")
    if len(reading.faults) > before:
        return None
    name = str(item["name"])
    if not _NAME.fullmatch(name):
        reading.fault((*path, "name"), "a name has small letters, digits and hyphens only, at most 63")
    known, zone = reading.known, reading.zone_of(item.get("zone", reading.zone), (*path, "zone"))
    holidays = frozenset[date]()
    if "holidays" in item:
        calendar = reading.among(item["holidays"], (*path, "holidays"), "list of holidays", reading.calendars)
        holidays = reading.calendars.get(calendar, holidays)
    systems = _listed(reading, item, path, "systems", "system", known.systems, everything="all")
    outputs = _listed(reading, item, path, "outputs", "output", known.outputs) or ("html",)
    template = reading.among(item["template"], (*path, "template"), "template", known.templates)
    grace = reading.duration(item.get("grace", "0s"), (*path, "grace"))
    catch_up = reading.duration(item.get("catch_up", "35d"), (*path, "catch_up"))
    to = _destinations(reading, item.get("to") or [], (*path, "to"))
    try:
        when = read_when(str(item["when"]), zone=zone, holidays=holidays)
    except ParameterError as error:
        reading.fault((*path, "when"), f"{error.message} {error.hint}")
        return None
    try:
        period_name(
            str(item["period"]), due=datetime(2026, 1, 1, tzinfo=UTC), zone=known.zone, week_start=known.week_start
        )
    except ParameterError as error:
        reading.fault((*path, "period"), f"{error.message} {error.hint}")
    if len(reading.faults) > before:
        return None
    return Entry(
        name=name,
        template=template,
        systems=systems,
        when=when,
        period=str(item["period"]),
        grace=grace,
        catch_up=catch_up,
        outputs=outputs,
        to=to,
        line=reading.document.line(path),
    )


def _listed(
    reading: _Reading,
    item: Mapping[str, Any],
    path: Place,
    key: str,
    what: str,
    names: Collection[str],
    *,
    everything: str = "",
) -> tuple[str, ...]:
    value = item.get(key)
    if value is None or (everything and value == everything):
        return ()
    values = value if isinstance(value, list) else [value]
    placed = [((*path, key, number) if isinstance(value, list) else (*path, key)) for number in range(len(values))]
    checked = (reading.among(each, place, what, names) for each, place in zip(values, placed, strict=True))
    return tuple(dict.fromkeys(checked))


def _destinations(reading: _Reading, value: Any, path: Place) -> tuple[Destination, ...]:
    destinations = []
    for number, item in enumerate(value if isinstance(value, list) else [value]):
        place = (*path, number) if isinstance(value, list) else path
        data = item if isinstance(item, dict) else {"channel": item}
        reading.keys(data, place, ("channel", "recipients"))
        channels = reading.known.channels
        channel = reading.among(data.get("channel"), place, "channel in the settings", channels)
        if not isinstance(named := data.get("recipients") or (), list | tuple):
            reading.fault(place, f"recipients is a list, not {named!r:.40}")
            named = ()
        recipients = tuple(map(str, named))
        if recipients and channels.get(channel, "email") != "email":
            reading.fault(place, f"recipients belong to e-mail; the channel {channel!r} is of another kind")
        for address in recipients:
            if not _ADDRESS.fullmatch(address):
                reading.fault(place, f"{address!r} is not an e-mail address")
        destinations.append(Destination(channel, recipients))
    return tuple(destinations)
