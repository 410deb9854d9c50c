"""Delivery of a system: the five DORA metrics from files, git, or what the system's own records hold."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd

from workbench import __version__
from workbench.analysis.operations.delivery import DeliveryMetrics, delivery_metrics, lead_times
from workbench.core.errors import ParameterError, WorkbenchError
from workbench.core.result import Provenance, Status, Study, worst
from workbench.core.timerange import TimeRange
from workbench.core.units import instant_text
from workbench.studies.operations.deployments import (
    COLUMNS,
    alert_incidents,
    of_file,
    of_git,
    of_records,
    read_table,
    recorded_incidents,
)
from workbench.studies.sources.context import Context


def delivery_performance(
    ctx: Context, *, system: str, range: TimeRange, as_of: datetime, deployments: Path | None = None,
    git: Path | None = None, tags: str = "", incidents: Path | None = None, alerts: bool = False,
    requests: Path | None = None, benchmark: int = 2023,
) -> Study:  # fmt: skip
    """Compute the five DORA metrics.

    Parameters
    ----------
    ctx, system, range, as_of
        As for every study; ``range`` holds the deployments that count, up to ``as_of``.
    deployments : Path, optional
        CSV with one row per deployed commit: ``deployment``, ``finished``; optional ``result`` (SUCCESS by default),
        ``environment`` (PRODUCTION by default), ``rework``.
    git : Path, optional
        Local repository whose tags are deployments; without it and ``deployments`` the repository of the settings,
        else notes and tables of deployments, else versions in metrics or log lines.
    tags : str
        Pattern of these tags; empty for that of the settings, else ``v*``.
    incidents : Path, optional
        CSV: ``created``, ``resolved`` (empty while open); without it incidents of notes and tables.
    alerts : bool
        Whether severe alerts that began within a day of a deployment are incidents, where none are given or noted.
    requests : Path, optional
        CSV of merged pull requests: ``first_commit``, ``created``, ``first_review``, ``merged``, ``deployed``.
    benchmark : {2021, 2023}
        Year of the DORA report whose levels are used.

    Returns
    -------
    Study
        ``results``: ``metrics`` (:class:`~workbench.analysis.operations.delivery.DeliveryMetrics`) and ``days``
        (:class:`~workbench.analysis.operations.delivery.DeploymentDays`).

    Raises
    ------
    ParameterError
        Unknown system, or a file that cannot be read or lacks a column.
    """
    ctx.catalog.profile(system)
    if deployments and git:
        raise ParameterError("Deployments of a file and of git exclude each other.", hint="Give one of them.")
    if requests and not deployments:
        raise ParameterError("Pull requests need the file of deployments.", hint="Give --deployments, or leave both.")
    span = TimeRange(range.start, max(min(range.end, as_of), range.start))
    reached = ctx.reached.get(system)
    repository = git or (reached.git if reached and not deployments else None)
    warnings: list[str] = []
    if deployments:
        known = of_file(deployments, requests)
    elif repository:
        known = of_git(repository, tags or (reached.tags if reached else "") or "v*", span)
    else:
        known, warnings = of_records(ctx, system, span)
    observed = span
    if known.since is not None and known.since > span.start:
        observed = TimeRange(min(known.since, span.end), span.end)
        warnings.append(
            f"{known.origin[:1].upper()}{known.origin[1:]} begin {instant_text(known.since)}: every metric is "
            "for the time from then on, earlier deployments are not known."
        )
    began, known_incidents = _incidents(ctx, system, known.frame, observed, incidents, alerts, warnings)
    parts = lead_times(known.requests)
    metrics, days = delivery_metrics(
        known.frame, began, parts["cycle"].where(parts["deploy"].notna()), observed, benchmark=benchmark
    )
    unknown = [
        *([] if known_incidents else ["fail_rate", "recovery"]),
        *([] if known.origin else ["frequency", "rework"]),
    ]
    if not known_incidents:
        warnings.append("No incidents are known: the fail rate and the recovery time say nothing.")
    if not known.origin:
        warnings.append("No deployments are known: give --git or --deployments, or note deployments.")
    why = dict.fromkeys(("frequency", "rework"), "no deployments are known")
    for metric in unknown:
        row = metrics.frame["metric"] == metric
        metrics.frame.loc[row, ["value", "level", "detail", "status"]] = [
            float("nan"), "", why.get(metric, "no incidents are known"), "no_data",
        ]  # fmt: skip
    failed = any("were not read" in text for text in warnings)
    status: Status = "unavailable" if failed and not known.origin else worst(_judged(metrics))
    return Study(
        name="delivery_performance", system=system, range=span, as_of=as_of,
        results={"metrics": metrics, "days": days}, status=status, freshness=None,
        coverage=float("nan") if deployments else observed.seconds / span.seconds if known.origin else 0.0,
        provenance=Provenance("; ".join(filter(None, [known.origin, known_incidents])), "", "", "DORA, five metrics",
                              version=__version__),
        warnings=tuple(dict.fromkeys(warnings)),
    )  # fmt: skip


def _judged(metrics: DeliveryMetrics) -> list[Status]:
    """Statuses of the metrics that need no pull requests and no plan of releases."""
    frame = metrics.frame.set_index("metric")
    return list(frame.loc[["frequency", "fail_rate", "recovery"], "status"])


def _incidents(
    ctx: Context, system: str, deployments: pd.DataFrame, span: TimeRange, file: Path | None, alerts: bool,
    warnings: list[str],
) -> tuple[pd.DataFrame, str]:  # fmt: skip
    """Incidents, and where they are known from; empty where nothing would say one."""
    if file:
        return read_table(file, "incidents", COLUMNS["incidents"]), file.name
    noted, unread = recorded_incidents(ctx, system)
    warnings += unread
    if len(noted):
        return noted, "notes and tables of incidents"
    if not alerts:
        return noted, ""
    try:
        return alert_incidents(ctx, system, deployments, span), "severe alerts within a day of a deployment"
    except WorkbenchError as error:
        warnings.append(f"Alerts were not read: {error}")
        return noted, ""
