"""A report as PDF, printed by a found browser."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from workbench.core.errors import ReportError
from workbench.report.export.browser import NAMES, VARIABLE, browser, run_browser


def to_pdf(page: Path, target: Path) -> Path:
    """Print an HTML report to a PDF with page numbers; text stays text.

    Parameters
    ----------
    page : Path
        The HTML file.
    target : Path
        The PDF; it appears whole, or not at all.

    Raises
    ------
    ReportError
        No browser is found, or it fails.
    """
    program = browser()
    if program is None:
        raise ReportError(
            "PDF is not available: no browser was found.",
            hint=f"Install Chromium, or name a browser in {VARIABLE} (looked for: {', '.join(NAMES)}).",
        )
    with tempfile.TemporaryDirectory(prefix="print-", dir=target.parent) as folder:
        printed = Path(folder) / "report.pdf"
        run_browser(program, page, f"--print-to-pdf={printed}", "--no-pdf-header-footer")
        if not printed.is_file() or not printed.stat().st_size:
            raise ReportError(f"{program} printed nothing of {page}.")
        os.replace(printed, target)
    return target


def page_count(pdf: bytes) -> int:
    """Return the number of pages of a PDF that a browser printed. [count]"""
    return pdf.count(b"/Type /Page\n") or pdf.count(b"/Type /Page ") + pdf.count(b"/Type/Page/")
