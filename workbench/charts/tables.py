"""Results as tables of text: the same words on the command line, in the report and in a notebook."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.analysis.burn import BurnRates
from workbench.analysis.slo import ComplianceResult
from workbench.core.units import NO_VALUE, count_text, ratio_text, span_text

#: Status in the words a reader sees.
STATUS_WORDS: dict[str, str] = {
    "ok": "ok",
    "at_risk": "at risk",
    "spent": "spent",
    "no_data": "no data",
    "no_traffic": "no traffic",
    "unavailable": "unavailable",
    "refused": "refused",
}


def _time_text(value: Any) -> str:
    return NO_VALUE if pd.isna(value) else f"{value:%Y-%m-%d %H:%M} UTC"


def compliance_rows(result: ComplianceResult) -> list[dict[str, str]]:
    """One row of text an objective, with units in every cell.

    Returns
    -------
    list of dict
        ``objective, status, target, SLI, bad, allowed, budget left, burn rate, coverage, exhausted``.
    """
    return [
        {
            "objective": str(row.objective),
            "status": STATUS_WORDS[str(row.status)],
            "target": ratio_text(row.target, digits=2),
            "SLI": ratio_text(row.sli),
            "bad": f"{count_text(row.bad)} of {count_text(row.total)} {row.unit}"
            if row.total == row.total
            else NO_VALUE,
            "allowed": count_text(math.floor(row.budget_total)) if row.budget_total == row.budget_total else NO_VALUE,
            "budget left": ratio_text(row.budget_left_ratio, digits=1),
            "burn rate": f"{row.burn_rate:.2f}x" if row.burn_rate == row.burn_rate else NO_VALUE,
            "coverage": ratio_text(row.coverage, digits=1),
            "exhausted": _time_text(row.exhausted_at),
        }
        for row in result.frame.itertuples()
    ]


def burn_rows(result: BurnRates) -> list[dict[str, str]]:
    """One row of text an objective, a column a look-back. [x: 1 spends the budget exactly]"""
    rows: dict[str, dict[str, str]] = {}
    for row in result.frame.itertuples():
        cells = rows.setdefault(str(row.objective), {"objective": str(row.objective)})
        cells[f"last {row.lookback}"] = f"{row.burn_rate:.2f}x" if row.burn_rate == row.burn_rate else NO_VALUE
    return list(rows.values())


class Table:
    """Rows of text that render themselves in a notebook and in a report; every cell is escaped."""

    def __init__(self, rows: Sequence[Mapping[str, str]], *, caption: str = "", left: Sequence[str] = ()) -> None:
        self.rows = [dict(row) for row in rows]
        self.caption = caption
        self._left = {"objective", "status", *left}

    def _repr_html_(self) -> str:
        if not self.rows:
            return "<p class='note'>No rows.</p>"
        names = list(self.rows[0])
        kinds = {name: "" if name in self._left else " class='num'" for name in names}
        head = "".join(f"<th{kinds[name]}>{html.escape(name)}</th>" for name in names)
        body = "".join(
            "<tr>" + "".join(self._cell(name, row[name], kinds) for name in names) + "</tr>" for row in self.rows
        )
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    @staticmethod
    def _cell(name: str, text: str, kinds: Mapping[str, str]) -> str:
        if name == "status":
            key = next((status for status, words in STATUS_WORDS.items() if words == text), "no_data")
            return f"<td><span class='status status-{key}'>{html.escape(text)}</span></td>"
        return f"<td{kinds[name]}>{html.escape(text)}</td>"

    def __repr__(self) -> str:
        return pd.DataFrame(self.rows).to_string(index=False)


class Sentence:
    """One sentence of finding, larger than the text around it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_html_(self) -> str:
        return f"<p class='finding'>{html.escape(self.text)}</p>"

    def __repr__(self) -> str:
        return self.text


def compliance_table(result: ComplianceResult) -> Table:
    """Table of :func:`compliance_rows` that renders itself."""
    return Table(
        compliance_rows(result), caption="Bad and allowed are counts; budget left is a share of the error budget."
    )


def burn_table(result: BurnRates) -> Table:
    """Table of :func:`burn_rows` that renders itself."""
    return Table(burn_rows(result), caption="A burn rate of 1x spends the budget exactly by the end of the window.")


def _names(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def slo_finding(result: ComplianceResult) -> Sentence:
    """Say in one or two sentences how the promises were kept, worst first."""
    frame = result.frame
    judged = frame[frame["status"].isin(["ok", "at_risk", "spent"])]
    parts = []
    if len(judged):
        kept = int((judged["status"] != "spent").sum())
        parts.append(f"{kept} of {len(judged)} promises were kept.")
        for row in judged[judged["status"] == "spent"].sort_values("budget_left_ratio").itertuples():
            when = f", its budget gone on {row.exhausted_at:%d %B %H:%M} UTC" if not pd.isna(row.exhausted_at) else ""
            parts.append(
                f"{row.title} reached {ratio_text(row.sli)} against {ratio_text(row.target, digits=2)} "
                f"and spent {row.burn_rate:.1f} times its error budget{when}."
            )
        risky = [
            f"{row.title} ({ratio_text(row.budget_left_ratio, digits=0)} left)"
            for row in judged[judged["status"] == "at_risk"].itertuples()
        ]
        if risky:
            parts.append(f"At risk: {_names(risky)}.")
    for status in ("no_data", "no_traffic", "unavailable", "refused"):
        silent = [str(title) for title in frame.loc[frame["status"] == status, "title"]]
        if silent:
            parts.append(f"{STATUS_WORDS[status].capitalize()}: {_names(silent)}.")
    return Sentence(" ".join(parts) or "No objectives are defined.")


def coverage_finding(result: ComplianceResult) -> Sentence:
    """Say how much of the period was observed."""
    known = result.frame.dropna(subset=["coverage"])
    if known.empty:
        return Sentence("Nothing was observed in this period.")
    least = known.sort_values("coverage").iloc[0]
    span = (least["window_end"] - least["window_start"]).total_seconds() * least["elapsed"]
    missing = span_text((1 - least["coverage"]) * span)
    return Sentence(f"{ratio_text(least['coverage'], digits=2)} of the period was observed; {missing} have no samples.")
