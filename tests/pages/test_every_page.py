"""Every page in every state: by each kind of link, without its source, on little data."""

from __future__ import annotations

import pytest

from tests.claims import STATES, claims, source_in
from tests.pages.lab import NOW
from tests.pages.test_pages import seen
from workbench.core.shipped import shipped

SYSTEM = "counterfactual-lab"
PAGES = sorted(file.name for file in shipped("pages").glob("*.py") if file.name != "app.py")

LINKS: dict[str, dict[str, str]] = {
    "default": {},
    "deep link": {"system": SYSTEM, "period": "1d", "zone": "Europe/Berlin"},
    "bad link": {"system": "<b>x</b>", "period": "soon", "zone": "Mars/Base"},
}

#: Pages that ask no source, so that its state is none of theirs.
ASK_NO_SOURCE = {"settings.py", "explore.py", "reports.py", "scorecard.py", "sources.py"}


#: Pages whose choices are those of a form and do not stand in the address.
FORMS = {"reports.py"}


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_by_any_link(visit, page, link):
    app = visit("" if page == "overview.py" else page, **LINKS[link])
    assert not app.exception
    text = seen(app)
    assert "This page could not be built" not in text
    assert app.title
    if link == "bad link" and page not in FORMS and app.get("selectbox"):
        assert "There is no " in text


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_it_knows_and_claims_nothing_else(visit, settings_file, tmp_path, page, state):
    settings_file.write_text('home = "home"\n' + source_in(state, tmp_path, NOW))
    app = visit("" if page == "overview.py" else page, system=SYSTEM)
    assert not app.exception
    text = seen(app)
    assert "This page could not be built" not in text
    assert app.title
    assert list(claims(text, state)) == []
    if state in ("empty", "down"):
        assert ":green-badge" not in text, "nothing was measured, so nothing is OK"
    if state == "down" and page not in ASK_NO_SOURCE:
        assert "sources check" in text or "could not be read" in text or "navailable" in text


@pytest.mark.parametrize(
    ("page", "link", "sentence"),
    [
        ("logs.py", {"level": "LOUD"}, "There is no least severe level 'LOUD'"),
        ("explore.py", {"lang": "LogQL", "q": "up"}, "There is no language 'LogQL'"),
        ("scorecard.py", {"periods": "99 months"}, "There is no choice of periods '99 months'"),
        ("performance.py", {"table": "Flaws"}, "There is no table 'Flaws'"),
        ("scorecard.py", {"by": "nobody"}, "There is no grouping 'nobody'"),
    ],
)
def test_a_choice_of_a_link_that_is_not_on_offer_is_named(visit, page, link, sentence):
    app = visit(page, system=SYSTEM, **link)
    assert not app.exception
    assert sentence in seen(app).replace("\\", "")
