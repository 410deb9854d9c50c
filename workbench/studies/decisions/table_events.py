"""Deployments and incidents of tables, as annotations that nobody has to write down twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pandas as pd

from workbench.store import Annotation
from workbench.studies.sources.context import Context
from workbench.studies.sources.tables import rows_of

#: What a table calls the kind of its rows, and the column that says when they begin.
_KINDS = {"deployments": ("deploy", "time"), "incidents": ("incident", "starts_at")}

#: Columns that tell what it was, the first that says something; then where an end may stand.
_TEXTS = ("text", "title", "summary", "version", "id")
_ENDS = ("ends_at", "resolved_at", "end")


def table_events(ctx: Context, system: str) -> tuple[list[Annotation], list[str]]:
    """Return the deployments and incidents of a system, by start, and what could not be read.

    Parameters
    ----------
    ctx : Context
    system : str

    Returns
    -------
    events : list of Annotation
        Of kind ``deploy`` or ``incident``; their author is ``table`` and the name of the source.
    warnings : list of str

    Notes
    -----
    Where a table has the columns ``system`` or ``service``, rows of another system are left out; a service is one of
    the system's, or the name of the system itself.
    """
    events: list[Annotation] = []
    told: list[str] = []
    for holds, (kind, begins) in _KINDS.items():
        tables, failed = rows_of(ctx, system, holds)
        told += failed
        for table, rows in tables:
            mine = rows[_is_of(ctx, system, rows) & rows[begins].notna()]
            events += [_event(system, kind, row, begins, table.name) for row in mine.to_dict(orient="records")]
    return sorted(events, key=lambda one: one.starts_at), told


def _is_of(ctx: Context, system: str, rows: pd.DataFrame) -> pd.Series:
    own = pd.Series(True, index=rows.index)
    if "system" in rows.columns:
        return rows["system"].astype("str") == system
    if "service" in rows.columns and ctx.services_of(system):
        own = rows["service"].astype("str").isin({system, *ctx.services_of(system), ""})
    return own


def _event(system: str, kind: str, row: dict[Any, Any], begins: str, name: str) -> Annotation:
    starts: datetime = row[begins].to_pydatetime()
    ends = next((row[column].to_pydatetime() for column in _ENDS if pd.notna(row.get(column))), None)
    said = next(filter(None, (_text(row.get(column)) for column in _TEXTS)), kind)
    service = _text(row.get("service"))
    return Annotation(
        system=system, kind=kind, starts_at=starts, text=f"{service}: {said}" if service else said, created_at=starts,
        created_by=f"table {name}", ends_at=ends if ends is not None and ends > starts else None,
        link=next(_links(row), ""),
    )  # fmt: skip


def _links(row: dict[Any, Any]) -> Iterator[str]:
    for column in ("link", "url"):
        text = _text(row.get(column))
        if text.startswith(("https://", "http://")):
            yield text


def _text(value: Any) -> str:
    return "" if value is None or (not isinstance(value, str) and pd.isna(value)) else str(value).strip()
