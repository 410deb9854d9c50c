"""Questions of many systems, each a task of an executor: a process of this machine, or a worker of a Dask cluster."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import workbench
from workbench import studies
from workbench.core.access.identity import Grant, Identity
from workbench.core.errors import ParameterError, WorkbenchError, raised_elsewhere
from workbench.core.executor import Executor, LocalProcesses, TaskDied
from workbench.core.executor.chosen import executor_for
from workbench.core.result import Study
from workbench.core.settings import Settings
from workbench.core.timerange import from_ms
from workbench.studies.answers.document import study_bytes, study_of
from workbench.studies.answers.keys import Question
from workbench.studies.answers.values import NotKeptError, read, written
from workbench.studies.sources.context import Context, open_context

#: The function that answers a question in its process.
TASK = f"{__name__}:answer_task"

#: Tasks for each slot, of several questions each: a process takes two seconds to begin. [count]
_TURNS = 2

#: Environment variable with the processes that one report may keep busy: its own, and those beside it. [count]
PROCESSES = "WORKBENCH_PROCESSES"

#: What a study returns: itself, or several by name.
Answer = Study | Mapping[str, Study]


def ask_each(ctx: Context, questions: Sequence[Question], executor: Executor | None = None) -> Iterator[Answer]:
    """Answer questions, as many at once as an executor has slots.

    Parameters
    ----------
    ctx : Context
        Of who asks; one that was made without settings answers here, one question after another.
    questions : sequence of Question
        A study by its public name, its system, period and options.
    executor : Executor, optional
        Where they are answered; the cluster of the settings when left out, else processes of this machine: as many
        as ``WORKBENCH_PROCESSES`` says, else as there are processors, and with one of them none beside this process.

    Yields
    ------
    Study or mapping of str to Study
        In the order of the questions.

    Raises
    ------
    WorkbenchError
        As a study raises it; :class:`workbench.core.executor.TaskDied` where two processes died over a question.

    Examples
    --------
    >>> list(ask_each(Context(sources={}, catalog=workbench.studies.sources.context.sound_catalog((), ())), []))
    []
    """
    chosen = executor
    if chosen is None and ctx.settings is not None and len(questions) > 1:
        slots = int(os.environ.get(PROCESSES) or LocalProcesses.usual_slots())
        if slots > 1 or ctx.settings.cluster:
            chosen = executor_for(ctx.settings, workers=None if ctx.settings.cluster else min(slots, len(questions)))
    if chosen is None or ctx.settings is None:
        yield from (_answered(ctx, question) for question in questions)
        return
    size = max(1, -(-len(questions) // (chosen.slots * _TURNS)))
    parts = [questions[first : first + size] for first in range(0, len(questions), size)]
    try:
        waiting = [_submitted(ctx, part, chosen) for part in parts]
        for part, future in zip(parts, waiting, strict=True):
            for place, question in enumerate(part):
                try:
                    yield _received(ctx, question, future, place)
                except TaskDied:  # another question of its task may have been the reason
                    yield _received(ctx, question, _submitted(ctx, [question], chosen), 0)
    finally:
        if executor is None:
            chosen.close()


def ask_beside(ctx: Context, questions: Sequence[Question]) -> Callable[[], list[Answer]]:
    """Begin to answer questions in a process beside this one, where a report may keep more than one busy.

    Parameters
    ----------
    ctx : Context
        Of who asks.
    questions : sequence of Question
        A study by its name, its system, period and options.

    Returns
    -------
    callable
        Waits for the answers; without a process to spare, or after it died, they are computed here.
    """
    if ctx.settings is None or int(os.environ.get(PROCESSES) or 1) < 2:
        return lambda: [_answered(ctx, question) for question in questions]
    executor = LocalProcesses(1)
    future = _submitted(ctx, questions, executor)

    def received() -> list[Answer]:
        try:
            return [_received(ctx, question, future, place) for place, question in enumerate(questions)]
        except TaskDied:
            return [_answered(ctx, question) for question in questions]
        finally:
            executor.close()

    return received


def answer_task(arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Answer questions in a process of their own; settings, identity and questions come as JSON, studies as bytes."""
    os.environ[PROCESSES] = "1"  # the other processors answer other questions
    name, grants = arguments["identity"]
    identity = Identity(name, tuple(Grant(role, None if of is None else tuple(of)) for role, of in grants))
    ctx = open_context(Settings.model_validate(arguments["settings"])).for_identity(identity)
    ctx = replace(ctx, clock=lambda: from_ms(arguments["now_ms"]))
    try:
        return [_sent(ctx, read(question, [])) for question in arguments["questions"]]
    finally:
        if ctx.store is not None:
            ctx.store.close()


def _sent(ctx: Context, question: Question) -> dict[str, Any]:
    """Answer a question as JSON: studies by name, an error, or ``own`` where who asks must compute it."""
    try:
        answer = _answered(ctx, question)
        several = {"": answer} if isinstance(answer, Study) else answer
        return {"studies": {name: base64.b64encode(study_bytes(study)).decode() for name, study in several.items()}}
    except NotKeptError as error:
        return {"own": str(error)}
    except WorkbenchError as error:
        return {"error": [type(error).__name__, error.message, error.hint]}


def _submitted(ctx: Context, questions: Sequence[Question], executor: Executor) -> Future[Any]:
    assert ctx.settings is not None
    arguments = {
        "settings": ctx.settings.model_dump(mode="json"),
        "identity": [ctx.identity.name, [[grant.role, grant.systems] for grant in ctx.identity.grants]],
        "now_ms": round(ctx.clock().timestamp() * 1000),
        "questions": [written(question, _no_frame) for question in questions],
    }
    return executor.submit(TASK, arguments)


def _received(ctx: Context, question: Question, future: Future[Any], place: int) -> Answer:
    answer = future.result()[place]
    if "error" in answer:
        raise raised_elsewhere(*answer["error"])
    try:
        several = {name: study_of(base64.b64decode(text)) for name, text in answer["studies"].items()}
        return several.get("", several)
    except (KeyError, NotKeptError):  # no exact form, or made by another version
        return _answered(ctx, question)


def _answered(ctx: Context, question: Question) -> Answer:
    """Compute an answer here; a study is looked up by its public name alone."""
    if question.study not in {*workbench.__all__, *studies.__all__}:
        raise ParameterError(f"{question.study!r} is no study.", hint="Studies: " + ", ".join(studies.__all__))
    home = workbench if question.study in workbench.__all__ else studies
    given: dict[str, Any] = dict(question.options) | ({"system": question.system} if question.system else {})
    answer: Answer = getattr(home, question.study)(ctx, range=question.span, as_of=question.as_of, **given)
    return answer


def _no_frame(frame: object) -> int:
    raise NotKeptError("A frame is no option.")
