"""Recording and alert rules of a system, evaluated over the simulated samples as Prometheus does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.catalog import Profile
from workbench.core.series import STALE, LabelKey, Labels, Metrics, SeriesSet, label_key
from workbench.core.timerange import DAY_MS, MINUTE_MS
from workbench.demo.engine.alerts import AlertCarry, Episode, evaluate_alert
from workbench.demo.engine.batch import merged, since
from workbench.demo.engine.day import MINUTES
from workbench.demo.scenario import Event
from workbench.promql import MemoryStore, SampleStore, Selector, evaluate_range, parse, scoped, selectors
from workbench.promql.engine.evaluate import LOOKBACK_MS
from workbench.promql.parser.matchers import Matcher

#: Seconds after the full minute at which the rules are evaluated. [ms]
OFFSET_MS = 10_000


@dataclass
class RuleCarry:
    """What the rules hand over to the next evaluation.

    Attributes
    ----------
    recorded : mapping of rule name to the label sets it gave at the last evaluation
    alerts : mapping of alert name to its active label sets
    last_ms : int or None
        Last evaluation; None at the start of the history. [ms since the epoch]
    """

    recorded: dict[str, list[Labels]] = field(default_factory=dict)
    alerts: dict[str, list[AlertCarry]] = field(default_factory=dict)
    last_ms: int | None = None

    @property
    def firing(self) -> list[Episode]:
        """Episodes that have not ended."""
        return [
            Episode(carry.labels, carry.active_ms, carry.starts_ms, None, carry.left_censored, True)
            for carries in self.alerts.values()
            for carry in carries
            if carry.starts_ms is not None
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "recorded": self.recorded,
            "alerts": {name: [vars(carry) for carry in carries] for name, carries in self.alerts.items()},
            "last_ms": self.last_ms,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RuleCarry:
        """Read what :meth:`to_json` wrote."""
        alerts = {name: [AlertCarry(**carry) for carry in carries] for name, carries in data["alerts"].items()}
        return cls(dict(data["recorded"]), alerts, data["last_ms"])


@dataclass(frozen=True)
class Rules:
    """The rules of one profile, in the order in which they are evaluated."""

    profile: Profile

    def selectors(self) -> list[Selector]:
        """Every selector of every rule."""
        rules = (*self.profile.recording_rules, *self.profile.alert_rules)
        return [selector for rule in rules for selector in selectors(parse(rule.expr))]

    @property
    def metrics(self) -> frozenset[str]:
        """Names of the metrics the rules read; empty when one of them reads any name."""
        names = {selector.name for selector in self.selectors()}
        return frozenset() if "" in names else frozenset(names)

    @property
    def history_ms(self) -> int:
        """How far back an evaluation reads. [ms]"""
        lengths = (selector.offset_ms + (selector.range_ms or LOOKBACK_MS) for selector in self.selectors())
        return max(lengths, default=0) + LOOKBACK_MS

    @property
    def digest_text(self) -> str:
        """Everything the recorded samples depend on, as text."""
        recorded = [(rule.name, rule.expr, sorted(rule.labels.items())) for rule in self.profile.recording_rules]
        alerts = [
            (rule.name, rule.expr, rule.for_ms, rule.severity, sorted(rule.labels.items()))
            for rule in self.profile.alert_rules
        ]
        return repr((recorded, alerts, sorted(self.profile.scope.items())))


def evaluation_times(first: int, last: int, end_ms: int, events: Sequence[Event]) -> NDArray[np.int64]:
    """Return the evaluations of some days up to the end; while the monitoring is down there is none. [ms]"""
    minutes = np.arange(first * MINUTES, (last + 1) * MINUTES)
    running = minutes * MINUTE_MS + OFFSET_MS <= end_ms
    for event in events:
        if event.kind == "scrape_gap" and event.mode == "monitoring":
            running &= ~((minutes >= event.start) & (minutes < event.end))
    times: NDArray[np.int64] = minutes[running] * MINUTE_MS + OFFSET_MS
    return times


def evaluate_rules(
    rules: Rules, samples: SeriesSet, times: NDArray[np.int64], carry: RuleCarry
) -> tuple[SeriesSet, list[Episode], RuleCarry]:
    """Evaluate all rules of a system at the given times.

    Parameters
    ----------
    rules : Rules
        Recording and alert rules of the system.
    samples : SeriesSet
        The days and the history the rules read, in an order that does not depend on how they came about.
    times : int64 array
        Evaluations. [ms since the epoch]
    carry : RuleCarry
        State after the evaluation before.

    Returns
    -------
    (SeriesSet, list of Episode, RuleCarry)
        New samples (stale marks where a series ends), episodes that ended, the state after the last evaluation.
    """
    recorded: list[SeriesSet] = []
    ended: list[Episode] = []
    if not len(times):
        return SeriesSet.empty(), ended, carry
    after = RuleCarry(last_ms=int(times[-1]))
    breaks = np.diff(times, prepend=times[0] - MINUTE_MS if carry.last_ms is None else carry.last_ms) > MINUTE_MS
    store = _Layers([MemoryStore(samples)])
    for recording in rules.profile.recording_rules:
        metrics = _evaluate(recording.expr, rules, store, times)
        labels = [{**_bare(label), "__name__": recording.name, **recording.labels} for label in metrics.labels]
        gone = [] if breaks[0] else carry.recorded.get(recording.name, [])
        written = _recorded(metrics, labels, gone, breaks)
        after.recorded[recording.name] = [
            series for series, on in zip(labels, metrics.present[:, -1], strict=True) if on
        ]
        recorded.append(written)
        store.layers.append(MemoryStore(merged([_of(samples, recording.name), written])))
    for alert in rules.profile.alert_rules:
        metrics = _evaluate(alert.expr, rules, store, times)
        active = {}
        for series, mask in zip(metrics.labels, metrics.present, strict=True):
            own = {**_bare(series), **alert.labels, "alertname": alert.name, "severity": alert.severity}
            active[label_key(own)] = (own, mask)
        written, over, open_ = evaluate_alert(
            active, times, breaks, alert.for_ms, carry.alerts.get(alert.name, []), carry.last_ms
        )
        recorded.append(written)
        ended += over
        if open_:
            after.alerts[alert.name] = open_
    return merged(recorded), ended, after


def _evaluate(expr: str, rules: Rules, store: SampleStore, times: NDArray[np.int64]) -> Metrics:
    """Evaluate on every minute, then leave out those without an evaluation."""
    text = scoped(expr, rules.profile.scope)
    first, last = int(times[0]), int(times[-1])
    whole = evaluate_range(text, store, start_ms=first, end_ms=last, step_ms=MINUTE_MS)
    kept = (times - first) // MINUTE_MS
    return Metrics(times, whole.labels, whole.values[:, kept], whole.present[:, kept], whole.meta)


class _Layers:
    """Samples of the targets below, what the rules recorded above; a series of the upper layer hides the lower one."""

    def __init__(self, layers: list[MemoryStore]) -> None:
        self.layers = layers

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, marks: bool = True) -> SeriesSet:
        """Select from both; see :class:`SampleStore`."""
        series: dict[LabelKey, tuple[Labels, NDArray[np.int64], NDArray[np.float64]]] = {}
        answers = [layer.select(matchers, start_ms, end_ms, marks=marks) for layer in self.layers]
        filled = [answer for answer in answers if len(answer)]
        if len(filled) < 2:
            return filled[0] if filled else SeriesSet.empty()
        for answer in filled:
            series |= {label_key(labels): (labels, times, values) for labels, times, values in answer}
        return SeriesSet.of(series[key] for key in sorted(series))


def _of(samples: SeriesSet, name: str) -> SeriesSet:
    return SeriesSet.of(item for item in samples if item[0]["__name__"] == name)


def _bare(labels: Labels) -> Labels:
    return {name: text for name, text in labels.items() if name != "__name__"}


def _recorded(
    metrics: Metrics, labels: Sequence[Labels], before: Sequence[Labels], breaks: NDArray[np.bool_]
) -> SeriesSet:
    """Return the samples of a recording rule, with a stale mark where it no longer gives a series."""
    earlier = {label_key(label_set) for label_set in before}
    series = []
    for own, values, present in zip(labels, metrics.values, metrics.present, strict=True):
        was = np.concatenate([[label_key(own) in earlier], present[:-1]]) & ~breaks
        kept = present | was
        series.append((own, metrics.times[kept], np.where(present, values, STALE)[kept]))
    known = {label_key(own) for own in labels}
    series += [(own, metrics.times[:1], np.array([STALE])) for own in before if label_key(own) not in known]
    return SeriesSet.of(item for item in series if len(item[1]))


class History:
    """The samples the rules may read, in the order of their labels whatever their origin."""

    def __init__(self, rules: Rules, samples: SeriesSet) -> None:
        self.rules = rules
        self._metrics, self._length_ms = rules.metrics, rules.history_ms
        self._samples = self._ordered([samples])

    def followed_by(self, samples: SeriesSet) -> SeriesSet:
        """Return the history with the samples of the days after it."""
        return self._ordered([self._samples, samples])

    def add(self, samples: Sequence[SeriesSet], *, next_day: int) -> None:
        """Add the days after it and forget what no evaluation of ``next_day`` reads."""
        self._samples = since(self._ordered([self._samples, *samples]), next_day * DAY_MS - self._length_ms)

    def _ordered(self, sets: Sequence[SeriesSet]) -> SeriesSet:
        groups = [
            (label_key(labels), labels, times, values)
            for labels, times, values in merged([self._kept(part) for part in sets])
        ]
        return SeriesSet.of((labels, times, values) for _, labels, times, values in sorted(groups, key=itemgetter(0)))

    def _kept(self, samples: SeriesSet) -> SeriesSet:
        if not self._metrics:
            return samples
        return SeriesSet.of(item for item in samples if item[0]["__name__"] in self._metrics)
