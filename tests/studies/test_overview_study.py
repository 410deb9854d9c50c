from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import Catalog
from workbench.core.errors import ParameterError
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange
from workbench.store import Store
from workbench.studies import Context, alert_load, open_context, overview, slo_compliance, source_states
from workbench.studies.overview.state import read_system_state
from workbench.studies.sources.unavailable import UnavailableSource

pytestmark = pytest.mark.slow

SYSTEM = "counterfactual-lab"
END = datetime(2026, 11, 1, tzinfo=UTC)


class Counted(ArchiveSource):
    """The archive, counting how often it is read."""

    def __init__(self, archive: Archive) -> None:
        super().__init__("counted", archive)
        self.reads = 0

    def raw(self, selector: str, span: TimeRange) -> SeriesSet:
        self.reads += 1
        return super().raw(selector, span)


@pytest.fixture
def source(lab_archive: Archive) -> Counted:
    return Counted(lab_archive)


def test_the_board_has_the_numbers_of_the_slo_study_worst_first(lab: Context) -> None:
    board = overview(lab, as_of=END).results["board"].frame
    study = slo_compliance(lab, system=SYSTEM, as_of=END).results["compliance"].frame
    mine = board[board["system"] == SYSTEM].set_index("objective")
    pd.testing.assert_frame_equal(mine[["sli", "bad", "status"]].sort_index(),
                                  study.set_index("objective")[["sli", "bad", "status"]].sort_index())  # fmt: skip
    assert mine["status"].iloc[0] == "spent"


def test_a_look_at_an_earlier_period_makes_the_data_of_now_no_older(
    source: Counted, lab_archive: Archive, context_over: Callable[..., Context]
) -> None:
    ctx = context_over(source)
    spans = [TimeRange(END - timedelta(days=ago + 4), END - timedelta(days=ago)) for ago in (0, 3)]
    now, before = (overview(ctx, system=SYSTEM, range=span, as_of=span.end) for span in spans)
    assert now.freshness is not None
    assert before.freshness is not None
    assert now.freshness - before.freshness > timedelta(days=2)
    other = replace(context_over(Counted(lab_archive)), store=ctx.store)  # as another process: nothing is in memory
    again = overview(other, system=SYSTEM, range=spans[0], as_of=END)
    assert again.freshness is not None
    assert timedelta(0) <= now.freshness - again.freshness <= timedelta(minutes=5)


def test_a_second_look_is_answered_from_the_store_with_equal_numbers(
    source: Counted, context_over: Callable[..., Context]
) -> None:
    ctx = context_over(source)
    first = overview(ctx, system=SYSTEM, as_of=END)
    reads = source.reads
    again = overview(
        replace(ctx, clock=lambda: END + timedelta(minutes=4)), system=SYSTEM, as_of=END + timedelta(minutes=4)
    )
    assert source.reads == reads > 0
    pd.testing.assert_frame_equal(again.results["board"].frame, first.results["board"].frame)
    assert (again.status, again.freshness, again.coverage) == (first.status, first.freshness, first.coverage)


@pytest.mark.parametrize("instant", [END, END + timedelta(minutes=6)])
def test_counts_read_long_ago_are_read_again_also_of_a_period_that_is_over(
    instant: datetime, source: Counted, context_over: Callable[..., Context]
) -> None:
    ctx = context_over(source)
    overview(ctx, system=SYSTEM, as_of=END)
    elsewhere = Counted(source.archive)  # of a process that remembers nothing: only the store has counts
    later = replace(ctx, sources={source.name: elsewhere}, clock=lambda: END + timedelta(minutes=6))
    overview(later, system=SYSTEM, as_of=instant)
    assert elsewhere.reads == source.reads > 0


def test_a_wider_period_is_not_patched_from_counts_read_long_ago(
    source: Counted, context_over: Callable[..., Context]
) -> None:
    ctx = context_over(source)
    overview(ctx, system=SYSTEM, range=TimeRange(END - timedelta(days=9), END), as_of=END)
    later = replace(ctx, clock=lambda: END + timedelta(hours=1))
    overview(later, system=SYSTEM, range=TimeRange(END - timedelta(days=3), END), as_of=END)
    reads = source.reads
    overview(later, system=SYSTEM, range=TimeRange(END - timedelta(days=2), END), as_of=END)
    assert source.reads == reads
    elsewhere = Counted(source.archive)
    again = replace(later, sources={source.name: elsewhere})
    overview(again, system=SYSTEM, range=TimeRange(END - timedelta(days=9), END), as_of=END)
    assert elsewhere.reads > 0


def test_a_changed_target_is_judged_at_once_on_the_stored_counts(
    source: Counted, context_over: Callable[..., Context]
) -> None:
    ctx = context_over(source)
    overview(ctx, system=SYSTEM, as_of=END)
    reads = source.reads
    easier = tuple(replace(one, target=Decimal("0.5")) for one in ctx.catalog.objectives[SYSTEM])
    eased = overview(replace(ctx, catalog=Catalog(ctx.catalog.profiles, {SYSTEM: easier})), system=SYSTEM, as_of=END)
    assert source.reads == reads
    assert "spent" not in set(eased.results["board"].frame["status"])


def test_a_changed_query_is_counted_anew(source: Counted, context_over: Callable[..., Context]) -> None:
    ctx = context_over(source)
    overview(ctx, system=SYSTEM, as_of=END)
    reads = source.reads
    other = tuple(replace(one, indicator=ctx.catalog.objective(SYSTEM, "latency-p99").indicator)
                  if one.id == "latency-p95" else one for one in ctx.catalog.objectives[SYSTEM])  # fmt: skip
    overview(replace(ctx, catalog=Catalog(ctx.catalog.profiles, {SYSTEM: other})), system=SYSTEM, as_of=END)
    assert source.reads > reads


def test_a_store_that_cannot_be_used_leaves_the_board_without_figures(
    lab_archive: Archive, context_over: Callable[..., Context], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    ctx = context_over(ArchiveSource("demo", lab_archive), store=Store(f"sqlite:///{tmp_path / 'file' / 'store.db'}"))
    study = overview(ctx, system=SYSTEM, as_of=END)
    assert study.status == "unavailable"
    assert any("The store is not used" in warning for warning in study.warnings)


def test_no_store_is_needed(lab_archive: Archive, context_over: Callable[..., Context]) -> None:
    ctx = context_over(ArchiveSource("demo", lab_archive), store=None)
    assert overview(ctx, system=SYSTEM, as_of=END).status == "spent"


def test_a_source_that_is_away_shows_every_goal_as_unavailable(context_over: Callable[..., Context]) -> None:
    closed = UnavailableSource("main", "http://prometheus:9090", "Nobody answers.")
    study = overview(context_over(closed), system=SYSTEM, as_of=END)
    assert set(study.results["board"].frame["status"]) == {"unavailable"}
    assert study.status == "unavailable"


def test_an_unknown_system_is_an_error_of_the_caller(lab: Context) -> None:
    with pytest.raises(ParameterError, match="no system 'nowhere'"):
        overview(lab, system="nowhere", as_of=END)


def test_every_source_says_how_it_is(lab_archive: Archive, context_over: Callable[..., Context]) -> None:
    ctx = context_over(
        ArchiveSource("demo", lab_archive),
        UnavailableSource("main", "http://prometheus:9090", "The CA file is missing.", kind="prometheus", exit_code=6),
        serves={"main": ("other",)},
    )
    study = source_states(ctx, as_of=END + timedelta(hours=1))
    table = study.results["sources"].frame.set_index("name")
    assert table["status"].to_dict() == {"demo": "ok", "main": "unavailable"}
    assert table["exit_code"].to_dict() == {"demo": 0, "main": 6}
    assert table["systems"].to_dict() == {"demo": "all", "main": "other"}
    assert (table.loc["demo", "age_s"], bool(table.loc["demo", "stale"])) == (3600, True)
    assert study.status == "unavailable"
    assert study.warnings == ("main: The CA file is missing.",)
    one = source_states(ctx, system=SYSTEM, as_of=END).results["sources"].frame
    assert one["name"].tolist() == ["demo"]


@pytest.mark.parametrize(
    ("system", "hours"), [("conduit", 12), ("llm-ab-testing", 12), ("counterfactual-lab", 34), ("choreoai", 204)]
)
def test_an_alert_fires_since_the_instant_that_the_alerts_page_gives(shared_settings, system: str, hours: int) -> None:
    ctx, at = open_context(shared_settings), END - timedelta(hours=hours)
    state = read_system_state(ctx, system, as_of=at)
    since = {(row["alertname"], pd.Timestamp(row["since"])) for row in state.firing}
    assert since
    span = TimeRange(at - timedelta(days=20), at)
    episodes = alert_load(ctx, system=system, range=span, as_of=at).results["episodes"].frame
    last = episodes.groupby("alertname")["starts_at"].apply(list)
    for name, instant in since:
        assert min(abs(start - instant) for start in last[name]) <= timedelta(minutes=1)


@pytest.mark.parametrize("minutes", [12, 40])
def test_thresholds_are_not_kept_now_by_samples_of_a_while_ago(
    source: Counted, context_over: Callable[..., Context], minutes: int
) -> None:
    """The archive ends at END: what held then is not known minutes later, and no card calls it OK."""
    ctx = context_over(source)
    fresh, stale = (read_system_state(ctx, SYSTEM, as_of=END + timedelta(minutes=late)) for late in (0, minutes))
    assert fresh.read["limit"] == 4, "of seven; the others have no series in this archive"
    assert stale.read["limit"] == 0
