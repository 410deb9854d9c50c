from __future__ import annotations

from tests.demo_home import END
from tests.pages.test_pages import seen

SYSTEM = "choreoai"
WINDOW = {"from": "2026-10-31T12:00:00Z", "to": "2026-10-31T18:00:00Z"}


def test_many_traces_and_one_of_them_are_shown(visit, settings_file, demo_home, monkeypatch):
    from dataclasses import replace

    from workbench import studies

    settings_file.write_text(f'home = "home"\n[sources.demo]\nkind = "archive"\npath = "{demo_home / "demo"}"\n')
    opened = studies.open_context
    monkeypatch.setattr(studies, "open_context", lambda settings=None: replace(opened(settings), clock=lambda: END))
    app = visit("traces.py", system=SYSTEM, **WINDOW)
    assert not app.exception
    text = seen(app)
    assert "kept traces" in text
    assert "Service graph" in str([tab.label for tab in app.tabs])
    slowest = studies.trace_analysis(
        studies.open_context(), system=SYSTEM, range=_window(), as_of=END
    ).results["slowest"].frame  # fmt: skip
    app = visit("traces.py", system=SYSTEM, trace=slowest["trace_id"].iloc[0], **WINDOW)
    assert not app.exception
    assert "Critical path" in str([tab.label for tab in app.tabs])


def _window():
    from workbench import TimeRange
    from workbench.core.timerange import parse_instant

    return TimeRange(*(parse_instant(text, zone="UTC") for text in WINDOW.values()))


def test_a_window_that_is_empty_is_a_message(visit):
    app = visit(
        "traces.py", system="counterfactual-lab", **{"from": "2026-10-31T12:00:00Z", "to": "2026-10-30T12:00:00Z"}
    )
    assert not app.exception
