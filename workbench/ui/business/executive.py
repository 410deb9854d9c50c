"""Parts of the executive page: objectives, money, people and the top actions, each with the way to its page."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from workbench.charts.overview.executive import executive_cards, executive_finding, executive_rows
from workbench.core.result import Status, Study, worst
from workbench.ui import today
from workbench.ui.parts import exports, filters, load, tables
from workbench.ui.parts.markdown import escaped


def activities(period: filters.Period) -> Mapping[str, Study]:
    """Return what people did with each system in the period."""
    systems = load.context().systems
    return {name: load.question("product_activity", name, period.range, period.zone) for name in systems}


def status(study: Study, people: Mapping[str, Study]) -> Status:
    """Return the worst of what the page shows."""
    return worst([card.status for card in executive_cards(study, people) if card.status is not None])


def shown(study: Study, people: Mapping[str, Study]) -> None:
    """Draw the answer, a card a figure, the top actions, and a row a system."""
    st.markdown(escaped(repr(executive_finding(study))))
    today.cards(executive_cards(study, people))
    today.first(study)
    st.subheader("By system", anchor=False)
    tables.texts(executive_rows(study, people), alt="Objectives, money and activity by system")
    exports.downloads(study, study.results["board"], name="executive")
