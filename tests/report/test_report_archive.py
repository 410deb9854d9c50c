"""The archive of runs: found again, compared, hashed, pruned; and the outputs beside a report."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from workbench.charts.overview.first_page import FINDINGS_TYPE
from workbench.core.errors import ParameterError, ReportError
from workbench.core.result import Provenance, Result, Study
from workbench.core.timerange import TimeRange
from workbench.report.export import browser
from workbench.report.export.data import keep_frames, write_data
from workbench.report.export.html import to_html
from workbench.report.export.outputs import checked_outputs, hash_of, write_outputs
from workbench.report.export.pdf import page_count, to_pdf
from workbench.report.run.archive import compared, files_of, find_run, past_runs, prune
from workbench.report.run.templates import checked_parameters, template_names, template_path
from workbench.store import open_store
from workbench.store.kept import kept_as

NOW = datetime(2026, 11, 4, tzinfo=UTC)


def made(settings, period: str, text: str, *, started: datetime = NOW, status: str = "done") -> str:
    """Write down a run with its files, as :func:`run_report` does."""
    store = open_store(settings)
    run = store.start_run(report="monthly", system="lab", period=period, parameters={}, started_at=started,
                          version="0", identity="ada")  # fmt: skip
    if status != "done":
        store.fail_run(run.id, finished_at=started, error="failed in cell 4: no such column")
        return run.id
    folder = settings.home / "reports" / "lab" / period
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"monthly-{run.id[:12]}.html"
    page.write_text(f"<p>{text}</p>")
    row = {"part": "answer", "question": "slo", "text": text}
    kept = {"findings": {"rows": [row], "parameters": {"title": "Lab"}}}
    page.with_suffix(".json").write_text(json.dumps(kept))
    files = {"html": page, "json": page.with_suffix(".json")}
    provenance = {
        "files": {form: kept_as(path, settings.home) for form, path in files.items()},
        "sha256": {form: hash_of(path) for form, path in files.items()},
    }
    place = kept_as(page, settings.home)
    store.finish_run(run.id, finished_at=started, path=place, sha256=hash_of(page), provenance=provenance)
    return run.id


def test_runs_are_found_by_text_and_state(demo_settings) -> None:
    made(demo_settings, "2026-10", "4 of 5")
    made(demo_settings, "2026-09", "", status="failed", started=NOW - timedelta(hours=1))
    assert [row["period"] for row in past_runs(demo_settings, search="ADA")] == ["2026-10", "2026-09"]
    assert [row["period"] for row in past_runs(demo_settings, search="no such column")] == ["2026-09"]
    assert [row["period"] for row in past_runs(demo_settings, status="done")] == ["2026-10"]
    with pytest.raises(ParameterError, match="No run has an id"):
        find_run(demo_settings, "zzz")


def test_a_changed_file_is_told_from_one_that_is_as_made(demo_settings) -> None:
    run = find_run(demo_settings, made(demo_settings, "2026-10", "4 of 5"))
    assert [state for _, state in files_of(demo_settings, run).values()] == ["as made", "as made"]
    files_of(demo_settings, run)["html"][0].write_text("<p>5 of 5</p>")
    files_of(demo_settings, run)["json"][0].unlink()
    assert [state for _, state in files_of(demo_settings, run).values()] == ["changed", "gone"]


def test_a_period_stands_beside_the_one_before_and_a_failed_run_never_does(demo_settings) -> None:
    made(demo_settings, "2026-09", "5 of 5 were met.")
    made(demo_settings, "2026-10", "4 of 5 were met.", started=NOW)
    made(demo_settings, "2026-10", "", started=NOW + timedelta(hours=1), status="failed")
    (row,) = compared(demo_settings, report="monthly", system="lab", period="2026-10")
    assert row == {"question": "slo", "2026-09": "5 of 5 were met.", "2026-10": "4 of 5 were met."}
    with pytest.raises(ReportError, match="No report monthly of lab for 2026-08"):
        compared(demo_settings, report="monthly", system="lab", period="2026-09")


def test_pruning_keeps_the_newest_good_run_and_issues(demo_settings) -> None:
    old = made(demo_settings, "2026-10", "first", started=NOW - timedelta(days=500))
    new = made(demo_settings, "2026-10", "second", started=NOW - timedelta(days=450))
    issue = demo_settings.home / "issued" / "lab" / f"monthly-{old[:12]}.html"
    issue.parent.mkdir(parents=True)
    issue.write_text("issued")
    gone = prune(demo_settings, older_than=timedelta(days=400), now=NOW)
    assert {path.suffix for path in gone} == {".html", ".json"}
    assert all(old[:12] in path.name for path in gone)
    assert issue.exists()
    assert files_of(demo_settings, find_run(demo_settings, new))["html"][1] == "as made"


def study() -> Study:
    frame = pd.DataFrame(
        {
            "text": ["=1+1"],
            "link": ["https://evil.example/x"],
            "amount": [Decimal("0.10")],
            "facts": [{"a": 1}],
            "at": [pd.Timestamp(NOW)],
        }
    )
    made_by = Provenance("demo", "", "v3", "exact")
    span = TimeRange(NOW - timedelta(days=1), NOW)
    return Study("spend_and_tokens", "lab", span, NOW, {"totals": Result(frame)}, "ok", None, 1.0, made_by)


def test_data_keeps_every_digit_runs_no_formula_and_links_nowhere(tmp_path: Path) -> None:
    keep_frames({"studies": {"spend_and_tokens": study()}, "other": 3}, tmp_path / "data")
    for form in ("parquet", "csv", "xlsx"):
        write_data(tmp_path / "data", tmp_path / "report", form)
    (parquet,) = (tmp_path / "report-data").glob("*.parquet")
    assert parquet.name == "lab.spend_and_tokens.totals.parquet"
    assert pd.read_parquet(parquet)["amount"].iloc[0] == Decimal("0.10")
    (csv,) = (tmp_path / "report-data").glob("*.csv")
    assert csv.read_text().splitlines()[1].startswith("'=1+1,https://evil.example/x,0.10,")
    with zipfile.ZipFile(tmp_path / "report.xlsx") as book:
        sheets = {name: book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/")}
    assert any("=1+1" in text or "<v>0</v>" in text for text in sheets.values())
    assert not [name for name, text in sheets.items() if "hyperlink" in text or "<f>" in text], "text stays text"


def test_parameters_are_typed_and_checked_before_anything_starts(tmp_path: Path) -> None:
    assert checked_parameters("executive", {"months": "24"}) == {"months": 24}
    with pytest.raises(ParameterError, match="'months' of 'executive' is int, and 'two' is none"):
        checked_parameters("executive", {"months": "two"})
    with pytest.raises(ParameterError, match="has no parameter 'month'"):
        checked_parameters("executive", {"month": 24})
    with pytest.raises(ParameterError, match="no output 'word'"):
        checked_outputs(["word"])
    own = tmp_path / "mine.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), own)
    assert "mine" in template_names([tmp_path])
    assert template_path("mine", [tmp_path]) == own


def test_findings_are_written_as_markdown_and_json(tmp_path: Path) -> None:
    data = {"text/plain": "# Lab\n", FINDINGS_TYPE: {"order": ["slo"]}}
    output = nbformat.v4.new_output("execute_result", data=data)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=[output])])
    files = write_outputs(notebook, tmp_path / "r.html", tmp_path, ())
    assert files["md"].read_text() == "# Lab\n"
    assert json.loads(files["json"].read_text()) == {"order": ["slo"]}


@pytest.mark.slow
def test_without_a_browser_pdf_is_refused_and_figures_are_drawn_by_a_script(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(browser.VARIABLE, "")
    with pytest.raises(ReportError, match="PDF is not available: no browser was found"):
        to_pdf(tmp_path / "r.html", tmp_path / "r.pdf")
    figure = {"application/vnd.plotly.v1+json": {"data": [{"y": [1]}], "layout": {}}}
    output = nbformat.v4.new_output("display_data", data=figure)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=[output])])
    assert "no browser was found to draw them" in to_html(notebook, title="t", footer={})


@pytest.mark.slow
def test_the_fullest_first_page_prints_on_one_page(tmp_path: Path, omit) -> None:
    """Long names and every kind of sentence: the next heading begins on page two."""
    if browser.browser() is None:
        omit("Chromium is not there (Debian package chromium)")
    from tests.report.first_pages import fullest

    cells = [fullest(), nbformat.v4.new_markdown_cell("## Scorecard")]
    page = tmp_path / "r.html"
    page.write_text(to_html(nbformat.v4.new_notebook(cells=cells), title="t", footer={}))
    assert page_count(to_pdf(page, tmp_path / "r.pdf").read_bytes()) == 2


@pytest.mark.slow
def test_a_report_in_the_browser_has_landmarks_contrast_and_alternative_texts(tmp_path: Path, chromium) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    from tests.report.first_pages import whole

    path = tmp_path / "r.html"
    path.write_text(to_html(whole(), title="Draft: monthly report", footer={"run": "1", "version": "0"}))
    with chromium.new_context(bypass_csp=True) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        found = axe.run(page).response["violations"]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]][:3]) for one in found] == []
