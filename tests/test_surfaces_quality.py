"""Quality: the command line, JSON, the page, the report and a notebook show the same numbers."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.surfaces import command, headed, html_tables, printed_tables, run_notebook
from workbench.charts.quality.tables import documented_rows, drift_rows, level_rows, limit_rows, state_rows
from workbench.core.shipped import shipped
from workbench.studies import open_period, quality_drift

SYSTEM, MONTH = "counterfactual-lab", "2026-10"
ROWS = {"states": state_rows, "drifts": drift_rows, "limits": limit_rows, "documented": documented_rows}
PLAIN = {**ROWS, "levels": level_rows}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def truth(shared_settings):
    context, span, instant = open_period(MONTH, config=str(shared_settings.origin))
    study = quality_drift(context, system=SYSTEM, range=span, as_of=instant)
    return study, {name: text(study.results[name]) for name, text in PLAIN.items()}


def test_the_command_line_and_json_show_the_study(demo_settings, truth, capsys):
    study, tables = truth
    asked = ("quality", "status", SYSTEM, "--month", MONTH)
    assert json.loads(command(capsys, *asked, "--format", "json")) == json.loads(json.dumps(study.to_dict()))
    for name, rows in tables.items():
        assert printed_tables(command(capsys, *asked, "--show", name)) == [rows]


def test_the_report_shows_the_study(monthly_page, truth):
    shown = html_tables(monthly_page(SYSTEM))
    for name in ROWS:
        assert headed(truth[1][name]) in shown


def test_the_notebook_shows_the_study(demo_settings, truth, tmp_path):
    shown = html_tables(run_notebook(shipped("notebooks", "quality_drift.ipynb"), tmp_path, period=MONTH))
    assert headed(truth[1]["states"]) in shown
    assert headed(truth[1]["drifts"]) in shown


def test_the_page_shows_the_study(demo_settings, truth):
    study, tables = truth
    app = AppTest.from_file(str(shipped("pages", "app.py")), default_timeout=60)
    app.query_params["system"], app.query_params["period"] = SYSTEM, MONTH
    app.switch_page("quality.py").run()
    assert not app.exception
    shown = [table.value.to_dict(orient="records") for table in app.dataframe]
    for rows in tables.values():
        filled = [name for name in rows[0] if any(row[name] for row in rows)]
        assert [{name: row[name] for name in filled} for row in rows] in shown
    tiles = {tile.label: str(tile.value).replace("\\", "") for tile in app.metric}
    assert tiles["Scores"] == str(len(study.results["states"].frame))
    assert len(app.get("plotly_chart")) == 4


def test_a_system_without_scores_says_not_measured(demo_settings):
    app = AppTest.from_file(str(shipped("pages", "app.py")), default_timeout=60)
    app.query_params["system"], app.query_params["period"] = "conduit", MONTH
    app.switch_page("quality.py").run()
    assert not app.exception
    texts = [str(element.value) for kind in (app.markdown, app.text) for element in kind]
    assert any("no score is judged" in text for text in texts)
    assert not app.get("plotly_chart")
