"""Which alerts belong together, and did a change make them fewer? Incidents, pairs of rules, before and after."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from workbench.analysis.alerts.cascades import alert_cascades
from workbench.analysis.alerts.response import alert_responses
from workbench.analysis.alerts.summary import AlertEpisodes
from workbench.analysis.alerts.together import alert_change, alert_incidents, alert_pairs
from workbench.core.errors import ParameterError
from workbench.core.result import Result, Study
from workbench.core.timerange import TimeRange, to_ms
from workbench.core.units import instant_text
from workbench.studies.alerts.load import alert_load
from workbench.studies.decisions.table_events import table_events, table_incidents

if TYPE_CHECKING:
    from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look


@one_look
def alert_review(
    ctx: Context,
    *,
    system: str,
    range: TimeRange,
    as_of: datetime,
    change: datetime | None = None,
    without: tuple[str, ...] = (),
) -> Study:
    """Review the alerts of a period: what :func:`alert_load` says, and what belongs together.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    range : TimeRange
        Period to read, without its end.
    as_of : datetime
        Instant up to which data is read.
    change : datetime, optional
        Instant before and after which alerts are compared; inside the period.
    without : tuple of str
        Labels that make no alert of their own.

    Returns
    -------
    Study
        The results of ``alert_load``, with ``incidents``
        (:class:`workbench.analysis.alerts.together.AlertIncidents`), ``pairs``
        (:class:`~workbench.analysis.alerts.together.AlertPairs`), ``cascades``
        (:class:`~workbench.analysis.alerts.cascades.AlertCascades`), where a table of incidents knows acknowledgements
        ``responses`` (:class:`workbench.analysis.alerts.response.AlertResponses`) and, with ``change``, ``change``
        (:class:`~workbench.analysis.alerts.together.AlertChange`).

    Raises
    ------
    ParameterError
        Unknown system, or a change outside the period.

    Notes
    -----
    Deploys are the annotations of that kind, and the rows of tables of deployments.
    """
    if change is not None and not range.start < change < min(range.end, as_of):
        raise ParameterError(
            f"The change ({instant_text(change)}) is not inside {range}.", hint="Choose a period around it."
        )
    study = alert_load(ctx, system=system, range=range, as_of=as_of, without=without)
    episodes = study.results["episodes"]
    assert isinstance(episodes, AlertEpisodes)
    noted = [*(ctx.store.annotations(system) if ctx.store is not None else []), *table_events(ctx, system)[0]]
    deploys = [to_ms(note.starts_at) for note in noted if note.kind == "deploy"]
    pairs = alert_pairs(episodes)
    results: dict[str, Result] = {
        **study.results,
        "incidents": alert_incidents(episodes, deploys),
        "pairs": pairs,
        "cascades": alert_cascades(episodes, pairs, deploys),
    }
    answered, warnings = table_incidents(ctx, system)
    if answered is not None:
        results["responses"] = alert_responses(answered, episodes.range, zone=ctx.zone)
    if change is not None:
        results["change"] = alert_change(episodes, to_ms(change))
    return replace(study, name="alert_review", results=results, warnings=(*study.warnings, *warnings))
