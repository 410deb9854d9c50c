"""Writes down what people say of alerts, one or many at once, and reads it back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from workbench.analysis.alerts.tags import TAGS
from workbench.core.errors import ArchiveError, ParameterError
from workbench.core.timerange import TimeRange, to_ms
from workbench.store import AlertTag
from workbench.store.decided.alert_tags import labels_key
from workbench.studies.alerts.load import alert_load

if TYPE_CHECKING:
    from workbench.studies.sources.context import Context


def tag_alerts(
    ctx: Context,
    *,
    system: str,
    range: TimeRange,
    as_of: datetime,
    tag: str,
    rule: str = "",
    labels: str = "",
    note: str = "",
    again: bool = False,
    chosen: Collection[tuple[str, str, int]] = (),
    without: tuple[str, ...] = (),
    seen: int | None = None,
) -> int:
    """Say of the alerts that began in a period whether they were useful; returns of how many.

    Parameters
    ----------
    ctx : Context
        With a store; ``identity`` is who says so.
    system : str
        Id of the system, as its profile names it.
    range : TimeRange
        Period in which the alerts began.
    as_of : datetime
        Instant up to which data is read.
    tag : {"useful", "no action"}
        Whether the alert led to an action.
    rule : str
        Alerts of this rule only.
    labels : str
        Alerts whose labels, written ``name=value, name=value``, hold this text.
    note : str
        Why.
    again : bool
        Also those that are tagged already; the newest word counts.
    chosen : collection of (str, str, int)
        Only these: alert name, labels as text, start [ms since the epoch]; by default all that fit.
    without : tuple of str
        Labels that make no alert of their own, as the reader left them out.
    seen : int, optional
        What :meth:`workbench.store.Store.newest_change` gave when the writer last looked: somebody else's change since
        then is shown first.

    Raises
    ------
    ParameterError
        Unknown system, rule or tag.
    ArchiveError
        There is no store to write to.
    AccessRefused
        The identity is no editor of the system.
    ChangedMeanwhile
        Somebody changed something of the system since ``seen``.
    """
    ctx.identity.require("editor", system)
    if tag not in TAGS:
        raise ParameterError(f"{tag!r} is no tag of an alert.", hint=f"Use one of: {', '.join(TAGS)}.")
    if ctx.store is None:
        raise ArchiveError("There is no store to write to.", hint="Set home or store_url in the settings.")
    episodes = alert_load(ctx, system=system, range=range, as_of=as_of, without=without).results["episodes"]
    frame = episodes.frame[episodes.frame["started"]]
    names = sorted(set(frame["alertname"]))
    if rule and rule not in names:
        raise ParameterError(
            f"No alert of the rule {rule!r} began in {range}.", hint=f"Rules with alerts: {', '.join(names) or 'none'}."
        )
    known = ctx.store.alert_tags(system, range)
    tags = []
    for row in frame.itertuples():
        name, text, start_ms = str(row.alertname), str(row.labels), to_ms(row.starts_at)
        wanted = (not rule or name == rule) and labels in text and (not chosen or (name, text, start_ms) in chosen)
        if wanted and (again or (name, labels_key(text), start_ms) not in known):
            tags.append(AlertTag(system, name, text, start_ms, tag, note, ctx.clock(), ctx.identity.name))
    return ctx.store.put_alert_tags(tags, seen=seen)
