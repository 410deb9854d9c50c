"""How rules count a composite: the counts of its members, each told apart by a label, made one as we do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from workbench.catalog import CompositeIndicator, Objective, RecordsIndicator
from workbench.catalog.rules.generated import WINDOW, Counted
from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange, duration_text
from workbench.studies.authoring.counted import counted_by, counted_of
from workbench.studies.counting.composites import members_of
from workbench.studies.counting.plans import planned, slice_of


def composed_by(objective: Objective, scope: Mapping[str, str], span: TimeRange) -> Counted:
    """Return how rules count a composite, from how they count its members.

    Parameters
    ----------
    objective : Objective
        A composite.
    scope : mapping of str to str
        Matchers of the system.
    span : TimeRange
        Its window.

    Raises
    ------
    ParameterError
        A member counts log lines or spans, or each sample of a threshold, which Prometheus cannot do.
    QueryRejected
        As for :func:`workbench.studies.counting.plans.planned`.

    Notes
    -----
    Members are joined by ``or``, each under a label of its own, so that one without samples has no say, as in
    :func:`workbench.analysis.slo.composite.composite_events`. Occurrences: weighted counts are added. Timeslices: the
    worst
    member counts. RatioTimeslices: weighted shares are added and end at 1, or are a weighted mean.
    """
    assert isinstance(objective.indicator, CompositeIndicator)
    for member in objective.indicator.members:
        if isinstance(member.indicator, RecordsIndicator):
            raise ParameterError(
                f"Its member {member.name} counts {member.indicator.kind}, which Prometheus cannot evaluate.",
                hint="Write the other members as SLOs of their own to have rules for them.",
            )
    members = [counted_by(planned(member, scope, span)) for member in members_of(objective)]
    weights = [member.weight for member in objective.indicator.members]
    if objective.method == "occurrences":
        sliced = any(member.slice_ms for member in members)
        length = duration_text(slice_of(objective))
        if sliced:
            members = [
                replace(member, total=member.total.replace(WINDOW, length), bad=member.bad.replace(WINDOW, length))
                for member in members
            ]
        total, bad = (_over("sum", _weighed(weights, texts)) for texts in _texts(members))
        return counted_of(objective, total, bad, slice_of(objective) if sliced else None)
    totals, bads = _texts(members)
    total = _over("max", totals)
    if objective.method == "timeslices":
        return counted_of(objective, total, _over("max", bads), slice_of(objective))
    bad = _over("sum", _weighed(weights, bads))
    if objective.indicator.weights == "sum":
        return counted_of(objective, total, f"clamp_max({bad}, 1)", slice_of(objective))
    present = _over("sum", _weighed(weights, totals))
    return counted_of(objective, total, f"({bad} / ({present} > 0) or 0 * {total})", slice_of(objective))


def _texts(members: Sequence[Counted]) -> tuple[list[str], list[str]]:
    return [member.total for member in members], [member.bad for member in members]


def _weighed(weights: Sequence[Decimal], texts: Sequence[str]) -> list[str]:
    return [text if weight == 1 else f"{weight:f} * ({text})" for weight, text in zip(weights, texts, strict=True)]


def _over(operation: str, texts: Sequence[str]) -> str:
    named = [f'label_replace({text}, "member", "{place}", "", "")' for place, text in enumerate(texts)]
    return f"{operation}({' or '.join(named)})"
