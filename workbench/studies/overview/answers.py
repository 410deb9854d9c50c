"""What the pages of questions answered last, in one sentence each: cheap enough for the first page of the morning."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from workbench.core.errors import WorkbenchError
from workbench.core.result import Status, Study
from workbench.studies.answers.keys import judged_by
from workbench.studies.sources.context import Context

#: Older answers say nothing of today.
LASTS = timedelta(days=1)


@dataclass(frozen=True)
class LastAnswer:
    """The last answer to a question about a system, with the instant up to which history was read."""

    question: str
    system: str
    status: Status
    sentence: str
    events: int
    as_of: datetime
    measured: bool = True


def keep_answer(
    ctx: Context, study: Study, *, status: Status, sentence: str, events: int, measured: bool = True
) -> LastAnswer:
    """Keep what a study came to, for :func:`last_answers`; a store that cannot be written is no failure of the study.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    study : Study
        Of a period that ends now; an older one is not kept.
    status : Status
        The worst of what is shown of it.
    sentence : str
        The answer in one sentence.
    events : int
        How many are out of line. [count]
    measured : bool
        Whether the system has anything to ask for.
    """
    kept = LastAnswer(study.name, study.system, status, sentence, events, study.as_of, measured)
    document = {"status": status, "sentence": sentence, "events": events, "measured": measured}
    if ctx.store is None or ctx.clock() - study.range.end > LASTS:
        return kept
    with suppress(WorkbenchError):
        ctx.store.keep_answer(
            study.name, study.system, judged_by(ctx), document, as_of=study.as_of, read_at=ctx.clock()
        )
    return kept


def last_answers(ctx: Context, questions: Iterable[str], *, as_of: datetime) -> tuple[LastAnswer, ...]:
    """Return the answers of the last day to questions, by the name of their study, about every system of the reader.

    One that was judged by another catalog, other decisions or another scope is none.
    """
    if ctx.store is None:
        return ()
    kept, version = [], judged_by(ctx)
    try:
        for question in questions:
            for system in ctx.systems:
                answer = ctx.store.kept_answer(question, system, version)
                if answer is not None and as_of - LASTS <= answer.as_of <= as_of:
                    kept.append(LastAnswer(question, system, as_of=answer.as_of, **answer.document))
    except WorkbenchError:
        return ()
    return tuple(kept)
