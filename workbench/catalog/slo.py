"""Objectives: the promises of OpenSLO v1 documents, resolved and ready to be measured.

Labels or annotations of an SLO tell the workbench what OpenSLO has no field for: ``system`` (whose promise it is),
``derived: "true"`` (worked out from a threshold, not promised by a document), ``assumption`` (text) and ``absence``
(what slices without data count as: ``ignore``, ``bad``, ``good`` or ``hold``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, cast, get_args

from workbench.catalog.faults import validated
from workbench.catalog.openslo import (
    SPECS,
    Envelope,
    Metric,
    ObjectiveShape,
    SliSpec,
    SloSpec,
    TimeWindow,
    duration_parts,
)
from workbench.catalog.words import nearest
from workbench.catalog.yaml_lines import Document, Place
from workbench.core.errors import CatalogError, Fault

Method = Literal["occurrences", "timeslices", "ratio_timeslices"]
Absence = Literal["ignore", "bad", "good", "hold"]
CalendarUnit = Literal["day", "week", "month", "quarter", "year"]

_DAY_MS = 86_400_000
_UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": _DAY_MS, "w": 7 * _DAY_MS}
_FLAT_DAYS = {"M": 30, "Q": 90, "Y": 365}
_OPS: dict[str, Literal["<", "<=", ">", ">="]] = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_METHODS: dict[str, Method] = {
    "Occurrences": "occurrences",
    "Timeslices": "timeslices",
    "RatioTimeslices": "ratio_timeslices",
}
_CALENDAR: dict[str, CalendarUnit] = {"d": "day", "w": "week", "M": "month", "Q": "quarter", "Y": "year"}


@dataclass(frozen=True)
class RatioIndicator:
    """Good, or bad, over total. With ``counter`` the queries are counter selectors, at most aggregated."""

    total: str
    good: str | None = None
    bad: str | None = None
    counter: bool = True


@dataclass(frozen=True)
class RawIndicator:
    """One query whose value is the share itself, of ``success`` or of ``failure``, once a slice."""

    query: str
    kind: Literal["success", "failure"]


@dataclass(frozen=True)
class ThresholdIndicator:
    """A slice is good while ``query op value`` holds at its end."""

    query: str
    op: Literal["<", "<=", ">", ">="]
    value: Decimal
    slice_ms: int


@dataclass(frozen=True)
class CalendarWindow:
    """``count`` calendar units, counted from ``start`` (local time, ``YYYY-MM-DD HH:MM:SS``) in a named zone."""

    count: int
    unit: CalendarUnit
    start: str
    zone: str


@dataclass(frozen=True)
class Objective:
    """One promise of one system.

    Attributes
    ----------
    id : str
        Short name, unique within the system (``availability``).
    slo : str
        ``metadata.name`` of the document.
    target : Decimal
        Share that is promised, in [0, 1). [ratio]
    window_ms : int or None
        Length of a rolling window; None when the window is a calendar one. [ms]
    slice_ms, slice_target : int, Decimal or None
        Length of a time slice and the share that makes it good; None for occurrences. [ms], [ratio]
    derived : bool
        No document promises it; it was worked out from a threshold.
    absence : {"ignore", "bad", "good", "hold"}
        What slices without data count as.
    query_lines : mapping
        Line of each query of the indicator: ``good``, ``bad``, ``total`` or ``query``.
    """

    id: str
    slo: str
    system: str
    title: str
    description: str
    target: Decimal
    indicator: RatioIndicator | ThresholdIndicator | RawIndicator
    method: Method
    window_ms: int | None
    calendar: CalendarWindow | None
    slice_ms: int | None
    slice_target: Decimal | None
    service: str
    assumptions: tuple[str, ...] = ()
    derived: bool = False
    absence: Absence = "ignore"
    labels: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    alert_policies: tuple[str, ...] = ()
    file: str = ""
    line: int = 0
    query_lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def window_days(self) -> float | None:
        """Length of a rolling window; None for a calendar one. [d]"""
        if self.window_ms is None:
            return None
        return self.window_ms // _DAY_MS if self.window_ms % _DAY_MS == 0 else self.window_ms / _DAY_MS

    @property
    def zone(self) -> str:
        """Zone of a calendar window; UTC for a rolling one, which has none."""
        return self.calendar.zone if self.calendar else "UTC"

    def queries(self) -> dict[str, str]:
        """Return the texts the indicator asks: ``good``/``bad`` and ``total``, or ``query``."""
        if isinstance(self.indicator, RatioIndicator):
            pairs = {"good": self.indicator.good, "bad": self.indicator.bad, "total": self.indicator.total}
            return {name: text for name, text in pairs.items() if text is not None}
        return {"query": self.indicator.query}


@dataclass(frozen=True)
class OpenSloObject:
    """One checked document: its envelope, its spec, and where it stands."""

    envelope: Envelope
    spec: Any
    document: Document

    @property
    def name(self) -> str:
        """``metadata.name``."""
        return self.envelope.metadata.name


def read_object(document: Document) -> OpenSloObject:
    """Check one OpenSLO document.

    Raises
    ------
    CatalogError
        The document breaks a rule; every mistake in it is listed.
    """
    envelope = validated(Envelope, document)
    spec = validated(SPECS[envelope.kind], document, at=("spec",), data=envelope.spec)
    return OpenSloObject(envelope, spec, document)


def objectives_of(
    objects: Iterable[OpenSloObject], systems: Iterable[str], faults: list[Fault]
) -> dict[str, tuple[Objective, ...]]:
    """Resolve the SLOs among ``objects`` and return their objectives by system; mistakes are added to ``faults``."""
    names: dict[str, dict[str, OpenSloObject]] = {kind: {} for kind in SPECS}
    for item in objects:
        first = names[item.envelope.kind].setdefault(item.name, item)
        if first is not item:
            place = f"{first.document.file}:{first.document.line(())}"
            why = f"a second {item.envelope.kind} is named {item.name}; the first is {place}"
            faults.append(item.document.fault(("metadata", "name"), why))
    known, found = tuple(systems), dict[str, dict[str, Objective]]()
    for item in names["SLO"].values():
        try:
            for objective in _Resolver(item, names, known).objectives():
                first_one = found.setdefault(objective.system, {}).setdefault(objective.id, objective)
                if first_one is not objective:
                    place = f"{first_one.file}:{first_one.line}"
                    why = f"{objective.system} has two objectives {objective.id}; the first is {place}"
                    faults.append(Fault(objective.file, objective.line, "", why))
        except CatalogError as error:
            faults.extend(error.faults)
    return {system: tuple(by_id.values()) for system, by_id in found.items()}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


class _Resolver:
    """Makes the objectives of one SLO document; a mistake is raised with its place."""

    def __init__(self, slo: OpenSloObject, names: Mapping[str, Mapping[str, OpenSloObject]], systems: tuple[str, ...]):
        self.slo, self.names, self.systems = slo, names, systems
        self.spec: SloSpec = slo.spec
        self.metadata = slo.envelope.metadata

    def refuse(self, place: Place, why: str, near: str = "", document: Document | None = None) -> CatalogError:
        return CatalogError(((document or self.slo.document).fault(place, why, near),))

    def mark(self, key: str) -> str:
        value = self.metadata.labels.get(key) or self.metadata.annotations.get(key, "")
        return value if isinstance(value, str) else ", ".join(value)

    def system(self) -> str:
        service = self.names["Service"].get(self.spec.service)
        inherited = service.envelope.metadata.labels.get("system", "") if service else ""
        system, place = self.mark("system"), ("metadata", "labels", "system")
        if not system:
            system, place = (
                (inherited if isinstance(inherited, str) else "") or self.spec.service,
                ("spec", "service", ""),
            )
        if system not in self.systems:
            why = f"no profile has the system {system!r}; name one in metadata.labels.system"
            raise self.refuse(place, why, nearest(system, self.systems))
        return system

    def absence(self) -> Absence:
        word = self.mark("absence").lower() or "ignore"
        if word not in get_args(Absence):
            place: Place = ("metadata", "annotations", "absence")
            raise self.refuse(place, f"{word!r} is no policy for absent data", nearest(word, get_args(Absence)))
        return cast(Absence, word)

    def sli(self) -> tuple[SliSpec, Document, Place]:
        if self.spec.indicator is not None:
            return self.spec.indicator.spec, self.slo.document, ("spec", "indicator", "spec")
        reference = self.spec.indicatorRef or ""
        found = self.names["SLI"].get(reference)
        if found is None:
            near = nearest(reference, self.names["SLI"])
            raise self.refuse(("spec", "indicatorRef"), f"no SLI is named {reference!r}", near)
        return found.spec, found.document, ("spec",)

    def window(self) -> tuple[int | None, CalendarWindow | None, tuple[str, ...]]:
        window: TimeWindow = self.spec.timeWindow[0]
        count, unit = duration_parts(window.duration)
        if window.calendar is None:
            if unit in _FLAT_DAYS:
                days = count * _FLAT_DAYS[unit]
                return days * _DAY_MS, None, (f"The rolling window {window.duration} is counted as {days} days.",)
            return count * _UNIT_MS[unit], None, ()
        if unit not in _CALENDAR:
            place = ("spec", "timeWindow", 0, "duration")
            why = f"a calendar window is counted in d, w, M, Q or Y, not {window.duration!r} (M is a month, m a minute)"
            raise self.refuse(place, why, f"{count}M" if unit == "m" else "")
        return None, CalendarWindow(count, _CALENDAR[unit], window.calendar.startTime, window.calendar.timeZone), ()

    def text_of(self, metric: Metric, document: Document, place: Place) -> tuple[str, int]:
        source = metric.metricSource
        known = self.names["DataSource"]
        if known and source.metricSourceRef and source.metricSourceRef not in known:
            near = nearest(source.metricSourceRef, known)
            at = (*place, "metricSource", "metricSourceRef")
            raise self.refuse(at, f"no DataSource is named {source.metricSourceRef!r}", near, document)
        named = known.get(source.metricSourceRef or "")
        kind = named.spec.type if named else source.type or "Prometheus"
        if kind.lower() != "prometheus":
            at = (*place, "metricSource")
            raise self.refuse(
                at, f"a source of type {kind!r} cannot be asked; Prometheus is read", "Prometheus", document
            )
        return source.spec.query, document.line((*place, "metricSource", "spec", "query"))

    def slices(self, shape: ObjectiveShape, place: Place) -> tuple[int | None, Decimal | None]:
        method, window = self.spec.budgetingMethod, shape.timeSliceWindow
        if method == "Occurrences":
            return None, None
        if window is None or (method == "Timeslices" and shape.timeSliceTarget is None):
            needs = "timeSliceTarget and timeSliceWindow" if method == "Timeslices" else "timeSliceWindow"
            raise self.refuse(place, f"budgetingMethod {method} needs {needs} in every objective")
        count, unit = duration_parts(window)
        if unit not in _UNIT_MS:
            at = (*place, "timeSliceWindow")
            raise self.refuse(
                at, "a time slice has a fixed length: use m, h, d or w", f"{count}m" if unit == "M" else ""
            )
        return count * _UNIT_MS[unit], shape.timeSliceTarget

    def indicator(
        self, shape: ObjectiveShape, place: Place, slice_ms: int | None
    ) -> tuple[RatioIndicator | ThresholdIndicator | RawIndicator, dict[str, int]]:
        sli, document, at = self.sli()
        ratio = sli.ratioMetric
        if ratio is None:
            metric = cast(Metric, sli.thresholdMetric)
            text, line = self.text_of(metric, document, (*at, "thresholdMetric"))
            if shape.op is None or shape.value is None:
                raise self.refuse(place, "a threshold indicator needs op and value in every objective")
            if slice_ms is None:
                why = "a threshold has no events to count: use budgetingMethod Timeslices with a timeSliceWindow"
                raise self.refuse(("spec", "budgetingMethod"), why, "Timeslices")
            return ThresholdIndicator(text, _OPS[shape.op], shape.value, slice_ms), {"query": line}
        if shape.op is not None or shape.value is not None:
            raise self.refuse(place, "a ratio indicator takes neither op nor value; remove them from the objective")
        parts = {name: getattr(ratio, name) for name in ("good", "bad", "total", "raw") if getattr(ratio, name)}
        asked = {name: self.text_of(metric, document, (*at, "ratioMetric", name)) for name, metric in parts.items()}
        if ratio.raw is not None and ratio.rawType is not None:
            text, line = asked["raw"]
            if slice_ms is None:
                why = "a raw ratio has no events to count: use budgetingMethod RatioTimeslices or Timeslices"
                raise self.refuse(("spec", "budgetingMethod"), why, "RatioTimeslices")
            return RawIndicator(text, ratio.rawType), {"query": line}
        texts = {name: text for name, (text, _) in asked.items()}
        return RatioIndicator(**texts, counter=ratio.counter), {name: line for name, (_, line) in asked.items()}

    def objectives(self) -> list[Objective]:
        system = self.system()
        window_ms, calendar, flattened = self.window()
        stem = self.slo.name.removeprefix(f"{system}-")
        several = len(self.spec.objectives) > 1
        assumption = self.mark("assumption")
        made = []
        for index, shape in enumerate(self.spec.objectives):
            place: Place = ("spec", "objectives", index)
            slice_ms, slice_target = self.slices(shape, place)
            indicator, query_lines = self.indicator(shape, place, slice_ms)
            title = self.metadata.displayName or self.slo.name
            made.append(
                Objective(
                    id=f"{stem}-{_slug(shape.displayName) or index + 1}" if several else stem,
                    slo=self.slo.name,
                    system=system,
                    title=f"{title}: {shape.displayName}" if several and shape.displayName else title,
                    description=self.spec.description,
                    target=shape.ratio,
                    indicator=indicator,
                    method=_METHODS[self.spec.budgetingMethod],
                    window_ms=window_ms,
                    calendar=calendar,
                    slice_ms=slice_ms,
                    slice_target=slice_target,
                    service=self.spec.service,
                    assumptions=((assumption,) if assumption else ()) + flattened,
                    derived=self.mark("derived").lower() == "true",
                    absence=self.absence(),
                    labels=self.metadata.labels,
                    alert_policies=tuple(getattr(item, "alertPolicyRef", "inline") for item in self.spec.alertPolicies),
                    file=self.slo.document.file,
                    line=self.slo.document.line(place),
                    query_lines=query_lines,
                )
            )
        return made
