"""What people say of single alerts: useful or not, with their name; the newest word counts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from workbench.core.timerange import TimeRange
from workbench.store.connection import Connected, upsert
from workbench.store.models import alert_tags, audit_trail

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

    def put_alert_tags(self, tags: Sequence[AlertTag]) -> int:
        """Write tags of one system; one that is there already is replaced. Returns how many."""
        if not tags:
            return 0
        first = tags[0]
        self._may_write(first.system)
        rows = [
            {
                "system": one.system,
                "alertname": one.alertname,
                "labels_key": labels_key(one.labels),
                "starts_ms": one.starts_ms,
                "tag": one.tag,
                "note": one.note,
                "tagged_at": one.tagged_at,
                "tagged_by": one.tagged_by,
            }
            for one in tags
        ]
        line = {
            "at": first.tagged_at,
            "who": first.tagged_by,
            "action": "alert.tag",
            "system": first.system,
            "subject": first.tag,
            "document": {"alerts": sorted({one.alertname for one in tags}), "count": len(tags), "note": first.note},
        }
        with self._writing() as connection:
            upsert(connection, alert_tags, rows, on=_KEY)
            connection.execute(insert(audit_trail).values(**line))
        return len(rows)

    def alert_tags(self, system: str, span: TimeRange) -> dict[tuple[str, str, int], tuple[str, str, str]]:
        """Return tag, note and name by alert name, :func:`labels_key` and start of the alerts begun in a range."""
        held = alert_tags.c
        query = select(alert_tags).where(
            held.system == system,
            *self._seen(held.system),
            held.starts_ms >= span.start_ms,
            held.starts_ms < span.end_ms,
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return {(row.alertname, row.labels_key, row.starts_ms): (row.tag, row.note, row.tagged_by) for row in rows}
