"""Deployments and incidents of tables, as annotations that nobody has to write down twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.studies.sources.context import Context
from workbench.studies.sources.tables import rows_of

if TYPE_CHECKING:  # what the store needs is loaded where a store is opened
    from workbench.store import Annotation

#: What a table calls the kind of its rows, and the column that says when they begin.
_KINDS = {"deployments": ("deploy", "time"), "incidents": ("incident", "starts_at")}

#: Columns that tell what it was, the first that says something; then where an end may stand.
_TEXTS = ("text", "title", "summary", "version", "id")
ACKNOWLEDGED = ("acknowledged_at", "acked_at", "first_acknowledged_at", "first_ack_at")
_ENDS = ("ends_at", "resolved_at", "end")


def table_events(ctx: Context, system: str) -> tuple[list[Annotation], list[str]]:
    """Return the deployments and incidents of a system, by start, and what could not be read.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.

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
    warnings: list[str] = []
    for holds, (kind, begins) in _KINDS.items():
        tables, failed = rows_of(ctx, system, holds)
        warnings += failed
        for table, rows in tables:
            mine = rows[_is_of(ctx, system, rows) & rows[begins].notna()]
            events += [_event(system, kind, row, begins, table.name) for row in mine.to_dict(orient="records")]
    return sorted(events, key=lambda event: event.starts_at), warnings


def table_incidents(ctx: Context, system: str) -> tuple[pd.DataFrame | None, list[str]]:
    """Return when the incidents of a system's tables began, were acknowledged and ended; None without such a table.

    Returns
    -------
    DataFrame or None
        ``starts_at``, ``acknowledged_at``, ``ends_at`` [UTC] and ``urgency`` (str); rows of tables that know
        acknowledgements.
    warnings : list of str
    """
    tables, warnings = rows_of(ctx, system, "incidents")
    parts = []
    for _, rows in tables:
        answered = next((name for name in ACKNOWLEDGED if name in rows.columns), None)
        if answered is None:
            continue
        mine = rows[_is_of(ctx, system, rows) & rows["starts_at"].notna()]
        ends = next((name for name in _ENDS if name in rows.columns), None)
        urgency = next((name for name in ("urgency", "severity", "priority") if name in rows.columns), None)
        parts.append(
            pd.DataFrame(
                {
                    "starts_at": pd.to_datetime(mine["starts_at"], utc=True),
                    "acknowledged_at": pd.to_datetime(mine[answered], utc=True, errors="coerce"),
                    "ends_at": pd.to_datetime(mine[ends], utc=True) if ends else pd.NaT,
                    "urgency": mine[urgency].map(_text) if urgency else "",
                }
            )
        )
    return (pd.concat(parts, ignore_index=True) if parts else None), warnings


def _is_of(ctx: Context, system: str, rows: pd.DataFrame) -> pd.Series:
    own = pd.Series(True, index=rows.index)
    if "system" in rows.columns:
        return rows["system"].astype("str") == system
    if "service" in rows.columns and ctx.services_of(system):
        own = rows["service"].astype("str").isin({system, *ctx.services_of(system), ""})
    return own


def _event(system: str, kind: str, row: dict[Any, Any], begins: str, name: str) -> Annotation:
    from workbench.store import Annotation

    starts: datetime = row[begins].to_pydatetime()
    ends = next((row[column].to_pydatetime() for column in _ENDS if pd.notna(row.get(column))), None)
    text = next(filter(None, (_text(row.get(column)) for column in _TEXTS)), kind)
    service = _text(row.get("service"))
    return Annotation(
        system=system, kind=kind, starts_at=starts, text=f"{service}: {text}" if service else text, created_at=starts,
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
