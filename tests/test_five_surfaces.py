"""One study, five surfaces: the command line, the page, the report, a notebook and JSON show the same numbers."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import nbformat
import papermill
import pytest
from streamlit.testing.v1 import AppTest

from tests.surfaces import Rows, headed, html_tables
from workbench.charts.tables import compliance_rows
from workbench.cli.main import main
from workbench.core.shipped import shipped
from workbench.report.run.kernel import KERNEL_NAME, kernel_in
from workbench.studies import open_period, slo_compliance

SYSTEM = "counterfactual-lab"
MONTH = "2026-10"

pytestmark = pytest.mark.slow


def compliance_in(page: str) -> Rows:
    return next(rows for rows in html_tables(page) if rows and {"Objective", "SLI"} <= rows[0].keys())


@pytest.fixture(scope="module")
def truth(shared_settings):
    """The study itself, and its rows as text."""
    context, span, instant = open_period(MONTH, config=str(shared_settings.origin))
    study = slo_compliance(context, system=SYSTEM, range=span, as_of=instant)
    return study, compliance_rows(study.results["compliance"])


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    captured = capsys.readouterr()
    assert left.value.code == 0, captured.err
    return captured.out


def test_the_command_line_and_json_show_the_study(demo_settings, truth, capsys):
    study, rows = truth
    asked = ("slo", "status", SYSTEM, "--month", MONTH)
    assert json.loads(command(capsys, *asked, "--format", "json")) == json.loads(json.dumps(study.to_dict()))
    printed = command(capsys, *asked).splitlines()
    names = [name.strip() for name in re.split(r"\s{2,}", printed[0].strip())]
    cells = [re.split(r"\s{2,}", line.strip()) for line in printed[2:]]
    assert [dict(zip(names, line, strict=True)) for line in cells] == rows


def test_the_report_shows_the_study(monthly_page, truth):
    study, rows = truth
    titles = study.results["compliance"].frame.set_index("objective")["title"]
    titled = [{**row, "objective": titles[row["objective"]]} for row in rows]
    assert compliance_in(monthly_page(SYSTEM)) == headed(titled), "with titles, as on the page"


def opened(**query: str) -> AppTest:
    """Return the SLO page as a reader gets it who follows a link."""
    app = AppTest.from_file(str(shipped("pages", "app.py")), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("slo.py").run()
    assert not app.exception
    return app


def test_the_page_shows_the_study(demo_settings, truth):
    _, rows = truth
    app = opened(system=SYSTEM, period=MONTH)
    shown = app.dataframe[0].value
    assert sorted(shown["Measured"]) == sorted(row["SLI"] for row in rows)
    assert sorted(shown["Budget left"]) == sorted(row["budget left"] for row in rows)
    for row in rows:
        app = opened(system=SYSTEM, period=MONTH, slo=row["objective"])
        tiles = {tile.label: str(tile.value).replace("\\", "").replace("\u00a0", " ") for tile in app.metric}
        assert tiles["Measured"] == row["SLI"]
        assert tiles["Budget left"] == row["budget left"]
        assert tiles["Bad"] == row["bad"].split(" of ")[0]


def test_the_notebook_shows_the_study(demo_settings, truth, tmp_path):
    sockets = Path(tempfile.mkdtemp(prefix="wb-"))
    done = papermill.execute_notebook(
        str(shipped("notebooks", "slo_budget.ipynb")),
        str(tmp_path / "done.ipynb"),
        parameters={"period": MONTH},
        kernel_name=KERNEL_NAME,
        language="python",
        progress_bar=False,
        kernel_manager_class=kernel_in(sockets),
    )
    pages = [
        output.data["text/html"]
        for cell in done.cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    assert compliance_in("".join(pages)) == headed(truth[1])


def test_shipped_notebooks_carry_no_output():
    for path in (*shipped("notebooks").glob("*.ipynb"), *shipped("reports").rglob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs")
            assert cell.get("execution_count") is None
