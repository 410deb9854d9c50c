"""Objectives: the objectives of OpenSLO v1 documents, resolved and ready to be measured.

Labels or annotations of an SLO tell the workbench what OpenSLO has no field for: ``system`` (whose objective it is),
``derived: "true"`` (worked out from a threshold, not stated by a document), ``assumption`` (text) and ``absence``
(what slices without data count as: ``ignore``, ``bad``, ``good`` or ``hold``), ``judged: samples`` (each sample of a
threshold's selector is good or bad by itself), and of a composite ``composite-target`` (else it follows from those of
its members) and ``composite-weights`` (``sum`` or ``share``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, cast, get_args

from workbench.catalog.faults import validated
from workbench.catalog.profile.words import nearest
from workbench.catalog.slo.composed import Weights, composite_mark, members_target, records_filter
from workbench.catalog.slo.indicators import (
    CompositeIndicator,
    Indicator,
    Member,
    RatioIndicator,
    RawIndicator,
    RecordsIndicator,
    SimpleIndicator,
    ThresholdIndicator,
)
from workbench.catalog.slo.objective import Absence, CalendarUnit, CalendarWindow, Method, Objective
from workbench.catalog.slo.openslo import (
    SOURCE_KEYS,
    SPECS,
    Envelope,
    Metric,
    ObjectiveShape,
    SliSpec,
    SloSpec,
    TimeWindow,
    duration_parts,
)
from workbench.catalog.yaml_lines import Document, Place
from workbench.core.errors import CatalogError, Fault, ParameterError
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.timerange import DAY_MS, HOUR_MS, MINUTE_MS

_UNIT_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}
_FLAT_DAYS = {"M": 30, "Q": 90, "Y": 365}
_OPS: dict[str, Literal["<", "<=", ">", ">="]] = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_METHODS: dict[str, Method] = {
    "Occurrences": "occurrences",
    "Timeslices": "timeslices",
    "RatioTimeslices": "ratio_timeslices",
}
_CALENDAR: dict[str, CalendarUnit] = {"d": "day", "w": "week", "M": "month", "Q": "quarter", "Y": "year"}


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
            faults.append(item.document.fault(("metadata", "name"), why, id="catalog/objective"))
    known, objectives = tuple(systems), dict[str, dict[str, Objective]]()
    for item in names["SLO"].values():
        try:
            for objective in _Resolver(item, names, known).objectives():
                first_one = objectives.setdefault(objective.system, {}).setdefault(objective.id, objective)
                if first_one is not objective:
                    place = f"{first_one.file}:{first_one.line}"
                    why = f"{objective.system} has two objectives {objective.id}; the first is {place}"
                    faults.append(Fault(objective.file, objective.line, "", why, id="catalog/objective"))
        except CatalogError as error:
            faults.extend(error.faults)
    return {system: tuple(by_id.values()) for system, by_id in objectives.items()}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


class _Resolver:
    """Makes the objectives of one SLO document; a mistake is raised with its place."""

    def __init__(self, slo: OpenSloObject, names: Mapping[str, Mapping[str, OpenSloObject]], systems: tuple[str, ...]):
        self.slo, self.names, self.systems = slo, names, systems
        self.spec: SloSpec = slo.spec
        self.metadata = slo.envelope.metadata

    def refuse(self, place: Place, why: str, near: str = "", document: Document | None = None) -> CatalogError:
        return CatalogError(((document or self.slo.document).fault(place, why, near, id="catalog/objective"),))

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

    def sli(self, shape: ObjectiveShape, place: Place) -> tuple[SliSpec, Document, Place]:
        holder, at = (shape, place) if shape.composed else (self.spec, ("spec",))
        if holder.indicator is not None:
            return holder.indicator.spec, self.slo.document, (*at, "indicator", "spec")
        reference = holder.indicatorRef or ""
        document = self.names["SLI"].get(reference)
        if document is None:
            near = nearest(reference, self.names["SLI"])
            raise self.refuse((*at, "indicatorRef"), f"no SLI is named {reference!r}", near)
        return document.spec, document.document, ("spec",)

    def window(self) -> tuple[int | None, CalendarWindow | None, tuple[str, ...]]:
        window: TimeWindow = self.spec.timeWindow[0]
        count, unit = duration_parts(window.duration)
        if window.calendar is None:
            if unit in _FLAT_DAYS:
                days = count * _FLAT_DAYS[unit]
                return days * DAY_MS, None, (f"The rolling window {window.duration} is counted as {days} days.",)
            return count * _UNIT_MS[unit], None, ()
        if unit not in _CALENDAR:
            place = ("spec", "timeWindow", 0, "duration")
            why = f"a calendar window is counted in d, w, M, Q or Y, not {window.duration!r} (M is a month, m a minute)"
            raise self.refuse(place, why, f"{count}M" if unit == "m" else "")
        return None, CalendarWindow(count, _CALENDAR[unit], window.calendar.startTime, window.calendar.timeZone), ()

    def asked_of(self, metric: Metric, document: Document, place: Place) -> tuple[str | LogFilter | SpanFilter, int]:
        source = metric.metricSource
        known = self.names["DataSource"]
        if known and source.metricSourceRef and source.metricSourceRef not in known:
            near = nearest(source.metricSourceRef, known)
            at = (*place, "metricSource", "metricSourceRef")
            raise self.refuse(at, f"no DataSource is named {source.metricSourceRef!r}", near, document)
        named = known.get(source.metricSourceRef or "")
        kind = (named.spec.type if named else source.type or "prometheus").lower()
        at = (*place, "metricSource")
        if kind not in SOURCE_KEYS:
            why = f"a source of type {kind!r} cannot be asked; Prometheus, logs and spans are read"
            raise self.refuse(at, why, "Prometheus", document)
        if kind == "prometheus":
            if source.spec.query is None:
                raise self.refuse((*at, "spec"), "'query' is required here", "", document)
            return source.spec.query, document.line((*at, "spec", "query"))
        try:
            return records_filter(kind, source.spec), document.line((*at, "spec"))
        except ParameterError as error:
            raise self.refuse((*at, "spec"), error.message, "", document) from None

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
    ) -> tuple[SimpleIndicator, dict[str, int]]:
        sli, document, at = self.sli(shape, place)
        ratio = sli.ratioMetric
        if ratio is None:
            metric = cast(Metric, sli.thresholdMetric)
            text, line = self.query_of(metric, document, (*at, "thresholdMetric"))
            if shape.op is None or shape.value is None:
                raise self.refuse(place, "a threshold indicator needs op and value in every objective")
            samples = self.mark("judged").lower() == "samples"
            if slice_ms is None and not samples:
                why = "a threshold has no events to count: use budgetingMethod Timeslices with a timeSliceWindow"
                raise self.refuse(("spec", "budgetingMethod"), why, "Timeslices")
            return ThresholdIndicator(text, _OPS[shape.op], shape.value, slice_ms or 0, samples), {"query": line}
        if shape.op is not None or shape.value is not None:
            raise self.refuse(place, "a ratio indicator takes neither op nor value; remove them from the objective")
        parts = {name: getattr(ratio, name) for name in ("good", "bad", "total", "raw") if getattr(ratio, name)}
        if ratio.raw is not None and ratio.rawType is not None:
            text, line = self.query_of(ratio.raw, document, (*at, "ratioMetric", "raw"))
            if slice_ms is None:
                why = "a raw ratio has no events to count: use budgetingMethod RatioTimeslices or Timeslices"
                raise self.refuse(("spec", "budgetingMethod"), why, "RatioTimeslices")
            return RawIndicator(text, ratio.rawType), {"query": line}
        metrics = {name: self.asked_of(metric, document, (*at, "ratioMetric", name)) for name, metric in parts.items()}
        lines, texts = (
            {name: line for name, (_, line) in metrics.items()},
            {n: text for n, (text, _) in metrics.items()},
        )
        kinds = {type(text) for text in texts.values()}
        if len(kinds) > 1:
            raise self.refuse((*at, "ratioMetric"), "good, bad and total come from one type of source", "", document)
        if kinds == {str}:
            return RatioIndicator(**cast(dict[str, str], texts), counter=ratio.counter), lines
        return RecordsIndicator(**cast(dict[str, LogFilter], texts)), lines

    def query_of(self, metric: Metric, document: Document, place: Place) -> tuple[str, int]:
        text, line = self.asked_of(metric, document, place)
        if not isinstance(text, str):
            raise self.refuse(place, "log lines and spans are counted: write a ratioMetric", "ratioMetric", document)
        return text, line

    def composite(self) -> tuple[CompositeIndicator, Decimal, int | None, dict[str, int]]:
        """Return the indicators under the objectives as one, its target and slices, and the lines of the queries."""
        meaning = self.mark("composite-weights").lower() or "sum"
        if meaning not in get_args(Weights):
            place: Place = ("metadata", "annotations", "composite-weights")
            raise self.refuse(place, f"{meaning!r} is no meaning of weights", nearest(meaning, get_args(Weights)))
        members, lines, lengths = list[Member](), dict[str, int](), list[int | None]()
        for index, shape in enumerate(self.spec.objectives):
            place = ("spec", "objectives", index)
            slice_ms, slice_target = self.slices(shape, place)
            indicator, own = self.indicator(shape, place, slice_ms)
            name = _slug(shape.displayName or shape.indicatorRef or "") or str(index + 1)
            weight = Decimal(1) if shape.compositeWeight is None else shape.compositeWeight
            title = shape.displayName or name
            if name in {member.name for member in members}:
                raise self.refuse(place, f"a second member is named {name!r}; give each a displayName")
            if lengths and slice_ms != lengths[0]:
                raise self.refuse(place, "the members of a composite have one timeSliceWindow")
            members.append(Member(name, title, shape.ratio, weight, indicator, slice_target))
            lengths.append(slice_ms)
            lines |= {f"{name}.{part}": line for part, line in own.items()}
        try:
            target = members_target(members, _METHODS[self.spec.budgetingMethod], cast(Weights, meaning))
            target = composite_mark(self.mark("composite-target")) or target
        except ParameterError as error:
            raise self.refuse(("spec", "objectives"), error.message) from None
        return CompositeIndicator(tuple(members), cast(Weights, meaning)), target, lengths[0], lines

    def objectives(self) -> list[Objective]:
        place: Place = ("spec", "objectives", 0)
        stem = self.slo.name.removeprefix(f"{self.system()}-")
        title = self.metadata.displayName or self.slo.name
        if self.spec.composite:
            indicator, target, slice_ms, lines = self.composite()
            return [self.made(stem, title, place, indicator, target, (slice_ms, None), lines)]
        several = len(self.spec.objectives) > 1
        made = []
        for index, shape in enumerate(self.spec.objectives):
            place = ("spec", "objectives", index)
            slices = self.slices(shape, place)
            simple, lines = self.indicator(shape, place, slices[0])
            id = f"{stem}-{_slug(shape.displayName) or index + 1}" if several else stem
            named = f"{title}: {shape.displayName}" if several and shape.displayName else title
            made.append(self.made(id, named, place, simple, shape.ratio, slices, lines))
        return made

    def made(
        self, id: str, title: str, place: Place, indicator: Indicator, target: Decimal,
        slices: tuple[int | None, Decimal | None], lines: Mapping[str, int],
    ) -> Objective:  # fmt: skip
        window_ms, calendar, flattened = self.window()
        assumption = self.mark("assumption")
        return Objective(
            id=id,
            slo=self.slo.name,
            system=self.system(),
            title=title,
            description=self.spec.description,
            target=target,
            indicator=indicator,
            method=_METHODS[self.spec.budgetingMethod],
            window_ms=window_ms,
            calendar=calendar,
            slice_ms=slices[0],
            slice_target=slices[1],
            service=self.spec.service,
            assumptions=((assumption,) if assumption else ()) + flattened,
            derived=self.mark("derived").lower() == "true",
            absence=self.absence(),
            labels=self.metadata.labels,
            alert_policies=tuple(getattr(item, "alertPolicyRef", "inline") for item in self.spec.alertPolicies),
            file=self.slo.document.file,
            line=self.slo.document.line(place),
            query_lines=lines,
        )
