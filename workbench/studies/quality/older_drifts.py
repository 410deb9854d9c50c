"""Scores from before the reading: days of two years, and the hours of references that a drift left long ago."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from workbench.analysis.quality.older_drifts import older_drifts
from workbench.catalog.profile.model import Role
from workbench.core.errors import WorkbenchError
from workbench.core.timerange import DAY_MS, HOUR_MS, TimeRange, named_zone
from workbench.studies.quality.scores import no_hours, score_queries, score_rows
from workbench.studies.sources.reader import QueryReader

#: How far before the reading days are looked at, for drifts that are still open.
OLDER = timedelta(days=730)


def frozen_references(roles: Mapping[str, Role], zone: str) -> dict[str, TimeRange]:
    """Frozen references of the roles that have one, as instants."""
    local = named_zone(zone)
    return {
        name: TimeRange(
            datetime.combine(role.reference.first, datetime.min.time(), local),
            datetime.combine(role.reference.last + timedelta(days=1), datetime.min.time(), local),
        )
        for name, role in roles.items()
        if role.reference is not None
    }


def before_reading(reading: TimeRange, zone: str) -> TimeRange:
    """Return the whole days before a reading that are looked at; those of the first hours of its first day are not."""
    midnight = pd.Timestamp(reading.start).tz_convert(named_zone(zone)).normalize().tz_convert("UTC")
    return TimeRange((midnight - OLDER).to_pydatetime(), midnight.to_pydatetime())


def with_older_hours(
    reader: QueryReader,
    roles: Mapping[str, Role],
    hours: pd.DataFrame,
    held: pd.DataFrame,
    reading: TimeRange,
    terms: Mapping[str, Any],
    frozen: Mapping[str, TimeRange],
    warnings: list[str],
) -> pd.DataFrame:
    """Add to the hours of a reading those of the references that open drifts left before it, and of frozen ones.

    Parameters
    ----------
    reader : QueryReader
        Evaluates queries.
    roles : mapping of str to Role
        Scores of the profile.
    hours : DataFrame
        Hours of the reading: ``role, title, series, time, value, samples, gauge``.
    held : DataFrame
        Hours from before the reading that are held already, such as those of tables of answers; the same columns.
    reading : TimeRange
        What ``hours`` cover.
    terms : mapping
        Keywords of :func:`workbench.analysis.quality.older_drifts.older_drifts`.
    frozen : mapping of str to TimeRange
        Role -> days of its frozen reference.
    warnings : list of str
        Gets a sentence when the past cannot be read: an older fall is not seen then.
    """
    if hours.empty:
        return hours
    past = before_reading(reading, terms["zone"])
    try:
        days = [_read(reader, name, role, past, DAY_MS) for name, role in roles.items() if name not in frozen]
        known = pd.concat([part for part in (*days, held) if len(part)] or [no_hours()])
        kept = known.merge(hours[["role", "series"]].drop_duplicates(), on=["role", "series"])
        rows = older_drifts(pd.concat([kept, hours]), reading, **terms) if len(kept) else None
        parts = [hours]
        for name, series, span in _spans(rows, frozen, past.end):
            own = held[held["role"] == name] if name not in roles else _read(reader, name, roles[name], span, HOUR_MS)
            inside = (own["time"] >= span.start) & (own["time"] < span.end)
            parts.append(own[inside & (own["series"].isin(series) if series else True)])
    except WorkbenchError as error:
        warnings.append(
            f"Scores from before {reading.start:%-d %b %Y} were not read, so that a fall from before that day would "
            f"be taken for the usual level: {error}"
        )
        return hours
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def _read(reader: QueryReader, name: str, role: Role, span: TimeRange, step_ms: int) -> pd.DataFrame:
    """Means of a score by the day or the hour; a day stands at its noon, so that summer time moves none."""
    queries = score_queries(role, "1d", "1h") if step_ms == DAY_MS else score_queries(role)
    if queries is None:
        return no_hours()
    value, samples = (reader.matrix(query, span, step_ms) for query in queries)
    rows = score_rows(name, role, value, samples, span, [], step_ms)
    return rows.assign(time=rows["time"] + pd.Timedelta(hours=12)) if step_ms == DAY_MS else rows


def _spans(
    rows: pd.DataFrame | None, frozen: Mapping[str, TimeRange], until: datetime
) -> Iterator[tuple[str, frozenset[str], TimeRange]]:
    """Ranges to read by the hour, each role and hour once, with the series that need them; none named is all."""
    for name, span in frozen.items():
        if span.start < until:
            yield name, frozenset(), TimeRange(span.start, min(span.end, until))
    if rows is None:
        return
    for name, own in rows[~rows["role"].isin(frozen)].sort_values("start").groupby("role"):
        fresh = own["start"] > own["end"].cummax().shift()
        for _, group in own.groupby(fresh.cumsum()):
            start, end = group["start"].min().to_pydatetime(), group["end"].max().to_pydatetime()
            if start < until:
                yield str(name), frozenset(group["series"]), TimeRange(start, min(end, until))
