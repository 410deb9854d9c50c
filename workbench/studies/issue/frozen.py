"""What an issued report is made from: EVENTS and COSTS as they were read, frozen, and the figures they give.

The figures are a pure function of what is frozen, so an issued report can be made again, bit for bit, when the source
has long forgotten its samples.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workbench import __version__
from workbench.analysis.cost.ledger import Account, Periods
from workbench.analysis.cost.spend import daily_spend, spend_groups, spend_totals
from workbench.analysis.counting.amounts import AMOUNT
from workbench.analysis.counting.counts import HEADERS, Counts, counts_of, counts_table
from workbench.analysis.counting.events import joined_events
from workbench.analysis.counting.happened import DefinitionParts, Happened
from workbench.analysis.slo.burn import budget_history, burn_rates
from workbench.analysis.slo.composite import Composite, Member, judged_members, member_id
from workbench.analysis.slo.exclusions import Exclusion
from workbench.analysis.slo.objective import Goal
from workbench.analysis.slo.verdict import judge
from workbench.core.errors import FrameError, ReportError, WorkbenchError
from workbench.core.result import Result, jsonable
from workbench.core.timerange import TimeRange, from_ms
from workbench.studies.counting.composites import terms_of
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.definitions import definition_changes, revision_of
from workbench.studies.counting.ledger import (
    accounts_of,
    empty_ledger,
    ledger_edges,
    periods_of,
    read_accounts,
    selectors_of,
)
from workbench.studies.counting.verdicts import judge_objectives, newest_ms, objectives_of, provenance
from workbench.studies.decisions.annotations import happened
from workbench.studies.slo.compliance import definition_parts
from workbench.studies.sources.context import Context

#: Files of a folder of frozen inputs.
EVENTS_FILE, COSTS_FILE, SEEN_FILE, FACTS_FILE = "events.parquet", "costs.parquet", "observed.parquet", "facts.json"

_TIME = pa.timestamp("ms", tz="UTC")


@dataclass(frozen=True, eq=False)
class FrozenInputs:
    """Everything the figures of one system and period are made from.

    Attributes
    ----------
    system, title : str
    span : TimeRange
    as_of : datetime
        Up to which history was read.
    zone : str
        IANA zone of calendar days.
    counts : tuple of Counts
        Of all objectives, exclusions not applied.
    goals : tuple of Goal
    exclusions : mapping of str to tuple of Exclusion
        In force when it was frozen, by objective.
    ledger, seen : DataFrame
        COSTS as amounts a day and label set, and the observed share; see :mod:`workbench.studies.counting.ledger`.
    accounts : tuple of Account
    periods : Periods
    composites : mapping of str to Composite
        What composites are made of, by objective.
    made : mapping
        From what: source, engine, semantics, queries, revisions of the definitions and the parts into which they split
        the period, what was noted to have happened, newest sample, warnings, version.
    """

    system: str
    title: str
    span: TimeRange
    as_of: datetime
    zone: str
    counts: tuple[Counts, ...]
    goals: tuple[Goal, ...]
    exclusions: Mapping[str, tuple[Exclusion, ...]]
    ledger: pd.DataFrame
    seen: pd.DataFrame
    accounts: tuple[Account, ...]
    periods: Periods
    made: Mapping[str, Any]
    composites: Mapping[str, Composite] = field(default_factory=dict)


def freeze(ctx: Context, *, system: str, range: TimeRange, as_of: datetime) -> FrozenInputs:
    """Read a system's counts and costs of a period once, to be kept.

    Raises
    ------
    ParameterError
        Unknown system.
    ReportError
        A source does not answer, so that the figures would not be those of the period.
    """
    profile = ctx.catalog.profile(system)
    judged = judge_objectives(ctx, system, objectives_of(ctx, system), range=range, as_of=as_of)
    objectives, counts, agreed = judged.objectives, judged.reading.counts, judged.agreed
    if "unavailable" in {part.failure for part in counts.values()}:
        raise ReportError(
            f"The source of {system} does not answer: {judged.warnings[0]}", hint="Issue the report when it does."
        )
    if agreed.warnings:
        raise ReportError(agreed.warnings[0], hint="Issue the report when the store can be read.")
    changes = definition_changes(ctx, objectives, judged.spans)
    parts = definition_parts(ctx, system, changes, agreed, as_of=as_of)
    noted = happened(ctx, system, range, changes, as_of=as_of)
    periods = periods_of(range, as_of=as_of, zone=ctx.zone)
    accounts, left_out = accounts_of(profile)
    (ledger, seen), edges = empty_ledger(), ledger_edges(periods, ctx.zone)
    hull = TimeRange.from_ms(edges[0], edges[-1])
    reader = CounterReader(
        judged.source, profile.scope, hull, selectors_of(profile, [account.role for account in accounts])
    )
    if accounts and len(edges) > 1:
        try:
            ledger, seen, accounts, read = read_accounts(reader, profile, accounts, edges)
            left_out += read
        except WorkbenchError as error:
            raise ReportError(
                f"The costs of {system} cannot be read: {error}", hint="Issue the report later."
            ) from None
    newest = [ms for ms in (newest_ms(counts.values()), reader.newest_ms) if ms is not None]
    made = provenance(judged.source, counts.values())
    return FrozenInputs(
        system=system,
        title=profile.title,
        span=range,
        as_of=as_of,
        zone=ctx.zone,
        counts=tuple(counts.values()),
        goals=judged.verdict.bound,
        exclusions=agreed.by_objective,
        ledger=ledger,
        seen=seen,
        accounts=tuple(accounts if len(seen) else ()),
        periods=periods,
        made={
            "source": made.source,
            "engine": made.engine,
            "semantics": made.semantics,
            "queries": list(dict.fromkeys((*made.queries, *reader.queries))),
            "definitions": {objective.id: revision_of(objective) for objective in objectives},
            "definition_parts": jsonable(parts.frame.to_dict("records")),
            "happened": jsonable(noted.frame.to_dict("records")),
            "newest_sample": jsonable(from_ms(max(newest))) if newest else None,
            "warnings": list(dict.fromkeys((*judged.warnings, *reader.warnings, *left_out))),
            "assumptions": [f"{objective.id}: {text}" for objective in objectives for text in objective.assumptions],
            "version": __version__,
        },
        composites=terms_of(objectives),
    )


def _account(facts: Mapping[str, Any]) -> Account:
    made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
    return Account(**made)


def noted_of(made: Mapping[str, Any], *, as_of: datetime) -> dict[str, Result]:
    """Return what was frozen beside the figures: what happened, and the parts of objectives that were defined anew."""
    notes: dict[str, Result] = {}
    for name, kind in (("happened", Happened), ("definition_parts", DefinitionParts)):
        frame = pd.DataFrame(made.get(name, [])).fillna(np.nan)
        for column in frame.columns.intersection(["start", "end"]):
            frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601").dt.as_unit("ms")
        notes[name] = kind(frame, as_of=as_of)
    return notes


def figures_of(frozen: FrozenInputs) -> dict[str, Result]:
    """Return the results of an issued report: compliance, budgets, burn, exclusions; members and spend if any."""
    verdict = judge(frozen.counts, frozen.goals, frozen.exclusions, as_of=frozen.as_of)
    figures: dict[str, Result] = {
        "compliance": verdict.compliance,
        "exclusions": verdict.exclusion_effect(),
        "exclusion_windows": verdict.exclusion_windows(),
        "budget": budget_history(verdict.history, verdict.goals, as_of=frozen.as_of),
        "burn": burn_rates(verdict.history, verdict.goals, as_of=frozen.as_of),
    }
    if frozen.composites:
        figures["members"] = judged_members(frozen.composites, verdict)
    if frozen.accounts:
        totals = spend_totals(frozen.ledger, frozen.seen, frozen.accounts, frozen.periods)
        groups = spend_groups(frozen.ledger, frozen.seen, frozen.accounts, frozen.periods)
        days = daily_spend(frozen.ledger, frozen.seen, frozen.accounts, groups, zone=frozen.zone)
        figures |= {"totals": totals, "groups": groups, "days": days}
    return figures


def figures_text(figures: Mapping[str, Result]) -> str:
    """Return results as canonical JSON: sorted keys, no spaces; equal figures are equal texts."""
    plain = {name: result.to_dict() for name, result in figures.items()}
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def write_frozen(frozen: FrozenInputs, folder: Path) -> None:
    """Write frozen inputs into a folder that exists: three Parquet files and one of JSON."""
    pq.write_table(counts_table(frozen.counts), folder / EVENTS_FILE)
    spans = [("start", _TIME), ("end", _TIME)]
    dimensions = [(name, pa.string()) for name in frozen.ledger.columns if name not in ("start", "end", "amount")]
    pq.write_table(_table(frozen.ledger, pa.schema([*dimensions, *spans, ("amount", AMOUNT)])), folder / COSTS_FILE)
    pq.write_table(_table(frozen.seen, pa.schema([("role", pa.string()), *spans])), folder / SEEN_FILE)
    facts = {name: getattr(frozen, name) for name in ("system", "title", "span", "as_of", "zone", "made")} | {
        "promises": [asdict(goal) | {"window": goal.window} for goal in frozen.goals],
        "exclusions": {name: [asdict(exclusion) for exclusion in group] for name, group in frozen.exclusions.items()},
        "accounts": [asdict(account) for account in frozen.accounts],
        "periods": vars(frozen.periods),
        "composites": {name: asdict(composite) for name, composite in frozen.composites.items()},
    }
    (folder / FACTS_FILE).write_text(json.dumps(_plain(facts), indent=1, sort_keys=True, ensure_ascii=False))


def read_frozen(folder: Path) -> FrozenInputs:
    """Read back what :func:`write_frozen` wrote.

    Raises
    ------
    ReportError
        A file is absent or was changed into something else.
    """
    try:
        facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        ledger, seen = (_frame(folder / name) for name in (COSTS_FILE, SEEN_FILE))
        goals = tuple(_goal(fact) for fact in facts["promises"])
        composites = {name: _composite(composite) for name, composite in facts.get("composites", {}).items()}
        periods: dict[str, Any] = {name: _span(value) for name, value in facts["periods"].items()}
        return FrozenInputs(
            system=facts["system"],
            title=facts["title"],
            span=TimeRange(_instant(facts["span"]["start"]), _instant(facts["span"]["end"])),
            as_of=_instant(facts["as_of"]),
            zone=facts["zone"],
            counts=_counts(pq.read_table(folder / EVENTS_FILE), facts, goals, composites),
            goals=goals,
            exclusions={name: tuple(map(_exclusion, group)) for name, group in facts["exclusions"].items()},
            ledger=ledger,
            seen=seen,
            accounts=tuple(map(_account, facts["accounts"])),
            periods=Periods(**periods),
            made=facts["made"],
            composites=composites,
        )
    except (OSError, ValueError, KeyError, TypeError, FrameError, pa.ArrowException) as error:
        raise ReportError(
            f"The frozen inputs in {folder} cannot be read: {error}", hint="Restore it (workbench restore)."
        ) from None


def _counts(
    table: pa.Table, facts: Mapping[str, Any], goals: Sequence[Goal], composites: Mapping[str, Composite]
) -> tuple[Counts, ...]:
    """Return counts as they were frozen; older issues have no headers and no bounds of the good events."""
    if HEADERS in (table.schema.metadata or {}):
        return counts_of(table)
    frames = {str(name): rows for name, rows in table.to_pandas().groupby("objective", sort=False)}

    def part(name: str, goal: Goal, members: tuple[Counts, ...] = ()) -> Counts:
        return Counts(
            objective=name,
            span=goal.elapsed(_instant(facts["as_of"])),
            slice_ms=goal.slice_ms,
            events=frames.get(name, joined_events([])),
            method=goal.method,
            failure=facts["failed"].get(name),
            members=members,
        )

    named = {
        name: [member_id(name, member.name) for member in composite.members] for name, composite in composites.items()
    }
    return tuple(
        part(
            goal.objective,
            goal,
            tuple(part(name, goal) for name in named.get(goal.objective, ())),
        )
        for goal in goals
    )


def _plain(value: Any) -> Any:
    """JSON values; a range as its two instants, to the microsecond."""
    if isinstance(value, TimeRange):
        return {"start": value.start.isoformat(), "end": value.end.isoformat()}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return jsonable(value)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _span(value: Mapping[str, str] | None) -> TimeRange | None:
    return None if value is None else TimeRange(_instant(value["start"]), _instant(value["end"]))


def _goal(value: Mapping[str, Any]) -> Goal:
    known = {field.name: value[field.name] for field in fields(Goal) if field.name in value}
    spans = {name: tuple(map(_span, known.get(name, ()))) for name in ("left_out", "taken_out")}
    return Goal(**{**known, "target": Decimal(known["target"]), "window": _span(known["window"]), **spans})


def _composite(value: Mapping[str, Any]) -> Composite:
    members = (
        Member(**member | {"weight": Decimal(member["weight"]), "target": Decimal(member["target"])})
        for member in value["members"]
    )
    return Composite(tuple(members), value["weights"])


def _exclusion(value: Mapping[str, Any]) -> Exclusion:
    return Exclusion(**{**value, "start": _instant(value["start"]), "end": _instant(value["end"])})


def _table(frame: pd.DataFrame, known: pa.Schema) -> pa.Table:
    kinds = {name: known.field(name).type if name in known.names else pa.float64() for name in frame}
    return pa.table({name: pa.array(frame[name]).cast(kind) for name, kind in kinds.items()})


def _frame(path: Path) -> pd.DataFrame:
    frame: pd.DataFrame = pq.read_table(path).to_pandas(types_mapper={AMOUNT: pd.ArrowDtype(AMOUNT)}.get)
    return frame
