"""A process that computes answers for the dashboard: questions come as lines of JSON, answers go back as bytes.

It opens the sources of the settings as the dashboard does, and ends when its input ends.
"""

from __future__ import annotations

import json
import os
import select
import sys
from contextlib import redirect_stdout, suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any, BinaryIO, NoReturn

from workbench import studies
from workbench.analysis.statistics import load_statistics
from workbench.archive.groups import forget
from workbench.core.access.identity import Grant, Identity
from workbench.core.errors import WorkbenchError
from workbench.core.settings import load_settings
from workbench.core.timerange import from_ms
from workbench.studies.answers.ahead import STUDIES, from_archives, opening_questions
from workbench.studies.answers.asking import answer_unless_begun, ask, kept_answer
from workbench.studies.answers.document import study_bytes
from workbench.studies.answers.keys import Question, key_of
from workbench.studies.answers.memory import release
from workbench.studies.answers.parts import parts_of
from workbench.studies.answers.process import NICER
from workbench.studies.answers.values import NotKeptError, read, written
from workbench.studies.sources.context import Context
from workbench.studies.sources.deferred_work import answer_first

#: What the worker says of a question: ``study`` with its bytes behind, ``error``, or ``own``: compute it yourself.
STUDY, ERROR, OWN = "study", "error", "own"

#: What was decoded for a question is kept so long for the next one, which often reads the same. [s]
KEPT_S = 5.0

#: So many questions that come within so short a time go before what is written down for earlier ones. [count] [s]
_BEFORE, _AT_ONCE_S = 8, 1.0


def request_of(ctx: Context, question: Question) -> bytes:
    """Return a question of an identity as one line.

    Raises
    ------
    NotKeptError
        An option has no exact form.
    """
    request = {
        "key": key_of(ctx, question),
        "now_ms": round(ctx.clock().timestamp() * 1000),
        "identity": [ctx.identity.name, [[grant.role, grant.systems] for grant in ctx.identity.grants]],
        "zone": ctx.zone,
        "question": written(question, _no_frame),
    }
    return json.dumps(request).encode() + b"\n"


def main(ahead: int | None = None) -> None:
    """Answer questions until the input ends; who reads a page that is ready does not wait for them.

    Parameters
    ----------
    ahead : int, optional
        Begin with the questions of the first page, from this system on.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    with redirect_stdout(sys.stderr), suppress(BrokenPipeError):  # nobody is there any more
        _say(answers, {"kind": "ready", "pid": os.getpid()})
        with answer_first(), suppress(WorkbenchError):  # what is wrong is said to who asks
            _begin(ahead)
            _answer_waiting(answers)
        while line := sys.stdin.buffer.readline():
            with answer_first():
                _answer(answers, line)
                _answer_waiting(answers)
            release()
            if not _asked(KEPT_S):
                forget()
                release()


def _asked(patience_s: float) -> bool:
    """Whether a question comes within a time; they are asked and answered one at a time."""
    return bool(select.select([sys.stdin.buffer], [], [], patience_s)[0])


def _answer_waiting(answers: BinaryIO) -> None:
    """Answer what is asked at once: it goes before what is written down for earlier answers."""
    for _ in range(_BEFORE):
        line = sys.stdin.buffer.readline() if _asked(_AT_ONCE_S) else b""
        if not line:
            return
        _answer(answers, line)


def _answer(answers: BinaryIO, line: bytes) -> None:
    kind, content = _answered(json.loads(line))
    _say(answers, {**kind, "size": len(content)}, content)


def load() -> None:
    """Load what questions need before the first one comes; nothing that is opened here is a file or a connection."""
    for name in STUDIES:
        getattr(studies, name)
    with suppress(WorkbenchError):  # what is wrong is said to who asks
        _context(_state())


def load_rest() -> None:
    """Load what only some answers need and takes long, when nobody waits for a worker."""
    load_statistics()


def _begin(ahead: int | None) -> None:
    """Answer what the first page asks where nothing is kept: from archives, for all readers, until somebody asks.

    Raises
    ------
    WorkbenchError
        As sources and studies raise it.
    """
    if ahead is None:
        return
    ctx = _context(_state())
    (first, *_) = opening_questions(ctx, "", as_of=ctx.clock())
    open_to_all = not load_settings().access.sign_in and from_archives(ctx, "")
    if open_to_all and kept_answer(ctx, first) is None:
        parts = parts_of(ctx, first) or [first]
        for part in (*parts[ahead:], *parts[:ahead]):
            if _asked(0.0):
                return
            answer_unless_begun(ctx, part)


def _answered(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        question = read(request["question"], [])
        name, grants = request["identity"]
        identity = Identity(name, tuple(Grant(role, None if of is None else tuple(of)) for role, of in grants))
        ctx = replace(_context(_state()), zone=request["zone"]).for_identity(identity)
        ctx = replace(ctx, clock=lambda: from_ms(request["now_ms"]))
        if not isinstance(question, Question) or key_of(ctx, question) != request["key"]:
            return {"kind": OWN}, b""  # other settings, or another catalog: the answer would be another
        return {"kind": STUDY}, study_bytes(ask(ctx, question))
    except NotKeptError:
        return {"kind": OWN}, b""
    except WorkbenchError as error:
        return {"kind": ERROR, "class": type(error).__name__, "message": error.message, "hint": error.hint}, b""


@lru_cache(maxsize=1)
def _context(state: str) -> Context:
    return studies.open_context(load_settings())


def _state() -> str:
    settings = load_settings()
    return settings.model_dump_json() + studies.catalog_version(settings)


def _say(answers: BinaryIO, head: dict[str, Any], content: bytes = b"") -> None:
    answers.write(json.dumps(head).encode() + b"\n" + content)
    answers.flush()


def _no_frame(frame: object) -> int:
    raise NotKeptError("A frame is no option.")


def run(ahead: int | None) -> NoReturn:
    """Be a worker until the input ends, then end as a process that was forked must: without its parent's last words."""
    code = 1
    try:
        main(ahead)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


if __name__ == "__main__":
    os.nice(NICER)
    load()
    main(*map(int, sys.argv[1:2]))
