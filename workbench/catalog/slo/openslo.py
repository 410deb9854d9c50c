"""The shapes of OpenSLO v1 documents, with the rules of its reference implementation (OpenSLO/go-sdk).

Only shapes stand here; :mod:`workbench.catalog.slo.documents` makes objectives of them. Rules that need two values of
an entry
raise where the entry begins, so that a message points at it.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from workbench.catalog.profile.words import Text
from workbench.core.errors import ParameterError
from workbench.core.timerange import named_zone

API_VERSION = "openslo/v1"
KINDS = ("DataSource", "Service", "SLI", "SLO", "AlertPolicy", "AlertCondition", "AlertNotificationTarget")

Unit = Literal["m", "h", "d", "w", "M", "Q", "Y"]

_RFC1123 = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_DURATION = re.compile(r"([1-9]\d*)([mhdwMQY])")


def _rfc1123(word: str) -> str:
    if not _RFC1123.fullmatch(word):
        raise PydanticCustomError(
            "bad_name",
            "a name has lower-case letters, digits and '-', starts and ends with a letter or digit, at most 63",
            {},
        )
    return word


def _duration(text: str) -> str:
    if not _DURATION.fullmatch(text):
        raise PydanticCustomError(
            "bad_duration",
            "{text} is not an OpenSLO duration: a whole number and one of m h d w M Q Y, e.g. 30d "
            "(M is a month, m a minute)",
            {"text": repr(text)},
        )
    return text


def duration_parts(text: str) -> tuple[int, str]:
    """Split a duration that was checked: ``30d`` gives ``(30, "d")``."""
    match = _DURATION.fullmatch(text)
    assert match is not None
    return int(match[1]), match[2]


def _start(text: str) -> str:
    try:
        datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise PydanticCustomError(
            "bad_start", "write startTime as YYYY-MM-DD HH:MM:SS, without a zone; timeZone gives it", {}
        ) from None
    return text


def _zone(text: str) -> str:
    try:
        named_zone(text)
    except ParameterError as error:
        raise PydanticCustomError("bad_zone", "{why}", {"why": error.message}) from None
    return text


Rfc1123 = Annotated[Text, AfterValidator(_rfc1123)]
OpenSloDuration = Annotated[Text, AfterValidator(_duration)]
Description = Annotated[str, Field(max_length=1050)]


class Shape(BaseModel):
    """Base of all shapes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _rule(holds: bool, why: str) -> None:
    if not holds:
        raise PydanticCustomError("openslo_rule", "{why}", {"why": why})


class Metadata(Shape):
    """Name, labels and annotations of a document."""

    name: Rfc1123
    displayName: str = ""
    labels: dict[str, str | tuple[str, ...]] = {}
    annotations: dict[str, str] = {}


class ConditionSpec(Shape):
    """``attribute op value``, or ``values`` with ``op: in``."""

    attribute: Text
    op: Literal["=", "!=", "in", "regex"] = "="
    value: str | None = None
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_value(self) -> Self:
        _rule((self.value is None) == bool(self.values), "a condition has value, or values with op: in")
        _rule(not self.values or self.op == "in", "several values need op: in")
        return self


class QuerySpec(Shape):
    """What a source is asked: a query of Prometheus, or which log lines or spans."""

    query: Text | None = None
    queryType: Literal["promql", "PromQL"] | None = None
    services: tuple[str, ...] = ()
    attributes: tuple[ConditionSpec, ...] = ()
    severity: Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] | None = None
    events: tuple[str, ...] = ()
    contains: str = ""
    operations: tuple[str, ...] = ()
    status: Literal["ok", "error", "unset"] | None = None
    minDuration: Text | None = None


#: Keys of a source's ``spec`` by what the source is.
SOURCE_KEYS = {
    "prometheus": {"query", "queryType"},
    "logs": {"services", "attributes", "severity", "events", "contains"},
    "spans": {"services", "attributes", "operations", "status", "minDuration"},
}


class MetricSource(Shape):
    """Where a number comes from: a query of Prometheus, or counted log lines or spans (``type: logs``, ``spans``)."""

    metricSourceRef: Rfc1123 | None = None
    type: Literal["Prometheus", "prometheus", "logs", "spans"] | None = None
    spec: QuerySpec

    @model_validator(mode="after")
    def _own_keys(self) -> Self:
        kind = (self.type or "prometheus").lower()
        if self.metricSourceRef is None or self.type is not None:
            strange = sorted(self.spec.model_fields_set - SOURCE_KEYS[kind])
            _rule(not strange, f"a source of type {kind} has no {', '.join(strange)} in its spec")
            _rule(kind != "prometheus" or self.spec.query is not None, "'query' is required here")
        return self


class Metric(Shape):
    """One metric of an indicator."""

    metricSource: MetricSource


class RatioMetric(Shape):
    """Good or bad over total, or a ratio as it is."""

    counter: bool = False
    good: Metric | None = None
    bad: Metric | None = None
    total: Metric | None = None
    raw: Metric | None = None
    rawType: Literal["success", "failure"] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.raw is not None:
            _rule(
                self.good is None and self.bad is None and self.total is None,
                "raw stands alone: leave good, bad and total out",
            )
            _rule(self.rawType is not None, "raw needs rawType: success or failure")
        else:
            _rule(self.total is not None, "a ratio needs total beside good or bad")
            _rule((self.good is None) != (self.bad is None), "a ratio has good or bad, not both and not neither")
            _rule(self.rawType is None, "rawType belongs to raw")
        return self


class SliSpec(Shape):
    """A service level indicator: a ratio or a threshold."""

    description: Description = ""
    ratioMetric: RatioMetric | None = None
    thresholdMetric: Metric | None = None

    @model_validator(mode="after")
    def _one_metric(self) -> Self:
        _rule((self.ratioMetric is None) != (self.thresholdMetric is None), "an SLI has ratioMetric or thresholdMetric")
        return self


class InlineSli(Shape):
    """An SLI written inside an SLO."""

    metadata: Metadata
    spec: SliSpec


class Calendar(Shape):
    """Where calendar windows begin."""

    startTime: Annotated[Text, AfterValidator(_start)]
    timeZone: Annotated[Text, AfterValidator(_zone)]


class TimeWindow(Shape):
    """The period of the error budget."""

    duration: OpenSloDuration
    isRolling: bool = False
    calendar: Calendar | None = None

    @model_validator(mode="after")
    def _rolling_or_calendar(self) -> Self:
        _rule(
            not (self.isRolling and self.calendar),
            "a rolling window has no calendar: remove it or set isRolling: false",
        )
        _rule(self.isRolling or self.calendar is not None, "a window that does not roll needs a calendar")
        return self


class ObjectiveShape(Shape):
    """One target; composite members carry their own indicator."""

    displayName: str = ""
    target: Decimal | None = Field(default=None, ge=0)
    targetPercent: Decimal | None = Field(default=None, ge=0)
    op: Literal["lte", "gte", "lt", "gt"] | None = None
    value: Decimal | None = None
    timeSliceTarget: Decimal | None = Field(default=None, gt=0, le=1)
    timeSliceWindow: OpenSloDuration | None = None
    indicator: InlineSli | None = None
    indicatorRef: Rfc1123 | None = None
    compositeWeight: Decimal | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        _rule((self.target is None) != (self.targetPercent is None), "an objective has target or targetPercent")
        for name, value, full in (("target", self.target, 1), ("targetPercent", self.targetPercent, 100)):
            if value is not None and value >= full:
                raise PydanticCustomError(
                    "full_target",
                    "{shown} must be below {full}: a target of 100 % leaves no error budget, so the first failure "
                    "breaks it for good and every burn rate is infinite",
                    {"shown": f"{name} {value}", "full": full, "at": name},
                )
        percent = self.targetPercent
        _rule(
            percent is None or not 0 < percent <= 1,
            f"targetPercent {percent} is at most 1 %: write {(percent or 0) * 100:f} for a target of {percent}",
        )
        _rule(self.indicator is None or self.indicatorRef is None, "an objective has indicator or indicatorRef")
        return self

    @property
    def composed(self) -> bool:
        """Whether the objective has an indicator of its own, as a member of a composite does."""
        return self.indicator is not None or self.indicatorRef is not None

    @property
    def ratio(self) -> Decimal:
        """The target as a ratio, exact."""
        if self.target is not None:
            return self.target
        assert self.targetPercent is not None
        return self.targetPercent / 100


class PolicyRef(Shape):
    """An alert policy by name."""

    alertPolicyRef: Rfc1123


class SloSpec(Shape):
    """A service level objective."""

    description: Description = ""
    service: Rfc1123
    indicator: InlineSli | None = None
    indicatorRef: Rfc1123 | None = None
    timeWindow: tuple[TimeWindow, ...] = Field(min_length=1, max_length=1)
    budgetingMethod: Literal["Occurrences", "Timeslices", "RatioTimeslices"]
    objectives: tuple[ObjectiveShape, ...] = Field(min_length=1)
    alertPolicies: tuple[PolicyRef | dict[str, Any], ...] = ()

    @model_validator(mode="after")
    def _one_indicator(self) -> Self:
        members = [objective.composed for objective in self.objectives]
        own = [self.indicator is not None, self.indicatorRef is not None]
        _rule(
            own.count(True) + all(members) == 1 and any(members) == all(members),
            "an SLO has indicator or indicatorRef, or each of its objectives has one (a composite)",
        )
        _rule(
            all(members) or all(objective.compositeWeight is None for objective in self.objectives),
            "compositeWeight belongs to a composite: an indicator under each objective",
        )
        return self

    @property
    def composite(self) -> bool:
        """Whether the indicators stand under the objectives."""
        return self.objectives[0].composed


class ServiceSpec(Shape):
    """A service."""

    description: Description = ""


class DataSourceSpec(Shape):
    """A data source; the workbench takes addresses and secrets from its settings and reads only the name here."""

    description: Description = ""
    type: Text
    connectionDetails: dict[str, Any] = {}


class BurnRate(Shape):
    """The one kind of alert condition OpenSLO v1 has."""

    kind: Literal["burnrate"]
    op: Literal["lte", "gte", "lt", "gt"]
    threshold: Decimal
    lookbackWindow: OpenSloDuration
    alertAfter: Annotated[Text, Field(pattern=r"^\d+[mhdwMQY]$")]


class AlertConditionSpec(Shape):
    """When to alert."""

    description: Description = ""
    severity: Text
    condition: BurnRate


class AlertPolicySpec(Shape):
    """Which condition alerts whom."""

    description: Description = ""
    alertWhenNoData: bool = False
    alertWhenResolved: bool = False
    alertWhenBreaching: bool = False
    conditions: tuple[dict[str, Any], ...] = Field(min_length=1, max_length=1)
    notificationTargets: tuple[dict[str, Any], ...] = Field(min_length=1)


class AlertNotificationTargetSpec(Shape):
    """Where an alert goes."""

    description: Description = ""
    target: Text


SPECS: dict[str, type[Shape]] = {
    "DataSource": DataSourceSpec,
    "Service": ServiceSpec,
    "SLI": SliSpec,
    "SLO": SloSpec,
    "AlertPolicy": AlertPolicySpec,
    "AlertCondition": AlertConditionSpec,
    "AlertNotificationTarget": AlertNotificationTargetSpec,
}


class Envelope(Shape):
    """What every document has around its spec."""

    apiVersion: Literal["openslo/v1"]
    kind: Literal["DataSource", "Service", "SLI", "SLO", "AlertPolicy", "AlertCondition", "AlertNotificationTarget"]
    metadata: Metadata
    spec: Any
