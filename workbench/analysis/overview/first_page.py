"""The findings of a report: the answers, what was missed and why, the decisions, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from workbench.analysis.overview.answers import answers
from workbench.analysis.overview.reasons import decisions, missed, unknowns, unpriced
from workbench.analysis.overview.statements import Statement
from workbench.core.result import Result, Study
from workbench.core.timerange import TimeRange

#: Periods that a spark line shows, this one included. [count]
PERIODS = 12


@dataclass(frozen=True, eq=False, repr=False)
class PeriodFigures(Result):
    """The leading figure of each question, period by period, oldest first; the last is the period of the report.

    Columns of ``frame``:

    ======== ===========================================================================================
    question ``slo``, ``performance``, ``cost``, ``quality``, ``capacity`` or ``alerts`` (str)
    title    what is counted, with its unit in words (str)
    period   name, such as ``2026-10`` (str)
    start    first instant [UTC]
    value    NaN where nothing is known [``unit``]
    unit     ``count``, ``ratio``, a currency or another unit (str)
    coverage observed share of the period [ratio]
    change   how two periods are compared: ``count``, ``ratio``, ``points`` or ``level`` (str)
    good     ``up``, ``down`` or empty: which way is better (str)
    ======== ===========================================================================================
    """


FIGURE_COLUMNS = ["question", "title", "period", "start", "value", "unit", "coverage", "change", "good"]


@dataclass(frozen=True, eq=False, repr=False)
class ReportFindings(Result):
    """The sentences of a report with their figures; answers first, then what was missed, decisions, what is not known.

    Columns of ``frame``: ``id`` (``report/slo/missed``; docs/reference/findings.md), ``part`` (``answer``, ``missed``,
    ``cause``, ``cost``, ``decision``, ``unknown``), ``question``, ``text``, ``change``, ``status``, ``owner`` (str),
    ``coverage`` [ratio], ``weight`` [points], ``facts`` (the figures that stand in the sentence, unrounded).
    """

    system: str
    title: str
    owner: str
    period: str
    range: TimeRange
    as_of: datetime
    newest: datetime | None = None

    @property
    def order(self) -> tuple[str, ...]:
        """The questions, the one that matters most first."""
        own = self.frame[self.frame["part"] == "answer"].sort_values("weight", ascending=False, kind="stable")
        return tuple(own["question"])


def report_findings(
    studies: Mapping[str, Study],
    periods: PeriodFigures,
    *,
    system: str,
    title: str,
    owner: str,
    period: str,
    range: TimeRange,
    as_of: datetime,
    newest: datetime | None = None,
    spend: pd.DataFrame | None = None,
) -> ReportFindings:
    """Say what a report has to say, in sentences.

    Parameters
    ----------
    studies : mapping of str to Study
        By the name of the study: the answers of one system over one period.
    periods : PeriodFigures
        Figures of the period and of the one before.
    system, title, owner : str
        Whose report it is, and who decides where an objective or rule names nobody.
    period : str
        Name of the period.
    range : TimeRange
        Period to read, without its end.
    as_of : datetime
        Instant up to which data is read.
    newest : datetime, optional
        Newest sample that was read.
    spend : DataFrame, optional
        Columns :data:`~workbench.analysis.overview.reasons.EPISODE_SPEND`: money spent in the top episode of each
        missed objective.

    Returns
    -------
    ReportFindings
    """
    statements: list[Statement] = answers(studies, periods.frame)
    if (study := studies.get("slo_compliance")) is not None:
        statements += missed(study.results["compliance"].frame, studies.get("slo_attribution"), spend)
    statements += decisions(studies, owner=owner)
    statements += unknowns(studies, periods.frame)
    if study is not None and spend is not None:
        statements += unpriced(study.results["compliance"].frame, spend)
    columns = ["id", "part", "question", "text", "change", "status", "owner", "coverage", "weight", "facts"]
    rows: list[dict[str, Any]] = [{name: getattr(sentence, name) for name in columns} for sentence in statements]
    frame = pd.DataFrame(rows, columns=columns)
    notes = tuple(dict.fromkeys(text for study in studies.values() for text in study.warnings))
    return ReportFindings(
        frame,
        system=system,
        title=title,
        owner=owner,
        period=period,
        range=range,
        as_of=as_of,
        newest=newest,
        notes=notes,
    )
