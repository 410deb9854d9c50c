"""What was looked at before a board says that nothing needs attention, and what could not be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pandas as pd

from workbench.core.result import Result
from workbench.core.units import instant_text

Clause = Literal["objective", "alert", "limit", "budget"]

#: Clause -> what is counted (one, several), and what is said of it when nothing is wrong with any.
_CLEAR: Mapping[str, tuple[str, str, str]] = {
    "objective": ("objective", "objectives", "on track"),
    "alert": ("alert rule", "alert rules", "quiet"),
    "limit": ("threshold", "thresholds", "kept"),
    "budget": ("budget", "budgets", "within limits"),
}

#: Clause -> the next step where a system has nothing of the kind.
_NEXT: Mapping[str, str] = {
    "objective": "no objective yet: `workbench slo draft {system}`",
    "alert": "no alert rule known: list `alert_rules` in its profile, or `workbench slo rules {system}` writes some",
    "limit": "no threshold: add `thresholds` to its profile",
    "budget": "no budget measured",
}

#: Clauses whose absence is worth a step; not every system has budgets.
_WANTED: tuple[Clause, ...] = ("objective", "alert")


@dataclass(frozen=True)
class Looked:
    """How much of one kind a system has, how much of it was read, and how much of that was observed in part. [count]"""

    system: str
    system_title: str
    clause: Clause
    known: int
    read: int
    partly: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class Evidence(Result):
    """What was looked at; one row per system and kind.

    Columns of ``frame``: ``system``, ``system_title``, ``clause`` (``objective``, ``alert``, ``limit``, ``budget``)
    (str), ``known`` (how many there are), ``read`` (of how many the state is known) and ``partly`` (of
    these, observed for too little of their time) [count].
    """

    as_of: datetime
    newest: datetime | None = None

    def clear(self) -> str:
        """Say of what nothing is wrong; empty where nothing was read."""
        return clear_sentence(self.frame, newest=self.newest)

    def unread(self) -> tuple[str, ...]:
        """Say what was not looked at, a sentence each, with the next step."""
        return unread_sentences(self.frame)


def evidence(looked: Iterable[Looked], *, as_of: datetime, newest: datetime | None = None) -> Evidence:
    """Gather what was looked at.

    Parameters
    ----------
    looked : iterable of Looked
        What was looked at, per question and system.
    as_of : datetime
        Instant up to which data is read.
    newest : datetime, optional
        Newest data behind it.
    """
    columns = ["system", "system_title", "clause", "known", "read", "partly"]
    counts = {"known": int, "read": int, "partly": int}
    frame = pd.DataFrame([vars(look) for look in looked], columns=columns).astype(counts)
    return Evidence(frame, as_of=as_of, newest=newest)


def clear_sentence(frame: pd.DataFrame, *, newest: datetime | None = None) -> str:
    """Say of what nothing is wrong, each clause only where that was read.

    Examples
    --------
    >>> rows = [("gw", "Gateway", "objective", 2, 2), ("gw", "Gateway", "alert", 5, 0)]
    >>> frame = pd.DataFrame(rows, columns=["system", "system_title", "clause", "known", "read"])
    >>> clear_sentence(frame)
    'Nothing needs attention among what was read: 2 objectives on track.'
    """
    read = frame.groupby("clause")["read"].sum() if len(frame) else {}
    partly = frame.groupby("clause")["partly"].sum().to_dict() if "partly" in frame else {}
    shares = {clause: f" ({int(count)} observed in part)" if count else "" for clause, count in partly.items()}
    parts = [
        f"{int(read[clause])} {singular if read[clause] == 1 else several} {predicate}{shares.get(clause, '')}"
        for clause, (singular, several, predicate) in _CLEAR.items()
        if clause in read and read[clause] > 0
    ]
    if not parts:
        return ""
    whole = not unread_sentences(frame)
    head = "Nothing needs attention" if whole else "Nothing needs attention among what was read"
    data = f" (data to {instant_text(newest)})" if newest is not None else ""
    return f"{head}: {', '.join(parts)}{data}."


def unread_sentences(frame: pd.DataFrame) -> tuple[str, ...]:
    """Say what a system lacks or what could not be read of it."""
    sentences = []
    for row in frame.itertuples():
        clause, title = str(row.clause), str(row.system_title)
        singular, several, _ = _CLEAR[clause]
        known, read = int(row.known), int(row.read)
        if known == 0 and clause in _WANTED:
            sentences.append(f"{title}: {_NEXT[clause].format(system=row.system)}.")
        elif read < known:
            what = f"{known - read} of {known} {several}" if known > 1 else f"its {singular}"
            sentences.append(f"{title}: {what} could not be read.")
    return tuple(sentences)


def quiet_sentence(frame: pd.DataFrame) -> str:
    """Say that no alert fires where alerts were read, else that it is not known.

    Examples
    --------
    >>> quiet_sentence(pd.DataFrame({"clause": ["alert"], "known": [5], "read": [0]}))
    'Not known: 5 alert rules could not be read.'
    """
    mine = frame[frame["clause"] == "alert"]
    known, read = int(mine["known"].sum()), int(mine["read"].sum())
    rules = f"{known} alert {'rule' if known == 1 else 'rules'}"
    if not known:
        return "Not known: no system has an alert rule."
    if read < known:
        return f"Not known: {known - read if read else known} {rules.partition(' ')[2]} could not be read."
    return f"No alert fires ({rules} read)."
