"""Capacity: the command line, JSON, the page, the report and a notebook show the same numbers."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.surfaces import command, headed, html_tables, printed_tables, run_notebook
from workbench.charts.capacity.tables import backtest_rows, headroom_rows, limit_rows
from workbench.core.shipped import shipped
from workbench.core.units import day_text
from workbench.studies import capacity_forecast, open_period

SYSTEM, MONTH = "counterfactual-lab", "2026-10"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def truth(shared_settings):
    context, span, instant = open_period(MONTH, config=str(shared_settings.origin))
    study = capacity_forecast(context, system=SYSTEM, range=span, as_of=instant)
    limits = study.results["limits"]
    tables = {"limits": limit_rows, "headroom": headroom_rows, "backtests": backtest_rows}
    return study, {name: rows(limits) for name, rows in tables.items()}


def test_the_command_line_and_json_show_the_study(demo_settings, truth, capsys):
    study, tables = truth
    asked = ("capacity", "status", SYSTEM, "--month", MONTH)
    assert json.loads(command(capsys, *asked, "--format", "json")) == json.loads(json.dumps(study.to_dict()))
    for name, rows in tables.items():
        assert printed_tables(command(capsys, *asked, "--show", name)) == [rows]


def test_the_report_shows_the_study(monthly_page, truth):
    shown = html_tables(monthly_page(SYSTEM))
    for rows in truth[1].values():
        assert headed(rows) in shown


def test_the_notebook_shows_the_study(demo_settings, truth, tmp_path):
    shown = html_tables(run_notebook(shipped("notebooks", "capacity_forecast.ipynb"), tmp_path, period=MONTH))
    for rows in truth[1].values():
        assert headed(rows) in shown


def test_the_page_shows_the_study(demo_settings, truth):
    study, tables = truth
    app = AppTest.from_file(str(shipped("pages", "app.py")), default_timeout=60)
    app.query_params["system"], app.query_params["period"] = SYSTEM, MONTH
    app.switch_page("capacity.py").run()
    assert not app.exception
    shown = [table.value.to_dict(orient="records") for table in app.dataframe]
    for rows in tables.values():
        assert rows in shown
    tiles = {tile.label: str(tile.value).replace("\\", "") for tile in app.metric}
    nearest = study.results["limits"].frame["reached_at"].min()
    assert tiles["Next limit"] == day_text(nearest)


def test_a_system_without_limits_says_not_measured(demo_settings):
    app = AppTest.from_file(str(shipped("pages", "app.py")), default_timeout=60)
    app.query_params["system"], app.query_params["period"] = "choreoai", MONTH
    app.switch_page("capacity.py").run()
    assert not app.exception
    texts = [str(element.value) for kind in (app.markdown, app.text) for element in kind]
    assert any("not measured" in text for text in texts)
    assert not app.get("plotly_chart")
