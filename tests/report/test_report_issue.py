"""Issued reports: numbered, frozen, made again bit for bit, revised when a number changes and only then."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.studies.conftest import SYSTEM, lab_series
from workbench.archive import Archive
from workbench.core.access.identity import local_admin
from workbench.core.errors import ParameterError, ReportError
from workbench.core.periods import parse_period
from workbench.core.processes import this_process
from workbench.core.series import SeriesSet
from workbench.core.settings import Settings, SourceSettings
from workbench.core.timerange import to_ms
from workbench.report.issue import issue as issuing
from workbench.report.issue.issue import PAGE_FILE, Issued, issue_report, placed
from workbench.report.issue.reproduce import changes, find_issue, issued_rows, reproduce
from workbench.store import Store
from workbench.store.kept import kept_at
from workbench.studies import open_context, slo_compliance
from workbench.studies.counting.definitions import note_definitions
from workbench.studies.decisions.annotations import add_annotation
from workbench.studies.decisions.exclusions import add_exclusion
from workbench.studies.issue.frozen import COSTS_FILE, EVENTS_FILE, FACTS_FILE

pytestmark = pytest.mark.slow

FOURTH = datetime(2026, 11, 4, tzinfo=UTC)


COMPOSITE = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: counterfactual-lab-whole, displayName: Whole, labels: {system: counterfactual-lab}}
spec:
  service: counterfactual-lab
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - displayName: Answered
      target: 0.999
      compositeWeight: 3
      indicator:
        metadata: {name: answered}
        spec:
          ratioMetric:
            counter: true
            bad: {metricSource: {type: Prometheus, spec: {query: 'http_requests_total{status=~"5.."}'}}}
            total: {metricSource: {type: Prometheus, spec: {query: http_requests_total}}}
    - displayName: In time
      target: 0.95
      indicator:
        metadata: {name: in-time}
        spec:
          ratioMetric:
            counter: true
            good: {metricSource: {type: Prometheus, spec: {query: 'http_request_duration_seconds_bucket{le="2.0"}'}}}
            total: {metricSource: {type: Prometheus, spec: {query: http_request_duration_seconds_count}}}
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve days of two instances, as :func:`tests.studies.conftest.lab_series` describes them."""
    folder = tmp_path_factory.mktemp("issue") / "archive"
    Archive.open(folder, create=True).append_samples(lab_series())
    return folder


@pytest.fixture
def settings(shelf: Path, tmp_path: Path) -> Settings:
    archive = shutil.copytree(shelf, tmp_path / "archive")
    return Settings(home=tmp_path, sources={"demo": SourceSettings(kind="archive", path=archive)}, identity="ana")


def issued(settings: Settings, now: datetime = FOURTH, **more) -> issuing.Issued:
    return issue_report(system=SYSTEM, period="2026-10", settings=settings, now=now, **more)


def test_a_report_is_issued_on_the_fourth_and_not_before(settings):
    with pytest.raises(ParameterError, match="is issued from 2026-11-04 00:00 UTC on"):
        issued(settings, FOURTH - timedelta(minutes=1))
    with pytest.raises(ParameterError, match="is not over"):
        issued(settings, datetime(2026, 10, 31, tzinfo=UTC), early=True)
    assert issued(settings).new
    assert [row["issue"] for row in issued_rows(settings)] == [1]


def test_an_issue_says_what_the_study_says_and_from_what_it_was_made(settings):
    done = issued(settings)
    page = done.html.read_text()
    assert "Issue 1, issued 2026-11-04 00:00 UTC by ana" in page
    assert done.issue.figures_sha256 in page
    span = parse_period("2026-10", zone="UTC", week_start="monday", as_of=FOURTH)
    study = slo_compliance(open_context(settings), system=SYSTEM, range=span, as_of=span.end)
    figures = json.loads((done.html.parent / "figures.json").read_text())
    for name in ("compliance", "budget", "burn", "exclusions"):
        for part in ("parameters", "rows"):
            assert figures[name][part] == study.results[name].to_dict()[part]
    made = done.issue.manifest["made"]
    assert set(made["queries"]) >= set(study.provenance.queries)
    assert set(made["definitions"]) == set(study.results["compliance"].frame["objective"])
    assert len(done.html.read_bytes()) < 6_000_000
    assert "default-src 'none'" in page


def test_an_issue_can_be_made_again_to_the_last_byte_without_its_source(settings):
    done = issued(settings)
    shutil.rmtree(settings.sources["demo"].path)
    again = reproduce(settings, find_issue(settings, system=SYSTEM, period="2026-10"))
    assert (again.figures, again.page, again.page_kept, again.changed) == (True, True, True, ())
    assert again.whole
    events = done.html.parent / EVENTS_FILE
    table = pq.read_table(events)
    place = table.column_names.index("good")
    pq.write_table(table.set_column(place, "good", pa.array(np.zeros(len(table)))), events)
    spoilt = reproduce(settings, done.issue)
    assert (spoilt.figures, spoilt.changed, spoilt.whole) == (False, (EVENTS_FILE,), False)
    events.unlink()
    with pytest.raises(ReportError, match="not whole"):
        reproduce(settings, done.issue)


def test_issuing_again_writes_nothing_when_no_number_has_changed(settings):
    first, second = issued(settings), issued(settings, FOURTH + timedelta(days=1))
    assert (second.new, second.issue) == (False, first.issue)
    assert [path.name for path in first.html.parent.parent.iterdir()] == [first.html.parent.name]


def test_an_exclusion_makes_a_revision_that_says_why(settings):
    first = issued(settings)
    context = replace(open_context(settings), identity=local_admin("ben"))
    start = datetime(2026, 10, 28, tzinfo=UTC)
    exclusion = add_exclusion(context, system=SYSTEM, start=start, duration="1d", reason="Moved <script>x</script>")
    revision = issued(settings, FOURTH + timedelta(hours=1))
    assert (revision.new, revision.issue.number) == (True, 2)
    assert revision.issue.manifest["causes"] == [
        f"An exclusion was added by ben: Moved <script>x</script> ({exclusion.id})."
    ]
    page = revision.html.read_text()
    assert "Revision 2, issued 2026-11-04 01:00 UTC" in page
    assert "This replaces issue 1. Why it differs:" in page
    assert "Moved &lt;script&gt;" in page
    assert "<script>x" not in page
    diff = changes(settings, revision.issue)
    bad = diff.frame[(diff.frame["subject"] == "availability") & (diff.frame["figure"] == "bad")].iloc[0]
    assert bad["change"] == bad["after"] - bad["before"] < 0
    assert first.html.read_text() != page
    assert reproduce(settings, first.issue).whole
    assert reproduce(settings, revision.issue).whole
    assert changes(settings, first.issue) is None
    with pytest.raises(ParameterError, match=r"has no issue 3.\nIssues: 2, 1"):
        find_issue(settings, system=SYSTEM, period="2026-10", number=3)


def test_an_issue_prints_what_happened_and_the_members_of_a_composite(settings):
    """Both are frozen: the page is the same when the annotation is gone and the source is."""
    document = settings.home / "slos" / "whole.yaml"
    document.parent.mkdir()
    document.write_text(COMPOSITE)
    settings = settings.model_copy(update={"slos": (document.parent,)})
    context = open_context(settings)
    deploy = add_annotation(
        context, system=SYSTEM, kind="deploy", start=datetime(2026, 10, 28, tzinfo=UTC), text="v2 <b>", slo="whole"
    )
    done = issued(settings)
    page = done.html.read_text()
    assert "v2 &lt;b&gt;" in page
    assert "28 Oct 2026 00:00 UTC" in page
    assert "Members of composite objectives" in page
    figures = json.loads((done.html.parent / "figures.json").read_text())
    span = parse_period("2026-10", zone="UTC", week_start="monday", as_of=FOURTH)
    study = slo_compliance(open_context(settings), system=SYSTEM, range=span, as_of=span.end)
    assert figures["members"]["rows"] == study.results["members"].to_dict()["rows"]
    assert [row["member"] for row in figures["members"]["rows"]] == ["answered", "in-time"]
    context.store.revoke_annotation(deploy.id, who="ben", why="wrong", at=FOURTH)
    shutil.rmtree(settings.sources["demo"].path)
    assert reproduce(settings, done.issue).whole


def test_late_data_makes_a_revision_that_says_why(settings):
    issued(settings)
    times = np.arange(to_ms(datetime(2026, 10, 21, tzinfo=UTC)), to_ms(datetime(2026, 10, 22, tzinfo=UTC)), 60_000)
    labels = {"__name__": "http_requests_total", "system": SYSTEM, "job": SYSTEM, "instance": "lab-3:8000",
              "method": "GET", "status": "500"}  # fmt: skip
    Archive.open(settings.sources["demo"].path).append_samples(SeriesSet.of([(labels, times, np.arange(len(times)))]))
    revision = issued(settings, FOURTH + timedelta(days=2))
    assert (revision.new, revision.issue.number) == (True, 2)
    assert any(why.startswith("Late data") for why in revision.issue.manifest["causes"])


def test_a_report_of_another_zone_is_another_report(settings):
    first = issued(settings)
    berlin = settings.model_copy(update={"zone": "Europe/Berlin"})
    second = issued(berlin)
    assert (second.new, second.issue.number, second.issue.zone) == (True, 1, "Europe/Berlin")
    assert second.issue.manifest["causes"] == []
    assert issued(settings) == Issued(first.issue, new=False)
    assert find_issue(berlin, system=SYSTEM, period="2026-10").folder == second.issue.folder
    assert {row["zone"] for row in issued_rows(settings)} == {"UTC", "Europe/Berlin"}


def test_a_home_that_moved_keeps_its_issues(settings):
    first = issued(settings)
    moved = settings.home.with_name("moved")
    shutil.copytree(settings.home, moved)
    shutil.rmtree(settings.home / "issued")
    there = settings.model_copy(update={"home": moved})
    issue = find_issue(there, system=SYSTEM, period="2026-10")
    assert Path(issue.folder).is_relative_to(moved)
    assert issue.figures_sha256 == first.issue.figures_sha256
    assert reproduce(there, issue).whole
    old = replace(issue, folder=str(Path("/elsewhere/home/issued") / Path(issue.folder).relative_to(moved / "issued")))
    assert kept_at(old.folder, moved) == Path(issue.folder)


def test_issues_are_private_unless_the_settings_open_them(settings):
    first = issued(settings)
    assert {path.stat().st_mode & 0o077 for path in (settings.home / "issued", first.html.parent)} == {0}
    berlin = settings.model_copy(update={"zone": "Europe/Berlin", "open_reports": True})
    assert issued(berlin).html.stat().st_mode & 0o077 == 0o044


def test_what_a_killed_process_left_is_cleaned_and_what_a_living_one_makes_stays(settings):
    shelf = settings.home / "issued" / SYSTEM / "2026-10"
    dead, living = (replace(this_process(), started=started) for started in ("1", this_process().started))
    left, made = (shelf / f".monthly-{str(one).replace('/', '+')}+ab" for one in (dead, living))
    for folder in (left, made, shelf / ".monthly-0123456789ab"):
        folder.mkdir(parents=True)
    issued(settings)
    assert sorted(path.name for path in shelf.glob(".monthly-*")) == [made.name]


def test_a_source_that_is_away_is_never_issued(settings):
    shutil.rmtree(settings.sources["demo"].path)
    with pytest.raises(ReportError, match="does not answer"):
        issued(settings)
    assert issued_rows(settings) == []
    assert not list((settings.home / "issued").rglob("*.html"))


def _issue(settings: Settings, begin: multiprocessing.synchronize.Barrier | None) -> None:
    if begin is not None:
        begin.wait(120)
    issued(settings)


@pytest.mark.slow
def test_two_that_issue_at_once_make_one_issue(settings):
    Store(settings.database).runs()
    spawning = multiprocessing.get_context("spawn")
    begin = spawning.Barrier(2)
    workers = [spawning.Process(target=_issue, args=(settings, begin)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(240)
    assert [worker.exitcode for worker in workers] == [0, 0]
    issue = find_issue(settings, system=SYSTEM, period="2026-10")
    assert (issue.number, len(Store(settings.database).issues())) == (1, 1)
    assert [path.name for path in Path(issue.folder).parent.iterdir()] == [Path(issue.folder).name]
    assert reproduce(settings, issue).whole


@pytest.mark.soak
@pytest.mark.parametrize("moment", [0.0, 0.6])
def test_a_process_that_is_killed_leaves_the_old_issue(settings, moment):
    first = issued(settings)
    context = open_context(settings)
    add_exclusion(context, system=SYSTEM, start=datetime(2026, 10, 28, tzinfo=UTC), duration="1d", reason="Move")
    worker = multiprocessing.get_context("spawn").Process(target=_issue, args=(settings, None))
    worker.start()
    deadline = time.monotonic() + 120
    while worker.is_alive() and not any(first.html.parent.parent.glob(".monthly-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(moment)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join(60)
    known = Store(settings.database).issues()
    assert known[-1].figures_sha256 == first.issue.figures_sha256
    assert all(reproduce(settings, placed(issue, settings)).whole for issue in known)
    assert issued(settings).issue.number == 2
    assert reproduce(settings, find_issue(settings, system=SYSTEM, period="2026-10", number=2)).whole


@pytest.mark.slow
def test_costs_are_frozen_to_the_last_place(demo_settings):
    done = issue_report(system="conduit", period="2026-10", settings=demo_settings, now=FOURTH)
    schema = pq.read_schema(done.html.parent / COSTS_FILE)
    assert schema.field("amount").type == pa.decimal128(38, 12)
    figures = json.loads((done.html.parent / "figures.json").read_text())
    ledger = pq.read_table(done.html.parent / COSTS_FILE).to_pylist()
    roles = {row["role"] for row in ledger if row["role"].startswith("cost")}
    assert roles
    (total,) = [row for row in figures["totals"]["rows"] if row["measure"] == "cost"]
    assert Decimal(total["amount"]).as_tuple().exponent == -12
    assert reproduce(demo_settings, done.issue).whole
    assert (done.html.parent / PAGE_FILE).stat().st_size < 6_000_000


def test_an_issue_keeps_what_happened_and_the_parts_of_a_changed_definition(settings):
    context = open_context(settings)
    note_definitions(context, SYSTEM, at=datetime(2026, 9, 1, tzinfo=UTC))
    one = context.catalog.objective(SYSTEM, "quality")
    looser = replace(one, target=Decimal("0.9"))
    moved = replace(context.catalog, objectives={SYSTEM: (looser,)})
    note_definitions(replace(context, catalog=moved), SYSTEM, at=datetime(2026, 10, 28, tzinfo=UTC))
    add_annotation(
        context,
        system=SYSTEM,
        kind="incident",
        start=datetime(2026, 10, 29, tzinfo=UTC),
        text="Low quality",
        slo="quality",
    )
    made = json.loads((issued(settings).html.parent / FACTS_FILE).read_text())["made"]
    assert [row["text"] for row in made["happened"] if row["kind"] == "incident"] == ["Low quality"]
    parts = [row for row in made["definition_parts"] if row["objective"] == "quality"]
    assert [row["target"] for row in parts] == [float(one.target), 0.9]
