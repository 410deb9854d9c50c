"""Reads Prometheus' test scripts (promqltest/v3.5.3/FORMAT.md) into evals, each with the samples loaded before it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from promql_samples import NUMBER, Classic, Point, points

from workbench.core.errors import QueryRejected
from workbench.core.histograms import Histogram, Histograms, marks
from workbench.core.series import LabelKey, Labels, SeriesSet, label_key
from workbench.core.timerange import duration_ms
from workbench.promql.engine.histogram import BUCKET
from workbench.promql.engine.store import MemoryStore
from workbench.promql.parser.lexer import unquoted
from workbench.promql.parser.matchers import keep_series
from workbench.promql.parser.nodes import NAME, Selector
from workbench.promql.parser.parse import parse
from workbench.promql.parser.scope import selectors

_INSTANT = re.compile(r"eval(?:_(fail|warn|info|ordered))?\s+instant\s+(?:at\s+(\S+)\s+)?(.+)")
_RANGE = re.compile(r"eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)")
_SPAN = re.compile(r"expect\s+range\s+vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)")
_EXPECT = re.compile(r"expect\s+(\w+)(?:\s+(msg|regex):\s*(.*))?")


@dataclass(frozen=True)
class Load:
    step_ms: int
    lines: tuple[str, ...]
    custom_buckets: bool = False

    @cached_property
    def series(self) -> list[tuple[Labels, list[Point]]]:
        return [series_line(line) for line in self.lines]

    def native_series(self) -> list[Labels]:
        found = [labels for labels, points in self.series if any(isinstance(p, Histogram) for p in points)]
        if self.custom_buckets:
            for labels, _ in self.series:
                name = re.sub("_(bucket|sum|count)$", "", labels[NAME])
                found.append({k: v for k, v in labels.items() if k != "le"} | {NAME: name})
        return found


@dataclass
class Eval:
    file: str
    line: int
    query: str
    start_ms: int
    end_ms: int
    step_ms: int
    loads: tuple[Load, ...]
    instant: bool
    expects: list[tuple[str, str, str]] = field(default_factory=list)
    series: list[tuple[Labels, list[Point]]] = field(default_factory=list)
    scalar: float | None = None
    text: str | None = None
    sample_times: range | None = None

    @property
    def name(self) -> str:
        return f"{self.file}:{self.line}"

    def wants(self, kind: str) -> list[tuple[str, str]]:
        return [(how, text) for what, how, text in self.expects if what == kind]

    @property
    def native(self) -> bool:
        """Whether native histograms are expected, or stand in a series that the query reads."""
        if any(isinstance(point, Histogram) for _, points in self.series for point in points):
            return True
        try:
            read = selectors(parse(self.query))
        except QueryRejected:
            return False
        labels = [labels for load in self.loads for labels in load.native_series()]
        return any(len(keep_series(s.all_matchers, labels)) for s in read)


def moment(text: str) -> int:
    """Milliseconds of a duration or of plain seconds."""
    sign = -1 if text.startswith("-") else 1
    bare = text.lstrip("-")
    return sign * (round(float(bare) * 1000) if re.fullmatch(r"[\d.]+", bare) else duration_ms(bare))


@cache
def labels_of(text: str) -> Labels:
    if text.strip() == "{}":
        return {}
    node = parse(text)
    assert isinstance(node, Selector)
    return {matcher.name: matcher.value for matcher in node.all_matchers}


def series_line(line: str) -> tuple[Labels, list[Point]]:
    match = re.match(
        r"\s*((?:[A-Za-z_:][\w:]*)?\s*(?:\{(?:[^\"'{}]|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')*\})?)\s*(.*)", line
    )
    assert match, line
    return labels_of(match[1].strip()), list(points(match[2]))


def read_script(path: Path) -> list[Eval]:
    lines = ["" if line.strip().startswith("#") else line.strip() for line in path.read_text().splitlines()]
    loads: list[Load] = []
    evals: list[Eval] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if not line:
            continue
        block = []
        head = number
        if not line.startswith("clear"):
            while number < len(lines) and lines[number]:
                block.append(lines[number])
                number += 1
        if line.startswith("clear"):
            loads = []
        elif line.startswith("load"):
            word, step = line.split()
            loads = [*loads, Load(moment(step), tuple(block), word == "load_with_nhcb")]
        else:
            evals.append(_eval(path.name, head, line, block, tuple(loads)))
    return evals


def _eval(file: str, number: int, line: str, block: list[str], loads: tuple[Load, ...]) -> Eval:
    if match := _RANGE.fullmatch(line):
        suffix, start, end, step, query = match.groups()
        found = Eval(file, number, query, moment(start), moment(end), moment(step), loads, instant=False)
    else:
        match = _INSTANT.fullmatch(line)
        assert match, line
        suffix, at, query = match.groups()
        found = Eval(file, number, query, moment(at or "0"), moment(at or "0"), 60_000, loads, instant=True)
    if suffix:
        found.expects.append((suffix, "", ""))
    for text in block:
        if match := _EXPECT.fullmatch(text):
            found.expects.append((match[1], match[2] or "", match[3] or ""))
        elif text.startswith(("expected_fail_message", "expected_fail_regexp")):
            how = "msg" if "message" in text.split()[0] else "regex"
            found.expects = [("fail", how, text.split(None, 1)[1])]
        elif text.startswith("expect string "):
            found.text = unquoted(text.removeprefix("expect string ").strip())
        elif match := _SPAN.fullmatch(text):
            start, end, step = (moment(part) for part in match.groups())
            found.sample_times = range(start, end + 1, step)
        elif re.fullmatch(NUMBER, text, re.IGNORECASE):
            found.scalar = float(text)
        else:
            found.series.append(series_line(text))
    return found


_STORES: dict[int, MemoryStore] = {}


def store_of(loads: tuple[Load, ...]) -> MemoryStore:
    """Everything loaded so far."""
    key = hash(tuple(map(id, loads)))
    if key not in _STORES:
        _STORES[key] = MemoryStore(_samples(loads))
    return _STORES[key]


def _samples(loads: tuple[Load, ...]) -> SeriesSet:
    joined: dict[LabelKey, tuple[list[int], list[Point]]] = {}
    for load in loads:
        series = {label_key(labels): samples for labels, samples in load.series}
        if load.custom_buckets:
            series |= converted(load.series)
        for key, samples in series.items():
            times, held = joined.setdefault(key, ([], []))
            for step, point in enumerate(samples):
                time = step * load.step_ms
                if point is not None and (not times or time > times[-1]):
                    times.append(time)
                    held.append(point)
    block = [point for _, held in joined.values() for point in held if isinstance(point, Histogram)]
    numbers = iter(marks(np.arange(len(block))))
    series_set = SeriesSet.of(
        (dict(key), times, np.array([next(numbers) if isinstance(p, Histogram) else p for p in held]))
        for key, (times, held) in joined.items()
        if times
    )
    return replace(series_set, histograms=Histograms.of(block)) if block else series_set


def converted(series: list[tuple[Labels, list[Point]]]) -> dict[LabelKey, list[Point]]:
    """Histograms with custom buckets made of the classic histograms among some series."""
    found: dict[LabelKey, list[Classic]] = {}
    for labels, samples in series:
        match = re.fullmatch(r"(.*?)(_bucket|_sum|_count)?", labels.get(NAME, ""))
        if match is None or (match[2] is None and BUCKET not in labels):
            continue
        own = {name: value for name, value in labels.items() if name != BUCKET} | {NAME: match[1]}
        rows = found.setdefault(label_key(own), [])
        rows += [Classic({}) for _ in range(len(samples) - len(rows))]
        for step, point in enumerate(samples):
            if isinstance(point, float) and BUCKET in labels:
                rows[step].buckets[float(labels[BUCKET])] = point
            elif isinstance(point, float):
                part = (match[2] or "").lstrip("_")
                rows[step] = replace(rows[step], **{part: point})
    return {key: [row.with_custom_buckets() if row.buckets else None for row in rows] for key, rows in found.items()}
