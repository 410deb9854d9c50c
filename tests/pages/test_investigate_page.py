from __future__ import annotations

from dataclasses import replace

import pytest

from tests.demo_home import END
from tests.pages.test_pages import seen, tiles

BURST = {"from": "2026-10-30T14:00:00Z", "to": "2026-10-30T14:25:00Z"}


@pytest.fixture
def over_the_demo(settings_file, demo_home, monkeypatch):
    from workbench import studies

    settings_file.write_text(f'home = "home"\n[sources.demo]\nkind = "archive"\npath = "{demo_home / "demo"}"\n')
    opened = studies.open_context
    monkeypatch.setattr(studies, "open_context", lambda settings=None: replace(opened(settings), clock=lambda: END))


def test_the_database_burst_is_named_with_ways_to_its_rows(visit, over_the_demo):
    app = visit("investigate.py", system="llm-ab-testing", **BURST)
    assert not app.exception
    assert "Failures began in db.query" in seen(app)
    assert tiles(app)["Failing"] == "1"


def test_a_window_of_a_link_that_is_empty_or_too_long_is_a_message(visit, over_the_demo):
    app = visit("investigate.py", system="llm-ab-testing", **{"from": "2026-10-01", "to": "2026-10-30"})
    assert not app.exception
    assert "at most" in seen(app)
