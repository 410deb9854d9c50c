"""The first page of twelve months of two scenarios that nobody chose, against what `demo truth` says happened."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.demo_home import END
from tests.soak.budget_scenarios import write_scenario
from workbench import system_report
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import load_catalog
from workbench.core.periods import periods_up_to, span_name
from workbench.core.timerange import TimeRange, calendar_range
from workbench.demo import build_demo
from workbench.studies import Context

#: The longest history that a scenario may have holds twelve whole months.
MONTHS, DAYS = 12, 366

#: The start of an episode is known to a slice; a burn that is slow may be seen later. [s]
NEAR_S = 1800.0


def faults(ctx: Context, truth: Mapping[str, Any], system: str, span: TimeRange, before: str) -> Iterator[str]:
    """Say where the first page of a system and a month differs from the truth."""
    month = span_name(span, "UTC")
    counts = truth["systems"][system]["objectives"]
    targets = {one.id: one.target for one in ctx.catalog.objectives[system] if one.id in counts}
    titles = {one.title: one.id for one in ctx.catalog.objectives[system]}
    questions = ("slo", "cost", "alerts")
    study = system_report(ctx, system=system, range=span, as_of=span.end, questions=questions)["report_findings"]
    rows = study.results["findings"].frame
    periods = study.results["periods"].frame
    yield from (f"{system} {month}: {text}" for text in _spend_faults(rows, truth, system, month))
    yield from (f"{system} {month}: {text}" for text in _alert_faults(rows, truth, system, month))
    yield from (f"{system}: {text}" for text in history_faults(periods, truth, system))
    for row in rows[rows["id"] == "report/missed/events"].itertuples():
        name, facts = titles[row.facts["title"]], row.facts
        true = counts.get(name, {}).get("months", {}).get(month)
        if true is None or not counts[name]["exact"]:
            continue
        if (facts["bad"], facts["total"]) != (true["bad"], true["total"]):
            yield f"{system} {month} {name}: {facts['bad']} of {facts['total']}, true {true['bad']} of {true['total']}"
        share = Decimal(true["bad"]) / (true["total"] * (1 - targets[name])) - 1
        if abs(facts["over"] - float(share)) > 1e-6:
            yield f"{system} {month} {name}: over by {facts['over']}, true {share}"
        yield from _cause_faults(rows, row.Index, truth, system, month, name)
    exact = [name for name, one in counts.items() if one["exact"] and one["months"][month]["total"]]
    missed = {name for name in exact if _missed(counts[name]["months"][month], targets[name])}
    told = {titles[row.facts["title"]] for row in rows[rows["id"] == "report/missed/events"].itertuples()}
    if len(missed) <= 3 and not missed <= told:
        yield f"{system} {month}: missed {sorted(missed)}, told {sorted(told)}"
    if told & set(exact) - missed:
        yield f"{system} {month}: told {sorted(told)}, missed {sorted(missed)}"
    periods = periods[periods["question"] == "slo"].set_index("period")["value"]
    answer = rows[rows["question"] == "slo"].iloc[0]
    if before in periods and answer["change"]:
        change = periods[month] - periods[before]
        if not answer["change"].startswith(f"{change:+.0f} " if change else "±0 "):
            yield f"{system} {month}: {answer['change']}, true {change}"


def _missed(true: Mapping[str, int], target: Decimal) -> bool:
    return Decimal(true["good"]) < target * true["total"]


def _cause_faults(
    rows: pd.DataFrame, place: int, truth: Mapping[str, Any], system: str, month: str, name: str
) -> Iterator[str]:
    """The episode that is named first is the event that truly spent most of the budget, where one stands out."""
    events = [
        (one["injected_by_month"].get(month, {}).get(name, 0), one)
        for one in truth["events"]
        if one["system"] == system
    ]
    spent = sorted(events, key=lambda one: -one[0])
    if not spent or not spent[0][0] or (len(spent) > 1 and spent[1][0] > 0.8 * spent[0][0]):
        return
    largest = spent[0][1]
    cause = rows.loc[place + 1]
    if cause["part"] != "cause" or "start" not in cause["facts"]:
        yield f"{system} {month} {name}: no episode is named; {largest['id']} spent most"
        return
    start, end = (pd.Timestamp(largest[edge]) for edge in ("start", "end"))
    said = pd.Timestamp(cause["facts"]["start"])
    if not start - pd.Timedelta(seconds=NEAR_S) <= said <= max(end, start + pd.Timedelta(seconds=NEAR_S)):
        yield f"{system} {month} {name}: the episode of {said} is named, {largest['id']} began at {start}"
    for label in largest["where"].values():
        values = [label] if isinstance(label, str) else label
        if cause["facts"]["where"] and not any(value in cause["text"] for value in values):
            yield f"{system} {month} {name}: {cause['facts']['where']} is named, {largest['where']} was struck"


def spent(truth: Mapping[str, Any], system: str, month: str) -> tuple[float, float, dict[str, float]]:
    """Return the money, the tokens and the money of each model or provider of a month."""
    amounts = truth["systems"][system]["amounts"]["months"].get(month, {})
    money = sum(value for name, value in amounts.items() if name.startswith("cost.model."))
    tokens = sum(value for name, value in amounts.items() if name.startswith("tokens."))
    parts = {name.split(".", 2)[2]: value for name, value in amounts.items() if name.startswith("cost.")}
    return money, tokens, parts


def began(truth: Mapping[str, Any], system: str, month: str) -> Counter[str]:
    """Count the alerts that were seen to begin in a month, by rule."""
    return Counter(
        episode["labels"]["alertname"]
        for episode in truth["episodes"]
        if episode["labels"].get("system") == system
        and episode["starts_at"][:7] == month
        and not episode["left_censored"]
    )


def _spend_faults(rows: pd.DataFrame, truth: Mapping[str, Any], system: str, month: str) -> Iterator[str]:
    """Amount of the spend sentence, and the group that is named in it, with its share."""
    money, tokens, parts = spent(truth, system, month)
    for row in rows[(rows["part"] == "answer") & (rows["question"] == "cost")].itertuples():
        true = tokens if row.id == "report/cost/tokens" else money
        if not true or "amount" not in row.facts:
            continue
        said = float(row.facts["amount"][0])
        if abs(said - true) > 1e-9 * true:
            yield f"{said} was spent, true {true}"
        if row.id == "report/cost/spend-most":
            share = parts.get(row.facts["group"], 0.0) / money
            if abs(share - row.facts["share"]) > 1e-9:
                yield f"{row.facts['share']} went on {row.facts['group']}, true {share}"


def _alert_faults(rows: pd.DataFrame, truth: Mapping[str, Any], system: str, month: str) -> Iterator[str]:
    """Number of alerts, and the rule that made most of them, with its share."""
    true = began(truth, system, month)
    for row in rows[(rows["part"] == "answer") & (rows["question"] == "alerts")].itertuples():
        facts = row.facts
        if facts.get("began", true.total()) != true.total():
            yield f"{facts['began']} alerts, true {true.total()}"
        if "name" in facts and abs(facts["share"] - true[facts["name"]] / max(true.total(), 1)) > 1e-9:
            yield f"{facts['name']} made {facts['share']}, true {true}"


def history_faults(periods: pd.DataFrame, truth: Mapping[str, Any], system: str) -> Iterator[str]:
    """Spend, tokens and alerts of every month of the spark lines."""
    for row in periods[periods["value"].notna()].itertuples():
        money, tokens, _ = spent(truth, system, row.period)
        true = {"spent": money, "used": tokens, "alerts": began(truth, system, row.period).total()}.get(row.title)
        if true is None or (row.title != "alerts" and not true):
            continue
        if abs(row.value - true) > 1e-9 * true:
            yield f"{row.period}: {row.title} {row.value}, true {true}"


def checked(folder: Path, seed: int, *, months: int, days: int) -> list[str]:
    """Build a drawn scenario and check the first page of each system and month."""
    build_demo(folder / "demo", scenario=write_scenario(folder / "drawn.yaml", seed, days), seed=seed, end=END)
    truth = json.loads((folder / "demo" / "truth.json").read_text())
    source = ArchiveSource("demo", Archive.open(folder / "demo"))
    ctx = Context(sources={"demo": source}, catalog=load_catalog(), clock=lambda: END)
    spans = periods_up_to(calendar_range("2026-10", zone="UTC", now=END), zone="UTC", count=months + 1)
    found = []
    for system in ctx.catalog.profiles:
        for before, span in pairwise(spans):
            found += faults(ctx, truth, system, span, span_name(before, "UTC"))
    return found


@pytest.mark.soak
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("seed", [11, 22])
def test_the_first_page_of_twelve_months_says_what_happened(seed: int, tmp_path: Path) -> None:
    assert checked(tmp_path, seed, months=MONTHS, days=DAYS) == []
