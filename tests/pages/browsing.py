"""A dashboard on its own port and a browser that keeps what went wrong while it looked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from tests.servers.programs import answers, end, free_port, wait_for
from workbench.core.shipped import shipped

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

#: Streamlit looks for its server below the address of a deep link first, and is told that it is not there.
PROBE = re.compile(r"/[a-z]+/_stcore/(health|host-config)$")

#: Streamlit draws the curve of a key figure once before it has its width.
UNSIZED = "WARN Infinite extent"

#: No placeholder is left, and every figure and table outside a closed expander or tab is drawn.
DRAWN = """() => {
  const all = name => [...document.querySelectorAll(`[data-testid=${name}]`)]
    .filter(one => one.offsetParent !== null && !one.closest("details:not([open])"));
  return !all("stSkeleton").length
    && all("stPlotlyChart").every(one => one.querySelector(".main-svg"))
    && all("stDataFrame").every(one => one.querySelector("canvas"));
}"""

WIDTHS = {"desktop": (1440, 900), "phone": (390, 844)}


@dataclass
class Visit:
    """One open page, with the errors of its console and the hosts it asked."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def open(self, path: str = "", **query: str) -> Page:
        self.page.goto(f"{self.address}/{path}" + (f"?{urlencode(query)}" if query else ""))
        return self.settle()

    def settle(self) -> Page:
        """Wait until the script has ended and every figure is drawn."""
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
        self.page.wait_for_function(DRAWN, timeout=60_000, polling=100)
        self.page.wait_for_timeout(400)
        return self.page

    def resize(self, width: str) -> Page:
        """Let the window be of another size."""
        wide, high = WIDTHS[width]
        self.page.set_viewport_size({"width": wide, "height": high})
        return self.settle()

    def overflow(self) -> float:
        """Pixels by which the page is wider than the window."""
        return self.page.evaluate(
            "() => { const main = document.querySelector('[data-testid=stMain]') || document.documentElement;"
            " return Math.max(main.scrollWidth - main.clientWidth,"
            " document.documentElement.scrollWidth - window.innerWidth); }"
        )


@contextmanager
def visiting(browser: Browser, address: str, *, width: str = "desktop", scheme: str = "light") -> Iterator[Visit]:
    """A fresh browser profile in one size and one theme, with its clock in UTC."""
    wide, high = WIDTHS[width]
    context = browser.new_context(
        viewport={"width": wide, "height": high},
        color_scheme=scheme,
        timezone_id="UTC",
        locale="en-GB",
        device_scale_factor=1,
        reduced_motion="reduce",
        accept_downloads=True,
    )
    page = context.new_page()
    visit = Visit(page, address)
    page.on("console", lambda message: _heard(visit, message))
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on("request", lambda request: _noted(visit, request.url))
    try:
        yield visit
    finally:
        context.close()


def _heard(visit: Visit, message: ConsoleMessage) -> None:
    if UNSIZED in message.text:
        return
    if message.type in ("error", "warning") and not PROBE.search(message.location.get("url", "")):
        visit.errors.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")


def _noted(visit: Visit, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in ("127.0.0.1", "localhost"):
        visit.strangers.append(url)


@contextmanager
def dashboard(directory: Path, *, port: int = 0, **environment: str) -> Iterator[str]:
    """The dashboard as ``workbench dashboard`` starts it; gives its address."""
    port = port or free_port()
    environment.setdefault("FORWARDED_ALLOW_IPS", "")
    command = [sys.executable, "-m", "workbench.ui.launch", "--server.port", str(port)]
    with (directory / "dashboard.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=shipped(".streamlit").parent, env={**os.environ, **environment}, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    try:
        if not wait_for(process, lambda: answers(f"{address}/_stcore/health"), deadline_s=60):
            raise RuntimeError(f"the dashboard did not start:\n{(directory / 'dashboard.log').read_text()[-2000:]}")
        yield address
    finally:
        end(process)
