"""Processes that compute answers beside the web process, whose interpreter lock would let all readers wait for one.

There are at most as many as cores. One that is killed over a question is replaced, and the question is asked once
more; then the reader is told.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from workbench.core.errors import WorkbenchError, raised_elsewhere
from workbench.core.result import Study
from workbench.studies.answers.asking import ask
from workbench.studies.answers.document import study_of
from workbench.studies.answers.keys import Question
from workbench.studies.answers.values import NotKeptError
from workbench.studies.answers.worker import ERROR, STUDY, request_of
from workbench.studies.sources.context import Context

#: Most processes, whatever the number of cores: each keeps some hundred MB of decoded samples.
MOST = 4

#: What can wait until nobody is asking waits at most so long. [s]
QUIET_S = 30.0

#: A worker that is told to end has this long. [s]
ENDS_S = 2.0


class WorkerLostError(WorkbenchError):
    """The process that computed an answer ended before it was done, twice."""


class _LostError(Exception):
    """A worker ended over a question."""


class Worker:
    """One process; it serves one question at a time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workbench.studies.answers.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl+C stops the dashboard, which ends its workers
        )
        self._ready = False

    def asked(self, request: bytes) -> tuple[dict[str, Any], bytes]:
        """Send a question and wait for the answer.

        Raises
        ------
        _LostError
            The process ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            if not self._ready:
                self._head()
                self._ready = True
            self.process.stdin.write(request)
            self.process.stdin.flush()
            head = self._head()
            content = self.process.stdout.read(head["size"])
        except (OSError, ValueError) as error:
            raise _LostError(str(error)) from error
        if len(content) < head["size"]:
            raise _LostError("The answer stops in the middle.")
        return head, content

    def _head(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise _LostError("The process ended.")
        head: dict[str, Any] = json.loads(line)
        return head

    def end(self) -> None:
        """Let the process end; one that is at work is stopped."""
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        try:
            self.process.wait(ENDS_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@dataclass
class _Places:
    idle: list[Worker]
    busy: set[Worker]


class Pool:
    """Workers that are started when they are needed and used again.

    Parameters
    ----------
    most : int
        Workers at once; further questions wait. [count]
    """

    def __init__(self, most: int) -> None:
        self._places = _Places([], set())
        self._free = threading.Semaphore(most)
        self._lock = threading.Lock()
        self._closed = False
        self._asking, self._change = 0, threading.Condition()

    def start(self, count: int) -> None:
        """Start workers ahead, so that the first question does not wait for them."""
        with self._lock:
            if not self._closed:
                self._places.idle += [Worker() for _ in range(count - len(self._places.idle))]

    def ask(self, ctx: Context, question: Question) -> Study:
        """Compute an answer in a worker; here, where its settings or catalog are not those of ``ctx``.

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
                head, content = self._asked(request)
            except _LostError:
                continue
            if head["kind"] == STUDY:
                return study_of(content)
            if head["kind"] == ERROR:
                raise raised_elsewhere(head["class"], head["message"], head["hint"])
            return ask(ctx, question)
        raise WorkerLostError(
            f"The process that computed {question.study} of {question.system or 'all systems'} ended twice.",
            hint="Was it stopped for want of memory? A shorter period reads less.",
        )

    def quiet(self, patience_s: float) -> bool:
        """Wait until no question is asked, for a while; returns whether none is. [s]"""
        with self._change:
            return self._change.wait_for(lambda: not self._asking, patience_s)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._change:
            self._asking += 1
        try:
            yield
        finally:
            with self._change:
                self._asking -= 1
                self._change.notify_all()

    def _asked(self, request: bytes) -> tuple[dict[str, Any], bytes]:
        with self._counted(), self._free:
            with self._lock:
                if self._closed:
                    raise _LostError("The pool is closed.")
                worker = self._places.idle.pop() if self._places.idle else None
            worker = worker or Worker()
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
                    keep = good and not self._closed
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
            worker.process.kill()
        for worker in workers:
            worker.end()


_pools: list[Pool] = []
_guard = threading.Lock()


def begin(most: int = MOST) -> None:
    """Let this process compute its answers in workers from now on, which end with it."""
    with _guard:
        if not _pools:
            pool = Pool(max(1, min(most, os.cpu_count() or 1)))
            _pools.append(pool)
            atexit.register(pool.close)
    _pools[0].start(1)


def compute(ctx: Context, question: Question) -> Study:
    """Compute an answer: in a worker where this process has some (:func:`begin`), else here.

    Raises
    ------
    WorkbenchError
        As the study raises it, or because its process ended twice.
    """
    return _pools[0].ask(ctx, question) if _pools else ask(ctx, question)


def quiet(patience_s: float = QUIET_S) -> bool:
    """Wait until no worker is asked anything, for a while; returns whether none is, False without workers.

    Parameters
    ----------
    patience_s : float
        Longest wait. [s]
    """
    return bool(_pools) and _pools[0].quiet(patience_s)
