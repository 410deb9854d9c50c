"""Processes that compute answers beside the web process, whose interpreter lock would let all readers wait for one.

There are at most as many as cores. Of the questions that wait, the one that usually takes least goes first. A process
that is killed over a question is replaced, and the question is asked once more; then the reader is told.
"""

from __future__ import annotations

import atexit
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from workbench.core.errors import WorkbenchError, raised_elsewhere
from workbench.core.result import Study
from workbench.studies.answers.asking import ask, newest_answer
from workbench.studies.answers.document import remember, study_of
from workbench.studies.answers.keys import Question
from workbench.studies.answers.parts import joined, parts_of
from workbench.studies.answers.process import LostError, Nursery, Worker
from workbench.studies.answers.values import NotKeptError
from workbench.studies.answers.worker import ERROR, STUDY, request_of
from workbench.studies.sources.context import Context

#: Most processes, whatever the number of cores: each keeps some hundred MB of decoded samples.
MOST = 4

#: Answers of one process: then another takes its place, and the system has its memory back. [count]
ANSWERS = 16

#: What can wait until nobody is asking waits at most so long, and until no reader asked for so long. [s]
QUIET_S, REST_S = 30.0, 1.0

#: A question goes before one that came earlier and usually takes a second more, by at most so many seconds. [s/s]
WAITS = 4.0

#: A kind of question that is new is expected to take so long; each answer moves that by a part. [s] [ratio]
_EXPECTED_S, _LEARNS = 1.0, 0.3


class WorkerLostError(WorkbenchError):
    """The process that computed an answer ended before it was done, twice."""


@dataclass
class _Places:
    idle: list[Worker]
    busy: set[Worker]


class Turns:
    """Who of those that wait has the next free place: short questions before long ones, and nobody waits for ever.

    Parameters
    ----------
    places : int
        Questions at once. [count]
    clock : callable
        Seconds that only rise. [s]
    """

    def __init__(self, places: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._free, self._clock = places, clock
        self._change, self._number = threading.Condition(), count()
        self._waiting: list[tuple[float, int]] = []
        self._usual: dict[str, float] = {}

    @contextmanager
    def turn(self, kind: str) -> Iterator[None]:
        """Wait for a place and hold it; how long is remembered of this kind of question."""
        with self._change:
            usual = self._usual.get(kind, _EXPECTED_S)
            mine = self._clock() + WAITS * usual, next(self._number)
            self._waiting.append(mine)
            try:
                self._change.wait_for(lambda: self._free and mine == min(self._waiting))
                self._free -= 1
            finally:
                self._waiting.remove(mine)
                self._change.notify_all()  # there may be another free place for the next
        begun = self._clock()
        try:
            yield
        finally:
            with self._change:
                self._free += 1
                usual = self._usual.get(kind, self._clock() - begun)
                self._usual[kind] = usual + _LEARNS * (self._clock() - begun - usual)
                self._change.notify_all()


class Pool:
    """Workers that are started when they are needed and used again.

    Parameters
    ----------
    most : int
        Workers at once; further questions wait. [count]
    nursery : Nursery, optional
        What makes them, where it was begun before.
    """

    def __init__(self, most: int, nursery: Nursery | None = None) -> None:
        self._nursery = nursery or Nursery()
        self._places = _Places([], set())
        self._turns = Turns(most)
        self._lock = threading.Lock()
        self._closed = False
        self._asking, self._change = 0, threading.Condition()
        self._read = float("-inf")

    def start(self, workers: Sequence[Worker]) -> None:
        """Take workers that were started ahead, so that the first questions do not wait for them."""
        with self._lock:
            self._places.idle += workers

    def ask(self, ctx: Context, question: Question, *, behind: bool = False) -> Study:
        """Compute an answer in a worker; here, where its settings or catalog are not those of ``ctx``.

        Parameters
        ----------
        ctx, question, behind
            As for :func:`compute`.

        Raises
        ------
        WorkerLostError
            Two workers ended over the question.
        WorkbenchError
            As the study raises it.
        """
        try:
            request = request_of(ctx, question)
        except NotKeptError:
            return ask(ctx, question)
        for _ in range(2):
            try:
                head, content = self._asked(request, _kind(question), behind)
            except LostError:
                continue
            if head["kind"] == STUDY:
                study = study_of(content)
                remember(study, content)
                return study
            if head["kind"] == ERROR:
                raise raised_elsewhere(head["class"], head["message"], head["hint"])
            return ask(ctx, question)
        raise WorkerLostError(
            f"The process that computed {question.study} of {question.system or 'all systems'} ended twice.",
            hint="Was it stopped for want of memory? A shorter period reads less.",
        )

    def quiet(self, patience_s: float) -> bool:
        """Wait until no question is asked, and no reader asked for a moment; returns whether that came in time. [s]"""
        until = time.monotonic() + patience_s
        with self._change:
            while (now := time.monotonic()) < until or not self._asking:
                rest_s = self._read + REST_S - now
                if not self._asking and (rest_s <= 0 or now >= until):
                    return True
                self._change.wait(min(until - now, math.inf if self._asking else rest_s))
            return False

    @contextmanager
    def _counted(self, behind: bool) -> Iterator[None]:
        with self._change:
            self._asking += 1
        try:
            yield
        finally:
            with self._change:
                self._asking -= 1
                self._read = self._read if behind else time.monotonic()
                self._change.notify_all()

    def _asked(self, request: bytes, kind: str, behind: bool) -> tuple[dict[str, Any], bytes]:
        with self._counted(behind), self._turns.turn(kind):
            with self._lock:
                if self._closed:
                    raise LostError("The pool is closed.")
                worker = self._places.idle.pop() if self._places.idle else None
            worker = worker or self._nursery.worker()
            with self._lock:
                self._places.busy.add(worker)
            good = False
            try:
                answer = worker.asked(request)
                good = True
                return answer
            finally:
                with self._lock:
                    self._places.busy.discard(worker)
                    keep = good and not self._closed and worker.answers < ANSWERS
                    if keep:
                        self._places.idle.append(worker)
                if not keep:
                    worker.end()

    def close(self) -> None:
        """End all workers."""
        with self._lock:
            self._closed = True
            workers = [*self._places.idle, *self._places.busy]
            self._places.idle.clear()
        for worker in self._places.busy & set(workers):
            worker.kill()
        for worker in workers:
            worker.end()
        self._nursery.end()


def _kind(question: Question) -> str:
    """Return what takes about as long as this question: the same study over a period of the same length."""
    return f"{question.study} {question.span.seconds if question.span is not None else ''}"


_pools: list[Pool] = []
_guard = threading.Lock()


def begin(most: int = MOST, nursery: Nursery | None = None, started: Sequence[Worker] = ()) -> None:
    """Let this process compute its answers in workers from now on, which end with it.

    Parameters
    ----------
    most : int
        Workers at once. [count]
    nursery : Nursery, optional
        What makes them, where it was begun before.
    started : sequence of Worker
        Those that run already.
    """
    with _guard:
        if not _pools:
            pool = Pool(max(1, min(most, os.cpu_count() or 1)), nursery)
            _pools.append(pool)
            atexit.register(pool.close)
    _pools[0].start(started)


def compute(ctx: Context, question: Question, *, behind: bool = False) -> Study:
    """Compute an answer: in a worker where this process has some (:func:`begin`), else here.

    Parameters
    ----------
    ctx : Context
        Of who asks.
    question : Question
        The study, its system, period and options.
    behind : bool
        Whether no reader waits for it.

    Raises
    ------
    WorkbenchError
        As the study raises it, or because its process ended twice.
    """
    if not _pools:
        return ask(ctx, question)
    ask_pool = partial(_pools[0].ask, behind=behind)
    parts = parts_of(ctx, question)
    if not parts:
        return ask_pool(ctx, question)
    with ThreadPoolExecutor(len(parts), thread_name_prefix="part") as threads:
        return joined(ctx, question, list(threads.map(partial(newest_answer, ctx, compute=ask_pool), parts)))


compute_behind = partial(compute, behind=True)


def quiet(patience_s: float = QUIET_S) -> bool:
    """Wait until no worker is asked anything and no reader asked for a moment; returns whether that came in time.

    Without workers it returns False at once.

    Parameters
    ----------
    patience_s : float
        Longest wait. [s]
    """
    return bool(_pools) and _pools[0].quiet(patience_s)
