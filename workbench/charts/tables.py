"""Results as tables of text: the same words on the command line, in the report and in a notebook."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.analysis.slo.compliance import COVERAGE_FLOOR
from workbench.charts.columns import header
from workbench.charts.theme import PARTLY, STATUS_WORDS
from workbench.core.foreign_text import markup
from workbench.core.result import Result, Study
from workbench.core.units import (
    NO_VALUE,
    count_text,
    factor_text,
    instant_text,
    nouns_text,
    ratio_text,
    significant_text,
    span_text,
    target_text,
)

#: What a table without rows looks like.
EMPTY = "<p class='note'>None.</p>"

#: Fewer usual rows are not worth hiding. [count]
LEAST_USUAL = 3

_WORDS: Mapping[str, str] = {str(status): word for status, word in STATUS_WORDS.items()}


def compliance_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per objective, with units in every cell.

    Parameters
    ----------
    result : ComplianceResult
        Verdicts of the objectives.

    Returns
    -------
    list of dict
        ``objective, status, target, SLI, bad, allowed, budget left, burn rate, coverage, exhausted``.
    """
    return [
        {
            "objective": str(row.objective),
            "status": status_word(row.status, row.coverage),
            "target": target_text(row.target),
            "SLI": _sli_text(row),
            "bad": f"{count_text(row.bad)} of {count_text(row.total)} {row.unit}"
            if row.total == row.total
            else NO_VALUE,
            "allowed": allowed_text(row),
            "budget left": budget_left_text(row),
            "burn rate": factor_text(row.burn_rate),
            "coverage": ratio_text(row.coverage, digits=1),
            "budget ends": instant_text(row.exhausted_at),
        }
        for row in result.frame.itertuples()
    ]


def status_word(status: str, coverage: float) -> str:
    """Return the word of a status; what was observed to less than nine tenths of its time is not called OK.

    Examples
    --------
    >>> status_word("ok", 0.95), status_word("ok", 0.03), status_word("spent", 0.03), status_word("", 1.0)
    ('OK', 'Partly observed', 'Budget spent', '')
    """
    return PARTLY if status == "ok" and coverage < COVERAGE_FLOOR else _WORDS.get(status, "")


def status_badge(word: str) -> str:
    """Return the word of a status in its colour, as HTML; nothing for no word."""
    key = next((status for status, words in STATUS_WORDS.items() if words == word), "no_data")
    return f"<span class='status status-{key}'>{markup(word)}</span>" if word else ""


def budget_left_text(row: Any) -> str:
    """Budget left of the whole period; in one that is not over, also of what the traffic so far allows."""
    left = ratio_text(row.period_left_ratio, digits=1)
    return f"{left} of period, {ratio_text(row.budget_left_ratio, digits=1)} so far" if _running(row) else left


def allowed_text(row: Any) -> str:
    """Bad ones that the whole period allows; in one that is not over, also those that the traffic so far allows."""
    so_far = _allowed_text(row.budget_total)
    return f"{_allowed_text(row.period_budget)} in period, {so_far} so far" if _running(row) else so_far


def running_note(result: Result) -> str:
    """Say by which budget periods that are not over are judged; empty where all are over, or roll."""
    running = [str(row.objective) for row in result.frame.itertuples() if _running(row)]
    if not running:
        return ""
    return (
        f"Not over yet: {', '.join(running)}. Their status is judged by the budget of the whole period, projected at "
        "the traffic so far."
    )


def _running(row: Any) -> bool:
    """Whether a period is not over, and something was counted in it."""
    return bool(row.elapsed < 1 and row.period_left_ratio == row.period_left_ratio)


def _allowed_text(budget: float) -> str:
    """Whole events of a budget; one of less than ten with its fraction, so that 0.02 of a slice is not nothing."""
    if not math.isfinite(budget):
        return NO_VALUE
    return count_text(math.floor(budget)) if budget >= 10 else significant_text(budget)


def _sli_text(row: Any) -> str:
    """SLI, and where a threshold lies between two buckets the least and the largest it can be."""
    text = ratio_text(row.sli)
    return (
        text if not row.sli_low < row.sli_high else f"{text} ({ratio_text(row.sli_low)} to {ratio_text(row.sli_high)})"
    )


def burn_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per objective of :class:`BurnRates`, a column a look-back. [x: 1 spends the budget exactly]"""
    rows: dict[str, dict[str, str]] = {}
    for row in result.frame.itertuples():
        cells = rows.setdefault(str(row.objective), {"objective": str(row.objective)})
        part = f" ({ratio_text(row.covered, digits=1)} observed)" if row.covered < COVERAGE_FLOOR else ""
        cells[f"last {row.lookback}"] = factor_text(row.burn_rate) + (part if row.burn_rate == row.burn_rate else "")
    return list(rows.values())


class Table:
    """Rows of text that render themselves in a notebook and in a report; every cell is escaped.

    Rows that are ``usual`` stand behind a line "… and 17 as usual" that opens, where there are others.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, str]],
        *,
        caption: str = "",
        left: Sequence[str] = (),
        usual: Sequence[bool] = (),
    ) -> None:
        self.rows = [dict(row) for row in rows]
        self.caption = caption
        self._left = {"objective", "status", *left}
        self._usual = tuple(map(bool, usual)) if any(usual) and sum(usual) >= LEAST_USUAL else (False,) * len(self.rows)

    def _repr_html_(self) -> str:
        if not self.rows:
            return EMPTY
        pairs = list(zip(self.rows, self._usual, strict=True))
        unlike = [row for row, usual in pairs if not usual]
        alike = [row for row, usual in pairs if usual]
        if not alike:
            return self._table(unlike)
        more = f"… and {len(alike)} as usual" if unlike else f"All {len(alike)} as usual"
        hidden = f"<details><summary>{more}</summary>{self._table(alike)}</details>"
        return (self._table(unlike) if unlike else "") + hidden

    def _table(self, rows: Sequence[Mapping[str, str]]) -> str:
        names = list(self.rows[0])
        kinds = {name: "" if name in self._left else " class='num'" for name in names}
        head = "".join(f"<th scope='col'{kinds[name]}>{markup(header(name))}</th>" for name in names)
        body = "".join("<tr>" + "".join(self._cell(name, row[name], kinds) for name in names) + "</tr>" for row in rows)
        caption = f"<caption>{markup(self.caption)}</caption>" if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    @staticmethod
    def _cell(name: str, text: str, kinds: Mapping[str, str]) -> str:
        if name == "status":
            return f"<td>{status_badge(text)}</td>"
        return f"<td{kinds[name]}>{markup(text)}</td>"

    def __repr__(self) -> str:
        return str(pd.DataFrame(self.rows).to_string(index=False)) if self.rows else "No rows."


class Sentence:
    """One sentence of finding, larger than the text around it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_html_(self) -> str:
        return f"<p class='finding'>{markup(self.text)}</p>"

    def __repr__(self) -> str:
        return self.text


def compliance_table(result: Result) -> Table:
    """Table of :func:`compliance_rows` that renders itself."""
    caption = "Bad and allowed are counts; budget left is a share of the error budget."
    return Table(compliance_rows(result), caption=caption, left=("budget ends",))


def titled(shown: Table | Sentence, compliance: Result) -> Table | Sentence:
    """Name objectives by their titles, as the pages do, in place of their ids; a title of two objectives names none."""
    known = compliance.frame.drop_duplicates("title", keep=False)
    titles = dict(zip(known["objective"].astype(str), known["title"].astype(str), strict=True))
    if isinstance(shown, Table):
        for row in shown.rows:
            row["objective"] = titles.get(row["objective"], row["objective"])
    return shown


def burn_table(result: Result) -> Table:
    """Table of :func:`burn_rows` that renders itself."""
    return Table(burn_rows(result), caption="A burn rate of 1x spends the budget exactly by the end of the window.")


class Header:
    """Title of a report with what it covers and how fresh its data is."""

    def __init__(self, title: str, study: Study) -> None:
        self.title = title
        self.lines = (
            f"{study.range}, history read up to {instant_text(study.as_of)}",
            f"Source {study.provenance.source}, {study.provenance.engine} ({study.provenance.semantics} ranges)",
            f"Newest sample {instant_text(study.freshness)}; "
            f"{ratio_text(study.coverage, digits=2)} of the period observed",
        )

    def _repr_html_(self) -> str:
        lines = "".join(f"<p class='note'>{markup(line)}</p>" for line in self.lines)
        return f"<h1>{markup(self.title)}</h1>{lines}"

    def __repr__(self) -> str:
        return "\n".join((self.title, *self.lines))


def provenance_table(study: Study) -> Table:
    """Say how the numbers of a study were made: enough to ask the same questions again."""
    made = study.provenance
    facts = {
        "source": made.source,
        "engine": made.engine,
        "range semantics": made.semantics,
        "counting": made.method,
        "tier": made.tier,
    }
    rows = [{"fact": name, "value": value} for name, value in facts.items()]
    rows += [{"fact": "query", "value": query} for query in made.queries]
    return Table(rows, left=("fact", "value"))


def notes_table(study: Study) -> Table:
    """List what to know when reading a study: warnings first, then the notes of its results."""
    notes = [*study.warnings, *(note for result in study.results.values() for note in result.notes)]
    return Table([{"note": note} for note in dict.fromkeys(notes)], left=("note",))


def _names(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def slo_finding(result: Result) -> Sentence:
    """Say in one or two sentences how the objectives were kept, worst first."""
    frame = result.frame
    judged = frame[frame["status"].isin(["ok", "at_risk", "spent"])]
    parts = []
    if len(judged):
        kept = int((judged["status"] != "spent").sum())
        partly = int(((judged["status"] == "ok") & (judged["coverage"] < COVERAGE_FLOOR)).sum())
        them = f"{partly} of them " if len(judged) > 1 else ""
        part = f", {them}observed for less than nine tenths of the time" if partly else ""
        were = "was" if len(judged) == 1 else "were"
        parts.append(f"{kept} of {nouns_text(len(judged), 'objective')} {were} met{part}.")
        for row in judged[judged["status"] == "spent"].sort_values("period_left_ratio").itertuples():
            when = f"; none was left from {instant_text(row.exhausted_at)} on" if not pd.isna(row.exhausted_at) else ""
            parts.append(
                f"{row.title}: {ratio_text(row.sli)} against {target_text(row.target)}, "
                f"{1 - row.period_left_ratio:.1f} times its error budget{when}."
            )
        risky = [
            f"{row.title} ({ratio_text(row.period_left_ratio, digits=0)} left)"
            for row in judged[judged["status"] == "at_risk"].itertuples()
        ]
        if risky:
            parts.append(f"At risk: {_names(risky)}.")
    for status in ("no_data", "no_traffic", "unavailable", "refused"):
        silent = [str(title) for title in frame.loc[frame["status"] == status, "title"]]
        if silent:
            parts.append(f"{STATUS_WORDS[status].capitalize()}: {_names(silent)}.")
    return Sentence(" ".join(parts) or "No objectives are defined.")


def coverage_finding(result: Result) -> Sentence:
    """Say how much of the period was observed."""
    known = result.frame.dropna(subset=["coverage"])
    if known.empty:
        return Sentence("Nothing was observed in this period.")
    least = known.sort_values("coverage").iloc[0]
    span = (least["window_end"] - least["window_start"]).total_seconds() * least["elapsed"]
    missing = span_text((1 - least["coverage"]) * span)
    return Sentence(f"{ratio_text(least['coverage'], digits=2)} of the period was observed; {missing} have no samples.")


def doubts(result: Result) -> list[str]:
    """Say which objectives were not measured and which were little observed; nothing where all is well."""
    frame = result.frame
    lines = [
        f"{STATUS_WORDS[status]}: {', '.join(part['objective'].astype('str'))}."
        for status in ("unavailable", "refused", "no_data", "no_traffic")
        if len(part := frame[frame["status"] == status])
    ]
    little = frame[(frame["coverage"] > 0) & (frame["coverage"] < COVERAGE_FLOOR)]
    shares = [f"{row.objective} ({ratio_text(row.coverage, digits=1)})" for row in little.itertuples()]
    return [*lines, f"Little observed: {', '.join(shares)}."] if shares else lines
