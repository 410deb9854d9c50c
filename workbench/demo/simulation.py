"""One system moved forward day by day: its targets, then its rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from workbench.archive import Archive
from workbench.catalog import load_catalog
from workbench.core.series import SeriesSet
from workbench.demo.batch import series_set
from workbench.demo.day import SystemModel
from workbench.demo.rules import History, RuleCarry, Rules, evaluate_day, evaluation_times
from workbench.demo.samples import Block, Carry
from workbench.demo.scenario import Event
from workbench.demo.simulate import Carries, simulate_day
from workbench.demo.span import DAY_MS, Span
from workbench.promql import Matcher


@cache
def rules_of(system: str) -> Rules | None:
    """Return the rules of a shipped profile; None for a system without one."""
    profile = load_catalog().profiles.get(system)
    return Rules(profile) if profile else None


@dataclass
class Simulation:
    """A system between two days."""

    model: SystemModel
    carries: Carries
    carry: RuleCarry
    history: History | None

    @classmethod
    def start(cls, model: SystemModel, archive: Archive, kept: Mapping[str, Any] | None, day: int) -> Simulation:
        """Begin at the start of a day, from what an earlier build kept of it and what the archive holds before."""
        rules = rules_of(model.name)
        if kept is None:
            return cls(model, {}, RuleCarry(), History(rules, SeriesSet.empty()) if rules else None)
        own = kept[model.name]
        carries = {name: Carry.from_json(carry) for name, carry in own["targets"].items()}
        history = None
        if rules:
            matchers = [Matcher("system", "=", model.name)]
            past = archive.select(matchers, day * DAY_MS - rules.history_ms, day * DAY_MS - 1)
            history = History(rules, past)
        return cls(model, carries, RuleCarry.from_json(own["rules"]), history)

    def to_json(self) -> dict[str, Any]:
        """State at the start of a day, for a later build."""
        return {
            "targets": {name: carry.to_json() for name, carry in self.carries.items()},
            "rules": self.carry.to_json(),
        }

    def advance(
        self, seed: int, events: Sequence[Event], span: Span, day: int
    ) -> tuple[Sequence[Block], SeriesSet, dict[str, Any]]:
        """Simulate one day.

        Returns
        -------
        (sequence of Block, SeriesSet, dict)
            Scraped samples, recorded samples, the simulator's own counts.
        """
        simulated = simulate_day(self.model, seed=seed, events=events, span=span, day=day, carries=self.carries)
        counts: dict[str, Any] = {**simulated.counts, "episodes": []}
        if self.history is None:
            return simulated.blocks, SeriesSet.empty(), counts
        scraped = series_set(simulated.blocks)
        times = evaluation_times(day, span.end_ms, events)
        recorded, ended, self.carry = evaluate_day(
            self.history.rules, self.history.with_day(scraped), times, self.carry
        )
        counts["episodes"] = [vars(episode) for episode in ended]
        self.history.add([scraped, recorded], next_day=day + 1)
        return simulated.blocks, recorded, counts
