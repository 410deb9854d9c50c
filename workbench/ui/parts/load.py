"""Studies for pages: computed once for all readers, and given from the store (:mod:`workbench.studies.answers`).

An answer depends on the settings (with the name and place of every source), the scope of the reader, the system, the
range and the instant, both rounded to the step.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from workbench import studies
from workbench.analysis.counting.happened import Happened
from workbench.core.result import Study
from workbench.core.settings import Settings, load_settings, settings_file
from workbench.core.timerange import TimeRange, from_ms, to_ms
from workbench.studies import Context
from workbench.studies.answers import pool
from workbench.studies.answers.asking import answer
from workbench.studies.answers.keys import STEP_MS, Question
from workbench.studies.decisions.marks import period_marks
from workbench.studies.slo.scorecard import slo_scorecard
from workbench.ui.parts.drawn import Same
from workbench.ui.parts.reader import reader

# The server loads this before it runs, and Streamlit then warns that its caches are in memory, where they always are.
logging.getLogger("streamlit.runtime.caching.cache_data_api").addFilter(
    lambda record: "No runtime found" not in record.getMessage()
)


#: A page looks at the files of profiles and objectives once in so long; it asks for them at every turn. [s]
LOOK_S = 0.3


class _UnansweredError(Exception):
    """Carries a study without an answer past the cache."""

    def __init__(self, study: Study) -> None:
        super().__init__(study.status)
        self.study = study


def context() -> Context:
    """Return the open sources and the catalog of the settings in force, as far as the reader may see them.

    Raises
    ------
    AccessRefused
        Nobody is signed in where the settings ask for it.
    """
    current = settings()
    return _opened(_settings_key(current), current).for_identity(reader(current))


def settings() -> Settings:
    """Return the settings in force, read anew when their file or the environment is another.

    Raises
    ------
    SettingsError
        They are wrong.
    """
    file = settings_file()
    state = file.stat() if file is not None else None
    edited = (0, 0) if state is None else (state.st_mtime_ns, state.st_size)
    return _settings(file, edited, Path.cwd(), tuple(sorted(os.environ.items())))


@lru_cache(maxsize=2)
def _settings(
    file: Path | None, edited: tuple[int, int], folder: Path, environment: tuple[tuple[str, str], ...]
) -> Settings:
    return load_settings()


def shared_context() -> Context | None:
    """Return the context that all readers share; None where they sign in, and each sees what is theirs."""
    return None if settings().access.sign_in else context()


@st.cache_resource(ttl=3600, max_entries=2, show_spinner=False)
def _opened(key: str, _settings: Settings) -> Context:
    return studies.open_context(_settings)


def now() -> datetime:
    """Return the present instant, rounded down to the step."""
    present_ms = to_ms(context().clock())
    return from_ms(present_ms - present_ms % STEP_MS)


def _as_of(span: TimeRange | None) -> datetime:
    """Instant up to which history is read: now, and never after the end of the period."""
    return now() if span is None else min(now(), span.end)


def slo_compliance(system: str, span: TimeRange | None, zone: str, slo: str | None = None) -> Study:
    """Compliance of a system over a range, by default over the own window of each objective; of one of them, or of all.

    Calendar periods are named in ``zone``.

    Raises
    ------
    ParameterError
        Unknown system or objective.
    """
    return _answer("slo_compliance", system, span, zone, slo=slo)


def question(name: str, system: str, span: TimeRange, zone: str) -> Study:
    """Answer one of the questions about a system over a range by the name of its study, e.g. ``spend_and_tokens``.

    Raises
    ------
    ParameterError
        Unknown system.
    """
    return _answer(name, system, span, zone)


def of_objective(name: str, system: str, slo: str, span: TimeRange | None, zone: str, **options: Any) -> Study:
    """Answer a question about one objective by the name of its study, e.g. ``slo_attribution``, with its options.

    Raises
    ------
    ParameterError
        Unknown system or objective, or an option that the study refuses.
    """
    return _answer(name, system, span, zone, slo=slo, **options)


def windowed(name: str, system: str, span: TimeRange, **options: str) -> Study:
    """Answer a question about a window of instants by the name of its study, with its options.

    Raises
    ------
    ParameterError
        Unknown system, or an option that the study refuses.
    """
    return _answer(name, system, span, context().zone, **options)


def overview(span: TimeRange | None, zone: str) -> Study:
    """All systems and their objectives over a range."""
    return _answer("overview", "", span, zone)


def _answer(name: str, system: str, span: TimeRange | None, zone: str, **options: Any) -> Study:
    _last_question[0] = time.monotonic()
    question = Question(name, system, span, _as_of(span), tuple(sorted(options.items())))
    ctx = replace(context(), zone=zone)
    return answer(ctx, question, compute=pool.compute, behind=pool.compute_behind, quiet=pool.quiet)


def since_asked_s() -> float:
    """Return how long ago a reader asked anything; infinite before the first. [s]"""
    return time.monotonic() - _last_question[0]


_last_question = [float("-inf")]


def scorecard(last: TimeRange, count: int, quarters: bool) -> Study:
    """Objectives of all systems by period; see :func:`workbench.studies.slo.scorecard.slo_scorecard`."""
    try:
        return _scorecard(_key(), last, count, quarters, now(), context())
    except _UnansweredError as failure:
        return failure.study


@st.cache_data(ttl=300, max_entries=8, show_spinner=False)
def _scorecard(
    key: str, last: TimeRange, count: int, quarters: bool, as_of: datetime, _context: Context
) -> Study:  # fmt: skip
    return _kept(slo_scorecard(_context, range=last, count=count, quarters=quarters, as_of=as_of))


@st.cache_resource(ttl=60, max_entries=64, show_spinner=False)
def _marks(key: str, system: str, span: TimeRange, as_of: datetime, _context: Context) -> Happened:
    return period_marks(_context, system, span, as_of=as_of)


def marks(system: str, span: TimeRange) -> Happened:
    """Return what happened to a system in a period, for its charts; the same object as long as nothing else did."""
    annotations = _marks(_key(), system, span, _as_of(span), context())
    return _same(annotations.frame.to_json(date_format="iso", date_unit="ns"), annotations)


@st.cache_resource(max_entries=64, show_spinner=False)
def _same(rows: str, _happened: Happened) -> Happened:
    return _happened


def source_checks() -> Study:
    """State of each source of every kind at this moment, and what a close look found."""
    try:
        return _source_checks(_key(), context())
    except _UnansweredError as failure:
        return failure.study


@st.cache_data(ttl=60, max_entries=8, show_spinner=False)
def _source_checks(key: str, _context: Context) -> Study:
    return _kept(studies.source_checks(_context, as_of=_context.clock()))


def collection_states() -> Study:
    """When each part was last collected; read anew at every look."""
    from workbench.studies.upkeep.collect import collection_states as states

    return states(context(), as_of=context().clock())


def _key() -> str:
    """Everything an answer depends on but its question: the settings, their files, and what the reader may see."""
    current = settings()
    return f"{reader(current).scope}{_settings_key(current)}"


def _settings_key(settings: Settings) -> str:
    version, looked = _catalogs.get(_json(Same(settings)), ("", float("-inf")))
    if time.monotonic() - looked > LOOK_S:
        version, looked = studies.catalog_version(settings), time.monotonic()
        _catalogs.clear()
        _catalogs[_json(Same(settings))] = version, looked
    return _json(Same(settings)) + version


@lru_cache(maxsize=4)
def _json(settings: Same) -> str:
    assert isinstance(settings.value, Settings)
    return settings.value.model_dump_json()


_catalogs: dict[str, tuple[str, float]] = {}


def _kept(study: Study) -> Study:
    """Keep an answer for a short while, unless it is one for want of counts, which may come."""
    if study.status == "unavailable" or (study.status == "refused" and not study.coverage > 0):
        raise _UnansweredError(study)
    return study
