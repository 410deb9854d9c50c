"""The cards of quality and capacity: answered behind the overview, for whoever opens a fresh dashboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.claims import source_in
from tests.pages.lab import NOW
from tests.pages.test_pages import seen
from workbench.ui import background
from workbench.ui.parts import load

READ = background.read


@pytest.fixture
def answered(visit: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Open the overview as :func:`visit` does, with what it begins behind the page, and wait for that."""

    def go():
        threads: list = []
        monkeypatch.setattr(background, "read", lambda *given, **named: threads.append(READ(*given, **named)))
        background._ended.clear()
        app = visit()
        first = seen(app)
        for thread in filter(None, threads):
            thread.join(60)
        return first, seen(app.run())

    return go


def test_the_first_visit_answers_all_six_questions(answered):
    first, second = answered()
    assert "1 of 1 system still being read" in first
    assert first.count("No data") == second.count("No data") - 2, "two questions were not looked at yet"
    assert "being read" not in second
    assert "Not read" not in second
    assert "out of line" not in second, "nothing could be judged: five weeks are too few"
    assert "1 of 1 system has signals, read 7 Nov 2026 00:00 UTC; 1 with too little data to judge" in second


def test_the_page_of_a_question_has_its_answer_then(answered, visit, monkeypatch):
    answered()
    monkeypatch.setattr("workbench.studies.answers.pool.compute", lambda ctx, question: pytest.fail("computed again"))
    assert "Data to 7 Nov 2026" in seen(visit("quality.py"))


def test_a_source_that_is_down_is_no_answer(answered, settings_file, tmp_path):
    settings_file.write_text('home = "home"\n' + source_in("down", tmp_path, NOW))
    _, second = answered()
    assert "1 of 1 system could not be read" in second
    assert ":green-badge" not in second
    assert load.context().systems == ("counterfactual-lab",)


def test_a_past_period_begins_nothing(visit, monkeypatch):
    monkeypatch.setattr(background, "read", lambda *given, **named: pytest.fail("began to read"))
    assert "Not read for this period" in seen(visit(period="2026-10"))


def test_an_answer_at_another_period_is_not_that_of_the_overview(visit):
    visit("quality.py", period="1d")
    assert background.reading(load.context(), as_of=load.now()).answers == ()
