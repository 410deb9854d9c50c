"""The documentation as a site: every page builds without a warning, and none of them loads anything from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import workbench

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]

#: What a browser fetches by itself; a link that a reader may follow is none.
LOADED = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"([^\"]+)\"|<link\b[^>]*\bhref=\"([^\"]+)\"")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", ROOT / "docs", out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return out


def test_no_page_loads_anything_from_another_place(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    outside = {
        (page.name, address)
        for page in pages
        for pair in LOADED.findall(page.read_text())
        for address in pair
        if address.startswith(("http:", "https:", "//"))
    }
    assert len(pages) > 30
    assert not outside


def test_the_reference_of_the_api_has_every_public_name(site: Path) -> None:
    text = (site / "reference" / "api.html").read_text()
    assert not [name for name in workbench.__all__ if f">{name}<" not in text]
