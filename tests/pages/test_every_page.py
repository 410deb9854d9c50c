"""Every page in every state: as it opens, by a deep link, by a link that is wrong, on no data, without its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages.test_pages import seen
from workbench.archive import Archive
from workbench.core.shipped import shipped

SYSTEM = "counterfactual-lab"
PAGES = sorted(file.name for file in shipped("pages").glob("*.py") if file.name != "app.py")

EMPTY = '\n[sources.lab]\nkind = "archive"\npath = "{path}"\nsystems = ["counterfactual-lab"]\n'
DOWN = '\n[sources.lab]\nkind = "prometheus"\nurl = "http://127.0.0.1:9"\nsystems = ["counterfactual-lab"]\n'

STATES: dict[str, dict[str, str]] = {
    "default": {},
    "deep link": {"system": SYSTEM, "period": "1d", "zone": "Europe/Berlin"},
    "bad link": {"system": "<b>x</b>", "period": "soon", "zone": "Mars/Base"},
    "empty": {"system": SYSTEM},
    "source down": {"system": SYSTEM},
}

#: Pages that ask no source, so that its state is none of theirs.
ASK_NO_SOURCE = {"settings.py", "explore.py", "reports.py", "scorecard.py"}


def settings_of(state: str, file: Path, folder: Path) -> None:
    """Let the settings name an archive without a sample, or a server that does not answer."""
    if state == "empty":
        Archive.open(folder / "none", create=True)
        file.write_text('home = "home"' + EMPTY.format(path=folder / "none"))
    elif state == "source down":
        file.write_text('home = "home"' + DOWN)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_it_knows_and_never_fails(visit, settings_file, tmp_path, page, state):
    settings_of(state, settings_file, tmp_path)
    app = visit("" if page == "overview.py" else page, **STATES[state])
    assert not app.exception
    text = seen(app)
    assert "This page could not be built" not in text
    assert app.title
    if state == "bad link" and app.get("selectbox"):
        assert "There is no " in text
    if state in ("empty", "source down"):
        assert ":green-badge" not in text, "nothing was measured, so nothing is OK"


@pytest.mark.parametrize("page", sorted(set(PAGES) - ASK_NO_SOURCE - {"sources.py"}))
def test_a_page_whose_source_is_down_says_so(visit, settings_file, tmp_path, page):
    settings_of("source down", settings_file, tmp_path)
    text = seen(visit("" if page == "overview.py" else page, system=SYSTEM))
    assert "sources check" in text or "could not be read" in text or "navailable" in text
