"""How a system stands at this moment, beside its objectives: what fires, what is over a limit, what the month costs.

The answer is kept in the store for a few minutes, so that the overview of the morning is quick.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pandas as pd

from workbench.analysis.counting.limits import known_now
from workbench.analysis.overview.findings import Duty
from workbench.catalog import Profile
from workbench.core.errors import WorkbenchError
from workbench.core.result import Result, jsonable
from workbench.core.series import Labels
from workbench.core.timerange import TimeRange, calendar_range, from_ms, to_ms
from workbench.studies.alerts.load import recorded_episodes
from workbench.studies.alerts.ownership import RuleNames, alert_selectors, rule_names, shows_alerts
from workbench.studies.cost.month import month_spend
from workbench.studies.counting.thresholds import breached
from workbench.studies.sources.context import Context
from workbench.studies.sources.reader import QueryReader

QUESTION = "standing"

#: Spend, which takes two months of counters to read, is read anew after this long, budgets with it.
SPEND_LASTS = timedelta(hours=1)

#: How far back a recorded alert that fires may have been seen last.
_RECORDED_BACK = timedelta(days=30)

#: How far back a breach that lasts is looked at. [ms]
LOOK_BACK_MS = 3_600_000

_VERSION = 4  # raised when the document changes its shape

_FIRING = ("alertname", "severity", "labels", "since")
_LIMITS = ("limit", "title", "severity", "group", "start", "seconds", "worst", "unit", "ongoing", "rule", "value")
_BUDGETS = ("dimension", "group", "status", "used", "limit", "left", "unit")
_SPEND = ("unit", "spent", "projected", "change_ratio", "coverage")


@dataclass
class SystemState:
    """Rows of plain values, as they are kept; ``missing`` names the parts that the source did not answer.

    ``known`` counts the alert rules, thresholds and budgets there are, ``read`` those whose state was read.
    """

    firing: list[dict[str, Any]] = field(default_factory=list)
    limits: list[dict[str, Any]] = field(default_factory=list)
    budgets: list[dict[str, Any]] = field(default_factory=list)
    spend: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    spend_ms: int = 0
    known: dict[str, int] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)

    def firing_frame(self) -> pd.DataFrame:
        """Columns of :class:`workbench.analysis.overview.findings.OpenAlerts` without the system."""
        frame = pd.DataFrame(self.firing, columns=list(_FIRING))
        frame["since"] = pd.to_datetime(frame["since"], utc=True).dt.as_unit("ms")
        return frame

    def limits_frame(self) -> pd.DataFrame:
        """Breaches of thresholds, with the rule and the value of each."""
        return pd.DataFrame(self.limits, columns=list(_LIMITS)).astype({"ongoing": bool})

    def budgets_frame(self) -> pd.DataFrame:
        """Columns of :class:`workbench.analysis.cost.budgets.BudgetUse`."""
        return pd.DataFrame(self.budgets, columns=list(_BUDGETS)).astype({"used": float, "limit": float, "left": float})


@dataclass(frozen=True, eq=False, repr=False)
class Standing(Result):
    """How a system stands; ``frame`` has the newest answer of each of its health endpoints.

    Columns as :func:`workbench.studies.operations.health.newest_health` returns them.
    """

    state: SystemState


def standing(
    ctx: Context, system: str, *, as_of: datetime, fresh: timedelta, spend_hourly: bool = False
) -> SystemState:
    """Return how a system stands, from the store where it was asked at most ``fresh`` ago.

    With ``spend_hourly`` spend is read anew once an hour only, as a collector does that asks every few minutes.

    Raises
    ------
    ArchiveError
        The store cannot be used.
    ParameterError
        Unknown system.
    """
    if ctx.store is None:
        return read_system_state(ctx, system, as_of=as_of)
    revision = _revision(ctx, system)
    kept = ctx.store.kept_answer(QUESTION, system, revision)
    now = ctx.clock()
    if kept is not None and kept.read_at >= now - fresh and as_of - fresh <= kept.as_of <= as_of:
        return SystemState(**kept.document)
    known = SystemState(**kept.document) if kept is not None and spend_hourly else None
    state = read_system_state(ctx, system, as_of=as_of, known=known)
    if not state.missing:
        ctx.store.keep_answer(QUESTION, system, revision, jsonable(vars(state)), as_of=as_of, read_at=now)
    return state


def read_system_state(ctx: Context, system: str, *, as_of: datetime, known: SystemState | None = None) -> SystemState:
    """Ask the source how a system stands; a part the profile knows nothing of is left out.

    Spend that is ``known`` of the same month and young enough is kept.
    """
    profile = ctx.catalog.profile(system)
    source = ctx.source_for(system)
    query_reader = QueryReader(source, profile.scope)
    parts: dict[str, tuple[bool, Callable[[], list[dict[str, Any]]]]] = {
        "firing": (True, lambda: _all_firing(ctx, query_reader, profile, rules, as_of)),
        "limits": (bool(profile.thresholds), lambda: _limits(query_reader, profile, as_of, state)),
    }
    rules = rule_names(source, profile)
    state = SystemState(known={"alert": rules.known, "limit": len(profile.thresholds)})
    for name, (measured, read) in parts.items():
        try:
            setattr(state, name, jsonable(read()) if measured else [])
        except WorkbenchError as error:
            state.missing.append(name)
            state.warnings.append(f"{profile.title}: {error}")
    if "firing" not in state.missing:
        recorded = ctx.episodes_for(system).name in ctx.episode_sources
        watched = bool(recorded or state.firing) or shows_alerts(source, system, rules, as_of)
        measured = ctx.measured(system) and watched
        state.read["alert"] = _rules_read(query_reader, rules, state, as_of) if measured else 0
    if profile.variants("cost") or any(profile.variants(word) for word in ("budget", "budget_used", "budget_left")):
        if known is not None and _young(known.spend_ms, as_of, ctx.zone):
            state.spend, state.budgets, state.spend_ms = known.spend, known.budgets, known.spend_ms
            for part in (part for part in ("budget",) if part in known.known):
                state.known[part], state.read[part] = known.known[part], known.read.get(part, 0)
        else:
            _spend(ctx, system, as_of, state)
    return state


def _young(spend_ms: int, as_of: datetime, zone: str) -> bool:
    """Whether spend of one instant stands for another: little later, and in the same calendar month."""
    age = as_of - from_ms(spend_ms)
    begun = calendar_range("this-month", zone=zone, now=as_of - timedelta(milliseconds=1)).start
    return timedelta(0) <= age < SPEND_LASTS and from_ms(spend_ms) > begun


def duty_of(profile: Profile) -> Duty:
    """Who answers for a system and its alerts, and where the instructions are."""
    rules = {
        rule.name: (
            rule.labels.get("owner", ""),
            rule.annotations.get("runbook_url", rule.annotations.get("runbook", "")),
        )
        for rule in profile.alert_rules
    }
    return Duty(profile.system, profile.title, profile.owner, profile.runbook or profile.document, rules)


def _rules_read(query_reader: QueryReader, rules: RuleNames, state: SystemState, as_of: datetime) -> int:
    """Return of how many rules the state is known: all where the server was evaluating at that moment. [count]"""
    if state.firing or not rules.known:
        return rules.known
    alive = any(query_reader.values(query, as_of) for query in ("up", 'count(ALERTS or up{job!="",job=~".+"})'))
    return rules.known if alive else 0


def _all_firing(
    ctx: Context, query_reader: QueryReader, profile: Profile, rules: RuleNames, as_of: datetime
) -> list[dict[str, Any]]:
    """Alerts that fire by the samples of ALERTS, and those that only a recorder of alerts beside them knows."""
    system = profile.system
    span = TimeRange(as_of - _RECORDED_BACK, as_of)
    measured = ctx.measured(system)
    try:
        records = [frame for _, frame in recorded_episodes(ctx, system, span, names=rules.names)]
    except WorkbenchError:
        if not measured:
            raise
        records = []  # The samples of ALERTS say what fires; the state of the recorder is a finding of its own.
    rows = _firing(query_reader, profile, rules, as_of) if measured or not records else []
    sampled = {(row["alertname"], row["labels"]) for row in rows}
    for episode in (row for frame in records for row in frame.itertuples()):
        labels = _rest(dict(episode.labels))
        if episode.right_censored and (episode.alertname, labels) not in sampled:
            rows.append(_row(episode.alertname, episode.severity, labels, episode.starts_at))
    return rows


def _firing(query_reader: QueryReader, profile: Profile, rules: RuleNames, as_of: datetime) -> list[dict[str, Any]]:
    def owned(metric: str) -> dict[frozenset[tuple[str, str]], tuple[Labels, float]]:
        selectors = alert_selectors(metric, profile.scope, rules.names)
        answers = [answer for selector in selectors for answer in query_reader.values(selector, as_of)]
        return {_identity(labels): (labels, value) for labels, value in answers}

    active = {identity: value for identity, (_, value) in owned("ALERTS_FOR_STATE").items()}
    rows = []
    for labels, _ in owned('ALERTS{alertstate="firing"}').values():
        began = active.get(_identity(labels))
        wait_ms = rules.waits_ms.get((labels.get("alertname", ""), labels.get("severity", "")), 0)
        since = None if began is None else pd.Timestamp(began, unit="s", tz="UTC") + pd.Timedelta(wait_ms, "ms")
        rows.append(_row(labels.get("alertname", ""), labels.get("severity", ""), _rest(labels), since))
    return rows


def _row(name: str, severity: str, labels: str, since: pd.Timestamp | None) -> dict[str, Any]:
    return {"alertname": name, "severity": severity, "labels": labels, "since": since}


def _rest(labels: Mapping[str, str]) -> str:
    """Text of the labels that are no name and no severity."""
    rest = {name: value for name, value in labels.items() if name not in _OWN and not name.startswith("__")}
    return ", ".join(f"{name}={value}" for name, value in sorted(rest.items()))


_OWN = frozenset({"alertname", "alertstate", "severity", "system"})


def _identity(labels: Any) -> frozenset[tuple[str, str]]:
    return frozenset(item for item in labels.items() if item[0] not in ("__name__", "alertstate"))


def _limits(query_reader: QueryReader, profile: Profile, as_of: datetime, state: SystemState) -> list[dict[str, Any]]:
    longest = max(threshold.for_ms for threshold in profile.thresholds)
    span = TimeRange.last(f"{LOOK_BACK_MS + longest}ms", until=as_of)
    breaches, totals = breached(query_reader, profile, profile.thresholds, span)
    state.read["limit"] = int(known_now(totals).sum())
    rules = totals.frame.set_index("limit")[["rule", "value"]]
    frame = breaches.frame[breaches.frame["ongoing"]].join(rules, on="limit")
    return cast("list[dict[str, Any]]", frame[list(_LIMITS)].to_dict(orient="records"))


def _spend(ctx: Context, system: str, as_of: datetime, state: SystemState) -> None:
    month = month_spend(ctx, system, as_of=as_of)
    if month.failed is not None:
        state.missing.append("spend")
        state.warnings.extend(f"{ctx.catalog.title(system)}: {warning}" for warning in month.warnings)
        return
    money = month.money.rename(columns={"amount": "spent"})
    state.spend = jsonable(money[list(_SPEND)].to_dict(orient="records"))
    state.budgets = jsonable(month.budgets.frame[list(_BUDGETS)].to_dict(orient="records"))
    statuses = month.budgets.frame["status"]
    state.known["budget"], state.read["budget"] = len(statuses), int((statuses != "no_data").sum())
    state.spend_ms = to_ms(as_of)


def _revision(ctx: Context, system: str) -> str:
    profile, source = ctx.catalog.profile(system), ctx.source_for(system)
    parts = (_VERSION, source.name, source.semantics, getattr(source, "location", ""), ctx.zone)
    return hashlib.sha256(f"{parts}{profile.model_dump_json()}".encode()).hexdigest()
