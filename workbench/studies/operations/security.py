"""Who tries to get in, and who is refused? Sign-ins, limits, refusals and security events of a system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from workbench import __version__
from workbench.analysis.cost.ledger import Account
from workbench.analysis.operations.activity import Activity, ActivityTotals, activity_days, activity_totals
from workbench.analysis.operations.security import SignIns, rises, sign_ins
from workbench.catalog import Profile, Role
from workbench.core.errors import QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.filters import LogFilter
from workbench.core.result import Provenance, Result, Status, Study
from workbench.core.timerange import TimeRange, from_ms
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.ledger import PROCESS_LABELS, empty_ledger, periods_of, read_ledger, selectors_of
from workbench.studies.logs.lines import find_logs
from workbench.studies.sources.context import Context

#: Roles of the catalog that say who tries to get in and who is refused, failed sign-ins beside all of them.
WORDS = ("authentication", "errors.authentication", "rate_limited", "security")

#: Answers with which a request without proof of identity, or without permission, is refused.
CODES = {"401": "Not signed in (401)", "403": "Not permitted (403)"}

#: Lines of these events are shown, of this long before the end of the period, so many at most.
EVENTS, RECENT, LINES = ("security", "audit"), timedelta(days=1), 50

_HOUR_MS = 3_600_000


@dataclass(frozen=True, eq=False, repr=False)
class SecurityLines(Result):
    """The newest log lines of security and audit: ``time, severity, service, message, event_type, trace_id`` (str).

    Attributes
    ----------
    matched : int
        All such lines of the last day. [count]
    """

    matched: int


@dataclass(frozen=True)
class _Signals:
    """What is counted, by what, and which counters tell that one without series stands at zero."""

    shown: tuple[Activity, ...]
    accounts: tuple[Account, ...]
    family: dict[str, str]


def security_and_access(ctx: Context, *, system: str, range: TimeRange, as_of: datetime) -> Study:
    """Count sign-ins, refusals and security events, against the period before, and find the hours that stand out.

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

    Returns
    -------
    Study
        ``results``: ``totals`` (:class:`workbench.analysis.operations.activity.ActivityTotals`), ``days``
        (:class:`~workbench.analysis.operations.activity.ActivityDays`), ``sign_ins``
        (:class:`workbench.analysis.operations.security.SignIns`), ``rises``
        (:class:`~workbench.analysis.operations.security.Rises`), ``lines`` (:class:`SecurityLines`). Status is
        ``at_risk`` where the period holds a rise.

    Raises
    ------
    ParameterError
        Unknown system. A failing source is a status of the study, never an exception.

    Notes
    -----
    Counts are exact increases by hour. A counter of refusals without a series is zero where the counter that it is
    a part of was observed; else it is not known.
    """
    profile, source = ctx.catalog.profile(system), ctx.source_for(system)
    signals = _signals(profile)
    periods = periods_of(range, as_of=as_of, zone=ctx.zone)
    first = min(periods.now.start_ms, periods.before.start_ms) // _HOUR_MS * _HOUR_MS
    last = periods.now.end_ms // _HOUR_MS * _HOUR_MS
    edges = [*np.arange(first, last + 1, _HOUR_MS).tolist()]
    hull = TimeRange.from_ms(first, max(last, first))
    reader = CounterReader(
        source, profile.scope, hull, selectors_of(profile, [account.role for account in signals.accounts])
    )
    ledger, seen = empty_ledger()
    failed: Status | None = None
    warnings: tuple[str, ...] = ()
    try:
        if len(edges) > 1:
            ledger, seen = read_ledger(reader, profile, signals.accounts, edges)
    except (QueryRejected, QueryTooExpensive) as error:
        failed, warnings = "refused", (str(error),)
    except WorkbenchError as error:
        failed, warnings = "unavailable", (str(error),)
    hourly = _hourly(ledger, seen, signals)
    now = TimeRange.from_ms(max(periods.now.start_ms // _HOUR_MS * _HOUR_MS, first), max(last, first))
    totals = _given(activity_totals(hourly, {}, signals.shown, period=now, before=periods.before))
    risen = rises(hourly, {signal.role: signal.title for signal in signals.shown if _judges(signal.role)}, period=now)
    lines, unread = _lines(ctx, profile, now)
    known = bool(np.isfinite(totals.frame["amount"].to_numpy(np.float64)).any())
    inside = hourly[(hourly["start"] >= now.start) & (hourly["start"] < now.end)]
    if not signals.shown:
        what = "sign-ins, refusals or security events"
        warnings = (f"{profile.title} has no counter of {what}: security is not measured.",)
    status: Status = "at_risk" if len(risen.frame) else "ok" if known else "no_data"
    return Study(
        name="security_and_access",
        system=system,
        range=now,
        as_of=as_of,
        results={
            "totals": totals,
            "days": activity_days(_daily(hourly, now), {}, signals.shown, period=now),
            "sign_ins": _sign_ins(profile, totals.frame),
            "rises": risen,
            "lines": lines,
        },
        status=failed or status,
        freshness=from_ms(reader.newest_ms) if reader.newest_ms is not None else None,
        coverage=float(inside["covered"].mean()) if len(inside) else float("nan"),
        provenance=Provenance(
            source=source.name,
            engine="none: raw samples",
            semantics=source.semantics,
            method="exact",
            queries=tuple(reader.queries),
            version=__version__,
        ),
        warnings=(*warnings, *unread, *reader.warnings),
    )


def _judges(role: str) -> bool:
    """Whether a rise says something: more sign-ins alone do not."""
    return role.partition(".")[0] != "authentication"


def _signals(profile: Profile) -> _Signals:
    """Return what a profile counts of security, and the counters those are parts of."""
    shown, accounts, family = [], {}, {}
    for word in WORDS:
        for name, role in profile.roles.items():
            if role.kind != "counter" or not f"{name}.".startswith(f"{word}."):
                continue
            labels = _labels(role)
            shown.append(Activity(name, role.title or name, role.unit, False, labels))
            accounts[name] = Account(name, role.title or name, role.unit, labels)
            whole = _whole(profile, name, role)
            if whole:
                family[name] = whole
                accounts.setdefault(whole, Account(whole, whole, profile.roles[whole].unit, ()))
    requests = profile.roles.get("requests")
    if requests is not None and requests.kind == "counter" and "status" in requests.labels:
        labels = _labels(requests)
        accounts["requests"] = Account("requests", requests.title, requests.unit, labels)
        rest = tuple(name for name in labels if name != "status")
        shown += [Activity(f"refused.{code}", title, requests.unit, False, rest) for code, title in CODES.items()]
    return _Signals(tuple(shown), tuple(accounts.values()), family)


def _labels(role: Role) -> tuple[str, ...]:
    """Return what a role is split by; a ledger has a column ``role`` of its own."""
    return tuple(str(label) for label in role.labels if label not in (*PROCESS_LABELS, "role"))


def _whole(profile: Profile, name: str, role: Role) -> str:
    """Return the role that counts all of what a role counts some of, by their metric; empty where there is none."""
    alike = (
        other
        for other, held in profile.roles.items()
        if other != name and held.kind == "counter" and held.metric == role.metric and held.select == role.metric
    )
    return next(alike, "") if role.select != role.metric else ""


def _hourly(ledger: pd.DataFrame, seen: pd.DataFrame, signals: _Signals) -> pd.DataFrame:
    """Amounts by role, label set and hour, with zero for what never happened while it was watched."""
    if seen.empty:
        return ledger.assign(covered=0.0, amount=ledger["amount"].astype(float))
    parts = [ledger.astype({"amount": float}).merge(seen, on=["role", "start", "end"], how="left")]
    if any(signal.role.startswith("refused.") for signal in signals.shown):
        requests = parts[0][parts[0]["role"] == "requests"]
        watched = seen[seen["role"] == "requests"]
        for code in CODES:
            mine = requests[requests["status"] == code].assign(role=f"refused.{code}", status="")
            parts += [mine, watched.assign(role=f"refused.{code}", amount=0.0)]
    silent = {role for role in signals.family if not (parts[0]["role"] == role).any()}
    parts += [
        seen[seen["role"] == signals.family[role]].assign(role=role, amount=0.0)
        for role in sorted(silent)
    ]  # fmt: skip
    hourly = pd.concat(parts, ignore_index=True)
    named = [name for name in hourly.columns if name not in ("role", "start", "end", "amount", "covered")]
    hourly[named] = hourly[named].astype("object").fillna("").astype("str")
    return hourly


def _daily(hourly: pd.DataFrame, period: TimeRange) -> pd.DataFrame:
    """Amounts by day in UTC, the first one from the start of the period; a day is covered by the mean of its hours."""
    inside = hourly[(hourly["start"] >= period.start) & (hourly["start"] < period.end)]
    days = inside.assign(start=inside["start"].dt.floor("D").clip(lower=pd.Timestamp(period.start)))
    return (
        days.groupby(["role", "start"], observed=True)
        .agg(amount=("amount", "sum"), covered=("covered", "mean"))
        .reset_index()
    )


def _given(totals: ActivityTotals) -> ActivityTotals:
    """Leave out the group without a label value where it only stands for "watched, and nothing happened"."""
    frame = totals.frame
    empty = (frame["group"] == "(not given)") & (frame["amount"] == 0)
    return replace(totals, frame=frame[~empty].reset_index(drop=True))


def _sign_ins(profile: Profile, totals: pd.DataFrame) -> SignIns:
    pairs = {name: f"errors.{name}" for name in profile.variants("authentication") if f"errors.{name}" in profile.roles}
    return sign_ins(totals, pairs)


def _lines(ctx: Context, profile: Profile, period: TimeRange) -> tuple[SecurityLines, Sequence[str]]:
    """Return the newest lines of security, where the profile says that there are some."""
    columns = ["time", "severity", "service", "message", "event_type", "trace_id"]
    events = tuple(event for event in EVENTS if any(event in stream.event_types for stream in profile.logs))
    none = SecurityLines(pd.DataFrame(columns=columns, dtype="str"), matched=0)
    if not events:
        return none, ()
    recent = TimeRange(max(period.start, period.end - RECENT), period.end)
    try:
        answer = find_logs(ctx, system=profile.system, range=recent, wanted=LogFilter(events=events), limit=LINES)
    except WorkbenchError as error:
        return none, (f"Log lines of security were not read: {error}",)
    rows = [{name: str(row[name]) for name in columns} for row in answer.rows]
    return SecurityLines(pd.DataFrame(rows, columns=columns, dtype="str"), matched=answer.matched), answer.warnings
