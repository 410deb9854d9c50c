"""Alerts: the command line, JSON, the page, the report and a notebook show the same numbers."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.surfaces import command, headed, html_tables, printed_tables, run_notebook
from workbench.charts.alerts.tables import burst_rows, episode_rows, measure_rows, noisiest_rows, rule_rows
from workbench.core.shipped import shipped
from workbench.studies import alert_load, open_period

SYSTEM, MONTH = "counterfactual-lab", "2026-10"
ROWS = {
    "rules": rule_rows,
    "measures": measure_rows,
    "noisiest": noisiest_rows,
    "bursts": burst_rows,
    "episodes": episode_rows,
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def truth(shared_settings):
    context, span, instant = open_period(MONTH, config=str(shared_settings.origin))
    study = alert_load(context, system=SYSTEM, range=span, as_of=instant)
    return study, {name: text(study.results[name]) for name, text in ROWS.items()}


def test_the_command_line_and_json_show_the_study(demo_settings, truth, capsys):
    study, tables = truth
    asked = ("alerts", "status", SYSTEM, "--month", MONTH)
    assert json.loads(command(capsys, *asked, "--format", "json")) == json.loads(json.dumps(study.to_dict()))
    for name, rows in tables.items():
        assert printed_tables(command(capsys, *asked, "--show", name)) == [rows]


def test_the_report_shows_the_study(monthly_page, truth):
    shown = html_tables(monthly_page(SYSTEM))
    for name in ("rules", "measures", "noisiest", "bursts"):
        assert headed(truth[1][name]) in shown


def test_the_notebook_shows_the_study(demo_settings, truth, tmp_path):
    shown = html_tables(run_notebook(shipped("notebooks", "alerts_load.ipynb"), tmp_path, period=MONTH))
    assert headed(truth[1]["rules"]) in shown


def test_the_page_shows_the_study(demo_settings, truth):
    study, tables = truth
    app = AppTest.from_file(str(shipped("pages", "app.py")), default_timeout=60)
    app.query_params["system"], app.query_params["period"] = SYSTEM, MONTH
    app.switch_page("alerts.py").run()
    assert not app.exception
    shown = [table.value.to_dict(orient="records") for table in app.dataframe]
    for rows in tables.values():
        filled = [name for name in rows[0] if any(row[name] for row in rows)]
        assert [{name: row[name] for name in filled} for row in rows] in shown
    tiles = {tile.label: str(tile.value).replace("\\", "") for tile in app.metric}
    assert tiles["Episodes"] == str(int(study.results["rules"].frame["episodes"].sum()))
