"""A Chromium that is there already: it draws figures as SVG and prints pages; nothing is ever downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from workbench.core.errors import ReportError

#: Names of browsers that print without a screen, in the order in which they are looked for.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")

#: Environment variable that names the browser.
VARIABLE = "WORKBENCH_BROWSER"

#: A browser that takes longer is stopped. [s]
TIMEOUT_S = 120


def browser() -> Path | None:
    """Return the browser of :data:`VARIABLE`, else the first one found; None without one."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        place = shutil.which(named) if named else None
        return Path(place) if place else None
    return next((Path(place) for name in NAMES if (place := shutil.which(name))), None)


def run_browser(program: Path, page: Path, *options: str) -> str:
    """Open a page of this machine without a screen and without a network, and return what the browser prints.

    Parameters
    ----------
    program : Path
        The browser.
    page : Path
        An HTML file.
    *options : str
        What to do with it, such as ``--dump-dom``.

    Raises
    ------
    ReportError
        The browser does not start, ends with an error, or takes too long.
    """
    with tempfile.TemporaryDirectory(prefix="browser-") as profile:
        command = [
            str(program),
            "--headless=new",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-extensions",
            "--disable-background-networking",
            "--no-first-run",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={profile}",
            *(["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []),
            *options,
            page.resolve().as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=True)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise ReportError(f"{program} did not end within {TIMEOUT_S} s.") from None
        except (OSError, subprocess.CalledProcessError) as error:
            output = getattr(error, "stderr", b"") or str(error).encode()
            raise ReportError(
                f"{program} failed: {output.decode(errors='replace').strip()[-400:]}",
                hint=f"Name another browser in {VARIABLE}, or leave it empty to do without.",
            ) from None
    return done.stdout.decode(errors="replace")
