"""The reviews page: items of a checklist with verdict and number; ticks and finished reviews are kept."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from workbench import studies
from workbench.analysis.reviews.items import REVIEWS
from workbench.charts.reviews import tables as rows
from workbench.core.result import Study
from workbench.core.units import count_text
from workbench.studies.reviews.review import items_of
from workbench.ui.access.decide import newest_seen, submit
from workbench.ui.parts import filters, load, states, tables
from workbench.ui.parts.cards import Tile, tiles
from workbench.ui.parts.markdown import escaped


def chosen(system: str) -> str:
    """Draw the choice of a review, which lives in the address; the first with items of the system is the default."""
    context = load.context()
    names = sorted(REVIEWS, key=lambda review: not items_of(context, system, review))
    return filters.choice("Review", [*names, "all"], "review")


def answer(system: str, review: str) -> Study:
    """Judge the items; read anew at every look, as ticks change it."""
    return studies.system_review(load.context(), system=system, review=review, as_of=load.now())


def shown(study: Study) -> None:
    """Draw the items, what changed since the last review, and the ways to tick off and to finish."""
    frame = study.results["items"].frame
    if frame.empty:
        states.usable(study)
        return
    st.markdown(escaped(repr(rows.review_finding(study))))
    counts = frame["verdict"].value_counts()
    tiles(
        [
            Tile("Need attention", count_text(int(counts.get("attention", 0))), "judged from data"),
            Tile("Open", count_text(int(counts.get("open", 0))), "only people can answer"),
            Tile("Not measured", count_text(int(counts.get("not_measured", 0))), "no signal says it"),
            Tile("Changed", count_text(int(frame["changed"].sum())), "since the last finished review"),
        ]
    )
    tables.texts(rows.item_rows(study.results["items"]), alt="Items, those that need action first")
    _tick(study)


def _tick(study: Study) -> None:
    context = load.context()
    frame = study.results["items"].frame
    people = frame[frame["verdict"].isin(["open", "done"])]
    if context.store is None or not context.identity.may("editor", study.system):
        st.caption("Ticking off needs a store and the role editor.")
        return
    seen = newest_seen(study.system)
    with st.form("tick", clear_on_submit=True):
        item = ""
        if len(people):  # without one, a form with nothing to choose would be grey on grey
            choice = people["item"].tolist()
            item = str(st.selectbox("Item for people", choice, format_func=lambda key: _text(study, key)))
        note = st.text_input("Note", max_chars=500)
        with st.container(horizontal=True):
            tick = bool(item) and st.form_submit_button("Tick off")
            finish = st.form_submit_button("Finish this review")
    if not tick and not finish:
        return
    given: Any = {"note": note, "at": context.clock(), "seen": seen}
    write = partial(studies.tick_item, context, system=study.system, item=item, **given)
    if submit(study.system, write if tick else partial(studies.finish_review, context, study, **given)):
        st.rerun()


def _text(study: Study, item: str) -> str:
    frame = study.results["items"].frame
    return str(frame[frame["item"] == item]["text"].iloc[0])
