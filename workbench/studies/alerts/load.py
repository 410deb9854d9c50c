"""Do the alerts help, or do they tire the people on call? Episodes, load, standards, bursts of one system."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from workbench import __version__
from workbench.analysis.alerts.hours import alert_interruptions, alert_shifts
from workbench.analysis.alerts.load import alert_bursts, alert_measures
from workbench.analysis.alerts.summary import (
    URGENT,
    AlertRuleInfo,
    alert_episodes,
    alert_hours,
    alert_rules,
    noisiest_alerts,
)
from workbench.catalog import Profile
from workbench.core.errors import ParameterError, QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.frames import EPISODES
from workbench.core.result import Provenance, Result, Status, Study, worst
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, from_ms
from workbench.studies.alerts.reading import no_alerts, read_alerts

if TYPE_CHECKING:
    from workbench.studies.sources.context import Context

_PAGERS = ("pagerduty", "opsgenie")
_PAGES = re.compile(r"\b(page[rsd]?|paging|pagerduty|opsgenie|immediate|immediately|wakes?)\b", re.IGNORECASE)

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
        (:class:`~workbench.analysis.alerts.summary.AlertHours`), ``interruptions`` and ``shifts``
        (:class:`workbench.analysis.alerts.hours.AlertInterruptions`,
        :class:`~workbench.analysis.alerts.hours.AlertShifts`) and ``bursts``
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
    waits = {rule.alertname: round(rule.for_s * 1000) for rule in known}
    try:
        reading = read_alerts(source, profile.scope, span, without=without, for_ms=waits, kept=kept)
    except (QueryRejected, QueryTooExpensive) as error:
        reading, failed, warnings = no_alerts(), "refused", [str(error)]
    except WorkbenchError as error:
        reading, failed, warnings = no_alerts(), "unavailable", [str(error)]
    warnings += reading.notes
    observed_s = float((reading.observed[:, 1] - reading.observed[:, 0]).sum()) / 1000
    found = alert_episodes(
        reading.frame,
        span,
        observed_s=observed_s,
        observed=reading.observed,
        rules=known,
        urgent=urgent_severities(profile),
        owner=profile.owner,
        zone=ctx.zone,
    )
    measures = alert_measures(found, positions=positions)
    results: dict[str, Result] = {
        "measures": measures,
        "rules": alert_rules(found, known),
        "episodes": found,
        "noisiest": noisiest_alerts(found),
        "hours": alert_hours(found),
        "interruptions": alert_interruptions(found),
        "shifts": alert_shifts(found),
        "bursts": alert_bursts(found),
    }
    if not known and reading.frame.empty and not failed:
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


def read_episodes(source: MetricSource, scope: Mapping[str, str], span: TimeRange) -> pd.DataFrame:
    """Return the firing intervals that overlap a range (frame contract EPISODES).

    Raises
    ------
    SourceError
        As the source raises it.
    """
    return read_alerts(source, scope, span).frame[list(EPISODES.columns)]


def urgent_severities(profile: Profile) -> tuple[str, ...]:
    """Severities that call somebody: of channels that page, or whose action says so; else the usual words."""
    paging = {severity for channel in profile.channels if channel.kind in _PAGERS for severity in channel.severities}
    told = {level.severity for level in profile.severities if _PAGES.search(level.action)}
    return tuple(sorted(paging | told)) or URGENT


def _rules(profile: Profile) -> tuple[AlertRuleInfo, ...]:
    return tuple(
        AlertRuleInfo(rule.name, rule.severity, rule.labels.get("owner", profile.owner), rule.for_ms / 1000)
        for rule in profile.alert_rules
    )
