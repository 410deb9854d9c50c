"""The front door: what `import workbench` offers, and that it costs nothing until it is used."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import workbench

ROOT = Path(__file__).resolve().parents[1]

PUBLIC = {
    "errors": {"ArchiveError", "CatalogError", "ParameterError", "ReportError", "SettingsError", "SourceError",
               "WorkbenchError"},
    "questions": {"Condition", "Context", "LogFilter", "Native", "SpanFilter", "TimeRange", "open_period",
                  "open_workbench"},
    "answers": {"Provenance", "Result", "Study", "figure"},
    "studies": {"alert_load", "alert_review", "alert_rule_worth", "alert_suppression", "capacity_forecast",
                "count_spans", "explain_query", "find_logs", "find_spans",
                "investigate", "log_overview", "overview", "period_review", "quality_drift", "query_metrics",
                "service_performance", "slo_attribution", "slo_backtest", "slo_compliance", "slo_policy",
                "slo_scorecard", "slo_what_if", "source_checks", "source_states", "spend_and_tokens", "system_report",
                "system_reports", "trace_analysis", "trace_compare", "trace_detail"},
}  # fmt: skip


def test_the_public_names_are_exactly_these() -> None:
    assert sorted(workbench.__all__) == sorted(set().union(*PUBLIC.values()))


@pytest.mark.parametrize("name", workbench.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(workbench, name).__doc__


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse((ROOT / "workbench" / "__init__.py").read_text())
    (typed,) = (node for node in tree.body if isinstance(node, ast.If))
    assert sorted(alias.asname or "" for line in typed.body for alias in line.names) == sorted(workbench.__all__)


def test_importing_the_package_loads_no_library() -> None:
    code = "import sys, workbench; print([m for m in ('numpy', 'pandas', 'pydantic', 'plotly') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_notebooks_and_report_sections_use_public_names() -> None:
    faults = []
    for path in sorted(path for folder in ("notebooks", "reports") for path in (ROOT / folder).rglob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] != "code":
                continue
            for node in ast.walk(ast.parse("".join(cell["source"]))):
                if isinstance(node, ast.ImportFrom) and node.module == "workbench":
                    faults += [f"{path.name}: {name.name}" for name in node.names if name.name not in workbench.__all__]
    assert not faults
