"""Every template runs to its end on the demo, for two systems that differ, with every output."""

from __future__ import annotations

import re

import pytest

from workbench.report import run_report
from workbench.report.export.browser import browser
from workbench.report.export.pdf import page_count, to_pdf
from workbench.report.run.templates import template_names

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

PERIODS = {
    "weekly-review": "2026-W43",
    "capacity-quarter": "2026-Q3",
    "incident": "2026-10-29T14:00Z..2026-10-29T18:00Z",
}


@pytest.mark.parametrize("system", ["counterfactual-lab", "conduit"])
@pytest.mark.parametrize("name", template_names())
def test_every_template_runs_for_two_systems(name: str, system: str, demo_settings) -> None:
    outputs = ("pdf", "parquet", "csv", "xlsx") if browser() else ("parquet", "csv", "xlsx")
    period = PERIODS.get(name, "2026-10")
    done = run_report(name, system=system, period=period, settings=demo_settings, outputs=outputs)
    page = done.html.read_text()
    assert set(done.files) == {"html", "json", "md", *outputs}
    assert page.count('class="first-page') == 1
    assert "Jan 2000" not in page
    assert ">None.<" not in page
    if browser():
        assert done.size < 2_000_000
        assert "<script" not in page
        assert page_count(done.files["pdf"].read_bytes()) >= 1
        assert len(re.findall(r"<img ", page)) == len(re.findall(r'<img [^>]*alt="Chart of ', page))


def test_the_executive_report_of_all_systems_has_its_first_page_on_one_a4(demo_settings) -> None:
    if not browser():
        pytest.skip("no browser on this machine prints PDF")
    done = run_report("executive", system="all", period="2026-10", settings=demo_settings, outputs=["pdf"])
    whole = done.html.read_text()
    end = whole.index("</section>", whole.index("first-page", whole.index("<main"))) + len("</section>")
    page = done.html.with_name("alone.html")
    page.write_text(whole[:end] + "</section></main></body></html>")
    assert page_count(to_pdf(page, page.with_suffix(".pdf")).read_bytes()) == 1
    assert page_count(done.files["pdf"].read_bytes()) >= 2
