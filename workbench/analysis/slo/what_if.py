"""What would have been with another target or another threshold: the same counts, judged anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

import pandas as pd

from workbench.analysis.counting.counts import Counts
from workbench.analysis.slo.exclusions import Exclusion
from workbench.analysis.slo.objective import Goal
from workbench.analysis.slo.verdict import judge
from workbench.core.result import Result

#: Targets tried when none is given. [ratio]
TARGETS = tuple(map(Decimal, ("0.9", "0.95", "0.98", "0.99", "0.995", "0.998", "0.999", "0.9995", "0.9999")))


@dataclass(frozen=True, eq=False, repr=False)
class WhatIf(Result):
    """Compliance under other targets and thresholds; one row per objective, threshold and target.

    Columns of ``frame``:

    ================= =====================================================================================
    objective         identity (str)
    threshold         threshold tried, as text; empty for the one of the definition (str)
    target            target tried [ratio]
    as_defined        whether this is the objective as it is defined today (bool)
    status            as of :class:`~workbench.analysis.slo.compliance.ComplianceResult`
    sli               [ratio]
    bad, total        [events or slices]
    budget_left_ratio of the budget of the whole period [ratio]
    burn_rate         [x]
    exhausted_at      when the budget of the window ran out, or would [UTC]
    starter           the measured SLI rounded down to two digits behind the nines: a target to start with [ratio]
    ================= =====================================================================================
    """

    as_of: datetime


COLUMNS = ["objective", "threshold", "target", "as_defined", "status", "sli", "bad", "total", "budget_left_ratio",
           "burn_rate", "exhausted_at", "starter"]  # fmt: skip


def what_if(
    variants: Mapping[str, Counts],
    goal: Goal,
    exclusions: Mapping[str, Sequence[Exclusion]],
    *,
    as_of: datetime,
    targets: Sequence[Decimal] = TARGETS,
) -> WhatIf:
    """Judge the counts of one objective under other targets, and under other thresholds where their counts are given.

    Parameters
    ----------
    variants : mapping of str to Counts
        Counts of the objective by threshold; those of the definition under the empty text.
    goal : Goal
        The objective bound to its period.
    exclusions : mapping of str to sequence of Exclusion
        By objective.
    as_of : datetime
        Instant up to which data is read.
    targets : sequence of Decimal
        The target of the definition is tried in any case. [ratio]

    Raises
    ------
    ParameterError
        A target is not inside (0, 1).

    Notes
    -----
    A starter is the SLI rounded down to two significant digits of what is bad, as The Site Reliability Workbook
    (ch. 2) advises: 97.123 % gives 97 %, 99.8765 % gives 99.87 %.

    Examples
    --------
    >>> starter(0.97123), starter(0.998765), starter(1.0)
    (Decimal('0.97'), Decimal('0.9987'), None)
    """
    rows = []
    for threshold, counts in variants.items():
        for target in sorted({*targets, goal.target}):
            verdict = judge([counts], [replace(goal, target=target)], exclusions, as_of=as_of)
            judged = verdict.compliance.frame.iloc[0]
            rows.append(
                {
                    "objective": goal.objective,
                    "threshold": threshold,
                    "target": float(target),
                    "as_defined": not threshold and target == goal.target,
                    **{name: judged[name] for name in COLUMNS[4:11]},
                    "budget_left_ratio": judged["period_left_ratio"],
                    "starter": float(starter(judged["sli"]) or "nan"),
                }
            )
    return WhatIf(pd.DataFrame(rows, columns=COLUMNS), as_of=as_of)


def starter(sli: float) -> Decimal | None:
    """Target to start with: the SLI rounded down to two significant digits of its bad share; None without one."""
    if not 0 < sli < 1:
        return None
    measured = Decimal(repr(float(sli)))
    bad = 1 - measured
    digits = -bad.adjusted() + (0 if bad.adjusted() == -2 else 1)
    rounded = measured.quantize(Decimal(1).scaleb(-max(digits, 1)), rounding=ROUND_FLOOR)
    return rounded if 0 < rounded < 1 else None
