"""Points of Prometheus' test scripts: numbers, gaps, stale marks, native histograms and their series."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from workbench.core.histograms import CUSTOM, HINTS, Histogram, Histograms
from workbench.core.series import STALE
from workbench.promql.native.operations import combined

NUMBER = r"[-+]?(?:inf|nan|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)"
_VALUE = re.compile(rf"(?P<start>{NUMBER})(?:(?P<sign>[-+])(?P<step>{NUMBER}))?(?:x(?P<times>\d+))?", re.IGNORECASE)
_BLANK = re.compile(r"_(?:x(\d+))?")
_STALE = re.compile(r"stale(?:x(\d+))?")
_NATIVE = re.compile(r"\{\{(.*?)\}\}(?:([-+])\{\{(.*?)\}\})?(?:x(\d+))?")
_FIELD = re.compile(r"(\w+):\s*(\[[^\]]*\]|[^\s\[\]]+)")

Point = float | Histogram | None


def points(text: str) -> Iterator[Point]:
    """Points of a series in a script; None where there is none."""
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        if match := _NATIVE.match(text, at):
            yield from _histograms(match)
        elif match := _STALE.match(text, at):
            yield from [STALE] * (int(match[1] or 0) + 1)
        elif match := _BLANK.match(text, at):
            yield from [None] * int(match[1] or 1)
        else:
            match = _VALUE.match(text, at)
            assert match, text[at:]
            yield from _floats(match)
        at = match.end()


def _floats(match: re.Match[str]) -> Iterator[float]:
    value, step = float(match["start"]), float(match["step"] or 0)
    for _ in range(int(match["times"] or 0) + 1):
        yield value
        value += -step if match["sign"] == "-" else step


def _histograms(match: re.Match[str]) -> Iterator[Histogram]:
    value = histogram(match[1])
    step = histogram(match[3]) if match[3] is not None else None
    for _ in range(int(match[4] or 0) + 1):
        yield value
        if step is not None:
            pair = Histograms.of([value, step])
            weight = np.array([1.0, -1.0 if match[2] == "-" else 1.0])
            value = combined(pair, np.arange(2), np.zeros(2, np.int64), 1, weight).at(0)


def histogram(text: str) -> Histogram:
    """One native histogram, as ``{{schema:1 sum:3 buckets:[5 10]}}`` without its braces."""
    fields = dict(_FIELD.findall(text))

    def numbers(name: str) -> list[float]:
        return [float(number) for number in fields.get(name, "[]").strip("[]").replace(",", " ").split()]

    def numbered(name: str, offset: str) -> dict[int, float]:
        return dict(enumerate(numbers(name), int(fields.get(offset, "0"))))

    hint = fields.get("counter_reset_hint", "unknown")
    assert hint in HINTS, hint
    return Histogram(
        int(fields.get("schema", "0")),
        float(fields.get("count", "0")),
        float(fields.get("sum", "0")),
        float(fields.get("z_bucket_w", "0")),
        float(fields.get("z_bucket", "0")),
        numbered("buckets", "offset"),
        numbered("n_buckets", "n_offset"),
        tuple(numbers("custom_values")),
        hint,
    )


@dataclass(frozen=True)
class Classic:
    """Samples of one classic histogram at one time: what its buckets, sum and count say."""

    buckets: dict[float, float]
    sum: float = 0.0
    count: float | None = None

    def with_custom_buckets(self) -> Histogram:
        """The native histogram that ``load_with_nhcb`` adds."""
        buckets = dict(self.buckets)
        total = self.count if self.count is not None else buckets.get(math.inf, max(buckets.values(), default=0.0))
        buckets.setdefault(math.inf, total)
        bounds = sorted(buckets)
        counts = [buckets[bound] for bound in bounds]
        inside = {
            place: here - before for place, (before, here) in enumerate(zip([0.0, *counts], counts, strict=False))
        }
        return Histogram(CUSTOM, total, self.sum, positive=inside, custom_bounds=tuple(bounds[:-1]))


def equal(ours: float, theirs: float) -> bool:
    """The reference runner's comparison: 1e-6 of the sum of both, NaN equals NaN."""
    if math.isnan(ours) or math.isnan(theirs):
        return math.isnan(ours) and math.isnan(theirs)
    if ours == theirs:
        return True
    return abs(ours - theirs) < 1e-6 * (abs(ours) + abs(theirs)) if math.isfinite(ours - theirs) else False


def alike(ours: Histogram, theirs: Histogram) -> bool:
    """The reference runner's comparison of histograms: empty buckets and hints do not count."""
    ours, theirs = _compact(ours), _compact(theirs)
    if (ours.schema, ours.custom_bounds) != (theirs.schema, theirs.custom_bounds):
        return False
    if ours.zero_threshold != theirs.zero_threshold:
        return False
    if ours.positive.keys() != theirs.positive.keys() or ours.negative.keys() != theirs.negative.keys():
        return False
    pairs = [(ours.count, theirs.count), (ours.sum, theirs.sum), (ours.zero_count, theirs.zero_count)]
    pairs += [(ours.positive[i], theirs.positive[i]) for i in ours.positive]
    pairs += [(ours.negative[i], theirs.negative[i]) for i in ours.negative]
    return all(equal(a, b) for a, b in pairs)


def _compact(one: Histogram) -> Histogram:
    filled = ({number: value for number, value in side.items() if value != 0} for side in (one.positive, one.negative))
    return replace(one, **dict(zip(("positive", "negative"), filled, strict=True)))
