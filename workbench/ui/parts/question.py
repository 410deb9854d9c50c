"""The frame that the pages of questions share: title first, then the study, its figures, exports and provenance."""

from __future__ import annotations

import streamlit as st

from workbench.analysis.overview.answers import measured
from workbench.core.periods import DEFAULT
from workbench.core.result import Status, Study, worst
from workbench.studies import Context
from workbench.studies.answers.keys import judged_by
from workbench.studies.overview.answers import LastAnswer, keep_answer, last_answers
from workbench.ui import detail
from workbench.ui.parts import exports, filters, header, live, load, states
from workbench.ui.parts.drawn import Same, once
from workbench.ui.parts.markdown import escaped
from workbench.ui.parts.view import View, shown

#: Questions that the command line answers by the same name.
COMMANDS = ("performance", "cost", "quality", "capacity", "alerts")

#: Answers of which it is remembered that they were kept for the overview. [count]
KEPT = 100

_kept: dict[tuple[Same, Same, str], None] = {}


def page(title: str, command: str, study_name: str, view: View, *, exported: str) -> None:
    """Lay out one question about the chosen system and period.

    Parameters
    ----------
    title : str
        Heading, as readers see it.
    command : str
        Noun of the command line, also the first part of file names.
    study_name : str
        Study that answers the question.
    view : View
        What is shown of an answer; nothing of it is drawn when there is none.
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

    with states.guard(), states.waiting(body, height=600):
        study = load.question(study_name, system, period.range, period.zone)
    with facts:
        header.facts(study, header.system_title(system))
    with body, states.guard():
        if states.usable(study):
            with beside:
                states.page_badge(study, _worst(study, view), of_budget=False)
            states.partly_observed(study)
            if period.text in (DEFAULT, filters.USUAL):
                _keep_once(load.context(), study, view)
            shown(view, study)
            states.warned(study)
            exports.downloads(study, study.results[exported], name=exports.file_name(command, system, period.text))
        else:
            with beside:
                states.badge(study.status)
            if study.status == "no_data":
                _others(title, command, study, period.text)
        with st.expander("Where these numbers come from", icon=":material/verified:"):
            if command in COMMANDS:
                detail.question_commands(command, system, period, study)
            detail.notebook(study)
            detail.provenance(study)
        live.watched(study)


def keep(ctx: Context, study: Study, view: View) -> LastAnswer:
    """Keep what the page of a question came to at its usual period, for the overview."""
    return keep_answer(
        ctx,
        study,
        status=states.judged(study, _worst(study, view)),
        sentence=repr(once(view.answer, study)),
        events=len(once(view.unusual, study)),
        measured=measured(study),
    )


def _others(title: str, command: str, study: Study, period: str) -> None:
    """Link to the other systems for which this question had numbers last."""
    known = last_answers(load.context(), [study.name], as_of=load.now())
    for answer in known:
        if not answer.measured or answer.system == study.system:
            continue
        name = header.system_title(answer.system)
        given = {"system": answer.system} | ({} if period == DEFAULT else {"period": period})
        st.page_link(
            f"{command}.py", label=escaped(f"{title} of {name}"), icon=":material/arrow_forward:", query_params=given
        )


def _keep_once(ctx: Context, study: Study, view: View) -> None:
    """Keep what an answer came to when it is shown first, and not again at each look at it."""
    known = Same(ctx.store), Same(study.results), judged_by(ctx)
    if known not in _kept:
        keep(ctx, study, view)
        _kept[known] = None
        if len(_kept) > KEPT:
            _kept.pop(next(iter(_kept)), None)


def _worst(study: Study, view: View) -> Status:
    return worst([study.status, *(line.status for line in once(view.unusual, study))])
