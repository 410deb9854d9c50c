"""How long reports take: one system, four at once, twelve runs, and the PDF beside them.

``python -m tests.benchmarks.bench_report HOME`` with a home that holds the demo; on two cores the bars are 20 s, 40 s,
240 s and 15 s.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from workbench.core.settings import load_settings
from workbench.report import run_report, run_reports
from workbench.report.export.pdf import to_pdf

SYSTEMS = ("counterfactual-lab", "conduit", "llm-ab-testing", "choreoai")
TEMPLATES = ("monthly", "alert-review", "cost-month")


def main(home: str) -> None:
    """Print each measured time beside its bar. [s]"""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "workbench.toml"
        file.write_text(f'home = "home"\n[sources.demo]\nkind = "archive"\npath = "{Path(home).resolve()}/demo"\n')
        settings = load_settings(file)
        begun = time.monotonic()
        one = run_report("monthly", system=SYSTEMS[0], period="2026-10", settings=settings)
        print(f"monthly, one system: {time.monotonic() - begun:.1f} s (bar 20); HTML {one.size / 1e6:.2f} MB (bar 2)")
        begun = time.monotonic()
        to_pdf(one.html, one.html.with_suffix(".pdf"))
        print(f"its PDF: {time.monotonic() - begun:.1f} s more (bar 15)")
        begun = time.monotonic()
        list(run_reports("monthly", SYSTEMS, period="2026-10", settings=settings))
        print(f"monthly, four systems at once: {time.monotonic() - begun:.1f} s (bar 40)")
        begun = time.monotonic()
        for name in TEMPLATES:
            list(run_reports(name, SYSTEMS, period="2026-10", settings=settings))
        print(f"twelve runs: {time.monotonic() - begun:.1f} s (bar 240)")


if __name__ == "__main__":
    main(*sys.argv[1:])
