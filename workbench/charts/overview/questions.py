"""One card for each of the six questions: how it stands over all systems, from what the overview knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from workbench.analysis.slo.compliance import COVERAGE_FLOOR
from workbench.charts.cost.tables import budget_words
from workbench.core.result import Status, Study, worst
from workbench.core.units import NO_VALUE, amount_text, change_text, instant_text, nouns_text, span_text


class Answer(Protocol):
    """The last answer to a question about a system."""

    @property
    def question(self) -> str:
        """Name of the study."""

    @property
    def system(self) -> str:
        """Name of the system."""

    @property
    def status(self) -> Status:
        """The worst of what its page shows."""

    @property
    def sentence(self) -> str:
        """The answer in words."""

    @property
    def events(self) -> int:
        """How many are out of line. [count]"""

    @property
    def as_of(self) -> datetime:
        """Instant up to which history was read."""

    @property
    def measured(self) -> bool:
        """Whether the system has anything to ask for."""


#: Pairs of question and system that are not answered yet, and such that could not be.
Missing = tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class QuestionCard:
    """How one question stands: status, the figure, and what it is made of; ``page`` shows it in full.

    ``status`` is None for a figure that is not judged; ``part`` says that it would be OK, had more been observed.
    """

    title: str
    page: str
    icon: str
    status: Status | None
    value: str
    note: str
    system: str = ""
    part: bool = False


def question_cards(study: Study, answers: Sequence[Answer], missing: Missing = ((), ())) -> tuple[QuestionCard, ...]:
    """Return the six cards, in the order in which the pages stand.

    Parameters
    ----------
    study : Study
        Of :func:`workbench.studies.overview.board.overview`.
    answers : sequence of Answer
        What the pages of quality and capacity came to last.
    missing : pair of sequences of (str, str)
        Questions about systems that are being read, and those that could not be: the card is not "OK" with either, and
        has no status of its own before the first are read.
    """
    return (
        objectives_card(study),
        _performance(study),
        cost_card(study),
        _last("Quality", "quality.py", "psychology", "quality_drift", answers, missing),
        _last("Capacity", "capacity.py", "query_stats", "capacity_forecast", answers, missing),
        _alerts(study),
    )


def objectives_card(study: Study) -> QuestionCard:
    """Return how many objectives of all systems are met, of those that could be judged."""
    rows = study.results["board"].frame
    rows = rows[rows["objective"] != ""]
    missed, risky = (int((rows["status"] == status).sum()) for status in ("spent", "at_risk"))
    known = missed + risky + int((rows["status"] == "ok").sum())
    value = f"{known - missed} of {known} met" if known else NO_VALUE
    unknown = f", {len(rows) - known} not known" if len(rows) > known else ""
    partly = int(((rows["status"] == "ok") & (rows["coverage"] < COVERAGE_FLOOR)).sum())
    note = f"{missed} missed, {risky} at risk{unknown}" + (f", {partly} partly observed" if partly else "")
    status = worst(list(rows["status"]))
    part = status == "ok" and partly > 0
    return QuestionCard("Objectives", "slo.py", "task_alt", "no_data" if part else status, value, note, part=part)


def _performance(study: Study) -> QuestionCard:
    known, read = _looked(study, "limit")
    broken = study.results["limits"].frame
    names = list(dict.fromkeys(str(title) for title in broken["title"]))
    status: Status = "at_risk" if names else "ok" if read and read == known else "no_data"
    value = f"{len(names)} broken now" if read else NO_VALUE
    note = ", ".join(names[:2]) if names else _rest(known, read, "threshold", "kept now")
    system = str(broken["system"].iloc[0]) if len(broken) else ""
    return QuestionCard("Performance", "performance.py", "speed", status, value, note, system)


def cost_card(study: Study) -> QuestionCard:
    """Return what all systems spent in the month, and how their budgets stand."""
    spend, budgets = study.results["spend"].frame, study.results["budgets"].frame
    money = spend[spend["unit"].astype(bool) & (spend["coverage"] > 0)]
    known, read = _looked(study, "budget")
    over, used = budget_words(budgets["status"])
    totals = [amount_text(rows["spent"].sum(), str(unit)) for unit, rows in money.groupby("unit", sort=True)]
    statuses: list[Status] = [*budgets["status"]] if len(money) else ["no_data"]
    note = f"this month, {len(money)} of {spend['system'].nunique()} systems"
    note = note if spend["unit"].astype(bool).any() else "no system measures it"
    note += f"; {over} of {nouns_text(read, 'budget')} {used}" if read else ""
    note += f"; {known - read} of {known} budgets could not be read" if known > read else ""
    if len(money) == 1:
        note = f"{change_text(float(money['change_ratio'].iloc[0]))} against last month" + note.partition("systems")[2]
    known_statuses: list[Status] = [status for status in statuses if status != "no_data"] or (
        ["ok"] if len(money) and read == known else ["no_data"]
    )
    system = str(budgets.loc[budgets["status"] != "ok", "system"].iloc[0]) if over else ""
    value = " + ".join(totals) or NO_VALUE
    return QuestionCard("Cost", "cost.py", "payments", worst(known_statuses), value, note, system)


def _alerts(study: Study) -> QuestionCard:
    known, read = _looked(study, "alert")
    firing, as_of = study.results["alerts"].frame, study.as_of
    status: Status = "at_risk" if len(firing) else "ok" if read and read == known else "no_data"
    value = f"{len(firing)} firing" if read else NO_VALUE
    note = _rest(known, read, "rule", "quiet")
    if len(firing):
        first = firing.iloc[0]
        age = f" for {span_text((as_of - first['since']).total_seconds())}" if first["since"] == first["since"] else ""
        note = f"{first['alertname']}{age}"
    system = str(firing["system"].iloc[0]) if len(firing) else ""
    return QuestionCard("Alerts", "alerts.py", "notifications", status, value, note, system)


def _last(title: str, page: str, icon: str, question: str, answers: Sequence[Answer], missing: Missing) -> QuestionCard:
    mine = [answer for answer in answers if answer.question == question]
    unread, failed = ([system for name, system in pairs if name == question] for pairs in missing)
    systems = len(mine) + len(unread) + len(failed)
    measured = [answer for answer in mine if answer.measured]
    parts = []
    if measured:
        oldest = instant_text(min(answer.as_of for answer in measured))
        counted = f"{len(measured)} of {nouns_text(systems, 'system')} {'has' if len(measured) == 1 else 'have'}"
        parts.append(f"{counted} signals, read {oldest}")
    elif mine and not (unread or failed):
        parts.append("no system measures it")
    if unread:
        parts.append(f"{len(unread)} of {nouns_text(systems, 'system')} still being read")
    if failed:
        parts.append(f"{len(failed)} of {nouns_text(systems, 'system')} could not be read")
    judged = [answer for answer in measured if answer.status != "no_data"]
    if len(judged) < len(measured):
        parts.append(f"{len(measured) - len(judged)} with too little data to judge")
    status: Status | None = worst([answer.status for answer in measured])
    if status in ("ok", "no_data") and (unread or failed):
        status = "no_data" if failed else None  # what is being read has no status yet
    events = sum(answer.events for answer in measured)
    first = max(measured, key=lambda answer: answer.events) if events else None
    value = f"{events} out of line" if judged or events else "being read" if unread else NO_VALUE
    note = "; ".join(parts) or "Not read for this period: open the page."
    return QuestionCard(title, page, icon, status, value, note, first.system if first else "")


def _looked(study: Study, clause: str) -> tuple[int, int]:
    rows = study.results["evidence"].frame
    rows = rows[rows["clause"] == clause]
    return int(rows["known"].sum()), int(rows["read"].sum())


def _rest(known: int, read: int, noun: str, predicate: str) -> str:
    if not known:
        return f"no {noun} is known"
    plural = noun if known == 1 else f"{noun}s"
    return f"{known} {plural} {predicate}" if read == known else f"{known - read} of {known} {plural} could not be read"
