"""What to do today: the few things that ask for somebody's time, of all that could."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import pandas as pd

from workbench.core.result import Result

Kind = Literal["source", "alert", "objective", "limit", "budget", "health"]

#: Points a finding starts with; what is unknown hides everything else, what fires disturbs somebody now.
BASE: dict[Kind, float] = {
    "source": 70.0,
    "alert": 60.0,
    "objective": 50.0,
    "health": 45.0,
    "budget": 40.0,
    "limit": 30.0,
}

#: Points of a severity over those of a finding; an unknown one counts as a warning.
SEVERITY: dict[str, float] = {
    "critical": 20.0,
    "page": 20.0,
    "emergency": 20.0,
    "error": 15.0,
    "high": 15.0,
    "warning": 5.0,
    "info": 0.0,
}

#: The most that urgency can add.
TOP_URGENCY = 20.0


@dataclass(frozen=True)
class Finding:
    """Something that may ask for action.

    Attributes
    ----------
    kind : {"source", "alert", "objective", "health", "budget", "limit"}
    system : str
    subject : str
        Identity within the system, e.g. the objective or the name of the alert.
    title, owner, runbook : str
    evidence : str
        The numbers that speak for it, with units.
    severity : str
        As labelled; empty for what has none.
    urgency : float
        How many times over the line it is: burn rate of an objective (1 spends the budget exactly), used share of a
        budget, hours since an alert began, worst value of a limit / limit. [x]
    about : frozenset of frozenset of str
        Values of the labels of each series that it is about, the job left out.
    """

    kind: Kind
    system: str
    subject: str
    title: str
    owner: str
    runbook: str
    evidence: str
    severity: str = ""
    urgency: float = math.nan
    system_title: str = ""
    about: frozenset[frozenset[str]] = frozenset()


@dataclass(frozen=True, eq=False, repr=False)
class TodayList(Result):
    """The findings of the day, the most pressing first.

    Columns of ``frame``:

    ============= =====================================================================
    rank          1 is first [count]
    id            stable, such as ``today/alert``; docs/reference/findings.md (str)
    kind          ``source``, ``alert``, ``objective``, ``health``, ``budget`` or ``limit`` (str)
    system        (str)
    system_title  (str)
    subject       what within the system (str)
    title         (str)
    owner         who answers for it; empty where nobody is named (str)
    runbook       address or name of the instructions (str)
    evidence      the numbers that speak for it, with units (str)
    severity      (str)
    score         see :func:`today` [points]
    ============= =====================================================================
    """

    as_of: datetime
    considered: int


def score(finding: Finding) -> float:
    """Return the points of a finding: ``BASE[kind] + SEVERITY[severity] + urgency``, see :func:`today`. [points]

    Examples
    --------
    >>> objective = Finding("objective", "lab", "availability", "Availability", "SRE", "", "", urgency=3.0)
    >>> score(objective)
    60.0
    """
    severity = SEVERITY.get(finding.severity.lower(), SEVERITY["warning"]) if finding.severity else 0.0
    over = (
        max(finding.urgency, 0.0) if math.isfinite(finding.urgency) else (0.0 if math.isnan(finding.urgency) else 1e9)
    )
    return BASE[finding.kind] + severity + min(5.0 * math.log2(1 + over), TOP_URGENCY)


def today(findings: Iterable[Finding], *, as_of: datetime, count: int = 3) -> TodayList:
    """Choose what to do first.

    Parameters
    ----------
    findings : iterable of Finding
        Everything that may need attention.
    as_of : datetime
        Instant up to which data is read.
    count : int
        How many to show. [count]

    Returns
    -------
    TodayList

    Notes
    -----
    score = base of the kind + points of the severity + min(5 * log2(1 + urgency), 20). The bases order what is
    unlike: a source that is away (nothing is known) 70, a firing alert 60, an objective at risk or missed 50, an
    endpoint that is not well 45, a budget 40, a broken threshold 30; a critical severity adds 20 and a warning 5. The
    logarithm lets a burn rate of 15 outweigh a kind without letting one number drown all. Of equal scores the system
    and the subject decide, so the order never depends on the order of reading. One cause often breaks several
    objectives or thresholds at once; so the first of each system and kind stands before every second one. A budget or
    a threshold whose series an alert fires for is told with that alert, not as an action of its own.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    >>> budget = Finding("budget", "conduit", "vk-1", "Key vk-1", "Platform", "", "94 % of 50 USD", urgency=0.94)
    >>> alert = Finding("alert", "lab", "ServiceDown", "ServiceDown", "SRE", "", "fires since 2 h", "critical", 2.0)
    >>> today([budget, alert], as_of=noon).frame[["rank", "subject"]].values.tolist()
    [[1, 'ServiceDown'], [2, 'vk-1']]
    """
    ordered = _one_per_cause(sorted(findings, key=_place))
    chosen = _spread(ordered, count)
    columns = [
        "rank",
        "id",
        "kind",
        "system",
        "system_title",
        "subject",
        "title",
        "owner",
        "runbook",
        "evidence",
        "severity",
    ]
    rows = [
        {
            **{name: value for name, value in vars(finding).items() if name in columns},
            "rank": rank,
            "id": f"today/{finding.kind}",
            "system_title": finding.system_title or finding.system,
            "score": round(score(finding), 1),
        }
        for rank, finding in enumerate(chosen, start=1)
    ]
    return TodayList(pd.DataFrame(rows, columns=[*columns, "score"]), as_of=as_of, considered=len(ordered))


def _place(finding: Finding) -> tuple[float, str, str, str, str]:
    return -score(finding), finding.system, finding.kind, finding.subject, finding.evidence


def _one_per_cause(ordered: Sequence[Finding]) -> list[Finding]:
    """Put budgets and thresholds into the alert that fires for the same series, the most pressing with its evidence."""
    alerts = {finding: finding for finding in ordered if finding.kind == "alert" and finding.about}
    rest = []
    for finding in ordered:
        own = [alert for alert in alerts if alert.system == finding.system and finding.about <= alert.about]
        if finding.kind not in ("budget", "limit") or not finding.about or not own:
            rest.append(finding)
            continue
        alert = alerts[own[0]]
        if alert is own[0]:
            worse = max(alert, finding, key=lambda part: SEVERITY.get(part.severity.lower(), SEVERITY["warning"]))
            evidence = f"{alert.evidence}; {finding.title}: {finding.evidence}"
            alerts[own[0]] = replace(alert, evidence=evidence, severity=worse.severity)
    return sorted((alerts.get(finding, finding) for finding in rest), key=_place)


def _spread(ordered: Sequence[Finding], count: int) -> list[Finding]:
    seen: Counter[tuple[str, str]] = Counter()
    places = []
    for place, finding in enumerate(ordered):
        places.append((seen[finding.system, finding.kind] > 0, place))
        seen[finding.system, finding.kind] += 1
    return [ordered[place] for _, place in sorted(places)[:count]]
