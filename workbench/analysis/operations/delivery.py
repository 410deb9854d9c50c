"""Delivery: the five DORA metrics from deployments, incidents and pull requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.core.result import Result
from workbench.core.timerange import TimeRange

#: Year -> metric -> (upper ends of elite, high and medium), as Apache DevLake writes the surveys down. [min], [ratio]
BENCHMARKS: Mapping[int, Mapping[str, tuple[float, float, float]]] = {
    2021: {"lead_time": (60, 10_080, 262_800), "recovery": (60, 1_440, 10_080), "fail_rate": (0.15, 0.20, 0.30)},
    2023: {"lead_time": (1_440, 10_080, 43_800), "recovery": (60, 1_440, 10_080), "fail_rate": (0.05, 0.10, 0.15)},
}
LEVELS = ("elite", "high", "medium", "low")


@dataclass(frozen=True, eq=False, repr=False)
class DeliveryMetrics(Result):
    """The five metrics; one row each.

    Columns of ``frame``: ``metric`` (id), ``title`` (str), ``value`` (NaN where nothing says it), ``unit`` (``per
    day``, ``min``, ``ratio``), ``of`` (what it rests on) [count], ``level`` (by the benchmark, empty without one),
    ``detail``, ``status`` (``no_data`` where no source knows what the metric counts).
    """

    range: TimeRange
    benchmark: int


@dataclass(frozen=True, eq=False, repr=False)
class DeploymentDays(Result):
    """Deployments by day of the range, days without one included; columns ``day`` [UTC], ``deployments``. [count]"""


def deployments_of(commits: pd.DataFrame) -> pd.DataFrame:
    """Make one row per deployment of its commits: successful ones in production only.

    Parameters
    ----------
    commits : DataFrame
        ``deployment``, ``finished`` [UTC], ``result`` (SUCCESS), ``environment`` (PRODUCTION).

    Returns
    -------
    DataFrame
        ``deployment``, ``finished`` (of its last commit), by time.
    """
    fine = commits[(commits["result"] == "SUCCESS") & (commits["environment"] == "PRODUCTION")]
    table = fine.groupby("deployment", as_index=False)["finished"].max()
    return table.sort_values(["finished", "deployment"], ignore_index=True)


def caused_by(commits: pd.DataFrame, incidents: pd.DataFrame) -> pd.Series:
    """Return for each incident the last deployment of which a commit was live when it was created; None before any."""
    fine = commits[(commits["result"] == "SUCCESS") & (commits["environment"] == "PRODUCTION")].sort_values("finished")
    place = np.searchsorted(fine["finished"].to_numpy(), incidents["created"].to_numpy(), side="right") - 1
    names = fine["deployment"].tolist()
    return pd.Series([names[at] if at >= 0 else None for at in place], index=incidents.index, dtype="object")


def lead_times(requests: pd.DataFrame) -> pd.DataFrame:
    """Split the way of merged pull requests to production into its parts.

    Parameters
    ----------
    requests : DataFrame
        ``first_commit``, ``created``, ``first_review``, ``merged``, ``deployed`` [UTC], NaT where there is none.

    Returns
    -------
    DataFrame
        ``coding``, ``pickup``, ``review``, ``deploy``, ``cycle`` in whole minutes, rounded up; NaN where a part is
        missing or would be negative. The cycle runs from the first commit (or the creation, where that is earlier) to
        the deployment, or to the merge where none followed.
    """
    merged, created = requests["merged"], requests["created"]
    parts = pd.DataFrame(
        {
            "coding": _minutes(requests["first_commit"], created),
            "pickup": _minutes(created, requests["first_review"]),
            "review": _minutes(requests["first_review"], merged),
            "deploy": _minutes(merged, requests["deployed"]),
        }
    )
    start = requests["first_commit"].where(parts["coding"].notna(), created)
    parts["cycle"] = _minutes(start, requests["deployed"].where(parts["deploy"].notna(), merged))
    return parts


def _minutes(start: pd.Series, end: pd.Series) -> pd.Series:
    length = (end - start).dt.total_seconds()
    return np.ceil(length / 60).where(length >= 0)


def delivery_metrics(
    commits: pd.DataFrame, incidents: pd.DataFrame, lead: pd.Series, range: TimeRange, *, benchmark: int = 2023
) -> tuple[DeliveryMetrics, DeploymentDays]:
    """Compute deployment frequency, lead time, fail rate, recovery time and rework rate.

    Parameters
    ----------
    commits : DataFrame
        As for :func:`deployments_of`; ``rework`` (bool) marks unplanned deployments because of an incident.
    incidents : DataFrame
        ``created``, ``resolved`` [UTC]; NaT while it is open.
    lead : Series
        Minutes from the first commit to production. [min]
    range : TimeRange
        Period to read, without its end.
    benchmark : {2021, 2023}
        Year of the levels.

    Notes
    -----
    Fail rate: deployments with at least one incident / deployments, so it never exceeds 1. Open incidents are no
    recovery times; they are counted beside. Medians are lower medians. Days without a deployment are days.

    Examples
    --------
    >>> days, hour = pd.date_range("2026-10-01", periods=5, tz="UTC"), pd.Timedelta(hours=1)
    >>> commits = pd.DataFrame({"deployment": list("abcd"), "finished": days[:4]})
    >>> commits = commits.assign(result="SUCCESS", environment="PRODUCTION")
    >>> incidents = pd.DataFrame({"created": [days[1] + hour], "resolved": [days[1] + 3 * hour]})
    >>> window = TimeRange(days[0].to_pydatetime(), days[4].to_pydatetime())
    >>> metrics, _ = delivery_metrics(commits, incidents, pd.Series(dtype="float64"), window)
    >>> metrics.frame.set_index("metric")["value"][["fail_rate", "recovery", "frequency"]].tolist()
    [0.25, 120.0, 1.0]
    """
    all_deployments = deployments_of(commits)
    inside = all_deployments["finished"].between(range.start, range.end, inclusive="left")
    deployments = all_deployments[inside]
    caused = set(caused_by(commits, incidents).dropna())
    failed = deployments["deployment"].isin(caused)
    began = incidents[incidents["created"].between(range.start, range.end, inclusive="left")]
    recovery = _minutes(began["created"], began["resolved"]).dropna()
    open_ = int(began["resolved"].isna().sum())
    count = len(deployments)
    share = float(failed.mean()) if count else float("nan")
    rework = float("nan")
    if "rework" in commits and count:
        unplanned = set(commits[commits["rework"].astype("bool")]["deployment"])
        rework = float(deployments["deployment"].isin(unplanned).mean())
    days = pd.date_range(range.start, range.end, freq="D", inclusive="left")
    per_day = deployments["finished"].dt.floor("D").value_counts().reindex(days, fill_value=0)
    known = lead.dropna()
    rows = [
        ("frequency", "Deployment frequency", count / (range.seconds / 86_400), "per day", count,
         f"{int((per_day > 0).sum())} of {len(days)} days with a deployment"),
        ("lead_time", "Change lead time", _lower_median(known), "min", len(known),
         f"{len(lead) - len(known)} not deployed" if len(lead) else "no pull requests are known"),
        ("fail_rate", "Change fail rate", share, "ratio", count, f"{int(failed.sum())} deployments with an incident"),
        ("recovery", "Failed deployment recovery time", _lower_median(recovery), "min", len(recovery),
         f"{open_} still open"),
        ("rework", "Deployment rework rate", rework, "ratio", count if rework == rework else 0,
         "" if rework == rework else "nothing says which deployments were unplanned"),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["metric", "title", "value", "unit", "of", "detail"])
    limits = BENCHMARKS[benchmark]
    levels = [_level(row.value, limits.get(row.metric)) for row in frame.itertuples()]
    frame.insert(5, "level", levels)
    silent = {"lead_time": not len(lead), "rework": count > 0 and rework != rework}
    frame["status"] = ["no_data" if silent.get(metric) else "ok" for metric in frame["metric"]]
    notes = (f"Levels are those of {benchmark}; DORA dropped the four levels in 2025.",)
    table = pd.DataFrame({"day": days, "deployments": per_day.to_numpy()})
    return DeliveryMetrics(frame, range=range, benchmark=benchmark, notes=notes), DeploymentDays(table)


def _lower_median(values: pd.Series) -> float:
    ordered = np.sort(values.to_numpy(np.float64))
    return float(ordered[(len(ordered) - 1) // 2]) if len(ordered) else float("nan")


def _level(value: float, limits: tuple[float, float, float] | None) -> str:
    if limits is None or value != value:
        return ""
    return LEVELS[int(np.searchsorted(limits, value, side="left"))]
