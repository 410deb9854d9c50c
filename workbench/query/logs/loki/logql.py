"""The neutral log filter in LogQL. Text in a filter is data: it is quoted, and never becomes part of the language.

What LogQL cannot say exactly narrows the question only, and the rest is decided here
(:func:`workbench.query.logs.match.matching`), so that Loki and the archive give the same lines.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from workbench.core.errors import QueryRejected
from workbench.core.filters import Condition, LogFilter
from workbench.core.frames import LOGS
from workbench.query.logs.levels import spellings
from workbench.query.logs.match import severities_from
from workbench.query.logs.shape import USUAL, LogShape

#: Labels that name the service of a stream, most telling first.
SERVICE_LABELS = ("service_name", "service", "app", "app_kubernetes_io_name", "job", "container")
LEVEL_LABELS = ("level", "severity")

#: Letters that JSON, logfmt and plain text all write as they are.
_AS_WRITTEN = re.compile(r"[^\"\\/\x00-\x1f\x7f-\U0010ffff<>&']{2,}")


@dataclass(frozen=True)
class Compiled:
    """A filter in LogQL.

    Attributes
    ----------
    rows : str
        Log query that finds at least the lines wanted.
    counts : str
        Log query that finds exactly these; empty where LogQL cannot say it.
    unparsed : str
        Log query for the lines of the same streams that ``counts`` cannot read; empty when it reads none.
    """

    rows: str
    counts: str = ""
    unparsed: str = ""


@dataclass(frozen=True)
class Streams:
    """What is known of the streams a question goes to.

    Attributes
    ----------
    shape : LogShape
        Where records keep the columns; a label of the streams comes first.
    labels : collection of str
        Labels of the streams.
    selector : str
        Streams to read as the settings give them; empty for those of the system's services.
    json_lines : bool
        Whether the lines are JSON, so that Loki may look inside.
    """

    shape: LogShape
    labels: Collection[str]
    selector: str = ""
    json_lines: bool = False

    @property
    def label_columns(self) -> dict[str, str]:
        """Columns that a label of the streams holds, with that label."""
        columns = {}
        for column, candidates in (("service", SERVICE_LABELS), ("severity", LEVEL_LABELS)):
            places = [name for name in self.shape.own.get(column, candidates) if name in self.labels]
            if places:
                columns[column] = places[0]
        return columns

    def names(self, column: str) -> tuple[str, ...]:
        """Names of LogQL that may hold a column or an attribute, most telling first."""
        label = self.label_columns.get(column)
        return (label,) if label else tuple(dict.fromkeys(map(label_name, self.shape.places(column))))

    def grouping(self, column: str) -> str | None:
        """Return the one name that holds a column for certain; None when several may."""
        if column in self.label_columns or column in self.labels:
            return self.names(column)[0]
        sure = self.json_lines and (column in self.shape.own or column not in USUAL)
        return self.names(column)[0] if sure else None


def compiled(wanted: LogFilter, streams: Streams) -> Compiled:
    """Compile a filter.

    Raises
    ------
    QueryRejected
        There is no way to tell the system's streams.
    """
    if wanted.native is not None:
        return Compiled(wanted.native.text)
    matchers, narrowing, rest = _split(wanted, streams)
    selector = selector_text(streams, matchers)
    lines = "".join(f" |= {quoted(piece)}" for piece in _pieces(wanted.contains))
    # A column of LOGS under a condition is what was made of the record, which LogQL does not know.
    made = any(LOGS.columns.get(condition.attribute) == "str" for condition in wanted.attributes)
    if not streams.json_lines:
        whole = not (narrowing or rest or made)
        return Compiled(f"{selector}{lines}", f"{selector}{lines}" if whole else "")
    loose = "".join(f" | {condition.loose()}" for condition in narrowing)
    tight = "".join(f" | {condition.tight()}" for condition in (*narrowing, *rest))
    parsed = f"{selector}{lines} | json"
    return Compiled(
        f"{parsed}{loose}" if loose else f"{selector}{lines}",
        "" if made else f"{parsed}{tight}",
        f'{parsed} | __error__!=""',
    )


def selector_text(streams: Streams, matchers: Sequence[str] = ()) -> str:
    """Return the stream selector: that of the settings, narrowed by matchers, else the services of the system."""
    if not streams.selector and not matchers:
        label, services = streams.label_columns.get("service"), streams.shape.services
        if label is None or not services:
            raise QueryRejected(
                f"No label names the streams of the system (labels: {', '.join(sorted(streams.labels)) or 'none'}).",
                hint="Set selector = '{app=\"…\"}' of this source.",
            )
        matchers = [f"{label}=~{quoted('|'.join(map(re.escape, services)))}"]
    given = streams.selector.strip().removeprefix("{").removesuffix("}").strip().rstrip(",")
    return "{" + ", ".join([*([given] if given else []), *matchers]) + "}"


def quoted(text: str) -> str:
    """Return a string literal of LogQL.

    Examples
    --------
    >>> quoted('a "b" \\\\ `c`')
    '"a \\\\"b\\\\" \\\\\\\\ `c`"'
    """
    escaped = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return (
        '"'
        + "".join(
            escaped.get(letter)
            or (letter if letter.isprintable() else f"\\u{ord(letter):04x}" if ord(letter) < 65536 else letter)
            for letter in text
        )
        + '"'
    )


def label_name(place: str) -> str:
    """Name under which ``| json`` gives a place of a record: ``context.user_id`` as ``context_user_id``."""
    return re.sub(r"[^A-Za-z0-9_]", "_", place)


@dataclass(frozen=True)
class _Inside:
    """A condition on what stands in the lines, under one of some names."""

    names: tuple[str, ...]
    op: str
    text: str

    def loose(self) -> str:
        """Return a condition that holds whenever this one does, and for lines that Loki cannot read."""
        names = [each for name in self.names for each in (name, f"{name}_extracted")]
        return "(" + " or ".join([*self._alternatives(names), '__error__!=""']) + ")"

    def tight(self) -> str:
        """Return the condition itself."""
        return (
            "(" + " or ".join(self._alternatives(self.names)) + ")"
            if len(self.names) > 1
            else self._label_matcher(self.names[0])
        )

    def _alternatives(self, names: Sequence[str]) -> list[str]:
        return [self._label_matcher(name) for name in names]

    def _label_matcher(self, name: str) -> str:
        return f"{name}{self.op}{quoted(self.text)}"


def _split(wanted: LogFilter, streams: Streams) -> tuple[list[str], list[_Inside], list[_Inside]]:
    """Sort the conditions: matchers of labels, those on lines that narrow them, and those that do not."""
    matchers: list[str] = []
    narrowing: list[_Inside] = []
    rest: list[_Inside] = []

    def demand(column: str, op: str, text: str, *, narrows: bool = True) -> None:
        names = streams.names(column)
        if names[0] in streams.labels:
            matchers.append(f"{names[0]}{op}{quoted(text)}")
        else:
            (narrowing if narrows else rest).append(_Inside(names, op, text))

    if wanted.services:
        demand("service", "=~", "|".join(map(re.escape, wanted.services)))
    if wanted.severity:
        words = {word.lower() for word in spellings(severities_from(wanted.severity), streams.shape.levels)}
        demand("severity", "=~", f"(?i:{'|'.join(map(re.escape, sorted(words)))})")
    if wanted.events:
        demand("event_type", "=~", "|".join(map(re.escape, wanted.events)))
    if wanted.trace_id:
        demand("trace_id", "=", wanted.trace_id)
    if wanted.contains:
        rest.append(_Inside(streams.names("message"), "=~", f"(?s:.*{re.escape(wanted.contains)}.*)"))
    for condition in wanted.attributes:
        if LOGS.columns.get(condition.attribute) != "str":
            op, text, narrows = _operator(condition)
            demand(condition.attribute, op, text, narrows=narrows)
    return matchers, narrowing, rest


def _operator(condition: Condition) -> tuple[str, str, bool]:
    """Operator and text of a condition, and whether it fails where the attribute is missing, so that it narrows."""
    match condition.op:
        case "in":
            return "=~", "|".join(map(re.escape, condition.values)), "" not in condition.values
        case "regex":
            return "=~", f"(?s:{condition.value})", False
    return condition.op, condition.value, condition.op == "=" and bool(condition.value)


def _pieces(text: str) -> list[str]:
    """Parts of a text that a line holding it holds as they are, however the line writes the rest."""
    return _AS_WRITTEN.findall(text)
