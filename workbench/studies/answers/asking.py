"""One answer for all its readers: from the store where it holds a true one, else computed once by whoever is first.

An answer of a moment ago is given with its age while a new one is made behind it. Threads of a process wait for one
another; of several processes one computes, by a lease in the store, and the others give the older answer or wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from workbench import studies
from workbench.core.errors import ArchiveError, WorkbenchError
from workbench.core.result import Study
from workbench.core.timerange import TimeRange, to_ms
from workbench.core.units import instant_text, span_text
from workbench.store import Store
from workbench.store.answers import StudyAnswer
from workbench.studies.answers.document import remember, study_bytes, study_of
from workbench.studies.answers.keys import AT_LEAST, Data, Question, age_of, data_of, key_of
from workbench.studies.answers.values import NotKeptError
from workbench.studies.sources.context import Context
from workbench.studies.upkeep.lease import LeaseTaken, held

#: An answer from a source that cannot tell whether it changed is true for this long.
YOUNG = timedelta(minutes=5)

#: An older answer is given, with its age, for a hundredth of its period while a new one is made, but at least and at
#: most for so long; later its readers wait.
STALE, STALE_MOST = timedelta(minutes=15), timedelta(hours=1)

#: So long another process is waited for before the answer is computed here too. [s]
PATIENCE_S = 120.0

#: Answers that are kept as they were read, for the next reader. [count]
READ = 128

Compute = Callable[[Context, Question], Study]


def ask(ctx: Context, question: Question) -> Study:
    """Compute the answer to a question, whatever the store holds.

    Raises
    ------
    ParameterError
        Unknown system or objective, or an option that the study refuses.
    """
    study = getattr(studies, question.study)
    given: dict[str, Any] = dict(question.options)
    if question.system:
        given["system"] = question.system
    computed: Study = study(ctx, range=question.span, as_of=question.as_of, **given)
    return computed


def _at_once() -> None:
    """Wait for nothing."""


def answer(
    ctx: Context,
    question: Question,
    *,
    compute: Compute = ask,
    behind: Compute | None = None,
    quiet: Callable[[], object] = _at_once,
) -> Study:
    """Answer a question once for all who may see the same.

    Parameters
    ----------
    ctx : Context
        Of who asks; without a store every question is computed.
    question : Question
        The study, its system, period and options.
    compute : callable
        Computes what the store does not hold.
    behind : callable, optional
        Computes a newer answer behind an older one; by default ``compute`` does.
    quiet : callable
        Waits until nobody waits for a first answer; a newer answer behind an older one is made after that.

    Returns
    -------
    Study
        ``age_s`` is set, and the first warning says it, where a newer answer is being made.

    Raises
    ------
    WorkbenchError
        As the study raises it.
    """
    store = ctx.store
    if store is None:
        return compute(ctx, question)
    try:
        key, data = key_of(ctx, question), data_of(ctx, question)
        kept = _kept(ctx, store, key, question, data)
    except WorkbenchError:
        return compute(ctx, question)  # a store that cannot be used is no reason to answer nothing
    if kept is not None and (kept.age_s is None or kept.age_s <= usable_for(question).total_seconds()):
        if kept.age_s is not None:
            _refresh_behind(ctx, store, key, question, behind or compute, quiet)
        return kept
    return _computed_once(ctx, store, key, question, compute)


def kept_answer(ctx: Context, question: Question) -> Study | None:
    """Return the answer that the store holds, with its age where a newer one could be made; None without one.

    Parameters
    ----------
    ctx : Context
        Of who asks.
    question : Question
        The study, its system, period and options.

    Raises
    ------
    WorkbenchError
        The store cannot be used.
    """
    return None if ctx.store is None else _kept(ctx, ctx.store, key_of(ctx, question), question, data_of(ctx, question))


def usable_for(question: Question) -> timedelta:
    """Return how long an older answer to a question is given while a new one is made.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from workbench.core.timerange import TimeRange
    >>> now = datetime(2026, 11, 1, tzinfo=UTC)
    >>> day, week = (TimeRange(now - timedelta(days=days), now) for days in (1, 7))
    >>> [str(usable_for(Question("alert_load", "lab", span, now))) for span in (None, day, week)]
    ['0:15:00', '0:15:00', '1:00:00']
    """
    if question.span is None:
        return STALE
    return min(STALE_MOST, max(STALE, timedelta(seconds=question.span.seconds / 100)))


def answer_ahead(ctx: Context, question: Question, *, compute: Compute = ask) -> bool:
    """Compute and keep the answer of a question, unless the store holds one that is true now or will do for a while.

    Parameters
    ----------
    ctx : Context
        Of who will ask; without a store nothing is computed.
    question : Question
        The study, its system, period and options.
    compute : callable
        Computes what the store does not hold.

    Returns
    -------
    bool
        Whether it was computed.

    Notes
    -----
    An older answer over a period is left alone for half the time that readers are given it (:func:`usable_for`); one
    over the own windows of objectives, and the overview, is made anew each time.

    Raises
    ------
    WorkbenchError
        As the study raises it, or the store cannot be used.
    """
    if ctx.store is None:
        return False
    key, enough_s = (
        key_of(ctx, question),
        usable_for(question).total_seconds() / 2 if question.span is not None else 0.0,
    )
    row = ctx.store.kept_study(key)
    if row is not None and _usable(row, question):
        age_s = _age(ctx, row, question, data_of(ctx, question))
        if age_s is None or age_s < enough_s:
            return False
    _computed_once(ctx, ctx.store, key, question, compute)
    return True


def newest_answer(ctx: Context, question: Question, *, compute: Compute = ask) -> Study:
    """Answer a question as it is answered now: from the store where it holds that, else computed once.

    Parameters
    ----------
    ctx : Context
        Of who asks.
    question : Question
        The study, its system, period and options.
    compute : callable
        Computes what the store does not hold.

    Raises
    ------
    WorkbenchError
        As the study raises it.
    """
    if ctx.store is None:
        return compute(ctx, question)
    try:
        key = key_of(ctx, question)
    except WorkbenchError:
        return compute(ctx, question)
    return _computed_once(ctx, ctx.store, key, question, compute, older=False)


def answer_unless_begun(ctx: Context, question: Question) -> None:
    """Compute and keep the answer of a question, unless the store holds it or another process is at it.

    Parameters
    ----------
    ctx : Context
        Of who will ask; without a store nothing is computed.
    question : Question
        The study, its system, period and options.

    Raises
    ------
    WorkbenchError
        As the study raises it, or the store cannot be used.
    """
    if ctx.store is None:
        return
    key = key_of(ctx, question)
    kept = _kept(ctx, ctx.store, key, question, data_of(ctx, question))
    if kept is None or kept.age_s is not None:
        with suppress(LeaseTaken), held(ctx.store, f"answer/{key[:40]}", clock=ctx.clock):
            _compute(ctx, ctx.store, key, question, ask)


def _refresh_behind(
    ctx: Context, store: Store, key: str, question: Question, compute: Compute, quiet: Callable[[], object]
) -> None:
    """Make a new answer in a thread of its own, one a key; what goes wrong there is met by who must wait for it.

    One is made at a time, so that who waits for a first answer finds a worker free. One whose turn comes so late that
    it would not be kept is left to its next reader.
    """

    def run() -> None:
        try:
            with suppress(Exception), _turn:
                quiet()
                if key_of(ctx, question) == key:
                    _computed_once(ctx, store, key, question, compute)
        finally:
            with _guard:
                _behind.discard(key)

    with _guard:
        if key in _behind:
            return
        _behind.add(key)
    threading.Thread(target=run, name="answer", daemon=compute is not ask).start()


_guard = threading.Lock()
_turn = threading.Lock()
_behind: set[str] = set()
_flights: dict[str, tuple[threading.Lock, int]] = {}


@contextmanager
def _flight(key: str) -> Iterator[None]:
    """Let one thread of this process at a time compute a key."""
    with _guard:
        lock, waiting = _flights.get(key, (threading.Lock(), 0))
        _flights[key] = lock, waiting + 1
    try:
        with lock:
            yield
    finally:
        with _guard:
            lock, waiting = _flights[key]
            if waiting == 1:
                del _flights[key]
            else:
                _flights[key] = lock, waiting - 1


def _kept(ctx: Context, store: Store, key: str, question: Question, data: Data) -> Study | None:
    """Return what the store holds, with its age where it is not, or may not be, what would be computed now."""
    row = store.kept_study(key)
    if row is None or not _usable(row, question):
        return None
    try:
        study = _read(row.content)
    except NotKeptError:
        return None
    age_s = _age(ctx, row, question, data)
    study = _over_asked(study, question)
    return study if age_s is None else _aged(study, age_s)


def _over_asked(study: Study, question: Question) -> Study:
    """Give an answer that periods with one end share the period that is asked about."""
    span, end = question.span, study.range.end
    if question.study not in AT_LEAST or span is None or span.seconds == study.range.seconds:
        return study
    return replace(study, range=TimeRange(min(span.start, end), end))


def _usable(row: StudyAnswer, question: Question) -> bool:
    """Whether an answer is about the time that is asked about, or not long before."""
    return abs(row.as_of_ms - to_ms(question.as_of)) <= usable_for(question) // timedelta(milliseconds=1)


def _age(ctx: Context, row: StudyAnswer, question: Question, data: Data) -> float | None:
    """Age of an answer that is not, or may not be, what would be computed now; None of one that is. [s]"""
    age_s = age_of(row.made_ms, ctx.clock())
    same = row.data == data.version and row.as_of_ms == to_ms(question.as_of)
    return None if same and (data.whole or age_s <= YOUNG.total_seconds()) else age_s


@lru_cache(maxsize=READ)
def _read(content: bytes) -> Study:
    """Read a kept study; its readers share one that nobody changes, as long as the same bytes are asked for."""
    return study_of(content)


def _aged(study: Study, age_s: float) -> Study:
    """Say of an older answer how old it is, before all else."""
    age = span_text(age_s) if age_s >= 1 else "less than 1 s"
    sentence = f"This answer is {age} old ({instant_text(study.as_of)}); a newer one is being computed."
    return replace(study, age_s=age_s, warnings=(sentence, *study.warnings))


def _computed_once(
    ctx: Context, store: Store, key: str, question: Question, compute: Compute, *, older: bool = True
) -> Study:
    """Compute an answer, or wait for who does; ``older`` gives what the store holds meanwhile."""
    with _flight(key):
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                with held(store, f"answer/{key[:40]}", clock=ctx.clock):
                    kept = _kept(ctx, store, key, question, data_of(ctx, question))  # somebody may have been quicker
                    if kept is not None and kept.age_s is None:
                        return kept
                    return _compute(ctx, store, key, question, compute)
            except LeaseTaken:
                pass
            except ArchiveError:  # a store that takes no lease
                return compute(ctx, question)
            kept = _kept(ctx, store, key, question, data_of(ctx, question))
            if kept is not None and (older or kept.age_s is None):
                return kept
            if time.monotonic() > until:
                return compute(ctx, question)
            time.sleep(0.2)


def _compute(ctx: Context, store: Store, key: str, question: Question, compute: Compute) -> Study:
    """Compute and keep an answer; one whose conditions changed meanwhile, and one for want of data, is not kept."""
    data = data_of(ctx, question)
    study = compute(ctx, question)
    if study.status == "unavailable" or (study.status == "refused" and not study.coverage > 0):
        return study
    try:
        content = study_bytes(study)
        if key_of(ctx, question) == key:
            store.keep_study(
                key, content, study=question.study, system=question.system, as_of=question.as_of, made=ctx.clock(),
                data=data.version,
            )  # fmt: skip
            remember(study, content)
    except (NotKeptError, WorkbenchError):
        pass  # the answer is true all the same; the next reader computes it again
    return study
