"""The first page of a report: the same findings as HTML, as Markdown and as JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from workbench.analysis.overview.statements import QUESTIONS
from workbench.charts.tables import status_badge, status_word
from workbench.charts.theme import palette
from workbench.core.foreign_text import markup, unlinked, visible
from workbench.core.result import Result
from workbench.core.units import NO_VALUE, amount_text, count_text, instant_text, interval_text, ratio_text, value_text

#: Under this type the findings stand in the outputs of a notebook, for whoever exports it.
FINDINGS_TYPE = "application/vnd.workbench.findings+json"

#: Parts of the page below the answers, and what stands where one is empty.
PARTS = (
    ("missed", "What was missed or is at risk"),
    ("decision", "Decisions to take"),
    ("unknown", "What is not known"),
)

#: What is said where a part has no sentence, and no objective was judged.
UNJUDGED = "No objective was judged."

#: What is said where a part has no sentence.
NOTHING = {
    "missed": "0 objectives were missed or at risk.",
    "decision": "0 decisions are asked for.",
    "unknown": "0 gaps: all that was asked for was read.",
}

#: Sentences on what is not known that a page holds; Markdown and JSON have all. [count]
MOST_UNKNOWN = 4

_WIDTH, _HEIGHT = 96, 22


class FirstPage:
    """Findings of a report that render themselves; also as JSON under :data:`FINDINGS_TYPE`."""

    def __init__(self, findings: Result, periods: Result, *, status: str = "Draft") -> None:
        self.findings, self.periods, self.status = findings, periods, status

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {
            "text/html": self._repr_html_(),
            "text/plain": repr(self),
            FINDINGS_TYPE: findings_json(self.findings, self.periods),
        }

    def _repr_html_(self) -> str:
        return first_page_html(self.findings, self.periods, status=self.status)

    def __repr__(self) -> str:
        return first_page_markdown(self.findings, self.periods, status=self.status)


def findings_json(findings: Result, periods: Result) -> dict[str, Any]:
    """Return the findings and the figures of the periods as plain JSON values."""
    order = list(getattr(findings, "order", ()))
    return {"findings": findings.to_dict(), "periods": periods.to_dict(), "order": order}


def title_of(findings: Result, *, status: str) -> tuple[str, str]:
    """Return the title of a report, and the line below it: what it covers."""
    facts = vars(findings)
    span = facts["range"]
    window = f"{instant_text(span.start).removesuffix(' UTC')} to {instant_text(span.end)}"
    head = f"{facts['title']}, {window if '..' in facts['period'] else facts['period']}"
    unread = findings.frame["status"].isin(["unavailable", "refused"]).any()
    status = f"{status}, incomplete: not every question was answered" if unread else status
    newest = instant_text(facts["newest"]) if facts["newest"] is not None else "none"
    read = f"history read up to {instant_text(facts['as_of'])}; newest sample {newest}"
    return head, f"{status}. {interval_text(span.start, span.end)}, {read}."


def first_page_html(findings: Result, periods: Result, *, status: str = "Draft") -> str:
    """Render the first page as a section that stands alone.

    Parameters
    ----------
    findings : ReportFindings
        Sentences of the first page.
    periods : PeriodFigures
        Figures of the period and of the one before.
    status : str
        What the report is: a draft, or an issue with its number.
    """
    head, line = title_of(findings, status=status)
    frame = findings.frame
    rows = "".join(_answer_row(row, periods.frame) for row in frame[frame["part"] == "answer"].itertuples())
    parts = "".join(f"<h2>{title}</h2>{_list(frame, part)}" for part, title in parts_of(frame))
    columns = ("Question", "Answer", "Change", "12 periods", "Observed")
    top = "".join(f"<th scope='col'>{name}</th>" for name in columns)
    return (
        f"<section class='first-page'><h1>{markup(head)}</h1><p class='note'>{markup(line)}</p>"
        f"<table class='answers'><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table>{parts}</section>"
    )


def _answer_row(row: Any, periods: pd.DataFrame) -> str:
    own = periods[periods["question"] == row.question]
    badge = status_badge(status_word(row.status, row.coverage))
    question = f"{QUESTIONS[row.question]}<br>{badge}" if badge else QUESTIONS[row.question]
    seen = ratio_text(row.coverage, digits=1) if row.coverage == row.coverage else NO_VALUE
    return (
        f"<tr id='{markup(row.id)}'><th scope='row'>{question}</th><td>{markup(row.text)}</td>"
        f"<td>{markup(change_of(row.change, own))}</td><td>{spark(own)}</td><td class='num'>{seen}</td></tr>"
    )


def change_of(text: str, own: pd.DataFrame) -> str:
    """Write a change with the name of the figure that changed."""
    return f"{own['title'].iloc[-1]}: {text}" if text and len(own) else text or NO_VALUE


def _list(frame: pd.DataFrame, part: str) -> str:
    items = grouped(frame, part)
    left = len(items) - MOST_UNKNOWN if part == "unknown" else 0
    items = [*items[:MOST_UNKNOWN], f"… and {left} more."] if left > 0 else items
    if not items:
        return f"<p>{nothing_text([frame], part)}</p>"
    tag = "ol" if part == "decision" else "ul"
    return f"<{tag}>{''.join(f'<li>{markup(text)}</li>' for text in items)}</{tag}>"


def parts_of(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the parts of a page with their titles; that on objectives only where objectives were a question."""
    return [part for part in PARTS if part[0] != "missed" or (frame["question"] == "slo").any()]


def nothing_text(frames: Sequence[pd.DataFrame], part: str) -> str:
    """Say that a part is empty; nothing is said of objectives that nobody judged."""
    judged = any(frame["id"].isin(["report/slo/met", "report/slo/missed"]).any() for frame in frames)
    return NOTHING[part] if part != "missed" or judged else UNJUDGED


def grouped(frame: pd.DataFrame, part: str) -> list[str]:
    """Return the items of a part: an objective with its cause and cost is one; a decision ends with its owner."""
    if part != "missed":
        rows = frame[frame["part"] == part]
        owned = [f"{row.text} Owner: {row.owner}." if row.owner else row.text for row in rows.itertuples()]
        return owned if part == "decision" else list(rows["text"])
    items: list[list[str]] = []
    for row in frame[frame["part"].isin(["missed", "cause", "cost"])].itertuples():
        if row.part == "missed":
            items.append([])
        items[-1].append(str(row.text))
    return [" ".join(item) for item in items]


def spark(own: pd.DataFrame) -> str:
    """Draw the figures of one question as a line of a word's size, with its numbers as alternative text.

    A period without a figure is a gap in the line.
    """
    known = own[own["value"].notna()]
    if len(known) < 2:
        return f"<span class='note'>{NO_VALUE}</span>"
    values = [float(value) for value in own["value"]]
    low, high = min(known["value"]), max(known["value"])
    step, scale = (_WIDTH - 6) / 11, (_HEIGHT - 6) / ((high - low) or 1.0)
    first = 11 - (len(values) - 1)
    points = [
        (3 + step * (first + place), _HEIGHT - 3 - (value - low) * scale if high > low else _HEIGHT / 2)
        for place, value in enumerate(values)
    ]
    colours = palette()
    lines = "".join(
        f"<polyline points='{' '.join(f'{x:.1f},{y:.1f}' for x, y in part)}' fill='none' stroke='{colours.series}' "
        "stroke-width='1.5'/>"
        for part in _stretches(points, values)
    )
    dot = f"<circle cx='{points[-1][0]:.1f}' cy='{points[-1][1]:.1f}' r='2.2' fill='{colours.series}'/>"
    text = ", ".join(f"{row.period} {figure_text(row.value, row.unit)}" for row in known.itertuples())
    return (
        f"<svg class='spark' role='img' width='{_WIDTH}' height='{_HEIGHT}' viewBox='0 0 {_WIDTH} {_HEIGHT}' "
        f"aria-label='{markup(known['title'].iloc[-1])}: {markup(text)}'>{lines}"
        f"{dot if math.isfinite(values[-1]) else ''}</svg>"
    )


def _stretches(points: Sequence[tuple[float, float]], values: Sequence[float]) -> list[list[tuple[float, float]]]:
    parts: list[list[tuple[float, float]]] = [[]]
    for point, value in zip(points, values, strict=True):
        if math.isfinite(value):
            parts[-1].append(point)
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if part]


def figure_text(value: float, unit: str) -> str:
    """Write a figure of a period in its unit."""
    if unit == "count":
        return count_text(value)
    if unit == "ratio":
        return ratio_text(value)
    if len(unit) == 3 and unit.isupper():
        return amount_text(Decimal(repr(float(value))), unit)
    return value_text(value, unit)


def first_page_markdown(findings: Result, periods: Result, *, status: str = "Draft") -> str:
    """Write the findings as Markdown: the same sentences in the same order."""
    head, line = title_of(findings, status=status)
    frame = findings.frame
    lines = [f"# {markdown_text(head)}", "", markdown_text(line), ""]
    for row in frame[frame["part"] == "answer"].itertuples():
        own = periods.frame[periods.frame["question"] == row.question]
        change = f" ({markdown_text(change_of(row.change, own))})" if row.change else ""
        seen = f" Observed: {ratio_text(row.coverage, digits=1)}." if row.coverage == row.coverage else ""
        lines.append(f"- **{QUESTIONS[row.question]}**: {markdown_text(row.text)}{change}{seen}")
    for part, title in parts_of(frame):
        lines += ["", f"## {title}", ""]
        items = grouped(frame, part) or [nothing_text([frame], part)]
        marks = [f"{place}." if part == "decision" else "-" for place, _ in enumerate(items, start=1)]
        lines += [f"{mark} {markdown_text(text)}" for mark, text in zip(marks, items, strict=True)]
    return "\n".join(lines) + "\n"


#: What Markdown, and the formulas and icons that dashboards add to it, would obey.
_OBEYED = re.compile(r"[\\`*_\[\]<>#|$~]|:(?=[A-Za-z])")


def markdown_text(text: str) -> str:
    r"""Return text of others that Markdown shows as it is: no markup, no formula, no icon, and no live address.

    Examples
    --------
    >>> print(markdown_text("<b>$x$</b> :red[a]"))
    \<b\>\$x\$\</b\> \:red\[a\]
    """
    return unlinked(_OBEYED.sub(r"\\\g<0>", visible(" ".join(text.split()))))
