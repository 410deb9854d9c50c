"""A profile: all the workbench knows about one monitored system, read from one YAML file.

Every class is frozen and refuses keys it does not know. A query of the system's document stays under ``documented``.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from workbench.catalog.profile.terms import FrozenReference, RoleCapacity
from workbench.catalog.profile.vocabulary import Cadence, Compare, Kind, LogFormat, Question, Severity, TokenClass
from workbench.catalog.profile.words import (
    Dimension,
    DurationMs,
    LabelName,
    MetricName,
    Name,
    RoleName,
    Scope,
    Text,
    Unit,
    selector_parts,
)
from workbench.core.errors import ParameterError


class Entry(BaseModel):
    """Base of everything in a profile; ``heading`` is where the system's document speaks of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    heading: str = ""
    note: str = ""


class Documented(Entry):
    """Something a document states, and what is right instead where the document is not."""

    documented: Text | None = None
    corrected: Text | None = None
    reason: str = ""

    @model_validator(mode="after")
    def _correction_is_explained(self) -> Self:
        if self.corrected is not None and (self.documented is None or not self.reason):
            raise PydanticCustomError("bare_correction", "corrected needs documented text and a reason", {})
        if self.corrected is not None and self.corrected == self.documented:
            raise PydanticCustomError("no_correction", "corrected says the same as documented", {})
        return self


class MetricFamily(Documented):
    """A family as exposed: kind, labels with known values; ``documented``: a definition that cannot be right."""

    kind: Literal["counter", "gauge", "histogram", "summary"]
    unit: Unit
    help: str = ""
    job: str = ""
    labels: dict[LabelName, tuple[str, ...]] = {}
    buckets: tuple[float, ...] = ()
    aliases: tuple[MetricName, ...] = ()
    assumed: tuple[str, ...] = Field(default=(), description="labels, 'buckets' or 'name' the document does not give")


class Role(Documented):
    """What a metric is for. ``select`` is a selector; only kind ``expr`` holds an expression; docs/profiles.md."""

    kind: Kind
    select: Text
    unit: Unit
    title: str = ""
    labels: dict[Dimension, LabelName] = {}
    aliases: tuple[Text, ...] = ()
    view_of: RoleName | tuple[RoleName, ...] | None = None
    capacity: RoleCapacity | None = None
    inside: RoleName | None = None
    token_class: TokenClass | None = None
    classes: dict[Text, Text] = {}
    margin: float = Field(default=0.0, ge=0)
    better: Literal["higher", "lower", "neither"] | None = None
    reference: FrozenReference | None = None

    @model_validator(mode="after")
    def _select_fits_kind(self) -> Self:
        if self.kind == "expr":
            return self
        for text in (self.select, *self.aliases):
            try:
                name, _ = selector_parts(text)
            except ParameterError:
                raise PydanticCustomError(
                    "not_a_selector",
                    "a {kind} is given as a plain selector such as {example}; rates, sums and quantiles are taken by "
                    "the workbench. Use kind: expr for an expression",
                    {"kind": self.kind, "example": 'name{label="value"}', "at": "select"},
                ) from None
            if self.kind == "histogram" and (not name or name.endswith(("_bucket", "_sum", "_count"))):
                raise PydanticCustomError(
                    "not_a_histogram",
                    "a histogram is given by its family name, without _bucket, _sum or _count",
                    {"at": "select"},
                )
        return self

    @property
    def metric(self) -> str:
        """Name of the family the selector takes; empty for an expression."""
        return "" if self.kind == "expr" else selector_parts(self.select)[0]

    def part(self, suffix: Literal["_bucket", "_sum", "_count"]) -> str:
        """Selector of one part of a histogram, e.g. ``duration_seconds_bucket{method="GET"}``."""
        name, matchers = selector_parts(self.select)
        return f"{name}{suffix}{matchers}"


class DocumentedQuery(Documented):
    """A query of the system's document; ``query`` is the one to trust."""

    name: Name
    title: Text
    documented: Text
    unit: Unit | None = None

    @property
    def query(self) -> str:
        """The corrected text where there is one, else the document's own."""
        return self.corrected or self.documented


class Rule(Documented):
    """An expression the server evaluates; ``derived`` marks those the document asks for without giving the text.

    ``dialect`` is ``other`` when the documented text is no PromQL (a condition of the system's own alert manager); then
    ``corrected`` or ``expr`` says it in PromQL.
    """

    name: str
    expr: Text
    derived: bool = False
    dialect: Literal["promql", "other"] = "promql"
    labels: dict[LabelName, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _expression_of_the_document(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "expr" in data:
            return data
        expression = data.get("corrected") or (data.get("documented") if data.get("dialect") != "other" else None)
        return {**data, "expr": expression} if expression else data


class RecordingRule(Rule):
    """A recorded series."""

    name: MetricName
    unit: Unit


class AlertRule(Rule):
    """An alert: fires when ``expr`` has given the series for ``for_ms``. [ms]"""

    name: Text
    severity: Severity
    for_ms: DurationMs = Field(default=0, alias="for")
    keep_firing_ms: DurationMs = Field(default=0, alias="keep_firing_for")
    annotations: dict[LabelName, str] = {}
    objectives: tuple[Name, ...] = ()
    channels: tuple[Text, ...] = ()


class Threshold(Documented):
    """A limit of the document; a breach is ``expr op value`` held for ``for_ms``. [ms]"""

    name: Name
    title: Text
    expr: Text
    op: Compare
    value: float
    unit: Unit
    severity: Severity
    for_ms: DurationMs = Field(default=0, alias="for")


class SloLink(Documented):
    """An objective of the document, and the objectives of ``data/slos`` that keep it."""

    name: Name
    title: Text
    objectives: tuple[Name, ...]
    monitoring: tuple[MetricName, ...] = ()
    alerts: tuple[Text, ...] = ()
    budget: Documented | None = None
    alerting: str = ""


class Component(Entry):
    """A part of the monitoring stack or an exporter, with what the document says of it."""

    name: Name
    title: Text
    purpose: str = ""
    port: int | None = Field(default=None, ge=1, le=65535)
    job: str = ""
    configuration: str = ""
    retention: str = ""
    scrape_interval_ms: DurationMs | None = Field(default=None, alias="scrape_interval")
    settings: dict[str, str] = {}


class Panel(Entry):
    """One panel of a dashboard; ``shows`` names roles, documented queries, rules or objectives of this system."""

    title: Text
    shows: tuple[Text, ...] = ()
    not_measured: str = ""


class Dashboard(Entry):
    """A dashboard of the document."""

    title: Text
    file: str = ""
    panels: tuple[Panel, ...] = ()


class ChecklistItem(Entry):
    """One thing to look at; ``question`` says which surface answers it, ``people`` that only people can."""

    text: Text
    question: Question
    not_measured: str = ""


class Checklist(Entry):
    """What to look at every day, week or month."""

    title: Text
    cadence: Cadence
    items: tuple[ChecklistItem, ...]


class SeverityLevel(Entry):
    """What a severity asks for."""

    severity: Severity
    action: Text
    examples: tuple[str, ...] = ()


class Channel(Documented):
    """Where notifications go; never a secret, only the kind and the public name."""

    name: Name
    kind: Literal["slack", "pagerduty", "email", "webhook", "opsgenie", "teams", "dashboard"]
    target: str = ""
    severities: tuple[Severity, ...] = ()


class HealthEndpoint(Documented):
    """An address that says whether a component is well; ``expects`` is what a healthy answer holds.

    ``answer`` is the document's own example of one, ``failures`` the misses in a row that make it unhealthy.
    """

    name: Name
    url: Text
    component: str = ""
    expects: str = ""
    answer: dict[str, Any] = {}
    delay_ms: DurationMs | None = Field(default=None, alias="delay")
    interval_ms: DurationMs | None = Field(default=None, alias="interval")
    timeout_ms: DurationMs | None = Field(default=None, alias="timeout")
    failures: int | None = Field(default=None, ge=1)


class LogField(Entry):
    """One field of a log record: ``path`` in the record, ``column`` in the workbench's own log frame."""

    path: Text
    column: str = ""
    type: str = "str"


class LogStream(Entry):
    """One kind of log; ``index``: its place in a server, with a date pattern; ``dates``: how 07/11/2026 is meant."""

    name: Name
    format: LogFormat
    service: str = ""
    file: str = ""
    rotation: str = ""
    retention: str = ""
    index: str = ""
    dates: Literal["", "day-first", "month-first"] = ""
    loggers: tuple[Text, ...] = ()
    levels: dict[str, str] = {}
    event_types: dict[str, str] = {}
    fields: tuple[LogField, ...] = ()
    assumed: bool = False


class Tracing(Entry):
    """How the system traces: ``sampling`` is the share of traces kept, so a kept span stands for 1/sampling."""

    service: Text
    exporter: str = ""
    sampling: float = Field(default=1.0, gt=0, le=1)
    attributes: dict[str, str] = {}
    instrumented: tuple[Text, ...] = ()
    watch: tuple[Text, ...] = ()


class SpanDef(Entry):
    """A span the system writes, with its attributes."""

    name: Text
    service: str = ""
    kind: Literal["server", "client", "internal", "producer", "consumer"] = "internal"
    parent: str = ""
    attributes: tuple[str, ...] = ()
    sampling: float = Field(default=1.0, gt=0, le=1)
    assumed: bool = False


class NotMeasured(Entry):
    """A question the document raises without a signal that could answer it."""

    name: Name
    question: Text
    signal: Text


class Guide(Entry):
    """What to do when something is wrong, in order."""

    title: Text
    steps: tuple[Text, ...]


class Integration(Documented):
    """A system outside that receives metrics or alerts."""

    name: Name
    title: Text


class Profile(Entry):
    """All that is known of one system.

    ``scope`` holds the label matchers that pick this system's series on a shared server; they are put into every
    selector. ``assumptions`` are the statements its documents do not make and its figures rest on.
    """

    schema_version: Literal[1] = Field(alias="schema")
    system: Name
    title: Text
    owner: str = ""
    runbook: str = ""
    document: str = ""
    scope: Scope = {}
    assumptions: tuple[Text, ...] = ()
    metrics: dict[MetricName, MetricFamily] = {}
    roles: dict[RoleName, Role] = {}
    queries: tuple[DocumentedQuery, ...] = ()
    recording_rules: tuple[RecordingRule, ...] = ()
    alert_rules: tuple[AlertRule, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    slos: tuple[SloLink, ...] = ()
    components: tuple[Component, ...] = ()
    dashboards: tuple[Dashboard, ...] = ()
    checklists: tuple[Checklist, ...] = ()
    severities: tuple[SeverityLevel, ...] = ()
    channels: tuple[Channel, ...] = ()
    health: tuple[HealthEndpoint, ...] = ()
    logs: tuple[LogStream, ...] = ()
    tracing: Tracing | None = None
    spans: tuple[SpanDef, ...] = ()
    guides: tuple[Guide, ...] = ()
    integrations: tuple[Integration, ...] = ()
    not_measured: tuple[NotMeasured, ...] = ()

    _file: str = PrivateAttr(default="")
    _lines: dict[tuple[str | int, ...], int] = PrivateAttr(default_factory=dict)

    @property
    def file(self) -> str:
        """The file this profile was read from; empty when it was made in memory."""
        return self._file

    def line(self, *path: str | int) -> int:
        """Line of an entry, e.g. ``line("roles", "requests", "select")``; 0 when unknown."""
        return self._lines.get(path, 0)

    def variants(self, role: str) -> dict[str, Role]:
        """All roles of one word, e.g. ``requests``, ``requests.generation``, keyed by their full name."""
        return {name: held for name, held in self.roles.items() if name.partition(".")[0] == role}
