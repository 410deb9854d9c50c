"""What people say of single alerts: useful or not, with their name; the newest word counts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, tuple_

from workbench.core.timerange import TimeRange
from workbench.store.connection import Connected, upsert
from workbench.store.decided.audit import AuditEntry, check_seen, note
from workbench.store.models import alert_tags

_KEY = ("system", "alertname", "labels_key", "starts_ms")


@dataclass(frozen=True)
class AlertTag:
    """One word on one alert: ``labels`` as text, ``starts_ms`` since the epoch, ``tag`` useful or no action."""

    system: str
    alertname: str
    labels: str
    starts_ms: int
    tag: str
    note: str
    tagged_at: datetime
    tagged_by: str


def labels_key(labels: str) -> str:
    """Return what stands for a text of labels in the store."""
    return hashlib.sha256(labels.encode("utf-8", "surrogatepass")).hexdigest()


class AlertTags(Connected):
    """The part of the store that keeps tags of alerts; a change writes one line of the audit trail with it."""

    def put_alert_tags(self, tags: Sequence[AlertTag], *, seen: int | None = None) -> int:
        """Write tags of one system; one that is there already is replaced. Returns how many.

        ``seen`` is what :meth:`newest_change` gave when the writer last looked; ChangedMeanwhile where it is not the
        newest any more.
        """
        if not tags:
            return 0
        first = tags[0]
        self._may_write(first.system)
        rows = [
            {
                "system": tag.system,
                "alertname": tag.alertname,
                "labels_key": labels_key(tag.labels),
                "starts_ms": tag.starts_ms,
                "tag": tag.tag,
                "note": tag.note,
                "tagged_at": tag.tagged_at,
                "tagged_by": tag.tagged_by,
            }
            for tag in tags
        ]
        facts = {"alerts": sorted({tag.alertname for tag in tags}), "count": len(tags), "note": first.note}
        keys = tuple_(*(alert_tags.c[name] for name in _KEY)).in_([tuple(row[name] for name in _KEY) for row in rows])
        with self._writing() as connection:
            check_seen(connection, first.system, seen)
            before = [row._asdict() for row in connection.execute(select(alert_tags).where(keys))]
            upsert(connection, alert_tags, rows, on=_KEY)
            entry = (0, first.tagged_at, first.tagged_by, "alert.tag", first.system, first.tag, facts, before, rows)
            note(connection, AuditEntry(*entry))
        return len(rows)

    def alert_tags(self, system: str, span: TimeRange) -> dict[tuple[str, str, int], tuple[str, str, str]]:
        """Return tag, note and name by alert name, :func:`labels_key` and start of the alerts begun in a range."""
        held = alert_tags.c
        query = select(alert_tags).where(
            held.system == system,
            *self._visible_rows(held.system),
            held.starts_ms >= span.start_ms,
            held.starts_ms < span.end_ms,
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return {(row.alertname, row.labels_key, row.starts_ms): (row.tag, row.note, row.tagged_by) for row in rows}
