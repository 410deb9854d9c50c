"""Draw the pictures of the documentation: ``python -m tests.pages.screenshots [home]`` writes ``docs/images/*.png``.

The dashboard runs on the demo in ``home``, that of the checkout when left out. Look at every picture before it is
committed: a browser test sees errors and overflow, not what is ugly.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.pages.browsing import Visit, dashboard, visiting
from tests.servers.fixtures import BROWSER_FLAGS
from tests.servers.programs import program

IMAGES = Path(__file__).parents[2] / "docs" / "images"

#: File name -> page, query, width, theme.
PICTURES: dict[str, tuple[str, dict[str, str], str, str]] = {
    "overview-light": ("", {}, "desktop", "light"),
    "overview-dark": ("", {}, "desktop", "dark"),
    "overview-phone": ("", {}, "phone", "light"),
    "slo-list-light": ("slo", {"system": "counterfactual-lab"}, "desktop", "light"),
    "slo-detail-light": ("slo", {"system": "counterfactual-lab", "slo": "availability"}, "desktop", "light"),
    "slo-detail-dark": ("slo", {"system": "counterfactual-lab", "slo": "availability"}, "desktop", "dark"),
    "slo-detail-phone": ("slo", {"system": "counterfactual-lab", "slo": "availability"}, "phone", "dark"),
    "sources-light": ("sources", {}, "desktop", "light"),
}


def picture(visit: Visit, file: Path) -> None:
    """Save the whole page: the window grows to the height of what is in it, as figures follow its size."""
    page = visit.page
    high = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": max(600, high)})
    visit.settle()
    page.screenshot(path=file)


def draw(home: Path) -> None:
    """Draw every picture."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        dashboard(Path(directory), WORKBENCH_HOME=str(home)) as address,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=program("chromium"), args=BROWSER_FLAGS)
        for name, (path, query, width, scheme) in PICTURES.items():
            with visiting(browser, address, width=width, scheme=scheme) as visit:
                visit.open(path, **query)
                picture(visit, IMAGES / f"{name}.png")
                print(f"{name}: overflow {visit.overflow()} px, errors {visit.errors}, strangers {visit.strangers}")
        browser.close()


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES.parents[1] / ".workbench")
