"""``truth.json``: what a scenario really did, from the simulator's own counts. Format: docs/demo.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workbench.core.timerange import DAY_MS, MINUTE_MS, from_ms
from workbench.demo.engine.day import SystemModel
from workbench.demo.engine.processes import STAGGER
from workbench.demo.engine.rules import OFFSET_MS
from workbench.demo.kinds import KINDS
from workbench.demo.scenario import Event, Scenario
from workbench.demo.span import Span
from workbench.demo.state import GENERATOR, State

SCHEMA = 1

Counts = dict[str, int]


def truth(
    scenario: Scenario, seed: int, span: Span, state: State, models: Sequence[SystemModel], *, series: int
) -> dict[str, Any]:
    """Return the truth of a history as plain JSON values.

    Parameters
    ----------
    scenario : Scenario
        The simulated systems and their planted faults.
    seed : int
        Start of the random numbers; the same seed gives the same result.
    span : Span
        The simulated time.
    state : State
        The simulator's counts of every day.
    models : sequence of SystemModel
        The simulated systems.
    series : int
        Series in the archive. [count]
    """
    events = scenario.place(state.anchor_ms)
    return {
        "schema": SCHEMA,
        "generator": GENERATOR,
        "seed": seed,
        "scenario": {"name": scenario.name, "title": scenario.title, "sha256": scenario.digest},
        "anchor": _iso(state.anchor_ms),
        "range": {"start": _iso(span.first * DAY_MS), "end": _iso(span.end_ms)},
        "resolution": {
            "scrape_s": 60,
            "recent_scrape_s": 15,
            "recent_from": _iso(span.recent * DAY_MS),
            "rule_interval_s": 60,
            "rule_offset_s": OFFSET_MS // 1000,
            "logs_from": _iso(span.recorded * DAY_MS),
        },
        "series": series,
        "samples": state.samples,
        "systems": {model.name: _system(model, state) for model in models},
        "events": [
            _event(event, model, span, state) for model in models for event in events if event.system == model.name
        ],
        "deploys": deploys(events, models, span),
        "episodes": [_episode(episode) for episode in state.episodes],
    }


def deploys(events: Sequence[Event], models: Sequence[SystemModel], span: Span) -> list[dict[str, Any]]:
    """Deploys up to the end, with the instances in the order in which they restart."""
    rows = []
    for model in models:
        for event in events:
            if event.kind == "deploy" and event.system == model.name and _begun(event, span):
                instances = [process for process in model.processes if event.concerns(instance=process)]
                rows.append(
                    {
                        "id": event.id,
                        "system": model.name,
                        "version": event.version,
                        "time": _iso(event.start * MINUTE_MS),
                        "finished": _iso((event.start + STAGGER * max(len(instances) - 1, 0)) * MINUTE_MS),
                        "instances": instances,
                    }
                )
    return rows


def _begun(event: Event, span: Span) -> bool:
    return span.first * DAY_MS <= event.start * MINUTE_MS <= span.end_ms


def _iso(ms: int) -> str:
    return from_ms(ms).isoformat().replace("+00:00", "Z")


def _system(model: SystemModel, state: State) -> dict[str, Any]:
    by_day = {day: _whole(systems[model.name]["totals"]) for day, systems in sorted(state.days.items())}
    days = {_iso(day * DAY_MS)[:10]: totals for day, totals in by_day.items()}
    months: dict[str, Counts] = defaultdict(lambda: defaultdict(int))
    for day, totals in days.items():
        for name, count in totals.items():
            months[day[:7]][name] += count
    return {
        "objectives": {
            id: {
                "exact": id not in model.sliced,
                "months": {month: _pair(totals, names) for month, totals in months.items()},
                "days": {day: _pair(totals, names) for day, totals in days.items()},
            }
            for id, names in model.objectives.items()
        },
        "amounts": {
            "months": {month: _worth(totals, model) for month, totals in months.items()},
            "days": {day: _worth(totals, model) for day, totals in days.items()},
        },
        "restarts": [_restart(restart) for _, own in _own(model, state) for restart in own["restarts"]],
        "scrapes": {
            name: [
                {"target": target, "start": _iso(start * MINUTE_MS), "end": _iso(end * MINUTE_MS)}
                for target, start, end in _joined(run for _, own in _own(model, state) for run in own[name])
            ]
            for name in ("failed", "lost")
        },
    }


def _own(model: SystemModel, state: State) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for day, systems in sorted(state.days.items()):
        yield day, systems[model.name]


def _joined(runs: Iterator[Sequence[Any]]) -> list[list[Any]]:
    """Join runs that go on over midnight."""
    groups: dict[str, list[list[Any]]] = defaultdict(list)
    for target, start, end in runs:
        own = groups[target]
        if own and own[-1][2] == start:
            own[-1][2] = end
        else:
            own.append([target, start, end])
    return sorted((run for own in groups.values() for run in own), key=lambda run: (run[1], run[0]))


def _whole(counts: Mapping[str, float]) -> Counts:
    return {name: int(count) for name, count in counts.items()}


def _worth(totals: Mapping[str, int], model: SystemModel) -> dict[str, float]:
    return {name: totals[name] * unit for name, unit in model.amounts.items() if name in totals}


def _pair(totals: Mapping[str, int], names: tuple[str, str]) -> Counts:
    bad, total = (totals.get(name, 0) for name in names)
    return {"bad": bad, "good": total - bad, "total": total}


def _restart(restart: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "instance": restart["process"],
        "time": _iso(restart["down"] * MINUTE_MS),
        "down_until": _iso(restart["up"] * MINUTE_MS),
        "process_start_time_seconds": restart["started_s"],
        "reason": restart["reason"],
        "event": restart["event"] or None,
    }


def _event(event: Event, model: SystemModel, span: Span, state: State) -> dict[str, Any]:
    injected: Counts = defaultdict(int)
    by_month: dict[str, Counts] = defaultdict(lambda: defaultdict(int))
    during: Counts = defaultdict(int)
    for day, own in _own(model, state):
        for name, count in own["injected"].get(event.id, {}).items():
            injected[name] += int(count)
            by_month[_iso(day * DAY_MS)[:7]][name] += int(count)
        for name, count in own["during"].get(event.id, {}).items():
            during[name] += int(count)
    of_bad = {bad: id for id, (bad, _) in model.objectives.items()}
    start_ms, end_ms = event.start * MINUTE_MS, event.end * MINUTE_MS
    return {
        "id": event.id,
        "kind": event.kind,
        "system": event.system,
        "start": _iso(start_ms),
        "end": _iso(end_ms),
        "magnitude": event.magnitude,
        "unit": KINDS[event.kind].unit,
        "shape": event.shape,
        "where": {label: list(values) for label, values in event.where.items()},
        "note": event.note,
        "state": "ahead" if start_ms > span.end_ms else "open" if end_ms > span.end_ms else "over",
        "affects": list(model.affected(event)),
        "expected": dict(model.expected(event)),
        "injected": {of_bad[name]: count for name, count in injected.items() if name in of_bad},
        "injected_by_month": {
            month: {of_bad[name]: count for name, count in counts.items() if name in of_bad}
            for month, counts in by_month.items()
        },
        "injected_amounts": _worth(injected, model),
        "observed": {id: _pair(during, names) for id, names in model.objectives.items()} if during else {},
        "alerts": [
            {"alertname": episode["labels"]["alertname"], "starts_at": _iso(episode["starts_ms"])}
            for episode in state.episodes
            if _overlaps(episode, event.system, start_ms, end_ms)
        ],
    }


def _overlaps(episode: Mapping[str, Any], system: str, start_ms: int, end_ms: int) -> bool:
    """Whether an alert of the system became active while the event lasted."""
    return bool(episode["labels"].get("system") == system and start_ms <= episode["active_ms"] < end_ms)


def _episode(episode: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "labels": dict(sorted(episode["labels"].items())),
        "active_at": _iso(episode["active_ms"]),
        "starts_at": _iso(episode["starts_ms"]),
        "ends_at": None if episode["ends_ms"] is None else _iso(episode["ends_ms"]),
        "left_censored": episode["left_censored"],
        "right_censored": episode["right_censored"],
    }
