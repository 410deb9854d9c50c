"""Reads Prometheus' test scripts (promqltest/v3.5.3/FORMAT.md) into evals, each with the samples loaded before it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from workbench.core.series import STALE, LabelKey, Labels, SeriesSet, label_key
from workbench.core.timerange import duration_ms
from workbench.promql.matchers import keep_series
from workbench.promql.nodes import NAME, Selector
from workbench.promql.parse import parse
from workbench.promql.scope import selectors
from workbench.promql.store import MemoryStore

NUMBER = r"[-+]?(?:inf|nan|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)"
_VALUE = re.compile(rf"(?P<start>{NUMBER})(?:(?P<sign>[-+])(?P<step>{NUMBER}))?(?:x(?P<times>\d+))?", re.IGNORECASE)
_BLANK = re.compile(r"_(?:x(\d+))?")
_NATIVE = re.compile(r"(\{\{.*?\}\})(?:[-+](\{\{.*?\}\}))?(?:x(\d+))?")
_INSTANT = re.compile(r"eval(?:_(fail|warn|info|ordered))?\s+instant\s+(?:at\s+(\S+)\s+)?(.+)")
_RANGE = re.compile(r"eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)")
_EXPECT = re.compile(r"expect\s+(\w+)(?:\s+(msg|regex):\s*(.*))?")


class NativeHistogram:
    """Stands where a script has a native histogram sample; it equals nothing."""


Point = float | NativeHistogram | None


@dataclass
class Load:
    step_ms: int
    series: list[tuple[Labels, list[Point]]]
    custom_buckets: bool = False

    def native_series(self) -> list[Labels]:
        found = [labels for labels, points in self.series if any(isinstance(p, NativeHistogram) for p in points)]
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

    @property
    def name(self) -> str:
        return f"{self.file}:{self.line}"

    def wants(self, kind: str) -> list[tuple[str, str]]:
        return [(how, text) for what, how, text in self.expects if what == kind]

    @property
    def native(self) -> bool:
        """Whether native histograms are expected, or stand in a series that the query reads."""
        if any(isinstance(point, NativeHistogram) for _, points in self.series for point in points):
            return True
        if self.file == "duration_expression.test":
            return False
        labels = [labels for load in self.loads for labels in load.native_series()]
        return any(len(keep_series(s.all_matchers, labels)) for s in selectors(parse(self.query)))


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


def points(text: str) -> list[Point]:
    found: list[Point] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif match := _NATIVE.match(text, at):
            found += [NativeHistogram()] * (int(match[3] or 0) + 1)
            at = match.end()
        elif text.startswith("stale", at):
            found.append(STALE)
            at += 5
        elif match := _BLANK.match(text, at):
            found += [None] * int(match[1] or 1)
            at = match.end()
        else:
            match = _VALUE.match(text, at)
            assert match, text[at:]
            start, step = float(match["start"]), float(match["step"] or 0)
            step = -step if match["sign"] == "-" else step
            value = start
            for _ in range(int(match["times"] or 0) + 1):
                found.append(value)
                value += step
            at = match.end()
    return found


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
            loads = [*loads, Load(moment(step), [series_line(text) for text in block], word == "load_with_nhcb")]
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
        elif re.fullmatch(NUMBER, text, re.IGNORECASE):
            found.scalar = float(text)
        else:
            found.series.append(series_line(text))
    return found


_STORES: dict[int, MemoryStore] = {}


def store_of(loads: tuple[Load, ...]) -> MemoryStore:
    """Everything loaded so far; native histograms are left out."""
    key = hash(tuple(map(id, loads)))
    if key not in _STORES:
        _STORES[key] = MemoryStore(_samples(loads))
    return _STORES[key]


def _samples(loads: tuple[Load, ...]) -> SeriesSet:
    joined: dict[LabelKey, tuple[list[int], list[float]]] = {}
    for load in loads:
        for key, values in {label_key(labels): values for labels, values in load.series}.items():
            times, floats = joined.setdefault(key, ([], []))
            for step, value in enumerate(values):
                time = step * load.step_ms
                if isinstance(value, float) and (not times or time > times[-1]):
                    times.append(time)
                    floats.append(value)
    return SeriesSet.of((dict(key), times, values) for key, (times, values) in joined.items() if times)


def equal(ours: float, theirs: float) -> bool:
    """The reference runner's comparison: 1e-6 of the sum of both, NaN equals NaN."""
    if math.isnan(ours) or math.isnan(theirs):
        return math.isnan(ours) and math.isnan(theirs)
    if ours == theirs:
        return True
    return abs(ours - theirs) < 1e-6 * (abs(ours) + abs(theirs)) if math.isfinite(ours - theirs) else False
