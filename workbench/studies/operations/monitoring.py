"""Is the monitoring of a system well? Targets, scrapes, rules, cardinality, deliveries, still gauges, backups."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd

from workbench import __version__
from workbench.analysis.operations.monitoring import (
    ROOM,
    Target,
    check,
    check_table,
    label_cardinality,
    metric_cardinality,
    target_table,
)
from workbench.catalog import Profile
from workbench.core.errors import QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.result import Provenance, Result, Status, Study
from workbench.core.series import target_of
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, from_ms
from workbench.promql import parse, print_query, scoped, selectors
from workbench.studies.sources.context import Context
from workbench.studies.sources.reader import QueryReader

#: Longest window of one query. [d]
LONGEST_D = 30

#: Scrape timeout of Prometheus where nothing says another. [s]
TIMEOUT_S = 10.0

#: A backup that is older than this is late. [h]
BACKUP_H = 26.0

#: Label sets up to which labels are counted. [count]
MOST_SERIES = 50_000

_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_BACKUP = '{__name__=~".*backup.*"}'

Row = dict[str, object]


def monitoring_health(ctx: Context, *, system: str, range: TimeRange, as_of: datetime) -> Study:
    """Check the monitoring of a system.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    range : TimeRange
        Window; at most its last 30 days are read.
    as_of : datetime
        Aware instant of the question.

    Returns
    -------
    Study
        ``results``: ``checks`` (:class:`~workbench.analysis.operations.monitoring.MonitoringChecks`), ``targets``
        (:class:`~workbench.analysis.operations.monitoring.MonitoringTargets`), ``metrics``
        (:class:`~workbench.analysis.operations.monitoring.MetricCardinality`) and ``labels``
        (:class:`~workbench.analysis.operations.monitoring.LabelCardinality`).

    Raises
    ------
    ParameterError
        Unknown system. A failing source is a status of the study, never an exception.
    """
    profile = ctx.catalog.profile(system)
    source = ctx.source_for(system)
    reader = QueryReader(source, profile.scope)
    end = min(range.end, as_of)
    span = TimeRange(max(range.start, end - timedelta(days=LONGEST_D)), end)
    results: dict[str, Result] = {}
    warnings: list[str] = []
    status: Status = "no_data"
    try:
        targets = _targets(reader, span)
        stopped = bool(targets) and all(target.vanished for target in targets)
        if stopped:
            warnings.append("No sample of up is current: the source stopped, and what came since is not known.")
            targets = []
        rows = [*_target_checks(targets), *_rule_checks(reader, span), *_delivery_checks(reader, span)]
        rows += [_dead_rules(source, profile, span), *_still_gauges(reader, profile, span), _backups(reader, span)]
        now, before = (_by_name(reader, at) for at in (span.end, span.end - timedelta(days=7)))
        metrics = metric_cardinality(now, before, _words(profile))
        rows += _cardinality_checks(metrics.frame)
        labels = _label_sets(source, profile, span) if sum(now.values()) <= MOST_SERIES else ()
        checks, status = check_table(rows)
        if stopped and status == "ok":
            status = "no_data"
        results = {
            "checks": checks,
            "targets": target_table(targets),
            "metrics": metrics,
            "labels": label_cardinality(labels),
        }
    except (QueryRejected, QueryTooExpensive) as error:
        status = "refused"
        warnings.append(str(error))
    except WorkbenchError as error:
        status = "unavailable"
        warnings.append(str(error))
    return Study(
        name="monitoring_health", system=system, range=span, as_of=as_of, results=results, status=status,
        freshness=from_ms(reader.newest_ms) if reader.newest_ms is not None else None, coverage=float("nan"),
        provenance=Provenance(
            source=source.name, engine=reader.engine, semantics=source.semantics,
            method="samples of up, scrape_* and prometheus_*; series by name at the end and a week before",
            queries=reader.queries, version=__version__,
        ),
        warnings=(*warnings, *reader.warnings),
    )  # fmt: skip


def _window(span: TimeRange) -> str:
    return f"{max(round(span.seconds), 60)}s"


def _by_target(reader: QueryReader, query: str, at: datetime) -> dict[tuple[str, str], float]:
    return {target_of(labels): value for labels, value in reader.values(query, at)}


def _targets(reader: QueryReader, span: TimeRange) -> list[Target]:
    window = _window(span)
    now = _by_target(reader, "up", span.end)
    shares = _by_target(reader, f"avg_over_time(up[{window}])", span.end)
    changes = _by_target(reader, f"changes(up[{window}])", span.end)
    took = _by_target(reader, f"max_over_time(scrape_duration_seconds[{window}])", span.end)
    return [
        Target(
            job=key[0], instance=key[1], up=now.get(key, 0.0) == 1.0, availability=share,
            changes=changes.get(key, 0.0) / (span.seconds / 86_400), scrape_s=took.get(key, float("nan")),
            timeout_s=TIMEOUT_S, vanished=key not in now,
        )
        for key, share in shares.items()
    ]  # fmt: skip


def _target_checks(targets: Sequence[Target]) -> list[Row]:
    table = target_table(targets).frame
    names = [f"{row.job} {row.instance}" for row in table.itertuples()]
    dead = [name for name, status in zip(names, table["status"], strict=True) if status == "spent"]
    slow = [name for name, used in zip(names, table["used"], strict=True) if used > ROOM]
    flapping = [
        name for name, status, used in zip(names, table["status"], table["used"], strict=True)
        if status == "at_risk" and not used > ROOM
    ]  # fmt: skip
    measured = int(table["used"].notna().sum())
    missing = "no current sample of up at the end of the window"
    return [
        check("targets/dead", "Targets that do not answer", dead, len(table), severe=True, missing=missing),
        check("targets/flapping", "Targets that flap", flapping, len(table), missing=missing),
        check("scrapes/headroom", "Scrapes close to their timeout", slow, measured, value=table["used"].max(),
              unit="ratio", limit=ROOM, missing="no sample of scrape_duration_seconds"),
    ]  # fmt: skip


def _rule_checks(reader: QueryReader, span: TimeRange) -> list[Row]:
    window = _window(span)
    used = reader.values(
        "prometheus_rule_group_last_duration_seconds / prometheus_rule_group_interval_seconds", span.end
    )
    busy = [labels.get("rule_group", "") for labels, value in used if value > ROOM]
    missed, failed = (
        reader.values(f"increase(prometheus_rule_{name}_total[{window}])", span.end)
        for name in ("group_iterations_missed", "evaluation_failures")
    )
    return [
        check("rules/duration", "Rule groups that need most of their interval", busy, len(used),
              value=max((value for _, value in used), default=float("nan")), unit="ratio", limit=ROOM,
              missing="no sample of prometheus_rule_group_last_duration_seconds"),
        _counted("rules/missed", "Rule evaluations that were missed", missed,
                 "prometheus_rule_group_iterations_missed_total"),
        _counted("rules/failed", "Rule evaluations that failed", failed,
                 "prometheus_rule_evaluation_failures_total", True),
    ]  # fmt: skip


def _counted(
    name: str, title: str, values: Sequence[tuple[Mapping[str, str], float]], metric: str, severe: bool = False
) -> Row:
    names = ("rule_group", "integration", "instance")
    bad = [next((labels[name] for name in names if name in labels), "") for labels, value in values if value > 0]
    total = sum(value for _, value in values)
    return check(name, title, bad, len(values), value=total, unit="count", limit=0, severe=severe,
                 missing=f"no sample of {metric}")  # fmt: skip


def _delivery_checks(reader: QueryReader, span: TimeRange) -> list[Row]:
    window = _window(span)
    dropped = reader.values(f"increase(prometheus_notifications_dropped_total[{window}])", span.end)
    failed = reader.values(
        f"sum by (integration) (increase(alertmanager_notifications_failed_total[{window}]))", span.end
    )
    return [
        _counted("delivery/dropped", "Alerts that did not reach Alertmanager", dropped,
                 "prometheus_notifications_dropped_total", True),
        _counted("delivery/failed", "Notifications that failed", failed,
                 "alertmanager_notifications_failed_total", True),
    ]  # fmt: skip


def _dead_rules(source: MetricSource, profile: Profile, span: TimeRange) -> Row:
    """Alert rules of which a selector matches no series in the window."""
    known: dict[str, bool] = {}
    dead = []
    for rule in profile.alert_rules:
        for selector in selectors(parse(scoped(rule.expr, profile.scope))):
            text = print_query(replace(selector, range_ms=None, offset_ms=0, at=None))
            if text not in known:
                known[text] = bool(source.series([text], span))
            if not known[text]:
                dead.append(f"{rule.name}: {text}")
                break
    return check("rules/nothing", "Alert rules that match no series", dead, len(profile.alert_rules),
                 missing="the profile has no alert rules")  # fmt: skip


def _still_gauges(reader: QueryReader, profile: Profile, span: TimeRange) -> list[Row]:
    """Gauges that moved in the first half of the window, and stand still off zero in the second."""
    half = TimeRange(span.start, span.start + (span.end - span.start) / 2)
    window = _window(half)
    looked, still = 0, []
    for name, role in profile.roles.items():
        if role.kind != "gauge":
            continue
        moves = dict(_keyed(reader, f"changes({role.select}[{window}])", span.end))
        moved = dict(_keyed(reader, f"changes({role.select}[{window}])", half.end))
        looked += len(moves.keys() & moved.keys())
        values = dict(_keyed(reader, role.select, span.end)) if any(value == 0 for value in moves.values()) else {}
        still += [
            f"{name} {key}" for key, value in moves.items()
            if value == 0 and moved.get(key, 0) > 10 and values.get(key, 0) != 0
        ]  # fmt: skip
    return [
        check(
            "gauges/still", "Gauges that no longer move", still, looked, missing="no gauge has samples in both halves"
        )
    ]


def _keyed(reader: QueryReader, query: str, at: datetime) -> list[tuple[str, float]]:
    return [(str(dict(sorted(labels.items()))), value) for labels, value in reader.values(query, at)]


def _backups(reader: QueryReader, span: TimeRange) -> Row:
    """Backups by whatever metric has the word in its name: the age of the last success, or its success."""
    title = "Backups that failed or are late"
    bad, looked, oldest = [], 0, 0.0
    for labels, value in reader.values(_BACKUP, span.end):
        name = labels.get("__name__", "")
        subject = " ".join([name, *(v for k, v in labels.items() if k not in ("__name__", "system", "instance"))])
        if re.search(r"success\w*_(timestamp|time)|(timestamp|time)\w*_success|last_success", name):
            age_h = (span.end.timestamp() - value) / 3600
            looked, oldest = looked + 1, max(oldest, age_h)
            if age_h > BACKUP_H:
                bad.append(f"{subject}: the last success was {age_h:,.0f} h ago")
        elif re.search(r"(success|succeeded|up|ok|healthy)$", name):
            looked += 1
            bad += [f"{subject} is {value:g}"] if value != 1 else []
        elif re.search(r"(exit_code|failed|failure|error)$", name):
            looked += 1
            bad += [f"{subject} is {value:g}"] if value != 0 else []
    return check("backups/late", title, bad, looked, value=oldest or float("nan"), unit="h", limit=BACKUP_H,
                 severe=True, missing="no metric with backup in its name says whether one succeeded")  # fmt: skip


def _label_sets(source: MetricSource, profile: Profile, span: TimeRange) -> tuple[Mapping[str, str], ...]:
    """Label sets of the last hour."""
    hour = TimeRange(span.end - timedelta(hours=1), span.end)
    return source.series([scoped('{__name__!=""}', profile.scope)], hour)


def _by_name(reader: QueryReader, at: datetime) -> dict[str, float]:
    """Series by metric, without those that Prometheus writes itself."""
    counted = reader.values('count by (__name__) ({__name__!="",__name__!~"up|scrape_.*|ALERTS.*"})', at)
    return {labels.get("__name__", ""): value for labels, value in counted}


def _cardinality_checks(frame: pd.DataFrame) -> list[Row]:
    total = int(frame["series"].sum())
    before = float(frame["before"].sum())
    growing = frame[(frame["growth"] > 0.5) & (frame["series"] > 100)]
    unused = frame[~frame["used"].astype("bool")]
    return [
        check("cardinality/growth", "Metrics that grew by more than half in a week",
              [f"{row.metric} {row.growth:+.0%}" for row in growing.itertuples()], int(frame["before"].count()),
              value=total / before - 1 if before else float("nan"), unit="ratio", limit=0.5,
              missing="no sample of a week before"),
        check("cardinality/unused", "Metrics that no rule, objective or dashboard uses",
              [str(name) for name in unused["metric"]], len(frame),
              value=float(unused["series"].sum()) / total if total else float("nan"), unit="ratio"),
    ]  # fmt: skip


def _words(profile: Profile) -> frozenset[str]:
    """Every word of the profile: a metric that is none of them is used nowhere."""
    return frozenset(_WORD.findall(profile.model_dump_json()))
