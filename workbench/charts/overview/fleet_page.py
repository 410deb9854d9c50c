"""The first page about several systems: a row a system, then what was missed, what to decide, what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from workbench.analysis.overview.statements import QUESTIONS
from workbench.charts.overview.first_page import (
    FINDINGS_TYPE,
    PARTS,
    change_of,
    findings_json,
    grouped,
    markdown_text,
    nothing_text,
    spark,
)
from workbench.charts.tables import status_badge, status_word
from workbench.core.foreign_text import markup
from workbench.core.result import Study
from workbench.core.units import NO_VALUE, instant_text, interval_text, ratio_text

#: Sentences that a part of the page holds; what is left out is counted. [count]
MOST = {"missed": 3, "decision": 3, "unknown": 4}

#: Systems that a page holds; the rest is counted. [count]
MOST_SYSTEMS = 8

_WORST = ("spent", "at_risk", "unavailable", "refused", "no_data", "no_traffic", "ok")


class FleetPage:
    """Findings of several systems that render themselves; also as JSON.

    Parameters
    ----------
    studies : sequence of Study
        ``report_findings`` of each system, as :func:`workbench.system_report` returns them.
    """

    def __init__(self, studies: Sequence[Study], *, status: str = "Draft") -> None:
        self.studies, self.status = list(studies), status

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        parts = [findings_json(study.results["findings"], study.results["periods"]) for study in self.studies]
        findings = {"systems": parts, "order": []}
        return {"text/html": self._repr_html_(), "text/plain": repr(self), FINDINGS_TYPE: findings}

    def _repr_html_(self) -> str:
        head, line = self._title()
        questions = self._questions()
        columns = "".join(
            f"<th scope='col'>{name}</th>" for name in ("System", *(QUESTIONS[question] for question in questions))
        )
        shown, rest = self._worst_first()
        rows = "".join(self._row(study, questions) for study in shown)
        if rest:
            calm = sum(study.status == "ok" for study in rest)
            text = f"… and {len(rest)} more systems, {calm} of them OK; the scorecard has all."
            rows += f"<tr><td colspan='{len(questions) + 1}'>{text}</td></tr>"
        parts = "".join(
            f"<h2>{title}</h2><{tag}>{''.join(f'<li>{markup(text)}</li>' for text in self.items(part))}</{tag}>"
            for part, title in PARTS
            for tag in ("ol" if part == "decision" else "ul",)
        )
        return (
            f"<section class='first-page fleet'><h1>{markup(head)}</h1><p class='note'>{markup(line)}</p>"
            f"<table class='answers'><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>{parts}</section>"
        )

    def __repr__(self) -> str:
        head, line = self._title()
        lines = [f"# {markdown_text(head)}", "", markdown_text(line)]
        for study in self.studies:
            findings, periods = study.results["findings"], study.results["periods"].frame
            lines += ["", f"## {markdown_text(vars(findings)['title'])}", ""]
            for row in findings.frame[findings.frame["part"] == "answer"].itertuples():
                own = periods[periods["question"] == row.question]
                change = f" ({markdown_text(change_of(row.change, own))})" if row.change else ""
                lines.append(f"- **{QUESTIONS[row.question]}**: {markdown_text(row.text)}{change}")
        for part, title in PARTS:
            lines += ["", f"## {title}", "", *(f"- {markdown_text(text)}" for text in self.items(part))]
        return "\n".join(lines) + "\n"

    def _worst_first(self) -> tuple[list[Study], list[Study]]:
        """Part the systems into those that a page holds, in their order, and the rest, which asks least."""
        if len(self.studies) <= MOST_SYSTEMS:
            return self.studies, []
        places = {status: place for place, status in enumerate(_WORST)}
        order = sorted(self.studies, key=lambda study: places.get(study.status, len(_WORST)))
        return order[:MOST_SYSTEMS], order[MOST_SYSTEMS:]

    def _title(self) -> tuple[str, str]:
        if not self.studies:
            return "No system", self.status
        facts = vars(self.studies[0].results["findings"])
        count = len(self.studies)
        parts = [vars(study.results["findings"])["frame"]["status"] for study in self.studies]
        unread = any(part.isin(["unavailable", "refused"]).any() for part in parts)
        status = f"{self.status}, incomplete: not every question was answered" if unread else self.status
        span, read = facts["range"], f"history read up to {instant_text(facts['as_of'])}"
        return (
            f"{count} {'system' if count == 1 else 'systems'}, {facts['period']}",
            f"{status}. {interval_text(span.start, span.end)}, {read}.",
        )

    def _questions(self) -> list[Any]:
        questions = {row for study in self.studies for row in study.results["findings"].frame["question"]}
        return [question for question in QUESTIONS if question in questions]

    def _row(self, study: Study, questions: Sequence[Any]) -> str:
        frame, periods = study.results["findings"].frame, study.results["periods"].frame
        answers = {row.question: row for row in frame[frame["part"] == "answer"].itertuples()}
        seen = ratio_text(study.coverage, digits=1) if study.coverage == study.coverage else NO_VALUE
        title = f"{markup(vars(study.results['findings'])['title'])}<br><span class='note'>{seen} observed</span>"
        cells = "".join(
            _cell(answers.get(question), periods[periods["question"] == question]) for question in questions
        )
        return f"<tr><th scope='row'>{title}</th>{cells}</tr>"

    def items(self, part: str) -> list[str]:
        """Return the sentences of a part, each with its systems, those that matter most first.

        Of sentences that matter alike, one of each kind comes first; one that several systems share is said once.
        """
        systems: dict[tuple[str, str], list[str]] = {}
        weights: dict[tuple[str, str], float] = {}
        for study in self.studies:
            findings = study.results["findings"]
            own = findings.frame[findings.frame["id"] != "report/decision/none"]
            for row, text in zip(own[own["part"] == part].itertuples(), grouped(own, part), strict=True):
                systems.setdefault((str(row.id), text), []).append(str(vars(findings)["title"]))
                weights[str(row.id), text] = float(row.weight) + (100.0 if row.status == "spent" else 0.0)
        kinds: dict[str, int] = {}
        places: dict[tuple[str, str], tuple[float, int]] = {}
        for kind, text in systems:
            places[kind, text] = -weights[kind, text], kinds.get(kind, 0)
            kinds[kind] = kinds.get(kind, 0) + 1
        clauses = [f"{self._named(systems[key])}: {key[1]}" for key in sorted(systems, key=lambda key: places[key])]
        left = len(clauses) - MOST[part]
        shown = clauses[: MOST[part]] + ([f"… and {left} more, in the reports of the systems."] if left > 0 else [])
        return shown or [nothing_text([study.results["findings"].frame for study in self.studies], part)]

    def _named(self, titles: Sequence[str]) -> str:
        everyone = len(titles) == len(self.studies) > 2
        return f"All {len(titles)} systems" if everyone else ", ".join(titles)


def _cell(row: Any, own: pd.DataFrame) -> str:
    if row is None:
        return f"<td>{NO_VALUE}</td>"
    badge = status_badge(status_word(row.status, row.coverage))
    change = f"<br><span class='note'>{markup(change_of(row.change, own))}</span>" if row.change else ""
    return f"<td>{badge} {markup(row.text)}{change}{spark(own) if len(own) > 1 else ''}</td>"
