"""Decisions of people and the figures: exclusions on every surface, policy, review, who said what."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.studies.conftest import END, SYSTEM
from workbench.core.errors import ArchiveError, ParameterError
from workbench.core.timerange import TimeRange
from workbench.store.tables import TableSource
from workbench.studies import Context, overview, slo_attribution, slo_backtest, slo_compliance, slo_what_if
from workbench.studies.counting.definitions import note_definitions
from workbench.studies.decisions.annotations import add_annotation
from workbench.studies.decisions.exclusions import add_exclusion
from workbench.studies.slo.attribution import noted_moments
from workbench.studies.slo.policy import slo_policy, slo_review

pytestmark = pytest.mark.slow

SPAN = TimeRange(datetime(2026, 10, 28, tzinfo=UTC), END)
NIGHT = datetime(2026, 10, 29, tzinfo=UTC)


def row(study, name: str = "quality", result: str = "compliance"):
    return study.results[result].frame.set_index("objective").loc[name]


def asked(ctx: Context):
    return slo_compliance(ctx, system=SYSTEM, range=SPAN, as_of=END)


def test_an_exclusion_counts_at_once_everywhere_and_figures_without_it_stand_beside(lab: Context) -> None:
    before = asked(lab)
    assert before.results["exclusions"].frame.empty
    assert row(before)["bad"] == 24  # two hours of low quality
    kept = add_exclusion(lab, system=SYSTEM, slo="quality", start=NIGHT, duration="2h", reason="Model was exchanged")
    after = asked(lab)
    assert (row(after)["bad"], row(after)["total"]) == (0, row(before)["total"] - 24)
    effect = row(after, result="exclusions")
    assert (effect["bad"], effect["bad_without"], effect["excluded_minutes"]) == (0, 24, 120)
    assert effect["sli_without"] == row(before)["sli"]
    assert row(after, "availability")["bad"] == row(before, "availability")["bad"]
    (window,) = after.results["exclusion_windows"].frame.to_dict("records")
    assert (window["reason"], window["author"], window["exclusion"]) == ("Model was exchanged", "local", kept.id)
    board = overview(lab, system=SYSTEM, range=SPAN, as_of=END).results["board"].frame.set_index("objective")
    assert board.loc["quality", "sli"] == row(after)["sli"] == 1
    assert lab.store is not None
    lab.store.revoke_exclusion(kept.id, at=END, who="ben", why="Customers were affected")
    assert row(asked(lab))["bad"] == 24


def test_an_exclusion_by_label_is_for_the_objectives_that_have_it(lab: Context) -> None:
    service = lab.catalog.objective(SYSTEM, "quality").service
    add_exclusion(lab, system=SYSTEM, labels={"service": service}, start=SPAN.start, end=END, reason="All of it")
    assert set(asked(lab).results["compliance"].frame["status"]) == {"no_data"}
    with pytest.raises(ParameterError, match="No objective of counterfactual-lab has the labels"):
        add_exclusion(lab, system=SYSTEM, labels={"team": "nobody"}, start=NIGHT, duration="1h", reason="x")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"duration": "1h", "reason": " "}, "needs a reason"),
        ({"reason": "x"}, "an end or a duration"),
        ({"duration": "1h", "end": END, "reason": "x"}, "an end or a duration"),
        ({"end": NIGHT - timedelta(hours=1), "reason": "x"}, "before it begins"),
        ({"end": END, "rule": "FREQ=DAILY", "reason": "x"}, "repeats has a duration"),
        ({"duration": "1h", "rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "reason": "x"}, "never comes true"),
        ({"duration": "1h", "slo": "qualty", "reason": "x"}, "no objective 'qualty'"),
        ({"duration": "1h", "semantics": "forget", "reason": "x"}, "no way to exclude"),
        ({"duration": "1h", "zone": "Mars/Base", "reason": "x"}, "No time zone"),
    ],
)
def test_a_wrong_exclusion_is_refused(lab: Context, given: dict, why: str) -> None:
    with pytest.raises(ParameterError, match=why):
        add_exclusion(lab, system=SYSTEM, start=NIGHT, **given)


def test_figures_are_unavailable_where_exclusions_cannot_be_read(lab: Context, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    broken = replace(lab, store=type(lab.store)(f"sqlite:///{tmp_path / 'file' / 'store.db'}"))
    for study in (asked(broken), overview(broken, system=SYSTEM, as_of=END)):
        assert any("Exclusions cannot be read" in text for text in study.warnings)
        assert study.status == "unavailable"
    assert math.isnan(row(asked(broken))["bad"])
    assert math.isnan(row(asked(broken))["sli"])


@pytest.mark.parametrize("harm", ["deleted", "emptied", "scrambled"])
def test_a_store_that_was_there_is_never_made_anew_without_a_word(lab: Context, tmp_path, harm) -> None:
    add_exclusion(lab, system=SYSTEM, start=NIGHT, duration="1h", reason="Move")
    lab.store.close()
    file = tmp_path / "store.db"
    for beside in ("-wal", "-shm"):
        file.with_name(file.name + beside).unlink(missing_ok=True)
    if harm == "deleted":
        file.unlink()
    else:
        file.write_bytes(b"" if harm == "emptied" else b"scrambled" * 5_000)
    again = replace(lab, store=type(lab.store)(f"sqlite:///{file}"))
    study = asked(again)
    assert study.status == "unavailable"
    assert any(str(file) in text for text in study.warnings)
    with pytest.raises(ArchiveError):
        add_exclusion(again, system=SYSTEM, start=NIGHT, duration="1h", reason="Move")
    assert file.exists() == (harm != "deleted")


def test_a_store_deleted_under_a_running_process_is_an_error(lab: Context, tmp_path) -> None:
    add_exclusion(lab, system=SYSTEM, start=NIGHT, duration="1h", reason="Move")
    (tmp_path / "store.db").unlink()
    assert asked(lab).status == "unavailable"


def test_annotations_stand_in_the_range_they_touch(lab: Context) -> None:
    add_annotation(lab, system=SYSTEM, kind="deploy", start=NIGHT, text="Release 2.4", link="https://tickets/1")
    add_annotation(lab, system=SYSTEM, kind="incident", start=NIGHT, end=NIGHT + timedelta(hours=2), text="Low quality")
    later = TimeRange(NIGHT + timedelta(hours=1), END)
    study = slo_compliance(lab, system=SYSTEM, range=later, as_of=END, slo="quality")
    assert study.results["happened"].frame["text"].tolist() == ["Low quality"]
    assert len(asked(lab).results["happened"].frame) == 2
    for wrong in ({"kind": "party"}, {"text": ""}, {"end": NIGHT}, {"link": "javascript:alert(1)"}, {"slo": "none"}):
        with pytest.raises(ParameterError):
            add_annotation(lab, **{"system": SYSTEM, "kind": "deploy", "start": NIGHT, "text": "x", **wrong})


def test_deployments_and_incidents_of_tables_are_annotations_of_their_system(lab: Context, tmp_path) -> None:
    when = NIGHT.isoformat()
    (tmp_path / "d.csv").write_text(f"time,service,version,url\n{when},{SYSTEM},v2.4,https://ci/1\n{when},other,v9,\n")
    (tmp_path / "i.csv").write_text(
        f"id,starts_at,resolved_at,url\nINC-7,{when},2026-11-01T00:00Z,javascript:alert(1)\n"
    )
    tables = {
        "deploys": TableSource("deploys", tmp_path / "d.csv", holds="deployments"),
        "incidents": TableSource("incidents", tmp_path / "i.csv", holds="incidents"),
        "gone": TableSource("gone", tmp_path / "none.csv", holds="incidents"),
        "elsewhere": TableSource("elsewhere", tmp_path / "i.csv", holds="incidents"),
    }
    context = replace(lab, tables=tables, serves={"elsewhere": ("conduit",)})
    result = asked(context).results["happened"]
    assert result.frame[["kind", "text", "link", "author"]].values.tolist() == [
        ["deploy", f"{SYSTEM}: v2.4", "https://ci/1", "table deploys"],
        ["incident", "INC-7", "", "table incidents"],
    ]
    assert result.frame["end"].notna().tolist() == [False, True]
    assert result.notes == (f"gone: There is no file at {tmp_path / 'none.csv'}.",)
    warnings: list[str] = []
    moments = noted_moments(context, SYSTEM, warnings)
    assert [(one.kind, one.time) for one in moments] == [("deploy", NIGHT), ("incident", NIGHT)]
    assert warnings == list(result.notes)


def test_a_changed_target_splits_the_period_and_each_part_keeps_its_own(lab: Context) -> None:
    change = NIGHT + timedelta(hours=12)
    note_definitions(lab, SYSTEM, at=SPAN.start - timedelta(days=9))
    assert note_definitions(lab, SYSTEM, at=NIGHT) == ()
    assert asked(lab).results["definitions"].frame.empty
    stricter = [
        replace(one, target=Decimal("0.9995")) if one.id == "availability" else one
        for one in lab.catalog.objectives[SYSTEM]
    ]
    changed = replace(lab, catalog=replace(lab.catalog, objectives={**lab.catalog.objectives, SYSTEM: tuple(stricter)}))
    assert note_definitions(changed, SYSTEM, at=change) == ("availability",)
    study = asked(changed)
    parts = study.results["definitions"].frame
    assert parts["objective"].tolist() == ["availability"] * 2
    old = float(lab.catalog.objective(SYSTEM, "availability").target)
    assert parts["target"].tolist() == [old, 0.9995]
    assert parts["end"].iloc[0] == parts["start"].iloc[1] == change
    whole = row(study, "availability")
    assert (parts["bad"].sum(), parts["total"].sum()) == (whole["bad"], whole["total"])
    assert parts["budget_total"].iloc[0] == pytest.approx((1 - old) * parts["total"].iloc[0])
    (moment,) = study.results["happened"].frame.to_dict("records")
    assert (moment["kind"], moment["slo"]) == ("definition", "availability")
    assert moment["text"].endswith("to 99.9500 %")


def test_the_policy_and_the_review_read_what_the_figures_say(lab: Context) -> None:
    state = slo_policy(lab, system=SYSTEM, as_of=END).results["policy"].frame
    reached = state[state["state"] == "reached"]
    assert set(state["objective"]) == {one.id for one in lab.catalog.objectives[SYSTEM]}
    assert (reached["consequence"] != "").all()
    review = slo_review(lab, system=SYSTEM, as_of=END).results["review"].frame.set_index("objective")
    assert review.loc["quality", "finding"] in ("due", "low_coverage")
    add_annotation(lab, system=SYSTEM, kind="review", start=END - timedelta(days=1), text="Target is right")
    assert not slo_review(lab, system=SYSTEM, as_of=END).results["review"].frame["reviewed"].isna().any()


def test_what_is_excluded_spent_nothing_in_attribution_replay_and_what_if(lab: Context) -> None:
    def figures() -> tuple[int, float, float, float]:
        attributed = slo_attribution(lab, system=SYSTEM, range=SPAN, as_of=END, slo="quality", records=False)
        replayed = slo_backtest(lab, system=SYSTEM, range=SPAN, as_of=END, slo="quality")
        tried = slo_what_if(lab, system=SYSTEM, slo="quality", range=SPAN, as_of=END).results["what_if"].frame
        spent = attributed.results["spending"].frame
        return (
            int((spent["kind"] == "episode").sum()),
            float(spent["bad"].sum()),
            float(replayed.results["spending"].frame["bad"].sum()),
            float(1 - tried.loc[tried["as_defined"], "sli"].iloc[0]),
        )

    assert figures()[:3] == (1, 24, 24)
    add_exclusion(lab, system=SYSTEM, slo="quality", start=NIGHT, duration="2h", reason="Model was exchanged")
    assert figures() == (0, 0, 0, 0)


@pytest.mark.parametrize("semantics", ["remove_time", "remove_events", "count_good"])
def test_contributions_still_add_up_to_what_was_spent(lab: Context, semantics: str) -> None:
    add_exclusion(lab, system=SYSTEM, slo="availability", start=NIGHT, duration="7h", semantics=semantics, reason="x")
    study = slo_attribution(lab, system=SYSTEM, range=SPAN, as_of=END, slo="availability", records=False)
    shared, spent = study.results["contributions"].frame, study.results["spending"].frame
    for label in ("status", "instance"):
        assert shared[shared["label"] == label]["bad"].sum() == spent["bad"].sum()


def test_deploys_and_incidents_stand_beside_the_episode_they_came_before(lab: Context) -> None:
    add_annotation(lab, system=SYSTEM, kind="deploy", start=NIGHT - timedelta(hours=1), text="Release 2.4")
    add_annotation(lab, system=SYSTEM, kind="incident", start=NIGHT, text="Low quality", slo="quality")
    add_annotation(lab, system=SYSTEM, kind="incident", start=NIGHT, text="Another objective", slo="availability")
    add_annotation(lab, system=SYSTEM, kind="comment", start=NIGHT, text="Coffee")
    study = slo_attribution(lab, system=SYSTEM, range=SPAN, as_of=END, slo="quality", records=False)
    told = study.results["companions"].frame
    assert told[["kind", "what"]].to_numpy().tolist() == [["deploy", "Release 2.4"], ["incident", "Low quality"]]
    assert told["lag_s"].tolist() == [-3600, 0]
