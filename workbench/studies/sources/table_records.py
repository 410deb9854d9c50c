"""Tables whose rows are log lines or spans of a system: where they are read, and how a field of one is."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from workbench.core.errors import ParameterError
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.secret_text import masked
from workbench.core.timerange import TimeRange
from workbench.store.tables import TableSource
from workbench.studies.sources.context import Context


def only_system(ctx: Context, table: TableSource) -> str:
    """Return the one system that a table of records answers for; ParameterError where none or several are named."""
    systems = ctx.systems_of(table.name)
    if len(systems) != 1:
        raise ParameterError(
            f"The table {table.name} names {len(systems)} systems; its records are those of one.",
            hint=f'Set systems = ["name"] in [sources.{table.name}].',
        )
    return systems[0]


def record_pieces(ctx: Context, system: str, table: TableSource, span: TimeRange) -> Iterator[pd.DataFrame]:
    """Give the lines or spans of a range, as LOGS or SPANS in pieces; raises as their source does."""
    named = (table.service,) if table.service else ()
    events = (table.event,) if table.event else ()
    if table.records == "logs":
        lines = ctx.logs_for(system)
        services = named or ctx.services_within(lines, system)
        yield from lines.logs(LogFilter(services=services, events=events), span)
    else:
        kept = ctx.spans_for(system)
        services = named or ctx.services_within(kept, system)
        yield from kept.spans(SpanFilter(services=services, operations=events), span)


def field_text(piece: pd.DataFrame, place: str) -> pd.Series:
    """Text of an attribute, else of a column; empty where a record has none."""
    held = piece["attributes"].map(lambda attributes: attributes.get(place, "") if attributes else "").astype("str")
    if place in piece.columns and place != "attributes":
        held = held.where(held != "", piece[place].astype("str"))
    return held.map({text: masked(text) for text in held.unique()})
