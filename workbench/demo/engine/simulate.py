"""All systems, day by day: samples and the counts behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.core.timerange import MINUTE_MS
from workbench.demo.engine.day import MINUTES, Day, SystemModel, Tally, Target
from workbench.demo.engine.processes import Restart, restarts
from workbench.demo.engine.records import Records
from workbench.demo.engine.samples import Block, Carry, scraped
from workbench.demo.engine.scraping import FAILED, LOST, PARTS, scrape_states
from workbench.demo.scenario import Event
from workbench.demo.span import Span

Carries = dict[str, Carry]


@dataclass(frozen=True)
class SimulatedDay:
    """One day of one system, cut to the end of the history."""

    blocks: Sequence[Block]
    counts: Mapping[str, Any]
    records: Records
    after: Mapping[str, float]


def simulate_day(
    model: SystemModel,
    *,
    seed: int,
    events: Sequence[Event],
    span: Span,
    day: int,
    carries: Carries,
    before: Mapping[str, float],
) -> SimulatedDay:
    """Simulate a day of a system and replace its carries by those of the next midnight."""
    first = day * MINUTES
    own = tuple(event for event in events if event.system == model.name)
    gaps = [event for event in events if event.kind == "scrape_gap" and (event in own or event.mode == "monitoring")]
    touching = tuple(event for event in own if event.end >= first and event.start < first + MINUTES)
    again = restarts(seed, day, model.processes, (*own, *(gap for gap in gaps if gap not in own)))
    parts = span.parts(day)
    simulated = model.simulate(Day(seed, day, parts, touching, again, recorded=day >= span.recorded, before=before))
    blocks: list[Block] = []
    scrapes: dict[str, Any] = {"failed": [], "lost": []}
    for target, exposure in simulated.exposures.items():
        states = scrape_states(seed, day, target, again.get(target.instance, ()), gaps)
        key = f"{model.name}/{target.name}"
        carry = carries.get(key) or Carry.first(seed, target, exposure, day)
        samples, carries[key] = scraped(
            exposure,
            day,
            parts,
            common={"system": model.name, "job": target.job, "instance": target.instance},
            states=states,
            restarts=again.get(target.instance),
            carry=carry,
            start_metric=target.started,
        )
        blocks += [block.until(span.end_ms) for block in samples]
        _note(scrapes, target, states.reshape(MINUTES, PARTS)[:, 0], first, span.end_ms)
    counts = _counts(simulated.tally, touching, first, span.end_ms) | scrapes
    counts["restarts"] = [
        _restart(restart) for list_ in again.values() for restart in list_ if _within(restart, day, span)
    ]
    return SimulatedDay(blocks, counts, simulated.records, simulated.after)


def _counts(tally: Tally, events: Sequence[Event], first: int, end_ms: int) -> dict[str, Any]:
    """Sum over the day's minutes that are over by the end; their events are in the last sample."""
    minutes = first + np.arange(MINUTES)
    over = (minutes + 1) * MINUTE_MS <= end_ms
    during = {
        event.id: {
            name: float(counts[over & (minutes >= event.start) & (minutes < event.end)].sum())
            for name, counts in tally.totals.items()
        }
        for event in events
        if event.end > event.start
    }
    injected: dict[str, dict[str, float]] = {}
    for (event_id, name), counts in tally.injected.items():
        injected.setdefault(event_id, {})[name] = float(counts[over].sum())
    totals = {name: float(counts[over].sum()) for name, counts in tally.totals.items()}
    return {"totals": totals, "during": during, "injected": injected}


def _note(scrapes: dict[str, Any], target: Target, states: np.ndarray, first: int, end_ms: int) -> None:
    """Remember the runs of full-minute scrapes that failed or were lost, as [target, from, to) in minutes."""
    known = states[: max(0, min(MINUTES, end_ms // MINUTE_MS - first + 1))]
    for name, state in (("failed", FAILED), ("lost", LOST)):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], known == state, [False]]).astype(np.int8)))
        scrapes[name] += [[target.name, first + int(a), first + int(b)] for a, b in edges.reshape(-1, 2)]


def _within(restart: Restart, day: int, span: Span) -> bool:
    return restart.reset // MINUTES == day and restart.reset * MINUTE_MS < span.end_ms


def _restart(restart: Restart) -> dict[str, Any]:
    return {
        "process": restart.process,
        "down": restart.down,
        "up": restart.up,
        "started_s": round(restart.started_s, 2),
        "reason": restart.reason,
        "event": restart.event,
    }
