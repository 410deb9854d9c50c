"""Indicators: what an objective counts, before anybody asks a source."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from workbench.core.filters import LogFilter, SpanFilter


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
    """A slice is good while ``query op value`` holds at its end.

    With ``samples`` the query is a selector and each of its samples is good or bad by itself, as a probe is.
    """

    query: str
    op: Literal["<", "<=", ">", ">="]
    value: Decimal
    slice_ms: int
    samples: bool = False


@dataclass(frozen=True)
class RecordsIndicator:
    """Log lines or spans, good or bad ones over all; the three filters are of one kind."""

    total: LogFilter | SpanFilter
    good: LogFilter | SpanFilter | None = None
    bad: LogFilter | SpanFilter | None = None

    @property
    def kind(self) -> Literal["logs", "spans"]:
        """What is counted."""
        return "logs" if isinstance(self.total, LogFilter) else "spans"


SimpleIndicator = RatioIndicator | RawIndicator | ThresholdIndicator | RecordsIndicator


@dataclass(frozen=True)
class Member:
    """One indicator of a composite objective, with a target and a weight of its own."""

    name: str
    title: str
    target: Decimal
    weight: Decimal
    indicator: SimpleIndicator
    slice_target: Decimal | None = None


@dataclass(frozen=True)
class CompositeIndicator:
    """Several indicators kept as one objective.

    ``weights`` says what a weight is in RatioTimeslices: ``sum`` counts what each member lost as many times (OpenSLO),
    ``share`` makes a weighted mean (Nobl9).
    """

    members: tuple[Member, ...]
    weights: Literal["sum", "share"] = "sum"


Indicator = SimpleIndicator | CompositeIndicator


def indicator_texts(indicator: Indicator) -> dict[str, str]:
    """Return what an indicator asks: ``good``/``bad`` and ``total``, or ``query``; of a composite by member.

    Filters of log lines and spans come as words.

    Examples
    --------
    >>> indicator_texts(RatioIndicator(total="a_total", bad="a_total{code='500'}"))
    {'bad': "a_total{code='500'}", 'total': 'a_total'}
    >>> indicator_texts(RecordsIndicator(total=LogFilter(services=("api",)), bad=LogFilter(severity="ERROR")))
    {'bad': "logs: severity='ERROR'", 'total': "logs: services=('api',)"}
    """
    match indicator:
        case CompositeIndicator(members=members):
            return {
                f"{member.name}.{part}": text
                for member in members
                for part, text in indicator_texts(member.indicator).items()
            }
        case RatioIndicator() | RecordsIndicator():
            pairs = {"good": indicator.good, "bad": indicator.bad, "total": indicator.total}
            return {part: _text(query) for part, query in pairs.items() if query is not None}
    return {"query": indicator.query}


def promql_texts(indicator: Indicator) -> dict[str, str]:
    """Return those of :func:`indicator_texts` that are PromQL."""
    match indicator:
        case RecordsIndicator():
            return {}
        case CompositeIndicator(members=members):
            return {
                f"{member.name}.{part}": text
                for member in members
                for part, text in promql_texts(member.indicator).items()
            }
    return indicator_texts(indicator)


def _text(query: str | LogFilter | SpanFilter) -> str:
    if isinstance(query, str):
        return query
    conditions = [f"{name}={value!r}" for name, value in vars(query).items() if value]
    return f"{'logs' if isinstance(query, LogFilter) else 'spans'}: {', '.join(conditions) or 'all'}"
