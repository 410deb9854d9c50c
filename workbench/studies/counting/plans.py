"""What will be read to count an objective, and of which range: said before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench.analysis.counting.counts import Method
from workbench.catalog import Objective, RatioIndicator, RawIndicator
from workbench.catalog.slo.indicators import promql_texts
from workbench.core.errors import WorkbenchError
from workbench.core.timerange import TimeRange
from workbench.promql import ratio_plan, scoped, share_query
from workbench.studies.counting.composites import members_of

#: Slices of objectives that count events. [ms]
SLICE_MS = 300_000


@dataclass(frozen=True)
class Plan:
    """How the counts of an objective are made.

    Attributes
    ----------
    objective : Objective
    span : TimeRange
        Elapsed part of its window, on slice edges.
    slice_ms : int
        [ms]
    selectors : mapping
        Counter selector by part (``good``, ``bad``, ``total``), scope included; empty when a query is evaluated.
    queries : mapping
        Query by part, scope included, to be evaluated once per slice.
    """

    objective: Objective
    span: TimeRange
    slice_ms: int
    selectors: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> Method:
        """Whether events are exact increases, or a ratio is evaluated by PromQL with ``rate`` or ``increase``."""
        ratio = isinstance(self.objective.indicator, RatioIndicator)
        return "extrapolated" if self.queries and ratio else "exact"


def slice_of(objective: Objective) -> int:
    """Length of the slices an objective is counted in. [ms]"""
    return objective.slice_ms or SLICE_MS


def planned(objective: Objective, scope: Mapping[str, str], span: TimeRange) -> Plan:
    """Decide how an objective is counted.

    Raises
    ------
    QueryRejected
        The parts of a ratio of counters cannot be counted in one way, see :func:`workbench.promql.ratio_plan`; a raw
        ratio is no share, see :func:`workbench.promql.share_query`.
    """
    texts = {part: scoped(text, scope) for part, text in promql_texts(objective.indicator).items()}
    indicator, slice_ms = objective.indicator, slice_of(objective)
    if isinstance(indicator, RatioIndicator) and indicator.counter:
        plan = ratio_plan(texts, slice_ms=slice_ms)
        return Plan(objective, span, slice_ms, selectors=plan.selectors, queries=plan.queries)
    if isinstance(indicator, RawIndicator):
        texts = {part: share_query(text) for part, text in texts.items()}
    return Plan(objective, span, slice_ms, queries=texts)


def plans_of(
    objectives: Sequence[Objective], scope: Mapping[str, str], spans: Mapping[str, TimeRange]
) -> tuple[dict[str, Plan], dict[str, WorkbenchError]]:
    """Say what will be read for objectives, before anything is.

    Parameters
    ----------
    objectives : sequence of Objective
        The objectives to count.
    scope : mapping of str to str
        Matchers of the system.
    spans : mapping of str to TimeRange
        Elapsed part of the window of each objective, on edges of its slices.

    Returns
    -------
    plans : dict of str to Plan
        By objective, or by member of a composite.
    refused : dict of str to WorkbenchError
        Those that cannot be counted, and why.
    """
    plans: dict[str, Plan] = {}
    refused: dict[str, WorkbenchError] = {}
    for objective in objectives:
        for part in members_of(objective):
            try:
                plans[part.id] = planned(part, scope, spans[objective.id])
            except WorkbenchError as error:
                refused[part.id] = error
    return plans, refused
