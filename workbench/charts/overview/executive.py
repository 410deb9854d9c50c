"""The executive page: one card a figure and one row a system, from the overview and what people did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.charts.cost.tables import budget_words
from workbench.charts.overview.questions import QuestionCard, cost_card, objectives_card
from workbench.charts.overview.tables import spend_rows
from workbench.charts.tables import Sentence, status_word
from workbench.charts.theme import STATUS_WORDS
from workbench.core.result import Status, Study, worst
from workbench.core.units import NO_VALUE, change_text, count_text, part_text, ratio_text

_KNOWN = ("ok", "at_risk", "spent")


def money_cards(study: Study) -> tuple[QuestionCard, ...]:
    """Return one card each for objectives, spend and budgets.

    Parameters
    ----------
    study : Study
        Of :func:`workbench.studies.overview.board.overview`.
    """
    return (objectives_card(study), cost_card(study), _budgets(study))


def activity_cards(study: Study, activities: Mapping[str, Study]) -> tuple[QuestionCard, ...]:
    """Return one card for each system that counts what people do with it; activity is not judged.

    Parameters
    ----------
    study : Study
        Of :func:`workbench.studies.overview.board.overview`.
    activities : mapping of str to Study
        By system: :func:`workbench.studies.operations.activity.product_activity`.
    """
    board = study.results["board"].frame
    titles = dict(zip(board["system"], board["system_title"], strict=True))
    cards = []
    for system, activity in activities.items():
        for row in _whole(activity).head(1).itertuples():
            value = f"{row.title}: {count_text(round(row.amount, 1))}"
            change = change_text(row.change_ratio) if _known(row.change_ratio) else ""
            note = "mean of the period" if row.level else "in the period"
            note += f", {change} against the period before" if change else ""
            cards.append(QuestionCard(titles[system], "activity.py", "groups", None, value, note, system))
    return tuple(cards)


def executive_rows(study: Study, activities: Mapping[str, Study]) -> list[dict[str, str]]:
    """One row of text per system: status, objectives met, least budget left, spend of the month, activity."""
    board, spend = study.results["board"].frame, study.results["spend"]
    money_of: dict[str, dict[str, str]] = {}
    for system, row in zip(spend.frame["system"], spend_rows(spend), strict=True):
        mine = money_of.setdefault(str(system), {})
        money_of[str(system)] = {name: f"{mine[name]} + {text}" if name in mine else text for name, text in row.items()}
    rows = []
    for system, mine in board.groupby("system", sort=False):
        judged = mine[mine["status"].isin(_KNOWN) & (mine["objective"] != "")]
        met = int((judged["status"] != "spent").sum())
        unknown = int((mine["objective"] != "").sum()) - len(judged)
        least = judged["period_left_ratio"].min() if len(judged) else float("nan")
        money = money_of.get(str(system), {})
        rows.append(
            {
                "System": str(mine["system_title"].iloc[0]),
                "SLO status": status_word(worst([*mine["status"]]), judged["coverage"].min()),
                "Objectives met": f"{met} of {len(judged)}" + (f", {unknown} not known" if unknown else ""),
                "Least budget left": ratio_text(least, digits=1),
                "Spent this month": money.get("Spent", NO_VALUE),
                "By month's end": money.get("By month's end", NO_VALUE),
                "Against last month": money.get("Against last month", NO_VALUE),
                "Activity": _activity(activities.get(str(system))),
            }
        )
    return rows


def executive_finding(study: Study) -> Sentence:
    """Say in a sentence how objectives, spend and budgets stand."""
    objectives, cost, budgets = objectives_card(study), cost_card(study), _budgets(study)
    spent = f"{cost.value} spent {cost.note.partition(';')[0]}" if cost.value != NO_VALUE else "spend is not measured"
    met = f"{objectives.value} objectives".replace(" met", "") + f" met ({objectives.note})"
    known = met if objectives.value != NO_VALUE else "no objective could be judged"
    used = f"; {budgets.value} budgets {budgets.note.partition('; ')[0]}" if budgets.value != NO_VALUE else ""
    return Sentence(f"{known[:1].upper()}{known[1:]}; {spent}{used}.")


def _budgets(study: Study) -> QuestionCard:
    budgets = study.results["budgets"].frame
    looked = study.results["evidence"].frame
    known = int(looked.loc[looked["clause"] == "budget", "known"].sum())
    read = budgets[budgets["status"] != "no_data"]
    if read.empty:
        note = f"{known} budgets could not be read" if known else "no budget is set or measured"
        return QuestionCard("Budgets of money", "cost.py", "account_balance_wallet", "no_data", NO_VALUE, note)
    over, used = budget_words(read["status"])
    status: Status = worst([*read["status"]])
    if status == "ok" and len(read) < known:
        status = "no_data"
    first = read.sort_values("used", ascending=False).iloc[0]
    unread = f"; {known - len(read)} could not be read" if known > len(read) else ""
    most = part_text(str(first["dimension"]), str(first["group"]))
    note = f"{used}; most: {most}, {ratio_text(first['used'], digits=0)}"
    value, system = f"{over} of {len(read)}", str(first["system"])
    return QuestionCard(
        "Budgets of money", "cost.py", "account_balance_wallet", status, value, f"{note}{unread}", system
    )


def _activity(study: Study | None) -> str:
    if study is None:
        return NO_VALUE
    for row in _whole(study).head(1).itertuples():
        change = f" ({change_text(row.change_ratio)})" if _known(row.change_ratio) else ""
        return f"{row.title}: {count_text(round(row.amount, 1))}{change}"
    return "not measured" if study.status in ("ok", "no_data") else STATUS_WORDS[study.status].lower()


def _whole(study: Study) -> pd.DataFrame:
    """Return what is known of people's doing; active users first."""
    frame = study.results["totals"].frame
    frame = frame[(frame["dimension"] == "") & frame["amount"].notna()]
    return frame.assign(_last=~frame["level"].astype(bool)).sort_values("_last", kind="stable")


def _known(value: Any) -> bool:
    return bool(value == value)
