"""Where a system's log records keep what the columns of LOGS want: its profile first, then the usual places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from workbench.catalog.profile.model import LogStream, Profile
from workbench.core.settings import SourceSettings
from workbench.query.logs.dates import Order

#: Places of each column among the libraries and collectors in use, most telling first; a dot leads into an object.
USUAL: Mapping[str, tuple[str, ...]] = {
    column: tuple(places.split())
    for column, places in {
        "time_ns": "timestamp @timestamp time ts Timestamp @t datetime date eventTime asctime t.$date t "
        "time_local time_iso8601 timeUnixNano observedTimeUnixNano",
        "severity": "level severity Level lvl levelname log.level loglevel severity_text SeverityText severityText "
        "severity_number SeverityNumber severityNumber @l error_severity priority s",
        "message": "message msg Message @m body.stringValue body Body event log text",
        "service": "service.name service service_name Service serviceName app application resource.service.name",
        "trace_id": "trace_id traceId traceID TraceId trace.id context.trace_id otelTraceID dd.trace_id",
        "span_id": "span_id spanId spanID SpanId span.id context.span_id otelSpanID dd.span_id",
        "event_type": "event_type eventType EventType event.type event.action",
    }.items()
}
COLUMNS = tuple(USUAL)


@dataclass(frozen=True)
class LogShape:
    """How records of a source become rows of LOGS.

    Attributes
    ----------
    own : mapping of str to tuple of str
        Places of a column by settings and profile, before the usual ones.
    levels : mapping of str to str
        The system's words for severities, in lower case.
    events : mapping of str to str
        Event types by the message that means them, where no field holds the type.
    services : tuple of str
        Services of the system.
    service : str
        Of a record that names none.
    indices : tuple of str
        Where a search server keeps the records, with a pattern of dates.
    dates : {"", "day-first", "month-first"}
        Which figure of a date such as ``07/11/2026`` is the day.
    """

    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    service: str = ""
    indices: tuple[str, ...] = ()
    dates: Order = ""

    def places(self, column: str) -> tuple[str, ...]:
        """Places of a column, most telling first; of an attribute, the attribute itself."""
        return tuple(dict.fromkeys((*self.own.get(column, ()), *USUAL.get(column, (column,)))))

    def reading(self, profile: Profile) -> LogShape:
        """Return this shape with what a profile says of its logs; what the settings said counts more."""
        stated = shape_of(profile.logs)
        places = {name: (*self.own.get(name, ()), *stated.own.get(name, ())) for name in {*self.own, *stated.own}}
        return replace(
            stated,
            own=places,
            service=self.service or stated.service,
            indices=self.indices or stated.indices,
        )


def shape_of(streams: Sequence[LogStream]) -> LogShape:
    """Return the shape that the log streams of a profile describe."""
    own: dict[str, tuple[str, ...]] = {}
    for stream in streams:
        for place in stream.fields:
            if place.column in USUAL and place.path not in own.get(place.column, ()):
                own[place.column] = (*own.get(place.column, ()), place.path)
    services = tuple(dict.fromkeys(stream.service for stream in streams if stream.service))
    events = (
        {} if "event_type" in own else {text: name for stream in streams for name, text in stream.event_types.items()}
    )
    return LogShape(
        own=own,
        levels={word.lower(): severity for stream in streams for word, severity in stream.levels.items()},
        events=events,
        services=services,
        service=services[0] if services else "",
        indices=tuple(dict.fromkeys(stream.index for stream in streams if stream.index)),
        dates=next((stream.dates for stream in streams if stream.dates), ""),
    )


def settings_shape(settings: SourceSettings) -> LogShape:
    """Return the shape that a source's part of the settings file describes."""
    return LogShape(
        own={column: (place,) for column, place in settings.fields.items()},
        service=settings.service,
        indices=(settings.index,) if settings.index else (),
    )


def flattened(record: Mapping[str, Any], *, below: str = "", depth: int = 8) -> dict[str, Any]:
    """Return a record with the objects inside it flattened: ``{"a": {"b": 1}}`` gives ``{"a.b": 1}``.

    Of two keys that become one, the later has ``_`` appended; deeper than ``depth`` an object stays as it is.

    Examples
    --------
    >>> flattened({"a": {"b": 1}, "a.b": 2, "list": [1, 2]})
    {'a.b': 1, 'a.b_': 2, 'list': [1, 2]}
    """
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict) and value and depth:
            inner = flattened(value, below=f"{below}{name}.", depth=depth - 1)
        else:
            inner = {f"{below}{name}": value}
        for key, inner_value in inner.items():
            while key in flat:
                key += "_"
            flat[key] = inner_value
    return flat
