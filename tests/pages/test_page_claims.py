"""No page claims what its source cannot prove."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.claims import STATES, SYSTEM, claims, source_in
from tests.pages.test_every_page import PAGES
from tests.pages.test_pages import seen

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("state", STATES)
def test_no_page_claims_what_was_not_looked_at(visit, settings_file, tmp_path, state) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    settings_file.write_text('home = "home"\n' + source_in(state, tmp_path, now))
    wrong = {}
    for page in PAGES:
        app = visit("" if page == "overview.py" else page, system=SYSTEM)
        assert not app.exception
        if told := list(claims(seen(app), state)):
            wrong[page] = told
    assert wrong == {}
