"""The parts of a question that are answered apart, by several processes at once, and put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from workbench import studies
from workbench.core.result import Study
from workbench.studies.answers.keys import Question
from workbench.studies.sources.context import Context


def parts_of(ctx: Context, question: Question) -> list[Question]:
    """Return the questions whose answers make the answer of another: the systems of the overview; none of others."""
    if question.study != "overview" or question.system or len(ctx.systems) < 2:
        return []
    return [replace(question, study="system_overview", system=name) for name in ctx.systems]


def joined(ctx: Context, question: Question, answers: Sequence[Study]) -> Study:
    """Return the answer to a question from those to its parts, as the study itself would."""
    return studies.overview(ctx, range=question.span, as_of=question.as_of, parts=answers)
