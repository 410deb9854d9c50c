"""One card for each of the six questions: how it stands over all systems, from what the overview knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from workbench.core.result import Status, Study, worst
from workbench.core.units import NO_VALUE, amount_text, change_text, instant_text, span_text


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


@dataclass(frozen=True)
class QuestionCard:
    """How one question stands: status, the figure, and what it is made of; ``page`` shows it in full."""

    title: str
    page: str
    icon: str
    status: Status
    value: str
    note: str
    system: str = ""


def question_cards(study: Study, answers: Sequence[Answer]) -> tuple[QuestionCard, ...]:
    """Return the six cards, in the order in which the pages stand.

    Parameters
    ----------
    study : Study
        Of :func:`workbench.studies.overview.board.overview`.
    answers : sequence of Answer
        What the pages of quality and capacity answered last; a question without any is not known.
    """
    return (
        _objectives(study),
        _performance(study),
        _cost(study),
        _last("Quality", "quality.py", "psychology", "quality_drift", answers),
        _last("Capacity", "capacity.py", "query_stats", "capacity_forecast", answers),
        _alerts(study),
    )


def _objectives(study: Study) -> QuestionCard:
    rows = study.results["board"].frame
    rows = rows[rows["objective"] != ""]
    missed, risky = (int((rows["status"] == status).sum()) for status in ("spent", "at_risk"))
    known = missed + risky + int((rows["status"] == "ok").sum())
    value = f"{known - missed} of {known} met" if known else NO_VALUE
    unknown = f", {len(rows) - known} not known" if len(rows) > known else ""
    note = f"{missed} missed, {risky} at risk{unknown}"
    return QuestionCard("Objectives", "slo.py", "task_alt", worst(list(rows["status"])), value, note)


def _performance(study: Study) -> QuestionCard:
    known, read = _looked(study, "limit")
    broken = study.results["limits"].frame
    names = list(dict.fromkeys(str(title) for title in broken["title"]))
    status: Status = "at_risk" if names else "ok" if read and read == known else "no_data"
    value = f"{len(names)} broken now" if read else NO_VALUE
    note = ", ".join(names[:2]) if names else _rest(known, read, "threshold", "kept now")
    system = str(broken["system"].iloc[0]) if len(broken) else ""
    return QuestionCard("Performance", "performance.py", "speed", status, value, note, system)


def _cost(study: Study) -> QuestionCard:
    spend, budgets = study.results["spend"].frame, study.results["budgets"].frame
    money = spend[spend["unit"].astype(bool) & (spend["coverage"] > 0)]
    known, read = _looked(study, "budget")
    over = int(budgets["status"].isin(["spent", "at_risk"]).sum())
    totals = [amount_text(rows["spent"].sum(), str(unit)) for unit, rows in money.groupby("unit", sort=True)]
    statuses: list[Status] = [*budgets["status"]] if len(money) else ["no_data"]
    note = f"this month, {len(money)} of {spend['system'].nunique()} systems"
    note += f"; {over} of {known} budgets used to 80 % or more" if known else ""
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


def _last(title: str, page: str, icon: str, question: str, answers: Sequence[Answer]) -> QuestionCard:
    mine = [answer for answer in answers if answer.question == question]
    if not mine:
        return QuestionCard(title, page, icon, "no_data", NO_VALUE, "Not read today: open the page.")
    events = sum(answer.events for answer in mine)
    first = max(mine, key=lambda answer: answer.events)
    status = worst([answer.status for answer in mine])
    value = f"{events} out of line"
    oldest = instant_text(min(answer.as_of for answer in mine))
    note = f"{len(mine)} {'system' if len(mine) == 1 else 'systems'} read, {oldest}"
    return QuestionCard(title, page, icon, status, value, note, first.system if events else "")


def _looked(study: Study, clause: str) -> tuple[int, int]:
    rows = study.results["evidence"].frame
    rows = rows[rows["clause"] == clause]
    return int(rows["known"].sum()), int(rows["read"].sum())


def _rest(known: int, read: int, noun: str, said: str) -> str:
    if not known:
        return f"no {noun} is known"
    plural = noun if known == 1 else f"{noun}s"
    return f"{known} {plural} {said}" if read == known else f"{known - read} of {known} {plural} could not be read"
