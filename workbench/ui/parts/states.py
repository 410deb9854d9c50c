"""What a page shows instead of numbers: what happened, where, and what to do next; never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.analysis.slo.compliance import COVERAGE_FLOOR
from workbench.charts.theme import PARTLY, STATUS_WORDS
from workbench.core.errors import (
    AccessRefused,
    ArchiveError,
    CatalogError,
    CertificateInvalid,
    ChangedMeanwhile,
    EmptyAnswer,
    Fault,
    ParameterError,
    QueryRejected,
    QueryTooExpensive,
    SettingsError,
    SourceError,
    SourceUnavailable,
    WorkbenchError,
)
from workbench.core.result import Status, Study
from workbench.core.units import ratio_text
from workbench.ui.parts import links
from workbench.ui.parts.markdown import escaped, plain

_LOG = logging.getLogger(__name__)


class _Kind(NamedTuple):
    title: str
    icon: str
    next_step: str


#: The first entry that an error is an instance of counts.
_KINDS: tuple[tuple[type[WorkbenchError], _Kind], ...] = (
    (CertificateInvalid, _Kind("The certificate does not verify", "gpp_bad", "Set ca_file of the source.")),
    (
        SourceUnavailable,
        _Kind("The source does not answer", "cloud_off", "Run `workbench sources check`, then load this page again."),
    ),
    (QueryTooExpensive, _Kind("The question is too large", "speed", "Choose a shorter window.")),
    (QueryRejected, _Kind("The query was rejected", "rule", "Correct the query in the system's profile.")),
    (EmptyAnswer, _Kind("Nothing was measured", "hourglass_empty", "Choose another window or see the sources page.")),
    (CatalogError, _Kind("A profile or SLO document is wrong", "edit_document", "Correct the file, then reload.")),
    (
        ChangedMeanwhile,
        _Kind("Changed by someone else", "sync_problem", "Look at the change, then write again."),
    ),
    (AccessRefused, _Kind("You may not see this", "lock", "Ask an admin for a role.")),
    (SettingsError, _Kind("The settings cannot be used", "settings_alert", "Correct the settings, then restart.")),
    (ArchiveError, _Kind("The archive cannot be read", "database_off", "Run `workbench sources check`.")),
    (
        ParameterError,
        _Kind("This link points to something that does not exist", "link_off", "Choose from the filters."),
    ),
)

_BADGES: dict[Status, tuple[str, str]] = {
    "ok": ("green", "check_circle"),
    "at_risk": ("orange", "warning"),
    "spent": ("red", "error"),
    "no_data": ("gray", "help"),
    "no_traffic": ("gray", "bedtime"),
    "unavailable": ("violet", "cloud_off"),
    "refused": ("violet", "block"),
}

_EXPLANATIONS: dict[Status, str] = {
    "no_data": "Nothing was measured in this range, or too little to judge: the number is not known.",
    "no_traffic": "The series exist, but there were no requests in this period: the objective was not tested.",
    "unavailable": "The source did not answer, so there is no number to show.",
    "refused": "Not shown: the query is too large, or the counts are inconsistent (see notes).",
}

_NEXT_STEPS: dict[Status, str] = {
    "no_data": "Choose a range that ends before the newest sample, or see the sources page for what is measured.",
    "no_traffic": "Choose a longer window.",
    "unavailable": "Run `workbench sources check`, then load this page again.",
    "refused": "Read the notes. If the query is too large, shorten the period or raise `limits` in the settings.",
}

_NO_SIGNAL_STEP = "The sources page lists what is measured, and the signals that are missing."

_SHORT_STEP = "Choose a shorter range, or look again when the source holds more history."

#: Warnings shown at once; a silent source gives the same one for every SLO.
_SHOWN = 1


def catalog_mistakes(faults: Sequence[Fault]) -> None:
    """Say above every page which files of the catalog were left out, and why."""
    if faults:
        count = "1 mistake" if len(faults) == 1 else f"{len(faults)} mistakes"
        with st.expander(f"{count} in profiles or SLO documents: these are left out", icon=":material/edit_document:"):
            for fault in faults:
                st.code(plain(str(fault)), language=None)


def badge_text(status: Status, *, of_budget: bool = True, part: bool = False) -> str:
    """Return a coloured badge as markdown: icon, colour and always the word.

    Where nothing has an error budget (``of_budget`` false) the worst status is called critical. What would be OK, had
    more of its time been observed (``part``), is called partly observed.
    """
    colour, icon = _BADGES[status]
    word = STATUS_WORDS[status] if of_budget or status != "spent" else "Critical"
    return f":{colour}-badge[:material/{icon}: {PARTLY if part else word}]"


def badge(status: Status, *, of_budget: bool = True, part: bool = False) -> None:
    """Show a status as a badge; see :func:`badge_text`."""
    st.markdown(badge_text(status, of_budget=of_budget, part=part), width="content")


def page_badge(study: Study, status: Status, *, of_budget: bool = True) -> None:
    """Show the status of a page, as :func:`judged` has it, as a badge."""
    final = judged(study, status)
    part = final != status or (final == "no_data" and 0 < study.coverage < COVERAGE_FLOOR and _partly_known(study))
    badge(final, of_budget=of_budget, part=part)


def judged(study: Study, status: Status) -> Status:
    """Return the status of a page: one that is good needs nine tenths of the period observed.

    Parameters
    ----------
    study : Study
        An answered question with its results.
    status : Status
        The worst of what the page shows.

    Returns
    -------
    Status
        ``no_data`` for an ``ok`` that rests on less; a page without a share of observed time is left alone.

    Examples
    --------
    >>> from workbench.core.result import Provenance
    >>> from workbench.core.timerange import TimeRange, from_ms
    >>> none = Provenance("", "", "", "")
    >>> study = Study("s", "x", TimeRange.from_ms(0, 0), from_ms(0), {}, "ok", None, 0.06, none)
    >>> judged(study, "ok"), judged(study, "at_risk")
    ('no_data', 'at_risk')
    """
    return "no_data" if status == "ok" and study.coverage < COVERAGE_FLOOR else status


def partly_observed(study: Study) -> None:
    """Say above the figures of a page that they are of a part of its period only."""
    if study.coverage < COVERAGE_FLOOR:
        share = ratio_text(study.coverage, digits=1)
        st.caption(f"Only {share} of the period was observed. Totals cover that part, and nothing is called good.")


def failed(error: WorkbenchError) -> None:
    """Show an error of ours: its kind, its message, the query it met and the next step."""
    kind = next(
        (kind for type_, kind in _KINDS if isinstance(error, type_)), _Kind("This did not work", "error", "Reload.")
    )
    where = f"{escaped(error.source)}: " if isinstance(error, SourceError) and error.source else ""
    with st.container(border=True):
        st.markdown(f"**:material/{kind.icon}: {kind.title}**")
        if "\n" in error.message:
            st.code(plain(error.message), language=None, wrap_lines=True)
        else:
            st.markdown(where + escaped(error.message))
        if isinstance(error, SourceError) and error.query:
            st.code(plain(error.query), language=None, wrap_lines=True)
        st.caption(escaped(error.hint) if error.hint else kind.next_step)


@contextmanager
def guard() -> Iterator[None]:
    """Turn whatever the block raises into a message, and end the page there.

    Our errors are shown in full. Any other is a fault of the program: it goes to the log, the reader gets one sentence.
    """
    try:
        yield
    except WorkbenchError as error:
        failed(error)
    except Exception:
        _LOG.exception("a page failed")
        with st.container(border=True):
            st.markdown("**:material/error: This page could not be built**")
            st.markdown("The reason stands in the log of the dashboard, at the time of this visit.")
            st.caption("Reload the page; if it fails again, report the log lines.")
    else:
        return
    st.stop()


@contextmanager
def waiting(place: DeltaGenerator, *, height: int) -> Iterator[None]:
    """Hold the place of figures while a page waits for its first answer.

    On later runs of the page the older figures stay until the new ones come: a placeholder would push them down.
    """
    drawn = links.drawn_here()
    if height in drawn:
        yield
        return
    with place.skeleton(height=height):
        yield
    drawn.add(height)


def usable(study: Study) -> bool:
    """Say whether a study has numbers; where it has none, show why and what to do instead."""
    if study.status not in _EXPLANATIONS:
        return True
    if _partly_known(study):
        st.caption("A part of this is not known; its rows say so.")
        return True
    with st.container(border=True):
        badge(study.status)
        st.markdown(_explanation(study))
        older = study.age_s is not None  # then the first warning is the age, which stands above
        reasons = study.warnings[older:] or remarks(study)[older:]
        for reason in reasons[:_SHOWN]:
            st.text(plain(reason))
        if len(reasons) > _SHOWN:
            with st.expander(f"{len(reasons) - _SHOWN} more"):
                for reason in reasons[_SHOWN:]:
                    st.text(plain(reason))
        st.caption(_next_step(study))
    return False


def _next_step(study: Study) -> str:
    if study.status != "no_data" or not _has_queries(study):
        return _NEXT_STEPS[study.status] if study.status != "no_data" else _NO_SIGNAL_STEP
    return _SHORT_STEP if study.freshness is not None and study.coverage > 0 else _NEXT_STEPS["no_data"]


def _has_queries(study: Study) -> bool:
    """Whether a source was asked at all: a system without a signal for a question has no query."""
    return bool(study.provenance.queries) or study.freshness is not None or study.coverage > 0


def _explanation(study: Study) -> str:
    if study.status != "no_data":
        return _EXPLANATIONS[study.status]
    if study.freshness is not None and study.coverage > 0:
        share = ratio_text(study.coverage, digits=1)
        return f"Only {share} of this range was observed: too little for a verdict."
    return _EXPLANATIONS["no_data"]


def _partly_known(study: Study) -> bool:
    """Whether some of what a study judged has a verdict although the whole has none."""
    frames = [result.frame for result in study.results.values() if "status" in result.frame]
    return any(frame["status"].isin(["ok", "at_risk", "spent"]).any() for frame in frames)


def remarks(study: Study) -> list[str]:
    """Return what to know when reading a study: its warnings and the notes of its results, each once.

    Examples
    --------
    >>> from workbench.core.result import Provenance
    >>> from workbench.core.timerange import TimeRange, from_ms
    >>> none = Provenance("", "", "", "")
    >>> study = Study("s", "x", TimeRange.from_ms(0, 0), from_ms(0), {}, "ok", None, 1.0, none, ("late", "late"))
    >>> remarks(study)
    ['late']
    """
    notes = (note for result in study.results.values() for note in result.notes)
    return list(dict.fromkeys([*study.warnings, *notes]))


def warned(study: Study) -> None:
    """Show the remarks of a study that has numbers all the same."""
    notes = remarks(study)
    if notes:
        with st.expander(f"Remarks on these numbers ({len(notes)})", icon=":material/info:"):
            for remark in notes:
                st.text(plain(remark))


def nothing(title: str, next_step: str) -> None:
    """Say that there is nothing here yet, and how to change that."""
    with st.container(border=True):
        st.markdown(f"**{escaped(title)}**")
        st.markdown(next_step)
