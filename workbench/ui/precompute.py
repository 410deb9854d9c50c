"""Answers of the usual questions, made by the web process while nobody asks, so that readers need not wait."""

from __future__ import annotations

import logging
import time

from workbench.core.errors import WorkbenchError
from workbench.studies import Context
from workbench.studies.answers import pool
from workbench.studies.answers.ahead import PERIODS, from_archives, opening_questions
from workbench.studies.answers.asking import answer_ahead
from workbench.ui.parts import load

_LOG = logging.getLogger(__name__)

#: The first answer is made so long after the start, and so often it is looked whether others are due; while somebody
#: asks, none is made for so long. [s]
REST_S, LOOKS_S, QUIET_S = 5.0, 60.0, 300.0

#: Readers who asked so long ago are gone: then the answers of the default period alone are kept young. [s]
GONE_S = 3600.0


def answer_usual(ctx: Context, periods: tuple[str, ...] = PERIODS) -> int:
    """Answer what pages open with, one question at a time, in workers that nobody else asks anything.

    Answers are made from archives alone; servers are asked by readers and by the collector.

    Parameters
    ----------
    ctx : Context
        Of the readers.
    periods : tuple of str
        As the menu of the pages names them.

    Returns
    -------
    int
        Answers that were made. [count]
    """
    made = 0
    for period in periods:
        for system in filter(lambda name: from_archives(ctx, name), ("", *ctx.systems)):
            for number in range(len(opening_questions(ctx, system, as_of=ctx.clock(), period=period))):
                if not pool.quiet(QUIET_S):
                    return made
                question = opening_questions(ctx, system, as_of=ctx.clock(), period=period)[number]
                try:
                    made += answer_ahead(ctx, question, compute=pool.compute_behind)
                except WorkbenchError as error:
                    _LOG.warning("%s of %s was not answered ahead: %s", question.study, system or "all systems", error)
    return made


def keep_fresh() -> None:
    """Keep the usual answers young as long as the process lives; where readers sign in, none is made."""
    time.sleep(REST_S)
    periods: tuple[str, ...] = PERIODS
    while True:
        try:
            ctx = load.shared_context()
            if ctx is not None:
                answer_usual(ctx, periods)
        except Exception:
            _LOG.exception("Nothing was answered ahead")
        time.sleep(LOOKS_S)
        periods = PERIODS if load.since_asked_s() < GONE_S else PERIODS[:1]
