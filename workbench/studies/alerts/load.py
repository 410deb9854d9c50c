"""Do the alerts help, or do they tire the people on call? Episodes, load, standards, bursts of one system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench import __version__
from workbench.analysis.alerts.load import alert_bursts, alert_measures
from workbench.analysis.alerts.summary import AlertRuleInfo, alert_episodes, alert_hours, alert_rules, noisiest_alerts
from workbench.analysis.counting.episodes import Evaluated, evaluated, evaluation_interval, firing_episodes
from workbench.catalog import Profile
from workbench.core.errors import EmptyAnswer, ParameterError, QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.result import Provenance, Result, Status, Study, worst
from workbench.core.series import SeriesSet
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, from_ms
from workbench.promql import scoped

if TYPE_CHECKING:
    from workbench.studies.sources.context import Context

#: How far before a period alerts are read, to see when those began that fire at its start. [ms]
MARGIN_MS = 3 * 86_400_000

_NEVER = Evaluated(0, 0, np.zeros((0, 2), np.int64))

_METHOD = "episodes of ALERTS; quantiles by linear interpolation; bursts by a Poisson bound"


def alert_load(
    ctx: Context,
    *,
    system: str,
    range: TimeRange,
    as_of: datetime,
    positions: int = 1,
    without: tuple[str, ...] = (),
) -> Study:
    """Judge the alerts of a system over a period.

    Parameters
    ----------
    ctx : Context
    system : str
        System of the catalog.
    range : TimeRange
        Period in which episodes are counted by their start.
    as_of : datetime
        Aware instant up to which history is read.
    positions : int
        People on call at a time; published limits are per person. [count]
    without : tuple of str
        Labels that make no alert of their own, such as ``replica`` of two servers with the same rules.

    Returns
    -------
    Study
        ``results``: ``episodes`` (:class:`workbench.analysis.alerts.summary.AlertEpisodes`), ``rules``
        (:class:`~workbench.analysis.alerts.summary.AlertRules`), ``measures``
        (:class:`~workbench.analysis.alerts.load.AlertMeasures`), ``noisiest``
        (:class:`~workbench.analysis.alerts.summary.NoisiestAlerts`), ``hours``
        (:class:`~workbench.analysis.alerts.summary.AlertHours`) and ``bursts``
        (:class:`~workbench.analysis.alerts.load.AlertBursts`).

    Raises
    ------
    ParameterError
        Unknown system, or no one on call. A failing source is a status of the study, never an exception.

    Notes
    -----
    Episodes are rebuilt from the raw samples of ``ALERTS`` and ``ALERTS_FOR_STATE``, see
    :func:`workbench.analysis.counting.episodes.firing_episodes`; time without any sample of ``up`` is time in which no
    rule was
    evaluated. An archive that holds episodes and no samples gives these.
    """
    if positions < 1:
        raise ParameterError(f"{positions} people on call cannot share alerts.", hint="Use 1 or more.")
    profile = ctx.catalog.profile(system)
    source = ctx.source_for(system)
    span = TimeRange(range.start, max(range.start, min(range.end, as_of)))
    queries = tuple(scoped(name, profile.scope) for name in ("ALERTS", "ALERTS_FOR_STATE", "up"))
    failed: Status | None = None
    warnings: list[str] = []
    episodes, seen = firing_episodes(SeriesSet.empty(), SeriesSet.empty(), _NEVER, interval_ms=1), None
    try:
        episodes, seen = _read(source, profile.scope, queries, span, without)
    except (QueryRejected, QueryTooExpensive) as error:
        failed, warnings = "refused", [str(error)]
    except WorkbenchError as error:
        failed, warnings = "unavailable", [str(error)]
    observed_s = (span.seconds * 1000 - seen.blind_ms(span.start_ms, span.end_ms)) / 1000 if seen else 0.0
    known = _rules(profile)
    found = alert_episodes(episodes, span, observed_s=observed_s, rules=known, owner=profile.owner, zone=ctx.zone)
    measures = alert_measures(found, positions=positions)
    results: dict[str, Result] = {
        "measures": measures,
        "rules": alert_rules(found, known),
        "episodes": found,
        "noisiest": noisiest_alerts(found),
        "hours": alert_hours(found),
        "bursts": alert_bursts(found),
    }
    if not known and episodes.empty and not failed:
        warnings.append(f"{system} has no alert rule in its profile and none fired: its alerts are not measured.")
        failed = "no_data"
    statuses: list[Status] = list(measures.frame["status"]) if observed_s else ["no_data"]
    return Study(
        name="alert_load",
        system=system,
        range=range,
        as_of=as_of,
        results=results,
        status=failed or worst([status for status in statuses if status != "no_data"] or ["no_data"]),
        freshness=from_ms(seen.last_ms) if seen else None,
        coverage=observed_s / span.seconds if span.seconds else float("nan"),
        provenance=Provenance(
            source=source.name,
            engine="none: raw samples",
            semantics=source.semantics,
            method=_METHOD,
            queries=queries,
            version=__version__,
        ),
        warnings=tuple(warnings),
    )


def read_episodes(source: MetricSource, scope: Mapping[str, str], span: TimeRange) -> pd.DataFrame:
    """Return the firing intervals that overlap a range (frame contract EPISODES).

    Raises
    ------
    SourceError
        As the source raises it.
    """
    queries = tuple(scoped(name, scope) for name in ("ALERTS", "ALERTS_FOR_STATE", "up"))
    return _read(source, scope, queries, span, ())[0]


def _read(
    source: MetricSource,
    scope: Mapping[str, str],
    queries: tuple[str, ...],
    span: TimeRange,
    without: tuple[str, ...],
) -> tuple[pd.DataFrame, Evaluated | None]:
    read_span = TimeRange.from_ms(span.start_ms - MARGIN_MS, span.end_ms)
    alerts, since, up = (_raw(source, query, read_span) for query in queries)
    interval_ms = evaluation_interval(alerts, since)
    seen = evaluated(_joined(alerts, up), interval_ms)
    stored = None if alerts.samples else getattr(source, "archive", None)
    if stored is not None:
        kept: pd.DataFrame = stored.episodes(read_span)
        inside = [all(labels.get(name) == value for name, value in scope.items()) for labels in kept["labels"]]
        return kept.loc[np.array(inside, np.bool_)].reset_index(drop=True), seen
    if seen is None:
        return firing_episodes(alerts, since, _NEVER, interval_ms=interval_ms), None
    return firing_episodes(alerts, since, seen, interval_ms=interval_ms, without=without), seen


def _raw(source: MetricSource, query: str, span: TimeRange) -> SeriesSet:
    try:
        return source.raw(query, span)
    except EmptyAnswer:
        return SeriesSet.empty()


def _joined(*sets: SeriesSet) -> SeriesSet:
    return SeriesSet.of([series for one in sets for series in one])


def _rules(profile: Profile) -> tuple[AlertRuleInfo, ...]:
    return tuple(
        AlertRuleInfo(rule.name, rule.severity, rule.labels.get("owner", profile.owner), rule.for_ms / 1000)
        for rule in profile.alert_rules
    )
