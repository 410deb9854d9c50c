"""Reviews: all 51 items shown and judged on the demo, planted wrongs found, ticks kept, what changed said."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from tests.demo_home import END
from workbench.analysis.reviews.items import reviews_in
from workbench.charts.reviews.tables import review_finding, review_table
from workbench.core.errors import ParameterError
from workbench.core.periods import parse_period
from workbench.core.settings import load_settings
from workbench.core.timerange import TimeRange
from workbench.demo import build_demo
from workbench.studies import Context, finish_review, monitoring_health, open_context, system_review, tick_item
from workbench.studies.reviews.review import items_of, period_review
from workbench.studies.slo.compliance import slo_compliance
from workbench.ui.operations.monitoring import VIEW

pytestmark = pytest.mark.slow

LAB = "counterfactual-lab"
SYSTEMS = ("choreoai", "conduit", "counterfactual-lab", "llm-ab-testing")


@pytest.fixture(scope="module")
def context(shared_settings) -> Context:
    return replace(open_context(shared_settings), clock=lambda: END)


WRONGS = """
schema: 1
name: wrongs
days: 4
events:
  - {id: backup, kind: failed_backup, system: counterfactual-lab, start: -60h, duration: 3d}
  - {id: dead, kind: crash, system: counterfactual-lab, start: -1h, duration: 1d, where: {instance: "lab-2:8000"}}
  - {id: disk, kind: filling_disk, system: llm-ab-testing, start: -3d, duration: 4d, magnitude: 0.75}
  - {id: hush, kind: silence, system: llm-ab-testing, start: -30h, duration: 27h,
     where: {alertname: elevated_disk_usage}}
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A demo whose scenario holds a backup that fails, a target that died, and a silence that ended too early."""
    home = tmp_path_factory.mktemp("planted")
    (home / "wrongs.yaml").write_text(WRONGS)
    build_demo(home / "demo", scenario=home / "wrongs.yaml", seed=31, end=END)
    file = home / "workbench.toml"
    file.write_text(f'home = "home"\n[sources.demo]\nkind = "archive"\npath = "{home / "demo"}"\n')
    opened = replace(open_context(load_settings(file)), clock=lambda: END)
    events = json.loads((home / "demo" / "truth.json").read_text())["events"]
    (silence,) = (event["expected"]["silence"] for event in events if event["kind"] == "silence")
    opened.store.observe("demo", "silences", [silence], at=END - timedelta(hours=4))
    return opened


def test_every_item_of_the_documents_is_shown_and_those_not_for_people_are_judged(context: Context) -> None:
    count = 0
    for system in SYSTEMS:
        frame = system_review(context, system=system, review="all", as_of=END).results["items"].frame
        count += len(frame)
        judged = frame[frame["question"] != "people"]
        assert not set(judged["verdict"]) & {"open", "unavailable"}, judged
        assert judged["number"].str.contains(r"\d").all(), "every verdict rests on a number"
        assert judged["page"].ne("").all()
        assert set(frame[frame["question"] == "people"]["verdict"]) <= {"open"}
        unmeasured = judged[judged["verdict"] == "not_measured"]["text"].tolist()
        assert unmeasured in ([], ["Review security alerts"])
    assert count == 51


def test_each_item_is_in_one_review(context: Context) -> None:
    names = ("morning", "day", "evening", "weekday", "week", "month", "quarter", "year")
    for system in SYSTEMS:
        parts = [item.id for name in names for item in items_of(context, system, name)]
        assert sorted(parts) == sorted(item.id for item in items_of(context, system, "all"))
        assert len(set(parts)) == len(parts)
    monday = system_review(context, system="llm-ab-testing", review="weekday", as_of=END + timedelta(days=1))
    assert monday.results["items"].frame["text"].tolist() == ["Monday: Alert rule review and optimization"]
    with pytest.raises(ParameterError, match="not a review"):
        items_of(context, "conduit", "noon")


def test_a_failed_backup_a_dead_target_and_an_expired_silence_are_found(planted: Context) -> None:
    lab = system_review(planted, system="counterfactual-lab", review="morning", as_of=END).results["items"].frame
    rows = lab.set_index("text")
    assert rows.loc["Validate backup completion", "verdict"] == "attention"
    assert "70 h ago" in rows.loc["Validate backup completion", "number"]
    assert rows.loc["Verify all services healthy", "verdict"] == "attention"
    assert "lab-2:8000" in rows.loc["Verify all services healthy", "number"]
    tests = system_review(planted, system="llm-ab-testing", review="morning", as_of=END).results["items"].frame
    alerts = tests.set_index("text").loc["Review overnight alerts and incidents"]
    assert alerts["verdict"] == "attention"
    assert "expired silences" in alerts["number"]
    assert "elevated_disk_usage" in alerts["number"]


def test_the_same_items_are_fine_where_nothing_is_planted(context: Context) -> None:
    lab = system_review(context, system="counterfactual-lab", review="morning", as_of=END).results["items"].frame
    rows = lab.set_index("text")
    assert rows.loc["Validate backup completion", "verdict"] == "open"
    assert rows.loc["Verify all services healthy", "verdict"] == "ok"
    checks = monitoring_health(context, system="conduit", range=_day(), as_of=END).results["checks"].frame
    assert checks.set_index("check").loc["targets/dead", "status"] == "ok"
    assert checks.set_index("check").loc["rules/missed", "status"] == "no_data", "no metric says it, so it is not ok"
    assert checks.set_index("check").loc[["rules/missed", "rules/failed"], "value"].isna().all(), "nor is it 0"


def test_targets_of_a_source_that_stopped_are_unknown_and_not_dead(context: Context) -> None:
    later = END + timedelta(hours=1)
    study = monitoring_health(context, system="conduit", range=TimeRange(END - timedelta(hours=23), later), as_of=later)
    checks = study.results["checks"].frame.set_index("check")
    assert checks.loc["targets/dead", "status"] == "no_data"
    assert "no current sample of up" in checks.loc["targets/dead", "detail"]
    assert study.status not in ("spent", "ok")
    assert any("the source stopped" in warning for warning in study.warnings)
    assert VIEW.figures(study)[0].value == "–"


def test_ticks_and_finished_reviews_are_kept_and_shown_at_the_next(planted: Context) -> None:
    at = END - timedelta(hours=1)
    with pytest.raises(ParameterError, match="Items for people"):
        tick_item(planted, system="conduit", item="no such item", at=at)
    tick_item(planted, system="conduit", item="architecture-review-tool-evaluation", note="kept", at=at)
    first = system_review(planted, system="conduit", review="year", as_of=END)
    row = first.results["items"].frame.iloc[0]
    assert (row["verdict"], row["ticked_by"], row["note"]) == ("done", planted.identity.name, "kept")
    assert row["before"] == ""
    finish_review(planted, first, note="whole", at=END)
    later = END + timedelta(days=366)
    second = system_review(planted, system="conduit", review="year", as_of=later)
    row = second.results["items"].frame.iloc[0]
    assert (row["verdict"], row["before"], bool(row["changed"])) == ("open", "done", True), (
        "a year later it is open again"
    )
    assert row["ticked_by"] == planted.identity.name
    assert vars(second.results["items"])["since"] == END


def test_a_report_shows_the_items_that_come_round_in_its_period_and_asks_no_question_twice(planted: Context) -> None:
    zone = {"zone": "UTC", "week_start": "monday", "as_of": END}
    rounds = {
        "2026-10-31..2026-11-01": {"morning"},
        "2026-W44": {"week"},
        "2026-10": {"month"},
        "2026-Q3": set(),
        "2026": set(),
    }
    for name, reviews in rounds.items():
        items = [item for review in reviews_in(parse_period(name, **zone)) for item in items_of(planted, LAB, review)]
        assert {item.review for item in items} == reviews
    month = parse_period("2026-10", **zone)
    study = period_review(planted, system=LAB, range=month, as_of=END)
    frame = study.results["items"].frame.set_index("text")
    item = frame.loc["Review and update SLOs"]
    assert item["verdict"] == "not_measured", "four days of a month do not show that the month was in order"
    assert item["number"].endswith("; only 12.9 % of the period was observed")
    assert "no review was finished before" in repr(review_finding(study))
    assert "since the last review" not in review_table(study).rows[0], "a column that says nothing is not shown"
    slo = slo_compliance(planted, system=LAB, range=month, as_of=END)
    exhausted = slo.results["compliance"].frame.assign(status="spent")
    given = {
        "slo_compliance": replace(slo, results={"compliance": replace(slo.results["compliance"], frame=exhausted)})
    }
    frame = period_review(planted, system=LAB, range=month, as_of=END, studies=given).results["items"].frame
    assert frame.set_index("text").loc["Review and update SLOs", "verdict"] == "attention"


def test_an_item_of_a_report_is_done_by_a_tick_of_its_own_period(planted: Context) -> None:
    at = {name: pd.Timestamp(day, tz="UTC").to_pydatetime() for name, day in
          (("before", "2026-09-30"), ("inside", "2026-10-15"), ("after", "2026-11-02"))}  # fmt: skip
    month = parse_period("2026-10", zone="UTC", week_start="monday", as_of=END)
    names = {"Security review": "before", "Update monitoring documentation": "inside", "Plan monitoring improvements":
             "after"}  # fmt: skip
    for text, when in names.items():
        tick_item(planted, system=LAB, item=text, note=when, at=at[when])
    study = period_review(planted, system=LAB, range=month, as_of=END)
    frame = study.results["items"].frame.set_index("text")
    assert frame.loc[list(names), "verdict"].tolist() == ["open", "done", "open"]
    assert frame.loc[list(names), "note"].tolist() == ["before", "inside", ""], "later ticks are unread"
    finish_review(planted, replace(study, results={"items": replace(study.results["items"], review="month")}),
                  at=at["before"])  # fmt: skip
    again = period_review(planted, system=LAB, range=month, as_of=END)
    assert repr(review_finding(again)).endswith("0 changed since the last finished review, 30 Sep 2026 00:00 UTC.")
    assert set(again.results["items"].frame["changed"]) == {False}


def _day():
    from workbench import TimeRange

    return TimeRange(END - timedelta(days=1), END)
