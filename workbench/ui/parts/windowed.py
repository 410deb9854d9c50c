"""The frame that the pages about a stretch of time share: title, what is asked, the answer, exports and provenance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import streamlit as st

from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.ui import detail
from workbench.ui.parts import exports, filters, header, load, states


@dataclass(frozen=True)
class Question:
    """What is asked about a stretch of time, and how the answer is shown.

    Attributes
    ----------
    study : str
        Name of the study that answers.
    window : TimeRange
        The stretch.
    shown : callable
        Draws an answer that has numbers.
    commands : callable
        Shows the commands that print the same.
    exported : str
        Result whose rows the CSV download holds.
    options : mapping
        Further arguments of the study.
    """

    study: str
    window: TimeRange
    shown: Callable[[Study], None]
    commands: Callable[[Study], None]
    exported: str
    options: Mapping[str, str] = field(default_factory=dict)


def page(title: str, name: str, ask: Callable[[], Question]) -> None:
    """Lay out a page about a stretch of time of the chosen system.

    Parameters
    ----------
    title : str
        Title of the page.
    name : str
        First part of the names of downloaded files.
    ask : callable
        Draws the filters of the page and returns what is asked.
    """
    system = filters.system()
    beside = header.title(title)
    if not system:
        states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
        st.stop()
    facts = st.container()
    with states.guard():
        question = ask()
    with states.guard(), states.waiting(st.container(), height=600):
        study = load.windowed(question.study, system, question.window, **question.options)
    with beside:
        states.page_badge(study, study.status, of_budget=False)
    with facts:
        header.facts(study, header.system_title(system))
    with states.guard():
        if states.usable(study):
            question.shown(study)
            exports.downloads(study, study.results[question.exported], name=f"{name}-{system}")
        states.warned(study)
        with st.expander("Where these numbers come from", icon=":material/verified:"):
            question.commands(study)
            detail.notebook(study, **question.options)
            detail.provenance(study)
