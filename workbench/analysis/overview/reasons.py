"""What was missed, why, what to decide, and what is not known: the rest of a first page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from workbench.analysis.overview.answers import (
    JUDGED,
    LEAST_COVERAGE,
    STUDIES,
    UNREAD,
    budget_text,
    dated_limits,
    limit_text,
    measured,
)
from workbench.analysis.overview.statements import QUESTIONS, Statement, known, stated
from workbench.core.result import Study
from workbench.core.units import part_text, span_text

#: Objectives that are told with their cause, and decisions that are asked for. [count]
MOST = 3

#: What may have caused an episode, the most telling kind first, and how it is said.
_CAUSES = {
    "deploy": "deploy {what} came",
    "incident": "incident {what} came",
    "restart": "{what} came",
    "log": "the new error message “{what}” came",
}

#: What began so long after the start of an episode did not cause it: the start is known to a slice. [s]
_AFTER_S = 600.0

#: Two things that are not farther apart began together. [s]
_TOGETHER_S = 60.0

#: An alert rule that makes more of the load than this is worth a decision. [ratio], [count]
_NOISY_SHARE, _NOISY_COUNT = 0.25, 10

#: Share of a period that may stay unobserved without a word. [ratio]
_WHOLE = 0.9999

#: Characters of a message that are shown; the section on the objective has all of it. [count]
_LONGEST_MESSAGE = 90


#: Columns of what was spent while the largest episode of an objective lasted.
EPISODE_SPEND = ["objective", "seconds", "unit", "amount", "before", "coverage", "before_coverage"]


def short_of_target(compliance: pd.DataFrame) -> pd.DataFrame:
    """Return the objectives that a first page tells of: missed or at risk, least budget left first."""
    short = compliance[compliance["status"].isin(["spent", "at_risk"])]
    return short.sort_values("period_left_ratio", kind="stable").head(MOST)


def top_episodes(spending: pd.DataFrame, objectives: Sequence[str]) -> pd.DataFrame:
    """Return the episode that spent most of the budget of each objective."""
    own = spending[(spending["kind"] == "episode") & spending["objective"].isin(list(objectives))]
    return own.sort_values("budget_share", ascending=False, kind="stable").drop_duplicates("objective")


def missed(
    compliance: pd.DataFrame, attribution: Study | None, spend: pd.DataFrame | None = None
) -> Iterator[Statement]:
    """Tell the objectives that were missed, then those at risk, each with its top episode, its cause and its cost.

    Parameters
    ----------
    compliance : DataFrame
        Columns of :class:`workbench.analysis.slo.compliance.ComplianceResult`.
    attribution : Study or None
        ``spending``, ``contributions`` and ``companions`` of the same period.
    spend : DataFrame, optional
        Columns :data:`EPISODE_SPEND`: money spent in the top episode of each; nothing is said of money without it.
    """
    for place, (_, row) in enumerate(short_of_target(compliance).iterrows()):
        more: dict[str, Any] = {
            "coverage": float(row.coverage),
            "status": str(row.status),
            "weight": float(MOST - place),
        }
        facts = {"title": str(row.title), "sli": float(row.sli), "target": row.target}
        left = float(row.period_left_ratio)
        if row.status == "spent":
            counts = {"bad": float(row.bad), "total": float(row.total), "unit": str(row.unit), "over": -left}
            counts["budget"] = budget_text(row)
            yield stated("missed", "slo", "missed/events", facts | counts, **more)
        else:
            yield stated("missed", "slo", "missed/near", facts | {"left": left}, **more)
        if attribution is not None and attribution.status not in UNREAD:
            yield from _cause(str(row.objective), attribution, more)
        if row.status == "spent" and known(row.spent_minutes):
            yield stated("cost", "slo", "cost/missed", {"down": 60 * float(row.spent_minutes)}, **more)
        if row.status == "spent" and spend is not None:
            yield from _money(_priced(spend, [str(row.objective)]), more)


def unpriced(compliance: pd.DataFrame, spend: pd.DataFrame) -> Iterator[Statement]:
    """Say of how many missed objectives the cost in money is not known.

    Parameters
    ----------
    compliance : DataFrame
        Columns of :class:`workbench.analysis.slo.compliance.ComplianceResult`.
    spend : DataFrame
        Columns :data:`EPISODE_SPEND`.
    """
    short = short_of_target(compliance)
    objectives = short.loc[short["status"] == "spent", "objective"].tolist()
    count = len(set(objectives) - set(_priced(spend, objectives)["objective"]))
    if count:
        yield stated("unknown", "slo", "unknown/money", {"count": count})


def _priced(spend: pd.DataFrame, objectives: Sequence[str]) -> pd.DataFrame:
    known = spend["amount"].notna() & (spend["coverage"] >= LEAST_COVERAGE)
    return spend[known & spend["objective"].isin(list(objectives))]


def _money(spend: pd.DataFrame, more: Mapping[str, Any]) -> Iterator[Statement]:
    """Say what was spent while an episode lasted, and a week before where that was observed."""
    for row in spend.itertuples():
        facts = {"amount": (row.amount, str(row.unit)), "span": float(row.seconds)}
        if row.before is not None and row.before_coverage >= LEAST_COVERAGE:
            facts["before"] = (row.before, str(row.unit))
        template = "cost/money" if "before" in facts else "cost/money-alone"
        yield stated("cost", "slo", template, facts, **more)


def _cause(objective: str, attribution: Study, more: Mapping[str, Any]) -> Iterator[Statement]:
    spent = attribution.results["spending"].frame
    own = spent[spent["objective"] == objective]
    episodes = top_episodes(own, [objective])
    usual = own[own["kind"] == "usual"]
    if episodes.empty:
        if len(usual):
            yield stated("cause", "slo", "cause/usual", {"share": float(usual.iloc[0]["budget_share"])}, **more)
        return
    top = episodes.iloc[0]
    facts: dict[str, Any] = {
        "share": float(top["budget_share"]),
        "span": 60 * float(top["minutes"]),
        "start": top["start"],
        "where": _where(objective, int(top["episode"]), attribution.results["contributions"].frame),
    }
    cause = _companion(objective, int(top["episode"]), attribution.results["companions"].frame)
    if cause is None:
        yield stated("cause", "slo", "cause/place", facts, **more)
        return
    yield stated("cause", "slo", "cause/known", facts | _cause_facts(cause), **more)


def _cause_facts(cause: Any) -> dict[str, str]:
    lag, what = float(cause["lag_s"]), str(cause["what"])
    what = f"{what[:_LONGEST_MESSAGE]} …" if len(what) > _LONGEST_MESSAGE else what
    if cause["kind"] == "restart":
        what = f"a restart of {cause['detail']}" if cause["detail"] else what
    elif cause["kind"] == "deploy" and cause["detail"]:
        what += f" ({cause['detail']})"
    side = "before it" if lag < 0 else "after its start"
    when = "at its start" if abs(lag) < _TOGETHER_S else f"{span_text(abs(lag))} {side}"
    return {"what": _CAUSES[str(cause["kind"])].format(what=what), "lag": when}


def _where(objective: str, episode: int, contributions: pd.DataFrame) -> str:
    rows = contributions[
        (contributions["objective"] == objective) & (contributions["episode"] == episode) & contributions["narrowed"]
    ]
    places = [
        part_text(str(dimension), " or ".join(part["value"].astype(str)))
        for dimension, part in rows.groupby("dimension", sort=False, observed=True)
    ]
    return f", at {', '.join(places)}" if places else ""


def _companion(objective: str, episode: int, companions: pd.DataFrame) -> Any:
    rows = companions[(companions["objective"] == objective) & (companions["episode"] == episode)]
    near = rows[(rows["lag_s"] <= _AFTER_S) & rows["kind"].isin(list(_CAUSES))]
    near = near[(near["kind"] != "log") | (near["before"] == 0)]
    if near.empty:
        return None
    order = near.assign(
        place=[list(_CAUSES).index(str(kind)) for kind in near["kind"]], far=near["lag_s"].abs(), many=-near["count"]
    )
    keys = ["place", "many"] if (order["place"] == list(_CAUSES).index("log")).all() else ["place", "far"]
    return order.sort_values(keys, kind="stable").iloc[0]


def decisions(studies: Mapping[str, Study], *, owner: str) -> list[Statement]:
    """Choose the decisions that are asked for: the first of each kind before every second one, at most three."""
    decisions = sorted(_decisions(studies, owner), key=lambda decision: -decision.weight)
    kinds: dict[str, int] = {}
    places = []
    for place, decision in enumerate(decisions):
        places.append((kinds.get(decision.question, 0), place))
        kinds[decision.question] = kinds.get(decision.question, 0) + 1
    chosen = [decisions[place] for _, place in sorted(places)[:MOST]]
    if chosen:
        return chosen
    read = [QUESTIONS[question] for question, name in STUDIES.items() if name in studies and _answered(studies[name])]
    return [stated("decision", "", "decision/none", {"count": 0, "names": ", ".join(read) or "nothing"})]


def _answered(study: Study) -> bool:
    return study.status not in (*UNREAD, "no_data") and measured(study)


def _spent_budgets(usable: Mapping[str, Mapping[str, Any]]) -> set[str]:
    if "spend_and_tokens" not in usable:
        return set()
    budgets = usable["spend_and_tokens"]["budgets"].frame
    spent = budgets[budgets["status"] == "spent"]
    return {f"{dimension} {group}" for dimension, group in zip(spent["dimension"], spent["group"], strict=True)}


def _decisions(studies: Mapping[str, Study], owner: str) -> Iterator[Statement]:
    usable = {name: study.results for name, study in studies.items() if study.status not in UNREAD}
    if "slo_compliance" in usable:
        policy = usable.get("slo_policy", {})
        yield from _of_objectives(usable["slo_compliance"]["compliance"].frame, policy, owner)
    if "capacity_forecast" in usable:
        frame = usable["capacity_forecast"]["limits"].frame
        as_of = pd.Timestamp(studies["capacity_forecast"].as_of)
        for row in dated_limits(frame).itertuples():
            if pd.notna(row.anew_at) and str(row.series) in _spent_budgets(usable):
                continue  # a budget of money: what to do about it is among the decisions on spend
            facts: dict[str, Any] = {"title": str(row.title), "series": str(row.series), "at": row.reached_at}
            facts["limit"] = limit_text(row.limit)
            full = row.reached_at <= as_of
            template = "decision/full" if full else "decision/capacity"
            yield stated("decision", "capacity", template, facts, owner=owner, weight=95.0 if full else 80.0)
    if "quality_drift" in usable:
        drifts = usable["quality_drift"]["drifts"].frame
        for row in drifts[drifts["open"].astype(bool)].itertuples():
            facts = {name: str(getattr(row, name)) for name in ("title", "series", "direction")}
            facts |= {"difference": abs(float(row.difference)), "onset": row.onset}
            yield stated("decision", "quality", "decision/drift", facts, owner=owner, weight=70.0)
    if "spend_and_tokens" in usable:
        yield from _of_spend(usable["spend_and_tokens"], owner)
    if "alert_load" in usable:
        rules = usable["alert_load"]["rules"].frame
        began = int(rules["episodes"].sum())
        noisy = rules[(rules["share"] >= _NOISY_SHARE) & (rules["episodes"] >= _NOISY_COUNT)]
        for row in noisy.itertuples():
            facts = {"name": str(row.alertname), "share": float(row.share), "began": began}
            facts["flapping"] = int(row.flapping)
            fields = {"owner": str(row.owner) or owner, "weight": 40.0}
            yield stated("decision", "alerts", "decision/noise", facts, **fields)


def _of_objectives(compliance: pd.DataFrame, policy: Mapping[str, Any], owner: str) -> Iterator[Statement]:
    followed = set()
    if "policy" in policy:
        frame, own = policy["policy"].frame, policy["compliance"].frame.set_index("objective")
        reached = frame[(frame["state"] == "reached") & (frame["measure"] == "budget_left")]
        for objective, steps in reached.groupby("objective", sort=False):
            step = steps.sort_values("limit", kind="stable").iloc[0]
            if float(step["value"]) > 0 or not float(own.loc[objective, "coverage"]) >= LEAST_COVERAGE:
                continue
            followed.add(str(objective))
            facts = {"title": str(step["title"]), "spent": 1 - float(step["value"]), "step": str(step["step"])}
            length = own.loc[objective, "window_end"] - own.loc[objective, "window_start"]
            facts |= {"days": length / pd.Timedelta(days=1), "consequence": str(step["consequence"])}
            yield stated("decision", "slo", "decision/policy", facts, owner=owner, weight=90.0)
    for _, row in compliance[~compliance["objective"].isin(followed)].iterrows():
        left = float(row.period_left_ratio)
        if row.status == "spent":
            facts = {"title": str(row.title), "spent": 1 - left, "budget": budget_text(row)}
            yield stated("decision", "slo", "decision/missed", facts, owner=owner, weight=88.0)
        elif row.status == "at_risk":
            facts = {"title": str(row.title), "left": left}
            yield stated("decision", "slo", "decision/risk", facts, owner=owner, weight=50.0)


def _of_spend(spend: Mapping[str, Any], owner: str) -> Iterator[Statement]:
    budgets = spend["budgets"].frame
    for row in budgets[budgets["status"] == "spent"].sort_values("used", ascending=False).itertuples():
        facts: dict[str, Any] = {"group": part_text(str(row.dimension), str(row.group)), "used": float(row.used)}
        yield stated("decision", "cost", "decision/budget", facts, owner=owner, weight=65.0)
    jumps = spend["jumps"].frame
    for row in jumps[(jumps["measure"] == "cost") & jumps["ongoing"].astype(bool)].itertuples():
        if row.impact > 0:
            facts = {
                "group": part_text(str(row.dimension), str(row.group)),
                "impact": (Decimal(str(row.impact)), str(row.unit)),
                "first": row.first,
            }
            yield stated("decision", "cost", "decision/jump", facts, owner=owner, weight=60.0)


def unknowns(studies: Mapping[str, Study], periods: pd.DataFrame) -> Iterator[Statement]:
    """Name what could not be looked at, with how much of it.

    Parameters
    ----------
    studies : mapping of str to Study
        The answered questions by name.
    periods : DataFrame
        Columns of :class:`workbench.analysis.overview.first_page.PeriodFigures`.
    """
    answered = {question: studies[name] for question, name in STUDIES.items() if name in studies}
    unread = [QUESTIONS[question] for question, study in answered.items() if study.status in UNREAD]
    if unread:
        yield stated("unknown", "", "unknown/source", {"count": len(unread), "names": ", ".join(unread)})
    read = {question: study for question, study in answered.items() if study.status not in UNREAD}
    silent = [QUESTIONS[question] for question, study in read.items() if not measured(study)]
    if silent:
        yield stated("unknown", "", "unknown/measured", {"count": len(silent), "names": ", ".join(silent)})
    empty = [QUESTIONS[question] for question, study in read.items() if study.status == "no_data" and measured(study)]
    if empty:
        yield stated("unknown", "", "unknown/data", {"count": len(empty), "names": ", ".join(empty)})
    if "slo" in read:
        frame = read["slo"].results["compliance"].frame
        silent = [str(title) for title in frame.loc[~frame["status"].isin(JUDGED), "title"]]
        if silent:
            yield stated("unknown", "slo", "unknown/objectives", {"count": len(silent), "names": _named(silent)})
    if "capacity" in read:
        frame = read["capacity"].results["limits"].frame.drop_duplicates(["resource", "series"])
        few = int((frame["status"] == "no_data").sum())
        if few:
            yield stated("unknown", "capacity", "unknown/levels", {"count": few, "levels": len(frame)})
    if "quality" in read:
        frame = read["quality"].results["states"].frame
        few = int(frame["verdict"].isin(["not_enough", "not_updated"]).sum()) if len(frame) else 0
        if few:
            yield stated("unknown", "quality", "unknown/scores", {"count": few, "scores": len(frame)})
    yield from _unobserved(read)
    span = periods.drop_duplicates("start")
    seen = periods[periods["value"].notna()]["start"].nunique()
    if len(span) > 1 and seen < len(span):
        yield stated("unknown", "", "unknown/history", {"known": seen, "wanted": len(span)})


def _unobserved(read: Mapping[Any, Study]) -> Iterator[Statement]:
    gaps = {
        QUESTIONS[question]: (1 - study.coverage, study)
        for question, study in read.items()
        if measured(study) and known(study.coverage) and study.coverage < _WHOLE
    }
    if gaps:
        share, study = max(gaps.values(), key=lambda gap: gap[0])
        seconds = (min(study.range.end, study.as_of) - study.range.start).total_seconds()
        facts = {"missing": share * max(0.0, seconds), "share": share, "what": _named(list(gaps), most=6)}
        yield stated("unknown", "", "unknown/coverage", facts)


def _named(names: Sequence[str], most: int = 4) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
