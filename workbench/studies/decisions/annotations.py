"""Annotations: deploys, incidents, reviews and comments beside the figures, and changes of definition among them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from workbench.analysis.counting.happened import Happened
from workbench.core.errors import ArchiveError, ParameterError
from workbench.core.result import jsonable
from workbench.core.timerange import TimeRange
from workbench.store import Annotation
from workbench.studies.counting.definitions import Changes, change_text
from workbench.studies.decisions.exclusions import written
from workbench.studies.decisions.table_events import table_events
from workbench.studies.sources.context import Context

#: What people write down; a change of definition is noted by the program.
KINDS = ("deploy", "incident", "review", "comment")


def add_annotation(
    ctx: Context,
    *,
    system: str,
    kind: str,
    start: datetime,
    text: str,
    end: datetime | None = None,
    link: str = "",
    slo: str = "",
    seen: int | None = None,
) -> Annotation:
    """Write down that something happened.

    Parameters
    ----------
    ctx : Context
        With a store; ``identity`` is who says so.
    system : str
        Id of the system, as its profile names it.
    kind : {"deploy", "incident", "review", "comment"}
        What the annotation is about.
    start, end : datetime
        Aware instants; without an end it is a moment.
    text : str
        What happened, in words.
    link : str
        Address of a ticket or a change, ``http`` or ``https``.
    slo : str
        One objective only.
    seen : int, optional
        What :meth:`workbench.store.Store.newest_change` gave when the writer last looked: somebody else's change since
        then is shown first.

    Raises
    ------
    ParameterError
        Unknown system, objective or kind, no text, an end before the start, a link of another scheme.
    AccessRefused
        The identity is no editor of the system.
    ChangedMeanwhile
        Somebody changed something of the system since ``seen``.
    """
    ctx.identity.require("editor", system)
    ctx.catalog.profile(system)
    if slo:
        ctx.catalog.objective(system, slo)
    if kind not in KINDS:
        raise ParameterError(f"{kind!r} is no kind of annotation.", hint=f"Use one of: {', '.join(KINDS)}.")
    if not text.strip():
        raise ParameterError("An annotation needs a text.", hint="Say what happened.")
    if end is not None and end <= start:
        raise ParameterError(f"The annotation ends ({end}) before it begins ({start}).", hint="Swap the instants.")
    if link and not link.startswith(("https://", "http://")):
        raise ParameterError(f"The link {link!r} is no web address.", hint="Write https://…")
    record = Annotation(
        system=system, kind=kind, starts_at=start, text=text.strip(), created_at=ctx.clock(),
        created_by=ctx.identity.name, slo=slo, ends_at=end, link=link,
    )  # fmt: skip
    return written(ctx).add_annotation(record, seen=seen)


def happened(ctx: Context, system: str, span: TimeRange, changes: Changes, *, as_of: datetime) -> Happened:
    """Return what happened to a system in a range, changes of definition among it."""
    try:
        records = ctx.store.annotations(system) if ctx.store is not None else []
    except ArchiveError:
        records = []  # said already where exclusions are read
    held, unread = table_events(ctx, system)
    records = [*records, *held]
    rows = [
        (record.starts_at, record.ends_at, record.kind, record.slo, record.text, record.link, record.created_by)
        for record in records
        if record.starts_at < span.end and (record.ends_at or record.starts_at) >= span.start
    ]
    rows += [
        (part.span.start, None, "definition", name, change_text(part), "", "")
        for name, parts in changes.parts.items()
        for part in parts[1:]
    ]
    frame = pd.DataFrame(rows, columns=["start", "end", "kind", "slo", "text", "link", "author"])
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    return Happened(frame.sort_values("start", kind="stable", ignore_index=True), notes=tuple(unread), as_of=as_of)


def decided_rows(records: list[Any]) -> list[dict[str, Any]]:
    """Rows of plain values of exclusions, annotations or the audit trail, as they are exported."""
    return [jsonable(vars(record)) for record in records]
