"""Questions without an answer on the overview: answered in the background, one after the other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from workbench.core.errors import WorkbenchError
from workbench.core.timerange import TimeRange
from workbench.studies import Context
from workbench.studies.answers import pool
from workbench.studies.answers.ahead import USUAL
from workbench.studies.answers.asking import answer
from workbench.studies.answers.keys import Question, judged_by
from workbench.studies.overview.answers import LastAnswer, last_answers
from workbench.ui import capacity, quality
from workbench.ui.parts.question import keep

_LOG = logging.getLogger(__name__)

#: Questions that the study of the overview does not answer itself.
VIEWS = {"quality_drift": quality.VIEW, "capacity_forecast": capacity.VIEW}

#: A question without an answer is asked again after this long. [s]
AGAIN_S = 300.0

_Key = tuple[str, str, str]


@dataclass(frozen=True)
class Reading:
    """What is known of the questions of :data:`VIEWS`, and of which systems it is not known (question, system).

    Attributes
    ----------
    answers : tuple of LastAnswer
    unread : tuple of (str, str)
        Not answered yet.
    failed : tuple of (str, str)
        Asked a moment ago, without an answer.
    """

    answers: tuple[LastAnswer, ...]
    unread: tuple[tuple[str, str], ...]
    failed: tuple[tuple[str, str], ...]


_guard = threading.Lock()
_running: set[_Key] = set()
_ended: dict[_Key, tuple[float, LastAnswer | None]] = {}


def reading(ctx: Context, *, as_of: datetime) -> Reading:
    """Return the answers of the last day, and what is missing; nothing is asked here."""
    kept = {(each.question, each.system): each for each in last_answers(ctx, VIEWS, as_of=as_of)}
    failed, unread, version = [], [], judged_by(ctx)
    for pair in ((question, system) for question in VIEWS for system in ctx.systems):
        if pair in kept:
            continue
        ended, last = _ended.get((version, *pair), (float("-inf"), None))
        if time.monotonic() - ended > AGAIN_S:
            unread.append(pair)
        elif last is None:
            failed.append(pair)
        else:
            kept[pair] = last  # there is no store, or it cannot be written
    return Reading(tuple(kept.values()), tuple(unread), tuple(failed))


def read(ctx: Context, pairs: Sequence[tuple[str, str]], *, as_of: datetime) -> threading.Thread | None:
    """Begin to answer questions, by the name of the study and the system, in a thread; None where that is under way.

    The answers are those of the pages at their usual period, so that a page opened afterwards has its answer too.
    """
    version = judged_by(ctx)
    with _guard:
        mine = [(version, *pair) for pair in pairs if (version, *pair) not in _running]
        _running.update(mine)
    if not mine:
        return None

    def run() -> None:
        for key in mine:
            last = None
            try:
                pool.quiet()
                last = _read(ctx, key[1], key[2], as_of)
            except WorkbenchError as error:
                _LOG.warning("%s of %s was not answered: %s", key[1], key[2], error)
            except Exception:
                _LOG.exception("%s of %s was not answered", key[1], key[2])
            with _guard:
                _ended[key] = time.monotonic(), last
                _running.discard(key)

    thread = threading.Thread(target=run, name="unread", daemon=True)
    thread.start()
    return thread


def _read(ctx: Context, question: str, system: str, as_of: datetime) -> LastAnswer | None:
    wanted = Question(question, system, TimeRange(as_of - USUAL, as_of), as_of)
    study = answer(ctx, wanted, compute=pool.compute_behind)
    return None if study.status in ("unavailable", "refused") else keep(ctx, study, VIEWS[question])
