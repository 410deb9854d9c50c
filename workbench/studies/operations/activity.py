"""What do people do with the product? Tests, users, sessions and features of a system, by day."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from workbench import __version__
from workbench.analysis.cost.ledger import Account
from workbench.analysis.operations.activity import Activity, activity_days, activity_totals
from workbench.catalog import Profile
from workbench.core.errors import QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.result import Provenance, Status, Study
from workbench.core.timerange import TimeRange, from_ms
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.ledger import (
    PROCESS_LABELS,
    empty_ledger,
    ledger_edges,
    periods_of,
    read_ledger,
    selectors_of,
)
from workbench.studies.sources.context import Context
from workbench.studies.sources.reader import QueryReader

#: Roles of the catalog that say what people do.
WORDS = ("actions", "sessions", "users", "entities", "tasks", "authentication")

_DAY_MS = 86_400_000

_WORD = {"role": "user role"}


def product_activity(ctx: Context, *, system: str, range: TimeRange, as_of: datetime) -> Study:
    """Count what people do with a system, against the period before.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog.
    range : TimeRange
        Period to read, without its end.
    as_of : datetime
        Aware instant up to which history is read.

    Returns
    -------
    Study
        ``results``: ``totals`` (:class:`workbench.analysis.operations.activity.ActivityTotals`) and ``days``
        (:class:`~workbench.analysis.operations.activity.ActivityDays`). Use of features is that of requests by
        endpoint or method.

    Raises
    ------
    ParameterError
        Unknown system. A failing source is a status of the study, never an exception.

    Notes
    -----
    Counts are exact increases by calendar day of ``ctx.zone``; levels are means over a day of the sum of all series.
    """
    profile, source = _people(ctx.catalog.profile(system)), ctx.source_for(system)
    activities = activities_of(profile)
    periods = periods_of(range, as_of=as_of, zone=ctx.zone)
    edges = ledger_edges(periods, ctx.zone)
    hull = TimeRange.from_ms(edges[0], edges[-1]) if len(edges) > 1 else periods.now
    accounts = [
        Account(activity.role, activity.title, activity.unit, activity.dimensions)
        for activity in activities
        if not activity.level
    ]
    reader = CounterReader(source, profile.scope, hull, selectors_of(profile, [account.role for account in accounts]))
    query_reader = QueryReader(source, profile.scope)
    ledger, seen = empty_ledger()
    levels: dict[str, pd.DataFrame] = {}
    failed: Status | None = None
    warnings: tuple[str, ...] = ()
    try:
        if len(edges) > 1:
            ledger, seen = read_ledger(reader, profile, accounts, edges)
        for activity in (activity for activity in activities if activity.level):
            levels[activity.role] = _levels(query_reader, profile.roles[activity.role].select, hull)
    except (QueryRejected, QueryTooExpensive) as error:
        failed, warnings = "refused", (str(error),)
    except WorkbenchError as error:
        failed, warnings = "unavailable", (str(error),)
    counts = ledger.merge(seen, on=["role", "start", "end"], how="left") if len(ledger) else ledger.assign(covered=0.0)
    counts["amount"] = counts["amount"].astype(float)
    totals = activity_totals(counts, levels, activities, period=periods.now, before=periods.before)
    measured = bool(np.isfinite(totals.frame["amount"].to_numpy(np.float64)).any())
    inside = seen[seen["start"] >= periods.now.start]
    known = [ms for ms in (reader.newest_ms, query_reader.newest_ms) if ms is not None]
    if not activities:
        warnings = (f"{profile.title} has no counter of what people do: its activity is not measured.",)
    return Study(
        name="product_activity",
        system=system,
        range=periods.now,
        as_of=as_of,
        results={
            "totals": totals,
            "days": activity_days(counts, levels, activities, period=periods.now),
        },
        status=failed or ("ok" if measured else "no_data"),
        freshness=from_ms(max(known)) if known else None,
        coverage=float(inside["covered"].mean()) if len(inside) else float("nan"),
        provenance=Provenance(
            source=source.name,
            engine=query_reader.engine or "none: raw samples",
            semantics=source.semantics,
            method="exact",
            queries=(*reader.queries, *query_reader.queries),
            version=__version__,
        ),
        warnings=(*warnings, *reader.warnings, *query_reader.warnings),
    )


def activities_of(profile: Profile) -> list[Activity]:
    """Return what a profile counts of people's doing, and requests by endpoint or method as the use of features."""
    activities = []
    for word in (*WORDS, "requests"):
        for name, role in profile.variants(word).items():
            labels = tuple(str(label) for label in role.labels if label not in PROCESS_LABELS)
            if word == "requests":
                labels = tuple(label for label in labels if label in ("endpoint", "method", "type"))
                if not labels or name not in ("requests", "requests.generation"):
                    continue
            if role.kind in ("counter", "gauge"):
                level = role.kind == "gauge"
                activities.append(Activity(name, role.title or name, role.unit, level, () if level else labels))
    return activities


def _people(profile: Profile) -> Profile:
    """Return a profile in which the label ``role`` is that of a person: a ledger has a column of that name."""
    roles = {
        name: role.model_copy(
            update={"labels": {_WORD.get(str(key), key): label for key, label in role.labels.items()}}
        )
        for name, role in profile.roles.items()
    }
    return profile.model_copy(update={"roles": roles})


def _levels(query_reader: QueryReader, select: str, span: TimeRange) -> pd.DataFrame:
    """Ask for the mean and the peak of a level over each day; the row of a day has its start."""
    whole = TimeRange(span.start, span.end)
    columns = {}
    for column, query in (
        ("mean", f"sum(avg_over_time({select}[1d]))"),
        ("peak", f"sum(max_over_time({select}[1d]))"),
    ):
        answer = query_reader.matrix(query, whole, _DAY_MS)
        if len(answer.labels):
            times = pd.to_datetime(answer.times - _DAY_MS, unit="ms", utc=True).as_unit("ms")
            columns[column] = pd.Series(np.where(answer.present, answer.values, np.nan)[0], index=times)
    frame = pd.DataFrame(columns, columns=["mean", "peak"], dtype=float)
    return frame.rename_axis("start").reset_index()
