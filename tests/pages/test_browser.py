"""The dashboard in a real browser: both widths, both themes, nothing from outside, addresses that can be shared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.pages.browsing import WIDTHS, Visit, dashboard, visiting
from tests.pages.lab import build_lab
from workbench.ui.parts.menu import MENU

pytestmark = [pytest.mark.live, pytest.mark.slow]

#: Colours of paper and ink.
THEMES = {"light": ("rgb(255, 255, 255)", "rgb(31, 39, 51)"), "dark": ("rgb(16, 21, 28)", "rgb(230, 234, 240)")}

#: The first one visited has figures: on a first visit they are drawn before the theme is known.
PAGES = {
    "detail": ("slo", {"slo": "availability", "period": "7d"}, "Availability"),
    "month": ("slo", {"slo": "availability", "period": "2001-01"}, "Availability"),
    "overview": ("", {}, "Overview"),
    **{
        entry.file: (entry.file, {"q": "up"} if entry.file == "explore" else {}, entry.title)
        for entry in (entry for entries in MENU.values() for entry in entries)
        if entry.file != "overview"
    },
}

#: A page is no longer than this at 1440 pixels before anything is opened. [px]
LONGEST = 2_000

#: What Streamlit draws by itself and no page can change: the list of pages, whose sections stand between its items, and
#: the dots of the curve in a key figure, which have no title.
STREAMLITS_OWN = {"exclude": [["[data-testid=stSidebarNav]"], ["[data-testid=stMetric] svg"]]}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard on an archive whose newest sample is of this minute."""
    directory = tmp_path_factory.mktemp("dashboard")
    build_lab(directory / "demo", datetime.now(UTC).replace(second=0, microsecond=0))
    settings = directory / "workbench.toml"
    settings.write_text(
        'home = "home"\n[sources.lab]\nkind = "archive"\npath = "demo"\nsystems = ["counterfactual-lab"]\n'
    )
    with dashboard(directory, WORKBENCH_CONFIG=str(settings)) as found:
        yield found


@pytest.fixture
def visit(chromium, address) -> Iterator[Visit]:
    with visiting(chromium, address) as opened:
        yield opened
        assert opened.errors == []
        assert opened.strangers == []


@pytest.mark.parametrize(
    ("scheme", "pages"),
    [("light", list(PAGES)), ("dark", ["detail", "overview", "cost", "explore"])],
    ids=["light", "dark"],
)
def test_every_page_opens_without_errors_overflow_foreign_requests_or_barriers(chromium, address, scheme, pages):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    paper, ink = THEMES[scheme]
    with visiting(chromium, address, scheme=scheme) as visit:
        for name in pages:
            path, query, title = PAGES[name]
            page = visit.open(path, **query)
            assert page.locator("h1").inner_text() == title
            assert page.get_by_test_id("stException").count() == 0, name
            assert page.get_by_test_id("stMain").evaluate("main => main.scrollHeight") <= LONGEST, name
            shown = page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")
            assert shown == paper, name
            legends = page.locator("[data-testid=stPlotlyChart] .legendtext").all()
            assert legends or name != pages[0]
            for legend in legends:
                assert legend.evaluate("text => getComputedStyle(text).fill") == ink, f"figures of {name}"
            assert _barriers(axe.run(page, context=STREAMLITS_OWN)) == {}, name
            for width in WIDTHS:
                visit.resize(width)
                assert visit.overflow() <= 1, (name, width)
            visit.resize("desktop")
        assert visit.errors == []
        assert visit.strangers == []


def _barriers(report: Any) -> dict[str, list[str]]:
    """Serious faults for those who use a screen reader or the keyboard, with the first places."""
    return {
        fault["id"]: [node["html"][:200] for node in fault["nodes"][:2]]
        for fault in report.response["violations"]
        if fault["impact"] in ("serious", "critical")
    }


def test_the_first_visit_by_phone_fits_it(chromium, address):
    with visiting(chromium, address, width="phone") as visit:
        assert visit.open().locator("h1").inner_text() == "Overview"
        assert visit.overflow() <= 1
        assert visit.errors == []


def test_the_way_from_the_morning_to_the_cause_and_back(visit):
    page = visit.open()
    page.get_by_test_id("stMain").get_by_role("link", name="Open the SLO").first.click()
    page.wait_for_url("**/slo?*slo=availability*")
    visit.settle()
    assert page.locator("h1").inner_text() == "Availability"
    page.go_back()
    page.get_by_role("heading", name="Overview", exact=True, level=1).wait_for()
    visit.settle()
    page.go_forward()
    page.get_by_role("heading", name="Availability", exact=True, level=1).wait_for()
    visit.settle()
    page.get_by_role("button", name="All SLOs").click()
    page.get_by_role("heading", name="SLOs", exact=True, level=1).wait_for()
    visit.settle()
    assert "slo=" not in page.url


def test_a_filter_writes_the_address_and_the_address_opens_the_same_view(visit):
    chosen, reopened = _chosen_and_reopened(visit)
    for _ in range(4):  # a look may show the answer of a step before, which says so, while that of now is being made
        if chosen[0] == reopened[0]:
            break
        chosen, reopened = _chosen_and_reopened(visit)
    assert chosen == reopened


def _chosen_and_reopened(visit: Visit) -> tuple[list[str], list[str]]:
    """Window and figures of the page after a choice in the side bar, and of the address that this wrote."""
    page = visit.open("slo", slo="availability", period="30d")
    period = page.get_by_test_id("stSidebar").get_by_role("combobox").nth(1)
    period.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # a list that opens while its place moves closes at once
    period.click()
    page.get_by_role("option", name="7d", exact=True).click()
    page.wait_for_url("**period=7d*")
    visit.settle()
    chosen = _window_and_figures(visit)
    page.reload()
    visit.settle()
    assert "slo=availability" in page.url
    return chosen, _window_and_figures(visit)


def _window_and_figures(visit: Visit) -> list[str]:
    page = visit.page
    window = page.get_by_test_id("stMain").get_by_text("% observed").first.inner_text()
    return [window, *page.get_by_test_id("stMetricValue").all_inner_texts()]


def test_a_click_on_a_row_opens_its_detail(visit):
    page = visit.open("slo")
    box = page.locator("[data-testid=stDataFrame] canvas").first.bounding_box()
    page.mouse.click(box["x"] + 170, box["y"] + 36 + 19)
    page.wait_for_url("**slo=*")
    visit.settle()
    assert page.locator("h1").inner_text() != "SLOs"


def test_downloads_hold_the_numbers_of_the_page(visit):
    page = visit.open("slo", slo="availability", period="7d")
    files = {}
    for name in ("Download JSON", "Download CSV"):
        with page.expect_download() as started:
            page.get_by_role("button", name=name).click()
        files[started.value.suggested_filename] = Path(started.value.path()).read_text()
    study = json.loads(files["slo-counterfactual-lab-availability-7d.json"])
    (row,) = study["results"]["compliance"]["rows"]
    assert f"{row['bad']:,.0f}" in page.get_by_test_id("stMetricValue").all_inner_texts()
    assert files["slo-counterfactual-lab-availability-7d.csv"].startswith("time,objective,good,total")


def test_an_address_that_asks_for_nothing_known_says_so(visit):
    page = visit.open("slo", slo="<img src=x onerror=alert(1)>", period="soon")
    told = "\n".join(page.get_by_test_id("stAlert").all_inner_texts())
    assert "<img src=x onerror=alert(1)>" in told
    assert "'soon'" in told
    assert page.locator("[data-testid=stAlert] img").count() == 0
