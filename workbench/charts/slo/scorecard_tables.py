"""The scorecard as text and as a table of coloured cells: an objective a row, a period a column."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import pandas as pd

from workbench.analysis.slo.compliance import COVERAGE_FLOOR
from workbench.charts.tables import EMPTY, Sentence, status_badge, status_word
from workbench.charts.theme import PARTLY
from workbench.core.foreign_text import markup
from workbench.core.result import Result
from workbench.core.units import NO_VALUE, ratio_text, target_text

By = Literal["system", "owner"]

#: Below this observed share of a period its cell says how much was observed. [ratio]
_WHOLE = 0.99

#: Below this observed share of a period nothing is judged: its figures would be those of a shorter time. [ratio]
_LEAST = 0.01

#: Used-up budgets that the finding names. [count]
MOST = 3


def scorecard_rows(result: Result, *, by: By = "system") -> list[dict[str, str]]:
    """One row of text per objective: SLI, share of the budget that was spent, and status of each period.

    Parameters
    ----------
    result : Scorecard
        Objectives over several months.
    by : {"system", "owner"}
        What rows are put together by.
    """
    periods = known_periods(result.frame)
    rows = []
    for _, title, own in _objectives(result.frame, by):
        cells = {str(row.period): cell_text(row, vars(result)["as_of"]) for row in own.itertuples()}
        last = own.iloc[-1]
        front = {"system": str(last["system_title"]), "owner": str(last["owner"]) or NO_VALUE}
        rows.append(front | {"objective": title} | {name: cells.get(name, NO_VALUE) for name in periods})
    return rows


def scorecard_finding(result: Result) -> Sentence:
    """Say which objectives used up the budget of which periods."""
    judged = judged_rows(result.frame)
    if judged.empty:
        return Sentence("No objective could be judged in any of these periods.")
    missed = judged[judged["status"] == "spent"].sort_values(["start", "period_left_ratio"], ascending=[False, True])
    names = [
        f"{row.title} of {row.system_title} in {row.period} ({spent_text(row)})" for row in missed[:MOST].itertuples()
    ]
    more = f" and {len(missed) - MOST} more" if len(missed) > MOST else ""
    budgets = f"{len(missed)} of {len(judged)} budgets {'was' if len(missed) == 1 else 'were'} used up"
    text = f"{budgets}: {', '.join(names)}{more}." if names else f"No budget was used up, of {len(judged)}."
    partly = int((judged["coverage"] < COVERAGE_FLOOR).sum())
    verb, whose = ("was", "its") if partly == 1 else ("were", "their")
    seen = f"{partly} {verb} observed for less than nine tenths of {whose} period."
    return Sentence(f"{text} {seen}" if partly else text)


def judged_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the objectives and periods with figures, of which more than almost nothing was observed."""
    return frame[frame["sli"].notna() & ~(frame["coverage"] < _LEAST)]


def _judged(row: Any) -> bool:
    return bool(row.sli == row.sli and not row.coverage < _LEAST)


def _word(row: Any) -> str:
    return status_word(row.status, row.coverage) if row.sli != row.sli or _judged(row) else PARTLY


def known_periods(frame: pd.DataFrame) -> list[str]:
    """Name the periods of a scorecard, from the first on of which anything is known; all where nothing is."""
    known = frame.loc[frame["sli"].notna() | ~frame["status"].isin(["no_data"]), "start"]
    shown = frame[frame["start"] >= known.min()] if len(known) else frame
    return list(dict.fromkeys(shown.sort_values("start")["period"]))


def _objectives(frame: pd.DataFrame, by: By) -> Iterator[tuple[str, str, pd.DataFrame]]:
    group = "system_title" if by == "system" else "owner"
    for name, part in frame.groupby(group, sort=False):
        for (_, _), own in part.groupby(["system", "objective"], sort=False):
            yield str(name), str(own["title"].iloc[-1]), own.sort_values("start")


def spent_text(row: Any) -> str:
    """Share of the error budget that was spent; no value where nothing was judged."""
    left = float(row.period_left_ratio)
    return NO_VALUE if left != left else f"{ratio_text(1 - left, digits=0)} spent"


def basis_text(row: Any, as_of: datetime) -> str:
    """Say whether figures are issued, revised or counted, whether a period runs, and how much of it was observed."""
    basis = "counted" if row.basis == "counted" else "issued" if row.number == 1 else f"revision {row.number}"
    basis += " so far" if row.end > as_of else ""
    little = row.coverage == row.coverage and row.coverage < _WHOLE
    share = ratio_text(row.coverage, digits=0)
    return f"{basis}, {share}{'' if _word(row) == PARTLY else ' observed'}" if little else basis


def cell_text(row: Any, as_of: datetime) -> str:
    """Write one cell in one line: ``99.832 %, 168 % spent, Budget spent (issued)``; fresh counts have no note."""
    basis = basis_text(row, as_of)
    note = "" if basis == "counted" else f" ({basis.removeprefix('counted, ')})"
    word = _word(row)
    return f"{word}{note}" if not _judged(row) else f"{ratio_text(row.sli)}, {spent_text(row)}, {word}{note}"


class ScorecardTable:
    """A scorecard that renders itself, grouped by system or by owner."""

    def __init__(self, result: Result, *, by: By = "system") -> None:
        self.result, self.by = result, by

    def _repr_html_(self) -> str:
        frame = self.result.frame
        if frame.empty:
            return EMPTY
        periods = known_periods(frame)
        head = "".join(f"<th scope='col'>{markup(name)}</th>" for name in ("Objective", "Target", *periods))
        bodies, group = [], None
        for name, title, own in _objectives(frame, self.by):
            if name != group:
                bodies.append(
                    f"<tr><th scope='rowgroup' colspan='{len(periods) + 2}'>{markup(name or 'No owner')}</th></tr>"
                )
                group = name
            cells = {row.period: _cell(row, vars(self.result)["as_of"]) for row in own.itertuples()}
            columns = "".join(cells.get(period, f"<td>{NO_VALUE}</td>") for period in periods)
            target = target_text(own["target"].iloc[-1])
            bodies.append(f"<tr><th scope='row'>{markup(title)}</th><td>{target}</td>{columns}</tr>")
        caption = (
            "SLI, share of the error budget of the period that was spent, and status. <i>Issued</i> figures are those "
            "of an issued report, a <i>revision</i> replaced earlier ones, <i>counted</i> figures are fresh counts."
        )
        names = list(frame.sort_values("start")["period"].unique())
        if before := names[: names.index(periods[0])]:
            span = before[0] if len(before) == 1 else f"{before[0]} to {before[-1]}"
            caption += f" There is no data of {markup(span)}."
        return (
            f"<table class='scorecard'><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(bodies)}</tbody></table>"
        )

    def __repr__(self) -> str:
        return str(pd.DataFrame(scorecard_rows(self.result, by=self.by)).to_string(index=False))


def _cell(row: Any, as_of: datetime) -> str:
    word = status_badge(_word(row))
    note = f"<br><span class='note'>{markup(basis_text(row, as_of))}</span>"
    if not _judged(row):
        return f"<td>{word}{note}</td>"
    return f"<td>{ratio_text(row.sli)}<br>{spent_text(row)}<br>{word}{note}</td>"
