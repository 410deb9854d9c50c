"""Which alert rule of a system earns its pages? Rules against real budget burn and incidents written down."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from workbench.analysis.alerts.summary import AlertEpisodes
from workbench.analysis.alerts.worth import AlertEvent, rule_worth
from workbench.core.result import Study, worst
from workbench.core.timerange import TimeRange, to_ms
from workbench.studies.alerts.load import alert_load
from workbench.studies.slo.attribution import slo_attribution
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look
from workbench.studies.sources.periods import objective_window

#: A burn is worth an alert from this share of its objective's own budget on. [ratio]
LEAST_SHARE = 0.02


@one_look
def alert_rule_worth(
    ctx: Context,
    *,
    system: str,
    range: TimeRange,
    as_of: datetime,
    least_share: float = LEAST_SHARE,
    without: tuple[str, ...] = (),
) -> Study:
    """Say for each alert rule of a system what it caught, missed and paged for nothing.

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
    least_share : float
        A rule ought to tell of what spent at least this share of its objective's budget. [ratio]
    without : tuple of str
        Labels that make no alert of their own.

    Returns
    -------
    Study
        ``results``: ``worth`` (:class:`workbench.analysis.alerts.worth.RuleWorth`), ``episodes``, ``rules`` and
        ``spending`` (:class:`workbench.analysis.slo.spending.Spending`, the burns).

    Raises
    ------
    ParameterError
        Unknown system. A failing source is a status of the study, never an exception.
    """
    alerts = alert_load(ctx, system=system, range=range, as_of=as_of, without=without)
    burns = slo_attribution(ctx, system=system, range=range, as_of=as_of, records=False)
    episodes, spent = alerts.results["episodes"], burns.results["spending"]
    assert isinstance(episodes, AlertEpisodes)
    objectives = {objective.id: objective for objective in ctx.catalog.objectives.get(system, ())}
    events = alert_events(ctx, system, spent.frame, range, as_of=as_of, least_share=least_share)
    compliance = burns.results["compliance"].frame
    measured = compliance.loc[~compliance["status"].isin(["no_data", "unavailable", "refused"]), "objective"]
    rules = ctx.catalog.profile(system).alert_rules
    guards = {rule.name: rule.objectives for rule in rules}
    worth = rule_worth(episodes, events, guards, measured=list(measured))
    warnings = [*alerts.warnings, *burns.warnings]
    missing = [name for name in objectives if name not in set(measured)]
    if missing:
        warnings.append(f"Burns of {', '.join(missing)} are not measured; rules that guard only these are not judged.")
    return Study(
        name="alert_rule_worth",
        system=system,
        range=range,
        as_of=as_of,
        results={"worth": worth, "episodes": episodes, "rules": alerts.results["rules"], "spending": spent},
        status=alerts.status if alerts.status in ("unavailable", "refused", "no_data") else worst(["ok", burns.status]),
        freshness=alerts.freshness,
        coverage=alerts.coverage,
        provenance=alerts.provenance,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def alert_events(
    ctx: Context,
    system: str,
    spent: pd.DataFrame,
    span: TimeRange,
    *,
    as_of: datetime,
    least_share: float = LEAST_SHARE,
) -> list[AlertEvent]:
    """Return what alerts ought to tell of: burns of budgets, and incidents that somebody wrote down.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    spent : DataFrame
        ``frame`` of :class:`workbench.analysis.slo.spending.Spending`.
    span : TimeRange
        Period of ``spent``.
    as_of : datetime
        Instant up to which data is read.
    least_share : float
        Share of an objective's own budget from which a burn is wanted. [ratio]
    """
    objectives = {objective.id: objective for objective in ctx.catalog.objectives.get(system, ())}
    events = []
    for row in spent[spent["kind"] == "episode"].itertuples():
        own = objective_window(objectives[str(row.objective)], as_of)
        share = float(row.budget_share) * (span.end_ms - span.start_ms) / (own.end_ms - own.start_ms)
        start_ms, end_ms = (to_ms(moment.to_pydatetime()) for moment in (row.start, row.end))
        events.append(AlertEvent(str(row.objective), start_ms, end_ms, share, wanted=share >= least_share))
    return events + _incidents(ctx, system, span, as_of)


def _incidents(ctx: Context, system: str, span: TimeRange, as_of: datetime) -> list[AlertEvent]:
    """Incidents that somebody wrote down; one without an end lasts to the instant of reading."""
    noted = ctx.store.annotations(system) if ctx.store is not None else []
    incidents = []
    for annotation in noted:
        if (
            annotation.kind == "incident"
            and annotation.starts_at < span.end
            and (annotation.ends_at or as_of) > span.start
        ):
            incidents.append(
                AlertEvent("", to_ms(annotation.starts_at), to_ms(annotation.ends_at or as_of), float("nan"))
            )
    return incidents
