"""Notes and exclusions written on the page of an SLO: by editors only, and never over a change not yet seen."""

from __future__ import annotations

from dataclasses import replace

from tests.pages.lab import NOW
from workbench.core.access.identity import Grant, Identity
from workbench.core.settings import load_settings
from workbench.store import Annotation, open_store
from workbench.ui.parts import load

LAB = "counterfactual-lab"


def texts(app) -> str:
    return "\n".join(str(one.value) for kind in (app.markdown, app.code, app.text, app.success) for one in kind)


def tiles(app) -> list[str]:
    return [str(tile.value).replace("\\", "") for tile in app.metric]


def written(app, text: str):
    app.text_area(key="decide_text").set_value(text)
    return next(button for button in app.button if button.label == "Write").click().run()


def test_a_note_is_written_and_a_change_of_somebody_else_is_shown_first(visit):
    app = visit("slo.py", system=LAB, slo="availability", period="7d")
    store = open_store(load_settings())
    app = written(app, "Release 2.4")
    assert not app.exception
    (note,) = store.annotations(LAB)
    assert (note.text, note.created_by, note.slo) == ("Release 2.4", "local", "availability")
    store.add_annotation(Annotation(LAB, "incident", NOW, "Outage", NOW, "ben"))
    app = written(app, "Release 2.5")
    assert "Changed by someone else" in texts(app)
    assert "ben, annotation.add" in texts(app)
    assert len(store.annotations(LAB)) == 2
    assert "Written as" in texts(written(app, "Release 2.5"))
    assert [one.text for one in store.annotations(LAB)].count("Release 2.5") == 1


def test_a_tick_of_a_review_is_asked_about_where_somebody_else_was_quicker(visit):
    def ticked(app):
        return next(button for button in app.button if button.label == "Tick off").click().run()

    app = visit("reviews.py", system=LAB, review="week")
    store = open_store(load_settings())
    store.add_annotation(Annotation(LAB, "incident", NOW, "Outage", NOW, "ben"))
    app = ticked(app)
    assert not app.exception
    assert "ben, annotation.add" in texts(app)
    assert store.review_notes(LAB) == []
    assert not ticked(app).exception
    (note,) = store.review_notes(LAB)
    assert note.who == "local"


def test_a_viewer_gets_no_form(visit, monkeypatch):
    viewer = Identity("ana", (Grant("viewer", (LAB,)),))
    monkeypatch.setattr(load, "reader", lambda settings: viewer)
    app = visit("slo.py", system=LAB, slo="availability", period="7d")
    assert not app.exception
    assert not [button for button in app.button if button.label == "Write"]


def test_another_teams_system_gives_nothing_on_any_page(visit, monkeypatch):
    stranger = Identity("eve", (Grant("editor", ("conduit",)),))
    monkeypatch.setattr(load, "reader", lambda settings: stranger)
    for page in ("slo", "performance", "cost", "quality", "capacity", "alerts", "sources", "overview"):
        app = visit(f"{page}.py", system=LAB, slo="availability", period="7d")
        shown = texts(app) + "\n".join(str(table.value) for table in app.dataframe) + "\n".join(tiles(app))
        assert "Counterfactual" not in shown, page
        assert "2,400" not in shown, page
        assert "Latency under 2 s" not in shown, page


def test_an_answer_kept_for_one_scope_is_none_of_anothers(visit, monkeypatch):
    seen = visit("slo.py", system=LAB, slo="availability", period="7d")
    assert "2,400" in tiles(seen)
    for grants in ((), (Grant("viewer", ("conduit",)),)):
        monkeypatch.setattr(load, "reader", lambda settings, grants=grants: replace(Identity("eve"), grants=grants))
        app = visit("slo.py", system=LAB, slo="availability", period="7d")
        assert "2,400" not in tiles(app)
