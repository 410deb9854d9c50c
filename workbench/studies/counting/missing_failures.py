"""Failures that stopped being counted: the label that marks them is gone, or their series ended for good."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workbench.core.series import Labels, Metrics, SeriesSet
from workbench.core.timerange import from_ms
from workbench.core.units import instant_text, significant_text
from workbench.promql import Selector, keep_series, parse, print_query
from workbench.promql.parser.nodes import walk
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


def watched_slices(part: str, total: str, answer_of: Callable[[str], Metrics]) -> NDArray[np.bool_]:
    """Tell in which slices the jobs that count a part were up, where other jobs count the whole.

    Parameters
    ----------
    part, total : str
        Queries that are evaluated as they are, so a part without series counts as nothing.
    answer_of : callable
        Values of a query at the end of each slice.

    Returns
    -------
    bool array, length n_slices
        Without ``up`` of the jobs a slice is unwatched after their last sample.
    """
    counted = {text: _jobs(text, answer_of) for text in (part, total)}
    known = np.ones(len(answer_of(total).times), np.bool_)
    jobs = set(counted[part]) - {""}
    if not jobs or "" in counted[part] or jobs & set(counted[total]):
        return known
    matcher = "|".join(re.escape(job) for job in sorted(jobs))
    up = answer_of(f"max by (job) (up{{job=~{json.dumps(matcher)}}})")
    alive = {labels["job"]: (up.present & (up.values == 1.0))[row] for row, labels in enumerate(up.labels)}
    for job in sorted(jobs):
        seen = counted[part][job]
        if job in alive:
            known &= alive[job] | seen
        elif seen.any():
            known &= np.arange(len(seen)) <= np.flatnonzero(seen)[-1]
    return known


def _jobs(query: str, answer_of: Callable[[str], Metrics]) -> dict[str, NDArray[np.bool_]]:
    """Jobs whose series a query reads, and the slices in which they have any."""
    jobs: dict[str, NDArray[np.bool_]] = {}
    for node in walk(parse(query)):
        if isinstance(node, Selector):
            answer = answer_of(f"count by (job) ({print_query(replace(node, range_ms=None, offset_ms=0, at=None))})")
            for row, labels in enumerate(answer.labels):
                job = labels.get("job", "")
                jobs[job] = jobs[job] | answer.present[row] if job in jobs else answer.present[row]
    return jobs


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
    ended_ms, until_ms = bad.newest_ms, reader.samples(total).newest_ms
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
