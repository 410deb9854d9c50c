"""The frame that the pages of questions share: title first, then the study, its figures, exports and provenance."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from workbench.core.result import Study
from workbench.ui import detail
from workbench.ui.parts import exports, filters, header, load, states


def page(title: str, command: str, study_name: str, show: Callable[[Study], None], *, exported: str) -> None:
    """Lay out one question about the chosen system and period.

    Parameters
    ----------
    title : str
    command : str
        Noun of the command line, also the first part of file names.
    study_name : str
        Study that answers the question.
    show : callable
        Draws the answer; called only when there is one.
    exported : str
        Result whose rows the CSV download holds.
    """
    system = filters.system()
    if not system:
        header.title(title)
        states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
        st.stop()
    top = st.container()
    with states.guard():
        period = filters.period()
    with top:
        beside = header.title(title)
        facts = st.container()
    body = st.container()

    with states.guard(), body.skeleton(height=600):
        study = load.question(study_name, system, period.range, period.zone)
    with beside:
        states.badge(study.status)
    with facts:
        header.facts(study, header.system_title(system))
    with body, states.guard():
        if states.usable(study):
            show(study)
            states.warned(study)
            exports.downloads(study, study.results[exported], name=exports.file_name(command, system, period.text))
        with st.expander("Where these numbers come from", icon=":material/verified:"):
            detail.question_commands(command, system, period, study)
            detail.provenance(study)
