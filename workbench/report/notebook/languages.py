r"""LogQL and TraceQL as far as every source can answer them: selectors and filters, read into the neutral form.

So the same cell runs on Loki, Tempo, Elasticsearch, Jaeger and the archive. Text beyond that is sent as it is to a
source that speaks the language, and refused with the place by others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.core.errors import QueryRejected
from workbench.core.filters import Condition, LogFilter, SpanFilter
from workbench.core.timerange import duration_ms

_STRING = r'"(?:[^"\\]|\\.)*"|`[^`]*`'
_MATCHER = re.compile(rf"\s*([A-Za-z_][\w.]*)\s*(=~|!=|=)\s*({_STRING})\s*")
_LINE = re.compile(rf"\s*(\|=)\s*({_STRING})\s*")
_LABEL = re.compile(rf"\s*\|\s*([A-Za-z_][\w.]*)\s*(=~|!=|=)\s*({_STRING})\s*")
_PARSER = re.compile(r"\s*\|\s*(json|logfmt)\b\s*")
_SPAN = re.compile(
    rf"\s*(?P<name>(?:resource\.|span\.|\.)?[A-Za-z_][\w.:-]*)\s*(?P<op>=~|!=|>=|=|>)\s*"
    rf"(?P<value>{_STRING}|[\w.]+)\s*"
)
_SERVICES, _SEVERITIES = {"service", "service_name", "app"}, {"severity", "level", "detected_level"}


def read_logql(text: str) -> LogFilter:
    """Read a log query without metrics: labels, ``|= "text"``, ``| json``, ``| label = "x"``.

    Raises
    ------
    QueryRejected
        With the place of what every source cannot answer.

    Examples
    --------
    >>> found = read_logql('{service="api", pod=~"a.*"} |= "timeout" | json | status = "503"')
    >>> found.services, found.contains, len(found.attributes)
    (('api',), 'timeout', 2)
    """
    start = len(text) - len(text.lstrip())
    if not text.startswith("{", start):
        raise _rejected("LogQL", text, start, 'a log query begins with {label="value"}')
    place, services, attributes, contains, severity = start + 1, [], [], "", ""
    for match in _items(_MATCHER, text, place, "LogQL"):
        name, op, value = match[1], match[2], _plain(match[3])
        if name in _SERVICES and op == "=":
            services.append(value)
        elif name in _SEVERITIES and op == "=":
            severity = value.upper()
        else:
            attributes.append(_condition(name, op, value))
        place = match.end()
    place = text.index("}", place) + 1
    while text[place:].strip():
        if line := _LINE.match(text, place):
            if contains:
                raise _rejected("LogQL", text, place, "one |= filter is answered by every source")
            contains, place = _plain(line[2]), line.end()
        elif label := _LABEL.match(text, place):
            attributes.append(_condition(label[1], label[2], _plain(label[3])))
            place = label.end()
        elif stage := _PARSER.match(text, place):
            place = stage.end()
        else:
            raise _rejected("LogQL", text, place, "not every source can answer this part")
    return LogFilter(services=tuple(services), severity=severity, attributes=tuple(attributes), contains=contains)


def read_traceql(text: str) -> SpanFilter:
    """Read a search of spans: ``{ resource.service.name = "api" && duration > 2s && status = error }``.

    Raises
    ------
    QueryRejected
        With the place of what every source cannot answer.

    Examples
    --------
    >>> found = read_traceql('{ resource.service.name = "api" && duration > 2s && status = error }')
    >>> found.services, found.min_duration_ns, found.status
    (('api',), 2000000000, 'error')
    """
    start = len(text) - len(text.lstrip())
    if not text.startswith("{", start) or not text.rstrip().endswith("}"):
        raise _rejected("TraceQL", text, start, "a search of spans is { condition && condition }")
    services, operations, attributes, status, duration_ns = [], [], [], "", 0
    for match in _items(_SPAN, text, start + 1, "TraceQL", between="&&"):
        name, op, value = match["name"], match["op"], _plain(match["value"])
        short = re.sub(r"^(resource\.|span\.|\.)", "", name)
        if short == "service.name" and op == "=":
            services.append(value)
        elif name == "name" and op == "=":
            operations.append(value)
        elif name == "status" and op == "=":
            status = value
        elif name == "duration" and op in (">", ">="):
            duration_ns = duration_ms(value) * 1_000_000
        elif name != short and op in ("=", "!=", "=~"):
            attributes.append(_condition(short, op, value))
        else:
            raise _rejected("TraceQL", text, match.start("name"), "not every source can answer this condition")
    return SpanFilter(
        services=tuple(services),
        operations=tuple(operations),
        status=status,
        min_duration_ns=duration_ns,
        attributes=tuple(attributes),
    )


def _items(
    pattern: re.Pattern[str], text: str, place: int, language: str, *, between: str = ","
) -> Iterator[re.Match[str]]:
    """Yield the conditions between braces."""
    while not text[place:].lstrip().startswith("}"):
        match = pattern.match(text, place)
        if match is None:
            raise _rejected(language, text, place, "a condition was expected here")
        yield match
        place = match.end()
        if text.startswith(between, place):
            place += len(between)
        elif not text.startswith("}", place):
            raise _rejected(language, text, place, f"{between} or }} was expected here")


def _condition(name: str, op: str, value: str) -> Condition:
    return Condition(name, "regex" if op == "=~" else op, (value,))  # type: ignore[arg-type]


def _plain(text: str) -> str:
    if text[:1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text.strip("`")


def _rejected(language: str, text: str, place: int, why: str) -> QueryRejected:
    return QueryRejected(
        f"This is not {language} that can be answered: {why}.",
        query=text.rstrip(),
        position=min(place, max(len(text.rstrip()) - 1, 0)),
        hint='Read: {label="x"} |= "text" | json | field = "y".'
        if language == "LogQL"
        else 'Read: { resource.service.name = "x" && duration > 2s && status = error && span.http.method = "GET" }.',
    )
