"""One list of objectives on seven surfaces: page, command, JSON, notebook, report, overview, issued report and remake.

The list holds what surfaces have told differently before: own windows of 7 and 30 days and of a calendar month that is
not over, a threshold between two buckets, a composite, an exclusion, a source that is away, weeks from Sunday.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import papermill
import pytest
import streamlit as st
import yaml
from streamlit.testing.v1 import AppTest

from tests.studies.conftest import SYSTEM, lab_series
from tests.surfaces import Rows, command, headed, html_tables
from workbench import studies
from workbench.archive import Archive
from workbench.charts.tables import compliance_rows, compliance_table
from workbench.cli.main import main
from workbench.core.errors import ReportError
from workbench.core.periods import parse_period
from workbench.core.result import Study
from workbench.core.settings import Settings, load_settings
from workbench.core.shipped import shipped
from workbench.report.issue.issue import issue_report
from workbench.report.issue.reproduce import reproduce
from workbench.report.run.kernel import KERNEL_NAME, kernel_in
from workbench.report.run.run import run_report
from workbench.studies import Context, open_context, overview, slo_compliance
from workbench.studies.decisions.exclusions import add_exclusion
from workbench.studies.issue.frozen import figures_of, read_frozen
from workbench.studies.sources.opening import open_period

pytestmark = pytest.mark.slow

#: A day within the month, when it is not over.
AS_OF = datetime(2026, 10, 28, 12, tzinfo=UTC)
TO = f"{AS_OF:%Y-%m-%dT%H:%M:%SZ}"
AWAY = "conduit"


def indicator(name: str, part: str, query: str, total: str) -> dict[str, Any]:
    def asked(text: str) -> dict[str, Any]:
        return {"metricSource": {"type": "Prometheus", "spec": {"query": text}}}

    ratio = {"counter": True, part: asked(query), "total": asked(total)}
    return {"metadata": {"name": name}, "spec": {"ratioMetric": ratio}}


def slo(name: str, window: dict[str, Any], objectives: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": f"{SYSTEM}-{name}", "displayName": name, "labels": {"system": SYSTEM}},
        "spec": {
            "service": SYSTEM,
            "timeWindow": [window],
            "budgetingMethod": "Occurrences",
            "objectives": objectives,
            **spec,
        },
    }


ERRORS = ("bad", 'http_requests_total{status=~"5.."}', "http_requests_total")
COUNT = "http_request_duration_seconds_count"
SLOW = {le: ("good", f'http_request_duration_seconds_bucket{{le="{le}"}}', COUNT) for le in ("2.0", "3.0")}
WEEK, THIRTY = ({"duration": length, "isRolling": True} for length in ("7d", "30d"))
MONTH = {"duration": "1M", "isRolling": False, "calendar": {"startTime": "2026-01-01 00:00:00", "timeZone": "UTC"}}
MEMBERS = [
    {"displayName": name, "target": target, "indicator": indicator(name, *parts)}
    for name, target, parts in (("answered", 0.99, ERRORS), ("in-time", 0.9, SLOW["2.0"]))
]
OBJECTIVES = [
    slo("week", WEEK, [{"target": 0.99}], indicator=indicator("week", *ERRORS)),
    slo("thirty", THIRTY, [{"target": 0.99}], indicator=indicator("thirty", *ERRORS)),
    slo("month", MONTH, [{"target": 0.998}], indicator=indicator("month", *ERRORS)),
    slo("between", WEEK, [{"target": 0.97}], indicator=indicator("between", *SLOW["3.0"])),
    slo("whole", WEEK, MEMBERS),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seven")
    Archive.open(folder / "archive", create=True).append_samples(lab_series())
    (folder / "slos").mkdir()
    (folder / "slos" / "own.yaml").write_text(yaml.safe_dump_all(OBJECTIVES))
    (folder / "workbench.toml").write_text(
        f'home = "{folder}"\nweek_start = "sunday"\nslos = ["{folder / "slos"}"]\n'
        f'[sources.lab]\nkind = "archive"\npath = "{folder / "archive"}"\nsystems = ["{SYSTEM}"]\n'
        f'[sources.away]\nkind = "prometheus"\nurl = "http://127.0.0.1:9"\nsystems = ["{AWAY}"]\n'
    )
    return folder


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("WORKBENCH_CONFIG", str(home / "workbench.toml"))
    for name in ("WORKBENCH_HOME", "WORKBENCH_ZONE", "WORKBENCH_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    return load_settings()


@pytest.fixture
def ctx(settings: Settings) -> Context:
    opened = replace(open_context(settings), clock=lambda: AS_OF)
    assert opened.store is not None
    if not opened.store.exclusions(SYSTEM):
        start = datetime(2026, 10, 26, tzinfo=UTC)
        add_exclusion(opened, system=SYSTEM, slo="week", start=start, end=start + timedelta(days=1), reason="Load test")
    return opened


@pytest.fixture
def own(ctx: Context) -> tuple[Study, Rows]:
    """The study over the own window of each objective, and its rows as text."""
    study = slo_compliance(ctx, system=SYSTEM, as_of=AS_OF)
    return study, compliance_rows(study.results["compliance"])


def compliance_in(page: str) -> Rows:
    return next(rows for rows in html_tables(page) if rows and rows[0].keys() >= {"Objective", "SLI", "Budget left"})


def test_the_list_holds_what_it_should(own) -> None:
    study, _ = own
    frame = study.results["compliance"].frame.set_index("objective")
    days = (frame["window_end"] - frame["window_start"]).dt.days
    assert days[["week", "thirty", "month"]].tolist() == [7, 30, 31]
    assert (frame.loc["between", ["status", "sli_low", "sli_high"]].tolist()) == ["refused", 0.96, 0.98]
    assert frame.loc["month", "elapsed"] == pytest.approx(27.5 / 31)
    assert study.results["exclusions"].frame["objective"].tolist() == ["week"]
    assert set(study.results["members"].frame["objective"]) == {"whole"}


def test_command_and_json(own, capsys: pytest.CaptureFixture[str]) -> None:
    study, rows = own
    with pytest.raises(SystemExit) as left:
        main(["slo", "status", SYSTEM, "--to", TO, "--format", "json"])
    assert left.value.code in (0, 9)
    told = json.loads(capsys.readouterr().out)
    assert told["results"]["compliance"] == json.loads(json.dumps(study.to_dict()))["results"]["compliance"]
    with pytest.raises(SystemExit):
        main(["slo", "status", SYSTEM, "--to", TO])
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    for row in rows:
        line = next(line for line in lines if line.startswith(f"{row['objective']} "))
        assert all(cell in line for cell in row.values()), (line, row)
    assert "Not over yet: month" in printed.err


def visited(monkeypatch: pytest.MonkeyPatch, page: str, **query: str) -> AppTest:
    opened = studies.open_context
    monkeypatch.setattr(studies, "open_context", lambda settings=None: replace(opened(settings), clock=lambda: AS_OF))
    st.cache_data.clear()
    st.cache_resource.clear()
    app = AppTest.from_file(str(shipped("pages", "app.py")), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app = (app.switch_page(page) if page else app).run()
    assert not app.exception
    return app


def test_page(own, monkeypatch: pytest.MonkeyPatch) -> None:
    _, rows = own
    shown = visited(monkeypatch, "slo.py", system=SYSTEM).dataframe[0].value
    for column, name in (("Measured", "SLI"), ("Budget left", "budget left")):
        assert sorted(shown[column]) == sorted(row[name].split(" (")[0] for row in rows)


def test_overview_cold_and_from_stored_counts(own, ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    study, rows = own
    wanted = study.results["compliance"].frame.set_index("objective").sort_index()
    for _ in ("cold", "from stored counts"):
        result = overview(ctx, as_of=AS_OF)
        board = result.results["board"].frame
        mine = board[board["system"] == SYSTEM].set_index("objective").sort_index()
        pd.testing.assert_frame_equal(mine[wanted.columns], wanted, check_dtype=False, check_exact=True)
        assert set(board.loc[board["system"] == AWAY, "status"]) == {"unavailable"}
        assert any("the SLI lies between two" in text for text in result.warnings)
    shown = visited(monkeypatch, "").dataframe[0].value
    mine = shown[shown["System"] == ctx.catalog.profile(SYSTEM).title]
    assert sorted(mine["Budget left"]) == sorted(row["budget left"] for row in rows)


def test_notebook(own, tmp_path: Path) -> None:
    source = nbformat.read(shipped("notebooks", "slo_budget.ipynb"), as_version=4)
    source.cells = [cell for cell in source.cells if cell.cell_type == "code"][:3]
    nbformat.write(source, tmp_path / "in.ipynb")
    done = papermill.execute_notebook(
        str(tmp_path / "in.ipynb"), str(tmp_path / "out.ipynb"), parameters={"as_of": TO},
        kernel_name=KERNEL_NAME, language="python", progress_bar=False, kernel_manager_class=kernel_in(tmp_path),
    )  # fmt: skip
    html = "".join(output.data["text/html"] for cell in done.cells for output in cell.outputs if "data" in output)
    assert compliance_in(html) == headed(own[1])


def test_report_issued_report_and_its_remake(ctx: Context, settings: Settings) -> None:
    october = parse_period("2026-10", zone=ctx.zone, week_start=ctx.week_start, as_of=AS_OF)
    draft = run_report("monthly", system=SYSTEM, period="2026-10", settings=settings, now=AS_OF)
    early = slo_compliance(ctx, system=SYSTEM, range=october, as_of=AS_OF).results["compliance"]
    assert compliance_in(draft.html.read_text()) == headed(compliance_rows(early))
    done = issue_report(system=SYSTEM, period="2026-10", settings=settings, now=datetime(2026, 11, 4, tzinfo=UTC))
    over = slo_compliance(ctx, system=SYSTEM, range=october, as_of=october.end).results["compliance"]
    remade = figures_of(read_frozen(done.html.parent))["compliance"]
    assert compliance_in(done.html.read_text()) == headed(compliance_rows(over))
    assert compliance_rows(remade) == compliance_rows(over)
    pd.testing.assert_frame_equal(remade.frame, over.frame, check_exact=True, check_dtype=False)
    assert "refused" in set(over.frame["status"])
    assert reproduce(settings, done.issue).whole
    assert compliance_table(over).rows == compliance_rows(over)


def test_a_source_that_is_away_is_unavailable_everywhere(
    ctx: Context, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slo_compliance(ctx, system=AWAY, as_of=AS_OF).status == "unavailable"
    with pytest.raises(SystemExit) as left:
        main(["slo", "status", AWAY, "--to", TO, "--format", "json"])
    assert left.value.code == 3
    rows = json.loads(capsys.readouterr().out)["results"]["compliance"]["rows"]
    assert {row["status"] for row in rows} == {"unavailable"}
    app = visited(monkeypatch, "slo.py", system=AWAY)
    assert not [tile for tile in app.metric if tile.value == "100.0 %"]
    with pytest.raises(ReportError, match="does not answer"):
        issue_report(system=AWAY, period="2026-10", settings=settings, now=datetime(2026, 11, 4, tzinfo=UTC))


def test_weeks_begin_on_sunday_everywhere(
    ctx: Context, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, span, as_of = open_period("this-week", as_of=TO)
    assert span is not None
    assert (str(span), as_of) == ("2026-10-25 00:00 to 2026-11-01 00:00 UTC", AS_OF)
    rows = compliance_rows(
        slo_compliance(ctx, system=SYSTEM, range=span, as_of=AS_OF, slo="week").results["compliance"]
    )
    told = command(capsys, "slo", "status", SYSTEM, "--slo", "week", "--period", "this-week", "--to", TO)
    assert all(cell in told for cell in rows[0].values())
    app = visited(monkeypatch, "slo.py", system=SYSTEM, slo="week", period="this-week")
    tiles = {tile.label: str(tile.value).replace("\\", "").replace("\u00a0", " ") for tile in app.metric}
    assert (tiles["Measured"], tiles["Budget left"]) == (rows[0]["SLI"], rows[0]["budget left"])
