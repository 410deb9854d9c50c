"""From a number to its evidence and back: each step an address, and no way out of the dashboard."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from tests.pages.test_pages import SYSTEM, seen
from workbench.core.result import Study
from workbench.ui.parts import links, menu


def linked(app) -> list[tuple[str, str, dict[str, list[str]]]]:
    return [(link.proto.label, link.proto.page, parse_qs(link.proto.query_string)) for link in app.get("page_link")]


def test_the_overview_and_back(visit):
    app = visit(period="7d")
    (label, _, query) = next(link for link in linked(app) if link[0] == "Open the SLO")
    assert label == "Open the SLO"
    detail = visit("slo.py", **{name: values[0] for name, values in query.items()})
    back = next(link for link in linked(detail) if link[0].startswith("Back to"))
    assert back[0] == "Back to Overview"
    assert back[2] == {"period": ["7d"]}


def test_a_question_without_data_leads_to_the_systems_that_have_some(visit, settings_file):
    settings_file.write_text(settings_file.read_text().replace(f'["{SYSTEM}"]', f'["{SYSTEM}", "choreoai"]'))
    visit("performance.py", system=SYSTEM)
    empty = visit("performance.py", system="choreoai")
    (link,) = [link for link in linked(empty) if link[1] == "performance"]
    assert link == ("Performance of Multimodal Counterfactual Lab", "performance", {"system": [SYSTEM]})


def test_two_steps_lead_back_one_by_one(visit):
    first = links.way_back("logs?system=a&back=investigate%3Fsystem%3Da%26back%3Dcost%253Fsystem%253Da", menu.titles())
    assert first is not None
    assert first[:2] == ("logs.py", "Logs")
    second = links.way_back(first[2]["back"], menu.titles())
    assert second is not None
    assert second[:2] == ("investigate.py", "Investigate")
    assert links.way_back(second[2]["back"], menu.titles()) == ("cost.py", "Cost and tokens", {"system": "a"})


@pytest.mark.parametrize(
    "text", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "app", "../app", "cost.py?x=1", "<b>"]
)
def test_a_way_back_leads_to_pages_of_the_menu_only(visit, text):
    assert links.way_back(text, menu.titles()) is None
    app = visit("cost.py", system=SYSTEM, back=text)
    assert not app.exception
    assert "Back to" not in seen(app) + str(linked(app))


@pytest.mark.parametrize(
    "query", ["&".join(f"a{number}=1" for number in range(60)), "embed=true&a=1", "EMBED_OPTIONS=dark&=x", "%00=%ff"]
)
def test_a_way_back_that_somebody_made_up_takes_no_page_down(visit, query):
    app = visit("cost.py", system=SYSTEM, back=f"slo?{query}")
    assert not app.exception
    assert "could not be built" not in seen(app)
    (back,) = [link for link in linked(app) if link[0].startswith("Back to")]
    assert len(back[2]) <= 20


@pytest.mark.parametrize("page", ["performance.py", "security.py", "activity.py"])
def test_the_cell_of_a_page_answers_the_same_in_a_notebook(visit, page):
    app = visit(page, system=SYSTEM, period="1d")
    cell = next(code.value for code in app.code if code.value.startswith("from workbench import open_period"))
    made: dict[str, object] = {}
    exec(cell, made)
    study = made["study"]
    assert isinstance(study, Study)
    assert study.status in ("ok", "at_risk")
    assert f"{study.range.start:%-d %b %Y}" in seen(app)
