"""Monitoring the monitors: targets, scrapes, rules, cardinality, deliveries, gauges that stand still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from workbench.core.result import Result, Status, worst

#: A target answers less than this share of the window: it flaps or is dead. [ratio]
AVAILABILITY = 0.99

#: Changes of ``up`` a day from which a target flaps. [1/d]
FLAPS = 6

#: Share of the scrape timeout, and of the evaluation interval of rules, from which little room is left. [ratio]
ROOM = 0.8

TARGET_COLUMNS = ["job", "instance", "status", "up", "availability", "changes", "scrape_s", "timeout_s", "used",
                  "detail"]  # fmt: skip
CHECK_COLUMNS = ["check", "title", "status", "bad", "of", "value", "unit", "limit", "detail"]


@dataclass(frozen=True, eq=False, repr=False)
class MonitoringTargets(Result):
    """Scrape targets; one row each, dead ones first.

    Columns of ``frame``: ``job``, ``instance`` (str), ``status`` (``spent`` dead, ``at_risk`` flapping or slow,
    ``ok``), ``up`` (now, bool), ``availability`` (share of scrapes that succeeded) [ratio], ``changes`` (of ``up``)
    [count], ``scrape_s`` (longest scrape), ``timeout_s`` (assumed where nothing says it) [s], ``used`` (scrape per
    timeout) [ratio], ``detail`` (str).
    """


@dataclass(frozen=True, eq=False, repr=False)
class MonitoringChecks(Result):
    """What was checked of the monitoring itself; one row per check, worst first.

    Columns of ``frame``: ``check`` (id), ``title``, ``status``, ``bad`` (what is wrong), ``of`` (what was looked at)
    [count], ``value``, ``limit`` (in ``unit``), ``detail`` (what to look at, str). ``no_data`` means that no metric
    says it.
    """


@dataclass(frozen=True, eq=False, repr=False)
class MetricCardinality(Result):
    """Series by metric; one row per metric, most series first.

    Columns of ``frame``: ``metric`` (str), ``series``, ``before`` (a week before the end) [count], ``growth``,
    ``share`` (of all series) [ratio], ``used`` (in the profile, its rules, objectives or dashboards, bool).
    """


@dataclass(frozen=True, eq=False, repr=False)
class LabelCardinality(Result):
    """Values by label; one row per label, most values first.

    Columns of ``frame``: ``label`` (str), ``values`` (distinct ones), ``series`` (that carry it). [count]
    """


@dataclass(frozen=True)
class Target:
    """What the samples say of one target; NaN where nothing says it."""

    job: str
    instance: str
    up: bool
    availability: float
    changes: float
    scrape_s: float
    timeout_s: float
    vanished: bool = False


def target_table(targets: Sequence[Target]) -> MonitoringTargets:
    """Judge scrape targets: dead, vanished, flapping, or close to their timeout."""
    rows = []
    for target in targets:
        used = target.scrape_s / target.timeout_s
        status: Status = "ok"
        detail = ""
        if target.vanished:
            status, detail = "spent", "was scraped in the window and is no longer"
        elif not target.up:
            status, detail = "spent", "the last scrape failed"
        elif target.changes >= FLAPS:
            status, detail = "at_risk", f"changed {target.changes:.1f} times a day between up and down"
        elif target.availability < AVAILABILITY:
            status, detail = "at_risk", f"{1 - target.availability:.2%} of its scrapes failed"
        elif used > ROOM:
            status, detail = "at_risk", f"its longest scrape took {used:.0%} of the timeout"
        values = (
            target.up and not target.vanished,
            target.availability,
            target.changes,
            target.scrape_s,
            target.timeout_s,
            used,
            detail,
        )
        rows.append((target.job, target.instance, status, *values))
    frame = pd.DataFrame(rows, columns=TARGET_COLUMNS)
    order = frame["status"].map({"spent": 0, "at_risk": 1, "ok": 2})
    return MonitoringTargets(frame.assign(_o=order).sort_values(["_o", "job", "instance"], kind="stable")
                             .drop(columns="_o").reset_index(drop=True))  # fmt: skip


def check(
    name: str, title: str, bad: Sequence[str], of: int, *, value: float = float("nan"), unit: str = "",
    limit: float = float("nan"), severe: bool = False, missing: str = "",
) -> dict[str, object]:  # fmt: skip
    """Return one row of :class:`MonitoringChecks`; nothing looked at is ``no_data``.

    Examples
    --------
    >>> check("rules/missed", "Missed evaluations", [], 0, missing="no metric")["status"]
    'no_data'
    """
    status: Status = "no_data" if not of else "ok" if not bad else "spent" if severe else "at_risk"
    shown = ", ".join(bad[:5]) + (f" and {len(bad) - 5:,} more" if len(bad) > 5 else "")
    detail = missing if not of else shown
    cells = (name, title, status, len(bad), of, value if of else float("nan"), unit, limit, detail)
    return dict(zip(CHECK_COLUMNS, cells, strict=True))


def check_table(rows: Sequence[Mapping[str, object]]) -> tuple[MonitoringChecks, Status]:
    """Order checks by status, and return the status of all: the worst of those that looked at something."""
    frame = pd.DataFrame(list(rows), columns=CHECK_COLUMNS)
    place = {"spent": 0, "at_risk": 1, "ok": 2, "no_data": 3}
    frame = frame.assign(_o=frame["status"].map(place)).sort_values("_o", kind="stable").drop(columns="_o")
    known: list[Status] = [status for status in frame["status"] if status != "no_data"]
    return MonitoringChecks(frame.reset_index(drop=True)), worst(known)


def metric_cardinality(
    now: Mapping[str, float], before: Mapping[str, float], used: frozenset[str]
) -> MetricCardinality:
    """Tabulate series by metric, their growth, and whether anything uses them."""
    total = sum(now.values())
    rows = [
        (name, int(count), before.get(name, float("nan")), _growth(count, before.get(name)), count / total,
         _used(name, used))
        for name, count in now.items()
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["metric", "series", "before", "growth", "share", "used"])
    return MetricCardinality(frame.sort_values(["series", "metric"], ascending=[False, True], ignore_index=True))


def _growth(count: float, before: float | None) -> float:
    return count / before - 1 if before else float("nan")


def _used(name: str, used: frozenset[str]) -> bool:
    """Whether a metric, or the histogram it is a part of, is named anywhere."""
    stem = name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count").removesuffix("_total")
    return name in used or any(f"{stem}{end}" in used for end in ("", "_bucket", "_sum", "_count", "_total"))


def label_cardinality(series: Sequence[Mapping[str, str]]) -> LabelCardinality:
    """Count the values of each label and the series that carry it."""
    values: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    for labels in series:
        for name, value in labels.items():
            if name != "__name__":
                values.setdefault(name, set()).add(value)
                counts[name] = counts.get(name, 0) + 1
    rows = [(name, len(held), counts[name]) for name, held in values.items()]
    frame = pd.DataFrame(rows, columns=["label", "values", "series"])
    return LabelCardinality(frame.sort_values(["values", "label"], ascending=[False, True], ignore_index=True))
