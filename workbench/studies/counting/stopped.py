"""Failures that stopped being counted: the label that marks them is gone, or their series ended for good."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.core.series import Labels, SeriesSet
from workbench.core.timerange import from_ms
from workbench.core.units import instant_text, significant_text
from workbench.promql import Selector, keep_series, parse
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.plans import Plan

#: No failure among many requests is believed when chance explains it more often than once in a thousand times.
_UNLIKELY = math.log(1_000)

#: In a slice with more events than this part without the label, failures are unknown. [ratio]
_UNLABELLED = 0.5

#: A label that is missing in more than this part of the slices is one that only some events have. [ratio]
_OPTIONAL = 0.9


def labelled_slices(plan: Plan, reader: CounterReader) -> NDArray[np.bool_]:
    """Tell in which slices the counter of all events has the label that marks the failures among them.

    A counter that is renamed or exposed anew without the label goes on counting events, and no failures. Slices in
    which most events lack a label that good and bad events have at other times are not observed.

    Parameters
    ----------
    plan : Plan
        With selectors of a part and of ``total``.
    reader : CounterReader
        That reads both.

    Returns
    -------
    bool array, length n_slices
    """
    texts = plan.selectors
    part = parse(_part(plan))
    whole = parse(texts["total"])
    known = np.ones(len(plan.span.edges_ms(plan.slice_ms)) - 1, np.bool_)
    if not isinstance(part, Selector) or not isinstance(whole, Selector) or part.name != whole.name:
        return known
    marking = {matcher.name for matcher in part.matchers} - {matcher.name for matcher in whole.matchers} - {"le"}
    if not marking:
        return known
    labels = reader.labels(texts["total"])
    bare = np.array([any(not row.get(name) for name in marking) for row in labels], np.bool_)
    if not bare.any() or not (~bare & ~_failures(plan, labels)).any():
        return known
    counts = reader.labelled(texts["total"], plan.span, plan.slice_ms)[1]
    events = counts.sum(axis=0)
    unknown = counts[bare].sum(axis=0) > _UNLABELLED * events
    return known if unknown.sum() > _OPTIONAL * (events > 0).sum() else ~unknown


def stopped_failures(plan: Plan, reader: CounterReader) -> list[str]:
    """Warn when the series of failures ended and many events followed without any failure.

    Parameters
    ----------
    plan : Plan
        With selectors of a part and of ``total``.
    reader : CounterReader
        That reads both.

    Notes
    -----
    With a share p of failures until their series ended, n events after it have none by chance with the probability
    ``exp(-n p)``; the warning is given below 1 in 1,000.
    """
    bad, total = reader.samples(plan.selectors.get("bad", plan.selectors["total"])), plan.selectors["total"]
    if "bad" not in plan.selectors:
        bad = SeriesSet.of(row for row, failed in zip(bad, _failures(plan, bad.labels), strict=True) if failed)
    ended_ms, until_ms = _newest_ms(bad), _newest_ms(reader.samples(total))
    edges = np.asarray(plan.span.edges_ms(plan.slice_ms), np.int64)
    after = edges[:-1] >= ended_ms
    if not bad.samples or ended_ms >= until_ms or not after.any() or after.all():
        return []
    events, part = (reader.counts(text, plan.span, plan.slice_ms).per_slice for text in (total, _part(plan)))
    failed = part if "bad" in plan.selectors else events - part
    before, since = float(events[~after].sum()), float(events[after].sum())
    share = float(failed[~after].sum()) / before if before else 0.0
    if share * since < _UNLIKELY:
        return []
    return [
        f"{plan.objective.id}: Doubtful: no failure is counted since {instant_text(from_ms(ended_ms))}, when its "
        f"series ended; {significant_text(share * since)} in {significant_text(since)} events would be usual. "
        "Check whether their metric or labels were renamed."
    ]


def _part(plan: Plan) -> str:
    return next(text for name, text in plan.selectors.items() if name != "total")


def _failures(plan: Plan, labels: Sequence[Labels]) -> NDArray[np.bool_]:
    """Tell which series of the total are failures."""
    part = parse(_part(plan))
    failed = np.full(len(labels), "bad" not in plan.selectors)
    if isinstance(part, Selector):
        failed[keep_series(part.all_matchers, labels)] = "bad" in plan.selectors
    return failed


def _newest_ms(series: SeriesSet) -> int:
    return int(series.times[np.isfinite(series.values)].max(initial=0)) if series.samples else 0
