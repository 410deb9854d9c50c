"""A report: one file that needs no network, shows no code, and is kept when it fails."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from workbench.core.errors import ParameterError, ReportError, ReportIncomplete
from workbench.core.executor import LocalProcesses
from workbench.core.settings import Settings, SourceSettings
from workbench.report import past_runs, run_report, run_reports
from workbench.report.export.figures import is_empty, script_json
from workbench.report.export.html import to_html, write_atomically
from workbench.report.export.layout import PLOTLY
from workbench.report.run import run as runner
from workbench.report.run.templates import template_names, template_parameters
from workbench.report.schedule.make import make_report
from workbench.store import Store

SYSTEM = "counterfactual-lab"


class Loaded(HTMLParser):
    """Everything a browser would fetch for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (name in ("src", "srcset", "data", "poster") or (name == "href" and tag == "link")) and value:
                self.addresses.append(value)


@pytest.mark.slow
def test_the_monthly_report_stands_alone(monthly_run):
    settings, copy = monthly_run(SYSTEM)
    (row,) = past_runs(settings)
    assert row["status"] == "done"
    report = Path(row["path"])
    page = report.read_text()
    loaded = Loaded()
    loaded.feed(page)
    assert [address for address in loaded.addresses if not address.startswith("data:")] == []
    assert "default-src 'none'" in page
    text = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
    assert "slo_compliance(" not in text
    assert "import " not in text
    cells = nbformat.read(report.with_suffix(".ipynb"), as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    figures = [output for output in outputs if PLOTLY in output.get("data", {})]
    drawn = page.count("data:image/svg+xml;base64,")
    assert (drawn or page.count('<div class="chart"')) == sum(not is_empty(one["data"][PLOTLY]) for one in figures) >= 6
    assert page.count('alt="Chart of ') == drawn
    assert len(page.encode()) < (2_000_000 if drawn else 6_000_000)
    assert not drawn or "<script" not in page
    assert copy.read_text() == page
    assert not list(report.parent.glob(".*"))


@pytest.fixture
def first_section(monkeypatch):
    """Let reports ask about objectives alone: the other questions take most of the time."""
    composed = runner.composed

    def objectives_alone(template):
        notebook = composed(template)
        for cell in notebook.cells:
            cell.source = cell.source.replace("as_of=instant)", 'as_of=instant, questions=("slo",))')
        notebook.cells = [cell for cell in notebook.cells if not cell.id[:2].isdigit() or cell.id.startswith("10-")]
        return notebook

    monkeypatch.setattr(runner, "composed", objectives_alone)


@pytest.fixture
def first_page(tmp_path, monkeypatch):
    """Let the monthly report be the first page of the alerts only."""
    notebook = nbformat.read(runner.template_path("monthly"), as_version=4)
    notebook.cells = [cell for cell in notebook.cells if "sections" not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        cell.source = cell.source.replace("as_of=instant)", 'as_of=instant, questions=("alerts",))')
    nbformat.write(notebook, tmp_path / "monthly.ipynb")
    monkeypatch.setattr(runner, "template_path", lambda name, folders=(): tmp_path / f"{name}.ipynb")


@pytest.mark.slow
@pytest.mark.usefixtures("first_page")
def test_the_month_is_cut_in_the_named_zone(demo_settings):
    zoned = demo_settings.model_copy(update={"zone": "Europe/Berlin"})
    page = run_report("monthly", system=SYSTEM, period="2026-10", settings=zoned).html.read_text()
    assert "30 Sep 2026 22:00 to 31 Oct 2026 23:00 UTC" in page
    assert "2026-10 (Europe/Berlin)" in page


@pytest.mark.slow
@pytest.mark.usefixtures("first_page")
def test_a_month_that_has_not_ended_is_read_up_to_now(demo_settings):
    now = datetime(2026, 10, 20, 12, tzinfo=UTC)
    page = run_report("monthly", system=SYSTEM, period="this-month", settings=demo_settings, now=now).html.read_text()
    assert "history read up to 20 Oct 2026 12:00 UTC" in page


@pytest.mark.slow
@pytest.mark.usefixtures("first_page")
def test_several_systems_run_at_once_and_one_failure_stops_no_other(demo_settings, tmp_path):
    systems = ("conduit", "choreoai", "llm-ab-testing")
    (demo_settings.home / "reports").mkdir(parents=True)
    (demo_settings.home / "reports" / "choreoai").write_text("in the way of its folder")
    done = dict(run_reports("monthly", systems, period="2026-10", settings=demo_settings, out=tmp_path))
    assert list(done) == list(systems)
    assert isinstance(done["choreoai"], ReportError)
    for name in ("conduit", "llm-ab-testing"):
        assert name in done[name].html.read_text()


def with_small_template(settings: Settings, folder: Path) -> Settings:
    cells = [
        nbformat.v4.new_code_cell('system: str = ""\nperiod: str = ""', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell('assert system != "choreoai", "no such column"\nprint(f"{system} {period} whole")'),
    ]
    template = nbformat.v4.new_notebook(cells=cells)
    template.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(template, folder / "small.ipynb")
    return settings.model_copy(update={"reports": (folder,)})


@pytest.mark.slow
def test_an_attempt_whose_worker_died_after_its_work_makes_no_second_report(demo_settings, tmp_path):
    # Dask begins a task anew with the same arguments; a scheduler that died leaves the job to the next one.
    settings = with_small_template(demo_settings, tmp_path)
    task = {
        "settings": settings.model_dump(mode="json"), "job": "a", "template": "small", "system": "conduit",
        "period": "2026-10", "outputs": ["html", "csv"], "send": False, "now": "2026-11-01T05:00:00+00:00",
        "due": "2026-11-01T02:30:00+00:00", "deadline": "2026-11-01T04:00:00+00:00",
    }  # fmt: skip
    first, again, other = make_report(task), make_report(task), make_report({**task, "job": "b"})
    assert again == first
    assert first["status"] == other["status"] == "done"
    assert {run["run"] for run in past_runs(settings)} == {first["run_id"][:12], other["run_id"][:12]}


@pytest.mark.slow
def test_reports_made_by_tasks_are_those_made_here(demo_settings, tmp_path):
    settings = with_small_template(demo_settings, tmp_path)
    executor = LocalProcesses(2)
    asked = {"period": "2026-10", "settings": settings, "out": tmp_path / "copies", "executor": executor}
    (tmp_path / "copies").mkdir()
    done = dict(run_reports("small", ("conduit", "choreoai"), **asked))
    assert isinstance(done["choreoai"], ReportError)
    assert "no such column" in str(done["choreoai"])
    run = done["conduit"]
    assert "conduit 2026-10 whole" in run.html.read_text()
    assert [copy.read_bytes() for copy in (tmp_path / "copies").glob("*.html")] == [run.html.read_bytes()]
    with pytest.raises(ParameterError, match="nothing"):
        list(run_reports("small", ("nothing",), **asked))
    executor.close()


class AnswerLost(LocalProcesses):
    """A worker that dies after its work and before its answer: the task is begun anew, as Dask does."""

    def submit(self, function, arguments):
        super().submit(function, arguments).result()
        return super().submit(function, arguments)


@pytest.mark.slow
def test_a_report_whose_answer_was_lost_is_made_once(demo_settings, tmp_path):
    settings = with_small_template(demo_settings, tmp_path)
    executor = AnswerLost(1)
    asked = {"period": "2026-10", "settings": settings, "outputs": ["csv"], "executor": executor}
    first, second = (dict(run_reports("small", ("conduit",), **asked))["conduit"] for _ in range(2))
    executor.close()
    assert {run["run"] for run in past_runs(settings)} == {first.run_id[:12], second.run_id[:12]}
    assert (first.run_id != second.run_id, first.html.is_file(), first.notebook.is_file()) == (True, True, True)
    assert "csv" in first.files
    assert all(path.exists() for path in first.files.values())
    assert first.size == first.html.stat().st_size


@pytest.mark.slow
def test_a_failing_cell_keeps_the_notebook_and_no_report(demo_settings, tmp_path):
    declared = nbformat.v4.new_code_cell(
        'system: str = ""  # system\nperiod: str = ""  # period', metadata={"tags": ["parameters"]}
    )
    light = "import sys\nprint('nbformat' in sys.modules, 'rfc3987_syntax.syntax_helpers' in sys.modules)"
    cells = [declared, *map(nbformat.v4.new_code_cell, (light, "raise ValueError('no such column: sli')"))]
    template = nbformat.v4.new_notebook(cells=cells)
    nbformat.write(template, tmp_path / "broken.ipynb")
    demo_settings = demo_settings.model_copy(update={"reports": (tmp_path,)})
    with pytest.raises(ParameterError, match="Choose a Python kernel"):
        run_report("broken", system=SYSTEM, period="2026-10", settings=demo_settings)
    template.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(template, tmp_path / "broken.ipynb")
    with pytest.raises(ReportError, match="no such column: sli") as caught:
        run_report("broken", system=SYSTEM, period="2026-10", settings=demo_settings)
    kept = list((demo_settings.home / "reports").rglob("*.ipynb"))
    assert [path.parent.name for path in kept] == ["failed"]
    assert str(kept[0]) in str(caught.value)
    assert "True False" in kept[0].read_text(), "nbformat came without grammars that take seconds to build"
    assert not list((demo_settings.home / "reports").rglob("*.html"))
    (row,) = past_runs(demo_settings)
    assert row["status"] == "failed"


@pytest.mark.slow
@pytest.mark.usefixtures("first_section")
def test_a_dead_server_makes_an_incomplete_report_and_replaces_no_copy(tmp_path):
    settings = Settings(
        home=tmp_path,
        sources={"dead": SourceSettings(kind="prometheus", url="http://127.0.0.1:9", systems=("conduit",))},
    )
    kept = tmp_path / "october.html"
    kept.write_text("the earlier copy")
    with pytest.raises(
        ReportIncomplete, match="did not answer for slo_attribution, slo_compliance, slo_policy"
    ) as caught:
        run_report("monthly", system="conduit", period="2026-10", settings=settings, out=kept)
    assert caught.value.exit_code == 3
    assert kept.read_text() == "the earlier copy"
    (row,) = past_runs(settings)
    assert row["status"] == "incomplete"
    (page,) = (tmp_path / "reports").rglob("*.html")
    text = page.read_text()
    assert "Incomplete: monthly report of Conduit" in text
    assert "Unknown: no step of the error-budget policy could be judged." in text
    assert "is reached" not in text
    assert "globals()" not in text


def test_a_run_that_was_killed_is_told_from_one_that_runs(demo_settings):
    started = datetime(2026, 11, 1, 6, tzinfo=UTC)
    store = Store(demo_settings.database)
    store.start_run(report="monthly", system=SYSTEM, period="2026-10", parameters={}, started_at=started, version="0",
                    identity="me")  # fmt: skip
    store.close()
    for minutes, status in ((59, "running"), (61, "broken off")):
        (row,) = past_runs(demo_settings, now=started + timedelta(minutes=minutes))
        assert row["status"] == status


def test_an_unknown_report_or_system_is_refused_before_anything_runs(demo_settings):
    with pytest.raises(ParameterError, match="Did you mean 'monthly'"):
        run_report("montly", system=SYSTEM, period="2026-10", settings=demo_settings)
    with pytest.raises(ParameterError, match="counterfactual-lab"):
        run_report("monthly", system="counterfactual-labb", period="2026-10", settings=demo_settings)
    assert past_runs(demo_settings) == []


def test_every_template_declares_typed_parameters_with_help():
    for name in template_names():
        for parameter in template_parameters(name):
            assert parameter.type in ("str", "int", "float", "bool")
            assert parameter.help


@pytest.mark.slow
def test_hostile_text_in_outputs_stays_text():
    hostile = "</script><script>alert(1)</script>"
    figure = {"application/vnd.plotly.v1+json": {"data": [{"name": hostile, "y": [1]}], "layout": {}}}
    outputs = [
        nbformat.v4.new_output("display_data", data=figure),
        nbformat.v4.new_output("execute_result", data={"text/plain": hostile}),
        nbformat.v4.new_output("stream", name="stdout", text=hostile),
        nbformat.v4.new_output("stream", name="stderr", text="a warning of a library"),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("secret = 1", outputs=outputs)])
    page = to_html(notebook, title=hostile, footer={"<b>": hostile}, interactive=True)
    assert "<script>alert(1)" not in page
    assert "secret = 1" not in page
    assert "a warning of a library" not in page
    assert script_json(hostile) in page


def test_a_reader_never_meets_half_a_file(tmp_path):
    target = tmp_path / "deep" / "page.html"
    write_atomically(target, "one")
    write_atomically(target, "two")
    assert target.read_text() == "two"
    assert [path.name for path in target.parent.iterdir()] == ["page.html"]
