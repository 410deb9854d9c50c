"""Questions 2 to 6 with a Prometheus in the settings: every surface shows the numbers of the archive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.live.demo_slice import DemoServers
from tests.live.test_questions_parity import CATALOG, ON_SURFACES, TOLERANCE
from tests.questions import QUESTIONS
from tests.surfaces import Rows, command, headed, html_tables, printed_tables, run_notebook
from workbench.archive.source import ArchiveSource
from workbench.charts.alerts import tables as alerts_tables
from workbench.charts.capacity import tables as capacity_tables
from workbench.charts.cost import tables as cost_tables
from workbench.charts.performance import tables as performance_tables
from workbench.charts.quality import tables as quality_tables
from workbench.core.result import Study
from workbench.core.settings import load_settings
from workbench.core.shipped import shipped
from workbench.core.timerange import calendar_range, from_ms
from workbench.report import run_report
from workbench.studies import Context

pytestmark = pytest.mark.live

SYSTEM, MONTH = ON_SURFACES, "2026-10"

#: What the monthly report shows of each question.
TABLES = {
    "performance": {"flows": performance_tables.flow_rows, "breaches": performance_tables.breach_rows},
    "cost": {"totals": cost_tables.total_rows, "groups": cost_tables.group_rows, "unit_costs": cost_tables.unit_rows},
    "quality": {"states": quality_tables.state_rows, "drifts": quality_tables.drift_rows},
    "capacity": {"limits": capacity_tables.limit_rows},
    "alerts": {"rules": alerts_tables.rule_rows, "measures": alerts_tables.measure_rows},
}


def rows_of(study: Study, question: str) -> list[Rows]:
    return [text(study.results[name]) for name, text in TABLES[question].items()]


def near(found: Any, wanted: Any) -> bool:
    """Whether two JSON values are equal, floats within what summing in another order changes."""
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(near(found[name], value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(near, found, wanted))
    if isinstance(wanted, float):
        return found is not None and found == pytest.approx(wanted, rel=TOLERANCE, nan_ok=True)
    return bool(found == wanted)


def test_every_surface_over_a_server_shows_what_the_archive_holds(
    demo_servers: DemoServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "workbench.toml"
    url = demo_servers.servers["v3"].url
    file.write_text(f'home = "home"\n[sources.demo]\nkind = "prometheus"\nurl = "{url}"\n')
    monkeypatch.setenv("WORKBENCH_CONFIG", str(file))
    instant = from_ms(demo_servers.end_ms)
    span = calendar_range(MONTH, zone="UTC", now=instant)
    archive = ArchiveSource("demo", demo_servers.archive, semantics="v3")
    ctx = Context({"demo": archive}, CATALOG, clock=lambda: instant)
    truth = {name: ask(ctx, system=SYSTEM, range=span, as_of=instant) for name, ask in QUESTIONS.items()}
    for question, study in truth.items():
        shown = json.loads(command(capsys, question, "status", SYSTEM, "--month", MONTH, "--format", "json"))
        wanted = json.loads(json.dumps(study.to_dict()))
        for name in ("status", "coverage", "warnings", "results"):
            assert near(shown[name], wanted[name]), (question, name)
    printed = printed_tables(command(capsys, "cost", "status", SYSTEM, "--month", MONTH))
    settings = load_settings(file)
    run = run_report("monthly", system=SYSTEM, period=MONTH, settings=settings, out=tmp_path / "monthly.html")
    page = html_tables(run.html.read_text())
    for question, study in truth.items():
        for rows in filter(None, rows_of(study, question)):
            assert headed(rows) in page, question
            assert question != "cost" or rows in printed
    done = html_tables(run_notebook(shipped("notebooks", "cost_drivers.ipynb"), tmp_path, period=MONTH, system=SYSTEM))
    for rows in rows_of(truth["cost"], "cost"):
        assert headed(rows) in done
