"""The morning's first lines: what to do today, what the month costs, what fires, and how fresh it all is."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from workbench.analysis.overview.evidence import Evidence, quiet_sentence
from workbench.analysis.overview.findings import MonthSpend, OpenAlerts
from workbench.analysis.overview.today import TodayList
from workbench.charts.overview.questions import QuestionCard, question_cards
from workbench.charts.overview.tables import alert_rows, source_rows, spend_rows
from workbench.core.result import Study
from workbench.studies.answers.keys import PRESENT
from workbench.ui import background
from workbench.ui.parts import filters, links, load, states, tables
from workbench.ui.parts.markdown import escaped

#: Page that shows the evidence of a kind of finding, and what to call the way there.
_PAGES = {
    "objective": ("slo.py", "Open the SLO"),
    "alert": ("alerts.py", "Open alerts"),
    "limit": ("performance.py", "Open thresholds"),
    "budget": ("cost.py", "Open budgets"),
    "health": ("sources.py", "Open health checks"),
    "source": ("sources.py", "Open sources"),
}

#: Sentences about what was not looked at, above the board.
_SENTENCES = 6

#: How often the cards look whether their questions are answered, while some are not. [s]
LOOKS_S = 3.0

_ICONS = {
    "objective": "task_alt",
    "alert": "notifications_active",
    "limit": "speed",
    "budget": "payments",
    "health": "monitor_heart",
    "source": "cloud_off",
}


def first(study: Study) -> None:
    """Show the findings of the day, each with owner, runbook, evidence and the way to the page that proves it."""
    st.subheader("What to do today", anchor=False)
    result, looked = study.results["today"], study.results["evidence"]
    assert isinstance(result, TodayList)
    assert isinstance(looked, Evidence)
    if result.frame.empty:
        st.markdown(
            escaped(looked.clear()) or "Nothing was looked at: there is no objective, alert rule, threshold or budget."
        )
    if unread := looked.unread():
        more = f" {len(unread) - _SENTENCES} more like this." if len(unread) > _SENTENCES else ""
        st.caption(escaped(" ".join(unread[:_SENTENCES]) + more))
    if result.frame.empty:
        return
    with st.grid(len(result.frame), min_column_width=280, gap="small"):
        for _, row in result.frame.iterrows():
            with st.container(border=True, height="stretch"):
                _matter(row)
    if result.considered > len(result.frame):
        st.caption(f"Top {len(result.frame)} of {result.considered} actions.")


def questions(study: Study) -> None:
    """Show one card for each of the six questions, each with the way to its page.

    Those that nobody has answered today are answered behind the page; their cards follow by themselves.
    """
    ctx, live = load.context(), load.context().clock() - study.as_of < PRESENT
    as_of = max(load.now(), study.as_of) if live else study.as_of

    waiting = live and bool(background.reading(ctx, as_of=as_of).unread)

    @st.fragment(run_every=LOOKS_S if waiting else None)
    def answered() -> None:
        read = background.reading(ctx, as_of=as_of)
        if waiting and not read.unread:
            st.rerun()
        cards(question_cards(study, read.answers, (read.unread, read.failed) if live else ((), ())))
        if live:
            background.read(ctx, read.unread, as_of=as_of)

    answered()


def cards(row: Sequence[QuestionCard]) -> None:
    """Draw cards three in a row, each with the way to its page."""
    with st.grid(3, min_column_width=280, gap="small"):
        for card in row:
            with st.container(border=True, height="stretch", gap="xsmall"):
                given = links.returning(filters.address(card.system, "") if card.system else {})
                with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                    st.page_link(card.page, label=card.title, icon=f":material/{card.icon}:", query_params=given)
                    if card.status is not None:
                        states.badge(card.status, part=card.part)
                st.markdown(f"**{escaped(card.value)}**")
                st.caption(escaped(card.note))


def standing(study: Study) -> None:
    """Show spend of the month, alerts that fire and the sources, side by side."""
    spend, alerts = study.results["spend"], study.results["alerts"]
    assert isinstance(spend, MonthSpend)
    assert isinstance(alerts, OpenAlerts)
    parts = [
        ("Spend of the month", spend_rows(spend), "No system."),
        ("Open alerts", alert_rows(alerts), quiet_sentence(study.results["evidence"].frame)),
        ("Data", source_rows(study.results["sources"]), "Sources are judged only for a period that ends now."),
    ]
    with st.grid(2, min_column_width=440, gap="small"):
        for title, rows, none in parts:
            with st.container(border=True, height="stretch"):
                st.markdown(f"**{title}**")
                if rows:
                    tables.texts(rows, alt=title)
                else:
                    st.caption(none)


def _matter(row: pd.Series) -> None:
    kind = str(row["kind"])
    page, label = _PAGES[kind]
    st.markdown(f"**{int(row['rank'])}. :material/{_ICONS[kind]}: {escaped(str(row['title']))}**")
    st.markdown(escaped(str(row["evidence"])))
    runbook = str(row["runbook"])
    linked = runbook.startswith(("http://", "https://"))
    clauses = [str(row["system_title"]), f"owner {row['owner'] or 'not named'}"]
    if not linked:
        clauses.append(f"runbook: {runbook or 'none named'}")
    st.caption(escaped(" · ".join(clauses)))
    with st.container(horizontal=True, gap="small"):
        system = str(row["system"])
        given = links.returning(filters.address(system, str(row["subject"]) if kind == "objective" else ""))
        st.page_link(page, label=label, icon=":material/arrow_forward:", icon_position="right", query_params=given)
        if linked:
            st.link_button("Runbook", runbook, icon=":material/menu_book:", type="tertiary")
