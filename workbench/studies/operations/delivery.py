"""Delivery of a system: the five DORA metrics from tables of deployments, incidents and pull requests."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd

from workbench import __version__
from workbench.analysis.operations.delivery import delivery_metrics, lead_times
from workbench.core.errors import ParameterError
from workbench.core.result import Provenance, Study
from workbench.core.timerange import TimeRange
from workbench.studies.sources.context import Context

#: Table -> columns it must have; further ones are optional.
COLUMNS = {
    "deployments": ("deployment", "finished"),
    "incidents": ("created", "resolved"),
    "requests": ("first_commit", "created", "first_review", "merged", "deployed"),
}


def delivery_performance(
    ctx: Context, *, system: str, range: TimeRange, as_of: datetime, deployments: Path, incidents: Path | None = None,
    requests: Path | None = None, benchmark: int = 2023,
) -> Study:  # fmt: skip
    """Compute the five DORA metrics from CSV files.

    Parameters
    ----------
    ctx, system, range, as_of
        As for every study; ``range`` holds the deployments that count.
    deployments : Path
        One row per deployed commit: ``deployment``, ``finished``; optional ``result`` (SUCCESS by default),
        ``environment`` (PRODUCTION by default), ``rework``.
    incidents : Path, optional
        ``created``, ``resolved`` (empty while open).
    requests : Path, optional
        Merged pull requests: ``first_commit``, ``created``, ``first_review``, ``merged``, ``deployed``.
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
    commits = _table(deployments, "deployments", ("finished",))
    for name, usual in (("result", "SUCCESS"), ("environment", "PRODUCTION")):
        commits[name] = commits[name].str.upper() if name in commits else usual
    began = _table(incidents, "incidents", COLUMNS["incidents"])
    merged = _table(requests, "requests", COLUMNS["requests"])
    parts = lead_times(merged)
    lead = parts["cycle"].where(parts["deploy"].notna())
    metrics, days = delivery_metrics(commits, began, lead, range, benchmark=benchmark)
    warnings = () if incidents else ("No incidents were given: the fail rate and the recovery time say nothing.",)
    if not incidents:
        metrics.frame.loc[metrics.frame["metric"].isin(["fail_rate", "recovery"]), ["value", "level", "detail"]] = [
            float("nan"), "", "no incidents were given",
        ]  # fmt: skip
    return Study(
        name="delivery_performance", system=system, range=range, as_of=as_of,
        results={"metrics": metrics, "days": days},
        status="ok" if len(commits) else "no_data", freshness=None, coverage=float("nan"),
        provenance=Provenance(deployments.name, "CSV", "", "DORA, five metrics", version=__version__),
        warnings=warnings,
    )  # fmt: skip


def _table(file: Path | None, kind: str, times: tuple[str, ...]) -> pd.DataFrame:
    if file is None:
        return pd.DataFrame({name: pd.to_datetime([], utc=True) for name in COLUMNS[kind]})
    try:
        frame = pd.read_csv(file, dtype="str")
    except (OSError, ValueError) as error:
        raise ParameterError(f"{file} cannot be read: {error}.", hint="Give a CSV file with a header.") from None
    missing = [name for name in COLUMNS[kind] if name not in frame]
    if missing:
        raise ParameterError(f"{file} has no column {missing[0]!r}.", hint=f"It needs {', '.join(COLUMNS[kind])}.")
    for name in times:
        try:
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
        except ValueError as error:
            raise ParameterError(f"{file}: {name}: {error}.", hint="Write ISO 8601 instants.") from None
    return frame
