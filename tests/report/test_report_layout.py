"""Where things stand on a page: what matters first, method last, and nothing that is empty."""

from __future__ import annotations

import base64
import math
import struct

import nbformat
import pytest

from workbench.charts.overview.first_page import FINDINGS_TYPE
from workbench.charts.tables import EMPTY, Table
from workbench.report.export.figures import alternative_text, drawn, is_empty
from workbench.report.export.html import to_html
from workbench.report.export.layout import PLOTLY, arranged


def text(source: str, name: str, *tags: str):
    return nbformat.v4.new_markdown_cell(source, id=name, metadata={"tags": list(tags)})


def output(name: str, data: dict[str, object], *tags: str):
    shown = nbformat.v4.new_output("display_data", data=data)
    return nbformat.v4.new_code_cell("", id=name, outputs=[shown], metadata={"tags": list(tags)})


def notebook(order: list[str]):
    full = {PLOTLY: {"data": [{"y": [1, 2]}], "layout": {}}}
    return nbformat.v4.new_notebook(
        cells=[
            output("first", {"text/html": "<section class='first-page'></section>", FINDINGS_TYPE: {"order": order}}),
            text("## Objectives?", "10-slo-00"),
            output("10-slo-01", full),
            text("### What was left out?", "10-slo-02"),
            output("10-slo-03", {"text/html": EMPTY}),
            text("### How it was made\n\nBy counting.", "10-slo-04", "method"),
            text("## Spend?", "30-cost-00"),
            output("30-cost-01", {"text/html": "<p>12 USD</p>"}),
            output("30-cost-02", {PLOTLY: {"data": [{"x": [], "y": []}], "layout": {}}}),
            text("## Quality?", "40-quality-00"),
            output("40-quality-01", {"text/html": EMPTY}),
        ]
    )


def test_what_matters_comes_first_method_last_and_empty_parts_go() -> None:
    cells = arranged(notebook(["cost", "slo", "quality"])).cells
    assert [cell.id for cell in cells] == [
        "first", "30-cost-00", "30-cost-01", "10-slo-00", "10-slo-01", "method", "10-slo-04", "nothing-to-show",
    ]  # fmt: skip
    assert cells[-1].source == "Nothing to show in this period:\n\n- What was left out?\n- Quality?"


def test_what_a_template_puts_behind_its_sections_stays_there() -> None:
    page = notebook(["cost", "slo"])
    page.cells += [text("## Which rules earn their pages?", "review"), output("review-0", {"text/html": "<p>1</p>"})]
    names = [cell.id for cell in arranged(page).cells]
    assert names.index("10-slo-01") < names.index("review") < names.index("method")


def test_a_table_without_rows_says_so() -> None:
    assert repr(Table([])) == "No rows."


@pytest.mark.slow
def test_the_page_has_contents_that_lead_to_its_headings_and_no_script() -> None:
    page = to_html(notebook(["slo", "cost"]), title="T", footer={})
    for name in ("Objectives?", "Spend?"):
        assert f'href="#{name}"' in page or f"href='#{name}'" in page
        assert f'id="{name}"' in page
    if "data:image/svg+xml" in page:
        assert "<script" not in page
        assert 'alt="Chart of' in page


def test_usual_rows_open_behind_a_line_that_counts_them() -> None:
    rows = [{"objective": f"o{number}", "status": "OK"} for number in range(20)]
    html = Table(rows, usual=[number > 2 for number in range(20)])._repr_html_()
    assert "<summary>… and 17 as usual</summary>" in html
    assert html.index("o2") < html.index("<details>") < html.index("o3")
    assert "<details>" not in Table(rows[:4], usual=[False, False, True, True])._repr_html_()
    assert "All 20 as usual" in Table(rows, usual=[True] * 20)._repr_html_()


def test_a_figure_says_in_words_what_it_shows() -> None:
    figure = {
        "data": [{"name": "<b>p95</b>", "y": [1.0]}, {"name": "p99", "y": [2.0]}],
        "layout": {"yaxis": {"title": {"text": "Seconds"}}, "xaxis": {"title": {"text": "Time, UTC"}}},
    }
    assert "p99" in alternative_text(figure)
    assert "<b>" not in alternative_text(figure)
    assert not is_empty(figure)
    assert is_empty({"data": [{"y": [None, None]}, {"x": {}}]})
    nowhere = {"dtype": "f8", "bdata": base64.b64encode(struct.pack("<2d", math.nan, math.nan)).decode()}
    assert is_empty({"data": [{"x": ["2026-10-01", "2026-10-02"], "y": nowhere}]})


@pytest.mark.slow
def test_dates_under_a_figure_read_as_those_in_the_text(omit) -> None:
    points = {"x": ["2026-10-01", "2026-10-20", "2026-11-05"], "y": [1, 2, 3], "type": "scatter"}
    pictures = drawn([{"data": [points], "layout": {"height": 300}}])
    if pictures is None:
        omit("no Chromium is found")
    assert "4 Oct" in pictures[0]
    assert "Oct 4" not in pictures[0]
