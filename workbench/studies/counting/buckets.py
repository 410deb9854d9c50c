"""Latency counters whose threshold may be no bound of the histogram."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from workbench.analysis.counting.latency import ThresholdCounts, bound_of, threshold_counts
from workbench.core.timerange import TimeRange
from workbench.promql import Selector, parse, print_query
from workbench.studies.counting.counters import CounterReader


def threshold_of(selector: str) -> float | None:
    """Bound that a selector of buckets asks for, however it is written; None when it asks for none, or for several.

    Examples
    --------
    >>> threshold_of('latency_bucket{le=~"2|2\\\\\\\\.0",job="a"}'), threshold_of("latency_count")
    (2.0, None)
    """
    node = parse(selector)
    if not isinstance(node, Selector) or not node.name.endswith("_bucket"):
        return None
    le_matchers = [matcher for matcher in node.matchers if matcher.name == "le"]
    if len(le_matchers) != 1 or le_matchers[0].op not in ("=", "=~"):
        return None
    words = [le_matchers[0].value] if le_matchers[0].op == "=" else le_matchers[0].value.strip("()^$").split("|")
    bounds = {bound_of(re.sub(r"\\(.)", r"\1", word)) for word in words}
    return bounds.pop() if len(bounds) == 1 and not np.isnan(next(iter(bounds))) else None


def all_bounds(selector: str) -> str:
    """Return the selector without its matcher on ``le``."""
    node = parse(selector)
    assert isinstance(node, Selector)
    return print_query(replace(node, matchers=tuple(matcher for matcher in node.matchers if matcher.name != "le")))


def missing_bound(reader: CounterReader, good: str, total: str) -> bool:
    """Whether some histogram of the total has no bucket that the good selector matches."""

    def groups(selector: str) -> set[tuple[tuple[str, str], ...]]:
        return {
            tuple(sorted((name, value) for name, value in labels.items() if name not in ("le", "__name__")))
            for labels in reader.labels(selector)
        }

    return bool(groups(total) - groups(good))


def counted_to_threshold(
    reader: CounterReader, selector: str, threshold: float, span: TimeRange, slice_ms: int
) -> ThresholdCounts:
    """Count events up to a threshold from all buckets.

    Raises
    ------
    SourceError
        As the source raises it.
    """
    broad = all_bounds(selector)
    reader.also(broad)
    labels, increases = reader.labelled(broad, span, slice_ms)
    return threshold_counts(labels, increases, threshold)


def bucket_warnings(objective: str, threshold: float, between: ThresholdCounts) -> list[str]:
    """Say what is odd about the histograms that a threshold was read from."""
    warnings = []
    if between.bounds != (threshold,):
        bounds = ", ".join(f"{bound:g}" for bound in between.bounds)
        warnings.append(
            f"{objective}: {threshold:g} is no bound of its buckets ({bounds}); the SLI lies between two. "
            "Add a bucket at the threshold."
        )
    if between.layouts > 1:
        warnings.append(f"{objective}: its histograms have {between.layouts} different sets of bounds.")
    if between.repaired:
        warnings.append(f"{objective}: a bucket counted less than the one below it, and was raised to it.")
    return warnings
