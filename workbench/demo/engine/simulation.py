"""One system moved forward in time: its targets, then its rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from workbench.archive import Archive
from workbench.catalog import load_catalog
from workbench.core.series import SeriesSet
from workbench.core.timerange import DAY_MS
from workbench.demo.engine.batch import join_days, merged, series_set
from workbench.demo.engine.day import SystemModel
from workbench.demo.engine.records import Records
from workbench.demo.engine.rules import History, RuleCarry, Rules, evaluate_rules, evaluation_times
from workbench.demo.engine.samples import Carry
from workbench.demo.engine.simulate import Carries, simulate_day
from workbench.demo.scenario import Event
from workbench.demo.span import Span
from workbench.promql import Matcher


@cache
def rules_of(system: str) -> Rules | None:
    """Return the rules of a shipped profile; None for a system without one."""
    profile = load_catalog().profiles.get(system)
    return Rules(profile) if profile else None


@dataclass
class Simulation:
    """A system at a midnight."""

    model: SystemModel
    carries: Carries
    carry: RuleCarry
    history: History | None
    handed: Mapping[str, float] = field(default_factory=dict)

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
        return cls(model, carries, RuleCarry.from_json(own["rules"]), history, own["handed"])

    def families(self) -> dict[str, dict[str, str]]:
        """Return what a Prometheus would say of the metrics, from the profile."""
        if self.history is None:
            return {}
        metrics = self.history.rules.profile.metrics
        return {
            name: {"type": family.kind, "help": family.help, "unit": family.unit} for name, family in metrics.items()
        }

    def to_json(self) -> dict[str, Any]:
        """State at the start of a day, for a later build."""
        return {
            "targets": {name: carry.to_json() for name, carry in self.carries.items()},
            "rules": self.carry.to_json(),
            "handed": dict(self.handed),
        }

    def advance(
        self, seed: int, events: Sequence[Event], span: Span, days: Sequence[int]
    ) -> tuple[SeriesSet, list[dict[str, Any]], list[Records]]:
        """Simulate some days and evaluate the rules over them.

        Returns
        -------
        (SeriesSet, list of dict, list of Records)
            Samples, scraped and recorded; the simulator's own counts, the logs and traces of each day.
        """
        simulated = []
        for day in days:
            simulated.append(
                simulate_day(
                    self.model,
                    seed=seed,
                    events=events,
                    span=span,
                    day=day,
                    carries=self.carries,
                    before=self.handed,
                )
            )
            self.handed = simulated[-1].after
        records = [day.records for day in simulated]
        scraped = series_set(join_days([day.blocks for day in simulated]))
        counts: list[dict[str, Any]] = [
            {**day.counts, "samples": sum(block.count for block in day.blocks), "episodes": []} for day in simulated
        ]
        if self.history is None:
            return scraped, counts, records
        times = evaluation_times(days[0], days[-1], span.end_ms, events)
        known = self.history.followed_by(scraped)
        recorded, ended, self.carry = evaluate_rules(self.history.rules, known, times, self.carry)
        counts[-1]["episodes"] = [vars(episode) for episode in ended]
        counts[-1]["samples"] += recorded.samples
        self.history.add([scraped, recorded], next_day=days[-1] + 1)
        return merged([scraped, recorded]), counts, records
