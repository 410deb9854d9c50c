"""Parts of the executive page: objectives, money, people and the top actions, each with the way to its page."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from workbench.charts.overview.executive import activity_cards, executive_finding, executive_rows, money_cards
from workbench.core.result import Status, Study, worst
from workbench.ui import today
from workbench.ui.parts import exports, filters, load, states, tables
from workbench.ui.parts.markdown import escaped


def activities(period: filters.Period) -> Mapping[str, Study]:
    """Return what people did with each system in the period."""
    systems = load.context().systems
    return {name: load.question("product_activity", name, period.range, period.zone) for name in systems}


def status(study: Study) -> Status:
    """Return the worst of what the page judges; one that is good needs nine tenths of the period observed."""
    return states.judged(study, worst([card.status for card in money_cards(study) if card.status is not None]))


def first(study: Study) -> None:
    """Draw the answer, a card each for objectives and money, and the top actions."""
    st.markdown(escaped(repr(executive_finding(study))))
    today.cards(money_cards(study))
    today.first(study)


def by_system(study: Study, people: Mapping[str, Study]) -> None:
    """Draw a card of activity and a row for each system."""
    st.subheader("Activity", anchor=False)
    if cards := activity_cards(study, people):
        today.cards(cards)
    else:
        st.caption("No system has activity metrics.")
    st.subheader("By system", anchor=False)
    tables.texts(executive_rows(study, people), alt="Objectives, money and activity by system")
    exports.downloads(study, study.results["board"], name="executive")
