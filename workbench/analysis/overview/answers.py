"""The six questions of a report, answered in a sentence each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd

from workbench.analysis.overview.statements import Question, Statement, known, sentence, stated
from workbench.core.result import Status, Study, worst
from workbench.core.units import span_text

#: Question -> the study that answers it.
STUDIES: Mapping[Question, str] = {
    "slo": "slo_compliance",
    "performance": "service_performance",
    "cost": "spend_and_tokens",
    "quality": "quality_drift",
    "capacity": "capacity_forecast",
    "alerts": "alert_load",
}

#: Statuses of a study that was not answered.
UNREAD = ("unavailable", "refused")

JUDGED = ("ok", "at_risk", "spent")

#: A figure of a period of which less was observed is not compared, and its answer says so. [ratio]
LEAST_COVERAGE = 0.9

#: Questions whose figure grows with the period: one that goes on is not compared with a whole one.
TOTALS = ("cost", "alerts")

#: What names a level to a reader: two rules may limit it.
_LEVEL = ["title", "series"]


def answers(studies: Mapping[str, Study], periods: pd.DataFrame) -> list[Statement]:
    """Answer each question in one sentence.

    Parameters
    ----------
    studies : mapping of str to Study
        By name of the study; one that is missing is not answered.
    periods : DataFrame
        Columns of :class:`workbench.analysis.overview.first_page.PeriodFigures`: the figure of each question in this
        period and in those before.

    Returns
    -------
    list of Statement
        In the order of :data:`~workbench.analysis.overview.statements.QUESTIONS`.
    """
    clauses = []
    for question, name in STUDIES.items():
        if (study := studies.get(name)) is not None:
            statement = None if study.status in UNREAD else _ANSWERS[question](study)
            if statement is not None and not (question in TOTALS and study.as_of < study.range.end):
                statement = _with_change(statement, periods)
            clauses.append(_unknown(question, study) if statement is None else _whole(statement))
    return clauses


def _whole(statement: Statement) -> Statement:
    """Say in an answer how much of the period it speaks of, where that is not nearly all."""
    if not known(statement.coverage) or statement.coverage >= LEAST_COVERAGE:
        return statement
    part = sentence("answer/part", {"coverage": statement.coverage})
    return replace(statement, text=f"{statement.text} {part}")


def measured(study: Study) -> bool:
    """Whether a study had anything to ask for: the profile has signals, or the source was asked."""
    return bool(study.provenance.queries) or any(len(result.frame) for result in study.results.values())


def _unknown(question: Question, study: Study) -> Statement:
    if study.status not in UNREAD and not measured(study):
        return stated("answer", question, "unknown/unmeasured", {"signals": 0}, status=study.status)
    coverage = 0.0 if study.status in UNREAD or not known(study.coverage) else study.coverage
    return stated("answer", question, "unknown/answer", {"coverage": coverage}, coverage=coverage, status=study.status)


def _with_change(statement: Statement, periods: pd.DataFrame) -> Statement:
    rows = periods[(periods["question"] == statement.question) & periods["value"].notna()]
    names = list(periods.drop_duplicates("start").sort_values("start")["period"])
    if len(names) < 2 or set(names[-2:]) - set(rows["period"]):
        return statement
    before, now = (rows[rows["period"] == name].iloc[0] for name in names[-2:])
    difference = float(now["value"]) - float(before["value"])
    name = "the window before" if ".." in names[-2] else names[-2]
    if not difference:
        text = sentence("change/none", {"difference": 0, "before": name})
    elif now["change"] == "ratio":
        if not before["value"]:
            return statement
        text = sentence("change/ratio", {"ratio": difference / float(before["value"]), "before": name})
    elif now["change"] == "points":
        text = sentence("change/points", {"difference": difference, "before": name})
    elif now["change"] == "level":
        levels = {"level": float(now["value"]), "earlier": float(before["value"])}
        text = sentence("change/level", {**levels, "before": name})
    else:
        text = sentence("change/count", {"difference": difference, "before": name})
    return Statement(**{**vars(statement), "change": text})


def _slo(study: Study) -> Statement | None:
    frame = study.results["compliance"].frame
    judged = frame[frame["status"].isin(JUDGED)]
    if judged.empty:
        more: dict[str, Any] = {"coverage": study.coverage, "status": "no_data", "weight": 60.0}
        return stated("answer", "slo", "slo/none", {"known": len(frame)}, **more)
    worst = judged.sort_values("period_left_ratio", kind="stable").iloc[0]
    met = int((judged["status"] != "spent").sum())
    facts: dict[str, Any] = {"met": met, "judged": len(judged), "title": str(worst["title"])}
    left = float(worst["period_left_ratio"])
    more = {"coverage": study.coverage, "status": study.status}
    if met == len(judged):
        weight = 40.0 if (judged["status"] == "at_risk").any() else 10.0
        return stated("answer", "slo", "slo/met", {**facts, "left": left}, weight=weight, **more)
    return stated(
        "answer", "slo", "slo/missed", {**facts, "spent": 1 - left, "budget": budget_text(worst)}, weight=100.0, **more
    )


def budget_text(objective: Any) -> str:
    """Name the error budget of a verdict; that of a window shorter than a day with its length.

    Parameters
    ----------
    objective : Series
        ``window_start`` and ``window_end``.
    """
    length = objective["window_end"] - objective["window_start"]
    return f"error budget of {span_text(length.total_seconds())}" if length < timedelta(days=1) else "error budget"


def _performance(study: Study) -> Statement | None:
    frame = study.results["flows"].frame
    whole = frame[(frame["dimension"] == "") & frame["requests"].notna()]
    if whole.empty:
        return None
    row = whole.iloc[0]
    facts: dict[str, Any] = {"requests": float(row["requests"]), "flow": str(row["title"])}
    names = {"errors": "error_ratio", "p95": "p95"}
    facts |= {name: float(row[column]) for name, column in names.items() if known(row[column])}
    kind = {(True, True): "errors-and-time", (True, False): "errors", (False, True): "time"}
    template = kind.get(("errors" in facts, "p95" in facts), "count")
    broken = int((study.results["thresholds"].frame["breaches"] > 0).sum())
    weight = 30.0 + broken if study.status in ("at_risk", "spent") else 8.0 + min(broken, 10)
    more = {"coverage": float(row["coverage"]), "status": study.status, "weight": weight}
    return stated("answer", "performance", f"performance/{template}", facts, **more)


def _cost(study: Study) -> Statement | None:
    totals, groups = study.results["totals"].frame, study.results["groups"].frame
    totals = totals[totals["amount"].notna()]
    if totals.empty:
        return None
    row = totals.iloc[0]
    more: dict[str, Any] = {"coverage": float(row["coverage"]), "status": study.status}
    jumps = study.results["jumps"].frame
    more["weight"] = 50.0 if study.status in ("at_risk", "spent") else 35.0 if len(jumps) else 9.0
    facts: dict[str, Any] = {"amount": (row["amount"], str(row["unit"]))}
    if row["measure"] != "cost":
        return stated("answer", "cost", "cost/tokens", facts, **more)
    own = groups[(groups["measure"] == "cost") & (groups["unit"] == row["unit"]) & ~groups["rest"].astype(bool)]
    own = own[own["dimension"] != "kind"] if (own["dimension"] != "kind").any() else own
    if own.empty or not known(own.iloc[0]["share"]):
        return stated("answer", "cost", "cost/spend", facts, **more)
    most = own.iloc[0]
    facts |= {"group": str(most["group"]), "share": float(most["share"])}
    return stated("answer", "cost", "cost/spend-most", facts, **more)


def _quality(study: Study) -> Statement | None:
    states, drifts = study.results["states"].frame, study.results["drifts"].frame
    if states.empty:
        return None
    moved = drifts.drop_duplicates(["role", "series"])
    facts: dict[str, Any] = {"drifted": len(moved), "scores": len(states)}
    broken: Status = "at_risk" if (study.results["limits"].frame["breaches"] > 0).any() else "ok"
    more: dict[str, Any] = {"coverage": study.coverage, "status": worst([study.status, broken])}
    shapes = study.results["shapes"].frame
    shapes = shapes[shapes["verdict"] == "drift"]
    if moved.empty and len(shapes):
        facts["column"] = str(shapes.iloc[0]["column"])
        return stated("answer", "quality", "quality/shaped", facts, weight=60.0, **more)
    if moved.empty:
        return stated("answer", "quality", "quality/steady", facts, weight=5.0, **more)
    order = drifts.assign(size=drifts["difference"].abs()).sort_values(["open", "size"], ascending=False)
    row = order.iloc[0]
    facts |= {name: str(row[name]) for name in ("title", "series", "direction")}
    end = "and it is so still" if row["open"] else f"until {_day(row['end'])}"
    facts |= {"difference": float(abs(row["difference"])), "when": f"from {_day(row['onset'])} on {end}"}
    weight = 70.0 if row["open"] else 25.0
    return stated("answer", "quality", "quality/drifted", facts, weight=weight, **more)


def _capacity(study: Study) -> Statement | None:
    frame = study.results["limits"].frame
    judged = frame[frame["status"] != "no_data"]
    if judged.empty:
        return None
    risky = judged[judged["status"].isin(["at_risk", "spent"])]
    facts: dict[str, Any] = {"levels": len(judged.drop_duplicates(_LEVEL)), "risky": len(risky.drop_duplicates(_LEVEL))}
    more: dict[str, Any] = {"coverage": study.coverage, "status": study.status}
    dated = dated_limits(frame)
    if dated.empty:
        return stated("answer", "capacity", "capacity/calm", facts, weight=55.0 if len(risky) else 4.0, **more)
    row = dated.iloc[0]
    named = {"title": str(row["title"]), "series": str(row["series"]), "limit": limit_text(row["limit"])}
    full = int((dated["reached_at"] <= pd.Timestamp(study.as_of)).sum())
    if full:
        facts = {"levels": facts["levels"], "full": full, "more": facts["risky"] - full}
        return stated("answer", "capacity", "capacity/full", facts | named, weight=85.0, **more)
    return stated("answer", "capacity", "capacity/risk", facts | named | {"at": row["reached_at"]}, weight=80.0, **more)


def dated_limits(limits: pd.DataFrame) -> pd.DataFrame:
    """Return the limits at risk that have a date, the first of each level, soonest first."""
    dated = limits[limits["status"].isin(["at_risk", "spent"]) & limits["reached_at"].notna()]
    return dated.sort_values("reached_at", kind="stable").drop_duplicates(_LEVEL)


def limit_text(limit: Any) -> str:
    """Write a limit in a sentence: without the comparison that its rule makes.

    Examples
    --------
    >>> limit_text(">= 100 %")
    '100 %'
    """
    return str(limit).lstrip("<>= ")


def _alerts(study: Study) -> Statement | None:
    if study.status == "no_data" or not study.coverage > 0:
        return None
    rules = study.results["rules"].frame
    began = int(rules["episodes"].sum())
    more: dict[str, Any] = {"coverage": study.coverage, "status": study.status}
    if not began:
        return stated("answer", "alerts", "alerts/none", {"began": 0}, weight=3.0, **more)
    first = rules.iloc[0]
    facts: dict[str, Any] = {"began": began, "asleep": int(rules["asleep"].sum())}
    weight = 45.0 if study.status in ("at_risk", "spent") else 7.0
    fired = rules.loc[rules["episodes"] > 0, "episodes"]
    if len(fired) > 1 and fired.eq(fired.iloc[0]).all():
        return stated("answer", "alerts", "alerts/alike", facts, weight=weight, **more)
    facts |= {"name": str(first["alertname"]), "share": float(first["share"])}
    return stated("answer", "alerts", "alerts/began", facts, weight=weight, **more)


def _day(value: Any) -> str:
    return f"{value.day} {value:%b %Y}"


_ANSWERS: Mapping[Question, Callable[[Study], Statement | None]] = {
    "slo": _slo,
    "performance": _performance,
    "cost": _cost,
    "quality": _quality,
    "capacity": _capacity,
    "alerts": _alerts,
}
