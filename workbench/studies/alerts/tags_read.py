"""Reads back what people said of alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.analysis.alerts.summary import AlertEpisodes
from workbench.core.timerange import to_ms
from workbench.store.decided.alert_tags import labels_key

if TYPE_CHECKING:
    from workbench.studies.sources.context import Context


def tags_of(ctx: Context, system: str, alerts: AlertEpisodes) -> dict[int, tuple[str, str, str]]:
    """Return tag, note and who said so, by row of the episodes; nothing without a store."""
    if ctx.store is None:
        return {}
    known = ctx.store.alert_tags(system, alerts.range)
    tags = {}
    for place, row in zip(alerts.frame.index, alerts.frame.itertuples(), strict=True) if known else ():
        tag = known.get((str(row.alertname), labels_key(str(row.labels)), to_ms(row.starts_at)))
        if tag is not None:
            tags[int(place)] = tag
    return tags
