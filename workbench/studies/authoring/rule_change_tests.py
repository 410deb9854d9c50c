"""Unit tests of changed alert rules, as `promtool test rules` reads them: when each fires, and when it is over."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.alerts.tuning import RuleHistory, Setting, replayed
from workbench.catalog.rules.written import WrittenRule, written_rules
from workbench.catalog.slo.export import yaml_text
from workbench.core.errors import WorkbenchError
from workbench.core.series import SeriesSet
from workbench.core.timerange import MINUTE_MS, duration_text
from workbench.promql import Node, Selector, parse
from workbench.promql.engine.evaluate import evaluate_instant, evaluate_range
from workbench.promql.engine.store import MemoryStore
from workbench.promql.parser.inline import inlined
from workbench.promql.parser.nodes import Aggregate, Binary, Number, walk
from workbench.studies.authoring.rules import example_labels, series_text

#: Time after a change of the values in which the alert must have fired, or be over. [min]
_ROOM = 20

#: Values that are tried for a gauge, and increases a minute for a counter.
_LEVELS, _SLOPES = (0.0, 1.0, 0.5, 2.0, 100.0, 1e4, 1e7, 1e10), (0.0, 60.0, 6e3, 6e5)

#: Combinations of values that are tried for one rule.
_MOST_TRIED = 2_000

#: Metrics of more selectors than this are not made up.
_MOST_SELECTORS = 4


@dataclass(frozen=True)
class _Made:
    """One made-up series: its labels, whether it counts, and the values to try."""

    labels: dict[str, str]
    counts: bool
    tries: tuple[float, ...]


def changed_rule_tests(text: str, proposals: pd.DataFrame, rule_file: str) -> tuple[str, tuple[str, ...]]:
    """Write a test of each changed alert: quiet, firing after its ``for``, over after its ``keep_firing_for``.

    Parameters
    ----------
    text : str
        The changed rule file.
    proposals : DataFrame
        ``frame`` of :class:`workbench.analysis.alerts.tuning.AlertTuning`; ``proposed`` rows are tested.
    rule_file : str
        Name of the rule file, beside the test file.

    Returns
    -------
    (str, tuple of str)
        The test file, empty without a test, and for which alerts no series could be made up.

    Notes
    -----
    Series are made up so that the expression is false, then true, then false again; what is expected is worked out
    by replaying the rule in process. ``ALERTS`` is looked at two minutes before and after each edge.
    """
    rules = written_rules(text, rule_file).rules
    changed = set(proposals[proposals["outcome"] == "proposed"]["alertname"].astype(str))
    recorded = [(rule.name, rule.expr, rule.labels) for rule in rules if rule.kind == "record"]
    tests, notes = [], []
    for rule in (rule for rule in rules if rule.kind == "alert" and rule.name in changed):
        try:
            test = _test(rule, inlined(rule.expr, recorded))
        except WorkbenchError:
            test = None
        if test is None:
            notes.append(f"{rule.name}: no series could be made up that fire it, so it has no unit test.")
        else:
            tests.append(test)
    if not tests:
        return "", tuple(notes)
    return yaml_text([{"rule_files": [rule_file], "evaluation_interval": "1m", "tests": tests}]), tuple(notes)


def _test(rule: WrittenRule, expr: str) -> dict[str, Any] | None:
    node = parse(expr)
    made = _made(node)
    if not made:
        return None
    window = max([selector.range_ms or 0 for selector in _selectors(node)], default=0) // MINUTE_MS
    window = max(window, _longest(node)) + 5
    regimes = _regimes(expr, made, window)
    if regimes is None:
        return None
    calm, bad = regimes
    waits, keeps = (rule.for_ms or 0) // MINUTE_MS, (rule.keep_firing_ms or 0) // MINUTE_MS
    lengths = (window + _ROOM, window + waits + _ROOM, window + keeps + _ROOM)
    values = [_values(each, [calm[place], bad[place], calm[place]], lengths) for place, each in enumerate(made)]
    times = np.arange(sum(lengths), dtype=np.int64) * MINUTE_MS
    store = MemoryStore(SeriesSet.of([(each.labels, times, own) for each, own in zip(made, values, strict=True)]))
    answer = evaluate_range(expr, store, start_ms=0, end_ms=int(times[-1]), step_ms=MINUTE_MS)
    setting = Setting(waits * MINUTE_MS, keeps * MINUTE_MS, None)
    history = RuleHistory(rule.name, times, answer.values, answer.present, "", setting)
    intervals = replayed(history, setting, []).intervals
    if not intervals or intervals[0][0] < 3 * MINUTE_MS:
        return None
    edges = [intervals[0][0] // MINUTE_MS, max(end for _, end in intervals) // MINUTE_MS]
    samples = []
    for minute in (edges[0] - 2, edges[0] + 2, edges[1] - 2, edges[1] + 2):
        firing = sum(start <= minute * MINUTE_MS < end for start, end in intervals)
        expected = [{"labels": "{}", "value": firing}] if firing else []
        query = f'count(ALERTS{{alertname="{rule.name}",alertstate="firing"}})'
        samples.append({"expr": query, "eval_time": duration_text(minute * MINUTE_MS), "exp_samples": expected})
    series = [
        {"series": series_text(each.labels), "values": _written(each, [calm[place], bad[place], calm[place]], lengths)}
        for place, each in enumerate(made)
    ]
    name = f"{rule.name} fires after its condition held, and is over afterwards"
    return {"name": name, "interval": "1m", "input_series": series, "promql_expr_test": samples}


def _made(node: Node) -> list[_Made]:
    """Make up a series for each selector, and three buckets for one of a histogram."""
    shared = dict.fromkeys(_joined(node), "x")
    numbers = [part.value for part in walk(node) if isinstance(part, Number) and part.value > 0]
    made: dict[str, _Made] = {}
    selectors = list(_selectors(node))
    if len(selectors) > _MOST_SELECTORS:
        return []
    for selector in selectors:
        labels = example_labels(selector.all_matchers)
        if labels is None or not labels.get("__name__"):
            return []
        labels = {**shared, **labels}
        counts = selector.range_ms is not None
        if str(selector.name).endswith("_bucket"):
            bound = max(numbers, default=1.0)
            for place, le in enumerate((f"{bound / 2:g}", f"{bound * 2:g}", "+Inf")):
                own = {**labels, "le": le}
                made[series_text(own)] = _Made(own, True, (60.0, 0.0) if place == 0 else (60.0,))
            continue
        near = [number * factor for number in numbers for factor in (0.5, 1.5)]
        made[series_text(labels)] = _Made(labels, counts, _SLOPES if counts else (*_LEVELS, *near))
    return list(made.values())


def _regimes(expr: str, made: Sequence[_Made], window: int) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Find values for which the expression is quiet, and values for which it is true."""
    calm: tuple[float, ...] | None = None
    bad: tuple[float, ...] | None = None
    times = np.arange(window + 2, dtype=np.int64) * MINUTE_MS
    for values in itertools.islice(itertools.product(*(each.tries for each in made)), _MOST_TRIED):
        rows = [
            (each.labels, times, np.arange(len(times)) * value if each.counts else np.full(len(times), value))
            for each, value in zip(made, values, strict=True)
        ]
        answer = evaluate_instant(expr, MemoryStore(SeriesSet.of(rows)), time_ms=int(times[-1]))
        if answer.present.any():
            bad = bad or values
        else:
            calm = calm or values
        if calm is not None and bad is not None:
            return calm, bad
    return None


def _values(series: _Made, parts: Sequence[float], lengths: Sequence[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
    steps = np.repeat(np.array(parts, np.float64), lengths)
    return np.cumsum(steps) - steps[0] if series.counts else steps


def _written(series: _Made, parts: Sequence[float], lengths: Sequence[int]) -> str:
    """Write the values as promtool reads them: ``start+increase x times`` for each part."""
    values, place, texts = _values(series, parts, lengths), 0, []
    for part, length in zip(parts, lengths, strict=True):
        texts.append(f"{values[place]:.17g}+{part if series.counts else 0:.17g}x{length - 1}")
        place += length
    return " ".join(texts)


def _joined(node: Node) -> list[str]:
    """Labels by which the expression groups and joins."""
    names: list[str] = []
    for part in walk(node):
        if isinstance(part, Aggregate) and not part.without:
            names += part.grouping
        if isinstance(part, Binary) and part.matching.on:
            names += part.matching.labels
    return [name for name in dict.fromkeys(names) if name != "le"]


def _longest(node: Node) -> int:
    """Longest window of a subquery of an expression. [min]"""
    windows = [int(getattr(part, "range_ms", 0) or 0) for part in walk(node)]
    return sum(sorted(windows)[-2:]) // MINUTE_MS


def _selectors(node: Node) -> Iterator[Selector]:
    return (part for part in walk(node) if isinstance(part, Selector))
