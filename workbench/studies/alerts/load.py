"""Do the alerts help, or do they tire the people on call? Episodes, load, standards, bursts of one system."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from workbench import __version__
from workbench.analysis.alerts.bursts import alert_bursts
from workbench.analysis.alerts.hours import alert_interruptions, alert_shifts
from workbench.analysis.alerts.load import alert_measures
from workbench.analysis.alerts.summary import (
    URGENT,
    AlertRuleInfo,
    alert_episodes,
    alert_hours,
    alert_rules,
    noisiest_alerts,
)
from workbench.analysis.alerts.tags import tag_shares, with_tags
from workbench.catalog import Profile
from workbench.core.errors import EmptyAnswer, ParameterError, QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.frames import EPISODES
from workbench.core.result import Provenance, Result, Status, Study, worst
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, duration_text, from_ms
from workbench.core.units import nouns_text
from workbench.studies.alerts.ownership import owns, rule_names, shows_alerts
from workbench.studies.alerts.reading import no_alerts, of_system, read_alerts
from workbench.studies.alerts.tags_read import tags_of

if TYPE_CHECKING:
    from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look

_PAGERS = ("pagerduty", "opsgenie")
_PAGES = re.compile(r"\b(page[rsd]?|paging|pagerduty|opsgenie|immediate|immediately|wakes?)\b", re.IGNORECASE)

#: Names in one sentence at most.
_SHOWN = 8

_RECORDS_ALONE = "No source of metrics answers for this system: its alerts are those that were recorded."
_NO_SAMPLES = "{source} holds no samples of ALERTS and lists no rules, so whether alerts fired is not known."
_METHOD = "episodes of ALERTS; quantiles by linear interpolation; bursts by a negative binomial bound"


@one_look
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
        Sources, profiles and settings, and who reads.
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
        (:class:`~workbench.analysis.alerts.summary.AlertHours`), ``interruptions`` and ``shifts``
        (:class:`workbench.analysis.alerts.hours.AlertInterruptions`,
        :class:`~workbench.analysis.alerts.hours.AlertShifts`), ``tags``
        (:class:`workbench.analysis.alerts.tags.AlertTagShares`) and ``bursts``
        (:class:`~workbench.analysis.alerts.bursts.AlertBursts`).

    Raises
    ------
    ParameterError
        Unknown system, or no one on call. A failing source is a status of the study, never an exception.

    Notes
    -----
    Episodes are rebuilt from the raw samples of ``ALERTS`` and ``ALERTS_FOR_STATE``, see
    :func:`workbench.analysis.counting.episodes.firing_episodes`; time without any sample of ``up`` is time in which no
    rule was
    evaluated. Where there are no samples, what the archive and the collector wrote down stands in; a warning says so.
    """
    if positions < 1:
        raise ParameterError(f"{positions} people on call cannot share alerts.", hint="Use 1 or more.")
    profile = ctx.catalog.profile(system)
    source = ctx.source_for(system)
    span = TimeRange(range.start, max(range.start, min(range.end, as_of)))
    failed: Status | None = None
    warnings: list[str] = []
    known = _rules(profile)
    kept = [("the collector", ctx.store.episodes(system, span))] if ctx.store is not None else []
    alone = len(kept)
    waits = {rule.alertname: round(rule.for_s * 1000) for rule in known}
    try:
        rules = rule_names(source, profile)
        kept += recorded_episodes(ctx, system, span, names=rules.names)
        metrics = source if ctx.measured(system) or len(kept) == alone else None
        watched = metrics is not None and shows_alerts(metrics, system, rules, span.end)
        reading = read_alerts(
            metrics, profile.scope, span, without=without, for_ms=waits, kept=kept, names=rules.names, watched=watched
        )
        if metrics is not None and not watched and known and not len(reading.observed):
            warnings.append(_NO_SAMPLES.format(source=source.name))
        warnings += _outside(ctx, source, span) if metrics is not None else [_RECORDS_ALONE]
    except (QueryRejected, QueryTooExpensive) as error:
        reading, failed, warnings = no_alerts(), "refused", [str(error)]
    except WorkbenchError as error:
        reading, failed, warnings = no_alerts(), "unavailable", [str(error)]
    warnings += reading.notes
    observed_s = float((reading.observed[:, 1] - reading.observed[:, 0]).sum()) / 1000
    alerts = alert_episodes(
        reading.frame,
        span,
        observed_s=observed_s,
        observed=reading.observed,
        rules=known,
        urgent=urgent_severities(profile),
        owner=profile.owner,
        zone=ctx.zone,
    )
    tags = tags_of(ctx, system, alerts)
    alerts = with_tags(alerts, tags)
    measures = alert_measures(alerts, positions=positions)
    results: dict[str, Result] = {
        "measures": measures,
        "rules": alert_rules(alerts, known),
        "episodes": alerts,
        "noisiest": noisiest_alerts(alerts),
        "hours": alert_hours(alerts),
        "interruptions": alert_interruptions(alerts),
        "shifts": alert_shifts(alerts),
        "bursts": alert_bursts(alerts),
        "tags": tag_shares(alerts, {row: tag for row, (tag, _, _) in tags.items()}),
    }
    if not known and reading.frame.empty and not failed:
        title = ctx.catalog.title(system)
        warnings.append(f"{title} has no alert rule in its profile and none fired: its alerts are not measured.")
        failed = "no_data"
    statuses: list[Status] = list(measures.frame["status"]) if observed_s else ["no_data"]
    if alerts.frame["open"].any():
        statuses.append("at_risk")
    return Study(
        name="alert_load",
        system=system,
        range=range,
        as_of=as_of,
        results=results,
        status=failed or worst([status for status in statuses if status != "no_data"] or ["no_data"]),
        freshness=from_ms(reading.newest_ms) if reading.newest_ms is not None else None,
        coverage=observed_s / span.seconds if span.seconds else float("nan"),
        provenance=Provenance(
            source=source.name,
            engine="none: raw samples",
            semantics=source.semantics,
            method=_METHOD,
            queries=reading.queries,
            version=__version__,
        ),
        warnings=tuple(warnings),
    )


def read_episodes(source: MetricSource, profile: Profile | None, span: TimeRange) -> pd.DataFrame:
    """Return the firing intervals that overlap a range (frame contract EPISODES).

    Raises
    ------
    SourceError
        As the source raises it.
    """
    names = rule_names(source, profile).names if profile else ()
    reading = read_alerts(source, profile.scope if profile else {}, span, names=names)
    return reading.frame[list(EPISODES.columns)]


def recorded_episodes(
    ctx: Context, system: str, span: TimeRange, *, names: tuple[str, ...] | None = None
) -> list[tuple[str, pd.DataFrame]]:
    """Return what a recorder of alerts beside the metrics source knows of a system, with its name.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    span : TimeRange
        Period to read, without its end.
    names : tuple of str, optional
        Rules of the system; looked up where they are not given.
    """
    profile = ctx.catalog.profile(system)
    recorder = ctx.episodes_for(system)
    if recorder.name not in ctx.episode_sources:
        return []
    episodes = recorder.episodes(span)
    alone = ctx.serves.get(recorder.name) == (profile.system,)
    if alone:
        return [(recorder.name, episodes)]
    known = rule_names(ctx.source_for(system), profile).names if names is None else names
    return [(recorder.name, of_system(episodes, profile.scope, known))]


def _outside(ctx: Context, source: MetricSource, span: TimeRange) -> list[str]:
    """Say how many alert names fired on a server in the period that belong to no system it answers for."""
    if ctx.identity.scope is not None:
        return []  # they may be another team's
    profiles = [ctx.catalog.profile(name) for name in ctx.systems if ctx.source_for(name) is source]
    scopes = sorted({label for profile in profiles for label in profile.scope})
    if not all(profile.scope for profile in profiles) or span.end_ms <= span.start_ms:
        return []
    window = duration_text(span.end_ms - span.start_ms)
    by = ", ".join(["alertname", *scopes])
    try:
        answer = source.instant(f'count by ({by}) (last_over_time(ALERTS{{alertstate="firing"}}[{window}]))', span.end)
    except EmptyAnswer:
        return []
    owned = [(profile.scope, rule_names(source, profile).names) for profile in profiles]
    outside = {
        labels.get("alertname", "") for labels in answer.labels if not any(owns(labels, *pair) for pair in owned)
    }
    if not outside:
        return []
    shown = ", ".join(sorted(outside)[:_SHOWN]) + (", …" if len(outside) > _SHOWN else "")
    rules = nouns_text(len(outside), "alert rule")
    return [f"{rules} of this server fired in the period for labels that belong to no system: {shown}."]


def urgent_severities(profile: Profile) -> tuple[str, ...]:
    """Severities that call somebody: of channels that page, or whose action says so; else the usual words."""
    paging = {severity for channel in profile.channels if channel.kind in _PAGERS for severity in channel.severities}
    severities = {level.severity for level in profile.severities if _PAGES.search(level.action)}
    return tuple(sorted(paging | severities)) or URGENT


def _rules(profile: Profile) -> tuple[AlertRuleInfo, ...]:
    return tuple(
        AlertRuleInfo(rule.name, rule.severity, rule.labels.get("owner", profile.owner), rule.for_ms / 1000)
        for rule in profile.alert_rules
    )
