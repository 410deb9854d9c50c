"""The state of the sources behind all numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from workbench.core.result import Result
from workbench.core.source import SourceFact, SourceState

#: A source whose newest sample is older than this is called stale. [s]
STALE_AFTER_S = 900.0


@dataclass(frozen=True, eq=False, repr=False)
class SourceStates(Result):
    """What each source is and whether it answers; one row per source.

    Columns of ``frame``: ``name``, ``kind``, ``location`` (never with credentials), ``status`` (``ok``, ``no_data``,
    ``unavailable``, ``refused``), ``engine``, ``semantics`` (str), ``newest`` (time of the newest sample, NaT when
    unknown) [UTC], ``age_s`` (``as_of`` - ``newest``) [s], ``stale`` (older than a quarter of an hour, bool),
    ``systems`` (names, comma-separated; ``all`` for any) and ``detail`` (str), ``exit_code`` (0 when it answers).
    """

    as_of: datetime


def source_table(
    states: Sequence[SourceState], *, serves: Mapping[str, Sequence[str]], as_of: datetime
) -> SourceStates:
    """Tabulate the states of the sources.

    Parameters
    ----------
    states : sequence of SourceState
        What each source answered last.
    serves : mapping of str to sequence of str
        Systems each source answers for; empty means all.
    as_of : datetime
        Instant the age is counted to.

    Returns
    -------
    SourceStates
    """
    rows = []
    for state in states:
        # Pages ask as of a rounded instant, so the newest sample may be a little younger than "now".
        age_s = max(0.0, (as_of - state.newest).total_seconds()) if state.newest is not None else float("nan")
        rows.append(
            {
                "name": state.name,
                "kind": state.kind,
                "location": state.location,
                "status": state.status,
                "engine": state.engine,
                "semantics": state.semantics,
                "newest": state.newest,
                "age_s": age_s,
                "stale": age_s > STALE_AFTER_S,
                "systems": ", ".join(serves.get(state.name, ())) or "all",
                "detail": state.detail,
                "exit_code": state.exit_code,
            }
        )
    columns = [
        "name",
        "kind",
        "location",
        "status",
        "engine",
        "semantics",
        "newest",
        "age_s",
        "stale",
        "systems",
        "detail",
        "exit_code",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    frame["newest"] = pd.to_datetime(frame["newest"], utc=True).dt.as_unit("ms")
    return SourceStates(frame, as_of=as_of)


@dataclass(frozen=True, eq=False, repr=False)
class SourceChecks(Result):
    """What a check of the sources found; one row per finding.

    Columns of ``frame`` (str): ``source``, ``id`` (stable, docs/reference/findings.md), ``check`` (``clock``,
    ``encryption``, ``oldest``, ``limits``, ``permissions``, ``differs``, ``profile``), ``status`` (``ok``, ``warning``,
    ``unknown``) and ``text``.
    """

    @property
    def warnings(self) -> int:
        """Findings that ask for something. [count]"""
        return int((self.frame["status"] == "warning").sum())


def check_table(facts: Sequence[SourceFact]) -> SourceChecks:
    """Tabulate findings, those that ask for something first within a source.

    Examples
    --------
    >>> found = [SourceFact("a", "clock", "ok", "Right."), SourceFact("a", "profile", "warning", "Lacks x.")]
    >>> table = check_table(found)
    >>> table.frame["check"].tolist(), table.warnings
    (['profile', 'clock'], 1)
    """
    order = {"warning": 0, "unknown": 1, "ok": 2}
    names = list(dict.fromkeys(fact.source for fact in facts))
    rows = sorted(facts, key=lambda fact: (names.index(fact.source), order[fact.status]))
    columns = ["source", "id", "check", "status", "text"]
    frame = pd.DataFrame([{**vars(fact), "id": f"sources/{fact.check}"} for fact in rows], columns=columns)
    return SourceChecks(frame)
