"""The one judge: counts of indicators, less what is excluded, held against their objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from workbench.analysis.counting.counts import Counts
from workbench.analysis.counting.events import joined_events
from workbench.analysis.counting.history import History, histories
from workbench.analysis.slo.compliance import ComplianceResult, compliance
from workbench.analysis.slo.exclusions import (
    Exclusion,
    ExclusionEffect,
    ExclusionWindows,
    exclusion_effect,
    exclusion_windows,
    without_excluded,
)
from workbench.analysis.slo.objective import Goal
from workbench.core.result import Status, worst


@dataclass(frozen=True, eq=False)
class Verdict:
    """Objectives over their periods, judged by what was counted.

    Attributes
    ----------
    counts : mapping of str to Counts
        By objective, exclusions not applied.
    bound : tuple of Goal
        Objectives bound to their periods, exclusions not applied.
    exclusions : mapping of str to sequence of Exclusion
        By objective.
    as_of : datetime
    goals : tuple of Goal
        Objectives bound to their periods, less what is excluded.
    history : mapping of str to History
        Counts less what is excluded, by objective.
    compliance : ComplianceResult
        By these counts.
    """

    counts: Mapping[str, Counts]
    bound: tuple[Goal, ...]
    exclusions: Mapping[str, Sequence[Exclusion]]
    as_of: datetime
    goals: tuple[Goal, ...]
    history: Mapping[str, History]
    compliance: ComplianceResult

    @cached_property
    def without_exclusions(self) -> ComplianceResult:
        """Compliance as it would be if nothing were excluded."""
        if not self.exclusions:
            return self.compliance
        return judge(list(self.counts.values()), self.bound, {}, as_of=self.as_of).compliance

    @property
    def status(self) -> Status:
        """The worst status of all objectives."""
        return worst(list(self.compliance.frame["status"]))

    @property
    def coverage(self) -> float:
        """The least observed share of all objectives; NaN without any. [ratio]"""
        return float(self.compliance.frame["coverage"].min())

    def exclusion_effect(self) -> ExclusionEffect:
        """Figures with and without exclusions."""
        return exclusion_effect(
            self.compliance, self.without_exclusions, self.bound, self.exclusions, as_of=self.as_of
        )  # fmt: skip

    def exclusion_windows(self) -> ExclusionWindows:
        """Windows that are excluded."""
        return exclusion_windows(self.bound, self.exclusions, as_of=self.as_of)


def judge(
    counts: Sequence[Counts],
    goals: Sequence[Goal],
    exclusions: Mapping[str, Sequence[Exclusion]],
    *,
    as_of: datetime,
    assumptions: Sequence[str] = (),
) -> Verdict:
    """Judge objectives by what was counted, less what is excluded.

    Parameters
    ----------
    counts : sequence of Counts
        Of each objective; one that is not among them has no data.
    goals : sequence of Goal
        Objectives bound to their periods.
    exclusions : mapping of str to sequence of Exclusion
        By objective.
    as_of : datetime
        Aware instant up to which history is known; later slices are left out.
    assumptions : sequence of str
        What the objectives take for granted; added to the notes of the compliance.

    Returns
    -------
    Verdict

    Raises
    ------
    FrameError
        A count is negative, NaN or infinite.

    Notes
    -----
    Every surface calls this function with the same :class:`~workbench.analysis.counting.counts.Counts`: the page, the
    command, the notebook, the report, the issued report, its reproduction and the overview, live or from stored counts.

    Examples
    --------
    >>> import numpy as np
    >>> from datetime import UTC
    >>> from decimal import Decimal
    >>> from workbench.analysis.counting.events import slice_events
    >>> from workbench.core.timerange import TimeRange
    >>> one, span = np.ones(1), TimeRange.from_ms(0, 300_000)
    >>> between = slice_events("latency", [0, 300_000], good=96 * one, total=100 * one, covered=one,
    ...                        bounds=(94 * one, 97 * one))
    >>> counts = Counts("latency", span, 300_000, between)
    >>> judge([counts], [Goal("latency", "Latency", Decimal("0.95"), span)], {}, as_of=span.end).status
    'refused'
    """
    known = {part.objective: part for part in counts}
    bound = tuple(
        replace(goal, method=known[goal.objective].method) if goal.objective in known else goal for goal in goals
    )
    events, left = without_excluded(joined_events([part.events for part in known.values()]), bound, exclusions)
    history = histories(events)
    failures = {name: part.failure for name, part in known.items() if part.failure is not None}
    result = compliance(history, left, as_of=as_of, unanswered=failures)
    return Verdict(
        counts=known,
        bound=bound,
        exclusions=exclusions,
        as_of=as_of,
        goals=tuple(left),
        history=history,
        compliance=replace(result, notes=(*result.notes, *assumptions)),
    )
