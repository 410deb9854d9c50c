"""Random alert rules with known truth, as two Prometheus servers would record them: restarts, outages, missed turns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.core.series import SeriesSet

S = 1000
INTERVALS = (10 * S, 15 * S, 30 * S, 60 * S, 120 * S, 300 * S, 600 * S)
GRACE, TOLERANCE, LOOKBACK = 600 * S, 3600 * S, 300 * S
BEGIN = 1_790_000_000_000


@dataclass(frozen=True)
class Rule:
    name: str
    interval: int
    wait: int
    conditions: list[tuple[int, int]]


@dataclass
class Recorded:
    alerts: SeriesSet
    since: SeriesSet
    up: SeriesSet
    rules: list[Rule]
    naive: dict[str, int]


def down(outages: list[tuple[int, int]], time: int) -> bool:
    return any(start <= time < end for start, end in outages)


def recorded(*, seed: int, rules: int = 200, days: float = 7.0, replicas: tuple[str, ...] = ("a", "b")) -> Recorded:
    """Draw rules and let every server evaluate them.

    Both servers are away together once; no condition begins or ends then, for nobody could know.
    """
    draw = np.random.default_rng(seed)
    end = BEGIN + int(days * 86_400 * S)
    start = BEGIN + int((0.4 + 0.2 * draw.random()) * (end - BEGIN))
    together = (start, start + int(draw.integers(5, 40)) * 60 * S)
    outages = {}
    for replica in replicas:
        own = [together]
        for _ in range(4 if len(replicas) > 1 else 0):
            at = BEGIN + int(draw.random() * (end - BEGIN))
            own.append((at, at + int(draw.choice([40, 90, 600, 5400])) * S))
        outages[replica] = own
    kept = _apart(outages, together) if len(replicas) > 1 else outages
    drawn = [_rule(draw, number, end, together) for number in range(rules)]
    alerts, since, naive = [], [], {}
    for rule in drawn:
        visible = []
        for replica in replicas:
            parts, seen = _evaluated(rule, replica, kept[replica], end, draw)
            alerts += parts["ALERTS"]
            since += parts["ALERTS_FOR_STATE"]
            visible.append(seen)
        naive[rule.name] = _by_range_query(visible, end)
    ups = []
    for number, replica in enumerate(replicas):
        for target in range(3):
            times = np.arange(BEGIN + 1000 * number + 4000 * target, end, 15 * S)
            away = np.zeros(len(times), bool)
            for first, last in kept[replica]:
                away |= (times >= first) & (times < last)
            times = times[~away]
            ups.append(({"__name__": "up", "instance": f"t{target}", "replica": replica}, times, np.ones(len(times))))
    return Recorded(SeriesSet.of(alerts), SeriesSet.of(since), SeriesSet.of(ups), drawn, naive)


def _apart(outages: dict[str, list[tuple[int, int]]], together: tuple[int, int]) -> dict[str, list[tuple[int, int]]]:
    """Leave out outages of one server that meet those of the other: then somebody always watches but together."""
    taken: list[tuple[int, int]] = [together]
    kept: dict[str, list[tuple[int, int]]] = {}
    for replica, own in outages.items():
        kept[replica] = [together]
        for start, end in own:
            if all(end + 3600 * S < first or start - 3600 * S > last for first, last in taken):
                kept[replica].append((start, end))
                taken.append((start, end))
    return kept


def _rule(draw: np.random.Generator, number: int, end: int, together: tuple[int, int]) -> Rule:
    interval = int(draw.choice(INTERVALS))
    wait = int(draw.choice([0, 0, 2, 5, 15])) * 60 * S
    wait = -(-wait // interval) * interval
    flaps = draw.random() < 0.3
    least = int(2.6 * interval) + 1
    time, conditions = BEGIN + int(draw.exponential(6 * 3600 * S)) + 700 * S, []
    while True:
        time += least + int(draw.exponential(4 * interval if flaps and draw.random() < 0.9 else 20 * 3600 * S))
        last = (
            time + wait + least + int(draw.exponential(3 * interval if flaps else 3600 * S * draw.choice([0.2, 2, 20])))
        )
        if last > end - 4 * 600 * S:
            break
        slack = wait + 2 * 600 * S + 60 * S
        for edge in (time, last):
            if together[0] - slack <= edge <= together[1] + slack:
                break
        else:
            conditions.append((time, last))
        time = last
    return Rule(f"R{number:03}", interval, wait, conditions)


def _evaluated(rule: Rule, replica: str, outages: list[tuple[int, int]], end: int, draw: np.random.Generator):
    """Samples of one rule on one server, and the stretches in which a range query shows it."""
    phase = int(draw.integers(0, rule.interval))
    labels = {"alertname": rule.name, "severity": "page", "replica": replica}
    firing, pending, state, seen = [], [], [], []
    for first, last in rule.conditions:
        times = np.arange(
            BEGIN + phase + -(-(first - BEGIN - phase) // rule.interval) * rule.interval, end, rule.interval
        )
        active, told, was_down, was_firing, shown = None, False, 0, False, None
        for time in times.tolist():
            if time >= last:
                if shown is not None:
                    seen.append(
                        (shown[0], min(shown[1] + LOOKBACK, time if not down(outages, time) else shown[1] + LOOKBACK))
                    )
                break
            if down(outages, time):
                was_down += 1
                continue
            if was_down and active is not None:
                gap = max(b - a for a, b in outages if a < time and b <= time + rule.interval * (was_down + 1))
                restores = rule.wait >= GRACE and gap <= TOLERANCE
                if not (restores and was_firing):
                    active = active + gap if restores else time
                told = False
            was_down = 0
            if active is None:
                active = time
                told = not any(start < time and time - rule.interval < stop <= time for start, stop in outages)
            if not told:
                told = True
                continue
            if draw.random() < 0.01 and (firing and firing[-1] > first):
                continue
            state.append((time, active // S))
            if time - active >= rule.wait:
                firing.append(time)
                was_firing = True
                if shown is not None and time - shown[1] > LOOKBACK:
                    seen.append((shown[0], shown[1] + LOOKBACK))
                    shown = None
                shown = (time if shown is None else shown[0], time)
            else:
                pending.append(time)
                was_firing = False

    def series(name: str, times: list[int], values: list[float], **more: str):
        return [({"__name__": name, **labels, **more}, np.array(times, np.int64), np.array(values))] if times else []

    return {
        "ALERTS": series("ALERTS", firing, [1.0] * len(firing), alertstate="firing")
        + series("ALERTS", pending, [1.0] * len(pending), alertstate="pending"),
        "ALERTS_FOR_STATE": series("ALERTS_FOR_STATE", [t for t, _ in state], [float(v) for _, v in state]),
    }, seen


def _by_range_query(visible: list[list[tuple[int, int]]], end: int) -> int:
    """Episodes that a range query at 60 s shows, where any server shows it."""
    steps = np.arange(BEGIN, end, 60 * S)
    shown = np.zeros(len(steps), bool)
    for first, last in (stretch for stretches in visible for stretch in stretches):
        shown |= (steps >= first) & (steps < last)
    return int((shown & ~np.append(False, shown[:-1])).sum())


def truth_of(rule: Rule) -> list[tuple[int, int]]:
    """When the rule ought to fire, had somebody looked all the time: from condition and ``for`` to its end."""
    return [(first + rule.wait, last) for first, last in rule.conditions]
