"""Performance: the command line, JSON, the page, the report and a notebook show the same numbers."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.surfaces import command, headed, html_tables, printed_tables, run_notebook
from workbench.charts.performance import tables as words
from workbench.core.shipped import shipped
from workbench.studies import open_period, service_performance

SYSTEM, MONTH = "counterfactual-lab", "2026-10"

TABLES = {
    "flows": words.flow_rows,
    "thresholds": words.threshold_rows,
    "breaches": words.breach_rows,
    "availability": words.availability_rows,
    "limits": words.limit_rows,
    "caches": words.cache_rows,
    "resources": words.resource_rows,
    "resource_errors": words.error_rows,
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def truth(shared_settings):
    context, span, instant = open_period(MONTH, config=str(shared_settings.origin))
    study = service_performance(context, system=SYSTEM, range=span, as_of=instant)
    return study, {name: rows for name, text in TABLES.items() if (rows := text(study.results[name]))}


def test_the_command_line_and_json_show_the_study(demo_settings, truth, capsys):
    study, tables = truth
    asked = ("performance", "status", SYSTEM, "--month", MONTH)
    assert json.loads(command(capsys, *asked, "--format", "json")) == json.loads(json.dumps(study.to_dict()))
    assert printed_tables(command(capsys, *asked)) == list(tables.values())


def test_the_report_shows_the_study(monthly_page, truth):
    shown = html_tables(monthly_page(SYSTEM))
    for rows in truth[1].values():
        assert headed(rows) in shown


def test_the_notebook_shows_the_study(demo_settings, truth, tmp_path):
    shown = html_tables(run_notebook(shipped("notebooks", "performance_slow.ipynb"), tmp_path, period=MONTH))
    for name in ("flows", "thresholds", "breaches", "availability", "limits", "resources"):
        assert headed(truth[1][name]) in shown


def test_the_page_shows_the_study(demo_settings, truth):
    _, tables = truth
    app = AppTest.from_file(str(shipped("pages", "app.py")), default_timeout=120)
    app.query_params["system"], app.query_params["period"] = SYSTEM, MONTH
    app.switch_page("performance.py").run()
    assert not app.exception
    shown = [table.value.to_dict(orient="records") for table in app.dataframe]
    for rows in tables.values():
        filled = [name for name in rows[0] if any(row[name] for row in rows)]
        assert [{name: row[name] for name in filled} for row in rows] in shown
