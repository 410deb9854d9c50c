"""What pages open with is answered while nobody asks, under the very keys that pages ask."""

from __future__ import annotations

import pytest

from workbench.core.errors import ParameterError
from workbench.studies.answers import pool
from workbench.studies.answers.ahead import PERIODS, opening_questions
from workbench.ui import precompute, startup
from workbench.ui.parts import filters, load

LAB = "counterfactual-lab"


@pytest.mark.parametrize("page", ["", "cost.py", "slo.py"])
@pytest.mark.parametrize("period", PERIODS)
def test_a_page_asks_what_was_answered_ahead(visit, monkeypatch, page, period):
    asked = []

    def answer(ctx, question, **named):
        asked.append(question)
        raise ParameterError("Enough is known.")

    monkeypatch.setattr(load, "answer", answer)
    visit(page, **({} if period == PERIODS[0] else {"period": period}))
    ctx = load.context()
    assert asked[0] in opening_questions(ctx, LAB if page else "", as_of=ctx.clock(), period=period)


def test_every_period_answered_ahead_is_in_the_menu():
    assert set(PERIODS) <= set(filters.PERIODS)


def test_a_page_finds_the_answer_that_was_made_ahead(visit, monkeypatch):
    visit("settings.py")
    monkeypatch.setattr(pool, "quiet", lambda patience_s: True)
    assert precompute.answer_usual(load.context(), PERIODS[:1]) == 8
    assert precompute.answer_usual(load.context(), PERIODS[:1]) == 0, "they are still true"
    monkeypatch.setattr(pool, "compute", lambda ctx, question: pytest.fail("computed again"))
    for page in ("", "cost.py", "alerts.py"):
        assert not visit(page).exception


def test_readers_come_first_and_without_workers_nothing_is_made(visit, monkeypatch):
    visit("settings.py")
    assert precompute.answer_usual(load.context()) == 0
    monkeypatch.setattr(pool, "quiet", lambda patience_s: False)
    assert precompute.answer_usual(load.context()) == 0


def test_sources_are_opened_before_the_first_reader(settings_file, monkeypatch):
    opened = []
    monkeypatch.setattr(startup, "kept_answer", lambda ctx, question: opened.append(question.study))
    startup.open_sources()
    assert opened == ["overview"]
    settings_file.write_text("zone = 3")
    startup.open_sources()
