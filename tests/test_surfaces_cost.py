"""Spend: the command line, JSON, the page, the report and a notebook show the same numbers."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.surfaces import command, headed, html_tables, printed_tables, run_notebook
from workbench.charts.cost.budget_tables import window_rows
from workbench.charts.cost.driver_tables import class_rows
from workbench.charts.cost.tables import budget_rows, group_rows, jump_rows, total_rows, unit_rows
from workbench.core.shipped import shipped
from workbench.studies import open_period, spend_and_tokens

SYSTEM, MONTH = "conduit", "2026-10"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def truth(shared_settings):
    context, span, instant = open_period(MONTH, config=str(shared_settings.origin))
    study = spend_and_tokens(context, system=SYSTEM, range=span, as_of=instant)
    names = {"totals": total_rows, "groups": group_rows, "token_classes": class_rows, "jumps": jump_rows,
             "unit_costs": unit_rows, "budgets": budget_rows}  # fmt: skip
    return study, [rows for name, text in names.items() if (rows := text(study.results[name]))]


def test_the_command_line_and_json_show_the_study(demo_settings, truth, capsys):
    study, tables = truth
    asked = ("cost", "status", SYSTEM, "--month", MONTH)
    assert json.loads(command(capsys, *asked, "--format", "json")) == json.loads(json.dumps(study.to_dict()))
    assert printed_tables(command(capsys, *asked)) == tables


def test_windows_and_prices_are_printed_as_the_study_has_them(demo_settings, truth, capsys):
    rows = window_rows(truth[0].results["windows"])
    assert printed_tables(command(capsys, "cost", "windows", SYSTEM, "--month", MONTH)) == [rows]
    assert [row["against"] for row in rows[:3]] == ["the 24 h before", "the 7 d before", "the 30 d before"]


def test_the_report_shows_the_study(monthly_page, truth):
    shown = html_tables(monthly_page(SYSTEM))
    for rows in [*truth[1], window_rows(truth[0].results["windows"])]:
        assert headed(rows) in shown


def test_the_notebook_shows_the_study(demo_settings, truth, tmp_path):
    notebook = shipped("notebooks", "cost_drivers.ipynb")
    shown = html_tables(run_notebook(notebook, tmp_path, period=MONTH, system=SYSTEM))
    for rows in truth[1]:
        assert headed(rows) in shown


def test_the_page_shows_the_study(demo_settings, truth):
    study, (totals, _, classes, jumps, units, budgets) = truth
    app = AppTest.from_file(str(shipped("pages", "app.py")), default_timeout=60)
    app.query_params["system"], app.query_params["period"] = SYSTEM, MONTH
    app.switch_page("cost.py").run()
    assert not app.exception
    shown = [table.value.to_dict(orient="records") for table in app.dataframe]
    for rows in (totals, classes, jumps, units, budgets, window_rows(study.results["windows"])):
        assert rows in shown
    tiles = {tile.label: str(tile.value).replace("\\", "").replace("\u00a0", " ") for tile in app.metric}
    assert tiles["Spend"] == totals[0]["amount"]
    spend = study.results["groups"].frame.query("measure == 'cost'")
    for dimension in spend["dimension"].unique():
        app.selectbox(key="cost_by").set_value(dimension).run()
        assert not app.exception
        shown = [table.value.to_dict(orient="records") for table in app.dataframe]
        assert group_rows(study.results["groups"], measure="cost", dimension=dimension) in shown
