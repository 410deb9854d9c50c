"""Alerts are tagged on their page, one or all of a rule, by editors only."""

from __future__ import annotations

import pytest

from tests.pages.test_decide import texts
from tests.studies.test_alert_records_kept import kept
from workbench.core.access.identity import Grant, Identity
from workbench.core.settings import load_settings
from workbench.core.timerange import TimeRange
from workbench.store import open_store
from workbench.ui.parts import load

LAB = "counterfactual-lab"


@pytest.fixture
def episodes(settings_file):
    open_store(load_settings()).put_episodes(LAB, kept(5))


def tagged() -> dict[str, tuple[str, str, str]]:
    store = open_store(load_settings())
    start, end = kept(5)["starts_at"].min(), kept(5)["ends_at"].max()
    words = store.alert_tags(LAB, TimeRange(start.to_pydatetime(), end.to_pydatetime()))
    return {name: word for (name, _, _), word in words.items()}


def submitted(app):
    return next(button for button in app.button if button.label == "Tag").click().run()


def test_one_alert_or_all_of_the_period_are_tagged_in_the_readers_name(visit, episodes):
    app = visit("alerts.py", system=LAB, period="2026-10")
    assert not app.exception
    app.selectbox(key="tag_rule").set_value("Rule2").run()
    app.text_input(key="tag_note").set_value("Known")
    app.radio(key="tag_word").set_value("no action")
    app = submitted(app)
    assert not app.exception
    assert tagged() == {"Rule2": ("no action", "Known", "local")}
    assert "1 alert tagged" in texts(app)
    app = visit("alerts.py", system=LAB, period="2026-10")
    app = submitted(app)
    assert {name: word[0] for name, word in tagged().items()} == {
        "Rule0": "useful", "Rule1": "useful", "Rule2": "no action", "Rule3": "useful", "Rule4": "useful"
    }  # fmt: skip


def test_a_viewer_gets_no_form(visit, episodes, monkeypatch):
    monkeypatch.setattr(load, "reader", lambda settings: Identity("ana", (Grant("viewer", (LAB,)),)))
    app = visit("alerts.py", system=LAB, period="2026-10")
    assert not app.exception
    assert not [button for button in app.button if button.label == "Tag"]


def test_what_reached_people_is_read_when_asked_for(visit, episodes):
    app = visit("alerts.py", system=LAB, period="2026-10")
    app.toggle(key="reached").set_value(True).run()
    assert not app.exception
    stages = next(table.value for table in app.dataframe if "stage" in table.value)
    assert stages["count"].tolist()[0] == "5"
    assert set(stages["count"].tolist()[1:]) == {"not measured"}
