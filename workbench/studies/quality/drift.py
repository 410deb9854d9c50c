"""Is the quality of the models' output drifting? Scores against a reference of weeks, and documented limits."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from workbench import __version__
from workbench.analysis.counting.limits import LimitBreaches, LimitTotals, limit_breaches
from workbench.analysis.performance.documented import DocumentedValues, documented_values
from workbench.analysis.quality.coincidence import coincidences
from workbench.analysis.quality.drift import quality
from workbench.analysis.quality.segments import segment_days
from workbench.analysis.quality.tally import Tally
from workbench.catalog import Profile
from workbench.catalog.profile.model import Role
from workbench.core.errors import QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.result import Provenance, Result, Status, Study, worst
from workbench.core.timerange import HOUR_MS, TimeRange, from_ms
from workbench.promql import parse, selectors
from workbench.studies.counting.thresholds import breached, metrics_of, thresholds_of
from workbench.studies.quality.accepted import accepted_levels, events_before, incident_times, unmatched
from workbench.studies.quality.older_drifts import before_reading, frozen_references, with_older_hours
from workbench.studies.quality.scores import no_hours, score_queries, score_rows, scored_by
from workbench.studies.quality.shapes import (
    Days,
    bucket_tallies,
    hours_of,
    shape_changes,
    table_answers,
    table_tallies,
)
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look
from workbench.studies.sources.reader import QueryReader

#: Roles that carry a score.
SCORES = ("quality", "bias")

#: How far before a period scores are read: the reference of its first day, and drifts that are still open.
HISTORY = timedelta(days=91)

#: A series without a reading in the period and so long before it is no score any more.
RETIRED = timedelta(days=7)

_METHOD = (
    "levels of days against 3 to 4 weeks of reference; t tests of the last day and week, and against the oldest weeks; "
    "at most 5 % of steady scores show a false drift in 30 days"
)


@one_look
def quality_drift(ctx: Context, *, system: str, range: TimeRange, as_of: datetime) -> Study:
    """Say which scores drift, since when, and which documented limits they break.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog.
    range : TimeRange
        Period looked at; it is moved down to whole hours. Scores are read by the hour from 91 days before it, and by
        the day from two years before that, for drifts that are still open.
    as_of : datetime
        Aware instant up to which history is read.

    Returns
    -------
    Study
        ``results``: ``states`` (:class:`workbench.analysis.quality.drift.QualityStates`), ``drifts``
        (:class:`~workbench.analysis.quality.drift.QualityDrifts`), ``days``
        (:class:`~workbench.analysis.quality.drift.DriftDays`),
        ``hours`` (:class:`~workbench.analysis.quality.drift.QualityHours`), ``limits`` and ``breaches``
        (:class:`~workbench.analysis.counting.limits.LimitTotals`,
        :class:`~workbench.analysis.counting.limits.LimitBreaches`), ``documented``
        (:class:`~workbench.analysis.performance.documented.DocumentedValues`), ``shapes``
        (:class:`~workbench.analysis.quality.columns.ColumnChanges`), ``levels``
        (:class:`~workbench.analysis.quality.levels.LevelComparisons`), ``segments``
        (:class:`~workbench.analysis.quality.segments.SegmentDays`) and ``coincidences``
        (:class:`~workbench.analysis.quality.coincidence.Coincidences`).

    Raises
    ------
    ParameterError
        Unknown system. A failing source is a status of the study, never an exception.

    Notes
    -----
    A score is a role ``quality`` or ``bias`` of the profile, by every label of it that says what was scored; instances
    weigh as much as they have samples. A gauge gives its mean over the hour with the number of scrapes, a histogram
    sum / count with the number of observations. Tables of the settings with ``holds = "answers"`` are scores too. Days
    of incidents belong in no reference. Histograms and tables are judged by their shape as well: a quarter of the
    answers may fall while the mean stays.
    """
    profile = ctx.catalog.profile(system)
    source = ctx.source_for(system)
    query_reader = QueryReader(source, profile.scope)
    end = min(range.end, as_of)
    span = TimeRange(min(range.start, end), end).aligned(HOUR_MS)
    roles = {name: role for word in SCORES for name, role in profile.variants(word).items()}
    failed: Status | None = None
    warnings: list[str] = []
    read = _Read.empty(span)
    wide = TimeRange.from_ms(span.start_ms - int(HISTORY.total_seconds() * 1000), span.end_ms)
    answers = table_answers(ctx, system, wide, warnings)
    incidents = incident_times(ctx, system)
    days = Days(span, ctx.zone, incidents)
    buckets: list[Tally] = []
    if not roles and not answers:
        warnings.append(
            f"The profile of {profile.title} has no role `quality` or `bias`, and no table holds answers: no score is "
            "judged."
        )
    try:
        read = _read(query_reader, profile, roles, span, warnings)
        buckets = bucket_tallies(
            query_reader, roles, {name: scored_by(role) for name, role in roles.items()}, days, warnings
        )
    except (QueryRejected, QueryTooExpensive) as error:
        failed = "refused"
        warnings.append(str(error))
    except WorkbenchError as error:
        failed = "unavailable"
        warnings.append(str(error))
    accepted = accepted_levels(ctx, system)
    hours = pd.concat([frame for frame in (read.hours, *hours_of(answers)) if len(frame)] or [read.hours])
    warnings += unmatched(accepted, hours)
    hours = _without_retired(hours, span, warnings)
    tables = table_tallies(answers, days)
    shapes = shape_changes(buckets, tables, days)
    terms = {
        "zone": ctx.zone,
        "margins": {name: role.margin for name, role in roles.items()},
        "incidents": incidents,
        "accepted": accepted,
        "better": {name: role.better for name, role in roles.items() if role.better},
    }
    frozen = frozen_references(roles, ctx.zone)
    held = hours_of(table_answers(ctx, system, before_reading(wide, ctx.zone), [])) if answers else []
    older = pd.concat([no_hours(), *held]) if held else no_hours()
    past_too = with_older_hours(query_reader, roles, hours, older, wide, terms, frozen, warnings)
    judged = quality(past_too, span, frozen=frozen, **terms)
    states = judged.states
    events, unread = events_before(ctx, system, hours)
    warnings += unread
    results: dict[str, Result] = {
        "states": states,
        "drifts": judged.drifts,
        "limits": read.limits,
        "breaches": read.breaches,
        "documented": read.documented,
        "days": judged.days,
        "hours": judged.hours,
        "shapes": shapes,
        "levels": judged.levels,
        "segments": segment_days(tables, days.edges[:-1], days.now),
        "coincidences": coincidences(judged.drifts.frame, events, span),
    }
    statuses: list[Status] = list(states.frame["status"])
    if read.breaches.frame["ongoing"].any() or (shapes.frame["verdict"] == "drift").any():
        statuses.append("at_risk")
    coverage = states.frame["coverage"]
    return Study(
        name="quality_drift",
        system=system,
        range=range,
        as_of=as_of,
        results=results,
        status=failed or worst(statuses),
        freshness=from_ms(query_reader.newest_ms) if query_reader.newest_ms is not None else None,
        coverage=float(coverage.min()) if len(coverage) else float("nan"),
        provenance=Provenance(
            source=source.name,
            engine=query_reader.engine,
            semantics=source.semantics,
            method=_METHOD,
            queries=query_reader.queries,
            version=__version__,
        ),
        warnings=(*warnings, *query_reader.warnings),
    )


class _Read:
    """What was read: hourly scores, breaches, values of the documented comparison."""

    def __init__(
        self, hours: pd.DataFrame, broken: tuple[LimitBreaches, LimitTotals], documented: DocumentedValues
    ) -> None:
        self.hours, self.documented = hours, documented
        self.breaches, self.limits = broken

    @classmethod
    def empty(cls, span: TimeRange) -> _Read:
        return cls(no_hours(), limit_breaches([], as_of=span.end, step_ms=HOUR_MS), documented_values([]))


def _read(
    query_reader: QueryReader, profile: Profile, roles: dict[str, Role], span: TimeRange, warnings: list[str]
) -> _Read:
    wide = TimeRange.from_ms(span.start_ms - int(HISTORY.total_seconds() * 1000), span.end_ms)
    frames = [no_hours()]
    for name, role in roles.items():
        queries = score_queries(role)
        if queries is None:
            warnings.append(f"{name} is a {role.kind}; a score is a gauge, a histogram or an expression.")
            continue
        value, samples = (query_reader.matrix(query, wide, HOUR_MS) for query in queries)
        frames.append(score_rows(name, role, value, samples, span, warnings))
    metrics = {metric for role in roles.values() for metric in metrics_of(profile, _selector(role))}
    limits = breached(query_reader, profile, thresholds_of(profile, metrics), span)
    rows = []
    for query in profile.queries:
        if metrics & metrics_of(profile, query.documented) and _compares_with_past(query.documented):
            answers = {"documented": query_reader.matrix(query.documented, span, HOUR_MS)}
            if query.corrected:
                answers["corrected"] = query_reader.matrix(query.corrected, span, HOUR_MS)
            rows += [(query.name, kind, answer) for kind, answer in answers.items()]
    return _Read(pd.concat([frame for frame in frames if len(frame)] or frames), limits, documented_values(rows))


def _without_retired(hours: pd.DataFrame, span: TimeRange, warnings: list[str]) -> pd.DataFrame:
    """Leave out series whose last reading is more than a week older than the period: they are no scores of it."""
    keys = [hours["role"], hours["series"]]
    newest = hours["time"].where(hours["value"].notna()).groupby(keys).transform("max")
    gone = newest < pd.Timestamp(span.start) - RETIRED
    if gone.any():
        names = sorted(set((hours["role"] + " of " + hours["series"])[gone]))
        warnings.append(
            f"{len(names)} {'score' if len(names) == 1 else 'scores'} had no reading in the period nor in the week "
            f"before and {'is' if len(names) == 1 else 'are'} left out: {', '.join(names[:5])}"
            f"{f' and {len(names) - 5} more' if len(names) > 5 else ''}."
        )
    return hours[~gone]


def _selector(role: Role) -> str:
    return role.part("_count") if role.kind == "histogram" else role.select


def _compares_with_past(text: str) -> bool:
    return any(selector.offset_ms > 0 for selector in selectors(parse(text)))
