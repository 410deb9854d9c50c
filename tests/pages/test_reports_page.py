"""A report is asked for on the page of reports, by editors only, and made outside the web process."""

from __future__ import annotations

from tests.pages.test_decide import LAB
from workbench.core.access.identity import Grant, Identity
from workbench.core.settings import load_settings
from workbench.store import open_store
from workbench.ui.business import reports
from workbench.ui.parts import load


def asked(app, period: str):
    next(field for field in app.text_input if field.label == "Period").set_value(period)
    return next(button for button in app.button if button.label == "Make it").click().run()


def test_a_report_is_queued_once_and_what_is_being_made_is_shown(visit, monkeypatch):
    begun = []
    monkeypatch.setattr(reports, "begin_requested", lambda: begun.append(1))
    app = visit("reports.py")
    assert not app.exception
    app.selectbox[0].set_value("monthly")
    app = asked(app, "2026-09")
    assert not app.exception
    (job,) = open_store(load_settings()).jobs()
    assert (job.document["template"], job.system, job.period, job.status) == ("monthly", LAB, "2026-09", "waiting")
    assert begun == [1]
    assert any("waiting" in str(table.value) for table in app.dataframe)
    again = asked(app, "2026-09")
    assert len(open_store(load_settings()).jobs()) == 1
    assert begun == [1, 1]
    assert "mnth" in asked(again, "last-mnth").error[0].value


def test_a_viewer_gets_no_form(visit, monkeypatch):
    monkeypatch.setattr(load, "reader", lambda settings: Identity("ana", (Grant("viewer", (LAB,)),)))
    app = visit("reports.py")
    assert not app.exception
    assert not [button for button in app.button if button.label == "Make it"]
